//! The machine that takes every decision. It is given the time and an event, and answers with effects;
//! it must never read a clock, draw a random number, touch a browser or panic, so that each promise of
//! the bridge can be proved natively over any schedule of events.
//!
//! Start reading at [`bridge`]; [`event`] and [`effect`] are its whole contact with the world.

#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]
#![cfg_attr(
    test,
    allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::arithmetic_side_effects)
)]

pub mod backend;
pub mod bridge;
pub mod calls;
pub mod clock;
pub mod context;
pub mod effect;
pub mod event;
pub mod failure;
pub mod identity;
pub mod options;
pub mod retry;
pub mod rules;
pub mod schedule;
pub mod slot;
pub mod snapshot;
pub mod tabs;
pub mod token;
pub mod vault;

pub use bridge::Bridge;
pub use clock::{Millis, Now};
pub use effect::Effect;
pub use event::Event;
pub use options::Options;
