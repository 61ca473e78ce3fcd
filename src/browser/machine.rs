//! The machine behind numbers: each call is one event, each effect one call of the host, which only notes it
//! and carries it out once the event is handled. Strings are known by number, tokens too.

use crate::core::backend::{Policy, Setup, Template};
use crate::core::effect::{CallerId, Command, Effect, LeaveId, Of, RequestId, StepId, TokenId};
use crate::core::event::{Ask, Event, Refusal, Wake};
use crate::core::failure::{Code, Failure};
use crate::core::identity::{Name, Session, Source};
use crate::core::options::Persist;
use crate::core::tabs::{Message, Said};
use crate::core::token::Claims;
use crate::core::{Bridge, Millis, Now, Options};
use ::core::cell::RefCell;

/// Where effects go, and where the time comes from. What the numbers mean stands with each kind in
/// `pkg-template/src/shell/numbers.ts`.
pub trait Host {
    /// One effect.
    fn effect(&self, kind: u32, numbers: [u32; 7]);
    /// One effect that comes with a span of time, in milliseconds.
    fn wait(&self, kind: u32, a: u32, b: u32, ms: f64);
    /// An entry of the event log. `backend`: -1 is none.
    fn log(&self, name: &str, backend: i32, template: u32, reason: &str, ms: f64);
    /// `Date.now()`.
    fn wall(&self) -> f64;
    /// `performance.now()`.
    fn mono(&self) -> f64;
}

/// One bridge's machine. Its methods return at once and throw nothing.
pub struct Machine<H> {
    host: H,
    bridge: RefCell<Bridge>,
}

impl<H: Host> Machine<H> {
    /// A machine that is not started yet. `persist`: 0 nothing, 1 identity, 2 tokens. Times are milliseconds;
    /// `seed` is any number below 2^53.
    pub fn new(
        host: H,
        persist: u32,
        leeway: f64,
        fetch_timeout: f64,
        source_timeout: f64,
        seed: f64,
    ) -> Self {
        let persist = match persist {
            0 => Persist::Nothing,
            1 => Persist::Identity,
            _ => Persist::Tokens,
        };
        let bridge = Bridge::new(Options {
            persist,
            leeway: millis(leeway),
            fetch_timeout: millis(fetch_timeout),
            source_timeout: millis(source_timeout),
            seed: seed as u64,
        });
        Self { host, bridge: RefCell::new(bridge) }
    }

    /// Something happened. What the numbers mean stands with each kind in
    /// `pkg-template/src/shell/numbers.ts`.
    pub fn event(&self, kind: u32, [a, b, c, d, e, f, g]: [u32; 7]) {
        self.handle(match kind {
            0 => Event::Backend(setup(a, b, c, d)),
            1 => Event::Remembered(Name(a), Name(b)),
            2 => Event::Owner(a as usize, Name(b)),
            3 => Event::Restored(session(a, b, c, d, 0)),
            4 => Event::Start,
            5 => Event::Source(Source::Unknown),
            6 => Event::Source(Source::Failed),
            7 => Event::Source(Source::SignedOut),
            8 => Event::Source(Source::SignedIn(session(a, b, c, d, e))),
            9 => Event::FetchFailed(RequestId(a), Failure::read(b, i64::from(c))),
            10 => Event::Tick,
            11 => Event::Woke(if a > 0 { Wake::Online } else { Wake::Seen }),
            12 => Event::Ask(CallerId(a), Ask::Good(Name(b))),
            13 => Event::Ask(CallerId(a), Ask::Fresh(Name(b))),
            14 => Event::Ask(CallerId(a), Ask::Instead(b as usize, TokenId(c))),
            15 => Event::StepDone(StepId(a)),
            16 => Event::StepFailed(StepId(a), refusal(b)),
            17 => Event::Rejected(StepId(a), refusal(b)),
            18 => Event::Left(LeaveId(a)),
            19 => Event::SignOut(CallerId(a)),
            20 => Event::SourceSignedOut(RequestId(a), b > 0),
            21 => Event::Owes(a as usize, TokenId(b)),
            22 => Event::Shared,
            23 => {
                let (session, org, template, token) = (Name(b), Name(c), Name(d), TokenId(e));
                let message = Message { said: Said::read(a), session, org, template, token, more: [f, g] };
                Event::Heard(message, Claims::default())
            }
            24 => Event::Lead(a > 0),
            _ => Event::Dispose,
        });
    }

    /// A token string came, with its claims; none, if it is no string that may be attached (B9). From 0: by the
    /// fetch `id`. From 1: from storage, for the template `id`. From 2: from another tab in that session and
    /// organization, for the template `id`; the last two of `about` are what it said of it.
    pub fn token(&self, from: u32, id: u32, token: u32, claims: Option<Claims>, about: [u32; 4]) {
        let [session, org, b, c] = about;
        let (token, template) = (TokenId(token), Name(id));
        let Some(claims) = claims else {
            self.tell(&self.bridge.borrow(), Effect::Forget(token)); // nobody will ask for it (J3)
            if from == 0 {
                self.handle(Event::FetchFailed(RequestId(id), Failure::Malformed));
            }
            return;
        };
        self.handle(match from {
            0 => Event::Fetched(RequestId(id), token, claims),
            1 => Event::RestoredToken(template, token, claims),
            _ => {
                let (said, session, org) = (Said::Token, Name(session), Name(org));
                Event::Heard(Message { said, session, org, template, token, more: [b, c] }, claims)
            }
        });
    }

