//! The state of the model: the tabs of one browser, what is in flight between them, the locks, Clerk and the
//! time. Here effects are carried out; what may happen next stands in [`super::action`].

use clerk_bridge::core::backend::Policy;
use clerk_bridge::core::effect::{Command, Effect, What};
use clerk_bridge::core::identity::{Session, Source};
use clerk_bridge::core::tabs::{LEASE, Message, Said};
use clerk_bridge::core::{Event, Millis, Now};
use std::collections::VecDeque;

use super::clerk::{Clerk, DAWN};
use super::locks::{Line, Locks, News};
use super::tab::{By, Ended, Flight, LONG_AGO, Leaving, Letter, Life, Running, START, Tab};
use super::{Broken, Faults, Promise};

/// A fetch that is not answered by then is given up.
const FETCH_TIMEOUT: i64 = 10_000;
/// Clerk's time is known no better than this (C3).
const EXACT: i64 = 5_000;

/// One state.
#[derive(Clone, Debug)]
pub struct World {
    /// Milliseconds since the start.
    pub now: i64,
    pub clerk: Clerk,
    pub tabs: Vec<Tab>,
    pub locks: Locks,
    /// What may go wrong still.
    pub left: Faults,
    /// The first promise that was broken, and how.
    pub broken: Option<Broken>,
    pub print: u64,
}

impl World {
    /// A browser with nobody signed in, and no tab.
    pub fn new(left: Faults) -> Self {
        Self {
            now: START,
            clerk: Clerk::default(),
            tabs: Vec::new(),
            locks: Locks::default(),
            left,
            broken: None,
            print: 0,
        }
    }

    /// One more tab, whose Clerk shows this.
    pub fn open(&mut self, policy: Policy, view: Option<Session>) {
        let number = self.tabs.len();
        let (mut tab, events) = Tab::new(policy, number as u64 + 1);
        tab.view = view;
        self.tabs.push(tab);
        for event in events {
            self.tell(number, event);
        }
        self.look(number);
    }

    /// Tells a machine whom its Clerk shows.
    pub fn look(&mut self, number: usize) {
        let tab = &mut self.tabs[number];
        let source = match tab.view {
            Some(session) => {
                tab.shown = session;
                Source::SignedIn(session)
            }
            None => Source::SignedOut,
        };
        self.tell(number, Event::Source(source));
    }

    /// Tells a machine something, and carries out what it wants.
    pub fn tell(&mut self, number: usize, event: Event) {
        let mut events = VecDeque::from([event]);
        while let Some(event) = events.pop_front() {
            self.before(number, &event);
            let time = Millis(DAWN + self.now);
            let effects = self.tabs[number].bridge.handle(Now { wall: time, mono: time }, event);
            for effect in effects {
                events.extend(self.carry_out(number, effect));
            }
            self.after(number);
        }
    }

    /// The message that is first in line for this tab reaches it.
    pub fn deliver(&mut self, number: usize) {
        let Some(Letter { mut message, sent }) = self.tabs[number].inbox.pop_front() else { return };
        let original = message;
        // The shell adds how late it is, and numbers cross to JavaScript with a sign and come back without.
        if matches!(message.said, Said::Token | Said::Ended) {
            let late = self.now - sent;
            message.more = message.more.map(|ago| (i64::from(ago.cast_signed()) + late) as u32);
        }
        let shown = self.tabs[number].shown;
        let token = (message.said == Said::Token).then(|| self.clerk.token(message.token));
        let claims = token.map(|token| token.claims(shown)).unwrap_or_default();
        if message.said == Said::Ended {
            self.note_ended(number, original, sent);
        } else if message.said != Said::Want {
            self.tabs[number].heard_at = self.now;
        }
        self.tell(number, Event::Heard(message, claims));
    }

