//! A token that is shared with other tabs: what they want of it, what they bring, and what they have to be told. It
//! must never take a token that is not this user's (B11), nor one that is no better than what is held.

use super::super::clock::Millis;
use super::super::context::Context;
use super::super::effect::{Of, RequestId, TokenId, What, Why};
use super::super::failure::Failure;
use super::super::rules::{Rule, holds};
use super::super::schedule::Lifetime;
use super::super::tabs::{self, BEAT, Message, Said, Tabs};
use super::super::token::Claims;
use super::{Held, Slot};

impl Slot {
    /// Another tab has this token, or none, and wants a newer one; with `minted`, since it was refused. If its page
    /// `woke`, a retry is due at once (B3).
    pub fn wanted_elsewhere(&mut self, context: &mut Context, has: TokenId, minted: bool, woke: bool) {
        if woke {
            self.retry.hurry(context.time());
        }
        self.owes = Some(has);
        self.told = Millis::ZERO;
        match self.held.as_mut().filter(|held| held.token == has) {
            Some(_) if minted => drop(self.next_minted(context)),
            Some(held) => held.lifetime.hasten(&context.clock),
            None => {}
        }
        self.asked |= self.reached(context);
    }

    /// Another tab brings a token.
    pub fn offered(&mut self, context: &mut Context, message: Message, claims: Claims) {
        let token = message.token;
        let [sent, came] = message.more.map(|ago| context.time() - Millis(ago.into()));
        if claims.foreign && holds(Rule::Foreign) || self.holds(token) {
            return; // B11
        }
        if let Some(iat) = claims.iat {
            context.clock.learn(iat, (sent, came.max(sent)));
        }
        if sent < self.since && holds(Rule::Since) {
            return;
        }
        let lifetime = Lifetime::new(claims, context, sent, true);
        let remaining = lifetime.remaining(&context.clock);
        // What a backend refused is not replaced by what came before it (H5).
        let older = self.held.is_some_and(|held| held.refused && came <= held.born.1);
        if claims.exp.is_none() || remaining <= Millis::ZERO || older {
            self.own |= self.flight.take_if(|flight| flight.asks).is_some(); // it is all there is
            return;
        }
        if self.good(context).is_some_and(|held| held.lifetime.remaining(&context.clock) >= remaining) {
            return;
        }
        self.hold(context, token, claims.fits, lifetime, (sent, came));
        context.log(What::TokenShared, Of::Template(self.template), Why::None, Millis::ZERO);
        self.flight.take_if(|flight| flight.asks);
        self.failure = None;
        self.retry.clear();
        self.asked = false;
        self.own = false;
        self.has_minted();
        self.calls.content(context, RequestId::MAX, token);
    }

    /// Another tab could not fetch it: not again before so long (E7).
    pub fn failed_elsewhere(&mut self, context: &mut Context, failure: Failure, wait: Millis) {
        if self.flight.take_if(|flight| flight.asks).is_some() && holds(Rule::SharedBackoff) {
            // Nobody is believed for longer, nor asked again without a pause.
            let wait = wait.min(failure.range().last).max(BEAT);
            self.retry.wait(context.time(), wait, matches!(failure, Failure::RateLimited(_)));
            self.note_failure(context, failure, wait);
        }
    }

    /// Another tab leads now: it has to be asked anew.
    pub fn ask_again(&mut self) {
        self.flight.take_if(|flight| flight.asks);
    }

    /// Tells the other tabs what they have to know: a token that came, a fetch under way, a failure (E1, E7).
    pub(super) fn report(&mut self, context: &mut Context, tabs: &Tabs) {
        let owes = self.owes.take();
        if !tabs.followed || !holds(Rule::Tells) {
            return;
        }
        let (time, template) = (context.time(), self.template);
        let news = self.good(context).filter(|held| owes.is_some_and(|has| has != held.token));
        if let Some(Held { token, born: (sent, came), .. }) = news {
            tabs.say(context, Said::Token, template, token, [sent, came].map(|at| tabs::span(time - at)));
        }
        if !tabs.leads() {
            return;
        }
        if self.flight.is_some() {
            if self.told + BEAT <= time {
                self.told = time;
                tabs.say(context, Said::Busy, template, TokenId(0), [0; 2]);
            }
            context.wake_at(self.told + BEAT);
        } else if let Some(failure) = self.failure.filter(|_| owes.is_some() && news.is_none()) {
            let more = [tabs::span(self.try_at() - time), failure.status()];
            tabs.say(context, Said::Failed, template, TokenId(0), more);
        }
    }
}
