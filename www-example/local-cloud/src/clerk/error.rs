//! Refusals in the words of Clerk's Frontend API. Every refusal of this stand-in goes through here, so
//! that none has another shape.

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

/// What the Frontend API answers when it refuses. Boxed, since every answer is a `Result` with it.
#[derive(Clone, Debug, PartialEq)]
pub struct ClerkError(Box<Refusal>);

#[derive(Clone, Debug, PartialEq)]
struct Refusal {
    status: u16,
    code: &'static str,
    message: String,
    long_message: String,
    meta: Value,
}

impl ClerkError {
    fn new(status: u16, code: &'static str, message: &str, long_message: &str) -> Self {
        let (message, long_message) = (message.into(), long_message.into());
        Self(Box::new(Refusal { status, code, message, long_message, meta: json!({}) }))
    }

    fn about(mut self, parameter: &str) -> Self {
        self.0.meta = json!({ "param_name": parameter });
        self
    }

    /// No dev browser, or one this server does not know; clerk-js makes a new one.
    pub fn dev_browser() -> Self {
        let long = "Unable to authenticate this browser for your development instance.";
        Self::new(401, "dev_browser_unauthenticated", "Browser unauthenticated", long)
    }

    /// The session has ended, was revoked, or never was this client's.
    pub fn unauthenticated() -> Self {
        let long = "Unable to authenticate the request, you need to supply an active session";
        Self::new(401, "authentication_invalid", "Invalid authentication", long)
    }

    /// No session at all.
    pub fn signed_out() -> Self {
        Self::new(401, "signed_out", "You are signed out", "You are signed out")
    }

    /// The caller's authentication was refused by a fault.
    pub fn rejected(message: &str) -> Self {
        Self::new(401, "authentication_invalid", message, message)
    }

    /// A session, template or other thing that is not there.
    pub fn not_found(what: &str) -> Self {
        let long = format!("No {what} was found with the id or name given.");
        Self::new(404, "resource_not_found", "Resource not found", &long)
    }

    /// The organisation does not exist, or the user is no member of it.
    pub fn organization(id: &str) -> Self {
        let long = format!("No organization was found with id {id}, or you are not a member of it.");
        Self::new(404, "organization_not_found_or_unauthorized", "Organization not found", &long)
            .about("organization_id")
    }

    /// No such route.
    pub fn endpoint() -> Self {
        Self::new(404, "api_endpoint_not_found", "Not found", "The requested endpoint does not exist.")
    }

    /// The request could not be read.
    pub fn malformed(why: &str) -> Self {
        Self::new(400, "request_body_invalid", "Request body invalid", why)
    }

    /// A parameter is missing.
    pub fn missing(parameter: &str) -> Self {
        let long = format!("{parameter} must be included.");
        Self::new(422, "form_param_missing", "is missing", &long).about(parameter)
    }

    /// A parameter has a value that cannot be.
    pub fn invalid(parameter: &str, value: &str) -> Self {
        let long = format!("{value} does not match one of the allowed values for parameter {parameter}");
        Self::new(422, "form_param_value_invalid", "is invalid", &long).about(parameter)
    }

    /// No user has this identifier.
    pub fn identifier() -> Self {
        let message = "Couldn't find your account.";
        Self::new(422, "form_identifier_not_found", message, message).about("identifier")
    }

    /// The password is wrong.
    pub fn password() -> Self {
        let message = "Password is incorrect. Try again, or use another method.";
        Self::new(422, "form_password_incorrect", message, message).about("password")
    }

    /// The ticket was used, or never was given out.
    pub fn ticket() -> Self {
        let long = "This sign in token cannot be used anymore. Please request a new one.";
        Self::new(400, "sign_in_token_cannot_be_used_code", "sign in token cannot be used", long)
    }

    /// This user already has a session on this client.
    pub fn already_signed_in(session: &str) -> Self {
        let long = "This account is already signed in.";
        let mut error = Self::new(400, "identifier_already_signed_in", "Identifier already signed in", long);
        error.0.meta = json!({ "session_id": session });
        error
    }

    /// What a status looks like that a fault asked for.
    pub fn of_status(status: u16) -> Self {
        match status {
            401 => Self::unauthenticated(),
            404 => Self::not_found("resource"),
            429 => {
                let message = "Too many requests. Please try again in a bit.";
                Self::new(429, "too_many_requests", message, message)
            }
            500.. => {
                let message = "Oops, an unexpected error occurred";
                Self::new(
                    status,
                    "internal_clerk_error",
                    message,
                    "There was an internal error on our servers.",
                )
            }
            _ => Self::new(status, "request_refused", "Request refused", "The request was refused."),
        }
    }

    /// The answer's body.
    pub fn body(&self) -> Value {
        let Refusal { code, message, long_message, meta, .. } = &*self.0;
        json!({ "errors": [{ "code": code, "message": message, "long_message": long_message, "meta": meta }] })
    }
}

impl IntoResponse for ClerkError {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.0.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let headers = [(header::CONTENT_TYPE, "application/json")];
        (status, headers, self.body().to_string()).into_response()
    }
}
