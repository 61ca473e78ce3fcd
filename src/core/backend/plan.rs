//! What a backend has to be told next: compares what it was told with what it ought to know, and takes one
//! step towards it. It must never begin a step while another is under way that may not be interrupted (D1).

use super::super::clock::Millis;
use super::super::context::Context;
use super::super::effect::{Command, Effect, Of, Reason, StepId};
use super::super::failure::Code;
use super::super::identity::{Session, Who};
use super::super::rules::{Rule, holds};
use super::policy::Policy;
use super::step::{Step, Tie, World};
use super::tie::{Backend, REFUSAL_WINDOW};

/// A step that hangs holds up the detaching for so long and no longer (D2).
const PATIENCE: Millis = Millis::seconds(5);

impl Backend {
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
                    Some(tie) if tie.rests != Some(Reason::SignedOut) && holds(Rule::Detaches) => {
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
        let others =
            self.tie.is_some_and(|tie| tie.session.user != session.user) && holds(Rule::OwnerCleared);
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
            _ if !holds(Rule::Holds) => None,
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
        let step = Step { id, command, epoch: world.epoch, since: context.time(), aborted: false };
        if !step.attaches() {
            context.wake_at(step.since + PATIENCE); // should it hang, and nothing else happen (D2)
        }
        self.running = Some(step);
        context.push(Effect::Run { backend: self.index, step: id, command, session });
    }
}
