//! The HTTP side: the upgrade to a socket, and the calls that make and end sessions. An answer must never
//! hold another client's refresh token, and the log none at all.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::{Path, State};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use axum::{Json, Router};
use serde_json::{Map, Value, json};

use super::refusal::Refusal;
use super::{APP_ID, App, CLIENT_NAME, SERVICE, identity, is_uuid, session};
use crate::fate::Fate;

/// The routes below `/__instant`.
pub(super) fn router() -> Router<Arc<App>> {
    Router::new().route("/__instant/runtime/session", get(socket)).route("/__instant/{*path}", any(serve))
}

async fn socket(State(app): State<Arc<App>>, upgrade: WebSocketUpgrade) -> Response {
    let faults = &app.cloud.faults;
    let fault = faults.take(SERVICE, "GET /runtime/session");
    match Fate::of(fault.as_ref(), faults) {
        Fate::Handled { before, after } => {
            before.await;
            after.await;
            upgrade.on_upgrade(move |socket| session::run(app, socket))
        }
        failed => failed.answer(|text| Refusal::app_user().saying(text).into_response()).await,
    }
}

async fn serve(
    State(app): State<Arc<App>>,
    Path(path): Path<String>,
    method: Method,
    body: Bytes,
) -> Response {
    let response = match (method, Call::at(&path)) {
        (Method::OPTIONS, _) => StatusCode::NO_CONTENT.into_response(),
        (Method::POST, Some(call)) => call.answer(&app, &path, &body).await,
        _ => Refusal::route().into_response(),
    };
    open_to_all_origins(response)
}

/// A call that makes, resumes or ends a session.
#[derive(Clone, Copy)]
enum Call {
    IdToken,
    SignOut,
    VerifyRefreshToken,
    SignInGuest,
}

/// The body of an answer, and what the log is told about it.
type Outcome = Result<(Value, Value), Refusal>;

impl Call {
    fn at(path: &str) -> Option<Self> {
        match path {
            "runtime/oauth/id_token" => Some(Self::IdToken),
            "runtime/signout" => Some(Self::SignOut),
            "runtime/auth/verify_refresh_token" => Some(Self::VerifyRefreshToken),
            "runtime/auth/sign_in_guest" => Some(Self::SignInGuest),
            _ => None,
        }
    }

