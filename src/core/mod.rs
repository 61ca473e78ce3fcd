//! The machine that takes every decision. It is given the time and an event, and answers with effects;
//! it must never read a clock, draw a random number, touch a browser or panic, so that each promise of
//! the bridge can be proved natively over any schedule of events.
//!
//! Start reading at [`bridge`]; [`event`] and [`effect`] are its whole contact with the world.
//!
//! ```
//! use clerk_bridge::core::backend::{Setup, Template, policy};
//! use clerk_bridge::core::effect::{Command, TokenId};
//! use clerk_bridge::core::identity::{Name, Session, Source};
//! use clerk_bridge::core::snapshot::Status;
//! use clerk_bridge::core::token::sum_up;
//! use clerk_bridge::core::{Bridge, Effect, Event, Millis, Now, Options};
//!
//! // Whoever drives it keeps the strings, and the clocks.
//! let (user, session, token) = (Name(1), Name(2), TokenId(3));
//! let at = |ms| Now { wall: Millis(1_800_000_000_000 + ms), mono: Millis(ms) };
//!
//! let mut bridge = Bridge::new(Options::default());
//! let own = Setup { policy: policy::CUSTOM, template: Template::Fixed(Name::NONE) };
//! bridge.handle(at(0), Event::Backend(own));
//! bridge.handle(at(0), Event::Start);
//!
//! // Somebody is signed in: a token is to be fetched.
//! let ada = Session { user, id: session, ..Session::default() };
//! let effects = bridge.handle(at(5), Event::Source(Source::SignedIn(ada)));
//! let fetch = effects.iter().find_map(|effect| match effect {
//!     Effect::Fetch { request, .. } => Some(*request),
//!     _ => None,
//! });
//!
//! // It came: the backend is to be given it.
//! let claims = sum_up("any-token", "user_ada", "sess_1").unwrap_or_default();
//! let effects = bridge.handle(at(90), Event::Fetched(fetch.unwrap(), token, claims));
//! let step = effects.iter().find_map(|effect| match effect {
//!     Effect::Run { step, command: Command::Attach(_), .. } => Some(*step),
//!     _ => None,
//! });
//!
//! // The backend has taken it.
//! let effects = bridge.handle(at(120), Event::StepDone(step.unwrap()));
//! assert!(effects.contains(&Effect::Publish));
//! assert_eq!(bridge.snapshot().status, Status::Authenticated);
//! ```

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
