//! A mutation or an action that came over a sync connection, from its faults to its response. It runs as
//! the caller it was received from, and must never tell a client of a mutation that is not committed.

use std::fmt;

use convex_sync_types::{LogLinesMessage, ServerMessage, Timestamp};
use serde_json::{Value, json};

use super::Deployment;
use super::fate::{self, Fate};
use super::functions::{self, Failure};
use super::identity::Identity;
use super::session::End;
use super::table::RequestKey;

/// What is called.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    Mutation,
    Action,
}

impl fmt::Display for Kind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Mutation => "Mutation",
            Self::Action => "Action",
        })
    }
}

/// The call of a function.
pub(super) struct Call {
    pub kind: Kind,
    pub request_id: u32,
    pub path: String,
    pub args: Value,
    pub caller: Identity,
    /// Makes a mutation that is sent twice run once.
    pub key: Option<RequestKey>,
    pub fate: Fate,
}

/// The response, or the end of the connection.
pub(super) type Reply = Result<ServerMessage<Value>, End>;

/// Runs the call.
pub(super) async fn perform(deployment: &Deployment, connection: u64, call: Call) -> Reply {
    let faults = &deployment.cloud.faults;
    let Call { kind, request_id, path, args, caller, key, fate } = call;
    let failed = |failure: Failure| match kind {
        Kind::Mutation => mutation_response(request_id, Err(failure)),
        Kind::Action => action_response(request_id, Err(failure)),
    };
    let (before, after) = match fate {
        Fate::Handled { before, after } => (before, after),
        Fate::Status { body, .. } => return Ok(failed(fate::failure(body.as_ref()))),
        Fate::Rejected { message } => return Err(End::Unauthenticated { message, attempted: false }),
        Fate::Dropped => return Err(End::Dropped),
        Fate::Ignored => std::future::pending().await,
    };
    before.over(faults).await;
    // A mutation that is sent again is answered, but does not run again.
    let repeated = key.as_ref().is_some_and(|key| deployment.table().finished(key).is_some());
    let what = if repeated { format!("Repeat {path}") } else { format!("{kind} {path}") };
    let via = json!({ "connection": connection, "requestId": request_id });
    deployment.note_run(&what, &caller, &args, &via);
    let response = match kind {
        Kind::Mutation => {
            let result = functions::mutation(deployment, &path, &args, &caller, key);
            mutation_response(request_id, result)
        }
        Kind::Action => action_response(request_id, functions::action(&path, &args, &caller).await),
    };
    after.over(faults).await;
    Ok(response)
}

fn mutation_response(request_id: u32, result: Result<(Value, Timestamp), Failure>) -> ServerMessage<Value> {
    let (result, ts) = match result {
        Ok((value, committed)) => (Ok(value), Some(committed)),
        Err(failure) => (Err(failure.into()), None),
    };
    ServerMessage::MutationResponse { request_id, result, ts, log_lines: LogLinesMessage(Vec::new()) }
}

fn action_response(request_id: u32, result: Result<Value, Failure>) -> ServerMessage<Value> {
    let result = result.map_err(Into::into);
    ServerMessage::ActionResponse { request_id, result, log_lines: LogLinesMessage(Vec::new()) }
}