    fn handle(&self, event: Event) {
        let now = Now { wall: millis(self.host.wall()), mono: millis(self.host.mono()) };
        let mut bridge = self.bridge.borrow_mut();
        for effect in bridge.handle(now, event) {
            self.tell(&bridge, effect);
        }
    }

    /// Hands an effect to the host, as numbers.
    fn tell(&self, bridge: &Bridge, effect: Effect) {
        let say = |kind, a, b, c| self.host.effect(kind, [a, b, c, 0, 0, 0, 0]);
        match effect {
            Effect::Fetch { request, template, minted } => say(0, request.0, template.0, minted.into()),
            Effect::Timer => {
                let after = bridge.timer().map_or(-1.0, |at| (at - bridge.time()).0 as f64);
                self.host.wait(1, 0, 0, after);
            }
            Effect::Run { backend, step, command, session } => {
                let (command, argument) = match command {
                    Command::Hold(somebody_left) => (0, somebody_left.into()),
                    Command::Attach(token) => (1, token.0),
                    Command::Update(token) => (2, token.0),
                    Command::Detach(reason) => (3, reason as u32),
                    Command::Nobody => (4, 0),
                    Command::Revoke(session) => (5, session.0),
                };
                let (user, id, org) = (session.user.0, session.id.0, session.org.0);
                self.host.effect(2, [backend as u32, step.0, command, argument, user, id, org]);
            }
            Effect::Abort(step) => say(3, step.0, 0, 0),
            Effect::Leave { leave, user, reason } => say(4, leave.0, user.0, reason as u32),
            Effect::Answer(caller, Ok(token)) => say(5, caller.0, 0, token.unwrap_or_default().0),
            Effect::Answer(caller, Err(error)) => say(5, caller.0, error as u32, 0),
            Effect::Cache(template, cached) => {
                let (token, good_for) = cached.unwrap_or_default();
                self.host.wait(6, template.0, token.0, good_for.0 as f64);
            }
            Effect::Forget(token) => say(7, token.0, 0, 0),
            Effect::Store => {
                for index in 0..bridge.backends() {
                    say(9, index as u32, bridge.owner(index).0, 0);
                    for session in bridge.owed(index) {
                        say(9, index as u32, 0, session.0);
                    }
                }
                let (user, org) = bridge.record();
                say(8, user.0, org.0, 0);
            }
            Effect::StoreLive => {
                let (session, tokens) = bridge.live();
                for (template, token) in tokens {
                    say(11, template.0, token.0, 0);
                }
                self.session(10, session);
            }
            Effect::SourceSignOut(request) => say(12, request.0, 0, 0),
            Effect::Publish => self.publish(bridge),
            Effect::Log(log) => {
                let (backend, template) = match log.of {
                    Of::Bridge => (-1, Name::NONE),
                    Of::Backend(index) => (index as i32, Name::NONE),
                    Of::Template(template) => (-1, template),
                };
                self.host.log(log.what.text(), backend, template.0, log.why.text(), log.wait.0 as f64);
            }
            Effect::Stop => say(16, 0, 0, 0),
            Effect::Say(Message { said, session, org, template, token, more: [b, c] }) => {
                self.host.effect(18, [said as u32, session.0, org.0, template.0, token.0, b, c]);
            }
            Effect::Claim { session, org, steal } => say(19, session.0, org.0, steal.into()),
        }
    }

    fn publish(&self, bridge: &Bridge) {
        let state = bridge.snapshot();
        for index in 0..bridge.backends() {
            let one = bridge.backend_state(index);
            let (status, refreshing) = (one.status as u32, one.is_refreshing.into());
            self.host.effect(13, [index as u32, status, refreshing, code(one.error), 0, 0, 0]);
        }
        self.session(14, state.session);
        let (status, refreshing, error) =
            (state.status as u32, state.is_refreshing.into(), code(state.error));
        let backend = state.error_backend.map_or(0, |index| (index as u32).wrapping_add(1));
        let (user, org) = state.remembered;
        self.host.effect(15, [status, refreshing, error, backend, user.0, org.0, 0]);
    }

    fn session(&self, kind: u32, session: Session) {
        self.host.effect(kind, [session.user.0, session.id.0, session.org.0, session.role.0, 0, 0, 0]);
    }
}

fn millis(ms: f64) -> Millis {
    Millis(ms as i64).bounded()
}

fn setup(kind: u32, template: u32, auto: u32, more: u32) -> Setup {
    let policy = Policy::of(kind).with(Policy(more));
    let template = Name(template);
    let template = if auto > 0 { Template::UnlessFits(template) } else { Template::Fixed(template) };
    Setup { policy, template }
}

fn session(user: u32, id: u32, org: u32, role: u32, fits: u32) -> Session {
    let fits = (fits > 0).then_some(fits == 2);
    Session { user: Name(user), id: Name(id), org: Name(org), role: Name(role), fits }
}

fn refusal(why: u32) -> Refusal {
    match why {
        0 => Refusal::Transient,
        1 => Refusal::Refused,
        _ => Refusal::Config,
    }
}

/// The number of an error; 0 is none.
fn code(code: Option<Code>) -> u32 {
    code.map_or(0, |code| code as u32)
}
