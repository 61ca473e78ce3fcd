//! How each kind of backend wants to be treated: the differences between them, as data. The reasons stand
//! with each promise of H; the mechanics of each client stand in its TypeScript adapter.

use super::super::identity::Name;

/// The differences between kinds of backends.
#[derive(Debug, PartialEq, Eq)]
pub struct Policy {
    /// It can be told to send nothing until it knows whose it is, and that nobody is signed in.
    pub holds: bool,
    /// A switch of users goes straight over; else it is detached between them (H4, D3).
    pub switches_directly: bool,
    /// A change of session, organization or role is an update; else it is detached and attached anew.
    pub updates_identity: bool,
    /// A step may be followed by the next before it has settled; else its end is waited for (D2).
    pub interruptible: bool,
    /// It keeps data of the user on the device: whose it is, is remembered, and the next user is not
    /// attached before it is cleared (D3, D4).
    pub keeps_data: bool,
}

/// A backend of the application's own, by `defineBackend`: nothing is known of it, so it gets the careful way.
pub const CUSTOM: Policy = Policy {
    holds: false,
    switches_directly: false,
    updates_identity: false,
    interruptible: false,
    keeps_data: true,
};

/// Convex: a socket that can be paused, whose identity is replaced in one message (H1-H7).
pub const CONVEX: Policy = Policy {
    holds: true,
    switches_directly: true,
    updates_identity: true,
    interruptible: true,
    keeps_data: false,
};

/// Which token a backend wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Template {
    /// The session token (none) or this JWT template's.
    Fixed(Name),
    /// The session token if it is meant for Convex, else this template's (B5).
    UnlessFits(Name),
}

impl Template {
    /// The template to use, as far as it is known by now whether the session token fits.
    pub fn choose(self, fits: Option<bool>) -> Option<Name> {
        match self {
            Self::Fixed(template) => Some(template),
            Self::UnlessFits(template) => Some(if fits? { Name::NONE } else { template }),
        }
    }
}
