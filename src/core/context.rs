//! What the parts of the machine share while an event is handled: the clock, the options, random
//! numbers, the next ids, and the effects collected so far. It decides nothing.

use super::clock::{Clock, Millis};
use super::effect::{Effect, Log, Of, TokenId, What, Why};
use super::options::Options;
use super::retry::Random;
use crate::prelude::*;

/// Shared by the parts of one bridge.
#[derive(Clone, Debug)]
pub struct Context {
    /// Time, local and Clerk's.
    pub clock: Clock,
    /// What the application set.
    pub options: Options,
    /// For jitter.
    pub random: Random,
    /// What to do once the event is handled.
    pub effects: Vec<Effect>,
    /// Tokens that somebody had no use for: forgotten unless somebody else holds them still.
    pub dropped: Vec<TokenId>,
    /// The earliest moment at which something is to be looked at again.
    pub deadline: Millis,
    last_id: u32,
}

impl Context {
    /// For a new bridge.
    pub fn new(options: Options) -> Self {
        Self {
            clock: Clock::default(),
            random: Random::new(options.seed),
            options,
            effects: Vec::new(),
            dropped: Vec::new(),
            deadline: Millis::MAX,
            last_id: 0,
        }
    }

    /// The local time.
    pub fn time(&self) -> Millis {
        self.clock.time()
    }

    /// An id that was not used before.
    pub fn id(&mut self) -> u32 {
        self.last_id = self.last_id.wrapping_add(1);
        self.last_id
    }

    /// Adds an effect. Not inlined: a call is smaller than growing the list in every place.
    #[inline(never)]
    pub fn push(&mut self, effect: Effect) {
        self.effects.push(effect);
    }

    /// There is no use here for this token.
    pub fn drop_token(&mut self, token: TokenId) {
        self.dropped.push(token);
    }

    /// Adds an entry to the event log.
    pub fn log(&mut self, what: What, of: Of, why: Why, wait: Millis) {
        self.push(Effect::Log(Log { what, of, why, wait }));
    }

    /// Asks to be called again at `at`. What is past was dealt with, so the timer never spins.
    pub fn wake_at(&mut self, at: Millis) {
        if at > self.time() {
            self.deadline = self.deadline.min(at);
        }
    }
}
