//! What can go wrong, under the names that the public API has for it, and how the failures of a token
//! source are told apart: by code and status, never by an error's name, which minifiers change (B2).

use super::clock::Millis;
use super::effect::Why;
use super::retry::{self, Range};

/// The public error codes; the number is what crosses to TypeScript.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Code {
    /// The bridge was disposed.
    Disposed = 2,
    /// Clerk could not start.
    SourceFailed = 6,
    /// Clerk was not ready in time.
    SourceTimeout = 7,
    /// Offline, 5xx, 429, timeout: retried.
    TokenTransient = 8,
    /// The JWT template does not exist.
    TokenTemplate = 9,
    /// Not a usable string.
    TokenMalformed = 10,
    /// The user left while a call was waiting.
    SignedOut = 11,
    /// Fresh tokens were refused.
    BackendRejected = 12,
    /// Claims, audience, role or client name are wrong.
    BackendConfig = 13,
}

/// Why a fetch brought no token. All of these are retried; none of them signs anybody out (B2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// Offline, a 5xx, `null` with a session present, anything unknown.
    Transient,
    /// 429: not again before so long.
    RateLimited(Millis),
    /// The fetch did not settle in time (B4).
    Timeout,
    /// Clerk knows no such template (B5).
    NoTemplate,
    /// Not a usable string (B9).
    Malformed,
    /// A token of another user or session (B11).
    Foreign,
    /// Expired when it came, and not for a clock's sake.
    Dead,
}

impl Failure {
    /// Reads an error of a token source: its HTTP `status` (0 without one) and `retryAfter` in seconds.
    pub fn read(status: u32, retry_after_seconds: i64) -> Self {
        match status {
            404 => Self::NoTemplate,
            429 => Self::RateLimited(Millis::seconds(retry_after_seconds.clamp(0, 3600))),
            _ => Self::Transient,
        }
    }

    /// A status that reads as much the same.
    pub fn status(self) -> u32 {
        match self {
            Self::NoTemplate => 404,
            Self::RateLimited(_) => 429,
            _ => 0,
        }
    }

    /// The public code.
    pub fn code(self) -> Code {
        match self {
            Self::NoTemplate => Code::TokenTemplate,
            Self::Malformed => Code::TokenMalformed,
            _ => Code::TokenTransient,
        }
    }

    /// How long retries wait.
    pub fn range(self) -> Range {
        match self {
            Self::NoTemplate => retry::TEMPLATE,
            _ => retry::FETCH,
        }
    }

    /// What Clerk's answer said about waiting.
    pub fn retry_after(self) -> Millis {
        match self {
            Self::RateLimited(wait) => wait,
            _ => Millis::ZERO,
        }
    }

    /// For the event log.
    pub fn why(self) -> Why {
        match self {
            Self::Transient => Why::Transient,
            Self::RateLimited(_) => Why::RateLimited,
            Self::Timeout => Why::Timeout,
            Self::NoTemplate => Why::NoTemplate,
            Self::Malformed => Why::Malformed,
            Self::Foreign => Why::Foreign,
            Self::Dead => Why::Dead,
        }
    }
}