    /// Remembers that a tab has heard of the end of its session, unless it has proof already that it did not end.
    fn note_ended(&mut self, number: usize, message: Message, said: i64) {
        let session = message.session;
        let at = said - i64::from(message.more[0]);
        let tab = &mut self.tabs[number];
        let proved = tab.proof.is_some_and(|proof| proof.session == session && at < proof.until);
        if !proved && tab.acts_for(session) {
            tab.ended = Some(Ended { session, at, by: By::Tab });
            tab.unsure = false;
        }
    }

    fn before(&mut self, number: usize, event: &Event) {
        let (now, tab) = (self.now, &mut self.tabs[number]);
        let session = tab.bridge.snapshot().session.id;
        // Clerk's part failed, or took so long that it counts as failed: they are signed in still.
        let hangs = tab.leavings.iter().any(|leaving| now - leaving.sent >= FETCH_TIMEOUT);
        let failed = hangs || matches!(event, Event::SourceSignedOut(_, false));
        if let Some(ended) = tab.ended.take_if(|ended| failed && ended.by == By::Application) {
            tab.prove(ended.session, now + 1);
        }
        match *event {
            Event::SignOut(_) if session.0 > 0 => {
                tab.ended = Some(Ended { session, at: now, by: By::Application });
            }
            Event::Source(Source::SignedOut) if session.0 > 0 => {
                tab.ended = Some(Ended { session, at: now, by: By::Clerk });
            }
            // What Clerk says of its own accord is the truth; what it says still, after others spoke, is not.
            Event::Source(Source::SignedIn(shown)) => {
                tab.ended = tab.ended.filter(|ended| ended.by != By::Clerk || ended.session != shown.id);
            }
            Event::Lead(leads) => tab.leads = leads,
            _ => {}
        }
    }

    fn after(&mut self, number: usize) {
        let tab = &self.tabs[number];
        if let Some(ended) = tab.ended.filter(|ended| tab.acts_for(ended.session)) {
            self.breaks(Promise::Endings, format!("tab {number} acts for a session that ended: {ended:?}"));
        }
    }

    /// Notes that a promise was broken; the first counts.
    pub fn breaks(&mut self, promise: Promise, how: String) {
        self.broken.get_or_insert((promise, how));
    }

    fn carry_out(&mut self, number: usize, effect: Effect) -> Option<Event> {
        let now = self.now;
        match effect {
            Effect::Fetch { request, template, minted } => {
                self.note_alone(number);
                let tab = &self.tabs[number];
                let flight = Flight {
                    request,
                    template,
                    minted,
                    sent: now,
                    session: tab.shown,
                    current: true,
                    probe: tab.bridge.live().0.id.0 == 0,
                    alone: tab.alone,
                };
                self.check_fetch(number, flight);
                self.tabs[number].flights.push(flight);
            }
            Effect::Timer => {
                let tab = &mut self.tabs[number];
                tab.timer = tab.bridge.timer().map(|at| at.0 - DAWN);
            }
            Effect::Run { step, command, session, .. } => {
                return self.run(number, Running { step, command, session });
            }
            Effect::Abort(step) => self.tabs[number].steps.retain(|running| running.step != step),
            Effect::Leave { leave, .. } => return Some(Event::Left(leave)),
            Effect::Answer(_, Ok(Some(token))) => {
                let session = self.tabs[number].bridge.live().0;
                self.check_token(number, "answered with", token, session);
            }
            Effect::Cache(_, Some((token, good_for))) => {
                let session = self.tabs[number].bridge.live().0;
                self.check_token(number, "cached", token, session);
                let over = now + good_for.0 - self.clerk.token(token).ends();
                if over > EXACT {
                    self.breaks(Promise::Tokens, format!("tab {number} cached a token {over} ms too long"));
                }
            }
            Effect::SourceSignOut(request) => self.tabs[number].leavings.push(Leaving { request, sent: now }),
            Effect::Say(message) => self.say(number, message),
            Effect::Claim { session, org, steal } => {
                let tab = &mut self.tabs[number];
                tab.leads = false;
                if steal {
                    tab.stole_at = now;
                } else {
                    tab.alone = false; // new others
                }
                self.claim(number, (session, org), steal);
            }
            Effect::Log(log) if matches!(log.what, What::TokenFetched | What::TokenShared) => {
                let tab = &mut self.tabs[number];
                (tab.asked_at, tab.alone) = (LONG_AGO, false);
            }
            Effect::Log(log) if log.what == What::IdentityChanged => {
                self.tabs[number].flights.iter_mut().for_each(|flight| flight.current = false);
            }
            _ => {}
        }
        None
    }

