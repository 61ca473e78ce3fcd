//! What must hold in one tab after every event, whatever happened before: checked from outside, by what its
//! machine was told and what it wanted.

use super::token::{Token, Tokens};
use super::violation::Violation;
use clerk_bridge::core::backend::{Policy, Setup};
use clerk_bridge::core::effect::{CallerId, Command, Effect, RequestId, StepId, TokenId, What};
use clerk_bridge::core::event::{Ask, Event, Wake};
use clerk_bridge::core::identity::{Name, Session, Source};
use clerk_bridge::core::snapshot::{BackendState, Snapshot, Status};
use clerk_bridge::core::tabs::Said;
use clerk_bridge::core::token::Claims;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

const FETCH_TIMEOUT: i64 = 10_000;
const SOURCE_TIMEOUT: i64 = 15_000;

#[derive(Debug)]
struct Flight {
    request: RequestId,
    epoch: u32,
    template: Name,
    minted: bool,
    sent: i64,
    landed: Option<bool>,
}

#[derive(Debug)]
struct Running {
    step: StepId,
    interruptible: bool,
    /// Since when it was to end: a detach, or a step that was told that its session is over.
    ending: Option<i64>,
}

/// What the checks may know of the world.
pub struct Facts<'a> {
    pub now: i64,
    pub server: i64,
    pub tokens: &'a Tokens,
    pub setups: &'a [Setup],
    /// How much later than it was a thing may seem that another tab told of.
    pub blur: i64,
    /// Clerk passes old tokens off for new ones in this world: nobody can tell.
    pub fooled: bool,
    /// Somebody makes messages up.
    pub forged: bool,
}

#[derive(Debug, Default)]
pub struct Checks {
    epoch: u32,
    flights: VecDeque<Flight>,
    online_at: Option<i64>,
    woke_at: i64,
    /// The last thing that may ask for a minted token before its time.
    urged_at: i64,
    pub clock_was_set: bool,
    /// The last minted token of each template: when it was asked for, and how long it lives.
    minted: BTreeMap<Name, (i64, i64)>,
    /// When the last fetch of a template failed.
    failed_at: BTreeMap<Name, i64>,
    /// The backends that let anonymous calls through.
    open: BTreeSet<usize>,
    /// The tokens that were brought in this epoch.
    brought: BTreeSet<TokenId>,
    kept: BTreeSet<TokenId>,
    /// Clerk's time is known: since the clock was set, a minted token came soon after it was asked for.
    pub calibrated: bool,
    jumped_at: i64,
    /// Whom a backend may be attached for.
    present: Option<Session>,
    shown: Option<Session>,
    running: BTreeMap<usize, Running>,
    last: (Snapshot, Vec<BackendState>),
    asked: BTreeMap<CallerId, i64>,
    signing_out: BTreeMap<CallerId, i64>,
    answered: BTreeSet<CallerId>,
    /// Tokens must have been asked for since then (C6).
    pub minted_since: i64,
    /// Clerk passed an old token off for a new one: nobody can tell.
    pub fooled: bool,
    started: bool,
    pub disposed: bool,
    ticks: VecDeque<i64>,
    published: bool,
    pub broken: Option<Violation>,
}

macro_rules! demand {
    ($self:ident, $holds:expr, $promise:literal, $($text:tt)*) => {
        if !$holds && $self.broken.is_none() {
            $self.broken = Some(Violation { promise: $promise, text: format!($($text)*) });
        }
    };
}

impl Checks {
    /// The wall clock was set: so much seemed to pass, and Clerk's time is not known any more.
    pub fn jumped(&mut self, now: i64, forwards: i64) {
        self.clock_was_set |= forwards != 0;
        self.calibrated = false;
        self.jumped_at = now;
        for flight in &mut self.flights {
            flight.sent -= forwards.max(0);
        }
        for at in self.running.values_mut().filter_map(|running| running.ending.as_mut()) {
            *at -= forwards.max(0);
        }
    }

    /// Nothing could happen for so long.
    pub fn paused(&mut self, ms: i64) {
        for at in self.asked.values_mut().chain(self.signing_out.values_mut()) {
            *at += ms;
        }
    }

