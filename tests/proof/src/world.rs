//! The simulation: one browser, its tabs, Clerk, the backends, the network and the clocks, in virtual time. What
//! happens follows from the scenario alone. Promises are checked after every event.

mod checks;
mod clerk;
mod history;
mod locks;
mod page;
mod promises;
mod recovery;
mod service;
mod stats;
mod storage;
mod story;
mod tab;
mod token;
mod violation;

use crate::random::Random;
use crate::scenario::{Scenario, Service};
use checks::Facts;
use clerk::Servers;
use clerk_bridge::core::effect::{RequestId, StepId, TokenId};
use clerk_bridge::core::event::Event;
use clerk_bridge::core::failure::Failure;
use clerk_bridge::core::identity::{Name, Session};
use clerk_bridge::core::tabs::Message;
use history::{Entry, History};
use locks::Locks;
use promises::Ending;
pub use stats::Stats;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use storage::Record;
use tab::Tab;
use token::Tokens;
pub use violation::Violation;

/// Clerk's clock at the start of every world.
const DAWN: i64 = 1_700_000_000_000;

/// Something a page is told; one that is paused is told later.
#[derive(Clone, Copy, Debug)]
enum Mail {
    Timer(u32),
    Token(RequestId, TokenId),
    Fails(RequestId, Failure),
    Ended(RequestId),
    Event(Event),
    Step(StepId, usize, service::Ending),
    Heard(Message, i64),
    Lead(u32, bool),
    Loaded,
    Shows,
    Shown(Option<Session>),
    SignsIn(u32),
    SignedOut(RequestId, Name, bool),
}

#[derive(Clone, Copy, Debug)]
enum What {
    Happens(usize),
    To(usize, Mail),
    Thaws(usize),
    Online,
    Clears(u32),
    Serves(usize, u32),
    /// By now the tab has heard that this session ended then (E2).
    Heard(usize, Name, i64),
}

#[derive(Debug)]
struct Due {
    at: i64,
    order: u64,
    what: What,
}

impl PartialEq for Due {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Due {}

impl PartialOrd for Due {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Due {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.at, self.order).cmp(&(other.at, other.order))
    }
}

/// One world.
#[derive(Debug)]
pub struct World {
    scenario: Scenario,
    /// Milliseconds since the start, on Clerk's clock.
    now: i64,
    order: u64,
    queue: BinaryHeap<Reverse<Due>>,
    random: Random,
    servers: Servers,
    tokens: Tokens,
    services: Vec<(Service, u32)>,
    tabs: Vec<Tab>,
    locks: Locks,
    record: Record,
    /// How far the browser's wall clock is ahead of Clerk's.
    skew: i64,
    /// How long the monotonic clock stood still.
    asleep: i64,
    /// The machine sleeps until then.
    asleep_until: i64,
    online: bool,
    offline_until: i64,
    weather_turn: u32,
    /// Since when everything outside the tabs is well.
    fair_since: i64,
    endings: Vec<Ending>,
    /// Messages are lost, repeated and late.
    chaos: bool,
    history: History,
    stats: Stats,
    /// Clerk passes old tokens off for new ones at times.
    fooled: bool,
    violation: Option<Violation>,
    /// The tab where it happened.
    scene: Option<usize>,
    role_changed_at: i64,
    /// This moment, and how many events it had.
    at_once: (i64, u32),
}

/// How a world ended.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// What was counted.
    pub stats: Stats,
    /// The promise that was broken first, and what happened before.
    pub violation: Option<(Violation, String)>,
}

impl World {
    /// A world at its dawn.
    pub fn new(scenario: &Scenario) -> Self {
        Self {
            now: 0,
            order: 0,
            queue: BinaryHeap::new(),
            random: Random::new(scenario.seed ^ 0x5eed),
            servers: Servers::new(scenario),
            tokens: Tokens::default(),
            services: vec![(Service::Fine, 0); scenario.backends.len()],
            tabs: Vec::new(),
            locks: Locks::default(),
            record: Record::default(),
            skew: scenario.skew,
            asleep: 0,
            asleep_until: 0,
            online: true,
            offline_until: 0,
            weather_turn: 0,
            fair_since: 0,
            endings: Vec::new(),
            chaos: scenario.kind == crate::scenario::Kind::Chaos,
            history: History::default(),
            stats: Stats::default(),
            fooled: false,
            violation: None,
            scene: None,
            role_changed_at: 0,
            at_once: (0, 0),
            scenario: scenario.clone(),
        }
    }

