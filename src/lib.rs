//! `clerk-bridge` keeps backend clients (Convex, InstantDB, Triplit, Hasura, plain HTTP) authenticated
//! with Clerk. All decisions are taken by one machine that does no I/O; the browser shell carries them out.
//!
//! | room | what it is for | may depend on |
//! |---|---|---|
//! | [`core`] | the machine: `(now, event)` in, effects out. No browser, no clock, no randomness, no panics | nothing |
//! | `browser` | the shell, only on `wasm32`: timers, storage, page events, the token source, the exported class | `core` |
//!
//! The TypeScript in `pkg-template` loads the shell, publishes its state and tells the backend clients
//! what the machine decided. Arrows run one way: `pkg-template` to `browser` to `core`.

#![cfg_attr(not(feature = "std"), no_std)]
#![deny(missing_docs)]
#![deny(unsafe_code)]

extern crate alloc;

pub mod core;

#[cfg(target_arch = "wasm32")]
#[allow(unsafe_code)] // what wasm-bindgen generates
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
