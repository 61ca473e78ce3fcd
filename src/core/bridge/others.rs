//! What the bridge has to do with those in other tabs: it hears them out, and tells them which session has ended
//! here. What it hears must never make it act for anybody but who its own source shows (E2), nor bring back a
//! session that has ended (E6).

use super::super::clock::Millis;
use super::super::effect::{Effect, RequestId, TokenId};
use super::super::failure::Failure;
use super::super::identity::{Name, Session, Who};
use super::super::rules::{Rule, holds};
use super::super::tabs::{self, Message, Said};
use super::super::token::Claims;
use super::Bridge;

/// A session that another tab has ended, and Clerk shows still, is asked for after so long, once (E2). An answer that
/// takes longer than that again is none: a Clerk that was offline would bring back who signed out offline (E6).
const DOUBT: Millis = Millis::seconds(2);
/// ... and no sooner than so long after, if there is reason to.
const DOUBT_AGAIN: Millis = Millis::seconds(20);

/// That a session has ended is said no more often, however many tabs know and however much another says in it.
const TOLL: Millis = Millis(50);

impl Bridge {
    pub(super) fn heard(&mut self, message: Message, claims: Claims) {
        let context = &mut self.context;
        let Message { said, session, template, token, more: [first, second], .. } = message;
        let span = Millis(first.into());
        if said == Said::Token {
            context.drop_token(token); // unless it is held once the event is handled
        }
        let time = context.time();
        if session == self.buried.0 && time < self.tolled + TOLL {
            return; // it was said a moment ago, here or by another
        }
        if said == Said::Ended {
            self.tolled = time;
            return self.ended_elsewhere(session, span);
        }
        if session == self.buried.0 {
            self.tolled = time;
            self.say_ended(message);
            // Somebody lives in it. Clerk is asked once more who is right (J2).
            if session == self.ended.id && self.doubt == Millis::MAX && self.doubted > Millis::ZERO {
                self.doubt = self.context.time().max(self.doubted + DOUBT_AGAIN);
            }
        } else if self.tabs.hears(context, message) {
            // Who leads fetches for all; else what nobody uses here is of no interest.
            let wanted = said == Said::Want && self.tabs.leads();
            let slot =
                if wanted { self.vault.slot_for_others(template) } else { self.vault.get_mut(template) };
            match (said, slot) {
                (Said::Want, Some(slot)) if wanted => {
                    slot.wanted_elsewhere(context, token, first > 0, second > 0)
                }
                (Said::Token, Some(slot)) => slot.offered(context, message, claims),
                (Said::Failed, Some(slot)) => slot.failed_elsewhere(context, Failure::read(second, 0), span),
                (Said::Leads, _) => self.vault.ask_again(),
                _ => {}
            }
        }
    }

    fn say_ended(&mut self, about: Message) {
        let more = [tabs::span(self.context.time() - self.buried.1), 0];
        self.context.push(Effect::Say(Message { said: Said::Ended, token: TokenId(0), more, ..about }));
    }

    /// Says that this session has ended, to all who are in it and to whoever comes later.
    pub(super) fn bury(&mut self, session: Session) {
        if self.tabs.shared && self.buried.0 != session.id && holds(Rule::Buried) {
            self.buried.0 = session.id;
            self.bury_again();
        }
    }

    /// Clerk has ended it as well: who asked meanwhile was told that it lives (E2).
    pub(super) fn bury_again(&mut self) {
        let (said, session, org, template) = (Said::Ended, self.buried.0, Name::NONE, Name::NONE);
        if session != Name::NONE {
            self.buried.1 = self.context.time();
            self.say_ended(Message { said, session, org, template, token: TokenId(0), more: [0; 2] });
        }
    }

    /// Another tab says that this session ended so long ago. It is over here too, whatever Clerk shows, until
    /// Clerk has minted a token for it after that.
    fn ended_elsewhere(&mut self, session: Name, ago: Millis) {
        let time = self.context.time();
        let at = time - ago;
        if at < self.proven || self.is_detaching() || !holds(Rule::Ended) {
            return;
        }
        match self.who {
            Who::User(current) if current.id == session => self.ended = current,
            Who::Unknown | Who::Unreachable => self.ended = Session { id: session, ..Session::default() },
            _ => return,
        }
        self.doubt = time + DOUBT;
        self.buried = (session, at);
        if let Who::User(_) = self.who {
            self.become_nobody();
        }
    }

    /// Clerk has minted a token for a session that another tab has ended.
    pub(super) fn probed(&mut self, sent: Millis, token: TokenId, claims: Claims) {
        self.context.drop_token(token);
        if !claims.foreign && self.context.time() <= sent + DOUBT {
            self.proven = sent;
            self.show(self.ended);
        }
    }

    fn stand_in_line(&mut self, session: Session) {
        if self.tabs.join(&mut self.context, session) {
            self.vault.ask_again();
        }
    }

    /// What the source says is believed, whatever other tabs said before.
    pub(super) fn believe(&mut self) {
        self.doubt = Millis::MAX;
        self.doubted = Millis::ZERO;
        self.probe = None;
    }

    /// Stands in line with the others who need the same tokens, and asks Clerk about what they deny.
    pub(super) fn meet_others(&mut self) {
        let time = self.context.time();
        match self.who {
            Who::User(session) if self.sourced => {
                if self.buried.0 == session.id {
                    self.buried = Default::default(); // it is alive
                }
                self.stand_in_line(session);
            }
            // Who cannot fetch leads nobody.
            _ => self.stand_in_line(Session::default()),
        }
        self.context.wake_at(self.doubt);
        if self.doubt <= time && self.ended.user != Name::NONE {
            self.doubt = Millis::MAX;
            self.doubted = time;
            let request = RequestId(self.context.id());
            self.probe = Some((request, time));
            self.context.push(Effect::Fetch { request, template: Name::NONE, minted: true });
        }
    }
}
