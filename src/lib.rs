//! `clerk-bridge` keeps backend clients (Convex, InstantDB, Triplit, Hasura, plain HTTP) authenticated
//! with Clerk. All decisions are taken by one machine that does no I/O; a shell carries them out.
//!
//! | room | what it is for | may depend on |
//! |---|---|---|
//! | [`core`] | the machine: `(now, event)` in, effects out. No browser, no clock, no randomness, no panics | nothing |
//! | `browser` | the way in, only on `wasm32`: the machine behind numbers, and its two faces: plain exports and a class | `core` |
//!
//! The TypeScript in `pkg-template` is the shell (timers, storage, page events, the token source), publishes
//! the state and tells the backend clients what the machine decided. Arrows run one way: `pkg-template` to `browser` to `core`.

#![cfg_attr(not(feature = "std"), no_std)]
#![deny(missing_docs)]
#![deny(unsafe_code)]

extern crate alloc;

pub mod core;

#[cfg(target_arch = "wasm32")]
#[cfg_attr(feature = "std", allow(unsafe_code))] // what wasm-bindgen generates
pub mod browser;

#[cfg(all(target_arch = "wasm32", not(feature = "std")))]
mod lean;

/// What every module of a crate without the standard library needs.
mod prelude {
    #[cfg(test)]
    pub use alloc::borrow::ToOwned;
    #[cfg(test)]
    pub use alloc::string::String;
    pub use alloc::vec;
    pub use alloc::vec::Vec;
}