    /// The name in the log.
    fn name(self) -> &'static str {
        match self {
            Self::IdToken => "id_token",
            Self::SignOut => "signout",
            Self::VerifyRefreshToken => "verify_refresh_token",
            Self::SignInGuest => "sign_in_guest",
        }
    }

    /// Instant writes parameters in two ways.
    fn refresh_token_name(self) -> &'static str {
        if matches!(self, Self::VerifyRefreshToken) { "refresh-token" } else { "refresh_token" }
    }

    /// Logs the call, acts out the fault that is due, and answers.
    async fn answer(self, app: &App, path: &str, body: &[u8]) -> Response {
        let (cloud, log) = (&app.cloud, &app.cloud.log);
        let fault = cloud.faults.take(SERVICE, &format!("POST /{path}"));
        let fate = Fate::of(fault.as_ref(), &cloud.faults);
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        let seq = self.note(app, &body, json!(fault));
        let (outcome, after) = match fate {
            Fate::Handled { before, after } => {
                before.await;
                (self.handle(app, &body), Some(after))
            }
            Fate::Status { code, body, retry_after } => {
                (Err(Refusal::of_status(code, body, retry_after)), None)
            }
            Fate::Rejected(text) => (Err(self.rejection().saying(text)), None),
            failed => return failed.answer(|_| self.rejection().into_response()).await,
        };
        let response = match outcome {
            Ok((answer, detail)) => {
                log.amend(seq, detail);
                Json(answer).into_response()
            }
            Err(refusal) => {
                log.amend(seq, refusal.to_detail());
                refusal.into_response()
            }
        };
        if let Some(after) = after {
            after.await;
        }
        log.answered(seq, response.status().as_u16());
        response
    }

    fn note(self, app: &App, body: &Value, fault: Value) -> u64 {
        let sent = body[self.refresh_token_name()].as_str();
        let holder = sent.and_then(|token| Some(app.accounts().holder(token).ok()?.name().to_owned()));
        let now = app.cloud.clock.now_ms();
        let bearer = body["id_token"].as_str().and_then(|token| app.cloud.keys.verify(token, now).ok());
        let user = match self {
            Self::IdToken => bearer.as_ref().and_then(|claims| claims["sub"].as_str()),
            _ => holder.as_deref(),
        };
        let detail = json!({
            "refreshTokenSent": sent.is_some(),
            "refreshTokenOf": holder,
            "clientName": body["client_name"],
            "jti": bearer.as_ref().map(|claims| &claims["jti"]),
            "refused": null,
            "fault": fault,
        });
        app.note(self.name(), user, detail)
    }

    /// What a client is told whose authentication shall be refused.
    fn rejection(self) -> Refusal {
        match self {
            Self::IdToken => Refusal::oauth("Error validating JWT. Token is expired."),
            _ => Refusal::app_user(),
        }
    }

    fn handle(self, app: &App, body: &Value) -> Outcome {
        match self {
            Self::IdToken => exchange(app, body),
            Self::SignOut => {
                check_app(required(body, "app_id")?)?;
                app.accounts().sign_out(id(body, "refresh_token")?);
                Ok((json!({}), json!({})))
            }
            Self::VerifyRefreshToken => {
                let token = id(body, "refresh-token")?;
                check_app(required(body, "app-id")?)?;
                let session = app.accounts().resume(token)?;
                Ok((json!({ "user": session.to_json() }), json!({ "instantUser": session.user.id })))
            }
            Self::SignInGuest => {
                check_app(required(body, "app-id")?)?;
                let session = app.accounts().sign_in_guest(fields(body, "extra-fields"));
                Ok((json!({ "user": session.to_json() }), json!({ "instantUser": session.user.id })))
            }
        }
    }
}

/// Exchanges an id token for a session.
fn exchange(app: &App, body: &Value) -> Outcome {
    let id_token = required(body, "id_token")?;
    let app_id = id(body, "app_id")?;
    let current = body["refresh_token"].as_str().map(|_| id(body, "refresh_token")).transpose()?;
    if (app_id, required(body, "client_name")?) != (APP_ID, CLIENT_NAME) {
        return Err(Refusal::record_not_found("app-oauth-client"));
    }
    let person = identity::verify(&app.cloud, id_token, body["nonce"].as_str())?;
    let session = app.accounts().sign_in(person, current, fields(body, "extra_fields"))?;
    let detail = json!({
        "instantUser": session.user.id,
        "email": session.user.email,
        "created": session.created,
        "kept": session.kept,
    });
    Ok((session.answer(), detail))
}

fn required<'a>(body: &'a Value, name: &str) -> Result<&'a str, Refusal> {
    match &body[name] {
        Value::Null => Err(Refusal::missing(name)),
        Value::String(text) if !text.trim().is_empty() => Ok(text),
        _ => Err(Refusal::malformed(name)),
    }
}

fn id<'a>(body: &'a Value, name: &str) -> Result<&'a str, Refusal> {
    required(body, name).and_then(|text| if is_uuid(text) { Ok(text) } else { Err(Refusal::malformed(name)) })
}

fn fields(body: &Value, name: &str) -> Map<String, Value> {
    body[name].as_object().cloned().unwrap_or_default()
}

fn check_app(app_id: &str) -> Result<(), Refusal> {
    if app_id == APP_ID { Ok(()) } else { Err(Refusal::record_not_found("app")) }
}

/// An app is called from pages of any origin, and from none with cookies.
fn open_to_all_origins(mut response: Response) -> Response {
    let headers: [(HeaderName, &'static str); 4] = [
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
        (header::ACCESS_CONTROL_ALLOW_METHODS, "POST, OPTIONS"),
        (header::ACCESS_CONTROL_ALLOW_HEADERS, "Authorization, Content-Type"),
        (header::ACCESS_CONTROL_MAX_AGE, "86400"),
    ];
    for (name, value) in headers {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}
