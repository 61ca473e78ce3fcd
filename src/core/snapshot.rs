//! What is published: the state that applications render. It must change only when something it says
//! changes, so that rotations re-render nothing (A2, A5).

use super::failure::Code;
use super::identity::{Name, Session};

/// Whether somebody is signed in and accepted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub enum Status {
    /// Not known yet.
    #[default]
    Loading = 0,
    /// Signed in, and accepted by the backend.
    Authenticated = 1,
    /// Signed out, or refused.
    Unauthenticated = 2,
}

/// The published state of one backend.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BackendState {
    /// Whether it has accepted the user.
    pub status: Status,
    /// A token was rejected or ran out and is being replaced (A4).
    pub is_refreshing: bool,
    /// Why it is not authenticated.
    pub error: Option<Code>,
}

/// The published state of the bridge.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// Authenticated only if every backend is (A2).
    pub status: Status,
    /// A token was rejected or ran out and is being replaced (A4).
    pub is_refreshing: bool,
    /// The session signed in to Clerk; nobody's if nobody is.
    pub session: Session,
    /// While loading: the user who was signed in here last, and their organization.
    pub remembered: (Name, Name),
    /// What is wrong.
    pub error: Option<Code>,
    /// With which backend.
    pub error_backend: Option<usize>,
}