    fn run(&mut self, number: usize, running: Running) -> Option<Event> {
        match running.command {
            Command::Attach(token) | Command::Update(token) => {
                self.check_token(number, "attached", token, running.session);
            }
            Command::Hold(_) | Command::Nobody => {
                self.tabs[number].attached = None;
                return Some(Event::StepDone(running.step));
            }
            Command::Detach(_) => self.tabs[number].attached = None,
            Command::Revoke(_) => {}
        }
        self.tabs[number].steps.push(running);
        None
    }

    fn say(&mut self, from: usize, message: Message) {
        let letter = Letter { message, sent: self.now };
        if message.said == Said::Want {
            self.tabs[from].asked_at = self.now;
        }
        for (number, tab) in self.tabs.iter_mut().enumerate() {
            if number != from && tab.life != Life::Closed {
                tab.inbox.push_back(letter);
            }
        }
    }

    /// A tab stands in line for a lock in place of any other.
    pub fn claim(&mut self, number: usize, line: Line, steal: bool) {
        self.tabs[number].news.clear();
        let news = self.locks.claim(number, line, steal, self.now);
        self.spread(news);
    }

    /// What became of the locks is told to whom it concerns.
    pub fn spread(&mut self, news: Vec<News>) {
        for (number, line, has) in news {
            self.tabs[number].news.push_back((line, has));
        }
    }

    fn check_token(
        &mut self,
        number: usize,
        what: &str,
        token: clerk_bridge::core::effect::TokenId,
        session: Session,
    ) {
        let known = self.clerk.token(token);
        let whose = known.session;
        if whose.user != session.user || whose.id != session.id {
            let how = format!("tab {number} {what} a token of {whose:?} for {session:?}");
            self.breaks(Promise::Tokens, how);
        }
        let late = self.now - known.ends();
        if late >= EXACT {
            self.breaks(Promise::Tokens, format!("tab {number} {what} a token that ran out {late} ms ago"));
        }
    }

    /// Notes whether a tab has reason to think that it has nobody to ask: the leader was silent for a lease after
    /// it was asked, or could not bring a token for as long as a fetch may take; or its own lock was taken away,
    /// and it was not told yet.
    fn note_alone(&mut self, number: usize) {
        let (now, tab) = (self.now, &mut self.tabs[number]);
        let since = now - tab.heard_at.max(tab.asked_at);
        let silent = tab.asked_at > LONG_AGO && (since >= LEASE.0 || now - tab.asked_at >= FETCH_TIMEOUT);
        let robbed = tab.news.iter().any(|(_, has)| !has);
        tab.alone = if tab.leads { robbed } else { tab.alone || silent };
    }

    /// No two tabs of one session fetch the same, unless the lease of one ran out (E1, E3).
    fn check_fetch(&mut self, number: usize, flight: Flight) {
        if flight.probe || flight.alone {
            return;
        }
        let stole_at = self.tabs[number].stole_at;
        let rival = self.tabs.iter().enumerate().find(|(other, tab)| {
            let same = |one: &&Flight| {
                let live = one.current && self.now - one.sent < FETCH_TIMEOUT;
                let counts = live && !one.probe && !one.alone && one.sent > stole_at;
                counts && one.template == flight.template && one.session.id == flight.session.id
            };
            *other != number && tab.runs() && tab.flights.iter().any(|one| same(&one))
        });
        if let Some((rival, _)) = rival {
            self.breaks(Promise::Fetches, format!("tab {number} fetches while tab {rival} does"));
        }
    }
}
