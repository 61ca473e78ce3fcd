//! Clerk: its servers, which know who is signed in and mint tokens by their own clock, and its client in each
//! page, which caches tokens and may learn late of what happened elsewhere.

use super::token::{Token, Tokens};
use crate::random::Random;
use crate::scenario::{MINUTE, SECOND, Scenario, Weather};
use clerk_bridge::core::Millis;
use clerk_bridge::core::effect::TokenId;
use clerk_bridge::core::failure::Failure;
use clerk_bridge::core::identity::{Name, Session};

/// A token that was minted.
#[derive(Clone, Copy, Debug)]
pub struct Mint {
    pub at: i64,
    pub session: Name,
    pub template: Name,
}

/// Clerk's servers.
#[derive(Debug)]
pub struct Servers {
    pub weather: Weather,
    /// What a page that is loaded now is told.
    pub current: Option<Session>,
    pub role: Name,
    pub life: i64,
    pub latency: i64,
    pub fits: bool,
    pub mints: Vec<Mint>,
    /// Every request that reached them, or would have.
    pub tries: Vec<(i64, Name)>,
    /// ... while they refused.
    pub refused: u64,
    ended: Vec<Name>,
    sessions: u32,
}

impl Servers {
    pub fn new(scenario: &Scenario) -> Self {
        Self {
            weather: Weather::Fine,
            current: None,
            role: Name(30),
            life: scenario.life,
            latency: scenario.latency,
            fits: scenario.fits,
            mints: Vec::new(),
            tries: Vec::new(),
            refused: 0,
            ended: Vec::new(),
            sessions: 0,
        }
    }

    /// A new session of this user.
    pub fn sign_in(&mut self, user: u32) -> Session {
        self.sessions += 1;
        let id = Name(100 + self.sessions * 8 + user);
        Session { user: Name(user), id, org: Name(20), role: self.role, fits: None }
    }

    pub fn end(&mut self, session: Name) {
        self.ended.push(session);
        self.current = self.current.filter(|current| current.id != session);
    }

    pub fn is_alive(&self, session: Name) -> bool {
        !self.ended.contains(&session)
    }

    /// Whether a token was minted for this session that was asked for after `at`.
    pub fn minted_since(&self, session: Name, at: i64) -> bool {
        self.mints.iter().rev().take_while(|mint| mint.at >= at).any(|mint| mint.session == session)
    }
}

/// What comes of a fetch.
#[derive(Clone, Copy, Debug)]
pub enum Reply {
    Token(TokenId),
    Failure(Failure),
    /// There is no such session any more.
    Ended,
    /// Nothing, unless the network comes back.
    Stuck,
}

/// Clerk's client in one page.
#[derive(Debug, Default)]
pub struct Client {
    /// Whether it is loaded.
    pub loaded: bool,
    pub shows: Option<Session>,
    /// It is not loaded for a moment.
    pub flaps: bool,
    cache: Vec<TokenId>,
}

/// Where and when a fetch is made.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    pub now: i64,
    pub server: i64,
    pub wall: i64,
    pub online: bool,
}

impl Client {
    /// What a fetch brings, and after how long.
    pub fn fetch(
        &mut self,
        servers: &mut Servers,
        tokens: &mut Tokens,
        random: &mut Random,
        moment: Moment,
        (template, minted): (Name, bool),
    ) -> (i64, Reply) {
        let failure = Reply::Failure;
        let Some(session) = self.shows.filter(|_| self.loaded) else {
            return (1, failure(Failure::Transient));
        };
        let cached = self.cache.iter().rev().copied().find(|id| {
            let token = tokens.get(*id);
            token.session == session.id && token.org == session.org && token.template == template
        });
        let good = cached.filter(|id| tokens.get(*id).exp > moment.wall + 5_000);
        if let Some(token) = good.filter(|_| !minted) {
            return (1, Reply::Token(token));
        }
        servers.tries.push((moment.now, template));
        servers.refused += u64::from(matches!(servers.weather, Weather::Down | Weather::Limited(_)));
        if !moment.online {
            return if random.percent(50) { (5, failure(Failure::Transient)) } else { (0, Reply::Stuck) };
        }
        let latency = servers.latency + random.within(0, servers.latency / 4);
        match servers.weather {
            Weather::Hangs if random.percent(50) => return (0, Reply::Stuck),
            Weather::Down if random.percent(20) => return (8 * SECOND, failure(Failure::Transient)),
            Weather::Down => return (latency, failure(Failure::Transient)),
            Weather::Limited(seconds) => {
                return (latency, failure(Failure::RateLimited(Millis(seconds * SECOND))));
            }
            Weather::NoTemplate if template != Name::NONE => {
                return (latency, failure(Failure::NoTemplate));
            }
            _ => {}
        }
        if !servers.is_alive(session.id) {
            return (latency, Reply::Ended);
        }
        let latency = match servers.weather {
            Weather::Slow => 7 * SECOND,
            Weather::Hangs => 25 * SECOND,
            _ => latency,
        };
        if let (Weather::Same, Some(token)) = (servers.weather, cached) {
            return (latency, Reply::Token(token));
        }
        let minted_at = moment.server + latency / 2;
        let iat = minted_at.div_euclid(1000) * 1000;
        let foreign = servers.weather == Weather::Foreign;
        let id = tokens.add(Token {
            user: if foreign { Name(99) } else { session.user },
            session: session.id,
            org: session.org,
            template,
            iat,
            exp: iat + if template == Name::NONE { servers.life.min(MINUTE) } else { servers.life },
            fits: servers.fits && template == Name::NONE,
            asked: moment.now,
            minted: moment.now + latency / 2,
        });
        servers.mints.push(Mint { at: moment.now, session: session.id, template });
        if self.cache.len() > 32 {
            self.cache.drain(..16);
        }
        if !foreign {
            self.cache.push(id);
        }
        (latency, Reply::Token(id))
    }
}
