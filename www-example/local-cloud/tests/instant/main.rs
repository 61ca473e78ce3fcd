//! The Instant stand-in over HTTP and over real sockets. The tests speak the protocol by hand, so that they
//! can also send what the real client never would.

mod client;
mod exchange;
mod faults;
mod rows;
mod sessions;
