//! The promises of the bridge, each by its number, as far as the machine decides them: one scenario after the
//! other on a virtual stage, to the millisecond.

#![cfg(not(target_arch = "wasm32"))]

mod fetching;
mod harness;
mod leaving;
mod policies;
mod refreshing;
mod rejection;
mod state;
mod stored;
