//! What may happen next in a state: every message, answer, step and timer that is due, in any order, and as many
//! faults as are left.

use clerk_bridge::core::Event;
use clerk_bridge::core::effect::{CallerId, Command};
use clerk_bridge::core::event::Refusal;
use clerk_bridge::core::failure::Failure;

use super::tab::Life;
use super::world::World;

/// Whether a session is alive is asked once, and an answer that takes longer is none (E2).
const DOUBT: i64 = 2_000;

/// Something happens; the numbers are those of a tab, and of what is in flight there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// The next message reaches it.
    Hear(usize),
    /// It learns of its lock.
    Lock(usize),
    /// Clerk answers a fetch.
    Answer(usize, usize),
    /// A fetch fails.
    Fail(usize, usize),
    /// The backend takes a step.
    End(usize, usize),
    /// The backend refuses a token.
    Refuse(usize, usize),
    /// Time passes until its timer fires.
    Timer(usize),
    /// The application signs out.
    SignOut(usize),
    /// Clerk's part of that is through, well or not.
    SignedOut(usize, bool),
    /// The user signs out of Clerk, past the application.
    Leave(usize),
    /// Somebody else signs in.
    Arrive(usize),
    /// Its Clerk learns what Clerk's servers know.
    Learn(usize),
    /// It freezes.
    Freeze(usize),
    /// It thaws.
    Thaw(usize),
    /// It closes.
    Close(usize),
}

impl Action {
    /// Whether time passes with it, or may.
    pub fn takes_time(self) -> bool {
        matches!(self, Self::Timer(_))
    }
}

impl World {
    /// What may happen next.
    pub fn actions(&self, actions: &mut Vec<Action>) {
        if self.broken.is_some() {
            return;
        }
        let left = self.left;
        for (number, tab) in self.tabs.iter().enumerate() {
            match tab.life {
                Life::Closed => continue,
                Life::Frozen => {
                    actions.push(Action::Thaw(number));
                    continue;
                }
                Life::Running => {}
            }
            self.calm_actions(number, actions);
            if left.failures > 0 {
                actions.extend((0..tab.flights.len()).map(|index| Action::Fail(number, index)));
                actions.extend(tab.leavings.first().map(|_| Action::SignedOut(number, false)));
            }
            let attaches =
                |index: &usize| matches!(tab.steps[*index].command, Command::Attach(_) | Command::Update(_));
            if left.refusals > 0 {
                let refused = (0..tab.steps.len()).filter(attaches);
                actions.extend(refused.map(|index| Action::Refuse(number, index)));
            }
            if left.leavings > 0 && tab.view.is_some() {
                actions.extend([Action::SignOut(number), Action::Leave(number)]);
            }
            if left.arrivals > 0 {
                actions.push(Action::Arrive(number));
            }
            if left.freezes > 0 {
                actions.push(Action::Freeze(number));
            }
            if left.closings > 0 {
                actions.push(Action::Close(number));
            }
        }
        self.timers(actions);
    }

    /// What is under way in a tab and may end well.
    fn calm_actions(&self, number: usize, actions: &mut Vec<Action>) {
        let tab = &self.tabs[number];
        actions.extend(tab.news.front().map(|_| Action::Lock(number)));
        actions.extend(tab.inbox.front().map(|_| Action::Hear(number)));
        actions.extend((0..tab.steps.len()).map(|index| Action::End(number, index)));
        actions.extend(tab.leavings.first().map(|_| Action::SignedOut(number, true)));
        actions.extend((0..tab.flights.len()).map(|index| Action::Answer(number, index)));
        if self.is_late(number) {
            actions.push(Action::Learn(number));
        }
    }

    /// Time passes to the next timer of any tab; one that is overdue fires at once.
    fn timers(&self, actions: &mut Vec<Action>) {
        let timers = || self.tabs.iter().enumerate().filter(|(_, tab)| tab.runs());
        let first = timers().filter_map(|(_, tab)| tab.timer).min();
        let until = first.map(|first| first.max(self.now));
        let due = timers().filter(|(_, tab)| tab.timer.is_some() && tab.timer <= until);
        actions.extend(due.map(|(number, _)| Action::Timer(number)));
    }

    /// What happens next when nothing goes wrong, and nothing takes long.
    pub fn calmest(&self) -> Option<Action> {
        let mut actions = self.all_calm();
        if actions.is_empty() {
            self.timers(&mut actions);
        }
        actions.first().copied()
    }

    /// The same, as far as it takes no time, and Clerk tells nobody of its own accord.
    pub fn calmest_at_once(&self) -> Option<Action> {
        self.all_calm().into_iter().find(|action| !matches!(action, Action::Learn(_)))
    }

