//! What an application set when it made the bridge. Checked in TypeScript, where the error can name the
//! field; taken as they are here.

use super::clock::Millis;

/// What survives a reload (F).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Persist {
    /// Nothing.
    Nothing,
    /// Who was signed in and whose data each backend holds, never a token (F2).
    Identity,
    /// Also live tokens, for this tab (F3).
    Tokens,
}

/// The options the machine knows.
#[derive(Clone, Debug)]
pub struct Options {
    /// What survives a reload.
    pub persist: Persist,
    /// Refresh this long before expiry; at most a quarter of the token's life is used (C1).
    pub leeway: Millis,
    /// A fetch that has not settled by then counts as failed (B4).
    pub fetch_timeout: Millis,
    /// Clerk not being ready by then is reported (A6).
    pub source_timeout: Millis,
    /// Where the random numbers start.
    pub seed: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            persist: Persist::Identity,
            leeway: Millis::seconds(10),
            fetch_timeout: Millis::seconds(10),
            source_timeout: Millis::seconds(15),
            seed: 0,
        }
    }
}
