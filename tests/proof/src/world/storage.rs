//! What pages keep: one record for all tabs of the browser, written by each as the shell does it, and what a tab
//! keeps through its own reloads.

use super::token::OWED;
use clerk_bridge::core::Bridge;
use clerk_bridge::core::effect::TokenId;
use clerk_bridge::core::identity::{Name, Session};

/// The record for all tabs.
#[derive(Clone, Debug, Default)]
pub struct Record {
    pub user: Name,
    pub org: Name,
    /// The backend, whose data it keeps, and a session of its own that is to be revoked.
    pub rows: Vec<(usize, Name, TokenId)>,
}

/// What one tab keeps.
pub type Live = Option<(Session, Vec<(Name, TokenId)>)>;

impl Record {
    /// Writes what a bridge says; what other tabs have to revoke stays. `seen`: every session owed in this tab.
    pub fn write(&mut self, bridge: &Bridge, seen: &[TokenId]) {
        (self.user, self.org) = bridge.record();
        self.rows.retain(|(_, _, session)| session.0 != 0 && !seen.contains(session));
        for backend in 0..bridge.backends() {
            let owner = bridge.owner(backend);
            if owner != Name::NONE {
                self.rows.push((backend, owner, TokenId(0)));
            }
            self.rows.extend(bridge.owed(backend).iter().map(|session| (backend, Name::NONE, *session)));
        }
    }

    /// Whether a token of Clerk's is in it (F2).
    pub fn holds_token(&self) -> bool {
        self.rows.iter().any(|(_, _, session)| session.0 != 0 && session.0 < OWED)
    }
}

/// What a bridge says it keeps through a reload.
pub fn live(bridge: &Bridge) -> Live {
    let (session, tokens) = bridge.live();
    let tokens: Vec<_> = tokens.collect();
    (!tokens.is_empty()).then_some((session, tokens))
}