    pub fn delivered(&mut self, facts: &Facts, request: RequestId, token: TokenId, claims: Claims) {
        self.kept.insert(token);
        let Some(flight) = self.flights.iter_mut().find(|flight| flight.request == request) else { return };
        let counts = flight.minted && flight.epoch == self.epoch && flight.landed.is_none();
        let in_time = self.calibrated && facts.now - flight.sent < FETCH_TIMEOUT;
        let soon = flight.sent > self.jumped_at + 1_000 && facts.now - flight.sent <= 5_000;
        if facts.tokens.get(token).asked < flight.sent {
            if flight.minted {
                self.calibrated = false;
                self.fooled = true;
            }
        } else {
            self.calibrated |= counts && soon && claims.iat.is_some() && !claims.foreign;
        }
        if counts && in_time && !claims.foreign && facts.tokens.get(token).asked == flight.sent {
            let life = facts.tokens.get(token).exp - facts.tokens.get(token).iat;
            self.minted.insert(flight.template, (flight.sent, life));
        }
        let alive = claims.exp.is_none_or(|exp| exp.0 > facts.server + 6_000);
        let new = !self.brought.contains(&token);
        flight.landed.get_or_insert(alive && new && !claims.foreign && self.calibrated);
        if flight.epoch == self.epoch {
            self.brought.insert(token);
        }
    }

    pub fn event(&mut self, now: i64, event: &Event) {
        self.published = false;
        match *event {
            Event::Ask(_, Ask::Fresh(_) | Ask::Instead(..)) => self.urged_at = now,
            Event::Rejected(..) | Event::StepFailed(..) | Event::Woke(_) => self.urged_at = now,
            Event::Heard(message, _) if message.said == Said::Want && message.more[0] > 0 => {
                self.urged_at = now
            }
            _ => {}
        }
        match *event {
            Event::Start => self.started = true,
            Event::Source(Source::SignedIn(session)) | Event::Restored(session) => {
                self.present = Some(session);
                self.shown = self.present;
            }
            Event::Source(Source::SignedOut) => (self.present, self.shown) = (None, None),
            Event::RestoredToken(_, token, _) => {
                self.kept.insert(token);
                self.brought.insert(token);
            }
            Event::Heard(message, claims) if message.said == Said::Token => {
                self.kept.insert(message.token);
                if !claims.foreign {
                    self.brought.insert(message.token);
                }
            }
            Event::FetchFailed(request, _) => {
                if let Some(index) = self.flights.iter().position(|flight| flight.request == request) {
                    let template = self.flights[index].template;
                    let current =
                        !self.flights.iter().skip(index + 1).any(|flight| flight.template == template);
                    let flight = &mut self.flights[index];
                    let in_time = now - flight.sent < FETCH_TIMEOUT;
                    if flight.landed.is_none() && flight.epoch == self.epoch && current && in_time {
                        self.failed_at.insert(template, now);
                    }
                    flight.landed.get_or_insert(false);
                }
            }
            Event::Woke(wake) => {
                self.woke_at = now;
                if wake == Wake::Online {
                    self.online_at = Some(now);
                }
            }
            Event::Ask(caller, _) => {
                self.asked.insert(caller, now);
            }
            Event::SignOut(caller) => {
                self.signing_out.insert(caller, now);
                if !self.disposed {
                    self.present = None;
                }
            }
            Event::StepDone(step) | Event::StepFailed(step, _) => {
                self.running.retain(|_, running| running.step != step);
            }
            _ => {}
        }
    }

