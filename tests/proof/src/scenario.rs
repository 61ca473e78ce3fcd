//! What a world is made of, and what happens in it: all of it follows from one seed.

use crate::random::Random;
use clerk_bridge::core::backend::policy::{CALLS, CONVEX, CUSTOM, INSTANT, TRIPLIT};
use clerk_bridge::core::backend::{Policy, Setup, Template};
use clerk_bridge::core::event::{Refusal, Wake};
use clerk_bridge::core::identity::Name;
use clerk_bridge::core::options::Persist;

/// Milliseconds.
pub const SECOND: i64 = 1_000;
/// Milliseconds.
pub const MINUTE: i64 = 60 * SECOND;
/// Milliseconds.
pub const HOUR: i64 = 60 * MINUTE;
/// Milliseconds.
pub const DAY: i64 = 24 * HOUR;

/// The one JWT template.
pub const TEMPLATE: Name = Name(5);

/// How Clerk's servers answer, while it lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weather {
    /// As they should.
    Fine,
    /// Well, after seven seconds.
    Slow,
    /// Not at all, or far too late.
    Hangs,
    /// With 5xx.
    Down,
    /// With 429 and so many seconds to wait.
    Limited(i64),
    /// The template is missing.
    NoTemplate,
    /// With a token of somebody else.
    Foreign,
    /// With the token before, whatever was asked for.
    Same,
}

/// How the servers of a backend answer, while it lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    /// By the token.
    Fine,
    /// After six seconds.
    Slow,
    /// Not at all.
    Hangs,
    /// The network does not reach them.
    Down,
    /// They refuse every token.
    Refuses,
}

/// What a call of the application asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// Any good token.
    Good,
    /// A minted one.
    Fresh,
    /// A better one than the last that was handed out.
    Instead,
}

/// How a page goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Closed.
    Close,
    /// Closed after so many more effects, in the middle of whatever it does.
    Crash(usize),
    /// Loaded again.
    Reload,
    /// The bridge is disposed, the page stays.
    Dispose,
}

/// Something that happens. Tabs are counted among those that are open then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Happening {
    /// A tab opens.
    Open,
    /// A tab goes.
    Goes(usize, End),
    /// A tab does nothing for so long.
    Pause(usize, i64),
    /// The one that leads does nothing for so long.
    PauseLeader(i64),
    /// The one that leads goes.
    LeaderGoes(End),
    /// The machine sleeps.
    Sleep(i64),
    /// Somebody sets the clock.
    Clock(i64),
    /// No network for so long.
    Offline(i64),
    /// A page is looked at.
    Woke(usize, Wake),
    /// This user signs in, in this tab.
    SignIn(usize, u32),
    /// Signs out of Clerk in this tab; other tabs learn of it within so long.
    SignOut(usize, i64),
    /// Calls `signOut` of the bridge in this tab; Clerk's part succeeds or not.
    BridgeSignOut(usize, bool),
    /// This tab shows another session of the same browser, which others do not.
    Session(usize, u32),
    /// Another organization, in this tab.
    Organization(usize, u32),
    /// Another role, told to tabs within so long.
    Role(u32, i64),
    /// Clerk is not loaded for a moment, in this tab.
    Flap(usize),
    /// Clerk's servers, for so long.
    Weather(Weather, i64),
    /// The servers of a backend, for so long.
    Service(usize, Service, i64),
    /// A backend refuses the token it has.
    Reject(usize, usize, Refusal),
    /// The application wants a token.
    Ask(usize, Wish, bool),
    /// A message from nowhere.
    Garbage(u64),
}

impl Happening {
    /// For the count of faults.
    pub fn kind(self) -> &'static str {
        match self {
            Self::Open => "tab opens",
            Self::Goes(_, End::Close) | Self::LeaderGoes(End::Close) => "tab closes",
            Self::Goes(_, End::Crash(_)) | Self::LeaderGoes(End::Crash(_)) => "tab crashes",
            Self::Goes(_, End::Reload) | Self::LeaderGoes(End::Reload) => "tab reloads",
            Self::Goes(_, End::Dispose) | Self::LeaderGoes(End::Dispose) => "bridge disposed",
            Self::Pause(..) => "tab frozen or blocked",
            Self::PauseLeader(_) => "leader frozen or blocked",
            Self::Sleep(_) => "machine sleeps",
            Self::Clock(_) => "clock set",
            Self::Offline(_) => "offline",
            Self::Woke(..) => "page looked at",
            Self::SignIn(..) => "sign-in or switch",
            Self::SignOut(..) => "sign-out in Clerk",
            Self::BridgeSignOut(..) => "sign-out by the bridge",
            Self::Session(..) => "another session in one tab",
            Self::Organization(..) => "organization",
            Self::Role(..) => "role",
            Self::Flap(_) => "Clerk not loaded",
            Self::Weather(..) => "Clerk's servers",
            Self::Service(..) => "backend's servers",
            Self::Reject(..) => "token rejected",
            Self::Ask(..) => "token wanted",
            Self::Garbage(_) => "garbage message",
        }
    }
}

