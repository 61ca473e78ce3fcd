//! The token of one template: what is held, the one fetch in the air, its retries, and the calls that
//! wait for it. It must never have two fetches under way but for one orphan (B1, B4), never lose a good
//! token to a failure (B6), and never let a call wait beyond its bound (B10).

use super::clock::Millis;
use super::context::Context;
use super::effect::{CallerId, Effect, Of, RequestId, TokenId};
use super::failure::{Code, Failure};
use super::identity::Name;
use super::retry::Backoff;
use super::schedule::Lifetime;
use super::token::Claims;
use crate::prelude::*;

/// After a minted token, or a retry made early, the next fetch waits so long (B3, C2).
const PACE: Millis = Millis::seconds(1);

/// A token that may be handed out.
#[derive(Clone, Copy, Debug)]
pub struct Held {
    /// Its string, in the shell.
    pub token: TokenId,
    /// Counts hand-overs: moves when backends have to be told.
    pub serial: u32,
    /// It is meant for Convex.
    pub fits: bool,
    lifetime: Lifetime,
    refresh_at: Option<Millis>,
    refused: bool,
}

#[derive(Clone, Copy, Debug)]
struct Flight {
    request: RequestId,
    minted: bool,
    sent: Millis,
    deadline: Millis,
}

#[derive(Clone, Copy, Debug)]
struct Waiter {
    caller: CallerId,
    /// Set once it is known who is signed in.
    deadline: Option<Millis>,
    /// Only a token minted by this request or a later one will do.
    minted_by: Option<RequestId>,
}

/// The token of one template, for one session and organization.
#[derive(Debug, Default)]
pub struct Slot {
    /// None is the session token.
    pub template: Name,
    /// A backend uses it: it is refreshed without being asked for.
    pub wanted: bool,
    /// Why the last fetch failed.
    pub failure: Option<Failure>,
    held: Option<Held>,
    flight: Option<Flight>,
    orphan: Option<Flight>,
    retry: Backoff,
    waiters: Vec<Waiter>,
    /// Fetch, whatever is held.
    forced: bool,
    /// Clerk's cache must not answer the next fetch (B7).
    mint: bool,
    /// A call found the token due.
    asked: bool,
    paced: Option<Millis>,
    last_sent: Option<Millis>,
}

impl Slot {
    /// For this template.
    pub fn new(template: Name) -> Self {
        Self { template, ..Self::default() }
    }

    /// The token that is good now.
    pub fn good(&self, context: &Context) -> Option<Held> {
        let held = self.held?;
        let good = !held.refused && held.lifetime.remaining(&context.clock) > Millis::ZERO;
        good.then_some(held)
    }

    /// The token to hand to backends: as [`Slot::good`], but not one that is about to be replaced at
    /// once, so that a backend is not told twice (H1).
    pub fn settled(&self, context: &Context) -> Option<Held> {
        let superseded = self.forced && !self.retry.waits(context.time());
        if superseded { None } else { self.good(context) }
    }

    /// Whether a token was held and ran out.
    pub fn ran_out(&self, context: &Context) -> bool {
        self.held.is_some_and(|held| held.lifetime.remaining(&context.clock) <= Millis::ZERO)
    }

    /// A call wants a good token, or with `fresh` a minted one.
    pub fn ask(&mut self, context: &mut Context, caller: CallerId, fresh: bool) {
        let good = self.good(context).map(|held| (held.token, held.refresh_at));
        if let (Some((token, refresh_at)), false) = (good, fresh) {
            self.asked |= refresh_at.is_some_and(|at| at <= context.time());
            return context.push(Effect::Answer(caller, Ok(Some(token))));
        }
        let minted_by = fresh.then(|| self.next_minted(context));
        self.waiters.push(Waiter { caller, deadline: None, minted_by });
    }

    /// A call made with `refused` wants a better token: the held one if it differs (G3).
    pub fn ask_instead(&mut self, context: &mut Context, caller: CallerId, refused: TokenId) {
        let fresh = self.good(context).is_some_and(|held| held.token == refused);
        self.ask(context, caller, fresh);
    }

    /// A backend refused the token of this hand-over: the next one must be minted (H5).
    pub fn refuse(&mut self, context: &mut Context, serial: u32) {
        if let Some(held) = self.held.as_mut().filter(|held| held.serial == serial) {
            held.refused = true;
            context.push(Effect::Cache(self.template, None));
            self.next_minted(context);
        }
    }

    /// Makes the next fetch a minted one and tells its request, or that of the one in the air.
    fn next_minted(&mut self, context: &mut Context) -> RequestId {
        if let Some(flight) = self.flight.as_ref().filter(|flight| flight.minted) {
            return flight.request;
        }
        self.forced = true;
        self.mint = true;
        RequestId(context.id())
    }