    /// Runs a scenario to its end, or to the first promise that is broken.
    pub fn run(scenario: &Scenario) -> Outcome {
        let mut world = Self::new(scenario);
        world.begin();
        world.advance_to(scenario.end);
        world.recover();
        world.stats.worlds = 1;
        world.stats.millis = world.now;
        world.stats.tries_refused = world.servers.refused;
        world.stats.mints = world.servers.mints.len() as u64;
        let history = |violation| {
            let of_tab = world.history.tail(60, world.scene);
            let whole = world.history.tail(60, None);
            let scene = world.scene.map_or("no tab".into(), |tab| format!("tab {tab}"));
            (violation, format!("of {scene}:\n{of_tab}\nof all:\n{whole}"))
        };
        Outcome { violation: world.violation.clone().map(history), stats: world.stats }
    }

    fn begin(&mut self) {
        use crate::scenario::Kind;
        for index in 0..self.scenario.story.len() {
            let at = self.scenario.story[index].0;
            if at < self.scenario.end {
                self.at(at, What::Happens(index));
            }
        }
        if !matches!(self.scenario.kind, Kind::Storm | Kind::Chaos) {
            self.servers.current = Some(self.servers.sign_in(1));
        }
        for _ in 0..self.scenario.tabs {
            self.open(None);
        }
    }

    fn at(&mut self, at: i64, what: What) {
        self.order += 1;
        self.queue.push(Reverse(Due { at: at.max(self.now), order: self.order, what }));
    }

    fn after(&mut self, ms: i64, what: What) {
        self.at(self.now + ms, what);
    }

    fn post(&mut self, ms: i64, tab: usize, mail: Mail) {
        self.after(ms, What::To(tab, mail));
    }

    /// Lets time pass until then; what falls due happens on the way.
    fn advance_to(&mut self, end: i64) {
        while self.violation.is_none() {
            let Some(Reverse(due)) = self.queue.peek() else { break };
            if due.at > end {
                break;
            }
            let Some(Reverse(due)) = self.queue.pop() else { break };
            self.now = self.now.max(due.at);
            match due.what {
                What::Happens(index) => self.happen(self.scenario.story[index].1),
                What::To(tab, mail) => self.deliver(tab, mail),
                What::Thaws(tab) => self.thaw(tab),
                What::Online => self.go_online(),
                What::Clears(turn) => self.clear(turn),
                What::Serves(backend, turn) => self.serve(backend, turn),
                What::Heard(tab, session, at) => self.must_have_heard(tab, session, at),
            }
        }
        self.now = self.now.max(end);
    }

    fn server(&self) -> i64 {
        DAWN + self.now
    }

    fn wall(&self) -> i64 {
        DAWN + self.now + self.skew
    }

    fn facts(&self) -> Facts<'_> {
        Facts {
            now: self.now,
            server: self.server(),
            tokens: &self.tokens,
            setups: &self.scenario.backends,
            fooled: self.fooled,
            forged: self.scenario.kind == crate::scenario::Kind::Chaos,
            blur: if self.chaos { i64::MAX / 2 } else { self.scenario.delay + 2 },
        }
    }

    /// This promise is broken, in this tab.
    fn broken(&mut self, promise: &'static str, tab: Option<usize>, text: String) {
        if self.violation.is_none() {
            self.violation = Some(Violation { promise, text });
            self.scene = tab;
        }
    }

    fn note(&mut self, tab: usize, entry: Entry) {
        self.history.note(self.now, tab, entry);
    }

    fn alive(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.tabs.len()).filter(|tab| self.tabs[*tab].alive && !self.tabs[*tab].checks.disposed)
    }
}