    pub fn effect(&mut self, facts: &Facts, effect: &Effect) {
        demand!(self, !self.disposed || matches!(effect, Effect::Answer(..)), "D6", "{effect:?}");
        match *effect {
            Effect::Log(log) if log.what == What::IdentityChanged => {
                self.epoch += 1;
                self.failed_at.clear();
                self.minted.clear();
                self.brought.clear();
                self.fooled = false;
            }
            Effect::Fetch { request, template, minted } => self.fetch(facts.now, request, template, minted),
            Effect::Run { backend, step, command, session } => {
                self.run(facts, backend, step, command, session);
            }
            Effect::Abort(step) => {
                for running in self.running.values_mut().filter(|running| running.step == step) {
                    running.ending = Some(facts.now);
                }
            }
            Effect::Answer(caller, answer) => {
                demand!(self, self.answered.insert(caller), "B10", "{caller:?} was answered twice");
                if self.signing_out.remove(&caller).is_some() && answer.is_err() {
                    self.present = self.shown; // who is signed in to Clerk still is signed in
                }
                self.asked.remove(&caller);
                if let Ok(Some(token)) = answer {
                    self.current(facts, token, "answered with");
                }
            }
            Effect::Cache(_, Some((token, good_for))) => {
                self.current(facts, token, "cached");
                demand!(self, good_for.0 > 0, "B6", "cached for {good_for:?}");
            }
            Effect::Forget(token) => {
                self.kept.remove(&token);
            }
            Effect::Publish => self.published = true,
            Effect::Stop => self.disposed = true,
            _ => {}
        }
    }

    fn fetch(&mut self, now: i64, request: RequestId, template: Name, minted: bool) {
        let same = |flight: &&Flight| flight.epoch == self.epoch && flight.template == template;
        // B1, B4: whatever has no answer yet is given up, or left beside by `online`.
        let open = |flight: &&Flight| flight.landed.is_none() && now - flight.sent < FETCH_TIMEOUT;
        let young: Vec<_> = self.flights.iter().filter(same).filter(open).map(|flight| flight.sent).collect();
        let last = self.flights.iter().rfind(|flight| same(flight) && flight.minted);
        let last = last.filter(|last| minted && last.landed == Some(true)).map(|last| now - last.sent);
        demand!(self, young.len() <= 1, "B1", "a third fetch at once");
        if let Some(sent) = young.first() {
            // ... once it is a second old.
            let rescued = self.online_at.is_some_and(|at| at >= *sent) && now - sent >= 1_000;
            demand!(self, rescued, "B1", "two fetches at once: the other since {}", now - sent);
        }
        // C2, H5: after a success, the next minted one is a second away.
        if let Some(since) = last {
            demand!(self, since >= 1_000, "C2", "minted again after {since} ms");
        }
        // C2: no more than one scheduled fetch in a quarter of a token's life.
        if let Some((sent, life)) = self.minted.get(&template).copied().filter(|_| minted) {
            let early = !self.clock_was_set && self.urged_at < sent && now - sent < life / 4;
            demand!(self, !early, "C2", "minted again {} ms after a token that lives {life} ms", now - sent);
        }
        // B3: a page that wakes retries at once, but once a second.
        if let Some(at) = self.failed_at.remove(&template).filter(|_| self.woke_at == now) {
            let since = now - at;
            demand!(self, since >= 999 || since == 0, "B3", "woke, and tried {since} ms after a failure");
        }
        if self.flights.len() == 64 {
            self.flights.pop_front();
        }
        let epoch = self.epoch;
        self.flights.push_back(Flight { request, epoch, template, minted, sent: now, landed: None });
    }