    /// The page woke: a retry is due at once. Back online, a fetch that is stuck in a retry of Clerk's
    /// own gets one beside it (B3, B4).
    pub fn wake(&mut self, context: &Context, online: bool) {
        let earliest = self.last_sent.map_or(context.time(), |sent| sent + PACE);
        if online && self.flight.is_some() && earliest <= context.time() {
            self.orphan = self.flight.take();
            self.mint = true;
            self.forced = true;
        }
        self.retry.hurry(earliest.max(context.time()));
    }

    /// Forgets everything of the epoch before; calls stay if the user does. `mint`: Clerk's cache does
    /// not know the new role (B7).
    pub fn reset(&mut self, context: &mut Context, mint: bool) {
        if let Some(held) = self.held.take() {
            context.push(Effect::Cache(self.template, None));
            context.push(Effect::Forget(held.token));
        }
        let waiters = ::core::mem::take(&mut self.waiters);
        let (template, wanted) = (self.template, self.wanted);
        *self = Self { template, wanted, waiters, mint, ..Self::default() };
        for waiter in &mut self.waiters {
            waiter.minted_by = None;
        }
    }

    /// Answers every call that waits.
    pub fn answer_all(&mut self, context: &mut Context, answer: Result<Option<TokenId>, Code>) {
        for waiter in self.waiters.drain(..) {
            context.push(Effect::Answer(waiter.caller, answer));
        }
    }

    /// Takes over a live token that an earlier page load left (F3).
    pub fn restore(&mut self, context: &mut Context, token: TokenId, claims: Claims) {
        let lifetime = Lifetime::new(claims, &context.clock);
        if lifetime.remaining(&context.clock) > lifetime.leeway(context.options.leeway) {
            self.hold(context, token, claims.fits, lifetime);
        } else {
            context.push(Effect::Forget(token));
        }
    }

    /// Whether this fetch is one of this slot's.
    pub fn expects(&self, request: RequestId) -> bool {
        [&self.flight, &self.orphan].into_iter().flatten().any(|flight| flight.request == request)
    }

    /// A fetch brought a token.
    pub fn arrived(&mut self, context: &mut Context, request: RequestId, token: TokenId, claims: Claims) {
        let Some((flight, late)) = self.land(request) else { return };
        if claims.foreign {
            self.drop_token(context, token);
            return self.failed(context, Failure::Foreign, late); // B11
        }
        if let Some(iat) = claims.iat {
            if flight.minted {
                context.clock.minted(iat, flight.sent);
            } else {
                context.clock.seen(iat);
            }
        }
        let lifetime = Lifetime::new(claims, &context.clock);
        let remaining = lifetime.remaining(&context.clock);
        let known = self.held.is_some_and(|held| held.token == token);
        let better = self
            .good(context)
            .is_none_or(|held| held.token == token || held.lifetime.remaining(&context.clock) < remaining);
        if !flight.minted && remaining <= lifetime.leeway(context.options.leeway) {
            // Clerk's cache handed out a token at its end: ask for a minted one at once (B7).
            self.forced = true;
            self.mint = true;
        } else if flight.minted && remaining <= Millis::ZERO {
            self.drop_token(context, token);
            return self.failed(context, Failure::Dead, late);
        } else if !late || better {
            self.failure = None;
            self.retry.clear();
            self.asked = false;
        }
        let refused_again = known && !flight.minted && self.held.is_some_and(|held| held.refused);
        if remaining <= Millis::ZERO || refused_again || (late && !better) {
            self.drop_token(context, token);
        } else {
            self.hold(context, token, claims.fits, lifetime);
        }
        if flight.minted {
            self.forced = false;
            self.mint = false;
            self.answer_waiting(context, Some(request));
        } else {
            self.answer_waiting(context, None);
        }
    }

    /// A fetch brought no token.
    pub fn fetch_failed(&mut self, context: &mut Context, request: RequestId, failure: Failure) {
        if let Some((_, late)) = self.land(request) {
            self.failed(context, failure, late);
        }
    }

    /// Does what is due: times out what took too long, starts a fetch, and says when to look again.
    /// `may_fetch`: the source shows the session that the token is for.
    pub fn tend(&mut self, context: &mut Context, may_fetch: bool) {
        let time = context.time();
        if self.flight.as_ref().is_some_and(|flight| flight.deadline <= time) {
            self.orphan = self.flight.take();
            self.mint = true; // Clerk's cache would hand back the hung one (B7)
            self.failed(context, Failure::Timeout, false);
        }
        if may_fetch {
            self.expire_waiters(context);
            if self.flight.is_none() && self.is_due(context) {
                let gate = self.retry.at().or(self.paced.filter(|_| self.forced)).unwrap_or(time);
                if gate <= time {
                    self.fetch(context);
                } else {
                    context.wake_at(gate);
                }
            }
        }
        if let Some(flight) = &self.flight {
            context.wake_at(flight.deadline);
        }
        if let Some(held) = &self.held {
            let ends = held.lifetime.ends(&context.clock);
            let refresh = held.refresh_at.filter(|_| self.wanted || !self.waiters.is_empty());
            for at in [ends, refresh].into_iter().flatten().filter(|at| *at > time) {
                context.wake_at(at);
            }
        }
    }

