//! The tie between a user and one backend, and what becomes of it: steps that end, refusals, what is published
//! and stored. What is to be done next is planned anew after every event (`plan.rs`), so a failed, refused,
//! late or interrupted step needs no path of its own.

use super::super::clock::Millis;
use super::super::context::Context;
use super::super::effect::{Command, Of, Reason, StepId, What, Why};
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

/// A refused backend gets so many further tries ... (H5)
const TRIES: u32 = 3;
/// ... within this time.
pub(super) const REFUSAL_WINDOW: Millis = Millis::seconds(10);

/// One backend.
#[derive(Clone, Debug)]
pub struct Backend {
    /// The template in use, once chosen.
    pub chosen: Option<Name>,
    /// Which token it wants.
    pub template: Template,
    /// What is published of it.
    pub published: BackendState,
    pub(super) index: usize,
    pub(super) policy: Policy,
    /// The sessions of its own that are still to be revoked (D5).
    pub owed: Owed,
    /// What is stored of it: the owner, and how many sessions it owes.
    stored: (Name, usize),
    pub(super) tie: Option<Tie>,
    pub(super) running: Option<Step>,
    /// Attaches that were given up, and their users; one that succeeds late is undone (D2).
    pub(super) strays: Vec<(StepId, Name)>,
    /// The last thing a backend that holds was told, if it was not a token.
    pub(super) told: Option<Command>,
    pub(super) accepted: bool,
    refusals: u32,
    last_refusal: Millis,
    /// Since when it is refused, or with Clerk out of reach, since when Clerk is back.
    pub(super) refused_at: Option<Millis>,
    pub(super) gave_up: Option<Code>,
    /// Data of the user's could not be cleared (D3).
    pub(super) stuck: bool,
    pub(super) retry: Backoff,
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

    /// It has refused too often, and waits to be tried again (H5).
    pub fn is_given_up(&self) -> bool {
        self.gave_up.is_some()
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
                    self.log(context, What::BackendAuthenticated, Why::None);
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
            context.log(What::RetryScheduled, Of::Backend(self.index), Why::Backend, wait);
            return false;
        }
        self.log(context, What::TokenRejected, Why::None);
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

    pub(super) fn give_up(&mut self, context: &mut Context, code: Code) {
        let why = if code == Code::BackendConfig { Why::Config } else { Why::Refused };
        self.log(context, What::GaveUp, why);
        if self.gave_up.replace(code).is_none() {
            self.retry.clear();
        }
        self.accepted = false;
        self.refused_at = None;
    }

    /// A detach ended, well or not. What keeps data of the user's is not rid of it then (D3).
    pub(super) fn detached(&mut self, context: &mut Context, reason: Reason, well: bool) {
        let what = if well { What::BackendDetached } else { What::DetachFailed };
        self.log(context, what, Why::None);
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

    /// Takes back an attach that was given up: the user it was for.
    fn stray(&mut self, id: StepId) -> Option<Name> {
        let at = self.strays.iter().position(|(stray, _)| *stray == id)?;
        Some(self.strays.swap_remove(at).1)
    }

    fn log(&self, context: &mut Context, what: What, why: Why) {
        context.log(what, Of::Backend(self.index), why, Millis::ZERO);
    }
}
