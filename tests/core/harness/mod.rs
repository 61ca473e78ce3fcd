//! A stage for one bridge: two fake clocks, a scriptable Clerk and scripted backends. Virtual time moves
//! exactly to the machine's timer or to the next answer; every event and effect is recorded, and after
//! each the invariants of the bridge are checked. Nothing sleeps.

#![allow(dead_code)] // each test file uses its part

mod checks;
pub mod clerk;
pub mod fake;

use checks::Checks;
pub use clerk::{Clerk, DAWN, Fetch, Reply, Token};
use clerk_bridge::core::backend::{Policy, Setup, Template};
use clerk_bridge::core::effect::{CallerId, Command, Effect, Reason, RequestId, StepId, TokenId};
use clerk_bridge::core::event::{Ask, Event, Refusal, Wake};
use clerk_bridge::core::failure::Code;
use clerk_bridge::core::identity::{Name, Session, Source};
use clerk_bridge::core::snapshot::{BackendState, Snapshot, Status};
use clerk_bridge::core::{Bridge, Millis, Now, Options};
pub use fake::{End, Fake, Run};
use std::collections::VecDeque;

pub const TEMPLATE: Name = Name(50);
/// Sessions of the backends' own have numbers from here on.
pub const OWED: u32 = 1_000_000;
pub const SECOND: i64 = 1_000;
pub const MINUTE: i64 = 60 * SECOND;

pub fn user(number: u32) -> Session {
    Session { user: Name(number), id: Name(10 + number), org: Name(20), role: Name(30), fits: None }
}

pub fn alice() -> Session {
    user(1)
}

pub fn bob() -> Session {
    user(2)
}

#[derive(Clone, Copy, Debug)]
enum Later {
    Token(RequestId, Token),
    /// It ends well, and leaves a session to be revoked.
    Detached(usize, StepId),
    Event(Event),
}

/// Everything that was told and wanted, with the time.
#[derive(Clone, Copy, Debug)]
pub enum Entry {
    Event(Event),
    Effect(Effect),
}

pub struct Stage {
    pub bridge: Bridge,
    pub options: Options,
    /// Milliseconds since the start, as Clerk's clock counts them.
    pub now: i64,
    /// How far the local wall clock is ahead of Clerk's.
    pub skew: i64,
    /// How long the monotonic clock stood still.
    pub asleep: i64,
    pub clerk: Clerk,
    pub backends: Vec<Fake>,
    /// The application's `onLeave` takes so long; `None`: for ever.
    pub leave_takes: Option<i64>,
    /// Clerk's sign-out: how long it takes and whether it succeeds; `None`: it hangs.
    pub sign_out_takes: Option<(i64, bool)>,
    pub log: Vec<(i64, Entry)>,
    pub answers: Vec<(i64, CallerId, Result<Option<TokenId>, Code>)>,
    pub published: Vec<(i64, Snapshot)>,
    pub leaves: Vec<(i64, Name, Reason)>,
    tokens: Vec<Token>,
    later: Vec<(i64, Later)>,
    hanging: Vec<StepId>,
    timer: Option<i64>,
    callers: u32,
    checks: Checks,
}

impl Stage {
    pub fn new() -> Self {
        Self::with(Options::default())
    }

    pub fn with(options: Options) -> Self {
        Self {
            bridge: Bridge::new(options.clone()),
            checks: Checks::new(&options),
            options,
            now: 0,
            skew: 0,
            asleep: 0,
            clerk: Clerk::default(),
            backends: Vec::new(),
            leave_takes: Some(0),
            sign_out_takes: Some((100, true)),
            log: Vec::new(),
            answers: Vec::new(),
            published: Vec::new(),
            leaves: Vec::new(),
            tokens: Vec::new(),
            later: Vec::new(),
            hanging: Vec::new(),
            timer: None,
            callers: 0,
        }
    }

    /// A stage with one backend, started.
    pub fn of(policy: Policy, template: Template) -> Self {
        let mut stage = Self::new();
        stage.backend(policy, template);
        stage.tell(Event::Start);
        stage
    }

    /// The same with somebody signed in and attached.
    pub fn attached(policy: Policy, template: Template, session: Session) -> Self {
        let mut stage = Self::of(policy, template);
        stage.sign_in(session);
        stage.advance(SECOND);
        assert_eq!(stage.status(), Status::Authenticated);
        stage
    }

    pub fn backend(&mut self, policy: Policy, template: Template) {
        self.backends.push(Fake {
            policy,
            script: VecDeque::new(),
            usual: End::Well(10),
            runs: Vec::new(),
            aborted: Vec::new(),
            owes: policy.has(Policy::EXCHANGES),
        });
        self.tell(Event::Backend(Setup { policy, template }));
    }

