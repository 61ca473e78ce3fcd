//! The machine. [`Bridge::handle`] takes one event, updates the parts, lets everything that is due happen
//! ([`Bridge::settle`]) and returns the effects. It must stay a coordinator: how tokens are kept stands in
//! [`super::slot`], how a backend is led in [`super::backend`].

use super::backend::{Backend, World};
use super::clock::{Millis, Now};
use super::context::Context;
use super::effect::{CallerId, Effect, LeaveId, Of, Reason, RequestId, TokenId};
use super::event::{Ask, Event, Wake};
use super::failure::{Code, Failure};
use super::identity::{Epoch, Name, Session, Source, Who};
use super::options::{Options, Persist};
use super::snapshot::{BackendState, Snapshot, Status};
use super::vault::Vault;
use crate::prelude::*;

/// The application's `onLeave` callbacks are awaited for so long (D2).
const LEAVE: Millis = Millis::seconds(5);
/// The longest timer a browser can set (C4).
const LONGEST_TIMER: Millis = Millis(0x7fff_ffff);

/// A call of `signOut`, until it is answered (D7).
#[derive(Debug)]
struct SignOut {
    callers: Vec<CallerId>,
    /// Clerk's part of it, once the backends are through.
    request: Option<(RequestId, Millis)>,
}

/// One bridge.
#[derive(Debug)]
pub struct Bridge {
    context: Context,
    who: Who,
    epoch: Epoch,
    /// The source shows the session that the bridge acts for, so it can bring tokens for it.
    sourced: bool,
    source_deadline: Option<Millis>,
    source_error: Option<Code>,
    /// A session that the application has ended, though Clerk may show it a little longer (D7).
    ended: Name,
    vault: Vault,
    backends: Vec<Backend>,
    leaving: Option<(LeaveId, Millis)>,
    sign_out: Option<SignOut>,
    remembered: (Name, Name),
    published: Snapshot,
    stored: Option<(Name, Name)>,
    stored_live: Vec<(Name, TokenId)>,
    timer: Option<Millis>,
    disposed: bool,
}

impl Bridge {
    /// A bridge that knows nothing yet.
    pub fn new(options: Options) -> Self {
        Self {
            context: Context::new(options),
            who: Who::Unknown,
            epoch: Epoch::default(),
            sourced: false,
            source_deadline: None,
            source_error: None,
            ended: Name::NONE,
            vault: Vault::default(),
            backends: Vec::new(),
            leaving: None,
            sign_out: None,
            remembered: Default::default(),
            published: Snapshot::default(),
            stored: None,
            stored_live: Vec::new(),
            timer: None,
            disposed: false,
        }
    }

    /// Takes an event at a time, and tells what to do about it, in order.
    pub fn handle(&mut self, now: Now, event: Event) -> Vec<Effect> {
        if self.disposed {
            return match event {
                Event::Ask(caller, _) | Event::SignOut(caller) => {
                    vec![Effect::Answer(caller, Err(Code::Disposed))]
                }
                _ => Vec::new(),
            };
        }
        self.context.clock.advance(now);
        self.context.deadline = Millis::MAX;
        self.apply(event);
        if !self.disposed {
            self.settle();
        }
        ::core::mem::take(&mut self.context.effects)
    }

    /// The local time, which timers are set on.
    pub fn time(&self) -> Millis {
        self.context.time()
    }

    /// How many backends there are.
    pub fn backends(&self) -> usize {
        self.backends.len()
    }

    /// When to call again at the latest, on the local time (C4).
    pub fn timer(&self) -> Option<Millis> {
        self.timer
    }

    fn apply(&mut self, event: Event) {
        let context = &mut self.context;
        match event {
            Event::Backend(setup) => self.backends.push(Backend::new(self.backends.len(), setup)),
            Event::Remembered(user, org) => self.remembered = (user, org),
            Event::Owner(backend, user) => {
                if let Some(backend) = self.backends.get_mut(backend) {
                    backend.restore_owner(user);
                }
            }
            Event::Restored(session) => self.become_user(session),
            Event::RestoredToken(template, token, claims) => {
                if let Some(slot) = self.vault.slot(template) {
                    slot.restore(context, token, claims);
                }
            }
            Event::Start => self.source_deadline = Some(context.time() + context.options.source_timeout),
            Event::Source(source) => self.source(source),
            Event::Fetched(request, token, claims) => {
                self.vault.arrived(context, request, token, claims);
            }
            Event::FetchFailed(request, failure) => self.vault.fetch_failed(context, request, failure),
            Event::Tick => self.timer = None,
            Event::Woke(wake) => self.woke(wake),
            Event::Ask(caller, ask) => self.ask(caller, ask),
            Event::StepDone(step) => {
                for backend in &mut self.backends {
                    backend.step_done(context, step);
                }
            }
            Event::StepFailed(step, why) => {
                for backend in &mut self.backends {
                    if let Some(serial) = backend.step_failed(context, step, why) {
                        self.vault.refuse(context, serial);
                    }
                }
            }
            Event::Rejected(step, why) => {
                for backend in &mut self.backends {
                    if let Some(serial) = backend.rejected(context, step, why) {
                        self.vault.refuse(context, serial);
                    }
                }
            }
            Event::Left(leave) => {
                self.leaving.take_if(|(id, _)| *id == leave);
            }
            Event::SignOut(caller) => self.begin_sign_out(caller),
            Event::SourceSignedOut(request, succeeded) => self.end_sign_out(request, succeeded),
            Event::Dispose => self.dispose(),
        }
    }

