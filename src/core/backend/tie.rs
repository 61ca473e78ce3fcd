//! The tie between a user and one backend: a reconciler. Whatever happened, [`Backend::next`] compares what
//! the backend was told with what it ought to know and takes one step towards it; so a failed, refused, late
//! or interrupted step needs no path of its own.

use super::super::clock::Millis;
use super::super::context::Context;
use super::super::effect::{Command, Effect, Of, Reason, StepId, TokenId};
use super::super::event::Refusal;
use super::super::failure::Code;
use super::super::identity::{Epoch, Name, Session, Who};
use super::super::retry::{self, Backoff};
use super::super::snapshot::{BackendState, Status};
use super::policy::Policy;
use super::{Setup, Template};

/// A step that hangs holds up the detaching for so long and no longer (D2).
const PATIENCE: Millis = Millis::seconds(5);
/// A refused backend gets so many further tries ... (H5)
const TRIES: u32 = 3;
/// ... within this time.
const REFUSAL_WINDOW: Millis = Millis::seconds(10);

/// What a backend has to know about.
#[derive(Clone, Copy, Debug)]
pub struct World {
    /// Who the bridge acts for.
    pub who: Who,
    /// Which epoch that is.
    pub epoch: Epoch,
    /// The application's `onLeave` callbacks for the last user are still running.
    pub leaving: bool,
    /// The token to hand over, and its serial.
    pub token: Option<(TokenId, u32)>,
    /// The token there was ran out or was refused.
    pub ran_out: bool,
    /// The source cannot bring a token just now.
    pub failing: bool,
}

/// Whose the backend is, as far as it was told. It is a tie from the moment an attach starts until a
/// detach has succeeded: whatever became of the attach, something may have to be cleared.
#[derive(Clone, Copy, Debug)]
struct Tie {
    user: Name,
    epoch: Epoch,
    /// The hand-over of the token it has; 0: it has to be handed one.
    serial: u32,
    step: StepId,
}

#[derive(Clone, Copy, Debug)]
struct Step {
    id: StepId,
    command: Command,
    epoch: Epoch,
    /// When it was started, or told that its session is over.
    since: Millis,
    aborted: bool,
}

/// One backend.
#[derive(Debug)]
pub struct Backend {
    /// The template in use, once chosen.
    pub chosen: Option<Name>,
    /// Which token it wants.
    pub template: Template,
    /// What is published of it.
    pub published: BackendState,
    index: usize,
    policy: &'static Policy,
    stored_owner: Name,
    tie: Option<Tie>,
    running: Option<Step>,
    /// An attach that was given up, and its user; should it succeed late, it is undone (D2).
    stray: Option<(StepId, Name)>,
    /// The last thing a backend that holds was told, if it was not a token.
    told: Option<Command>,
    accepted: bool,
    refusals: u32,
    refused_at: Option<Millis>,
    gave_up: Option<Code>,
    retry: Backoff,
}

impl Backend {
    /// The backend that the application listed at `index`.
    pub fn new(index: usize, setup: Setup) -> Self {
        Self {
            chosen: None,
            template: setup.template,
            published: BackendState::default(),
            index,
            policy: setup.policy,
            stored_owner: Name::NONE,
            tie: None,
            running: None,
            stray: None,
            told: None,
            accepted: false,
            refusals: 0,
            refused_at: None,
            gave_up: None,
            retry: Backoff::default(),
        }
    }

    /// Whose data it holds; nobody's if it keeps none (D4).
    pub fn owner(&self) -> Name {
        self.tie.filter(|_| self.policy.keeps_data).map_or(Name::NONE, |tie| tie.user)
    }

    /// It holds data of this user since an earlier page load (D4).
    pub fn restore_owner(&mut self, user: Name) {
        if self.policy.keeps_data {
            self.tie = Some(Tie { user, epoch: Epoch::default(), serial: 0, step: StepId::default() });
        }
    }

    /// Brings the published state up to date. Tells whether it changed.
    pub fn publish(&mut self, world: World) -> bool {
        let state = self.state(world);
        ::core::mem::replace(&mut self.published, state) != state
    }

    /// Tells whether the owner changed since this was asked last.
    pub fn note_owner(&mut self) -> bool {
        let owner = self.owner();
        ::core::mem::replace(&mut self.stored_owner, owner) != owner
    }

    fn state(&self, world: World) -> BackendState {
        let status = match (world.who, self.gave_up) {
            (Who::Unknown, _) => Status::Loading,
            (Who::Unreachable | Who::Nobody, _) | (_, Some(_)) => Status::Unauthenticated,
            _ if self.accepted => Status::Authenticated,
            _ => Status::Loading,
        };
        let signed_in = matches!(world.who, Who::User(_));
        BackendState {
            status,
            is_refreshing: status == Status::Authenticated && (self.refused_at.is_some() || world.ran_out),
            error: self.gave_up.filter(|_| signed_in),
        }
    }