    pub fn wall(&self) -> i64 {
        DAWN + self.now + self.skew
    }

    pub fn server(&self) -> i64 {
        DAWN + self.now
    }

    /// Tells the machine, carries out what it wants, and checks it.
    pub fn tell(&mut self, event: Event) {
        self.log.push((self.now, Entry::Event(event)));
        self.checks.event(self.now, &event);
        if let Event::Tick = event {
            self.timer = None;
        }
        let now = Now { wall: Millis(self.wall()), mono: Millis(self.now - self.asleep) };
        let effects = self.bridge.handle(now, event);
        for effect in effects {
            self.log.push((self.now, Entry::Effect(effect)));
            self.checks.effect(self.now, &effect, &self.tokens, &self.backends, self.server());
            self.carry_out(effect);
        }
        let states: Vec<BackendState> =
            (0..self.backends.len()).map(|index| self.bridge.backend_state(index)).collect();
        let timer = self.bridge.timer().map(|at| (at - self.bridge.time()).0);
        self.checks.settled(self.now, self.bridge.snapshot(), &states, timer);
    }

    fn carry_out(&mut self, effect: Effect) {
        match effect {
            Effect::Fetch { request, template, minted } => {
                match self.clerk.answer(self.now, self.wall(), template, minted) {
                    Some((after, Ok(token))) => self.after(after, Later::Token(request, token)),
                    Some((after, Err(failure))) => {
                        self.after(after, Later::Event(Event::FetchFailed(request, failure)));
                    }
                    None => {}
                }
            }
            Effect::Timer => {
                self.timer = self.bridge.timer().map(|at| self.now + (at - self.bridge.time()).0);
            }
            Effect::Run { backend, step, command, session } => {
                let run = Run { at: self.now, step, command, session };
                let fake = &mut self.backends[backend];
                fake.runs.push(run);
                let end = match command {
                    Command::Hold(_) | Command::Nobody => End::Well(0),
                    _ => fake.script.pop_front().unwrap_or(fake.usual),
                };
                let owes = matches!(command, Command::Detach(_)) && fake.owes;
                match end {
                    End::Well(after) if owes => self.after(after, Later::Detached(backend, step)),
                    End::Well(after) => self.after(after, Later::Event(Event::StepDone(step))),
                    End::Not(after, why) => self.after(after, Later::Event(Event::StepFailed(step, why))),
                    End::Hang => self.hanging.push(step),
                }
            }
            Effect::Abort(step) => {
                for fake in &mut self.backends {
                    if fake.runs.iter().any(|run| run.step == step) {
                        fake.aborted.push(step);
                    }
                }
            }
            Effect::Leave { leave, user, reason } => {
                self.leaves.push((self.now, user, reason));
                if let Some(after) = self.leave_takes {
                    self.after(after, Later::Event(Event::Left(leave)));
                }
            }
            Effect::Answer(caller, answer) => self.answers.push((self.now, caller, answer)),
            Effect::SourceSignOut(request) => {
                if let Some((after, succeeds)) = self.sign_out_takes {
                    self.after(after, Later::Event(Event::SourceSignedOut(request, succeeds)));
                }
            }
            Effect::Publish => self.published.push((self.now, self.bridge.snapshot())),
            Effect::Cache(..) | Effect::Forget(_) | Effect::Store | Effect::StoreLive => {}
            Effect::Log(_) | Effect::Stop | Effect::Say(_) | Effect::Claim { .. } => {}
        }
    }

    fn after(&mut self, after: i64, what: Later) {
        self.later.push((self.now + after, what));
    }

    /// The number of a token's string: the same string has the same number.
    pub fn token(&mut self, token: Token) -> TokenId {
        let index = self.tokens.iter().position(|known| *known == token).unwrap_or_else(|| {
            self.tokens.push(token);
            self.tokens.len() - 1
        });
        TokenId(index as u32 + 1)
    }

    pub fn claims_of(&self, id: TokenId) -> Token {
        self.tokens[id.0 as usize - 1]
    }

    fn happen(&mut self, what: Later) {
        match what {
            Later::Event(Event::SourceSignedOut(request, true)) => {
                self.clerk.session = None;
                self.tell(Event::Source(Source::SignedOut));
                self.tell(Event::SourceSignedOut(request, true));
            }
            Later::Event(event) => self.tell(event),
            Later::Detached(backend, step) => {
                self.tell(Event::Owes(backend, TokenId(OWED + step.0)));
                self.tell(Event::StepDone(step));
            }
            Later::Token(request, token) => {
                let id = self.token(token);
                let claims = token.claims(self.bridge.live().0);
                self.checks.delivered(self.now, self.server(), request, id, claims);
                self.tell(Event::Fetched(request, id, claims));
            }
        }
    }

