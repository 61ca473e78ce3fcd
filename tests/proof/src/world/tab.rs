//! One tab: its page, the machine in it, and Clerk's client.

use super::checks::Checks;
use super::clerk::Client;
use super::locks::Line;
use super::storage::Live;
use super::{DAWN, Mail, World};
use clerk_bridge::core::effect::{RequestId, StepId, TokenId};
use clerk_bridge::core::event::Event;
use clerk_bridge::core::identity::{Name, Session};
use clerk_bridge::core::{Bridge, Millis, Now, Options};
use std::collections::VecDeque;

#[derive(Debug)]
pub struct Tab {
    pub bridge: Bridge,
    pub alive: bool,
    /// It talks to others.
    pub shared: bool,
    pub client: Client,
    pub checks: Checks,
    /// Its monotonic clock's zero.
    pub birth: i64,
    /// It does nothing until then.
    pub paused_until: i64,
    pub backlog: VecDeque<Mail>,
    pub timer: Option<i64>,
    pub timer_turn: u32,
    /// The user and session that the page knows.
    pub page: Session,
    pub line: Option<Line>,
    /// Counts its claims: what came of an earlier one is not told.
    pub claims: u32,
    pub last_led: i64,
    /// How far its clocks are apart.
    pub drift: Millis,
    /// When a sign-out of its own failed, so that the user stays.
    pub returned_at: i64,
    pub owed: Vec<TokenId>,
    pub live: Live,
    pub callers: u32,
    /// Fetches that hang.
    pub stuck: Vec<(RequestId, Name, bool)>,
    /// Steps that were told that their session is over.
    pub aborted: Vec<StepId>,
    pub hanging: Vec<(StepId, usize, super::service::Ending)>,
    /// For each backend: the step and token it has, and whose data.
    pub handed: Vec<Option<(StepId, TokenId)>>,
    pub data: Vec<Name>,
    pub last_answer: TokenId,
    /// How Clerk's part of a sign-out ends.
    pub signs_out: bool,
    /// After so many more effects the page is gone.
    pub crash_after: Option<usize>,
    /// Since when nothing has befallen it.
    pub well_since: i64,
    /// The sessions that it heard have ended, and when they did.
    pub heard_ended: Vec<(Name, i64)>,
    /// Every session that it heard has ended.
    pub doubted: Vec<Name>,
    pub last_heard_from: Vec<i64>,
    /// Republished since the faults ended.
    pub published: u64,
}

impl World {
    /// A tab opens, with what an earlier load of it has kept.
    pub(super) fn open(&mut self, live: Live) {
        if self.alive().count() >= self.scenario.most {
            return;
        }
        let (number, backends) = (self.tabs.len(), self.scenario.backends.len());
        let shared = self.random.percent(self.scenario.share);
        let options =
            Options { persist: self.scenario.persist, seed: self.random.number(), ..Options::default() };
        self.stats.tabs += 1;
        self.tabs.push(Tab {
            bridge: Bridge::new(options),
            alive: true,
            shared,
            client: Client::default(),
            checks: Checks::default(),
            birth: self.now - self.asleep,
            paused_until: 0,
            backlog: VecDeque::new(),
            timer: None,
            timer_turn: 0,
            page: live.as_ref().map(|(session, _)| *session).unwrap_or_default(),
            line: None,
            claims: 0,
            last_led: 0,
            drift: Millis::ZERO,
            returned_at: -1,
            owed: Vec::new(),
            live: None,
            callers: 0,
            stuck: Vec::new(),
            aborted: Vec::new(),
            hanging: Vec::new(),
            handed: vec![None; backends],
            data: vec![Name::NONE; backends],
            last_answer: TokenId(0),
            signs_out: true,
            crash_after: None,
            well_since: self.now,
            heard_ended: Vec::new(),
            doubted: Vec::new(),
            last_heard_from: Vec::new(),
            published: 0,
        });
        for setup in self.scenario.backends.clone() {
            self.tell(number, Event::Backend(setup));
        }
        self.restore(number, live);
        if shared {
            self.tell(number, Event::Shared);
        }
        self.tell(number, Event::Start);
        self.look(number);
        let load = if self.random.percent(80) { 300 } else { 3_000 };
        let load = self.random.within(10, load);
        self.post(load, number, Mail::Loaded);
    }

    fn restore(&mut self, tab: usize, live: Live) {
        let record = self.record.clone();
        if record.user != Name::NONE {
            self.tell(tab, Event::Remembered(record.user, record.org));
        }
        for (backend, owner, session) in record.rows {
            if owner != Name::NONE {
                self.tabs[tab].data[backend] = owner;
                self.tell(tab, Event::Owner(backend, owner));
            }
            if session.0 != 0 {
                self.tabs[tab].owed.push(session);
                self.tell(tab, Event::Owes(backend, session));
            }
        }
        let Some((session, tokens)) = live else { return };
        self.tell(tab, Event::Restored(session));
        for (template, token) in tokens {
            let claims = self.tokens.get(token).claims(session);
            self.tell(tab, Event::RestoredToken(template, token, claims));
        }
    }

    /// What the clocks of this tab show.
    pub(super) fn clocks(&self, tab: usize) -> Now {
        let mono = self.now - self.asleep - self.tabs[tab].birth;
        Now { wall: Millis(DAWN + self.now + self.skew), mono: Millis(mono) }
    }

    /// The page is gone.
    pub(super) fn close(&mut self, tab: usize) {
        self.tabs[tab].alive = false;
        self.note(tab, super::Entry::Gone);
        self.leave_line(tab);
    }
}
