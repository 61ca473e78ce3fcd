//! What the shell does in a page: it tells its machine what happened and carries out what the machine wants.

use super::clerk::{Moment, Reply};
use super::history::Entry;
use super::locks::Told;
use super::{Mail, What, World, storage};
use clerk_bridge::core::effect::{Effect, RequestId};
use clerk_bridge::core::event::{Event, Wake};
use clerk_bridge::core::failure::Failure;
use clerk_bridge::core::identity::{Name, Source};
use clerk_bridge::core::options::Persist;
use clerk_bridge::core::tabs::{Message, Said};
use clerk_bridge::core::token::Claims;

impl World {
    /// Tells a machine, carries out what it wants, and checks it.
    pub(super) fn tell(&mut self, tab: usize, event: Event) {
        if !self.tabs[tab].alive || self.violation.is_some() {
            return;
        }
        self.stats.events += 1;
        // Events that beget each other at one moment never end.
        self.at_once =
            if self.now == self.at_once.0 { (self.now, self.at_once.1 + 1) } else { (self.now, 0) };
        if self.at_once.1 > 40_000 {
            return self.broken("C4", Some(tab), "time stands still".into());
        }
        self.note(tab, Entry::Event(event));
        let now = self.clocks(tab);
        let drift = now.wall - now.mono;
        if std::mem::replace(&mut self.tabs[tab].drift, drift) != drift {
            self.tabs[tab].well_since = self.now; // the clock was set, or the machine slept
        }
        let before = self.tabs[tab].bridge.live().0;
        self.tabs[tab].checks.event(self.now, &event);
        let effects = self.tabs[tab].bridge.handle(now, event);
        let after = self.tabs[tab].bridge.live().0;
        self.watch_identity(tab, event, before, after);
        for effect in effects {
            let one = &mut self.tabs[tab];
            if let Some(left) = &mut one.crash_after {
                if *left == 0 {
                    return self.close(tab);
                }
                *left -= 1;
            }
            self.note(tab, Entry::Effect(effect));
            let mut checks = std::mem::take(&mut self.tabs[tab].checks);
            checks.effect(&self.facts(), &effect);
            self.tabs[tab].checks = checks;
            self.carry_out(tab, effect);
        }
        self.settled(tab);
    }

    fn settled(&mut self, tab: usize) {
        let one = &mut self.tabs[tab];
        let states = (0..one.bridge.backends()).map(|index| one.bridge.backend_state(index)).collect();
        let timer = one.bridge.timer().map(|at| (at - one.bridge.time()).0);
        one.checks.settled(self.now, one.bridge.snapshot(), states, timer);
        if let Some(violation) = one.checks.broken.take() {
            self.broken(violation.promise, Some(tab), violation.text);
        }
        self.is_served(tab);
    }

    /// Tells what Clerk's client in this page shows.
    pub(super) fn look(&mut self, tab: usize) {
        let one = &mut self.tabs[tab];
        let source = match one.client.shows {
            _ if !one.client.loaded || one.client.flaps => Source::Unknown,
            None => Source::SignedOut,
            Some(session) => {
                one.page = session;
                Source::SignedIn(session)
            }
        };
        self.tell(tab, Event::Source(source));
    }

    pub(super) fn wake(&mut self, tab: usize, wake: Wake) {
        self.look(tab);
        self.tell(tab, Event::Woke(wake));
    }

