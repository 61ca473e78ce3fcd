//! One tab: the real machine, and what the page around it has in flight. What the properties need to know of
//! its past is kept here too, told from outside by what went in and what came out.

use clerk_bridge::core::backend::{Policy, Setup, Template};
use clerk_bridge::core::effect::{Command, RequestId, StepId, TokenId};
use clerk_bridge::core::identity::{Name, Session};
use clerk_bridge::core::tabs::Message;
use clerk_bridge::core::{Bridge, Event, Options};
use std::collections::VecDeque;

use super::locks::Line;

/// Whether a tab runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Life {
    /// It runs.
    Running,
    /// Nothing happens in it; what is for it waits.
    Frozen,
    /// It is gone.
    Closed,
}

/// A fetch that Clerk has not answered yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flight {
    pub request: RequestId,
    pub template: Name,
    pub minted: bool,
    pub sent: i64,
    /// Whom the tab's Clerk showed then.
    pub session: Session,
    /// The machine waits for it: who is signed in has not changed since.
    pub current: bool,
    /// It asks whether the session is alive, for no other tab.
    pub probe: bool,
    /// Its tab had reason to think that there is nobody else to ask.
    pub alone: bool,
}

/// A step that the backend has not taken yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Running {
    pub step: StepId,
    pub command: Command,
    pub session: Session,
}

/// A message on its way here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Letter {
    pub message: Message,
    pub sent: i64,
}

/// A session that was ended in this tab, or heard to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ended {
    pub session: Name,
    /// When it really ended.
    pub at: i64,
    pub by: By,
}

/// Who said that a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// The application: `signOut()`.
    Application,
    /// The tab's own Clerk.
    Clerk,
    /// Another tab.
    Tab,
}

/// A sign-out that Clerk has not answered yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leaving {
    pub request: RequestId,
    pub sent: i64,
}

/// A session did not end before this moment, whoever says so: Clerk minted a token that was asked for then, or
/// who ended it has failed to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Proof {
    pub session: Name,
    pub until: i64,
}

/// A tab.
#[derive(Clone, Debug)]
pub struct Tab {
    pub bridge: Bridge,
    pub life: Life,
    /// Whom its Clerk shows.
    pub view: Option<Session>,
    /// Whom its Clerk showed last: tokens that come are compared with them.
    pub shown: Session,
    /// The token that Clerk's cache in this tab has.
    pub cached: Option<TokenId>,
    pub inbox: VecDeque<Letter>,
    /// What the locks have to say, of which line.
    pub news: VecDeque<(Line, bool)>,
    pub flights: Vec<Flight>,
    pub steps: Vec<Running>,
    /// Sign-outs that Clerk has not answered yet.
    pub leavings: Vec<Leaving>,
    pub timer: Option<i64>,
    /// Whose token the backend accepted last, until it was told to let go.
    pub attached: Option<(Session, TokenId)>,
    pub ended: Option<Ended>,
    /// It asked Clerk whether a session that another tab ended is alive, and was not answered in time.
    pub unsure: bool,
    /// The last proof that a session is alive.
    pub proof: Option<Proof>,
    /// It was told that the lock is its own.
    pub leads: bool,
    /// It gave up on the others, until there is a token again.
    pub alone: bool,
    /// When another tab in the same line was heard last.
    pub heard_at: i64,
    /// When another tab was asked last, if no token came since.
    pub asked_at: i64,
    /// When the lock was taken from another tab.
    pub stole_at: i64,
}

impl Tab {
    /// A tab whose page is still loading.
    pub fn new(policy: Policy, seed: u64) -> (Self, Vec<Event>) {
        let bridge = Bridge::new(Options { seed, ..Options::default() });
        let tab = Self {
            bridge,
            life: Life::Running,
            view: None,
            shown: Session::default(),
            cached: None,
            inbox: VecDeque::new(),
            news: VecDeque::new(),
            flights: Vec::new(),
            steps: Vec::new(),
            leavings: Vec::new(),
            timer: None,
            attached: None,
            ended: None,
            unsure: false,
            proof: None,
            leads: false,
            alone: false,
            heard_at: LONG_AGO,
            asked_at: LONG_AGO,
            stole_at: LONG_AGO,
        };
        let setup = Setup { policy, template: Template::Fixed(Name::NONE) };
        (tab, vec![Event::Backend(setup), Event::Shared, Event::Start])
    }

    /// Whether it runs.
    pub fn runs(&self) -> bool {
        self.life == Life::Running
    }

    /// Whether its bridge acts for this session.
    pub fn acts_for(&self, session: Name) -> bool {
        self.bridge.snapshot().session.id == session
    }

    /// This session did not end before this moment.
    pub fn prove(&mut self, session: Name, until: i64) {
        if self.proof.is_none_or(|proof| proof.session != session || proof.until < until) {
            self.proof = Some(Proof { session, until });
        }
    }

    /// Its page is gone, with all that was in flight for it.
    pub fn close(&mut self) {
        self.life = Life::Closed;
        self.inbox.clear();
        self.news.clear();
        self.flights.clear();
        self.steps.clear();
        self.leavings.clear();
        (self.timer, self.attached, self.ended, self.proof) = (None, None, None, None);
    }
}

/// Before anything in a model.
pub const LONG_AGO: i64 = 0;
/// When a model starts.
pub const START: i64 = 100_000;