    fn source(&mut self, source: Source) {
        match source {
            Source::Unknown => self.sourced = false, // A7
            Source::Failed => {
                self.sourced = false;
                if self.who == Who::Unknown {
                    self.unreachable(Code::SourceFailed);
                }
            }
            Source::SignedOut => {
                self.ended = Name::NONE;
                self.become_nobody();
            }
            Source::SignedIn(session) if self.ended == session.id => self.become_nobody(),
            Source::SignedIn(session) => {
                self.ended = Name::NONE;
                self.become_user(session);
                self.sourced = true;
            }
        }
    }

    fn unreachable(&mut self, code: Code) {
        self.who = Who::Unreachable;
        self.source_error = Some(code);
        self.vault.answer_all(&mut self.context, Err(code));
    }

    fn become_nobody(&mut self) {
        self.sourced = false;
        self.source_error = None;
        if self.who == Who::Nobody {
            return;
        }
        self.leave(Reason::SignedOut);
        // Calls that waited to learn who is signed in learn that nobody is.
        self.vault.answer_all(&mut self.context, Ok(None));
        self.new_epoch(Who::Nobody, false, false);
    }

    fn become_user(&mut self, session: Session) {
        self.source_error = None;
        let (same_user, mint) = match &mut self.who {
            Who::User(before) if before.is_same(session) => {
                before.fits = session.fits;
                return;
            }
            Who::User(before) => {
                let same_user = before.user == session.user;
                (same_user, same_user && !before.is_same_organization(session)) // B7, C6
            }
            _ => (false, false),
        };
        if !same_user {
            self.leave(Reason::UserSwitched);
        }
        self.new_epoch(Who::User(session), same_user, mint);
    }

    /// The user leaves, if there is one: nothing that waits for their token goes out as anybody else.
    fn leave(&mut self, reason: Reason) {
        let Who::User(session) = self.who else { return };
        let leave = LeaveId(self.context.id());
        self.leaving = Some((leave, self.context.time() + LEAVE));
        self.vault.answer_all(&mut self.context, Err(Code::SignedOut)); // G2
        self.context.push(Effect::Leave { leave, user: session.user, reason });
    }

    fn new_epoch(&mut self, who: Who, same_user: bool, mint: bool) {
        self.who = who;
        self.epoch = self.epoch.next();
        self.remembered = Default::default();
        self.vault.reset(&mut self.context, mint);
        for backend in &mut self.backends {
            backend.new_epoch(same_user);
        }
        self.context.log("identity.changed", Of::Bridge, "", Millis::ZERO);
    }

    fn woke(&mut self, wake: Wake) {
        let online = wake == Wake::Online;
        self.vault.wake(&self.context, online);
        if online {
            for backend in &mut self.backends {
                backend.wake(self.context.time());
            }
        }
    }

    fn ask(&mut self, caller: CallerId, ask: Ask) {
        let context = &mut self.context;
        match (self.who, self.source_error) {
            (Who::Nobody, _) => return context.push(Effect::Answer(caller, Ok(None))),
            (Who::Unreachable, Some(code)) => return context.push(Effect::Answer(caller, Err(code))),
            _ => {}
        }
        let (template, instead, fresh) = match ask {
            Ask::Good(template) => (template, None, false),
            Ask::Fresh(template) => (template, None, true),
            Ask::Instead(backend, token) => {
                let chosen = self.backends.get(backend).and_then(|backend| backend.chosen);
                (chosen.unwrap_or_default(), Some(token), false)
            }
        };
        if let Some(slot) = self.vault.slot(template) {
            match instead {
                Some(refused) => slot.ask_instead(context, caller, refused),
                None => slot.ask(context, caller, fresh),
            }
        }
    }

