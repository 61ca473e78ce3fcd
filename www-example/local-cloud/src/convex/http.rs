//! The HTTP side: the upgrade to the sync protocol, and one call of a query, a mutation or an action per
//! request. A bad token is answered with 401 and must never fall back to an anonymous call.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use axum::{Json, Router};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::Deployment;
use super::fate::{self, Fate};
use super::functions::{self, Failure};
use super::identity::{self, Identity, Refusal};
use super::session;
use crate::server::drop_connection;

/// The status of a function that failed.
const FUNCTION_FAILED: u16 = 560;

/// The routes below `/api`.
pub(super) fn router() -> Router<Arc<Deployment>> {
    Router::new()
        .route("/api/sync", get(sync))
        .route("/api/{version}/sync", get(sync))
        .route("/api/{call}", any(call))
}

async fn sync(
    State(deployment): State<Arc<Deployment>>,
    method: Method,
    uri: Uri,
    upgrade: WebSocketUpgrade,
) -> Response {
    let faults = deployment.cloud.faults.clone();
    match Fate::of(&faults, &format!("{method} {}", uri.path())) {
        Fate::Handled { before, after } => {
            before.over(&faults).await;
            after.over(&faults).await;
            upgrade.on_upgrade(move |socket| session::run(deployment, socket))
        }
        failed => fail(failed).await,
    }
}

async fn call(
    State(deployment): State<Arc<Deployment>>,
    Path(call): Path<String>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let faults = deployment.cloud.faults.clone();
    let response = match method {
        Method::OPTIONS => StatusCode::NO_CONTENT.into_response(),
        Method::POST => match Fate::of(&faults, &format!("{method} {}", uri.path())) {
            Fate::Handled { before, after } => {
                before.over(&faults).await;
                let response = answer(&deployment, &call, &headers, &body).await;
                after.over(&faults).await;
                response
            }
            failed => fail(failed).await,
        },
        _ => StatusCode::METHOD_NOT_ALLOWED.into_response(),
    };
    open_to_all_origins(response)
}

/// The answer to a request that is not handled.
async fn fail(fate: Fate) -> Response {
    match fate {
        Fate::Status { code, body, retry_after } => {
            let status = StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            let own = || json!({ "code": "InternalServerError", "message": "A fault was asked for." });
            let mut response = (status, Json(body.unwrap_or_else(own))).into_response();
            if let Some(seconds) = retry_after {
                response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
            }
            response
        }
        Fate::Rejected { message } => refused(&Refusal { code: "Unauthenticated", message }),
        Fate::Dropped => drop_connection(),
        Fate::Ignored | Fate::Handled { .. } => std::future::pending().await,
    }
}

fn refused(refusal: &Refusal) -> Response {
    let body = json!({ "code": refusal.code, "message": refusal.message });
    (StatusCode::UNAUTHORIZED, Json(body)).into_response()
}

async fn answer(deployment: &Deployment, call: &str, headers: &HeaderMap, body: &[u8]) -> Response {
    if call == "query_ts" {
        let latest = u64::from(deployment.table().latest());
        return Json(json!({ "ts": STANDARD.encode(latest.to_le_bytes()) })).into_response();
    }
    let kind = match call {
        // Reading at an older timestamp is the same here: nothing else reads in between.
        "query" | "query_at_ts" => "Query",
        "mutation" => "Mutation",
        "action" => "Action",
        _ => return StatusCode::NOT_FOUND.into_response(),
    };
    let caller = match caller(deployment, headers) {
        Ok(caller) => caller,
        Err(refusal) => {
            deployment.note("Refused", None, json!({ "call": call, "message": refusal.message }));
            return refused(&refusal);
        }
    };
    let Ok(request) = serde_json::from_slice::<Value>(body) else {
        let body = json!({ "code": "BadJsonBody", "message": "The body is not JSON." });
        return (StatusCode::BAD_REQUEST, Json(body)).into_response();
    };
    let path = request["path"].as_str().unwrap_or_default().replace(".js:", ":");
    match run(deployment, kind, &path, &request["args"], &caller).await {
        Ok(Ok(value)) => Json(json!({ "status": "success", "value": value, "logLines": [] })).into_response(),
        Ok(Err(failure)) => function_failed(failure),
        Err(fate) => fail(fate).await,
    }
}

/// Runs a function, unless a fault says otherwise.
async fn run(
    deployment: &Deployment,
    kind: &str,
    path: &str,
    args: &Value,
    caller: &Identity,
) -> Result<Result<Value, Failure>, Fate> {
    let faults = &deployment.cloud.faults;
    let what = format!("{kind} {path}");
    let (before, after) = match Fate::of(faults, &what) {
        Fate::Handled { before, after } => (before, after),
        Fate::Status { body, .. } => return Ok(Err(fate::failure(body.as_ref()))),
        other => return Err(other),
    };
    before.over(faults).await;
    deployment.note_run(&what, caller, args, &json!("http"));
    let result = match kind {
        "Query" => functions::query(&deployment.table(), path, caller).value,
        "Mutation" => functions::mutation(deployment, path, args, caller, None).map(|(value, _)| value),
        _ => functions::action(path, args, caller).await,
    };
    after.over(faults).await;
    Ok(result)
}

/// Who calls: the bearer of a good token, or nobody when there is none at all.
fn caller(deployment: &Deployment, headers: &HeaderMap) -> Result<Identity, Refusal> {
    let Some(header) = headers.get(header::AUTHORIZATION) else { return Ok(None) };
    let token = header.to_str().ok().and_then(|value| value.strip_prefix("Bearer "));
    match token {
        Some(token) => identity::authenticate(&deployment.cloud, token).map(Some),
        None => Err(Refusal::admin_key()),
    }
}

fn function_failed(failure: Failure) -> Response {
    let status = StatusCode::from_u16(FUNCTION_FAILED).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut body = json!({ "status": "error", "errorMessage": failure.message, "logLines": [] });
    if let Some(data) = failure.data {
        body["errorData"] = data;
    }
    (status, Json(body)).into_response()
}

/// A deployment is called from pages of any origin, and from none with cookies.
fn open_to_all_origins(mut response: Response) -> Response {
    let headers: [(HeaderName, &'static str); 4] = [
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
        (header::ACCESS_CONTROL_ALLOW_METHODS, "POST, OPTIONS"),
        (header::ACCESS_CONTROL_ALLOW_HEADERS, "Authorization, Content-Type, Convex-Client"),
        (header::ACCESS_CONTROL_MAX_AGE, "86400"),
    ];
    for (name, value) in headers {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}
