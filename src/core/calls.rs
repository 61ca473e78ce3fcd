//! The calls that wait for a token of one template. It must answer each exactly once, and none later than
//! its bound (B10).

use super::clock::Millis;
use super::context::Context;
use super::effect::{CallerId, Effect, RequestId, TokenId};
use super::failure::Code;
use crate::prelude::*;

#[derive(Clone, Copy, Debug)]
struct Call {
    caller: CallerId,
    /// Never, until it is known who is signed in.
    deadline: Millis,
    /// Only a token minted by this request or a later one will do; 0: any token.
    minted_by: RequestId,
}

/// The calls that wait.
#[derive(Clone, Debug, Default)]
pub struct Calls(Vec<Call>);

impl Calls {
    /// One more, content with a token minted by this request or a later one; 0: any.
    pub fn add(&mut self, caller: CallerId, minted_by: RequestId) {
        self.0.push(Call { caller, deadline: Millis::MAX, minted_by });
    }

    /// Whether none waits.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// From now on any token will do: the epoch of what was promised is over.
    pub fn lower(&mut self) {
        for call in &mut self.0 {
            call.minted_by = RequestId(0);
        }
    }

    /// Answers those that a token minted by this request satisfies.
    pub fn content(&mut self, context: &mut Context, minted: RequestId, token: TokenId) {
        self.answer(context, minted, Millis::MAX, Ok(Some(token)));
    }

    /// Answers all.
    pub fn answer_all(&mut self, context: &mut Context, answer: Result<Option<TokenId>, Code>) {
        self.answer(context, RequestId::MAX, Millis::MAX, answer);
    }

    /// It is known who is signed in: from now on each waits for `patience` at most, then gets this error.
    pub fn expire(&mut self, context: &mut Context, patience: Millis, error: Code) {
        let time = context.time();
        for call in &mut self.0 {
            call.deadline = call.deadline.min(time + patience);
            context.wake_at(call.deadline);
        }
        self.answer(context, RequestId::MAX, time, Err(error));
    }

    fn answer(
        &mut self,
        context: &mut Context,
        minted: RequestId,
        until: Millis,
        answer: Result<Option<TokenId>, Code>,
    ) {
        for call in ::core::mem::take(&mut self.0) {
            if call.minted_by <= minted && call.deadline <= until {
                context.push(Effect::Answer(call.caller, answer));
            } else {
                self.0.push(call);
            }
        }
    }
}
