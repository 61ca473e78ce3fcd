//! The machine. [`Bridge::handle`] takes one event, updates the parts, lets everything that is due happen
//! (`Bridge::settle`) and returns the effects. It must stay a coordinator: how tokens are kept stands in
//! [`super::slot`], how a backend is led in [`super::backend`].

mod others;
mod publish;
mod who;

use super::backend::{Backend, Template, World};
use super::calls::Calls;
use super::clock::{Millis, Now};
use super::context::Context;
use super::effect::{CallerId, Effect, LeaveId, Of, RequestId, What, Why};
use super::event::{Ask, Event, Wake};
use super::failure::Code;
use super::identity::{Epoch, Name, Session, Who};
use super::options::Options;
use super::rules::{Rule, holds};
use super::snapshot::Snapshot;
use super::tabs::Tabs;
use super::vault::Vault;
use crate::prelude::*;

/// The application's `onLeave` callbacks are awaited for so long (D2).
const LEAVE: Millis = Millis::seconds(5);
/// The longest timer a browser can set (C4).
const LONGEST_TIMER: Millis = Millis(0x7fff_ffff);

/// One bridge.
#[derive(Clone, Debug)]
pub struct Bridge {
    context: Context,
    who: Who,
    epoch: Epoch,
    /// The source shows the session that the bridge acts for, so it can bring tokens for it.
    sourced: bool,
    /// The source has to say by then who is signed in (A6). Never, before the start and once it has.
    source_deadline: Millis,
    source_error: Option<Code>,
    /// A session that the application has ended, though Clerk may show it a little longer (D7).
    ended: Session,
    tabs: Tabs,
    /// The last session that was ended here, and when: a tab that comes later is told (E6).
    buried: (Name, Millis),
    /// When that was said last, here or elsewhere.
    tolled: Millis,
    /// Another tab has ended the session that the source shows: Clerk is asked about it then (E2).
    doubt: Millis,
    /// When it was, last.
    doubted: Millis,
    /// ... by this fetch, sent then.
    probe: Option<(RequestId, Millis)>,
    /// An ending before this moment is disproved: Clerk has minted a token for the session after it.
    proven: Millis,
    vault: Vault,
    backends: Vec<Backend>,
    leaving: Option<(LeaveId, Millis)>,
    /// The calls of `signOut` that are not answered yet (D7).
    signing_out: Calls,
    /// Clerk's part of it, once the backends are through, and until when it is waited for.
    sign_out: Option<(RequestId, Millis)>,
    remembered: (Name, Name),
    published: Snapshot,
    stored: Option<(Name, Name)>,
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
            source_deadline: Millis::MAX,
            source_error: None,
            ended: Session::default(),
            tabs: Tabs::default(),
            buried: Default::default(),
            tolled: Millis::ZERO,
            doubt: Millis::MAX,
            doubted: Millis::ZERO,
            probe: None,
            proven: Millis::ZERO,
            vault: Vault::default(),
            backends: Vec::new(),
            leaving: None,
            signing_out: Calls::default(),
            sign_out: None,
            remembered: Default::default(),
            published: Snapshot::default(),
            stored: None,
            timer: None,
            disposed: false,
        }
    }

    /// Takes an event at a time, and tells what to do about it, in order.
    pub fn handle(&mut self, now: Now, event: Event) -> Vec<Effect> {
        if self.disposed && holds(Rule::Disposed) {
            return match event {
                Event::Ask(caller, _) | Event::SignOut(caller) => {
                    vec![Effect::Answer(caller, Err(Code::Disposed))]
                }
                _ => Vec::new(),
            };
        }
        if self.context.clock.advance(now) {
            self.timer = None;
        }
        self.context.deadline = Millis::MAX;
        self.apply(event);
        if !self.disposed {
            self.settle();
        }
        // The same string may have come for another template, or be held still.
        for token in ::core::mem::take(&mut self.context.dropped) {
            if !self.vault.holds(token) {
                self.context.push(Effect::Forget(token));
            }
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
                // It was chosen then. What the session token says will be known once the source shows it.
                for backend in &mut self.backends {
                    if backend.template == Template::UnlessFits(template) {
                        backend.chosen = Some(template);
                    }
                }
            }
            Event::Shared => self.tabs.shared = true,
            Event::Start => self.source_deadline = context.time() + context.options.source_timeout,
            Event::Source(source) => self.source(source),
            Event::Fetched(request, token, claims) => {
                if let Some((_, sent)) = self.probe.take_if(|(probe, _)| *probe == request) {
                    self.probed(sent, token, claims);
                } else {
                    self.vault.arrived(context, request, token, claims);
                }
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
            Event::Owes(backend, session) => {
                if let Some(backend) = self.backends.get_mut(backend) {
                    backend.owed.add(session);
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
            Event::Heard(message, claims) => self.heard(message, claims),
            Event::Lead(leads) => {
                self.tabs.lead(context, leads);
                if leads {
                    self.vault.wake(context.time(), false); // what the last leader waited for is not our own wait
                }
            }
            Event::Dispose => self.dispose(),
        }
    }

    fn woke(&mut self, wake: Wake) {
        let online = wake == Wake::Online;
        self.vault.wake(self.context.time(), online);
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
        let (template, refused) = match ask {
            Ask::Good(template) | Ask::Fresh(template) => (template, None),
            Ask::Instead(backend, token) => {
                let backend = self.backends.get(backend);
                let chosen = backend.and_then(|backend| backend.chosen);
                // A backend that was given up is tried again by the clock, not by every call (H5).
                let given_up = backend.is_some_and(Backend::is_given_up);
                (chosen.unwrap_or_default(), Some((token, given_up)))
            }
        };
        let Some(slot) = self.vault.slot(template) else { return };
        if let Some((token, true)) = refused
            && slot.good(context).is_none_or(|held| held.token == token)
        {
            return context.push(Effect::Answer(caller, Err(Code::BackendRejected)));
        }
        // The held token will do if it is not the one that was refused (G3).
        let fresh = match refused {
            Some((token, _)) => slot.holds(token),
            None => matches!(ask, Ask::Fresh(_)),
        };
        slot.ask(context, caller, fresh, matches!(ask, Ask::Fresh(_)));
    }

    fn dispose(&mut self) {
        self.disposed = true;
        let context = &mut self.context;
        self.vault.answer_all(context, Err(Code::Disposed));
        self.signing_out.answer_all(context, Err(Code::Disposed));
        self.timer = None;
        context.push(Effect::Stop);
    }

    /// Lets everything happen that is due by now.
    fn settle(&mut self) {
        let time = self.context.time();
        self.context.wake_at(self.source_deadline);
        if self.source_deadline <= time && self.who != Who::Unreachable && !self.vault.any_good(&self.context)
        {
            self.unreachable();
        }
        if let Some((_, until)) = self.leaving {
            self.context.wake_at(until);
            if until <= time {
                self.leaving = None;
                self.context.log(What::LeaveTimeout, Of::Bridge, Why::None, Millis::ZERO);
            }
        }
        if let Some((request, until)) = self.sign_out {
            self.context.wake_at(until);
            if until <= time {
                self.end_sign_out(request, false);
            }
        }
        self.choose_templates();
        self.meet_others();
        if let Who::User(_) = self.who {
            self.vault.tend(&mut self.context, &mut self.tabs, self.sourced);
        }
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
        let slot = self.vault.get(chosen.unwrap_or_default());
        let held = slot.and_then(|slot| slot.settled(&self.context)).filter(|_| chosen.is_some());
        World {
            who: self.who,
            epoch: self.epoch,
            leaving: self.leaving.is_some(),
            token: held.map(|held| (held.token, held.serial)),
            ran_out: slot.is_some_and(|slot| slot.ran_out(&self.context)),
            trouble: slot.and_then(|slot| slot.trouble(&self.context)),
        }
    }

    fn set_timer(&mut self) {
        let time = self.context.time();
        let at = self.context.deadline;
        let at = (at < Millis::MAX).then_some(at.min(time + LONGEST_TIMER));
        if at != self.timer {
            self.timer = at;
            self.context.push(Effect::Timer);
        }
    }
}
