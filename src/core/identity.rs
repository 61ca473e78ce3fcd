//! Who is signed in, and which epoch that is. Everything fetched, attached or awaited belongs to one
//! epoch; a result of an older one must never change anything (D1). Ids are told apart by [`Name`], a
//! number for a string that the shell keeps: the machine compares them and never reads them.

use super::effect::ids;

ids! {
    /// A string that the shell keeps: the id of a user, session or organization, a role, a template. The
    /// same string has the same number; 0 is none.
    Name
    /// Counts the changes of user, session, organization and role.
    Epoch
}

impl Name {
    /// No string; as a template, the session token.
    pub const NONE: Self = Self(0);
}

/// A signed-in session, as the token source shows it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Session {
    /// The user.
    pub user: Name,
    /// The session.
    pub id: Name,
    /// The active organization.
    pub org: Name,
    /// The role in it.
    pub role: Name,
    /// Whether the session token is meant for Convex, where the source knows it without a fetch.
    pub fits: Option<bool>,
}

impl Session {
    /// Whether both are the same user in the same session, organization and role.
    pub fn is_same(self, other: Self) -> bool {
        self == Self { fits: self.fits, ..other }
    }

    /// Whether both act for the same organization in the same role.
    pub fn is_same_organization(self, other: Self) -> bool {
        self.org == other.org && self.role == other.role
    }
}

/// What the token source says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// Not known yet, or not at the moment (A7).
    Unknown,
    /// It cannot start (A6).
    Failed,
    /// Nobody is signed in. The only sign-out there is (B2).
    SignedOut,
    /// Somebody is, in an active session (A8).
    SignedIn(Session),
}

/// Who the bridge acts for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// Not known yet.
    Unknown,
    /// Not known, and Clerk could not be asked in time (A6).
    Unreachable,
    /// Nobody.
    Nobody,
    /// This user.
    User(Session),
}
