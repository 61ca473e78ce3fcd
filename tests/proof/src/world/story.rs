//! What happens in a world besides its machines' doing.

use super::history::Entry;
use super::token::Token;
use super::{Mail, What, World};
use crate::random::Random;
use crate::scenario::{End, Happening, Kind, MINUTE, Weather, Wish};
use clerk_bridge::core::effect::{CallerId, TokenId};
use clerk_bridge::core::event::{Ask, Event, Wake};
use clerk_bridge::core::failure::Failure;
use clerk_bridge::core::identity::{Name, Session};
use clerk_bridge::core::tabs::{Message, Said};

impl World {
    pub(super) fn happen(&mut self, happening: Happening) {
        if self.now < self.asleep_until {
            return; // nobody is there
        }
        *self.stats.happened.entry(happening.kind()).or_default() += 1;
        self.note(0, Entry::Happening(happening));
        let tabs: Vec<_> = self.alive().collect();
        let pick = |index: usize| tabs.get(index.checked_rem(tabs.len())?).copied();
        let leader = self.locks.leader();
        match happening {
            Happening::Open => self.open(None),
            Happening::Sleep(ms) => self.sleep(ms),
            Happening::Clock(by) => self.set_clock(by),
            Happening::Offline(ms) => self.go_offline(ms),
            Happening::Role(role, late) => self.set_role(Name(role), late),
            Happening::Weather(weather, ms) => {
                self.servers.weather = weather;
                self.fooled |= weather == Weather::Same;
                self.weather_turn += 1;
                self.after(ms, What::Clears(self.weather_turn));
            }
            Happening::Service(backend, service, ms) => self.set_service(backend, service, ms),
            Happening::PauseLeader(ms) => self.pause(leader, ms),
            Happening::Pause(tab, ms) => self.pause(pick(tab), ms),
            Happening::LeaderGoes(end) => leader.into_iter().for_each(|tab| self.goes(tab, end)),
            Happening::Goes(tab, end) => pick(tab).into_iter().for_each(|tab| self.goes(tab, end)),
            Happening::Woke(tab, _)
            | Happening::SignIn(tab, _)
            | Happening::SignOut(tab, _)
            | Happening::BridgeSignOut(tab, _)
            | Happening::Session(tab, _)
            | Happening::Organization(tab, _)
            | Happening::Flap(tab)
            | Happening::Reject(tab, ..)
            | Happening::Ask(tab, ..) => {
                let awake = |tab: &usize| self.now >= self.tabs[*tab].paused_until;
                if let Some(tab) = pick(tab).filter(awake) {
                    self.happen_in(tab, happening);
                }
            }
            Happening::Garbage(seed) => self.garbage(Random::new(seed)),
        }
    }

    fn happen_in(&mut self, tab: usize, happening: Happening) {
        match happening {
            Happening::Woke(_, wake) => self.wake(tab, wake),
            Happening::SignIn(_, user) => match self.tabs[tab].client.shows {
                Some(session) => {
                    let late = self.random.of(&[0, 500, 60_000]);
                    self.ends(tab, session.id, late);
                    self.look(tab);
                    let ms = self.random.of(&[0, 1, 300, 1_500]);
                    self.post(ms, tab, Mail::SignsIn(user));
                }
                None => self.sign_in(tab, user),
            },
            Happening::SignOut(_, late) => {
                if let Some(session) = self.tabs[tab].client.shows {
                    self.ends(tab, session.id, late);
                    self.look(tab);
                }
            }
            Happening::BridgeSignOut(_, well) => {
                self.tabs[tab].signs_out = well;
                self.call(tab, Event::SignOut);
            }
            Happening::Session(_, user) if self.tabs[tab].client.loaded => {
                let session = self.servers.sign_in(user);
                self.servers.current = Some(session);
                self.tabs[tab].client.shows = Some(session);
                self.look(tab);
            }
            Happening::Organization(_, org) => {
                if let Some(session) = &mut self.tabs[tab].client.shows {
                    session.org = Name(org);
                    self.look(tab);
                }
            }
            Happening::Flap(_) => {
                self.tabs[tab].client.flaps = true;
                self.look(tab);
                let shows = self.tabs[tab].client.shows;
                self.post(200, tab, Mail::Shown(shows));
            }
            Happening::Reject(_, backend, why) => self.reject(tab, backend, why),
            Happening::Ask(_, wish, template) => {
                let template = if template { crate::scenario::TEMPLATE } else { Name::NONE };
                let last = self.tabs[tab].last_answer;
                let backends = self.scenario.backends.len();
                let ask = match wish {
                    Wish::Good => Ask::Good(template),
                    Wish::Fresh => Ask::Fresh(template),
                    Wish::Instead => match self.random.below(4).checked_rem(backends) {
                        Some(backend) if last.0 > 0 => Ask::Instead(backend, last),
                        _ => Ask::Good(template),
                    },
                };
                self.call(tab, |caller| Event::Ask(caller, ask));
            }
            _ => {}
        }
    }

