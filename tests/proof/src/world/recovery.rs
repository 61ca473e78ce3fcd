//! The end of a world: the faults stop, and every tab has to agree with its Clerk within one step of the back-off
//! (J2), stay so, and let go of everything when the user leaves (D2, F4).

use super::{Mail, World};
use crate::scenario::{Happening, Kind, MINUTE, SECOND, Service, Weather};
use clerk_bridge::core::backend::Policy;
use clerk_bridge::core::event::{Event, Wake};
use clerk_bridge::core::failure::Code;
use clerk_bridge::core::identity::{Name, Session};
use clerk_bridge::core::snapshot::Status;

impl World {
    /// Whether the bridge of this tab says what its Clerk says. A backend that is configured wrongly stays out.
    fn agrees(&self, tab: usize) -> bool {
        let one = &self.tabs[tab];
        let state = one.bridge.snapshot();
        let fine = |index: usize| {
            let backend = one.bridge.backend_state(index);
            backend.status == Status::Authenticated || backend.error == Some(Code::BackendConfig)
        };
        // It heard that this session has ended, asked Clerk once, and waits for its source to say something else.
        let waits = |session: &Session| one.doubted.contains(&session.id);
        match one.client.shows {
            Some(session) if waits(&session) && state.session == Session::default() => true,
            None => state.status == Status::Unauthenticated && state.session == Session::default(),
            Some(session) => {
                state.session.is_same(Session { fits: None, ..session })
                    && (0..self.scenario.backends.len()).all(fine)
                    && !state.is_refreshing
                    && state.status != Status::Loading
            }
        }
    }

    fn disagreeing(&self) -> Option<usize> {
        self.alive().find(|tab| !self.agrees(*tab))
    }

    pub(super) fn recover(&mut self) {
        self.count();
        if self.violation.is_some() {
            return;
        }
        self.chaos_ends();
        let mut pauses: Vec<_> = self.alive().map(|tab| self.tabs[tab].paused_until).collect();
        pauses.push(self.now);
        // Who is asleep still is waited for.
        let awake = pauses.into_iter().max().unwrap_or_default();
        self.advance_to(awake);
        for tab in self.alive().collect::<Vec<_>>() {
            self.tabs[tab].crash_after = None;
            self.tabs[tab].client.flaps = false;
            self.deliver(tab, Mail::Loaded);
        }
        // What is under way ends as it will: fetches time out, steps are given up, and no later.
        self.advance_to(self.now + 25 * SECOND);
        for tab in self.alive().collect::<Vec<_>>() {
            for (step, backend, _) in std::mem::take(&mut self.tabs[tab].hanging) {
                let ending = super::service::Ending::Not(clerk_bridge::core::event::Refusal::Transient);
                self.deliver(tab, Mail::Step(step, backend, ending));
            }
        }
        for _ in 0..2 {
            for tab in self.alive().collect::<Vec<_>>() {
                self.wake(tab, Wake::Online);
            }
            self.advance_to(self.now + 2 * SECOND);
        }
        // Who slept after the clock was set back has lost time, and keeps to the floor of a token it had (C2).
        let set_back = |one: &(i64, Happening)| matches!(one.1, Happening::Clock(by) if by < 0);
        let lost = if self.scenario.story.iter().any(set_back) { self.scenario.life / 4 } else { 0 };
        let (start, bound) = (self.now - 4 * SECOND, 31 * SECOND + lost);
        while let Some(tab) = self.disagreeing().filter(|_| self.violation.is_none()) {
            let waited = self.now - start;
            if waited >= bound {
                let (state, shows) = (self.tabs[tab].bridge.snapshot(), self.tabs[tab].client.shows);
                let text = format!("after {waited} ms {state:?}, Clerk shows {shows:?}");
                return self.broken("J2", Some(tab), text);
            }
            self.advance_to(self.now + 100);
        }
        self.stays();
        self.leaves();
    }

    fn chaos_ends(&mut self) {
        self.chaos = false;
        self.endings.clear();
        self.servers.weather = Weather::Fine;
        self.weather_turn += 1;
        for service in &mut self.services {
            *service = (Service::Fine, service.1 + 1);
        }
        self.offline_until = self.now;
        self.go_online();
        // Messages that are late may come still.
        let late = if self.scenario.kind == Kind::Chaos { 90 * SECOND } else { 0 };
        self.fair_since = self.now + late;
    }

