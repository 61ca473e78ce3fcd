//! The token of one template: what is held, the one fetch in the air, its retries, and the calls that
//! wait for it. It must never have two fetches under way but for one orphan (B1, B4), never lose a good
//! token to a failure (B6), and never let a call wait beyond its bound (B10).

mod landing;
mod shared;

use super::calls::Calls;
use super::clock::Millis;
use super::context::Context;
use super::effect::{CallerId, Effect, Of, RequestId, TokenId, What, Why};
use super::failure::{Code, Failure};
use super::identity::Name;
use super::retry::Backoff;
use super::rules::{Rule, holds};
use super::schedule::Lifetime;
use super::tabs::{LEASE, Said, Tabs};
use super::token::Claims;

/// After a minted token, the next forced fetch waits so long (C2), and `online` looks for a fetch that is
/// stuck only among those older than this (B3).
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
    refused: bool,
    /// Between these two moments it was minted: when it was asked for, long ago if nobody knows, and when it came.
    born: (Millis, Millis),
}

#[derive(Clone, Copy, Debug)]
struct Flight {
    request: RequestId,
    minted: bool,
    /// It is another tab that was asked.
    asks: bool,
    sent: Millis,
}

/// The token of one template, for one session and organization.
#[derive(Clone, Debug, Default)]
pub struct Slot {
    /// None is the session token.
    pub template: Name,
    /// A backend uses it: it is refreshed without being asked for.
    pub wanted: bool,
    /// Why the last fetch failed.
    pub failure: Option<Failure>,
    /// The calls that wait for it.
    pub calls: Calls,
    /// What is kept of it through a reload; 0: nothing (F3).
    pub live: TokenId,
    held: Option<Held>,
    flight: Option<Flight>,
    orphan: Option<Flight>,
    retry: Backoff,
    /// Fetch, whatever is held.
    forced: bool,
    /// Clerk's cache must not answer the next fetch (B7).
    mint: bool,
    /// Back online, with this fetch in the air.
    online: bool,
    /// The page woke since the last fetch.
    woke: bool,
    /// A call found the token due, or another tab did.
    asked: bool,
    /// No other tab is asked, but Clerk.
    own: bool,
    /// What another tab brings has to be minted since then.
    since: Millis,
    /// Other tabs are to be told of what there is now, unless it is this.
    owes: Option<TokenId>,
    /// When other tabs were told last that a fetch is under way.
    told: Millis,
    /// When the last minted token was asked for.
    minted_at: Millis,
    /// When the last token that came was issued, and when it came first.
    last: (Option<Millis>, Millis),
    /// What calls are answered with without asking, and until when, as the shell was told.
    cached: (TokenId, Millis),
}

impl Slot {
    /// For this template.
    pub fn new(template: Name) -> Self {
        Self { template, ..Self::default() }
    }

    /// The token that is good now.
    pub fn good(&self, context: &Context) -> Option<Held> {
        self.held.filter(|held| !held.refused && held.lifetime.remaining(&context.clock) > Millis::ZERO)
    }

    /// The token to hand to backends: as [`Slot::good`], but not one that is being replaced, so that a
    /// backend is not told twice (H1).
    pub fn settled(&self, context: &Context) -> Option<Held> {
        let superseded = self.forced && self.flight.is_some();
        if superseded { None } else { self.good(context) }
    }

    /// Whether a token was held and ran out.
    pub fn ran_out(&self, context: &Context) -> bool {
        self.held.is_some_and(|held| held.lifetime.remaining(&context.clock) <= Millis::ZERO)
    }

    /// Why there is no good token. While there is one, failures of its refresh are nobody's business (B6).
    pub fn trouble(&self, context: &Context) -> Option<Code> {
        if self.good(context).is_some() { None } else { self.failure.map(Failure::code) }
    }

    /// Whether this is its token, good or not.
    pub fn holds(&self, token: TokenId) -> bool {
        self.held.is_some_and(|held| held.token == token)
    }

    fn token(&self) -> TokenId {
        self.held.map(|held| held.token).unwrap_or_default()
    }

