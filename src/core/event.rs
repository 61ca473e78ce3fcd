//! What can happen to the bridge: everything the shell may tell the machine. Results carry the id of the
//! request or step they answer; an id the machine no longer waits for changes nothing (D1).

use super::backend::Setup;
use super::effect::{CallerId, LeaveId, RequestId, StepId, TokenId};
use super::failure::Failure;
use super::identity::{Name, Session, Source};
use super::tabs::Message;
use super::token::Claims;

/// Something happened.
#[derive(Clone, Copy, Debug)]
pub enum Event {
    /// One more backend is to be kept authenticated. Before [`Event::Start`].
    Backend(Setup),
    /// An earlier page load remembers who was signed in here, and their organization.
    Remembered(Name, Name),
    /// An earlier page load says whose data the backend at this index holds (D4).
    Owner(usize, Name),
    /// An earlier load of this page was in this session (F3).
    Restored(Session),
    /// ... and held this token of this template.
    RestoredToken(Name, TokenId, Claims),
    /// There are other tabs to talk to, should there be any (E4). Before [`Event::Start`].
    Shared,
    /// The source is being listened to.
    Start,
    /// What the token source says now; told at every change, and again whenever in doubt.
    Source(Source),
    /// A fetch brought a token.
    Fetched(RequestId, TokenId, Claims),
    /// A fetch brought no token.
    FetchFailed(RequestId, Failure),
    /// The timer fired.
    Tick,
    /// The page became visible or focused, was restored, or went online (B3, C4).
    Woke(Wake),
    /// The application wants a token.
    Ask(CallerId, Ask),
    /// A step of a backend ended well.
    StepDone(StepId),
    /// A step of a backend failed.
    StepFailed(StepId, Refusal),
    /// A detach of the backend at this index, in this page load or an earlier one, left a session of the
    /// backend's own that is still to be revoked (D5).
    Owes(usize, TokenId),
    /// Some time after this step was done, the backend refused its token.
    Rejected(StepId, Refusal),
    /// The application's `onLeave` callbacks are through.
    Left(LeaveId),
    /// The application signs out.
    SignOut(CallerId),
    /// The source's sign-out settled: whether it succeeded.
    SourceSignedOut(RequestId, bool),
    /// Another tab says so; nothing but the shape was checked. With a token come its claims.
    Heard(Message, Claims),
    /// The lock that this tab stands in line for is its own from now on, or was taken from it (E3).
    Lead(bool),
    /// The bridge is no longer needed.
    Dispose,
}

/// Why the page is worth a look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wake {
    /// Visible, focused or shown again.
    Seen,
    /// The network is back: what is in flight may be stuck in a retry of Clerk's.
    Online,
}

/// A wish for a token.
#[derive(Clone, Copy, Debug)]
pub enum Ask {
    /// Any good token of this template.
    Good(Name),
    /// A freshly minted one.
    Fresh(Name),
    /// A better one than this, which a call to this backend was refused with (G3).
    Instead(usize, TokenId),
}

/// Why a backend did not take a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It never got to see it: network trouble and the like.
    Transient,
    /// It saw it and refused it (H5).
    Refused,
    /// Retrying cannot help: claims, audience, role or a name are wrong.
    Config,
}
