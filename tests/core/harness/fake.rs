//! A scripted backend: it ends its steps as it is told to, and remembers what it was told.

use clerk_bridge::core::backend::Policy;
use clerk_bridge::core::effect::{Command, Reason, StepId, TokenId};
use clerk_bridge::core::event::Refusal;
use clerk_bridge::core::identity::Session;
use std::collections::VecDeque;

/// How a backend ends a step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum End {
    /// Well, after so many milliseconds.
    Well(i64),
    /// Not, after so many milliseconds.
    Not(i64, Refusal),
    /// Never.
    Hang,
}

/// A step that a backend was told to take.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Run {
    pub at: i64,
    pub step: StepId,
    pub command: Command,
    pub session: Session,
}

/// A scripted backend.
pub struct Fake {
    pub policy: Policy,
    /// How its next steps end, then `usual`. Holding and letting through always end well at once.
    pub script: VecDeque<End>,
    pub usual: End,
    pub runs: Vec<Run>,
    pub aborted: Vec<StepId>,
    /// Each of its detaches leaves a session of its own to be revoked.
    pub owes: bool,
}

impl Fake {
    pub fn commands(&self) -> Vec<Command> {
        self.runs.iter().map(|run| run.command).collect()
    }

    /// The steps that handed it a token.
    pub fn handed(&self) -> Vec<Run> {
        let handed = |run: &&Run| matches!(run.command, Command::Attach(_) | Command::Update(_));
        self.runs.iter().filter(handed).copied().collect()
    }

    /// The sessions of its own that it was told to revoke.
    pub fn revoked(&self) -> Vec<TokenId> {
        let session = |run: &Run| match run.command {
            Command::Revoke(session) => Some(session),
            _ => None,
        };
        self.runs.iter().filter_map(session).collect()
    }

    pub fn detached(&self) -> Vec<Reason> {
        let reason = |run: &Run| match run.command {
            Command::Detach(reason) => Some(reason),
            _ => None,
        };
        self.runs.iter().filter_map(reason).collect()
    }
}

/// The token of a command.
pub fn token_of(command: Command) -> Option<TokenId> {
    match command {
        Command::Attach(token) | Command::Update(token) => Some(token),
        _ => None,
    }
}
