//! How each kind of backend wants to be treated: the differences between them, as data. The reasons stand
//! with each promise of H; the mechanics of each client stand in its TypeScript adapter.

use super::super::identity::{Name, Session};

/// The differences between kinds of backends: a set of traits. Without any, a backend is treated with care:
/// it is told every token, and detached whenever who is signed in changes in any way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Policy(pub u32);

impl Policy {
    /// It can be told to send nothing until it knows whose it is, and that nobody is signed in.
    pub const HOLDS: Self = Self(1);
    /// A switch of users goes straight over; else it is detached between them (H4, D3).
    pub const SWITCHES_DIRECTLY: Self = Self(1 << 1);
    /// A step may be followed by the next before it has settled; else its end is waited for (D2).
    pub const INTERRUPTIBLE: Self = Self(1 << 2);
    /// It keeps data of the user on the device: whose it is, is remembered, and the next user is not
    /// attached before it is cleared (D3, D4).
    pub const KEEPS_DATA: Self = Self(1 << 3);
    /// ... and the application wants it kept through a sign-out, for when the user comes back.
    pub const KEEPS_SIGNED_OUT: Self = Self(1 << 4);
    /// ... and so when it refuses the user's tokens: what was not sent yet may be taken later.
    pub const KEEPS_REJECTED: Self = Self(1 << 9);
    /// Another session of the same user is told as an update; else it is detached and attached anew.
    pub const UPDATES_SESSION: Self = Self(1 << 5);
    /// So is another organization or role.
    pub const UPDATES_ORGANIZATION: Self = Self(1 << 6);
    /// It makes a session of its own from the first token, and has no use for another (H10).
    pub const EXCHANGES: Self = Self(1 << 7);
    /// A refused token is replaced once, not three times (H14, H21).
    pub const ONE_TRY: Self = Self(1 << 8);

    /// The policy for the kind of this number, as adapters give it. Any other is the application's own, by
    /// `defineBackend`: nothing is known of it.
    pub const fn of(kind: u32) -> Self {
        match kind {
            1 => CONVEX,
            2 => INSTANT,
            3 => TRIPLIT,
            4 | 5 => CALLS,
            _ => CUSTOM,
        }
    }

    /// Both sets.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether it has this trait.
    pub const fn has(self, this: Self) -> bool {
        self.0 & this.0 != 0
    }

    /// Whether `now`, of the same user as `told`, can be told as an update.
    pub fn updates(self, told: Session, now: Session) -> bool {
        self.has(Self::UPDATES_ORGANIZATION)
            || (self.has(Self::UPDATES_SESSION) && told.is_same_organization(now))
    }
}

/// A backend of the application's own.
pub const CUSTOM: Policy = Policy::KEEPS_DATA;

/// Convex: a socket that can be paused, whose identity is replaced in one message (H1-H7).
pub const CONVEX: Policy = CALLS.with(Policy::SWITCHES_DIRECTLY).with(Policy::INTERRUPTIBLE);

/// Instant: one exchange, and a session that lasts until it is ended (H10-H15).
pub const INSTANT: Policy = Policy::KEEPS_DATA.with(Policy::EXCHANGES).with(Policy::ONE_TRY);

/// Triplit: a socket that is fed with tokens, and whose rights are those it was opened with (H20-H23).
pub const TRIPLIT: Policy =
    Policy::KEEPS_DATA.with(Policy::KEEPS_REJECTED).with(Policy::UPDATES_SESSION).with(Policy::ONE_TRY);

/// Hasura and plain HTTP: every call carries a token of its own (G, H30-H33).
pub const CALLS: Policy = Policy::HOLDS.with(Policy::UPDATES_SESSION).with(Policy::UPDATES_ORGANIZATION);

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