    /// A call wants a good token, or with `fresh` a minted one; with `own`, no other tab's will do.
    pub fn ask(&mut self, context: &mut Context, caller: CallerId, fresh: bool, own: bool) {
        if own {
            self.fetch_own(context.time());
        }
        let minted_by = match self.good(context) {
            Some(held) if !fresh => {
                self.asked |= self.reached(context);
                return context.push(Effect::Answer(caller, Ok(Some(held.token))));
            }
            None if !fresh => RequestId(0),
            _ => self.next_minted(context),
        };
        self.calls.add(caller, minted_by);
    }

    /// A backend refused the token of this hand-over: the next one must be minted (H5).
    pub fn refuse(&mut self, context: &mut Context, serial: u32) {
        if let Some(held) = self.held.as_mut().filter(|held| held.serial == serial) {
            held.refused = true;
            if holds(Rule::Minted) {
                self.next_minted(context);
            }
        }
    }

    /// Makes the next fetch a minted one and tells its request, or that of the one in the air.
    fn next_minted(&mut self, context: &mut Context) -> RequestId {
        self.force(); // also if that of the one in the air fails
        match self.flight {
            Some(flight) if flight.minted => flight.request,
            _ => RequestId(context.id()),
        }
    }

    /// Another tab is not asked; what one brings all the same will do if it was minted from now on.
    fn fetch_own(&mut self, time: Millis) {
        self.own = true;
        self.since = time;
    }

    fn force(&mut self) {
        self.forced = true;
        self.mint = true;
    }

    /// The page woke: a retry is due at once. Back online, a fetch that is stuck in a retry of Clerk's
    /// own gets one beside it, and takes the place of an orphan that is stuck there for longer (B3, B4).
    pub fn wake(&mut self, time: Millis, online: bool) {
        self.online |= online && self.flight.is_some_and(|flight| !flight.asks);
        self.woke = true;
        self.retry.hurry(time);
    }

    /// Forgets everything of the epoch before; calls stay if the user does. `mint`: Clerk's cache does
    /// not know the new role (B7).
    pub fn reset(&mut self, context: &mut Context, mint: bool) {
        if let Some(held) = self.held.take() {
            context.drop_token(held.token);
        }
        self.tell_cached(context);
        self.calls.lower();
        self.failure = None;
        if holds(Rule::Epoch) {
            (self.flight, self.orphan) = (None, None);
        }
        self.retry.clear();
        self.forced = false;
        self.mint = mint;
        (self.own, self.since) = (false, Millis::ZERO);
        if mint {
            self.fetch_own(context.time());
        }
        self.asked = false;
        self.online = false;
        self.owes = None;
        self.minted_at = Millis::ZERO;
    }

    /// Takes over a live token that an earlier page load left (F3).
    pub fn restore(&mut self, context: &mut Context, token: TokenId, claims: Claims) {
        if claims.foreign && holds(Rule::Foreign) {
            return context.drop_token(token); // B11
        }
        let born = (Millis::ZERO, context.time());
        if let Some(iat) = claims.iat {
            context.clock.learn(iat, born); // a clock that is behind (C3)
        }
        let lifetime = Lifetime::new(claims, context, context.time(), false);
        if lifetime.is_spent(&context.clock) {
            context.drop_token(token);
        } else {
            self.hold(context, token, claims.fits, lifetime, born);
        }
    }

    fn has_minted(&mut self) {
        self.forced = false;
        self.mint = false;
        self.since = Millis::ZERO;
    }

    /// Does what is due: times out what took too long, starts a fetch, and says when to look again.
    /// `may_fetch`: the source shows the session that the token is for.
    pub fn tend(&mut self, context: &mut Context, tabs: &mut Tabs, may_fetch: bool) {
        let (time, timeout) = (context.time(), context.options.fetch_timeout);
        match self.flight {
            None => self.online = false,
            Some(flight) if self.online => {
                let left = self.orphan.map_or(Millis::ZERO, |orphan| orphan.sent + timeout);
                let at = left.max(flight.sent + PACE);
                context.wake_at(at);
                if at <= time {
                    self.online = false;
                    self.orphan = self.flight.take();
                    self.force();
                }
            }
            Some(flight) if flight.asks => {
                let lost = flight.sent + timeout <= time || may_fetch && tabs.is_lost(context, flight.sent);
                if lost || tabs.leads() {
                    self.flight = None;
                    self.own |= lost;
                }
            }
            Some(flight) if flight.sent + timeout <= time && holds(Rule::Timeout) => {
                self.orphan = self.flight.take();
                self.own = true;
                self.mint = true; // Clerk's cache would hand back the hung one (B7)
                self.failed(context, Failure::Timeout, false);
            }
            _ => {}
        }
        let error = self.failure.map_or(Code::TokenTransient, Failure::code);
        self.calls.expire(context, timeout, error);
        let needed = self.wanted || self.asked || !self.calls.is_empty();
        let asks = tabs.asks() && !self.own;
        if (may_fetch || asks)
            && needed
            && (self.flight.is_none() || !holds(Rule::SingleFlight))
            && (self.forced || self.reached(context))
        {
            let at = self.try_at();
            context.wake_at(at);
            if at <= time {
                self.fetch(context, tabs, asks);
            }
        }
        self.report(context, tabs);
        if let Some(flight) = self.flight {
            context.wake_at(flight.sent + timeout);
        }
        if let Some(held) = self.held {
            context.wake_at(held.lifetime.ends(&context.clock));
            if needed {
                context.wake_at(held.lifetime.refresh_at(&context.clock));
            }
        }
        self.tell_cached(context);
    }

