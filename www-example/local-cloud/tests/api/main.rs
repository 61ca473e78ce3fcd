//! The plain API: who it answers as, its odd routes and its faults, over real requests.

mod faults;
mod routes;
mod support;
