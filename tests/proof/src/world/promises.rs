//! What must hold between tabs, and over time.

use super::What;
use super::World;
use crate::scenario::{Kind, MINUTE, SECOND, TEMPLATE, Weather};
use clerk_bridge::core::backend::Policy;
use clerk_bridge::core::event::Event;
use clerk_bridge::core::identity::{Name, Session, Source};
use clerk_bridge::core::snapshot::Status;

/// A session that was ended in a tab.
#[derive(Clone, Copy, Debug)]
pub struct Ending {
    pub session: Name,
    pub at: i64,
    pub tab: usize,
}

/// After so long without a fault, everything is as it should be.
const SETTLED: i64 = 90 * SECOND;

impl World {
    /// Watches who the machine acts for.
    pub(super) fn watch_identity(&mut self, tab: usize, event: Event, before: Session, after: Session) {
        if matches!(event, Event::Rejected(..) | Event::StepFailed(..)) {
            self.tabs[tab].well_since = self.now;
        }
        if before.is_same(after) {
            return;
        }
        let now = self.now;
        let one = &mut self.tabs[tab];
        one.well_since = now;
        let same_user = before.user == after.user && after.user != Name::NONE;
        let mints = same_user && !before.is_same_organization(after);
        one.checks.minted_since = if mints { now.min(self.role_changed_at) } else { 0 };
        if after.id != before.id {
            let own = matches!(event, Event::Source(Source::SignedOut) | Event::SignOut(_));
            if after.id == Name::NONE && own && one.shared && one.crash_after.is_none() {
                self.register_ending(tab, before.id);
            }
            // Whose own sign-out has failed may come back.
            if let Event::SourceSignedOut(..) = event {
                self.tabs[tab].returned_at = now;
            } else {
                self.comes_back(tab, after.id);
            }
            if after.id != Name::NONE {
                self.tabs[tab].heard_ended.retain(|(session, _)| *session == after.id);
            }
        }
    }

    /// Every other tab in this session has to know within a second of being able to hear it (E2, E6).
    pub(super) fn register_ending(&mut self, tab: usize, session: Name) {
        if session == Name::NONE || !self.tabs[tab].shared || self.tabs[tab].checks.disposed {
            return;
        }
        self.endings.push(Ending { session, at: self.now, tab });
        if self.endings.len() > 64 {
            self.endings.remove(0);
        }
        if self.chaos {
            return;
        }
        for other in self.alive().collect::<Vec<_>>() {
            if other != tab && self.tabs[other].shared && self.tabs[other].bridge.live().0.id == session {
                self.after(SECOND, What::Heard(other, session, self.now));
            }
        }
    }

    /// By now the tab must have heard.
    pub(super) fn must_have_heard(&mut self, tab: usize, session: Name, at: i64) {
        let one = &self.tabs[tab];
        if !one.alive || one.checks.disposed || one.returned_at >= at {
            return;
        }
        // It has had no second of its own since then.
        let since = one.paused_until.max(at);
        if self.now < since + SECOND {
            return self.at(since + SECOND, What::Heard(tab, session, at));
        }
        if one.bridge.live().0.id == session && !self.servers.minted_since(session, at) {
            let text = format!("still in {session:?}, ended {} ms ago in another tab", self.now - at);
            self.broken("E2", Some(tab), text);
        }
    }

    pub(super) fn heard_ending(&mut self, tab: usize, session: Name) {
        if !self.tabs[tab].doubted.contains(&session) {
            self.tabs[tab].doubted.push(session);
        }
        if self.tabs[tab].bridge.live().0.id != session {
            return; // of no concern to it
        }
        let ending = self.endings.iter().rev().find(|ending| ending.session == session && ending.tab != tab);
        if let Some(ending) = ending {
            let at = ending.at;
            self.tabs[tab].heard_ended.retain(|(one, _)| *one != session);
            self.tabs[tab].heard_ended.push((session, at));
        }
    }

    /// A session that the tab has heard of as ended is back only with a token asked for after that (E2, E6).
    fn comes_back(&mut self, tab: usize, session: Name) {
        let heard = self.tabs[tab].heard_ended.iter().find(|(one, _)| *one == session);
        // An old token passed off for a new one proves what it should not: nobody can tell.
        if let Some((_, at)) = heard.copied()
            && self.servers.weather != Weather::Same
            && !self.servers.minted_since(session, at)
        {
            let text = format!("back in {session:?}, which ended {} ms ago in another tab", self.now - at);
            self.broken("E6", Some(tab), text);
        }
    }