    fn call(&mut self, tab: usize, event: impl FnOnce(CallerId) -> Event) {
        self.tabs[tab].callers += 1;
        let caller = CallerId(self.tabs[tab].callers);
        self.look(tab);
        self.tell(tab, event(caller));
    }

    pub(super) fn sign_in(&mut self, tab: usize, user: u32) {
        let session = self.servers.sign_in(user);
        self.servers.current = Some(session);
        self.tabs[tab].client.loaded = true;
        self.tabs[tab].client.shows = Some(session);
        self.look(tab);
        self.tell_others(tab, 5_000);
    }

    /// This session is over: Clerk knows, this tab too, the others within so long.
    pub(super) fn ends(&mut self, tab: usize, session: Name, late: i64) {
        self.servers.end(session);
        self.tabs[tab].client.shows = None;
        self.tell_others(tab, late);
    }

    fn tell_others(&mut self, tab: usize, late: i64) {
        for other in self.alive().collect::<Vec<_>>() {
            if other != tab {
                let ms = self.random.within(0, late);
                self.post(ms, other, Mail::Shows);
            }
        }
    }

    /// Clerk's client learns: it keeps its own session as long as that is alive.
    pub(super) fn show_current(&mut self, tab: usize) {
        let own = self.tabs[tab].client.shows.filter(|session| self.servers.is_alive(session.id));
        let role = self.servers.role;
        self.tabs[tab].client.shows = own.or(self.servers.current).map(|session| Session { role, ..session });
    }

    fn set_role(&mut self, role: Name, late: i64) {
        self.servers.role = role;
        self.role_changed_at = self.now;
        if let Some(current) = &mut self.servers.current {
            current.role = role;
        }
        for tab in self.alive().collect::<Vec<_>>() {
            let ms = self.random.within(0, late);
            self.post(ms, tab, Mail::Shows);
        }
    }

    fn goes(&mut self, tab: usize, end: End) {
        if !self.tabs[tab].alive {
            return;
        }
        match end {
            End::Close => self.close(tab),
            End::Crash(after) => self.tabs[tab].crash_after = Some(after),
            End::Reload => {
                self.close(tab);
                let live = self.tabs[tab].live.take();
                self.open(live);
            }
            End::Dispose => self.tell(tab, Event::Dispose),
        }
    }

    fn pause(&mut self, tab: Option<usize>, ms: i64) {
        let Some(tab) = tab else { return };
        let until = self.now + ms;
        let one = &mut self.tabs[tab];
        let before = one.paused_until.max(self.now);
        if until > before {
            one.checks.paused(until - before);
            one.paused_until = until;
            self.at(until, What::Thaws(tab));
        }
    }

    pub(super) fn thaw(&mut self, tab: usize) {
        if self.now < self.tabs[tab].paused_until || !self.tabs[tab].alive {
            return;
        }
        self.tabs[tab].well_since = self.now;
        if self.random.percent(50) {
            self.wake(tab, Wake::Seen);
        }
        while let Some(mail) = self.tabs[tab].backlog.pop_front() {
            self.deliver(tab, mail);
        }
    }

