//! The rules of the machine that tests can switch off, one at a time, to see that each is missed when it is gone:
//! what nobody misses is not proved. Without the feature `mutants` they all hold, and cost nothing.

/// One rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// What was fetched for an older epoch is nobody's (D1).
    Epoch,
    /// A token of another user or session is not used (B11).
    Foreign,
    /// A scheduled fetch waits for the floor (C2).
    Floor,
    /// Minted tokens are asked for once a second at most (C2).
    Pace,
    /// A token is refreshed before it ends (C1).
    Leeway,
    /// A sign-out is told to the other tabs (E2).
    Buried,
    /// ... and again once Clerk has ended the session too (E2).
    BuriedAgain,
    /// A session that another tab has ended has ended here (E2).
    Ended,
    /// ... and comes back with a minted token only (E6).
    Proof,
    /// Only what is about the own session and organization is heard (D1).
    Line,
    /// A silent leader is replaced (E3).
    Lease,
    /// Another tab is asked before Clerk is (E1).
    Asks,
    /// A token that came is told to the other tabs (E1).
    Tells,
    /// A back-off is shared (E7).
    SharedBackoff,
    /// What another tab brings was minted since the role changed (C6).
    Since,
    /// One fetch at a time (B1).
    SingleFlight,
    /// A fetch that takes too long has failed (B4).
    Timeout,
    /// A refused token is followed by a minted one (H5).
    Minted,
    /// `retryAfter` is waited for (B3).
    RetryAfter,
    /// A page that wakes retries once a second at most (B3).
    WakePace,
    /// Tokens tell Clerk's time (C3).
    Learns,
    /// Elapsed time is the larger of two clocks' (C3).
    LargerClock,
    /// The last user's data is cleared before the next is attached (D3).
    OwnerCleared,
    /// A backend that can hold does, until it is known whose it is (G2).
    Holds,
    /// A sign-out detaches (D2).
    Detaches,
    /// What is owed is revoked (D5).
    Revokes,
    /// Nothing happens once disposed (D6).
    Disposed,
}

impl Rule {
    /// All of them.
    pub const ALL: [Self; 27] = [
        Self::Epoch,
        Self::Foreign,
        Self::Floor,
        Self::Pace,
        Self::Leeway,
        Self::Buried,
        Self::BuriedAgain,
        Self::Ended,
        Self::Proof,
        Self::Line,
        Self::Lease,
        Self::Asks,
        Self::Tells,
        Self::SharedBackoff,
        Self::Since,
        Self::SingleFlight,
        Self::Timeout,
        Self::Minted,
        Self::RetryAfter,
        Self::WakePace,
        Self::Learns,
        Self::LargerClock,
        Self::OwnerCleared,
        Self::Holds,
        Self::Detaches,
        Self::Revokes,
        Self::Disposed,
    ];
}

/// Whether this rule holds.
#[cfg(not(feature = "mutants"))]
#[inline(always)]
pub const fn holds(_: Rule) -> bool {
    true
}

#[cfg(feature = "mutants")]
pub use switch::{break_rule, holds};

#[cfg(feature = "mutants")]
mod switch {
    use super::Rule;
    use std::cell::Cell;

    std::thread_local! {
        static BROKEN: Cell<Option<Rule>> = const { Cell::new(None) };
    }

    /// Whether this rule holds, on this thread.
    pub fn holds(rule: Rule) -> bool {
        BROKEN.get() != Some(rule)
    }

    /// From now on this rule does not hold on this thread, and every other does.
    pub fn break_rule(rule: Option<Rule>) {
        BROKEN.set(rule);
    }
}
