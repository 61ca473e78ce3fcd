//! Refusals in the words of Instant: the same body as an HTTP answer and as an `error` message on a socket.
//! Every refusal of this stand-in goes through here, so that none has another shape.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

/// What Instant answers when it refuses.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Refusal {
    status: u16,
    body: Value,
    retry_after: Option<u64>,
}

impl Refusal {
    fn new(status: u16, kind: &str, message: &str, hint: Value) -> Self {
        let body = json!({ "type": kind, "message": message, "hint": hint });
        Self { status, body, retry_after: None }
    }

    /// There is no such app, client or session.
    pub fn record_not_found(record: &str) -> Self {
        let message = format!("Record not found: {record}");
        Self::new(400, "record-not-found", &message, json!({ "record-type": record }))
    }

    /// The refresh token was revoked, or never was one.
    pub fn app_user() -> Self {
        Self::record_not_found("app-user")
    }

    /// The id token does not verify. Instant gives the reason in `error`, where its client does not look.
    pub fn oauth(error: &str) -> Self {
        Self { status: 400, body: json!({ "type": "oauth-error", "error": error }), retry_after: None }
    }

    /// Something that was sent is not as it should be; the reason stands in the hint only.
    pub fn validation(data_type: &str, reason: &str) -> Self {
        let hint = json!({ "data-type": data_type, "errors": [{ "message": reason }] });
        Self::new(400, "validation-failed", &format!("Validation failed for {data_type}"), hint)
    }

    /// A parameter of the body is not there.
    pub fn missing(name: &str) -> Self {
        let message = format!("Missing parameter: [\"body\" \"{name}\"]");
        Self::new(400, "param-missing", &message, json!({ "in": ["body", name] }))
    }

    /// A parameter of the body cannot be read.
    pub fn malformed(name: &str) -> Self {
        let message = format!("Malformed parameter: [\"body\" \"{name}\"]");
        Self::new(400, "param-malformed", &message, json!({ "in": ["body", name] }))
    }

    /// The app's rules do not let the caller do this to rows of this type.
    pub fn permission(etype: &str, action: &str) -> Self {
        let hint = json!({ "input": [etype, action], "expected": "perms-pass?" });
        Self::new(400, "permission-denied", "Permission denied: not perms-pass?", hint)
    }

    /// An attribute of this name is there already.
    pub fn not_unique(etype: &str, label: &str) -> Self {
        let hint = json!({ "record-type": "ident", "etype": etype, "label": label });
        Self::new(400, "record-not-unique", &format!("`{label}` already exists on `{etype}`"), hint)
    }

    /// No such route.
    pub fn route() -> Self {
        Self::new(404, "record-not-found", "Oops! We couldn't match this route.", Value::Null)
    }

    /// What a fault asked for: a status, and Instant's own body unless another is given.
    pub fn of_status(status: u16, body: Option<Value>, retry_after: Option<u64>) -> Self {
        let own = match status {
            429 => Self::new(status, "rate-limited", "You're making too many requests.", Value::Null),
            _ => Self::new(status, "unknown", "Something went wrong. Please ping `debug`.", Value::Null),
        };
        Self { body: body.unwrap_or(own.body), retry_after, ..own }
    }

    /// The same with another text.
    pub fn saying(mut self, text: Option<String>) -> Self {
        let name = if self.kind() == "oauth-error" { "error" } else { "message" };
        if let Some(text) = text {
            self.body[name] = text.into();
        }
        self
    }

    /// The `type` in the body.
    pub fn kind(&self) -> &str {
        self.body["type"].as_str().unwrap_or("unknown")
    }

    /// What the log is told.
    pub fn to_detail(&self) -> Value {
        json!({ "refused": self.kind() })
    }

    /// The message on a socket that answers this one.
    pub fn to_message(&self, original: &Value) -> Value {
        let mut original = original.clone();
        if let Some(fields) = original.as_object_mut() {
            fields.remove("refresh-token");
        }
        json!({
            "op": "error",
            "status": self.status,
            "client-event-id": original["client-event-id"],
            "type": self.kind(),
            "message": self.body["message"],
            "hint": self.body["hint"],
            "original-event": original,
        })
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = match self.body {
            // A text is sent as it is, so that an answer can be anything, also no JSON.
            Value::String(text) => (status, text).into_response(),
            body => (status, Json(body)).into_response(),
        };
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}