    fn is_due(&self, context: &Context) -> bool {
        match self.good(context) {
            _ if self.forced => self.wanted || !self.waiters.is_empty() || self.asked,
            None => {
                (self.wanted || !self.waiters.is_empty()) && (self.failure.is_some() || self.reached(context))
            }
            Some(_) => (self.wanted || self.asked) && self.reached(context),
        }
    }

    /// Whether the time of the held token's refresh has come; without a token it has (C2).
    fn reached(&self, context: &Context) -> bool {
        self.held.is_none_or(|held| held.refresh_at.is_some_and(|at| at <= context.time()))
    }

    fn fetch(&mut self, context: &mut Context) {
        let (time, minted) = (context.time(), self.mint);
        // The waiters of a minted token were promised this id or a later one.
        let request = RequestId(context.id());
        self.flight =
            Some(Flight { request, minted, sent: time, deadline: time + context.options.fetch_timeout });
        self.last_sent = Some(time);
        self.paced = minted.then_some(time + PACE);
        let template = self.template;
        context.log("token.fetch", Of::Template(template), if minted { "minted" } else { "" }, Millis::ZERO);
        context.push(Effect::Fetch { request, template, minted });
    }

    /// The flight that this request was, and whether it had been given up.
    fn land(&mut self, request: RequestId) -> Option<(Flight, bool)> {
        if let Some(flight) = self.flight.take_if(|flight| flight.request == request) {
            return Some((flight, false));
        }
        self.orphan.take_if(|flight| flight.request == request).map(|flight| (flight, true))
    }

    fn hold(&mut self, context: &mut Context, token: TokenId, fits: bool, lifetime: Lifetime) {
        let before = self.held.take();
        let serial = match before {
            Some(held) if held.token == token && !held.refused => held.serial,
            _ => context.id(), // the same again after a refusal is handed over once more (H5)
        };
        let refresh_at = lifetime.refresh_at(context);
        let until = [refresh_at, lifetime.ends(&context.clock)].into_iter().flatten().min();
        let good_for = until.unwrap_or(Millis::MAX) - context.time();
        context.push(Effect::Cache(self.template, Some((token, good_for))));
        if let Some(held) = before.filter(|held| held.token != token) {
            context.push(Effect::Forget(held.token));
        }
        context.log("token.fetched", Of::Template(self.template), "", Millis::ZERO);
        self.held = Some(Held { token, serial, fits, lifetime, refresh_at, refused: false });
    }

    fn drop_token(&self, context: &mut Context, token: TokenId) {
        if self.held.is_none_or(|held| held.token != token) {
            context.push(Effect::Forget(token));
        }
    }

    fn failed(&mut self, context: &mut Context, failure: Failure, late: bool) {
        if late {
            return; // Its failure was counted when it was given up (B4).
        }
        let Context { random, .. } = context;
        let wait = self.retry.fail(context.clock.time(), failure.range(), failure.retry_after(), random);
        self.failure = Some(failure);
        context.log("retry.scheduled", Of::Template(self.template), failure.reason(), wait);
        if failure == Failure::NoTemplate {
            self.answer_all(context, Err(Code::TokenTemplate)); // waiting would not help
        }
    }

    /// Answers the calls that the held token satisfies: all that want any, and those that wanted one
    /// minted by `minted` or before.
    fn answer_waiting(&mut self, context: &mut Context, minted: Option<RequestId>) {
        let Some(token) = self.good(context).map(|held| held.token) else { return };
        let mut unmet = false;
        self.waiters.retain(|waiter| {
            let met = waiter.minted_by.is_none_or(|by| minted.is_some_and(|minted| by <= minted));
            unmet |= !met;
            if met {
                context.effects.push(Effect::Answer(waiter.caller, Ok(Some(token))));
            }
            !met
        });
        if unmet {
            self.forced = true;
            self.mint = true;
        }
    }

    fn expire_waiters(&mut self, context: &mut Context) {
        let (time, timeout) = (context.time(), context.options.fetch_timeout);
        let code = self.failure.map_or(Code::TokenTransient, Failure::code);
        self.waiters.retain_mut(|waiter| {
            let deadline = *waiter.deadline.get_or_insert(time + timeout);
            if deadline <= time {
                context.effects.push(Effect::Answer(waiter.caller, Err(code)));
            } else {
                context.wake_at(deadline);
            }
            deadline > time
        });
    }
}