    /// What the next tokens tell of Clerk's time may still show that one at hand is dead; then all is quiet.
    fn stays(&mut self) {
        self.advance_to(self.now + 2 * MINUTE);
        let before: Vec<_> = self.tabs.iter().map(|tab| tab.published).collect();
        let mints = self.servers.mints.len();
        self.advance_to(self.now + 5 * MINUTE);
        if self.violation.is_some() {
            return;
        }
        if let Some(tab) = self.disagreeing() {
            let state = self.tabs[tab].bridge.snapshot();
            return self.broken("J2", Some(tab), format!("lost again: {state:?}"));
        }
        for tab in self.alive().collect::<Vec<_>>() {
            if self.tabs[tab].published != before[tab] {
                return self.broken("A2", Some(tab), "published with nothing to say".into());
            }
            if self.tabs[tab].checks.unanswered() > 0 {
                return self.broken("B10", Some(tab), "calls are not answered".into());
            }
            if (0..self.services.len()).any(|index| !self.tabs[tab].bridge.owed(index).is_empty()) {
                return self.broken("D5", Some(tab), "a session is still to be revoked".into());
            }
        }
        self.fetches_together(self.servers.mints.len() - mints);
    }

    /// Tabs in one session, organization and role fetch together also after everything that happened (E1).
    fn fetches_together(&mut self, mints: usize) {
        // A token of Clerk's cache does not tell that the clock was set, so it may be followed by another soon.
        if self.scenario.story.iter().any(|(_, one)| matches!(one, Happening::Clock(_))) {
            return;
        }
        let mut lines: Vec<_> = Vec::new();
        for tab in self.alive() {
            let one = &self.tabs[tab];
            let session = one.bridge.live().0;
            let line = (session.id, session.org, if one.shared { 0 } else { tab + 1 });
            if session.id != Name::NONE && !lines.contains(&line) {
                lines.push(line);
            }
        }
        let life = self.scenario.life.min(MINUTE);
        // What is cut off `iat`, and the way back, are lost.
        let period = life - (life / 4).min(10 * SECOND) * 11 / 10 - 1_500;
        let most = lines.len() * 2 * (5 * MINUTE / period + 2) as usize;
        if mints > most {
            let text = format!("{mints} fetches in five quiet minutes, {} lines of tabs", lines.len());
            self.broken("E1", None, text);
        }
    }

    /// Everybody signs out: nothing is left behind.
    fn leaves(&mut self) {
        if self.violation.is_some() {
            return;
        }
        for tab in self.alive().collect::<Vec<_>>() {
            if let Some(session) = self.tabs[tab].client.shows {
                self.servers.end(session.id);
            }
        }
        self.servers.current = None;
        for tab in self.alive().collect::<Vec<_>>() {
            self.tabs[tab].client.shows = None;
            self.tell(tab, Event::Source(clerk_bridge::core::identity::Source::SignedOut));
        }
        self.advance_to(self.now + 90 * SECOND);
        if let Some(tab) = self.disagreeing() {
            let state = self.tabs[tab].bridge.snapshot();
            return self.broken("D2", Some(tab), format!("signed out: {state:?}"));
        }
        let attached = self.alive().find(|tab| self.tabs[*tab].handed.iter().any(Option::is_some));
        if let Some(tab) = attached {
            return self.broken("D2", Some(tab), "signed out, and a backend was not told".into());
        }
        let keeps = |index: usize| self.scenario.backends[index].policy.has(Policy::KEEPS_SIGNED_OUT);
        // What a page that is gone has left stays until the next one is loaded (D4).
        let gone = |index: usize, owner: Name| {
            self.tabs.iter().any(|tab| {
                let here = tab.data[index] == owner || tab.crash_after.is_some();
                (!tab.alive || tab.checks.disposed) && here
            })
        };
        let left = |row: &&(usize, Name, _)| row.1 != Name::NONE && !keeps(row.0) && !gone(row.0, row.1);
        if let Some(left) = self.record.rows.iter().find(left).copied() {
            return self.broken("F4", None, format!("left behind: {left:?}"));
        }
        let live = self.alive().find(|tab| self.tabs[*tab].live.is_some());
        if let Some(tab) = live {
            self.broken("F4", Some(tab), "tokens left behind".into());
        }
    }
}