    /// Something reaches a page.
    pub(super) fn deliver(&mut self, tab: usize, mail: Mail) {
        if !self.tabs[tab].alive {
            return;
        }
        if self.now < self.tabs[tab].paused_until {
            return self.tabs[tab].backlog.push_back(mail);
        }
        match mail {
            Mail::Timer(turn) if turn == self.tabs[tab].timer_turn => {
                self.tabs[tab].timer = None;
                self.tabs[tab].checks.tick(self.now);
                self.look(tab);
                self.tell(tab, Event::Tick);
            }
            Mail::Timer(_) => {}
            Mail::Token(request, token) => {
                let claims = self.tokens.get(token).claims(self.tabs[tab].page);
                let mut checks = std::mem::take(&mut self.tabs[tab].checks);
                checks.delivered(&self.facts(), request, token, claims);
                self.tabs[tab].checks = checks;
                self.tell(tab, Event::Fetched(request, token, claims));
            }
            Mail::Fails(request, failure) => {
                self.look(tab);
                self.tell(tab, Event::FetchFailed(request, failure));
            }
            Mail::Ended(request) => {
                self.show_current(tab);
                self.deliver(tab, Mail::Fails(request, Failure::Transient));
            }
            Mail::Event(event) => self.tell(tab, event),
            Mail::Step(step, backend, ending) => self.step_ends(tab, step, backend, ending),
            Mail::Heard(message, stamp) => self.hear(tab, message, stamp),
            Mail::Lead(claims, leads) => self.led(tab, claims, leads),
            Mail::Loaded => {
                if self.online {
                    self.tabs[tab].client.loaded = true;
                    self.show_current(tab);
                    self.look(tab);
                } else {
                    self.post(2_000, tab, Mail::Loaded);
                }
            }
            Mail::Shows => {
                if self.tabs[tab].client.loaded {
                    self.show_current(tab);
                    self.look(tab);
                }
            }
            Mail::Shown(session) => {
                self.tabs[tab].client.flaps = false;
                self.tabs[tab].client.shows = session;
                self.look(tab);
            }
            Mail::SignsIn(user) => self.sign_in(tab, user),
            Mail::SignedOut(request, session, well) => {
                if well {
                    self.ends(tab, session, 60_000);
                    self.register_ending(tab, session);
                    self.look(tab);
                }
                self.tell(tab, Event::SourceSignedOut(request, well));
            }
        }
    }

    /// Another tab says something.
    fn hear(&mut self, tab: usize, mut message: Message, stamp: i64) {
        self.stats.heard += 1;
        let mut claims = Claims::default();
        // Who was asleep hears late: spans that reach back reach back further by then.
        let late = (self.wall() - stamp).clamp(0, i64::from(u32::MAX)) as u32;
        if let Said::Token | Said::Ended = message.said {
            message.more = message.more.map(|span| span.saturating_add(late));
        }
        if message.said == Said::Token {
            if message.token.0 == 0 || message.token.0 as usize > self.tokens.len() {
                return;
            }
            claims = self.tokens.get(message.token).claims(self.tabs[tab].page);
        }
        if message.said == Said::Ended {
            self.heard_ending(tab, message.session);
        }
        self.tell(tab, Event::Heard(message, claims));
    }

    fn carry_out(&mut self, tab: usize, effect: Effect) {
        match effect {
            Effect::Fetch { request, template, minted } => self.fetch(tab, request, template, minted),
            Effect::Timer => {
                let one = &mut self.tabs[tab];
                one.timer_turn += 1;
                one.timer = one.bridge.timer().map(|at| self.now + (at - one.bridge.time()).0);
                self.set_timer(tab);
            }
            Effect::Run { backend, step, command, session } => {
                self.run_step(tab, backend, step, command, session);
            }
            Effect::Leave { leave, .. } => {
                let wild = self.scenario.share < 100 || self.chaos;
                let takes = self.random.of(&[Some(0), Some(0), Some(0), Some(2_000), None]);
                if let Some(ms) = if wild { takes } else { Some(0) } {
                    self.post(ms, tab, Mail::Event(Event::Left(leave)));
                }
            }
            Effect::SourceSignOut(request) => {
                let one = &self.tabs[tab];
                let session = one.client.shows.map(|session| session.id).unwrap_or_default();
                let well = one.signs_out && one.client.loaded && self.online;
                self.post(100, tab, Mail::SignedOut(request, session, well));
            }
            Effect::Answer(_, Ok(Some(token))) => self.tabs[tab].last_answer = token,
            Effect::Publish => self.tabs[tab].published += 1,
            Effect::Store => {
                self.record.write(&self.tabs[tab].bridge, &self.tabs[tab].owed);
                if self.record.holds_token() {
                    self.broken("F2", Some(tab), format!("stored {:?}", self.record));
                }
            }
            Effect::StoreLive => {
                if self.scenario.persist != Persist::Tokens {
                    self.broken("F2", Some(tab), "tokens stored".into());
                }
                self.tabs[tab].live = storage::live(&self.tabs[tab].bridge);
            }
            Effect::Say(message) => self.say(tab, message),
            Effect::Claim { session, org, steal } => {
                self.claim(tab, (session != Name::NONE).then_some((session, org)), steal);
            }
            Effect::Stop => self.leave_line(tab),
            Effect::Abort(step) => {
                let one = &mut self.tabs[tab];
                if one.aborted.len() > 64 {
                    one.aborted.drain(..32);
                }
                one.aborted.push(step);
            }
            Effect::Answer(..) | Effect::Cache(..) => {}
            Effect::Forget(_) | Effect::Log(_) => {}
        }
    }

