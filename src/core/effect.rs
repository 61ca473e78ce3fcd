//! What the bridge wants done: everything the machine may ask of the shell. Effects are carried out in
//! order, after the machine has been left, so that what they call may call the machine again.

use super::clock::Millis;
use super::failure::Code;
use super::identity::{Name, Session};
use super::tabs::Message;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
        pub struct $name(pub u32);

        impl $name {
            /// Later than any other.
            pub const MAX: Self = Self(u32::MAX);

            /// The one after this.
            pub fn next(self) -> Self {
                Self(self.0.wrapping_add(1))
            }
        }
    )*};
}
pub(crate) use ids;

ids! {
    /// A promise of the token source.
    RequestId
    /// A step of a backend.
    StepId
    /// A call of the application that waits for an answer.
    CallerId
    /// A string that the shell keeps: a token, or a session of a backend's own.
    TokenId
    /// One leaving of one user.
    LeaveId
}

/// Do this.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Ask the source for a token; answer with `Fetched` or `FetchFailed`.
    Fetch {
        /// The answer's id.
        request: RequestId,
        /// The JWT template; none is the session token.
        template: Name,
        /// Clerk's cache must not answer (B7).
        minted: bool,
    },
    /// [`super::Bridge::timer`] changed: set the one timer to it (C4).
    Timer,
    /// Tell a backend something; answer with `StepDone` or `StepFailed`.
    Run {
        /// Which backend.
        backend: usize,
        /// The answer's id.
        step: StepId,
        /// What to tell it.
        command: Command,
        /// Whom it concerns: the user arriving, or with [`Command::Hold`] expected; else nobody.
        session: Session,
    },
    /// The session that this step was taken for is over.
    Abort(StepId),
    /// Call the application's `onLeave` callbacks; answer with `Left`.
    Leave {
        /// The answer's id.
        leave: LeaveId,
        /// Who leaves.
        user: Name,
        /// Why.
        reason: Reason,
    },
    /// Answer a call: with a token, with none since nobody is signed in, or with an error.
    Answer(CallerId, Result<Option<TokenId>, Code>),
    /// This token of this template answers calls at once for so long; `None`: none does.
    Cache(Name, Option<(TokenId, Millis)>),
    /// No use is left for this token string.
    Forget(TokenId),
    /// [`super::Bridge::record`] changed: store it.
    Store,
    /// [`super::Bridge::live`] changed: store it (F3).
    StoreLive,
    /// Sign out of Clerk; answer with `SourceSignedOut`.
    SourceSignOut(RequestId),
    /// [`super::Bridge::snapshot`] or the state of a backend changed: publish both.
    Publish,
    /// Tell the other tabs.
    Say(Message),
    /// Stand in line for the lock of this session and organization, in place of any other; no session:
    /// leave the line. Answer with `Lead`.
    Claim {
        /// The session.
        session: Name,
        /// The organization.
        org: Name,
        /// Take it from whoever has it, unless somebody else is doing so.
        steal: bool,
    },
    /// For logs and devtools.
    Log(Log),
    /// The bridge is disposed: let go of timers, listeners and promises.
    Stop,
}

/// What a backend is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// Send nothing until told whose it is; `true`: somebody else's data may be queued still.
    Hold(bool),
    /// This user's first token.
    Attach(TokenId),
    /// A newer token of the same user.
    Update(TokenId),
    /// The user is gone.
    Detach(Reason),
    /// Nobody is signed in: let anonymous calls through.
    Nobody,
    /// Revoke this session of the backend's own, which a detach left behind (D5).
    Revoke(TokenId),
}

/// Why a backend is detached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Reason {
    /// Nobody is signed in any more.
    SignedOut = 0,
    /// Another user is.
    UserSwitched = 1,
    /// The same user, in another session, organization or role.
    IdentityChanged = 2,
    /// The backend refuses the user's tokens.
    Rejected = 3,
}

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$word:meta])* $variant:ident = $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name {
            $($(#[$word])* $variant,)*
        }

        impl $name {
            /// As the log has it.
            pub fn text(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)*
                }
            }
        }
    };
}

words! {
    /// What happened, for the event log.
    What {
        /// A token is asked for.
        TokenFetch = "token.fetch",
        /// A token came and is held.
        TokenFetched = "token.fetched",
        /// A backend refused its token.
        TokenRejected = "token.rejected",
        /// ... by another tab.
        TokenShared = "token.shared",
        /// This tab fetches for all tabs in its session and organization.
        TabLeader = "tab.leader",
        /// Something failed and is tried again after that span of time.
        RetryScheduled = "retry.scheduled",
        /// A backend took its first token.
        BackendAuthenticated = "backend.authenticated",
        /// A backend is let go of.
        BackendDetached = "backend.detached",
        /// ... and could not be.
        DetachFailed = "backend.detach-failed",
        /// A backend refuses for good.
        GaveUp = "backend.gave-up",
        /// The application's `onLeave` callbacks take too long.
        LeaveTimeout = "leave.timeout",
        /// The source does not come.
        SourceFailed = "source.failed",
        /// Another user, session, organization or role, or nobody.
        IdentityChanged = "identity.changed",
        /// A sign-out by the application is through.
        SignedOut = "signed-out",
    }
}

words! {
    /// Why, for the event log.
    Why {
        /// Nothing to add.
        None = "",
        /// Clerk's cache must not answer.
        Minted = "minted",
        /// Of a backend's step.
        Backend = "backend",
        /// Of a session of a backend's own.
        Revocation = "revocation",
        /// The configuration is wrong.
        Config = "config",
        /// Fresh tokens are refused.
        Refused = "refused",
        /// Clerk's part failed.
        ClerkFailed = "clerk-failed",
        /// Offline, a 5xx, anything unknown.
        Transient = "transient",
        /// Too many requests.
        RateLimited = "rate-limited",
        /// No answer in time.
        Timeout = "timeout",
        /// The template does not exist.
        NoTemplate = "no-template",
        /// Not a usable string.
        Malformed = "malformed",
        /// Of another user or session.
        Foreign = "foreign",
        /// Expired when it came.
        Dead = "dead",
    }
}

/// An entry of the event log. Never holds a token (G4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Log {
    /// What happened.
    pub what: What,
    /// What it is about.
    pub of: Of,
    /// Why.
    pub why: Why,
    /// A span of time that goes with it; zero: none.
    pub wait: Millis,
}

/// What an entry of the event log is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Of {
    /// The whole bridge.
    Bridge,
    /// A backend.
    Backend(usize),
    /// The token of a template.
    Template(Name),
}