    fn run(&mut self, facts: &Facts, backend: usize, step: StepId, command: Command, session: Session) {
        let policy = facts.setups[backend].policy;
        if let Some(running) = self.running.get(&backend) {
            let given_up = running.ending.is_some_and(|at| facts.now - at >= 5_000);
            let may = given_up || running.interruptible && running.ending.is_some();
            demand!(self, may, "D1", "two steps at once: {command:?} beside {running:?}");
        }
        if command == Command::Nobody {
            self.open.insert(backend);
        } else {
            self.open.remove(&backend);
        }
        let interruptible = policy.has(Policy::INTERRUPTIBLE);
        let attaches = matches!(command, Command::Attach(_) | Command::Update(_));
        let ending = (!attaches).then_some(facts.now);
        self.running.insert(backend, Running { step, interruptible, ending });
        match command {
            Command::Attach(token) | Command::Update(token) => {
                let present = self.present.map(|present| present.id);
                demand!(self, present == Some(session.id), "D1", "attached {session:?}, not signed in");
                let claims = self.current(facts, token, "attached");
                // A template's token names no session: a forged message can pass off one of an earlier session.
                let forged = facts.forged;
                let place = (claims.session, claims.org) == (session.id, session.org);
                let ours = claims.user == session.user && (place || forged);
                demand!(self, ours, "D1", "attached {claims:?} for {session:?}");
                // A message that was under way when the clock was set tells a wrong time.
                let lied_to = facts.fooled || facts.forged && self.clock_was_set;
                let dead = self.calibrated && !lied_to && claims.exp + 5_000 <= facts.server;
                demand!(self, !dead, "C3", "attached a token {} ms after its end", facts.server - claims.exp);
            }
            Command::Hold(_) | Command::Nobody => {
                demand!(self, policy.has(Policy::HOLDS), "H", "{command:?} to one that does not hold");
            }
            Command::Detach(_) | Command::Revoke(_) => {}
        }
    }

    fn current(&mut self, facts: &Facts, id: TokenId, what: &str) -> Token {
        let token = facts.tokens.get(id);
        demand!(self, self.kept.contains(&id), "J3", "{what} a token that was forgotten: {id:?}");
        demand!(self, self.brought.contains(&id), "D1", "{what} a token of another epoch: {id:?}");
        let new = facts.fooled || self.fooled || token.minted + facts.blur >= self.minted_since;
        let before = self.minted_since - token.minted;
        demand!(self, new, "C6", "{what} a token minted {before} ms before the role changed: {id:?}");
        token
    }

    pub fn settled(&mut self, now: i64, state: Snapshot, backends: Vec<BackendState>, timer: Option<i64>) {
        let signed_in = state.session.id != Name::NONE && self.started && !self.disposed;
        let open = self.open.iter().find(|backend| signed_in && !self.running.contains_key(backend));
        demand!(self, open.is_none(), "G2", "{open:?} sends anonymous calls while somebody is signed in");
        self.last.1.resize(backends.len(), BackendState::default());
        let now_is = (state, backends);
        demand!(self, self.published == (now_is != self.last), "A5", "published {}", self.published);
        let refreshing = now_is.1.iter().any(|one| one.is_refreshing && one.status != Status::Authenticated);
        self.last = now_is;
        demand!(self, !refreshing, "A4", "a backend is refreshing, not authenticated");
        let refreshing = state.is_refreshing && state.status != Status::Authenticated;
        demand!(self, !refreshing, "A4", "refreshing, not authenticated");
        if let Some(wait) = timer {
            demand!(self, (1..=0x7fff_ffff).contains(&wait), "C4", "a timer in {wait} ms");
        }
        if self.disposed {
            demand!(self, timer.is_none(), "D6", "a timer");
        } else if self.started {
            let late = self.asked.iter().find(|(_, at)| now - **at > SOURCE_TIMEOUT + FETCH_TIMEOUT);
            demand!(self, late.is_none(), "B10", "waits too long: {late:?}");
            // onLeave, a step that hangs and the detach after it, and Clerk's part: all bounded.
            let late =
                self.signing_out.iter().find(|(_, at)| now - **at > 5_000 + 10_000 + FETCH_TIMEOUT + 5_000);
            demand!(self, late.is_none(), "D7", "signing out takes too long: {late:?}");
            let waits = !self.asked.is_empty() || !self.signing_out.is_empty();
            demand!(self, !waits || timer.is_some(), "B10", "a call waits with no timer set");
        }
    }

    /// The timer fired: fifty times in a second is a spin.
    pub fn tick(&mut self, now: i64) {
        self.ticks.push_back(now);
        if self.ticks.len() > 50 {
            let earlier = self.ticks.pop_front().unwrap_or_default();
            demand!(self, now - earlier > 1_000, "C4", "the timer spins");
        }
    }

    pub fn unanswered(&self) -> usize {
        self.asked.len() + self.signing_out.len()
    }
}
