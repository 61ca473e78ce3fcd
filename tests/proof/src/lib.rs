//! Proofs of the bridge's promises over many tabs, natively and without a browser.
//!
//! [`world`] is a deterministic simulation: a browser with up to 64 tabs, each with a machine of its own, and
//! everything around them. A [`scenario::Scenario`] follows from one number; what happens in it can be left out
//! piece by piece ([`shrink`]) while it still breaks a promise. Start reading at [`world::World::run`].
//!
//! [`model`] is exhaustive instead: two tabs, and every order in which a few things can happen.

#![cfg(not(target_arch = "wasm32"))]

pub mod model;
pub mod mutants;
pub mod prove;
pub mod random;
pub mod scenario;
pub mod shrink;
pub mod world;