    pub(super) fn set_timer(&mut self, tab: usize) {
        let turn = self.tabs[tab].timer_turn;
        if let Some(at) = self.tabs[tab].timer {
            self.at(at, What::To(tab, Mail::Timer(turn)));
        }
    }

    pub(super) fn fetch(&mut self, tab: usize, request: RequestId, template: Name, minted: bool) {
        let moment = Moment { now: self.now, server: self.server(), wall: self.wall(), online: self.online };
        let client = &mut self.tabs[tab].client;
        let (after, reply) =
            client.fetch(&mut self.servers, &mut self.tokens, &mut self.random, moment, (template, minted));
        match reply {
            Reply::Token(token) => self.post(after, tab, Mail::Token(request, token)),
            Reply::Failure(failure) => self.post(after, tab, Mail::Fails(request, failure)),
            Reply::Ended => self.post(after, tab, Mail::Ended(request)),
            Reply::Stuck => self.tabs[tab].stuck.push((request, template, minted)),
        }
    }

    fn say(&mut self, tab: usize, message: Message) {
        self.stats.says += 1;
        let stamp = self.wall();
        for other in 0..self.tabs.len() {
            if other == tab || !self.tabs[other].alive || !self.tabs[other].shared {
                continue;
            }
            let mut at = self.now + self.random.within(0, self.scenario.delay);
            if self.chaos {
                match self.random.below(10) {
                    0 => continue,
                    1 => self.at(
                        at + self.random.clone().within(0, 90_000),
                        What::To(other, Mail::Heard(message, stamp)),
                    ),
                    2 => at += self.random.within(0, 5_000),
                    _ => {}
                }
            } else {
                // In order for each sender.
                let last = &mut self.tabs[other].last_heard_from;
                if last.len() <= tab {
                    last.resize(tab + 1, 0);
                }
                at = at.max(last[tab]);
                last[tab] = at;
            }
            self.at(at, What::To(other, Mail::Heard(message, stamp)));
        }
    }

    fn claim(&mut self, tab: usize, line: Option<super::locks::Line>, steal: bool) {
        self.leave_line(tab);
        let Some(line) = line else { return };
        self.tabs[tab].line = Some(line);
        let told = if steal {
            self.locks.steal(line, tab, self.now)
        } else {
            self.locks.wait(line, tab).into_iter().collect()
        };
        told.into_iter().for_each(|told| self.tell_lead(told));
    }

    pub(super) fn leave_line(&mut self, tab: usize) {
        self.tabs[tab].claims += 1;
        if let Some(line) = self.tabs[tab].line.take()
            && let Some(told) = self.locks.leave(line, tab)
        {
            self.tell_lead(told);
        }
    }

    fn tell_lead(&mut self, told: Told) {
        let (tab, leads) = match told {
            Told::Granted(tab) => (tab, true),
            Told::Stolen(tab) => (tab, false),
        };
        // In order.
        let at = (self.now + self.random.within(0, 3)).max(self.tabs[tab].last_led);
        let one = &mut self.tabs[tab];
        one.last_led = at;
        let mail = Mail::Lead(one.claims, leads);
        self.at(at, What::To(tab, mail));
    }

    fn led(&mut self, tab: usize, claims: u32, leads: bool) {
        if claims != self.tabs[tab].claims {
            return;
        }
        self.tell(tab, Event::Lead(leads));
        // Who was robbed stands in line again.
        if !leads && claims == self.tabs[tab].claims {
            self.claim(tab, self.tabs[tab].line, false);
        }
    }
}