/// What a world is for: it decides what may happen and what is demanded beyond safety.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Nothing goes wrong: fetches and messages are counted (E1).
    Calm,
    /// Leaders close, freeze and block: nobody's token runs out (E3).
    Leaders,
    /// Clerk refuses for minutes: tries are counted (E7).
    Refused,
    /// Anything, then agreement (J2).
    Storm,
    /// The same with messages lost, repeated, late and made up: only safety, then agreement.
    Chaos,
}

/// A world and its story.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// What it follows from.
    pub seed: u64,
    /// What it is for.
    pub kind: Kind,
    /// How many tabs open at first.
    pub tabs: usize,
    /// So many of a hundred tabs talk to others (E4).
    pub share: u64,
    /// The backends of each page.
    pub backends: Vec<Setup>,
    /// How many tabs there may be at once.
    pub most: usize,
    /// How long tokens live.
    pub life: i64,
    /// Whether the session token is meant for Convex.
    pub fits: bool,
    /// What pages keep.
    pub persist: Persist,
    /// How far the browser's clock is ahead.
    pub skew: i64,
    /// How long Clerk's servers take.
    pub latency: i64,
    /// How long a message takes at most.
    pub delay: i64,
    /// When it ends; then the faults do.
    pub end: i64,
    /// What happens when.
    pub story: Vec<(i64, Happening)>,
}

impl Scenario {
    /// The scenario of this seed.
    pub fn new(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let kind = match random.below(20) {
            0..3 => Kind::Calm,
            3..6 => Kind::Leaders,
            6..8 => Kind::Refused,
            8..17 => Kind::Storm,
            _ => Kind::Chaos,
        };
        Self::of(seed, kind, random)
    }

    /// A scenario of this kind.
    pub fn of_kind(seed: u64, kind: Kind) -> Self {
        Self::of(seed, kind, Random::new(seed))
    }

    fn of(seed: u64, kind: Kind, mut random: Random) -> Self {
        let wild = matches!(kind, Kind::Storm | Kind::Chaos);
        // Long lives are for few tabs.
        let long = wild && random.percent(40);
        let tabs = match random.below(20) {
            _ if long => 1 + random.below(3),
            0..4 => 1,
            4..12 => 2 + random.below(3),
            12..19 => 5 + random.below(8),
            _ => 13 + random.below(52),
        };
        let backends = (0..random.below(5)).map(|_| setup(&mut random, wild)).collect();
        let mut scenario = Self {
            seed,
            kind,
            tabs,
            share: if wild { random.of(&[100, 100, 100, 80, 0]) } else { 100 },
            backends,
            most: if long { 5 } else { 64 },
            life: if wild { random.of(&[60, 60, 60, 60, 8, 600, 3600]) * SECOND } else { MINUTE },
            fits: random.percent(30),
            persist: random.of(&[Persist::Identity, Persist::Tokens, Persist::Tokens, Persist::Nothing]),
            skew: random.of(&[0, 0, 0, -DAY, -90_000, 90_000, DAY]),
            latency: random.of(&[0, 20, 100, 400]),
            delay: random.of(&[0, 1, 5, 30]),
            end: match kind {
                _ if long => random.within(6 * HOUR, 3 * DAY),
                Kind::Storm | Kind::Chaos => random.within(2 * MINUTE, 40 * MINUTE),
                _ => random.within(6 * MINUTE, 20 * MINUTE),
            },
            story: Vec::new(),
        };
        let gap = match kind {
            Kind::Calm => 2 * MINUTE,
            Kind::Leaders => 40 * SECOND,
            Kind::Refused => HOUR,
            _ if long => 40 * MINUTE,
            _ => 30 * SECOND,
        };
        let mut at = random.within(0, 20 * SECOND);
        if wild {
            scenario.story.push((0, Happening::SignIn(0, 1)));
        }
        if kind == Kind::Refused {
            let weather = random.of(&[Weather::Down, Weather::Limited(5), Weather::Limited(20)]);
            scenario.story.push((random.within(MINUTE, 2 * MINUTE), Happening::Weather(weather, 4 * MINUTE)));
        }
        while at < scenario.end {
            // Trouble comes in company.
            let company = if wild && random.percent(40) { 1 + random.below(4) } else { 1 };
            for _ in 0..company {
                if let Some(happening) = happening(&mut random, kind) {
                    scenario.story.push((at, happening));
                }
                at += random.of(&[0, 1, 30, 400, 1_500, 5_000]);
            }
            at += random.within(0, 2 * gap);
        }
        scenario
    }
}

