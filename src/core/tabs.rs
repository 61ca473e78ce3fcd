//! The tabs of one browser that act in the same session and organization: one of them leads, and fetches for
//! all (E1). Who leads is settled by a lock; that a leader is alive is told by what is heard from it, and one
//! that is not heard while something is wanted of it is replaced (E3). What comes from outside must never be
//! believed further than it can be checked, and nobody may ever wait for another tab alone.

use super::clock::Millis;
use super::context::Context;
use super::effect::{Effect, Of, TokenId, What, Why};
use super::failure::Failure;
use super::identity::{Name, Session};

/// A leader that is not heard for so long, while something is wanted of it, is replaced (E3).
pub const LEASE: Millis = Millis(1_200);
/// A leader that fetches is heard that often.
pub const BEAT: Millis = Millis(400);

/// What one tab tells the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message {
    /// The session that it is about.
    pub session: Name,
    /// ... and the organization.
    pub org: Name,
    /// ... and the template, where it is about a token.
    pub template: Name,
    /// What is said.
    pub said: Said,
}

/// How long ago a token was asked for, and how long it is there.
pub type Spans = Option<(Millis, Millis)>;

/// What is said. Spans of time reach back from now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Said {
    /// I want a token other than this, which is due, or was refused; 0: any.
    Want(TokenId, bool),
    /// Here is one. With spans, it is known to have been minted between the two.
    Token(TokenId, Spans),
    /// I lead, and am fetching it.
    Busy,
    /// I lead, and could not fetch it: not again before so long (E7).
    Failed(Failure, Millis),
    /// I lead from now on.
    Leads,
    /// This session was ended so long ago (E2).
    Ended(Millis),
}

/// Where this tab stands among the others.
#[derive(Debug, Default)]
pub struct Tabs {
    /// There are locks and a channel, and they are to be used (E4).
    pub shared: bool,
    /// The session and organization that this tab stands in line for; or none.
    line: (Name, Name),
    leads: bool,
    /// Somebody was heard in this line.
    pub followed: bool,
    /// When the leader was heard last.
    heard: Millis,
    /// The leader was silent for one lease already.
    silent: bool,
}

impl Tabs {
    /// Stands in line for what this session and organization need; none: leaves the line.
    pub fn join(&mut self, context: &mut Context, session: Session) {
        let line = (session.id, session.org);
        if self.shared && line != self.line {
            *self = Self { shared: true, line, ..Self::default() };
            context.push(Effect::Claim { session: line.0, org: line.1, steal: false });
        }
    }

    /// This tab leads from now on, or does no more.
    pub fn lead(&mut self, context: &mut Context, leads: bool) {
        self.leads = leads;
        self.silent = false;
        self.heard = context.time();
        if leads {
            context.log(What::TabLeader, Of::Bridge, Why::None, Millis::ZERO);
            self.say(context, Name::NONE, Said::Leads);
        }
    }

    /// Whether this tab fetches for all.
    pub fn leads(&self) -> bool {
        self.leads
    }

    /// Whether another tab is to be asked before Clerk is.
    pub fn asks(&self) -> bool {
        self.line.0 != Name::NONE && !self.leads
    }

    /// Tells the tabs in this line.
    pub fn say(&self, context: &mut Context, template: Name, said: Said) {
        let (session, org) = self.line;
        context.push(Effect::Say(Message { session, org, template, said }));
    }

    /// Whether a message is about what this tab stands in line for. If so, somebody is there.
    pub fn hears(&mut self, context: &Context, message: Message) -> bool {
        let ours = self.line.0 != Name::NONE && self.line == (message.session, message.org);
        self.followed |= ours;
        if ours && !matches!(message.said, Said::Want(..)) {
            self.heard = context.time();
            self.silent = false;
        }
        ours
    }

    /// Whether the leader is silent for too long for one who asked it at `asked`: after one lease it is
    /// replaced, by whoever is first; after another nobody is waited for any more (E3).
    pub fn is_lost(&mut self, context: &mut Context, asked: Millis) -> bool {
        let until = self.heard.max(asked) + LEASE;
        context.wake_at(until);
        if context.time() < until {
            return false;
        }
        let lost = self.silent;
        if !lost {
            self.silent = true;
            self.heard = context.time();
            context.wake_at(self.heard + LEASE);
            context.push(Effect::Claim { session: self.line.0, org: self.line.1, steal: true });
        }
        lost
    }
}
