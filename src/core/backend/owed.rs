//! Sessions of a backend's own that a detach left behind: each is revoked as soon as the network lets it,
//! after a reload too (D5, H15). It must never give one up.

use super::super::clock::Millis;
use super::super::context::Context;
use super::super::effect::{Of, TokenId, What, Why};
use super::super::retry::{self, Backoff};
use super::super::rules::{Rule, holds};
use crate::prelude::*;

/// What one backend still has to revoke.
#[derive(Clone, Debug, Default)]
pub struct Owed {
    sessions: Vec<TokenId>,
    retry: Backoff,
}

impl Owed {
    /// All of it.
    pub fn sessions(&self) -> &[TokenId] {
        &self.sessions
    }

    /// One more, unless it is known.
    pub fn add(&mut self, session: TokenId) {
        if !self.sessions.contains(&session) {
            self.sessions.push(session);
        }
    }

    /// The one to revoke now.
    pub fn due(&self, context: &mut Context) -> Option<TokenId> {
        context.wake_at(self.retry.at());
        self.sessions.first().copied().filter(|_| !self.retry.waits(context.time()) && holds(Rule::Revokes))
    }

    /// This one is revoked.
    pub fn revoked(&mut self, context: &mut Context, session: TokenId) {
        self.sessions.retain(|owed| *owed != session);
        self.retry.clear();
        context.drop_token(session);
    }

    /// It could not be revoked now.
    pub fn failed(&mut self, context: &mut Context, of: Of) {
        let wait = self.retry.fail(context.time(), retry::FETCH, Millis::ZERO, &mut context.random);
        context.log(What::RetryScheduled, of, Why::Revocation, wait);
    }

    /// Back online.
    pub fn wake(&mut self, time: Millis) {
        self.retry.hurry(time);
    }
}
