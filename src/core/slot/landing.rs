//! What comes of a fetch: a token that is better than what is held, one that is not, or a failure. It must take each
//! answer once, and a late one for what it is (B4).

use super::super::clock::Millis;
use super::super::context::Context;
use super::super::effect::{Of, RequestId, TokenId, What, Why};
use super::super::failure::Failure;
use super::super::rules::{Rule, holds};
use super::super::schedule::Lifetime;
use super::super::token::Claims;
use super::{Flight, PACE, Slot};

impl Slot {
    /// A fetch brought a token. `false`: not one of this slot's.
    pub fn arrived(
        &mut self,
        context: &mut Context,
        request: RequestId,
        token: TokenId,
        mut claims: Claims,
    ) -> bool {
        let Some((flight, late)) = self.land(request) else { return false };
        let minted = flight.minted;
        context.drop_token(token); // unless it is held once the event is handled
        if claims.foreign && holds(Rule::Foreign) {
            self.mint = true; // Clerk's cache would hand it out again
            self.failed(context, Failure::Foreign, late); // B11
            return true;
        }
        // One that came a while ago was not minted, whatever was asked for: it says nothing of the time now.
        let again = self.last.0 == claims.iat && flight.sent - self.last.1 > PACE;
        if self.last.0 != claims.iat {
            self.last = (claims.iat, context.time());
        }
        let asked = if minted && !again { flight.sent } else { Millis::ZERO };
        let born = (asked, context.time());
        match claims.iat {
            Some(iat) => context.clock.learn(iat, born),
            // Minted after it was dead: the clock is ahead, by nobody knows how much (C5).
            None if minted && claims.exp < Some(context.clock.server() - (context.time() - flight.sent)) => {
                claims.exp = None;
            }
            None => {}
        }
        let same = self.held.filter(|held| held.token == token);
        let lifetime = match same {
            Some(held) if !minted => held.lifetime,
            _ => Lifetime::new(claims, context, flight.sent, minted),
        };
        let remaining = lifetime.remaining(&context.clock);
        if minted && remaining <= Millis::ZERO {
            self.failed(context, Failure::Dead, late);
            return true;
        }
        let better = same.is_some()
            || self.good(context).is_none_or(|held| held.lifetime.remaining(&context.clock) < remaining);
        if late && !better {
            return true;
        }
        // Clerk's cache here may be behind what another tab has brought (C6).
        let outdone = !minted && !better;
        let spent = !minted && lifetime.is_spent(&context.clock);
        // What another tab brought meanwhile will do, until its own refresh is due.
        let at_its_end = if outdone { self.reached(context) } else { spent };
        if at_its_end {
            self.force(); // Clerk's cache handed out a token at its end (B7)
        } else {
            self.failure = None;
            self.retry.clear();
            self.asked = false;
        }
        let refused_again = !minted && same.is_some_and(|held| held.refused);
        if remaining > Millis::ZERO && !refused_again && !outdone {
            self.hold(context, token, claims.fits, lifetime, born);
            context.log(What::TokenFetched, Of::Template(self.template), Why::None, Millis::ZERO);
            self.owes = Some(TokenId(0));
        }
        if minted {
            self.has_minted();
        }
        self.own &= self.forced;
        if let Some(held) = self.good(context) {
            self.calls.content(context, if minted { request } else { RequestId(0) }, held.token);
            if !self.calls.is_empty() {
                self.force();
            }
        }
        true
    }

    /// A fetch brought no token.
    pub fn fetch_failed(&mut self, context: &mut Context, request: RequestId, failure: Failure) {
        if let Some((_, late)) = self.land(request) {
            self.failed(context, failure, late);
        }
    }

    /// The flight that this request was, and whether it had been given up.
    fn land(&mut self, request: RequestId) -> Option<(Flight, bool)> {
        let late = self.flight.is_none_or(|flight| flight.request != request);
        let place = if late { &mut self.orphan } else { &mut self.flight };
        let flight = place.filter(|flight| flight.request == request)?;
        *place = None;
        Some((flight, late))
    }
}