    /// Nothing is left to be undone for a user who left, or it has failed.
    pub fn is_through(&self) -> bool {
        self.running.is_none() && (self.tie.is_none() || self.gave_up.is_some())
    }

    /// The user, session, organization or role changed.
    pub fn new_epoch(&mut self, same_user: bool) {
        self.accepted &= same_user;
        self.told = None;
        self.chosen = None;
        self.forgive();
    }

    /// Back online: a backend that gave up, or waits to retry, is tried at once (H5).
    pub fn wake(&mut self, time: Millis) {
        if self.gave_up != Some(Code::BackendConfig) {
            self.retry.hurry(time);
        }
    }

    fn forgive(&mut self) {
        self.refusals = 0;
        self.refused_at = None;
        self.gave_up = None;
        self.retry.clear();
    }

    /// A step ended well.
    pub fn step_done(&mut self, context: &mut Context, id: StepId) {
        if let Some((_, user)) = self.stray.take_if(|(stray, _)| *stray == id) {
            // A given-up attach made a session after all: whoever is attached now, start over.
            self.tie = Some(Tie { user, epoch: Epoch::default(), serial: 1, step: id });
            self.accepted = false;
            return;
        }
        let Some(step) = self.running.take_if(|step| step.id == id) else { return };
        match step.command {
            Command::Attach(_) | Command::Update(_) => {
                if !step.aborted {
                    self.forgive();
                    if !self.accepted {
                        self.log(context, "backend.authenticated", "");
                    }
                    self.accepted = true;
                }
            }
            Command::Detach(reason) => {
                self.tie = None;
                if reason != Reason::Rejected {
                    self.forgive();
                }
                self.log(context, "backend.detached", "");
            }
            Command::Hold(_) | Command::Nobody => {}
        }
    }

    /// A step failed. Returns the hand-over whose token was refused, if so.
    pub fn step_failed(&mut self, context: &mut Context, id: StepId, why: Refusal) -> Option<u32> {
        self.stray.take_if(|(stray, _)| *stray == id);
        let step = self.running.take_if(|step| step.id == id)?;
        if step.aborted {
            return None;
        }
        match step.command {
            Command::Attach(_) | Command::Update(_) => {
                let serial = self.tie.map_or(0, |tie| tie.serial);
                self.refused(context, why).then_some(serial)
            }
            Command::Detach(_) => {
                self.detach_failed(context);
                None
            }
            Command::Hold(_) | Command::Nobody => None,
        }
    }

    /// The backend refused a token that it had accepted, or had been told, in `step`. Returns the hand-over.
    pub fn rejected(&mut self, context: &mut Context, step: StepId, why: Refusal) -> Option<u32> {
        let tie = self.tie.filter(|tie| tie.step == step && tie.serial != 0)?;
        let serial = tie.serial;
        // While a newer token is on its way, a refusal of the one before says nothing.
        let current = self.running.is_none();
        (current && self.refused(context, why)).then_some(serial)
    }

    fn refused(&mut self, context: &mut Context, why: Refusal) -> bool {
        let time = context.time();
        if let Some(tie) = self.tie.as_mut() {
            tie.serial = 0;
        }
        if why == Refusal::Transient {
            let wait = self.retry.fail(time, retry::STEP, Millis::ZERO, &mut context.random);
            context.log("retry.scheduled", Of::Backend(self.index), "backend", wait);
            return false;
        }
        self.log(context, "token.rejected", "");
        self.refusals = self.refusals.saturating_add(1);
        if why == Refusal::Config {
            self.give_up(context, Code::BackendConfig);
        } else if self.refusals > TRIES || self.gave_up.is_some() {
            self.give_up(context, Code::BackendRejected);
        } else {
            self.refused_at.get_or_insert(time);
        }
        why == Refusal::Refused
    }

    fn give_up(&mut self, context: &mut Context, code: Code) {
        self.log(context, "backend.gave-up", if code == Code::BackendConfig { "config" } else { "refused" });
        self.gave_up = Some(code);
        self.accepted = false;
        self.refused_at = None;
        if code == Code::BackendRejected {
            self.retry.fail(context.time(), retry::REFUSED, Millis::ZERO, &mut context.random);
        }
    }

    fn detach_failed(&mut self, context: &mut Context) {
        self.log(context, "backend.detach-failed", "");
        if !self.policy.keeps_data {
            self.tie = None; // nothing of the user's stays behind
            return;
        }
        self.gave_up = Some(Code::BackendRejected);
        self.retry.fail(context.time(), retry::STEP, Millis::ZERO, &mut context.random);
    }

    /// Takes the next step, if one is due and none is under way.
    pub fn next(&mut self, context: &mut Context, world: World) {
        if !self.may_step(context, world) {
            return;
        }
        if let Some(command) = self.plan(context, world) {
            self.run(context, world, command);
        }
    }

