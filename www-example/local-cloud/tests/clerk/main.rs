//! The Clerk stand-in over HTTP, as clerk-js and the tests' control see it.

mod control;
mod faults;
mod sessions;
mod sign_in;
mod support;
mod tokens;
