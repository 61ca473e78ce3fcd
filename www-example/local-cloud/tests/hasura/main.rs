//! The Hasura stand-in against the rules of the real service, over real requests and sockets. The tests
//! speak the protocols by hand, so that they can also break them.

mod client;
mod faults;
mod http;
mod refusals;
mod socket;
