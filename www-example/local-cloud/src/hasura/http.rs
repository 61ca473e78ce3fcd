//! The HTTP side: one operation per POST, and the upgrade to a socket. Also refusals are answered with
//! status 200; only a fault may change that.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::extract::ws::WebSocketUpgrade;
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::document::{Kind, Operation};
use super::identity::{self, Caller, Refusal};
use super::{Engine, schema, socket};
use crate::fate::Fate;

const ROLE: HeaderName = HeaderName::from_static("x-hasura-role");
/// The one subprotocol that is spoken here; Hasura also knows an older one.
const SUBPROTOCOL: &str = "graphql-transport-ws";

pub(super) async fn post(State(engine): State<Arc<Engine>>, headers: HeaderMap, body: Bytes) -> Response {
    let request = serde_json::from_slice::<Value>(&body)
        .map_err(|error| Refusal::new("invalid-json", error.to_string()));
    let operation = request.and_then(|request| Operation::read(&request));
    let route = "POST /v1/graphql";
    let what = operation.as_ref().map_or(route.into(), Operation::what);
    let fault = engine.fault(&[route, &what]);
    let fate = Fate::of(fault.as_ref(), &engine.cloud.faults);
    let note = |caller: Option<&Caller>, refusal: Option<&Refusal>| {
        engine.note(&what, caller, refusal, json!({ "via": "http", "fault": fault }))
    };
    let (seq, response) = match fate {
        Fate::Handled { before, after } => {
            before.await;
            // Who calls is found out now: a token can expire while a fault delays its request.
            let (caller, result) = match caller(&engine, &headers) {
                Ok(caller) => {
                    let result = run(&engine, operation, &caller);
                    (Some(caller), result)
                }
                Err(refusal) => (None, Err(refusal)),
            };
            let seq = note(caller.as_ref(), result.as_ref().err());
            after.await;
            (seq, answer(result))
        }
        Fate::Rejected(message) => {
            let refusal = Refusal::asked_for(message);
            (note(None, Some(&refusal)), answer(Err(refusal)))
        }
        failed => {
            let seq = note(caller(&engine, &headers).ok().as_ref(), None);
            (seq, fail(failed).await)
        }
    };
    engine.cloud.log.answered(seq, response.status().as_u16());
    response
}

pub(super) async fn upgrade(State(engine): State<Arc<Engine>>, upgrade: WebSocketUpgrade) -> Response {
    let what = "GET /v1/graphql";
    let fault = engine.fault(&[what]);
    let fate = Fate::of(fault.as_ref(), &engine.cloud.faults);
    let seq = engine.note(what, None, None, json!({ "fault": fault }));
    let upgrade = upgrade.protocols([SUBPROTOCOL]);
    let response = match fate {
        _ if upgrade.selected_protocol().is_none() => {
            (StatusCode::BAD_REQUEST, format!("only {SUBPROTOCOL} is spoken here\n")).into_response()
        }
        Fate::Handled { before, after } => {
            before.await;
            after.await;
            let engine = engine.clone();
            upgrade.on_upgrade(move |socket| socket::run(engine, socket))
        }
        failed => fail(failed).await,
    };
    engine.cloud.log.answered(seq, response.status().as_u16());
    response
}

fn caller(engine: &Engine, headers: &HeaderMap) -> Result<Caller, Refusal> {
    // A header that is no text is as malformed as one of another scheme.
    let text = |name| headers.get(name).map(|value| value.to_str().unwrap_or_default());
    identity::identify(engine, text(header::AUTHORIZATION), text(ROLE))
}

fn run(engine: &Engine, operation: Result<Operation, Refusal>, caller: &Caller) -> Result<Value, Refusal> {
    let operation = operation?;
    if operation.kind == Kind::Subscription {
        let why = "subscriptions are not supported over HTTP, use websockets instead";
        return Err(Refusal::new("unexpected", why));
    }
    schema::run(engine, &operation, caller)
}

fn answer(result: Result<Value, Refusal>) -> Response {
    Json(match result {
        Ok(data) => json!({ "data": data }),
        Err(refusal) => json!({ "errors": [refusal.to_json()] }),
    })
    .into_response()
}

async fn fail(fate: Fate) -> Response {
    fate.answer(|message| answer(Err(Refusal::asked_for(message)))).await
}
