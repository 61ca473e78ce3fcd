//! The tabs of one browser that act in the same session and organization: one of them leads, and fetches for
//! all (E1). Who leads is settled by a lock; that a leader is alive is told by what is heard from it, and one
//! that is not heard while something is wanted of it is replaced (E3). What comes from outside must never be
//! believed further than it can be checked, and nobody may ever wait for another tab alone.

use super::clock::Millis;
use super::context::Context;
use super::effect::{Effect, Of, TokenId, What, Why};
use super::identity::{Name, Session};
use super::rules::{Rule, holds};

/// A leader that is not heard for so long, while something is wanted of it, is replaced (E3).
pub const LEASE: Millis = Millis(1_200);
/// A leader that fetches is heard that often.
pub const BEAT: Millis = Millis(400);

/// What one tab tells the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message {
    /// What is said.
    pub said: Said,
    /// The session that it is about.
    pub session: Name,
    /// ... and the organization.
    pub org: Name,
    /// ... and the template, where it is about a token.
    pub template: Name,
    /// The token.
    pub token: TokenId,
    /// See [`Said`].
    pub more: [u32; 2],
}

/// What is said, with what goes with it. Spans of time are milliseconds back from now, at most 24 days.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Said {
    /// I have this token, or none, and want a newer one: it is due, or with a 1, was refused. With a second 1, my page
    /// woke.
    Want,
    /// Here is one, minted between these two moments.
    Token,
    /// I lead, and could not fetch it for the reason with this status: not again before so long (E7).
    Failed,
    /// I lead from now on.
    Leads,
    /// This session was ended so long ago (E2).
    Ended,
    /// I lead, and am fetching it.
    Busy,
}

impl Said {
    /// By its number; what is none of them says no more than that somebody is there.
    pub fn read(number: u32) -> Self {
        match number {
            0 => Self::Want,
            1 => Self::Token,
            2 => Self::Failed,
            3 => Self::Leads,
            4 => Self::Ended,
            _ => Self::Busy,
        }
    }
}

/// As messages have it: a number that JavaScript can add a delay to, and still is none below zero.
pub fn span(time: Millis) -> u32 {
    time.0.clamp(0, i32::MAX.into()) as u32
}

/// Where this tab stands among the others.
#[derive(Clone, Debug, Default)]
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
    /// Stands in line for what this session and organization need; none: leaves the line. Tells whether that is new.
    pub fn join(&mut self, context: &mut Context, session: Session) -> bool {
        let line = (session.id, session.org);
        let moves = self.shared && line != self.line;
        if moves {
            *self = Self { shared: true, line, ..Self::default() };
            self.claim(context, false);
        }
        moves
    }

    fn claim(&self, context: &mut Context, steal: bool) {
        let (session, org) = self.line;
        context.push(Effect::Claim { session, org, steal });
    }

    /// This tab leads from now on, or does no more.
    pub fn lead(&mut self, context: &mut Context, leads: bool) {
        self.leads = leads;
        self.silent = false;
        self.heard = context.time();
        if leads {
            context.log(What::TabLeader, Of::Bridge, Why::None, Millis::ZERO);
            self.say(context, Said::Leads, Name::NONE, TokenId(0), [0; 2]);
        }
    }

    /// Whether this tab fetches for all.
    pub fn leads(&self) -> bool {
        self.leads
    }

    /// Whether another tab is to be asked before Clerk is.
    pub fn asks(&self) -> bool {
        self.line.0 != Name::NONE && !self.leads && holds(Rule::Asks)
    }

    /// Tells the tabs in this line.
    pub fn say(&self, context: &mut Context, said: Said, template: Name, token: TokenId, more: [u32; 2]) {
        let (session, org) = self.line;
        context.push(Effect::Say(Message { said, session, org, template, token, more }));
    }

    /// Whether a message is about what this tab stands in line for. If so, somebody is there.
    pub fn hears(&mut self, context: &Context, message: Message) -> bool {
        let same = self.line == (message.session, message.org) || !holds(Rule::Line);
        let ours = self.line.0 != Name::NONE && same;
        self.followed |= ours;
        if ours && message.said != Said::Want {
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
        if context.time() < until || !holds(Rule::Lease) {
            return false;
        }
        let lost = self.silent;
        if !lost {
            self.silent = true;
            self.heard = context.time();
            context.wake_at(self.heard + LEASE);
            self.claim(context, true);
        }
        lost
    }
}
