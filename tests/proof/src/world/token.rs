//! The tokens of a world. The same string has the same number in every tab.

use clerk_bridge::core::Millis;
use clerk_bridge::core::effect::TokenId;
use clerk_bridge::core::identity::{Name, Session};
use clerk_bridge::core::token::Claims;

/// Sessions of the backends' own have numbers from here on.
pub const OWED: u32 = 1 << 30;

/// A token, as its claims tell, and when it was asked for.
#[derive(Clone, Copy, Debug)]
pub struct Token {
    pub user: Name,
    pub session: Name,
    pub org: Name,
    pub template: Name,
    pub iat: i64,
    pub exp: i64,
    pub fits: bool,
    pub asked: i64,
    /// When it was minted.
    pub minted: i64,
}

impl Token {
    /// What the machine is told of it in a page of this session. Tokens of a template name no session.
    pub fn claims(&self, page: Session) -> Claims {
        let other_session = self.template == Name::NONE && self.session != page.id;
        Claims {
            exp: Some(Millis(self.exp)),
            iat: Some(Millis(self.iat)),
            foreign: self.user != page.user || other_session,
            fits: self.fits,
        }
    }
}

/// All of them.
#[derive(Debug, Default)]
pub struct Tokens(Vec<Token>);

impl Tokens {
    pub fn add(&mut self, token: Token) -> TokenId {
        self.0.push(token);
        TokenId(self.0.len() as u32)
    }

    pub fn get(&self, id: TokenId) -> Token {
        self.0[id.0 as usize - 1]
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }
}