    fn begin_sign_out(&mut self, caller: CallerId) {
        match &mut self.sign_out {
            Some(sign_out) => return sign_out.callers.push(caller), // D7
            none => *none = Some(SignOut { callers: vec![caller], request: None }),
        }
        if let Who::User(session) = self.who {
            self.ended = session.id;
            self.become_nobody();
        }
    }

    fn end_sign_out(&mut self, request: RequestId, succeeded: bool) {
        let Some(sign_out) = self.sign_out.take_if(|one| one.request.is_some_and(|(id, _)| id == request))
        else {
            return;
        };
        let answer = if succeeded { Ok(None) } else { Err(Code::SourceFailed) };
        self.context.log("signed-out", Of::Bridge, if succeeded { "" } else { "clerk-failed" }, Millis::ZERO);
        for caller in sign_out.callers {
            self.context.push(Effect::Answer(caller, answer));
        }
    }

    fn dispose(&mut self) {
        self.disposed = true;
        let context = &mut self.context;
        self.vault.answer_all(context, Err(Code::Disposed));
        for caller in self.sign_out.take().map(|one| one.callers).unwrap_or_default() {
            context.push(Effect::Answer(caller, Err(Code::Disposed)));
        }
        context.push(Effect::Stop);
    }

    /// Lets everything happen that is due by now.
    fn settle(&mut self) {
        let time = self.context.time();
        if let (Who::Unknown, Some(at)) = (&self.who, self.source_deadline) {
            if at <= time {
                self.unreachable(Code::SourceTimeout);
            } else {
                self.context.wake_at(at);
            }
        }
        if let Some((_, until)) = self.leaving {
            if until <= time {
                self.leaving = None;
                self.context.log("leave.timeout", Of::Bridge, "", Millis::ZERO);
            } else {
                self.context.wake_at(until);
            }
        }
        self.choose_templates();
        self.vault.tend(&mut self.context, self.sourced);
        self.lead_backends();
        self.proceed_sign_out();
        self.store();
        self.publish();
        self.set_timer();
    }

    fn choose_templates(&mut self) {
        self.vault.want_none();
        let Who::User(session) = self.who else { return };
        let fetched = self.vault.get(Name::NONE).and_then(|slot| slot.good(&self.context));
        let fits = session.fits.or(fetched.map(|held| held.fits));
        for backend in &mut self.backends {
            backend.chosen = backend.template.choose(fits).or(backend.chosen);
            // Until it can be chosen, the session token is fetched to look at.
            self.vault.want(backend.chosen.unwrap_or_default());
        }
        if self.backends.is_empty() {
            self.vault.want(Name::NONE);
        }
    }

    fn lead_backends(&mut self) {
        for index in 0..self.backends.len() {
            let world = self.world(index);
            if let Some(backend) = self.backends.get_mut(index) {
                backend.next(&mut self.context, world);
            }
        }
    }

    /// What the backend at `index` has to know about.
    fn world(&self, index: usize) -> World {
        let chosen = self.backends.get(index).and_then(|backend| backend.chosen);
        let slot = chosen.and_then(|template| self.vault.get(template));
        World {
            who: self.who,
            epoch: self.epoch,
            leaving: self.leaving.is_some(),
            token: slot.and_then(|slot| slot.settled(&self.context)).map(|held| (held.token, held.serial)),
            ran_out: slot.is_some_and(|slot| slot.ran_out(&self.context)),
            failing: slot.is_some_and(|slot| slot.failure.is_some()),
        }
    }

    fn proceed_sign_out(&mut self) {
        let Some(sign_out) = &mut self.sign_out else { return };
        let through = self.leaving.is_none() && self.backends.iter().all(Backend::is_through);
        match sign_out.request {
            None if through => {
                let request = RequestId(self.context.id());
                let until = self.context.time() + self.context.options.fetch_timeout;
                sign_out.request = Some((request, until));
                self.context.push(Effect::SourceSignOut(request));
                self.context.wake_at(until);
            }
            Some((request, until)) if until <= self.context.time() => self.end_sign_out(request, false),
            Some((_, until)) => self.context.wake_at(until),
            None => {}
        }
    }

    /// The record to keep through reloads: the user and their organization; the owners of local data stand
    /// with [`Bridge::owner`]. Both nobody: nothing is kept (F4).
    pub fn record(&self) -> (Name, Name) {
        match self.who {
            Who::User(session) => (session.user, session.org),
            _ => Default::default(),
        }
    }

    /// Whose data the backend at `index` holds on this device; nobody's if it keeps none (D4).
    pub fn owner(&self, index: usize) -> Name {
        self.backends.get(index).map(Backend::owner).unwrap_or_default()
    }

