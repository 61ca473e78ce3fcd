//! The servers of the backends, and how the steps of a page with them end.

use super::token::OWED;
use super::{Entry, Mail, What, World};
use crate::scenario::{SECOND, Service};
use clerk_bridge::core::backend::Policy;
use clerk_bridge::core::effect::{Command, Reason, StepId, TokenId};
use clerk_bridge::core::event::{Event, Refusal};
use clerk_bridge::core::identity::{Name, Session};

/// How a step ends.
#[derive(Clone, Copy, Debug)]
pub enum Ending {
    /// This token was handed over, and is judged on arrival.
    Judged(TokenId),
    /// Well. A detach for a reason leaves a session behind that is to be revoked, or none.
    Detached(Reason, bool),
    Well,
    Not(Refusal),
}

impl World {
    /// A page tells one of its backends something.
    pub(super) fn run_step(
        &mut self,
        tab: usize,
        backend: usize,
        step: StepId,
        command: Command,
        session: Session,
    ) {
        let policy = self.scenario.backends[backend].policy;
        let service = if self.online { self.services[backend].0 } else { Service::Down };
        let quick = self.random.within(2, 60);
        let soon = if service == Service::Slow { 6 * SECOND } else { quick };
        let hangs = service == Service::Hangs || (!self.online && self.random.percent(20));
        let ending = match command {
            Command::Hold(_) | Command::Nobody => return self.end_step(0, tab, backend, step, Ending::Well),
            Command::Attach(token) | Command::Update(token) => {
                let data = &mut self.tabs[tab].data[backend];
                if policy.has(Policy::KEEPS_DATA) {
                    let owner = std::mem::replace(data, session.user);
                    if owner != Name::NONE && owner != session.user {
                        let text = format!("{:?} attached over the data of {owner:?}", session.user);
                        self.broken("D3", Some(tab), text);
                    }
                }
                match service {
                    Service::Down => Ending::Not(Refusal::Transient),
                    Service::Refuses => Ending::Not(Refusal::Refused),
                    _ => Ending::Judged(token),
                }
            }
            Command::Detach(reason) => {
                self.tabs[tab].handed[backend] = None;
                if self.scenario.kind == crate::scenario::Kind::Storm && self.random.percent(2) {
                    Ending::Not(Refusal::Transient)
                } else {
                    let owes = policy.has(Policy::EXCHANGES) && self.random.percent(50);
                    Ending::Detached(reason, owes)
                }
            }
            Command::Revoke(_) => match service {
                Service::Down | Service::Refuses => Ending::Not(Refusal::Transient),
                _ => Ending::Well,
            },
        };
        if hangs {
            self.tabs[tab].hanging.push((step, backend, ending));
        } else {
            self.end_step(soon, tab, backend, step, ending);
        }
    }

    fn end_step(&mut self, ms: i64, tab: usize, backend: usize, step: StepId, ending: Ending) {
        self.post(ms, tab, Mail::Step(step, backend, ending));
    }

    /// The page learns how a step ended.
    pub(super) fn step_ends(&mut self, tab: usize, step: StepId, backend: usize, ending: Ending) {
        let event = match ending {
            Ending::Judged(token) => {
                let claims = self.tokens.get(token);
                // Who can be interrupted gives up what it was doing.
                let interruptible = self.scenario.backends[backend].policy.has(Policy::INTERRUPTIBLE);
                let interrupted = interruptible && self.tabs[tab].aborted.contains(&step);
                if interrupted || claims.exp + 5 * SECOND <= self.server() {
                    Event::StepFailed(step, Refusal::Refused)
                } else {
                    self.tabs[tab].handed[backend] = Some((step, token));
                    Event::StepDone(step)
                }
            }
            Ending::Detached(reason, owes) => {
                self.tabs[tab].handed[backend] = None;
                let policy = self.scenario.backends[backend].policy;
                let keeps = (reason == Reason::SignedOut && policy.has(Policy::KEEPS_SIGNED_OUT))
                    || (reason == Reason::Rejected && policy.has(Policy::KEEPS_REJECTED));
                if !keeps {
                    self.tabs[tab].data[backend] = Name::NONE;
                }
                if owes {
                    let session = TokenId(OWED + tab as u32 * 100_000 + step.0 % 100_000);
                    self.tabs[tab].owed.push(session);
                    self.tell(tab, Event::Owes(backend, session));
                }
                Event::StepDone(step)
            }
            Ending::Well => Event::StepDone(step),
            Ending::Not(why) => Event::StepFailed(step, why),
        };
        self.tell(tab, event);
    }

    /// The servers of a backend change their mind for so long.
    pub(super) fn set_service(&mut self, backend: usize, service: Service, ms: i64) {
        let Some(backend) = backend.checked_rem(self.services.len()) else { return };
        let turn = self.services[backend].1 + 1;
        self.services[backend] = (service, turn);
        self.after(ms, What::Serves(backend, turn));
    }

    /// They are well again. What hung there fails, now or never.
    pub(super) fn serve(&mut self, backend: usize, turn: u32) {
        if self.services[backend].1 != turn {
            return;
        }
        self.services[backend].0 = Service::Fine;
        self.fair_since = self.now;
        self.end_hanging(|one| one == backend);
    }

    /// What hung comes to an end, good or bad.
    pub(super) fn end_hanging(&mut self, of: impl Fn(usize) -> bool) {
        for tab in 0..self.tabs.len() {
            for (step, backend, ending) in std::mem::take(&mut self.tabs[tab].hanging) {
                if !of(backend) {
                    self.tabs[tab].hanging.push((step, backend, ending));
                } else if self.random.percent(50) {
                    self.end_step(10, tab, backend, step, ending);
                } else {
                    self.end_step(10, tab, backend, step, Ending::Not(Refusal::Transient));
                }
            }
        }
    }

    /// A backend refuses the token that it has.
    pub(super) fn reject(&mut self, tab: usize, backend: usize, why: Refusal) {
        let Some(backend) = backend.checked_rem(self.services.len()) else { return };
        if let Some((step, _)) = self.tabs[tab].handed[backend] {
            self.note(tab, Entry::Event(Event::Rejected(step, why)));
            self.deliver(tab, Mail::Event(Event::Rejected(step, why)));
        }
    }
}
