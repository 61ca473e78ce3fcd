//! What a fault makes of one request or operation, for the services that answer call by call. It must
//! never decide that something fails; it only reads what was asked for.

use std::time::Duration;

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, pending, ready};
use serde_json::{Value, json};

use crate::server::drop_connection;
use crate::{FaultKind, Faults};

/// How long something is put off.
pub type Wait = BoxFuture<'static, ()>;

/// What becomes of a request.
pub enum Fate {
    /// It is handled, after the first wait; its answer leaves after the second.
    Handled {
        /// Before it is handled.
        before: Wait,
        /// Before its answer leaves.
        after: Wait,
    },
    /// It fails with this status.
    Status {
        /// The HTTP status.
        code: u16,
        /// What is said instead of the service's own words.
        body: Option<Value>,
        /// Seconds for the Retry-After header.
        retry_after: Option<u64>,
    },
    /// Its sender is told that the authentication is no good, for this reason.
    Rejected(Option<String>),
    /// The connection is cut.
    Dropped,
    /// It is never answered.
    Ignored,
}

impl Fate {
    /// What this fault makes of a request. Call it before the request shows in the log: a held answer
    /// counts releases from here.
    pub fn of(fault: Option<&FaultKind>, faults: &Faults) -> Self {
        let sleep = |ms: &u64| tokio::time::sleep(Duration::from_millis(*ms)).boxed();
        let now = || ready(()).boxed();
        match fault {
            None => Self::Handled { before: now(), after: now() },
            Some(FaultKind::Delay { ms }) => Self::Handled { before: sleep(ms), after: now() },
            Some(FaultKind::Late { ms }) => Self::Handled { before: now(), after: sleep(ms) },
            Some(FaultKind::Hold) => Self::Handled { before: now(), after: faults.released().boxed() },
            Some(FaultKind::Status { code, body, retry_after }) => {
                Self::Status { code: *code, body: body.clone(), retry_after: *retry_after }
            }
            Some(FaultKind::Drop) => Self::Dropped,
            Some(FaultKind::Reject { message }) => Self::Rejected(message.clone()),
            Some(FaultKind::Hang) => Self::Ignored,
            // These services know none; a loud failure shows the mistake.
            Some(FaultKind::Custom { name, .. }) => {
                Self::Status { code: 500, body: Some(json!({ "unknownFault": name })), retry_after: None }
            }
        }
    }

    /// The answer to an HTTP request that is not handled; `refuse` words a rejection. Never resolves for
    /// one that is ignored.
    pub async fn answer(self, refuse: impl FnOnce(Option<String>) -> Response) -> Response {
        match self {
            Self::Status { code, body, retry_after } => {
                let status = StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
                let mut response = match body {
                    Some(Value::String(text)) => (status, text).into_response(),
                    Some(body) => (status, Json(body)).into_response(),
                    None => (status, Json(json!({ "error": "a fault was asked for" }))).into_response(),
                };
                if let Some(seconds) = retry_after {
                    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
                }
                response
            }
            Self::Rejected(message) => refuse(message),
            Self::Dropped => drop_connection(),
            Self::Ignored | Self::Handled { .. } => pending().await,
        }
    }
}