fn setup(random: &mut Random, wild: bool) -> Setup {
    let keeps = TRIPLIT.with(Policy::KEEPS_SIGNED_OUT);
    let policies = [CUSTOM, CONVEX, INSTANT, TRIPLIT, CALLS, CALLS, keeps];
    let policy = random.of(&policies);
    let template = match random.below(4) {
        0 | 1 => Template::Fixed(Name::NONE),
        2 => Template::Fixed(TEMPLATE),
        _ if wild => Template::UnlessFits(TEMPLATE),
        _ => Template::Fixed(Name::NONE),
    };
    Setup { policy, template }
}

fn span(random: &mut Random) -> i64 {
    random.of(&[200, 2_000, 8_000, 8_000, 20_000, 70_000, 150_000])
}

fn end(random: &mut Random) -> End {
    match random.below(8) {
        0..3 => End::Close,
        3..5 => End::Crash(random.below(12)),
        5..7 => End::Reload,
        _ => End::Dispose,
    }
}

fn happening(random: &mut Random, kind: Kind) -> Option<Happening> {
    let tab = random.below(64);
    Some(match kind {
        Kind::Calm => match random.below(3) {
            0 => Happening::Open,
            1 => Happening::Ask(tab, Wish::Good, random.percent(30)),
            _ => Happening::Woke(tab, Wake::Seen),
        },
        Kind::Leaders => match random.below(6) {
            0 => Happening::Open,
            1 => Happening::LeaderGoes(random.of(&[End::Close, End::Reload, End::Crash(1)])),
            2 => Happening::Pause(tab, span(random)),
            3 => Happening::Goes(tab, random.of(&[End::Close, End::Reload])),
            _ => Happening::PauseLeader(random.of(&[8_000, 8_000, 300_000, 2_000])),
        },
        Kind::Refused => match random.below(3) {
            0 => Happening::Open,
            _ => return None,
        },
        Kind::Storm | Kind::Chaos => wild(random, tab, kind == Kind::Chaos),
    })
}

fn wild(random: &mut Random, tab: usize, chaos: bool) -> Happening {
    let late = random.of(&[0, 0, 500, 5_000, 60_000]);
    match random.below(34) {
        0..3 => Happening::Open,
        3..6 => Happening::Goes(tab, end(random)),
        6 | 7 => Happening::Pause(tab, span(random)),
        8 => Happening::PauseLeader(span(random)),
        9 => Happening::LeaderGoes(end(random)),
        10 => Happening::Sleep(random.of(&[3_000, 70_000, HOUR, 8 * HOUR])),
        11 => Happening::Clock(random.of(&[-DAY, -90_000, -4_000, 4_000, 30_000, 90_000, DAY])),
        12 | 13 => Happening::Offline(span(random)),
        14 => Happening::Woke(tab, random.of(&[Wake::Seen, Wake::Online])),
        15..18 => Happening::SignIn(tab, 1 + random.below(4) as u32),
        18 => Happening::SignOut(tab, late),
        19 => Happening::BridgeSignOut(tab, random.percent(70)),
        20 => Happening::Session(tab, 1 + random.below(4) as u32),
        21 => Happening::Organization(tab, 20 + random.below(3) as u32),
        22 => Happening::Role(30 + random.below(2) as u32, late),
        23 => Happening::Flap(tab),
        24..27 => {
            let weather = [
                Weather::Slow,
                Weather::Hangs,
                Weather::Down,
                Weather::Limited(3),
                Weather::Limited(20),
                Weather::NoTemplate,
                Weather::Foreign,
                Weather::Same,
            ];
            Happening::Weather(random.of(&weather), span(random))
        }
        27 | 28 => {
            let service = [Service::Slow, Service::Hangs, Service::Down, Service::Refuses];
            Happening::Service(random.below(4), random.of(&service), span(random))
        }
        29 | 30 => {
            let why = random.of(&[Refusal::Refused, Refusal::Refused, Refusal::Transient]);
            Happening::Reject(tab, random.below(4), why)
        }
        31 | 32 => {
            Happening::Ask(tab, random.of(&[Wish::Good, Wish::Fresh, Wish::Instead]), random.percent(30))
        }
        _ if chaos => Happening::Garbage(random.number()),
        _ => Happening::Ask(tab, Wish::Good, false),
    }
}