    /// Nothing happens for so long, the monotonic clock and the timers stand still.
    fn sleep(&mut self, ms: i64) {
        for tab in 0..self.tabs.len() {
            self.pause(Some(tab), ms);
            if let Some(at) = &mut self.tabs[tab].timer {
                *at += ms;
                self.tabs[tab].timer_turn += 1;
                self.set_timer(tab);
            }
        }
        // So that what is measured meanwhile counts as slept through.
        self.asleep += ms;
        self.asleep_until = self.now + ms;
        self.fair_since = self.now + ms;
    }

    fn set_clock(&mut self, by: i64) {
        self.skew += by;
        self.fair_since = self.now;
        for tab in &mut self.tabs {
            tab.checks.jumped(self.now, by);
        }
    }

    fn go_offline(&mut self, ms: i64) {
        self.online = false;
        self.offline_until = self.offline_until.max(self.now + ms);
        self.at(self.offline_until, What::Online);
    }

    pub(super) fn go_online(&mut self) {
        if self.online || self.now < self.offline_until {
            return;
        }
        self.online = true;
        self.fair_since = self.now;
        self.end_hanging(|_| true);
        for tab in self.alive().collect::<Vec<_>>() {
            let ms = self.random.within(0, 500);
            self.post(ms, tab, Mail::Shows);
            if self.now >= self.tabs[tab].paused_until {
                self.wake(tab, Wake::Online);
            }
            self.end_stuck(tab);
        }
    }

    /// Fetches that hung because of the network go on; those that hang for good do.
    fn end_stuck(&mut self, tab: usize) {
        for (request, template, minted) in std::mem::take(&mut self.tabs[tab].stuck) {
            match self.random.below(3) {
                0 => self.fetch(tab, request, template, minted),
                1 => self.post(300, tab, Mail::Fails(request, Failure::Transient)),
                _ => {}
            }
        }
    }

    pub(super) fn clear(&mut self, turn: u32) {
        if turn == self.weather_turn {
            self.servers.weather = Weather::Fine;
            self.fair_since = self.now;
            for tab in 0..self.tabs.len() {
                self.end_stuck(tab);
            }
        }
    }

    /// Some page on this origin posts what is well formed, and means harm.
    fn garbage(&mut self, mut random: Random) {
        let sessions: Vec<_> = self.tabs.iter().map(|tab| tab.page).collect();
        let page = if sessions.is_empty() { Session::default() } else { random.of(&sessions) };
        let span = random.of(&[0, 0, 1_000, 90_000, u32::MAX]);
        let mut token = TokenId(random.below(self.tokens.len() + 1) as u32);
        if random.percent(50) {
            token = TokenId(self.tokens.len() as u32);
        } else if random.percent(50) {
            let (iat, exp) = (self.wall() - 1_000, self.wall() + MINUTE);
            token = self.tokens.add(Token {
                user: random.of(&[page.user, Name(1), Name(77)]),
                session: page.id,
                org: page.org,
                template: Name::NONE,
                iat,
                exp,
                fits: false,
                asked: self.now,
                minted: self.now,
            });
        }
        let message = Message {
            said: Said::read(random.below(6) as u32),
            session: page.id,
            org: page.org,
            template: random.of(&[Name::NONE, crate::scenario::TEMPLATE, Name(77)]),
            token,
            more: [span, random.of(&[0, span, 404, 429])],
        };
        debug_assert!(self.scenario.kind == Kind::Chaos);
        let stamp = self.wall();
        for tab in self.alive().collect::<Vec<_>>() {
            if self.tabs[tab].shared {
                // Clerk's time can be lied about.
                self.tabs[tab].checks.jumped(self.now, 0);
                self.deliver(tab, Mail::Heard(message, stamp));
            }
        }
    }
}
