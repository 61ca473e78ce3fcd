//! Who the bridge acts for: what the source says, and what the application does by signing out. It must
//! take nothing but a definite answer for a change (A7, B2), and begin a new epoch with each (D1).

use super::super::backend::Backend;
use super::super::clock::Millis;
use super::super::effect::{CallerId, Effect, LeaveId, Of, Reason, RequestId, What, Why};
use super::super::failure::Code;
use super::super::identity::{Name, Session, Source, Who};
use super::super::rules::{Rule, holds};
use super::{Bridge, LEAVE};

impl Bridge {
    pub(super) fn source(&mut self, source: Source) {
        match source {
            Source::Unknown => self.sourced = false, // A7
            Source::Failed => {
                self.sourced = false;
                if self.source_deadline < Millis::MAX {
                    self.source_deadline = self.context.time();
                    self.source_error = Some(Code::SourceFailed);
                }
            }
            Source::SignedOut => {
                self.ended = Session::default();
                self.become_nobody();
                self.believe();
            }
            // While the backends let go, nobody else comes in either.
            Source::SignedIn(session)
                if self.ended.id == session.id && holds(Rule::Proof) || self.is_detaching() =>
            {
                self.ended = session;
                self.bury(session);
                self.become_nobody();
            }
            Source::SignedIn(session) => self.show(session),
        }
    }

    /// The source shows this session.
    pub(super) fn show(&mut self, session: Session) {
        self.ended = Session::default();
        self.believe();
        self.become_user(session);
        self.source_deadline = Millis::MAX;
        self.source_error = None;
        self.sourced = true;
    }

    /// Whether the application signs out and the source was not told yet.
    pub(super) fn is_detaching(&self) -> bool {
        !self.signing_out.is_empty() && self.sign_out.is_none()
    }

    /// The source does not come. A session that an earlier page load left lasts as long as its tokens (F3).
    pub(super) fn unreachable(&mut self) {
        if self.is_detaching() {
            return self.become_nobody(); // signing out needs no Clerk for that
        }
        let code = *self.source_error.get_or_insert(Code::SourceTimeout);
        self.context.log(What::SourceFailed, Of::Bridge, Why::None, Millis::ZERO);
        self.vault.answer_all(&mut self.context, Err(code));
        self.leave(Reason::SignedOut);
        self.new_epoch(Who::Unreachable, false, false);
    }

    pub(super) fn become_nobody(&mut self) {
        self.sourced = false;
        self.source_deadline = Millis::MAX;
        self.source_error = None;
        if self.who == Who::Nobody {
            return;
        }
        self.leave(Reason::SignedOut);
        // Calls that waited to learn who is signed in learn that nobody is.
        self.vault.answer_all(&mut self.context, Ok(None));
        self.new_epoch(Who::Nobody, false, false);
    }

    pub(super) fn become_user(&mut self, session: Session) {
        let (same_user, mint) = match &mut self.who {
            Who::User(before) if before.is_same(session) => {
                before.fits = session.fits;
                return;
            }
            Who::User(before) => {
                let same_user = before.user == session.user;
                (same_user, same_user && !before.is_same_organization(session)) // B7, C6
            }
            _ => (false, false),
        };
        if !same_user {
            self.leave(Reason::UserSwitched);
        }
        self.new_epoch(Who::User(session), same_user, mint);
    }

    /// The user leaves, if there is one: nothing that waits for their token goes out as anybody else.
    fn leave(&mut self, reason: Reason) {
        let Who::User(session) = self.who else { return };
        if reason == Reason::SignedOut && self.source_error.is_none() {
            self.bury(session);
        }
        let leave = LeaveId(self.context.id());
        self.leaving = Some((leave, self.context.time() + LEAVE));
        self.vault.answer_all(&mut self.context, Err(Code::SignedOut)); // G2
        self.vault.reset(&mut self.context, false); // what is told next must not find a token (D1)
        self.context.push(Effect::Leave { leave, user: session.user, reason });
    }

    fn new_epoch(&mut self, who: Who, same_user: bool, mint: bool) {
        self.who = who;
        self.epoch = self.epoch.next();
        self.remembered = Default::default();
        self.vault.reset(&mut self.context, mint);
        for backend in &mut self.backends {
            backend.new_epoch(same_user);
        }
        self.context.log(What::IdentityChanged, Of::Bridge, Why::None, Millis::ZERO);
    }

    pub(super) fn begin_sign_out(&mut self, caller: CallerId) {
        self.signing_out.add(caller, RequestId(0)); // D7
        self.believe(); // what Clerk says of the session now must not bring it back
        match self.who {
            Who::User(session) => self.ended = session,
            Who::Unreachable => {} // what an earlier page load left is cleared all the same
            _ => return,
        }
        self.become_nobody();
    }

    pub(super) fn end_sign_out(&mut self, request: RequestId, succeeded: bool) {
        if self.sign_out.take_if(|(id, _)| *id == request).is_none() {
            return;
        }
        let answer = if succeeded { Ok(None) } else { Err(Code::SourceFailed) };
        let why = if succeeded { Why::None } else { Why::ClerkFailed };
        self.context.log(What::SignedOut, Of::Bridge, why, Millis::ZERO);
        self.signing_out.answer_all(&mut self.context, answer);
        if succeeded && holds(Rule::BuriedAgain) {
            self.bury_again();
        } else if self.ended.id != Name::NONE {
            self.proven = self.context.time() + Millis(1); // whoever heard of that ending may say so still
            self.show(self.ended); // Clerk has them signed in still (J2)
        }
    }

    /// Clerk's turn comes once nothing is left to be undone.
    pub(super) fn proceed_sign_out(&mut self) {
        if self.is_detaching() && self.leaving.is_none() && self.backends.iter().all(Backend::is_through) {
            let request = RequestId(self.context.id());
            let until = self.context.time() + self.context.options.fetch_timeout;
            self.sign_out = Some((request, until));
            self.context.wake_at(until);
            self.context.push(Effect::SourceSignOut(request));
        }
    }
}
