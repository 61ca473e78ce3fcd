//! The Convex stand-in against the rules of the real sync protocol, over real sockets. The tests speak the
//! protocol by hand, so that they can also break it.

mod calls;
mod client;
mod faults;
mod http;
mod rules;
