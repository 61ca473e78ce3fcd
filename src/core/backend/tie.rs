//! The tie between a user and one backend: a reconciler. Whatever happened, [`Backend::next`] compares what
//! the backend was told with what it ought to know and takes one step towards it; so a failed, refused, late
//! or interrupted step needs no path of its own.

use super::super::clock::Millis;
use super::super::context::Context;
use super::super::effect::{Command, Effect, Of, Reason, StepId};
use super::super::event::Refusal;
use super::super::failure::Code;
use super::super::identity::{Name, Session, Who};
use super::super::retry::{self, Backoff};
use super::super::snapshot::{BackendState, Status};
use super::owed::Owed;
use super::policy::Policy;
use super::step::{Step, Tie, World};
use super::{Setup, Template};
use crate::prelude::*;

/// A step that hangs holds up the detaching for so long and no longer (D2).
const PATIENCE: Millis = Millis::seconds(5);
/// A refused backend gets so many further tries ... (H5)
const TRIES: u32 = 3;
/// ... within this time.
const REFUSAL_WINDOW: Millis = Millis::seconds(10);

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
    policy: Policy,
    /// The sessions of its own that are still to be revoked (D5).
    pub owed: Owed,
    /// What is stored of it: the owner, and how many sessions it owes.
    stored: (Name, usize),
    tie: Option<Tie>,
    running: Option<Step>,
    /// Attaches that were given up, and their users; one that succeeds late is undone (D2).
    strays: Vec<(StepId, Name)>,
    /// The last thing a backend that holds was told, if it was not a token.
    told: Option<Command>,
    accepted: bool,
    refusals: u32,
    last_refusal: Millis,
    /// Since when it is refused, or with Clerk out of reach, since when Clerk is back.
    refused_at: Option<Millis>,
    gave_up: Option<Code>,
    /// Data of the user's could not be cleared (D3).
    stuck: bool,
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
            owed: Owed::default(),
            stored: Default::default(),
            tie: None,
            running: None,
            strays: Vec::new(),
            told: None,
            accepted: false,
            refusals: 0,
            last_refusal: Millis::ZERO,
            refused_at: None,
            gave_up: None,
            stuck: false,
            retry: Backoff::default(),
        }
    }

    /// Whose data it holds; nobody's if it keeps none (D4).
    pub fn owner(&self) -> Name {
        self.tie.filter(|_| self.keeps_data()).map_or(Name::NONE, |tie| tie.session.user)
    }

    fn keeps_data(&self) -> bool {
        self.policy.has(Policy::KEEPS_DATA)
    }

    /// It holds data of this user since an earlier page load (D4).
    pub fn restore_owner(&mut self, user: Name) {
        if self.keeps_data() {
            self.tie = Some(Tie { session: Session { user, ..Session::default() }, ..Tie::default() });
        }
    }

    /// Brings the published state up to date. Tells whether it changed.
    pub fn publish(&mut self, world: World) -> bool {
        let state = self.state(world);
        ::core::mem::replace(&mut self.published, state) != state
    }

    /// Tells whether what is to be stored of it changed since this was asked last.
    pub fn note_stored(&mut self) -> bool {
        let stored = (self.owner(), self.owed.sessions().len());
        ::core::mem::replace(&mut self.stored, stored) != stored
    }

    fn state(&self, world: World) -> BackendState {
        let gave_up = if self.stuck { Some(Code::BackendRejected) } else { self.gave_up };
        let signed_in = matches!(world.who, Who::User(_));
        let status = match gave_up {
            _ if world.who == Who::Unknown => Status::Loading,
            None if signed_in && self.accepted => Status::Authenticated,
            None if signed_in => Status::Loading,
            _ => Status::Unauthenticated,
        };
        let is_refreshing = status == Status::Authenticated && (self.refused_at.is_some() || world.ran_out);
        let waits = status == Status::Loading || is_refreshing;
        let error = gave_up.or(world.trouble.filter(|_| waits)).filter(|_| signed_in);
        BackendState { status, is_refreshing, error }
    }

    /// Nothing is left to be undone for a user who left, or it has failed.
    pub fn is_through(&self) -> bool {
        self.running.is_none()
            && self.tie.is_none_or(|tie| tie.rests == Some(Reason::SignedOut) || self.stuck)
    }

    /// The user, session, organization or role changed.
    pub fn new_epoch(&mut self, same_user: bool) {
        self.accepted &= same_user;
        self.told = None;
        self.chosen = None;
        self.refusals = 0;
        let lasts = same_user && self.policy.has(Policy::EXCHANGES);
        if let Some(tie) = self.tie.as_mut().filter(|_| !lasts) {
            tie.step = StepId::default(); // that its token is refused now is nobody's concern any more
        }
        self.forgive();
    }

    /// Back online: a backend that gave up, or waits to retry, is tried at once (H5).
    pub fn wake(&mut self, time: Millis) {
        self.owed.wake(time);
        if self.gave_up != Some(Code::BackendConfig) {
            self.retry.hurry(time);
        }
    }

    fn forgive(&mut self) {
        self.refused_at = None;
        self.gave_up = None;
        self.stuck = false;
        self.retry.clear();
    }

    /// A step ended well.
    pub fn step_done(&mut self, context: &mut Context, id: StepId) {
        if let Some(user) = self.stray(id) {
            // A given-up attach made a session after all: whoever is attached now, start over. What is
            // under way may have come before or after it.
            let session = Session { user, ..Session::default() };
            self.tie = Some(Tie { session, serial: 1, ..Tie::default() });
            self.accepted = false;
            if let Some(step) = &mut self.running {
                step.abort(context);
            }
            return;
        }
        let Some(step) = self.running.take_if(|step| step.id == id) else { return };
        match step.command {
            _ if step.aborted => {}
            Command::Attach(_) | Command::Update(_) => {
                self.forgive();
                if !self.accepted {
                    self.log(context, "backend.authenticated", "");
                }
                self.accepted = true;
            }
            Command::Detach(reason) => self.detached(context, reason, true),
            Command::Revoke(session) => self.owed.revoked(context, session),
            Command::Hold(_) | Command::Nobody => {}
        }
    }

    /// A step failed. Returns the hand-over whose token was refused, if so.
    pub fn step_failed(&mut self, context: &mut Context, id: StepId, why: Refusal) -> Option<u32> {
        self.stray(id);
        let step = self.running.take_if(|step| step.id == id)?;
        if step.aborted {
            return None;
        }
        match step.command {
            Command::Attach(_) | Command::Update(_) => {
                let serial = self.tie.map_or(0, |tie| tie.serial);
                self.refused(context, why).then_some(serial)
            }
            Command::Detach(reason) => {
                self.detached(context, reason, false);
                None
            }
            Command::Revoke(_) => {
                self.owed.failed(context, Of::Backend(self.index));
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
        let current = self.running.is_none_or(|step| !step.attaches());
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
        // A backend that takes every token at first and refuses it soon after is refusing still.
        if time - self.last_refusal > REFUSAL_WINDOW {
            self.refusals = 0;
        }
        self.last_refusal = time;
        self.refusals = self.refusals.wrapping_add(1);
        if why == Refusal::Config {
            self.give_up(context, Code::BackendConfig);
        } else if self.refusals > if self.policy.has(Policy::ONE_TRY) { 1 } else { TRIES }
            || self.gave_up.is_some()
        {
            self.give_up(context, Code::BackendRejected);
        } else {
            self.refused_at.get_or_insert(time);
            if self.refusals > 1 {
                self.retry.fail(time, retry::STEP, Millis::ZERO, &mut context.random);
            }
        }
        why == Refusal::Refused
    }

    fn give_up(&mut self, context: &mut Context, code: Code) {
        self.log(context, "backend.gave-up", if code == Code::BackendConfig { "config" } else { "refused" });
        if self.gave_up.replace(code).is_none() {
            self.retry.clear();
        }
        self.accepted = false;
        self.refused_at = None;
    }

    /// A detach ended, well or not. What keeps data of the user's is not rid of it then (D3).
    fn detached(&mut self, context: &mut Context, reason: Reason, well: bool) {
        self.log(context, if well { "backend.detached" } else { "backend.detach-failed" }, "");
        let stuck = !well && self.keeps_data();
        if ::core::mem::replace(&mut self.stuck, stuck) && well {
            self.retry.clear();
        }
        if !self.stuck {
            let keeps = match reason {
                Reason::SignedOut => self.policy.has(Policy::KEEPS_SIGNED_OUT),
                Reason::Rejected => self.policy.has(Policy::KEEPS_REJECTED),
                _ => false,
            };
            let rests = Some(reason);
            self.tie = self.tie.filter(|_| keeps).map(|Tie { session, .. }| Tie {
                session,
                rests,
                ..Tie::default()
            });
            if reason != Reason::Rejected {
                return self.forgive();
            }
        }
        self.accepted &= !self.stuck;
        if self.stuck || self.gave_up == Some(Code::BackendRejected) {
            let range = if self.stuck { retry::STEP } else { retry::REFUSED };
            self.retry.fail(context.time(), range, Millis::ZERO, &mut context.random);
        }
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
        let attaches = step.attaches();
        let serial = self.tie.map(|tie| tie.serial);
        let newer = world.token.map(|(_, serial)| serial) != serial;
        let interruptible = self.policy.has(Policy::INTERRUPTIBLE);
        let outdated = interruptible && newer && (world.token.is_some() || world.ran_out);
        if attaches && !step.aborted && (step.epoch != world.epoch || outdated) {
            step.abort(context);
            if interruptible {
                self.running = None;
                return true;
            }
        }
        // A live attach takes as long as it takes; nothing else holds up what comes next for longer.
        let until = if attaches && !step.aborted { Millis::MAX } else { step.since + PATIENCE };
        context.wake_at(until);
        if time < until {
            return false;
        }
        let step = *step;
        self.running = None;
        match self.tie {
            Some(tie) if attaches => self.strays.push((step.id, tie.session.user)),
            _ => {}
        }
        match step.command {
            Command::Detach(reason) => self.detached(context, reason, false),
            Command::Revoke(_) => self.owed.failed(context, Of::Backend(self.index)),
            _ => {}
        }
        true
    }

    fn plan(&mut self, context: &mut Context, world: World) -> Option<Command> {
        if let Some(session) = self.owed.due(context) {
            return Some(Command::Revoke(session)); // before anybody else is attached (H12)
        }
        let waits = self.retry.waits(context.time());
        context.wake_at(self.retry.at());
        let session = match world.who {
            Who::Unknown => return self.hold(false),
            // Public data does not wait for a Clerk that does not come; nobody's data is cleared for it.
            Who::Unreachable => return self.tell(Command::Nobody),
            Who::Nobody => {
                return match self.tie {
                    // Where it fails, the next user is kept out until it succeeds (D3).
                    Some(tie) if tie.rests != Some(Reason::SignedOut) => {
                        (!waits).then_some(Command::Detach(Reason::SignedOut))
                    }
                    // What the leaver still waits for is failed before anybody may go out anonymously (G2).
                    _ if world.leaving => self.hold(true),
                    _ => self.tell(Command::Nobody),
                };
            }
            Who::User(session) => session,
        };
        self.bound_refusals(context, world);
        let others = self.tie.is_some_and(|tie| tie.session.user != session.user);
        if world.leaving || (others && !self.policy.has(Policy::SWITCHES_DIRECTLY)) {
            let held = self.hold(others || world.leaving);
            let clears = held.is_none() && !world.leaving && !waits;
            return if clears { Some(Command::Detach(Reason::UserSwitched)) } else { held };
        }
        if self.gave_up.is_some() && self.tie.is_some_and(|tie| tie.rests.is_none()) {
            return (!waits).then_some(Command::Detach(Reason::Rejected));
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
            Some(_) if self.policy.has(Policy::EXCHANGES) && self.accepted => None,
            Some(tie) if tie.epoch != world.epoch && !self.policy.updates(tie.session, session) => {
                Some(Command::Detach(Reason::IdentityChanged))
            }
            Some(tie) if tie.serial == serial && tie.epoch == world.epoch && self.told.is_none() => None,
            Some(_) if self.accepted => Some(Command::Update(token)),
            _ => Some(Command::Attach(token)),
        }
    }

    /// Ten seconds after the first refusal it is one for good, unless it is Clerk who cannot bring a
    /// better token (H5, B2).
    fn bound_refusals(&mut self, context: &mut Context, world: World) {
        let Some(since) = &mut self.refused_at else { return };
        let time = context.time();
        if world.trouble.is_some() {
            *since = time;
            return;
        }
        let until = *since + REFUSAL_WINDOW;
        context.wake_at(until);
        if until <= time {
            self.give_up(context, Code::BackendRejected);
        }
    }

    fn hold(&mut self, somebody_left: bool) -> Option<Command> {
        match self.told {
            Some(Command::Hold(_)) => None,
            _ => self.tell(Command::Hold(somebody_left)),
        }
    }

    fn tell(&mut self, command: Command) -> Option<Command> {
        (self.policy.has(Policy::HOLDS) && self.told != Some(command)).then_some(command)
    }

    fn run(&mut self, context: &mut Context, world: World, command: Command) {
        let id = StepId(context.id());
        let session = if let Who::User(session) = world.who { session } else { Session::default() };
        if let Command::Attach(_) | Command::Update(_) = command {
            let serial = world.token.map_or(0, |(_, serial)| serial);
            self.tie = Some(Tie { session, epoch: world.epoch, serial, step: id, rests: None });
        }
        if !matches!(command, Command::Revoke(_)) {
            self.told = matches!(command, Command::Hold(_) | Command::Nobody).then_some(command);
        }
        self.running = Some(Step { id, command, epoch: world.epoch, since: context.time(), aborted: false });
        context.push(Effect::Run { backend: self.index, step: id, command, session });
    }

    /// Takes back an attach that was given up: the user it was for.
    fn stray(&mut self, id: StepId) -> Option<Name> {
        let at = self.strays.iter().position(|(stray, _)| *stray == id)?;
        Some(self.strays.swap_remove(at).1)
    }

    fn log(&self, context: &mut Context, name: &'static str, reason: &'static str) {
        context.log(name, Of::Backend(self.index), reason, Millis::ZERO);
    }
}
