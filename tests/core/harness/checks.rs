//! What must hold after every event, whatever happened before: the invariants of the bridge, checked from
//! outside, by what it was told and what it wanted.

use super::{Fake, Token};
use clerk_bridge::core::Options;
use clerk_bridge::core::backend::Policy;
use clerk_bridge::core::effect::{CallerId, Command, Effect, RequestId, StepId, TokenId, What};
use clerk_bridge::core::event::{Event, Wake};
use clerk_bridge::core::identity::{Name, Session, Source};
use clerk_bridge::core::snapshot::{BackendState, Snapshot, Status};
use clerk_bridge::core::token::Claims;
use std::collections::{BTreeMap, BTreeSet};

struct Flight {
    request: RequestId,
    epoch: u32,
    template: Name,
    minted: bool,
    sent: i64,
    landed: Option<bool>,
}

struct Running {
    step: StepId,
    interruptible: bool,
    /// Since when it was to end: a detach, or a step that was told that its session is over.
    ending: Option<i64>,
}

pub struct Checks {
    fetch_timeout: i64,
    source_timeout: i64,
    epoch: u32,
    flights: Vec<Flight>,
    online_at: Option<i64>,
    /// The epochs for which a token was brought.
    brought: BTreeMap<TokenId, BTreeSet<u32>>,
    kept: BTreeSet<TokenId>,
    /// Clerk's time is known to the machine: since the last jump, a minted token came soon after it was
    /// asked for.
    calibrated: bool,
    jumped_at: i64,
    /// Whom a backend may be attached for.
    present: Option<Session>,
    /// Whom the source shows.
    shown: Option<Session>,
    running: BTreeMap<usize, Running>,
    last: (Snapshot, Vec<BackendState>),
    asked: BTreeMap<CallerId, i64>,
    signing_out: BTreeSet<CallerId>,
    answered: BTreeSet<CallerId>,
    started: bool,
    disposed: bool,
    ticks: Vec<i64>,
    published: bool,
}

impl Checks {
    pub fn new(options: &Options) -> Self {
        Self {
            fetch_timeout: options.fetch_timeout.0,
            source_timeout: options.source_timeout.0,
            epoch: 0,
            flights: Vec::new(),
            online_at: None,
            brought: BTreeMap::new(),
            kept: BTreeSet::new(),
            calibrated: true,
            jumped_at: -1,
            present: None,
            shown: None,
            running: BTreeMap::new(),
            last: Default::default(),
            asked: BTreeMap::new(),
            signing_out: BTreeSet::new(),
            answered: BTreeSet::new(),
            started: false,
            disposed: false,
            ticks: Vec::new(),
            published: false,
        }
    }