    /// When the next fetch may be made, as far as those before it go (B3, C2).
    fn try_at(&self) -> Millis {
        let paced = if self.forced && holds(Rule::Pace) { self.minted_at + PACE } else { Millis::ZERO };
        self.retry.at().max(paced)
    }

    /// Whether the time of the held token's refresh has come; without a token it has (C2).
    fn reached(&self, context: &Context) -> bool {
        self.held.is_none_or(|held| held.lifetime.refresh_at(&context.clock) <= context.time())
    }

    fn fetch(&mut self, context: &mut Context, tabs: &Tabs, asks: bool) {
        let (template, minted, sent) = (self.template, self.mint, context.time());
        // The calls for a minted token were promised this id or a later one.
        let request = RequestId(context.id());
        self.flight = Some(Flight { request, minted, asks, sent });
        if minted {
            self.minted_at = sent;
        }
        if asks {
            context.wake_at(sent + LEASE); // should nobody answer (E3)
            let woke = ::core::mem::take(&mut self.woke);
            return tabs.say(context, Said::Want, template, self.token(), [minted.into(), woke.into()]);
        }
        let why = if minted { Why::Minted } else { Why::None };
        context.log(What::TokenFetch, Of::Template(template), why, Millis::ZERO);
        context.push(Effect::Fetch { request, template, minted });
    }

    fn hold(
        &mut self,
        context: &mut Context,
        token: TokenId,
        fits: bool,
        lifetime: Lifetime,
        born: (Millis, Millis),
    ) {
        let serial = match self.held {
            Some(held) if held.token == token && !held.refused => held.serial,
            _ => context.id(), // the same again after a refusal is handed over once more (H5)
        };
        if let Some(held) = self.held {
            context.drop_token(held.token);
        }
        self.held = Some(Held { token, serial, fits, lifetime, refused: false, born });
    }

    fn failed(&mut self, context: &mut Context, failure: Failure, late: bool) {
        if late {
            return; // Its failure was counted when it was given up (B4).
        }
        let (time, after) = (context.time(), failure.retry_after());
        let wait = self.retry.fail(time, failure.range(), after, &mut context.random);
        self.owes = Some(self.token());
        self.note_failure(context, failure, wait);
    }

    fn note_failure(&mut self, context: &mut Context, failure: Failure, wait: Millis) {
        self.failure = Some(failure);
        context.log(What::RetryScheduled, Of::Template(self.template), failure.why(), wait);
        if failure == Failure::NoTemplate {
            self.calls.answer_all(context, Err(Code::TokenTemplate)); // waiting would not help
        }
    }

    /// Tells the shell what calls are answered with without asking, if that changed.
    fn tell_cached(&mut self, context: &mut Context) {
        let time = context.time();
        let (token, until) = self.good(context).map_or(Default::default(), |held| {
            let clock = &context.clock;
            (held.token, held.lifetime.refresh_at(clock).min(held.lifetime.ends(clock)))
        });
        let (told, told_until) = self.cached;
        let news = if until > time { token != told || until < told_until } else { told != TokenId(0) };
        if news {
            self.cached = if until > time { (token, until) } else { Default::default() };
            context.push(Effect::Cache(self.template, (until > time).then_some((token, until - time))));
        }
    }
}
