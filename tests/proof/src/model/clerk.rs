//! A small Clerk: the sessions of one browser that are alive, and the tokens it minted for them. Each tab has its
//! own view of it, which may be late.

use clerk_bridge::core::Millis;
use clerk_bridge::core::effect::TokenId;
use clerk_bridge::core::identity::{Name, Session};
use clerk_bridge::core::token::Claims;

/// Clerk's clock, and everybody's, at the start.
pub const DAWN: i64 = 1_700_000_000_000;
/// How long a token lives.
pub const LIFE: i64 = 60_000;
/// Clerk's cache serves a token until so much of its life is left.
const CACHE_LEEWAY: i64 = 5_000;

/// A token that Clerk minted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token {
    pub session: Session,
    /// When it was minted; its claims say the second.
    pub minted: i64,
}

impl Token {
    /// When it runs out.
    pub fn ends(&self) -> i64 {
        self.issued() + LIFE
    }

    fn issued(&self) -> i64 {
        self.minted.div_euclid(1_000) * 1_000
    }

    /// What the machine is told of it where this session was shown last.
    pub fn claims(&self, shown: Session) -> Claims {
        Claims {
            exp: Some(Millis(DAWN + self.ends())),
            iat: Some(Millis(DAWN + self.issued())),
            foreign: self.session.user != shown.user || self.session.id != shown.id,
            fits: false,
        }
    }
}

/// What Clerk's servers know of this browser.
#[derive(Clone, Debug, Default)]
pub struct Clerk {
    /// The sessions that are alive, the latest last.
    pub alive: Vec<Session>,
    /// Those that ended, and when.
    ended: Vec<(Name, i64)>,
    tokens: Vec<Token>,
}

impl Clerk {
    /// Somebody signs in.
    pub fn sign_in(&mut self) -> Session {
        let number = 1 + self.sign_ins();
        let session =
            Session { user: Name(number), id: Name(10 + number), org: Name(20), role: Name(30), fits: None };
        self.alive.push(session);
        session
    }

    /// How many sessions there were.
    pub fn sign_ins(&self) -> u32 {
        (self.alive.len() + self.ended.len()) as u32
    }

    /// A sign-out ends all sessions of a browser.
    pub fn sign_out(&mut self, now: i64) {
        self.ended.extend(self.alive.drain(..).map(|session| (session.id, now)));
    }

    /// Whether this session is alive.
    pub fn is_alive(&self, session: Session) -> bool {
        self.alive.iter().any(|alive| alive.id == session.id)
    }

    /// When this session ended.
    pub fn ended_at(&self, session: Name) -> Option<i64> {
        self.ended.iter().find(|(ended, _)| *ended == session).map(|(_, at)| *at)
    }

    /// Mints a token for a request that was sent then. If the session has ended since, that was while the
    /// answer was on its way; if it had ended before, there is none.
    pub fn mint(&mut self, session: Session, sent: i64, now: i64) -> Option<TokenId> {
        let minted = match self.ended_at(session.id) {
            None => now,
            Some(at) if sent < at => sent,
            Some(_) => return None,
        };
        self.tokens.push(Token { session, minted });
        Some(TokenId(self.tokens.len() as u32))
    }

    /// What a number stands for.
    pub fn token(&self, token: TokenId) -> Token {
        self.tokens[token.0 as usize - 1]
    }

    /// Whether the cache in a tab serves this token still.
    pub fn serves(&self, token: TokenId, session: Session, now: i64) -> bool {
        let token = self.token(token);
        token.session.id == session.id && token.ends() - now > CACHE_LEEWAY
    }
}