    /// Whether no step is under way; tells one whose session is over so, and gives it up in time (D2).
    fn may_step(&mut self, context: &mut Context, world: World) -> bool {
        let time = context.time();
        let Some(step) = self.running.as_mut() else { return true };
        let attaches = matches!(step.command, Command::Attach(_) | Command::Update(_));
        let serial = self.tie.map(|tie| tie.serial);
        let newer = world.token.map(|(_, serial)| serial) != serial;
        let outdated = self.policy.interruptible && newer && (world.token.is_some() || world.ran_out);
        if attaches && !step.aborted && (step.epoch != world.epoch || outdated) {
            step.aborted = true;
            step.since = time;
            context.push(Effect::Abort(step.id));
            if self.policy.interruptible {
                self.running = None;
                return true;
            }
        }
        let bounded = step.aborted || matches!(step.command, Command::Detach(_));
        let until = step.since + PATIENCE;
        if !bounded || time < until {
            if bounded {
                context.wake_at(until);
            }
            return false;
        }
        let id = step.id;
        self.running = None;
        if attaches {
            self.stray = self.tie.map(|tie| (id, tie.user));
        } else {
            self.detach_failed(context);
        }
        true
    }

    fn plan(&mut self, context: &mut Context, world: World) -> Option<Command> {
        let waits = self.retry.waits(context.time());
        if let (true, Some(at)) = (waits, self.retry.at()) {
            context.wake_at(at);
        }
        let user = match world.who {
            Who::Unknown => return self.hold(false),
            // Public data does not wait for a Clerk that does not come; nobody's data is cleared for it.
            Who::Unreachable => return self.tell(Command::Nobody),
            Who::Nobody => {
                // Once: if it fails, the next user is kept out until it succeeds (D3).
                let failed = self.gave_up.is_some() && self.policy.keeps_data;
                return match self.tie {
                    Some(_) => (!failed).then_some(Command::Detach(Reason::SignedOut)),
                    None => self.tell(Command::Nobody),
                };
            }
            Who::User(session) => session.user,
        };
        self.bound_refusals(context, world);
        let others = self.tie.is_some_and(|tie| tie.user != user);
        if world.leaving || (others && !self.policy.switches_directly) {
            let held = self.hold(others || world.leaving);
            let clears = held.is_none() && !world.leaving && !waits;
            return if clears { Some(Command::Detach(Reason::UserSwitched)) } else { held };
        }
        if self.gave_up.is_some() && self.tie.is_some() {
            return Some(Command::Detach(Reason::Rejected));
        }
        let Some((token, serial)) = world.token else {
            // A refused token holds the client already; with a good one there is nothing to hold.
            let needless =
                self.gave_up.is_some() || self.refused_at.is_some() || (self.accepted && !world.ran_out);
            return if needless { None } else { self.hold(others) };
        };
        if waits || self.gave_up == Some(Code::BackendConfig) {
            return None;
        }
        match self.tie {
            Some(tie) if others || tie.serial == 0 => Some(Command::Attach(token)),
            Some(tie) if tie.epoch != world.epoch && !self.policy.updates_identity => {
                Some(Command::Detach(Reason::IdentityChanged))
            }
            Some(tie) if tie.serial == serial && tie.epoch == world.epoch => None,
            Some(_) if self.accepted => Some(Command::Update(token)),
            _ => Some(Command::Attach(token)),
        }
    }

    /// Ten seconds after the first refusal it is one for good, unless it is Clerk who cannot bring a
    /// better token (H5, B2).
    fn bound_refusals(&mut self, context: &mut Context, world: World) {
        let Some(at) = self.refused_at.map(|at| at + REFUSAL_WINDOW).filter(|_| !world.failing) else {
            return;
        };
        if at <= context.time() {
            self.give_up(context, Code::BackendRejected);
        } else {
            context.wake_at(at);
        }
    }

    fn hold(&mut self, somebody_left: bool) -> Option<Command> {
        match self.told {
            Some(Command::Hold(_)) => None,
            _ => self.tell(Command::Hold(somebody_left)),
        }
    }

    fn tell(&mut self, command: Command) -> Option<Command> {
        (self.policy.holds && self.told != Some(command)).then_some(command)
    }

    fn run(&mut self, context: &mut Context, world: World, command: Command) {
        let id = StepId(context.id());
        let session = if let Who::User(session) = world.who { session } else { Session::default() };
        if let Command::Attach(_) | Command::Update(_) = command {
            let serial = world.token.map_or(0, |(_, serial)| serial);
            self.tie = Some(Tie { user: session.user, epoch: world.epoch, serial, step: id });
        }
        self.told = matches!(command, Command::Hold(_) | Command::Nobody).then_some(command);
        self.running = Some(Step { id, command, epoch: world.epoch, since: context.time(), aborted: false });
        context.push(Effect::Run { backend: self.index, step: id, command, session });
    }

    fn log(&self, context: &mut Context, name: &'static str, reason: &'static str) {
        context.log(name, Of::Backend(self.index), reason, Millis::ZERO);
    }
}