    /// The session and live tokens to keep through a reload of this tab; none: nothing is kept (F3).
    pub fn live(&self) -> (Session, &[(Name, TokenId)]) {
        let session = if let Who::User(session) = self.who { session } else { Session::default() };
        (session, &self.stored_live)
    }

    fn store(&mut self) {
        let known = matches!(self.who, Who::User(_) | Who::Nobody);
        let persist = self.context.options.persist;
        if persist == Persist::Nothing || !known {
            return;
        }
        let record = Some(self.record());
        let mut changed = self.stored != record;
        self.stored = record;
        for backend in &mut self.backends {
            changed |= backend.note_owner();
        }
        if changed {
            self.context.push(Effect::Store);
        }
        if persist == Persist::Tokens {
            let live = self.vault.live(&self.context);
            if live != self.stored_live {
                self.stored_live = live;
                self.context.push(Effect::StoreLive);
            }
        }
    }

    /// What is published.
    pub fn snapshot(&self) -> Snapshot {
        self.published
    }

    /// What is published of the backend at `index`.
    pub fn backend_state(&self, index: usize) -> BackendState {
        self.backends.get(index).map(|backend| backend.published).unwrap_or_default()
    }

    fn publish(&mut self) {
        let mut changed = false;
        for index in 0..self.backends.len() {
            let world = self.world(index);
            if let Some(backend) = self.backends.get_mut(index) {
                changed |= backend.publish(world);
            }
        }
        let snapshot = self.take_snapshot();
        if changed || snapshot != self.published {
            self.published = snapshot;
            self.context.push(Effect::Publish);
        }
    }

    fn take_snapshot(&self) -> Snapshot {
        let Who::User(session) = self.who else {
            let known = self.who != Who::Unknown;
            return Snapshot {
                status: if known { Status::Unauthenticated } else { Status::Loading },
                remembered: if known { Default::default() } else { self.remembered },
                error: self.source_error,
                ..Snapshot::default()
            };
        };
        let mut snapshot = Snapshot { session, status: Status::Authenticated, ..Snapshot::default() };
        snapshot.session.fits = None;
        for (index, backend) in self.backends.iter().enumerate() {
            let state = backend.published;
            snapshot.is_refreshing |= state.is_refreshing;
            // The worst of them: one that refused, else one that is on its way (A2, A9).
            if state.status == Status::Unauthenticated && snapshot.status != Status::Unauthenticated {
                snapshot.status = Status::Unauthenticated;
                (snapshot.error, snapshot.error_backend) = (state.error, Some(index));
            } else if snapshot.status == Status::Authenticated {
                snapshot.status = state.status;
            }
        }
        if self.backends.is_empty() {
            self.without_backends(&mut snapshot);
        }
        snapshot.is_refreshing &= snapshot.status == Status::Authenticated;
        // While a good token is held, failures of its refresh are nobody's business (B6).
        if snapshot.status == Status::Loading || snapshot.is_refreshing {
            self.add_fetch_error(&mut snapshot);
        }
        snapshot
    }

    /// A bridge without backends is authenticated once it holds a token.
    fn without_backends(&self, snapshot: &mut Snapshot) {
        let Some(slot) = self.vault.get(Name::NONE) else { return };
        let before = self.published;
        let was = before.status == Status::Authenticated && before.session.user == snapshot.session.user;
        if !was && slot.good(&self.context).is_none() {
            snapshot.status = Status::Loading;
        }
        snapshot.is_refreshing = slot.ran_out(&self.context);
    }

    /// Why a token that somebody needs cannot be had.
    fn add_fetch_error(&self, snapshot: &mut Snapshot) {
        let failure = |template| {
            let slot = self.vault.get(template)?;
            slot.failure.filter(|_| slot.good(&self.context).is_none())
        };
        for (index, backend) in self.backends.iter().enumerate() {
            if let Some(failure) = failure(backend.chosen.unwrap_or_default()) {
                snapshot.error = Some(failure.code());
                snapshot.error_backend = Some(index);
                return;
            }
        }
        snapshot.error = failure(Name::NONE).map(Failure::code);
    }

    fn set_timer(&mut self) {
        let time = self.context.time();
        // Never at once again, whatever a part asked for: a deadline that has passed was dealt with.
        let at = self.context.deadline.max(time + Millis(1));
        let at = (at < Millis::MAX).then_some(at.min(time + LONGEST_TIMER));
        if at != self.timer {
            self.timer = at;
            self.context.push(Effect::Timer);
        }
    }
}