    fn all_calm(&self) -> Vec<Action> {
        let mut actions = Vec::new();
        let running = (0..self.tabs.len()).filter(|number| self.tabs[*number].runs());
        running.for_each(|number| self.calm_actions(number, &mut actions));
        actions
    }

    /// Whether Clerk in this tab has something to learn: its session ended, or there is one at last.
    fn is_late(&self, number: usize) -> bool {
        match self.tabs[number].view {
            Some(session) => !self.clerk.is_alive(session),
            None => !self.clerk.alive.is_empty(),
        }
    }

    /// Lets it happen, and takes the fingerprint of what comes of it.
    pub fn happen(&mut self, action: Action) {
        self.happens(action);
        self.fingerprint();
    }

    /// Lets it happen.
    pub fn happens(&mut self, action: Action) {
        match action {
            Action::Hear(number) => self.deliver(number),
            Action::Lock(number) => {
                let Some((line, has)) = self.tabs[number].news.pop_front() else { return };
                self.tell(number, Event::Lead(has));
                if !has {
                    self.claim(number, line, false);
                }
            }
            Action::Answer(number, index) => self.answer(number, index),
            Action::Fail(number, index) => {
                self.left.failures -= 1;
                self.fail(number, index);
            }
            Action::End(number, index) => {
                let running = self.tabs[number].steps.remove(index);
                if let Command::Attach(token) | Command::Update(token) = running.command {
                    self.tabs[number].attached = Some((running.session, token));
                }
                self.tell(number, Event::StepDone(running.step));
            }
            Action::Refuse(number, index) => {
                self.left.refusals -= 1;
                let running = self.tabs[number].steps.remove(index);
                self.tell(number, Event::StepFailed(running.step, Refusal::Refused));
            }
            Action::Timer(number) => {
                self.now = self.tabs[number].timer.take().map_or(self.now, |at| at.max(self.now));
                self.look(number);
                self.tell(number, Event::Tick);
            }
            Action::SignOut(number) => {
                self.left.leavings -= 1;
                self.tell(number, Event::SignOut(CallerId(1)));
            }
            Action::SignedOut(number, well) => self.signed_out(number, well),
            Action::Leave(number) => {
                self.left.leavings -= 1;
                self.end_sessions(number);
            }
            Action::Arrive(number) => {
                self.left.arrivals -= 1;
                let session = self.clerk.sign_in();
                self.show(number, Some(session));
            }
            Action::Learn(number) => {
                let latest = self.clerk.alive.last().copied();
                self.show(number, latest);
            }
            Action::Freeze(number) => {
                self.left.freezes -= 1;
                self.tabs[number].life = Life::Frozen;
            }
            Action::Thaw(number) => self.tabs[number].life = Life::Running,
            Action::Close(number) => {
                self.left.closings -= 1;
                self.tabs[number].close();
                let news = self.locks.leave(number);
                self.spread(news);
            }
        }
    }

    fn show(&mut self, number: usize, view: Option<clerk_bridge::core::identity::Session>) {
        let tab = &mut self.tabs[number];
        tab.view = view;
        tab.cached = None;
        self.look(number);
    }

    fn end_sessions(&mut self, number: usize) {
        self.clerk.sign_out(self.now);
        self.show(number, None);
    }

    fn signed_out(&mut self, number: usize, well: bool) {
        let request = self.tabs[number].leavings.remove(0).request;
        if well {
            self.end_sessions(number);
        } else {
            self.left.failures -= 1;
        }
        self.tell(number, Event::SourceSignedOut(request, well));
    }

    fn fail(&mut self, number: usize, index: usize) {
        let flight = self.tabs[number].flights.remove(index);
        self.tabs[number].unsure |= flight.probe;
        self.look(number); // only the source itself can say that nobody is signed in
        self.tell(number, Event::FetchFailed(flight.request, Failure::Transient));
    }

    fn answer(&mut self, number: usize, index: usize) {
        let flight = self.tabs[number].flights[index];
        let (now, clerk) = (self.now, &mut self.clerk);
        let tab = &mut self.tabs[number];
        let served = tab.cached.filter(|token| !flight.minted && clerk.serves(*token, flight.session, now));
        let Some(token) = served.or_else(|| clerk.mint(flight.session, flight.sent, now)) else {
            return self.fail(number, index);
        };
        tab.flights.remove(index);
        let late = flight.probe && now > flight.sent + DOUBT;
        tab.unsure |= late;
        if tab.view == Some(flight.session) {
            tab.cached = Some(token);
        }
        let known = clerk.token(token);
        if known.minted >= flight.sent && flight.current && !late {
            tab.prove(flight.session.id, flight.sent);
            tab.ended =
                tab.ended.filter(|ended| ended.session != flight.session.id || flight.sent < ended.at);
        }
        self.tell(number, Event::Fetched(flight.request, token, known.claims(self.tabs[number].shown)));
    }
}