    /// Lets so much time pass; what falls due happens on the way, at its moment.
    pub fn advance(&mut self, ms: i64) {
        let end = self.now + ms;
        loop {
            let next = self.later.iter().map(|(at, _)| *at).min().into_iter().chain(self.timer).min();
            let Some(at) = next.filter(|at| *at <= end) else { break };
            self.now = self.now.max(at);
            match self.later.iter().position(|(due, _)| *due <= at) {
                Some(index) => {
                    let (_, what) = self.later.remove(index);
                    self.happen(what);
                }
                None => {
                    self.checks.tick(self.now);
                    self.tell(Event::Tick);
                }
            }
        }
        self.now = end;
    }

    /// Lets time pass until something is so; panics after ten minutes without it.
    pub fn until(&mut self, what: &str, mut so: impl FnMut(&Self) -> bool) -> i64 {
        let start = self.now;
        while !so(self) {
            assert!(self.now - start < 10 * MINUTE, "{what} never happened\n{}", self.tail(30));
            self.advance(10);
        }
        self.now - start
    }

    /// The last entries of the log.
    pub fn tail(&self, count: usize) -> String {
        let from = self.log.len().saturating_sub(count);
        self.log[from..].iter().map(|(at, entry)| format!("{at} {entry:?}\n")).collect()
    }

    /// The page sleeps: the wall clock goes on, the monotonic one and the timers do not.
    pub fn sleep(&mut self, ms: i64) {
        self.now += ms;
        self.asleep += ms;
        for (at, _) in &mut self.later {
            *at += ms;
        }
        if let Some(at) = &mut self.timer {
            *at += ms;
        }
        self.checks.slept(ms);
    }

    /// Somebody sets the wall clock.
    pub fn set_clock(&mut self, by: i64) {
        self.skew += by;
        self.checks.jumped(self.now, by);
    }

    /// What hangs ends after all.
    pub fn end_hanging(&mut self) {
        for step in std::mem::take(&mut self.hanging) {
            self.tell(Event::StepFailed(step, Refusal::Transient));
        }
    }

    pub fn source(&mut self, source: Source) {
        self.clerk.session = match source {
            Source::SignedIn(session) => Some(session),
            Source::SignedOut => None,
            Source::Unknown | Source::Failed => self.clerk.session,
        };
        self.tell(Event::Source(source));
    }

    pub fn sign_in(&mut self, session: Session) {
        self.source(Source::SignedIn(session));
    }

    pub fn sign_out(&mut self) {
        self.source(Source::SignedOut);
    }

    pub fn wake(&mut self, wake: Wake) {
        self.tell(Event::Woke(wake));
    }

    pub fn ask(&mut self, ask: Ask) -> CallerId {
        self.callers += 1;
        let caller = CallerId(self.callers);
        self.tell(Event::Ask(caller, ask));
        caller
    }

    pub fn bridge_sign_out(&mut self) -> CallerId {
        self.callers += 1;
        let caller = CallerId(self.callers);
        self.tell(Event::SignOut(caller));
        caller
    }

    pub fn reject(&mut self, backend: usize, why: Refusal) {
        let step = self.backends[backend].handed().last().map(|run| run.step);
        self.tell(Event::Rejected(step.unwrap_or_default(), why));
    }

    pub fn answer(&self, caller: CallerId) -> Option<Result<Option<TokenId>, Code>> {
        self.answers.iter().find(|(_, one, _)| *one == caller).map(|(_, _, answer)| *answer)
    }

    pub fn answered_at(&self, caller: CallerId) -> Option<i64> {
        self.answers.iter().find(|(_, one, _)| *one == caller).map(|(at, ..)| *at)
    }

    pub fn state(&self) -> Snapshot {
        self.bridge.snapshot()
    }

    pub fn status(&self) -> Status {
        self.bridge.snapshot().status
    }

    pub fn fetches(&self) -> &[Fetch] {
        &self.clerk.fetches
    }

    /// The statuses published, without repetitions.
    pub fn statuses(&self) -> Vec<Status> {
        let mut all: Vec<_> = self.published.iter().map(|(_, state)| state.status).collect();
        all.dedup();
        all
    }

    /// The effects since an entry of the log.
    pub fn effects_since(&self, entry: usize) -> impl Iterator<Item = Effect> {
        self.log[entry..].iter().filter_map(|(_, entry)| match entry {
            Entry::Effect(effect) => Some(*effect),
            Entry::Event(_) => None,
        })
    }

    pub fn timer_in(&self) -> Option<i64> {
        self.timer.map(|at| at - self.now)
    }

    /// Ask and sign-out calls that have no answer yet.
    pub fn unanswered(&self) -> usize {
        self.checks.unanswered()
    }
}
