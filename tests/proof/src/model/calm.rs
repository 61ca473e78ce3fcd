//! The faults are over: from any state, everything in flight arrives, everything is answered well and at once,
//! and time goes on. A minute later every tab agrees with its Clerk, and goes on doing so (J2, E3).

use std::collections::HashSet;
use std::sync::Mutex;

use clerk_bridge::core::identity::Session;
use clerk_bridge::core::snapshot::Status;
use clerk_bridge::core::tabs::Said;

use super::action::Action;
use super::tab::{By, Ended, Life, Tab};
use super::world::World;
use super::{Broken, Faults, Promise};

/// So long after the faults, all agree: the longest back-off after a missing template, and a little (J2) ...
const PATIENCE: i64 = 61_000;
/// ... and go on doing so.
const LONGER: i64 = 14_000;
/// After so long nobody has a reason to doubt a leader any more that was silent before.
const FORGOTTEN: i64 = 3_000;
/// More than ever happens in that time.
const MOST: usize = 3_000;
/// A token that lasts so long gives the others time to do without a leader that froze (E3).
const ENOUGH: i64 = 6_000;

/// The states at rest from which all is known to come right.
#[derive(Default)]
pub struct Known(Mutex<HashSet<u64>>);

impl Known {
    /// Whether this one is new.
    fn add(&self, print: u64) -> bool {
        self.0.lock().map_or(true, |mut known| known.insert(print))
    }
}

impl World {
    /// What is wrong a minute after the faults: first with the tabs that run, then with those that were frozen
    /// too. Most states come to rest in one of a few; from there it is looked at once.
    pub fn recovers(&self, known: &Known) -> Option<Broken> {
        let mut world = Self { left: Faults::default(), ..self.clone() };
        world.deliver_all().or_else(|| {
            world.fingerprint();
            if !known.add(world.print) {
                return None;
            }
            world.calm_down().or_else(|| world.thaw().then(|| world.calm_down()).flatten())
        })
    }

    /// Whether a tab was frozen.
    fn thaw(&mut self) -> bool {
        let frozen = self.tabs.iter_mut().filter(|tab| tab.life == Life::Frozen);
        frozen.map(|tab| tab.life = Life::Running).count() > 0
    }

    /// What goes wrong while all in flight arrives; then, who has heard of no ending (E2).
    fn deliver_all(&mut self) -> Option<Broken> {
        let (start, well) = (self.now, self.all_well());
        for _ in 0..MOST {
            let Some(action) = self.calmest_at_once() else { return self.unheard() };
            let wrong = self.takes(action, start, &well);
            if wrong.is_some() {
                return wrong;
            }
        }
        Some((Promise::Agreement, "they never stop talking".to_owned()))
    }

    /// What is wrong after a minute.
    fn calm_down(&mut self) -> Option<Broken> {
        let (start, well) = (self.now, self.all_well());
        let all_run = self.tabs.iter().all(|tab| tab.life != Life::Frozen);
        for _ in 0..MOST {
            let action = self.calmest();
            if action.is_none_or(Action::takes_time) {
                let next = self.tabs.iter().filter(|tab| tab.runs()).filter_map(|tab| tab.timer).min();
                let passed = next.map_or(i64::MAX, |next| next - start);
                if let Some(how) = self.disagrees().filter(|_| passed > PATIENCE) {
                    return Some((Promise::Agreement, how));
                }
                if passed > PATIENCE + LONGER {
                    return None;
                }
            }
            let wrong = self.takes(action?, start, &well);
            if wrong.is_some() {
                return wrong;
            }
            if let Some(thief) = self.tabs.iter().position(|tab| all_run && tab.stole_at > start + FORGOTTEN)
            {
                return Some((Promise::Fetches, format!("tab {thief} gave up on a leader that is well")));
            }
        }
        Some((Promise::Agreement, "it never comes to rest".to_owned()))
    }

    /// What goes wrong with this.
    fn takes(&mut self, action: Action, start: i64, well: &[usize]) -> Option<Broken> {
        self.happens(action);
        let let_down = well.iter().find(|number| self.is_let_down(**number)).map(|number| {
            let how = format!("tab {number} was well, and let down {} ms later", self.now - start);
            (Promise::Continuity, how)
        });
        self.broken.take().or(let_down)
    }

    /// A tab that acts for a session which another tab has ended, and has no proof that it did not.
    fn unheard(&self) -> Option<Broken> {
        let running = || self.tabs.iter().enumerate().filter(|(_, tab)| tab.runs());
        running().find_map(|(teller, tab)| {
            let ended = tab.ended.filter(|ended| ended.by != By::Tab)?;
            let proved = |tab: &Tab| {
                tab.proof.is_some_and(|proof| proof.session == ended.session && ended.at < proof.until)
            };
            let (deaf, _) = running().find(|(_, tab)| tab.acts_for(ended.session) && !proved(tab))?;
            Some((
                Promise::Endings,
                format!("tab {deaf} has not heard what tab {teller} has ended: {ended:?}"),
            ))
        })
    }

    /// What one tab shows, and its Clerk does not.
    fn disagrees(&self) -> Option<String> {
        let running = self.tabs.iter().enumerate().filter(|(_, tab)| tab.runs());
        let mut apart = running.filter(|(_, tab)| !self.agrees(tab));
        let (number, tab) = apart.next()?;
        let state = tab.bridge.snapshot();
        Some(format!(
            "tab {number}: Clerk shows {:?}, it {state:?}, its backend {:?}",
            tab.view, tab.attached
        ))
    }

    fn agrees(&self, tab: &Tab) -> bool {
        let state = tab.bridge.snapshot();
        let signed_out =
            state.status == Status::Unauthenticated && state.session.id.0 == 0 && tab.attached.is_none();
        // A user who signed out stays signed out where Clerk could not be asked about it, though Clerk was never
        // told: an answer that comes late could be that of a Clerk that was offline (E6 before J2).
        let ended = |view: Session| tab.ended.is_some_and(|ended| ended.session == view.id);
        let Some(view) = tab.view.filter(|view| !tab.unsure || !ended(*view)) else { return signed_out };
        let accepted = tab.attached.is_some_and(|(session, token)| {
            session.id == view.id && self.clerk.token(token).ends() > self.now
        });
        state.status == Status::Authenticated
            && state.session.id == view.id
            && !state.is_refreshing
            && accepted
    }

    fn all_well(&self) -> Vec<usize> {
        (0..self.tabs.len()).filter(|number| self.is_well(*number)).collect()
    }

    /// A tab that has a good token for a while, of a session that nobody ended or says to have ended.
    fn is_well(&self, number: usize) -> bool {
        let tab = &self.tabs[number];
        let undisputed = tab.view.is_some_and(|view| {
            let others = self.tabs.iter().all(|other| {
                // A sign-out by the application ends all sessions.
                let ends = |ended: Ended| ended.session == view.id || ended.by == By::Application;
                other.leavings.is_empty() && !other.ended.is_some_and(ends)
            });
            let rumour = tab.inbox.iter().any(|letter| letter.message.said == Said::Ended);
            self.clerk.is_alive(view) && others && !rumour
        });
        let lasts =
            tab.attached.is_some_and(|(_, token)| self.clerk.token(token).ends() - self.now >= ENOUGH);
        tab.runs() && undisputed && lasts && self.agrees(tab)
    }

    /// It is not as well as it was.
    fn is_let_down(&self, number: usize) -> bool {
        let state = self.tabs[number].bridge.snapshot();
        state.status != Status::Authenticated || state.is_refreshing
    }
}