    /// A tab that nothing befell for a while has good tokens everywhere (E3, A4).
    pub(super) fn is_served(&mut self, tab: usize) {
        let one = &self.tabs[tab];
        let well_since = one.well_since.max(self.fair_since);
        let fine = self.online
            && self.servers.weather == Weather::Fine
            && self.services.iter().all(|(service, _)| *service == crate::scenario::Service::Fine);
        // Of a token that an earlier load left, only a bound of Clerk's time is known (C3).
        // Leases and heartbeats are for tokens of a minute or more; the floor of a token that lives longer (C2)
        // outlasts it where the clock was set.
        if self.scenario.life < MINUTE
            || self.chaos
            || self.fooled
            || one.checks.clock_was_set && self.scenario.life > MINUTE
            || !one.checks.calibrated
            || !fine
            || self.now - well_since < SETTLED
            || !one.client.loaded
            || one.client.flaps
        {
            return;
        }
        let Some(shown) = one.client.shows.filter(|shown| self.servers.is_alive(shown.id)) else { return };
        let state = one.bridge.snapshot();
        if one.checks.disposed || state.session.id != shown.id {
            return; // whether it agrees is asked at the end (J2)
        }
        if state.is_refreshing {
            let text = format!("refreshing, {} ms after the last fault", self.now - well_since);
            return self.broken("E3", Some(tab), text);
        }
        for (backend, handed) in one.handed.iter().enumerate() {
            let exchanges = self.scenario.backends[backend].policy.has(Policy::EXCHANGES);
            let Some((_, token)) = handed.filter(|_| !exchanges) else { continue };
            let dead = self.server() - self.tokens.get(token).exp;
            if one.bridge.backend_state(backend).status == Status::Authenticated && dead > 5 * SECOND {
                let text = format!("backend {backend} holds a token that ended {dead} ms ago");
                return self.broken("E3", Some(tab), text);
            }
        }
    }

    /// Fetches and messages of a world in which nothing went wrong (E1), or in which only Clerk refused (E7).
    pub(super) fn count(&mut self) {
        let tabs = self.tabs.len();
        match self.scenario.kind {
            Kind::Calm => {
                let time = self.scenario.end;
                // A clock that is ahead hides from a new tab that a token of Clerk's cache is good: it asks for one
                // that is minted, which says what time it is.
                let opened = if self.scenario.skew > 0 { 2 * tabs } else { 0 };
                let rotations = (time / (48 * SECOND) + 2) as usize + opened;
                let mut templates = 0;
                for template in [Name::NONE, TEMPLATE] {
                    let mints = self.servers.mints.iter().filter(|mint| mint.template == template);
                    let mints = mints.filter(|mint| mint.at <= time).count();
                    templates += usize::from(mints > 0);
                    if mints > rotations {
                        let text =
                            format!("{mints} fetches of {template:?}, {rotations} rotations, {tabs} tabs");
                        self.broken("E1", None, text);
                    }
                }
                let most = rotations * templates * (2 * tabs + 8) + 4 * tabs;
                if self.stats.says as usize > most {
                    let text = format!("{} messages, {rotations} rotations, {tabs} tabs", self.stats.says);
                    self.broken("E1", None, text);
                }
            }
            Kind::Refused => {
                let from = self.scenario.story.iter().find_map(|(at, happening)| match happening {
                    crate::scenario::Happening::Weather(weather, ms) => Some((*at, *weather, *ms)),
                    _ => None,
                });
                let Some((from, weather, ms)) = from else { return };
                let opened = self.scenario.story.len();
                // Waits of 15 s on average once they have grown, fewer than ten until then.
                let mut most = (ms / (8 * SECOND)) as usize + 14 + 3 * opened;
                if let Weather::Limited(seconds) = weather {
                    most = most.min((ms / (seconds * SECOND)) as usize + 6 + 3 * opened);
                }
                for template in [Name::NONE, TEMPLATE] {
                    let within = |one: &&(i64, Name)| one.1 == template && (from..from + ms).contains(&one.0);
                    let tries = self.servers.tries.iter().filter(within).count();
                    if tries > most {
                        let text =
                            format!("{tries} tries of {template:?} in {} min, {tabs} tabs", ms / MINUTE);
                        self.broken("E7", None, text);
                    }
                }
            }
            _ => {}
        }
    }
}
