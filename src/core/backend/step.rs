//! What a backend was told and is being told, and what it has to be told about: the facts that
//! [`super::tie`] compares. Decides nothing.

use super::super::clock::Millis;
use super::super::context::Context;
use super::super::effect::{Command, Effect, Reason, StepId, TokenId};
use super::super::failure::Code;
use super::super::identity::{Epoch, Session, Who};

/// What a backend has to know about.
#[derive(Clone, Copy, Debug)]
pub struct World {
    /// Who the bridge acts for.
    pub who: Who,
    /// Which epoch that is.
    pub epoch: Epoch,
    /// The application's `onLeave` callbacks for the last user are still running.
    pub leaving: bool,
    /// The token to hand over, and its serial.
    pub token: Option<(TokenId, u32)>,
    /// The token there was ran out or was refused.
    pub ran_out: bool,
    /// Why the source cannot bring one just now.
    pub trouble: Option<Code>,
}

/// Whose the backend is, as far as it was told. It is a tie from the moment an attach starts until a
/// detach has succeeded: whatever became of the attach, something may have to be cleared.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tie {
    pub session: Session,
    pub epoch: Epoch,
    /// The hand-over of the token it has; 0: it has to be handed one.
    pub serial: u32,
    pub step: StepId,
    /// It was detached for this reason, and the user's data stays.
    pub rests: Option<Reason>,
}

#[derive(Clone, Copy, Debug)]
pub struct Step {
    pub id: StepId,
    pub command: Command,
    pub epoch: Epoch,
    /// When it was started, or told that its session is over.
    pub since: Millis,
    pub aborted: bool,
}

impl Step {
    pub fn attaches(&self) -> bool {
        matches!(self.command, Command::Attach(_) | Command::Update(_))
    }

    /// Tells it that its session is over.
    pub fn abort(&mut self, context: &mut Context) {
        self.aborted = true;
        self.since = context.time();
        context.push(Effect::Abort(self.id));
    }
}
