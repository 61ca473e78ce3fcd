//! A scriptable Clerk: its session, its token cache (a token is served until five seconds of its life
//! remain by the local clock; `skipCache` goes past it), and answers of every kind.

use clerk_bridge::core::Millis;
use clerk_bridge::core::failure::Failure;
use clerk_bridge::core::identity::{Name, Session};
use clerk_bridge::core::token::Claims;
use std::collections::VecDeque;

/// Clerk's clock at the start of every stage.
pub const DAWN: i64 = 1_700_000_000_000;

/// A token string, as its claims tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token {
    pub user: Name,
    pub session: Name,
    pub org: Name,
    pub role: Name,
    pub template: Name,
    pub iat: Option<i64>,
    pub exp: Option<i64>,
    pub fits: bool,
}

impl Token {
    /// What the machine is told of it while this session is signed in.
    pub fn claims(&self, now: Session) -> Claims {
        Claims {
            exp: self.exp.map(Millis),
            iat: self.iat.map(Millis),
            foreign: self.user != now.user || (self.template == Name::NONE && self.session != now.id),
            fits: self.fits,
        }
    }
}

/// How Clerk answers a fetch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Reply {
    /// As a healthy Clerk does, after its latency.
    Well,
    /// The same, so many milliseconds later.
    After(i64),
    /// Not at all.
    Hang,
    /// `null` with a session present, a 429, a 404 ...
    Fail(Failure),
    /// The same failure, so many milliseconds later.
    FailAfter(i64, Failure),
    /// A token of another user.
    Foreign,
    /// The last token again, minted or not.
    Same,
}

/// A fetch that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fetch {
    pub at: i64,
    pub template: Name,
    pub minted: bool,
}

pub struct Clerk {
    pub session: Option<Session>,
    /// The next replies, then `usual`.
    pub script: VecDeque<Reply>,
    pub usual: Reply,
    pub latency: i64,
    /// How long tokens live; `None`: they say nothing of an end.
    pub life: Option<i64>,
    pub has_iat: bool,
    /// The session token is meant for Convex.
    pub fits: bool,
    /// Whether its cache keeps what it mints.
    pub caches: bool,
    pub cache: Vec<Token>,
    pub fetches: Vec<Fetch>,
}

impl Default for Clerk {
    fn default() -> Self {
        Self {
            session: None,
            script: VecDeque::new(),
            usual: Reply::Well,
            latency: 100,
            life: Some(60_000),
            has_iat: true,
            fits: false,
            caches: true,
            cache: Vec::new(),
            fetches: Vec::new(),
        }
    }
}

impl Clerk {
    /// What a fetch brings, and after how many milliseconds; `None`: never anything.
    pub fn answer(
        &mut self,
        at: i64,
        wall: i64,
        template: Name,
        minted: bool,
    ) -> Option<(i64, Result<Token, Failure>)> {
        self.fetches.push(Fetch { at, template, minted });
        let reply = self.script.pop_front().unwrap_or(self.usual);
        let Some(session) = self.session else { return Some((self.latency, Err(Failure::Transient))) };
        let later = match reply {
            Reply::After(later) => later,
            _ => self.latency,
        };
        let key = |token: &Token| {
            token.session == session.id && token.org == session.org && token.template == template
        };
        let last = self.cache.iter().find(|token| key(token)).copied();
        let mut mint = |user| {
            let server = DAWN + at + later / 2;
            let iat = server / 1000 * 1000;
            let Session { id, org, role, .. } = session;
            let token = Token {
                user,
                session: id,
                org,
                role,
                template,
                iat: self.has_iat.then_some(iat),
                exp: self.life.map(|life| iat + life),
                fits: self.fits && template == Name::NONE,
            };
            if self.caches {
                self.cache.retain(|token| !key(token));
                self.cache.push(token);
            }
            token
        };
        match reply {
            Reply::Hang => None,
            Reply::Fail(failure) => Some((later, Err(failure))),
            Reply::FailAfter(later, failure) => Some((later, Err(failure))),
            Reply::Foreign => Some((later, Ok(Token { user: Name(99), ..mint(session.user) }))),
            Reply::Same => Some((later, Ok(last.unwrap_or_else(|| mint(session.user))))),
            Reply::Well | Reply::After(_) => {
                let served = last.filter(|token| token.exp.is_none_or(|exp| exp - wall > 5_000));
                match served.filter(|_| !minted) {
                    Some(token) => Some((1, Ok(token))),
                    None => Some((later, Ok(mint(session.user)))),
                }
            }
        }
    }

    /// How many tokens Clerk minted or was asked to mint.
    pub fn minted(&self) -> usize {
        self.fetches.iter().filter(|fetch| fetch.minted).count()
    }
}