    /// The wall clock was set: so much seemed to pass, and Clerk's time is not known any more.
    pub fn jumped(&mut self, now: i64, forwards: i64) {
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
    pub fn slept(&mut self, ms: i64) {
        for at in self.asked.values_mut() {
            *at += ms;
        }
    }

    pub fn delivered(&mut self, now: i64, server: i64, request: RequestId, token: TokenId, claims: Claims) {
        self.kept.insert(token);
        let Some(flight) = self.flights.iter_mut().find(|flight| flight.request == request) else { return };
        let counts = flight.minted && flight.epoch == self.epoch && flight.landed.is_none();
        let soon = flight.sent > self.jumped_at + 1_000 && now - flight.sent <= 5_000;
        self.calibrated |= counts && soon && claims.iat.is_some() && !claims.foreign;
        let asked_at = server - (now - flight.sent);
        if flight.minted && claims.iat.is_some_and(|iat| iat.0 < asked_at - 2_000) {
            self.calibrated = false; // an old token passed off for a new one: nobody can tell
        }
        // A token of somebody else, or one that is dead on arrival, is a failure.
        let alive = claims.exp.is_none_or(|exp| exp.0 > server + 6_000);
        // So is, while Clerk's time is not known, one that seems to be dead; one that came before may be too.
        let new = !self.brought.contains_key(&token);
        flight.landed.get_or_insert(alive && new && !claims.foreign && self.calibrated);
        self.brought.entry(token).or_default().insert(flight.epoch);
    }

    pub fn event(&mut self, now: i64, event: &Event) {
        self.published = false;
        match *event {
            Event::Start => self.started = true,
            Event::Source(Source::SignedIn(session)) | Event::Restored(session) => {
                self.present = Some(session);
                self.shown = self.present;
            }
            Event::Source(Source::SignedOut) => {
                self.present = None;
                self.shown = None;
            }
            Event::RestoredToken(_, token, _) => {
                self.kept.insert(token);
                self.brought.entry(token).or_default().insert(self.epoch);
            }
            Event::FetchFailed(request, _) => {
                if let Some(flight) = self.flights.iter_mut().find(|flight| flight.request == request) {
                    flight.landed.get_or_insert(false);
                }
            }
            Event::Woke(Wake::Online) => self.online_at = Some(now),
            Event::Ask(caller, _) => {
                self.asked.insert(caller, now);
            }
            Event::SignOut(caller) => {
                self.signing_out.insert(caller);
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

    pub fn effect(&mut self, now: i64, effect: &Effect, tokens: &[Token], backends: &[Fake], server: i64) {
        if self.disposed {
            // D6: calls are answered still, nothing else happens.
            assert!(matches!(effect, Effect::Answer(..)), "after dispose: {effect:?}");
        }
        match *effect {
            Effect::Log(log) if log.what == What::IdentityChanged => self.epoch += 1,
            Effect::Fetch { request, template, minted } => self.fetch(now, request, template, minted),
            Effect::Run { backend, step, command, session } => {
                self.run(now, backend, step, command, session, tokens, backends, server);
            }
            Effect::Abort(step) => {
                for running in self.running.values_mut().filter(|running| running.step == step) {
                    running.ending = Some(now);
                }
            }
            Effect::Answer(caller, answer) => {
                assert!(self.answered.insert(caller), "{caller:?} was answered twice");
                if self.signing_out.remove(&caller) && answer.is_err() {
                    self.present = self.shown; // who is signed in to Clerk still is signed in
                }
                if let Some(at) = self.asked.remove(&caller) {
                    let bound = self.source_timeout + self.fetch_timeout;
                    assert!(!self.started || now - at <= bound, "B10: {caller:?} waited {}", now - at);
                }
                if let Ok(Some(token)) = answer {
                    self.current(token, tokens, "answered with");
                }
            }
            Effect::Cache(_, Some((token, good_for))) => {
                self.current(token, tokens, "cached");
                assert!(good_for.0 > 0);
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
        let young: Vec<_> = self
            .flights
            .iter()
            .filter(same)
            .filter(|flight| flight.landed.is_none() && now - flight.sent < self.fetch_timeout)
            .collect();
        assert!(young.len() <= 1, "B1: a third fetch at once");
        if let Some(flight) = young.first() {
            let rescued = now >= flight.sent + 1_000 && self.online_at.is_some_and(|at| at >= flight.sent);
            assert!(rescued, "B1: two fetches at once");
        }
        // C2, H5: after a success, the next minted one is a second away.
        let last = self.flights.iter().rfind(|flight| same(flight) && flight.minted);
        if let Some(last) = last.filter(|last| minted && last.landed == Some(true)) {
            assert!(now - last.sent >= 1_000, "C2: minted again after {} ms", now - last.sent);
        }
        self.flights.push(Flight { request, epoch: self.epoch, template, minted, sent: now, landed: None });
    }

    #[allow(clippy::too_many_arguments)]
    fn run(
        &mut self,
        now: i64,
        backend: usize,
        step: StepId,
        command: Command,
        session: Session,
        tokens: &[Token],
        backends: &[Fake],
        server: i64,
    ) {
        let policy = backends[backend].policy;
        if let Some(running) = self.running.get(&backend) {
            let given_up = running.ending.is_some_and(|at| now - at >= 5_000);
            assert!(
                given_up || running.interruptible && running.ending.is_some(),
                "D1: two steps at once: {:?} beside {:?}",
                command,
                running.step
            );
        }
        let interruptible = policy.has(Policy::INTERRUPTIBLE);
        let attaches = matches!(command, Command::Attach(_) | Command::Update(_));
        let ending = (!attaches).then_some(now);
        self.running.insert(backend, Running { step, interruptible, ending });
        match command {
            Command::Attach(token) | Command::Update(token) => {
                let present = self.present.map(|present| present.id);
                assert_eq!(present, Some(session.id), "D1: attached for somebody who is not signed in");
                let claims = self.current(token, tokens, "attached");
                assert_eq!(claims.user, session.user);
                // Of a token that does not say when it was issued, nobody can tell an old one from a new one.
                if self.calibrated && claims.iat.is_some() {
                    let dead = claims.exp.is_some_and(|exp| exp + 5_000 <= server);
                    assert!(!dead, "C3: attached an expired token");
                }
            }
            Command::Hold(_) | Command::Nobody => assert!(policy.has(Policy::HOLDS)),
            Command::Detach(_) | Command::Revoke(_) => {}
        }
    }

    fn current(&self, token: TokenId, tokens: &[Token], what: &str) -> Token {
        assert!(self.kept.contains(&token), "{what} a token that was forgotten");
        let epochs = self.brought.get(&token);
        assert!(
            epochs.is_some_and(|epochs| epochs.contains(&self.epoch)),
            "D1: {what} a token of another epoch: {epochs:?}, now {}",
            self.epoch
        );
        tokens[token.0 as usize - 1]
    }

    pub fn settled(&mut self, now: i64, state: Snapshot, backends: &[BackendState], timer: Option<i64>) {
        self.last.1.resize(backends.len(), BackendState::default());
        let now_is = (state, backends.to_vec());
        assert_eq!(self.published, now_is != self.last, "A5: published {}", self.published);
        self.last = now_is;
        let refreshing = backends.iter().any(|one| one.is_refreshing && one.status != Status::Authenticated);
        assert!(!refreshing, "A4: refreshing, not authenticated");
        assert!(!state.is_refreshing || state.status == Status::Authenticated, "A4");
        if let Some(wait) = timer {
            assert!((1..=0x7fff_ffff).contains(&wait), "C4: a timer in {wait} ms");
        }
        if self.disposed {
            assert_eq!(timer, None, "D6");
        }
        if self.started && !self.disposed {
            let bound = self.source_timeout + self.fetch_timeout;
            for (caller, at) in &self.asked {
                assert!(now - at <= bound, "B10: {caller:?} waits since {at}, now {now}");
                assert!(timer.is_some(), "B10: {caller:?} waits with no timer set");
            }
        }
    }

    /// The timer fired: fifty times in a second is a spin.
    pub fn tick(&mut self, now: i64) {
        self.ticks.push(now);
        if let Some(earlier) = self.ticks.len().checked_sub(50).and_then(|at| self.ticks.get(at)) {
            assert!(now - earlier > 1_000, "the timer spins");
        }
    }

    pub fn unanswered(&self) -> usize {
        self.asked.len() + self.signing_out.len()
    }
}
