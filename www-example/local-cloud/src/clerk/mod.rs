//! A stand-in for Clerk's Frontend API, good enough for the real clerk-js: dev browser, environment,
//! sign-in, sessions, organisations, signed tokens and templates, keys and discovery. It must never panic on
//! a request, nor refuse in other words than Clerk's.

mod call;
mod environment;
mod error;
pub mod model;
mod resources;
mod sessions;
mod sign_in;
pub mod templates;
mod tokens;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use serde_json::{Value, json};

use self::call::Call;
use self::error::ClerkError;
use self::model::Model;
use self::tokens::Mint;
use crate::faults::FaultKind;
use crate::{Cloud, pages, server};

/// The name of this service in faults and log.
pub const SERVICE: &str = "clerk";

/// `pk_test_` and the base64 of `happy-fox-13.clerk.accounts.dev$`: clerk-js takes such a key for a
/// development instance, and reaches it through the proxy URL it is given beside it.
pub const PUBLISHABLE_KEY: &str = "pk_test_aGFwcHktZm94LTEzLmNsZXJrLmFjY291bnRzLmRldiQ=";

/// The Clerk stand-in's memory.
#[derive(Debug)]
pub struct Clerk {
    model: Mutex<Model>,
}

impl Clerk {
    /// Seeded, nobody signed in.
    pub fn new(now: i64) -> Self {
        Self { model: Mutex::new(Model::seeded(now)) }
    }

    /// Back to the seed. Browsers have to introduce themselves again, which clerk-js does by itself.
    pub fn reset(&self, now: i64) {
        *self.model() = Model::seeded(now);
    }

    /// The memory, locked.
    pub fn model(&self) -> MutexGuard<'_, Model> {
        self.model.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The Frontend API below `/__clerk`, and the well-known documents there and at the root.
pub fn router(cloud: Arc<Cloud>) -> Router {
    Router::new()
        .route("/__clerk/{*path}", any(serve))
        .route("/.well-known/jwks.json", any(serve))
        .route("/.well-known/openid-configuration", any(serve))
        .with_state(cloud)
}

async fn serve(State(cloud): State<Arc<Cloud>>, request: Request) -> Response {
    let origin = request.headers().get(header::ORIGIN).cloned();
    let asked = request.headers().get(header::ACCESS_CONTROL_REQUEST_HEADERS).cloned();
    let mut response = if request.method() == Method::OPTIONS {
        StatusCode::NO_CONTENT.into_response()
    } else {
        faulty(&cloud, request).await
    };
    allow_origin(response.headers_mut(), origin, asked);
    response
}

/// Logs the request, acts out the fault that is due, and answers.
async fn faulty(cloud: &Cloud, request: Request) -> Response {
    let path = request.uri().path();
    let path = path.strip_prefix("/__clerk").unwrap_or(path).to_owned();
    let mut call = Call::read_head(&request, &path);
    let what = call.what();
    let released = cloud.faults.released();
    let fault = cloud.faults.take(SERVICE, &what);
    let user = user_of(cloud, &call);
    let seq = cloud.note(SERVICE, &what, user.as_deref(), json!({ "fault": fault }));

    let read = call.read_body(request).await;
    let handle = async || match read {
        Ok(()) => answer(cloud, &call).await,
        Err(error) => error.into_response(),
    };
    let response = match fault {
        None | Some(FaultKind::Custom { .. }) => handle().await,
        Some(FaultKind::Delay { ms }) => {
            tokio::time::sleep(Duration::from_millis(ms)).await;
            handle().await
        }
        Some(FaultKind::Late { ms }) => {
            let response = handle().await;
            tokio::time::sleep(Duration::from_millis(ms)).await;
            response
        }
        Some(FaultKind::Hold) => {
            let response = handle().await;
            released.await;
            response
        }
        Some(FaultKind::Status { code, body, retry_after }) => refuse(code, body, retry_after),
        Some(FaultKind::Reject { message }) => match message {
            Some(message) => ClerkError::rejected(&message).into_response(),
            None => ClerkError::unauthenticated().into_response(),
        },
        Some(FaultKind::Drop) => return server::drop_connection(),
        Some(FaultKind::Hang) => std::future::pending().await,
    };
    cloud.log.answered(seq, response.status().as_u16());
    response
}

fn refuse(code: u16, body: Option<Value>, retry_after: Option<u64>) -> Response {
    let status = StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let body = match body {
        // A text is sent as it is, so that an answer can be anything, also no JSON.
        Some(Value::String(text)) => text,
        Some(body) => body.to_string(),
        None => ClerkError::of_status(code).body().to_string(),
    };
    let mut response = (status, [(header::CONTENT_TYPE, "application/json")], body).into_response();
    if let Some(seconds) = retry_after {
        response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
    }
    response
}

async fn answer(cloud: &Cloud, call: &Call) -> Response {
    if let Some(file) = clerk_js_file(&call.path).filter(|_| call.method == "GET") {
        return pages::clerk_js(cloud, file).await;
    }
    match dispatch(cloud, call) {
        Ok(body) => {
            let headers = [(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-store")];
            (headers, body.to_string()).into_response()
        }
        Err(error) => error.into_response(),
    }
}

/// The file name in `/npm/@clerk/clerk-js@{version}/dist/{file}`; every version gets the one there is.
fn clerk_js_file(path: &str) -> Option<&str> {
    let (_version, file) = path.strip_prefix("/npm/@clerk/clerk-js@")?.split_once("/dist/")?;
    Some(file)
}

fn dispatch(cloud: &Cloud, call: &Call) -> Result<Value, ClerkError> {
    let now = cloud.clock.now_ms();
    let azp = call.origin.as_deref().unwrap_or(cloud.origin());
    let mint = &Mint { cloud, now, azp };
    let mut model = cloud.clerk.model();
    let model = &mut *model;
    let path: Vec<&str> = call.path.trim_start_matches('/').split('/').collect();
    match (call.method.as_str(), path.as_slice()) {
        ("GET", [".well-known", "jwks.json"]) => Ok(cloud.keys.jwks()),
        ("GET", [".well-known", "openid-configuration"]) => Ok(discovery(cloud)),
        ("POST", ["v1", "dev_browser"]) => Ok(json!({ "id": model.new_client(now) })),
        ("GET" | "PATCH", ["v1", "environment"]) => Ok(environment::environment()),

        ("GET" | "PUT" | "POST", ["v1", "client"]) => sessions::client(mint, model, call),
        ("DELETE", ["v1", "client"] | ["v1", "client", "sessions"]) => sessions::end_all(mint, model, call),
        ("GET", ["v1", "client", "sessions", id]) => sessions::read(mint, model, call, id),
        ("POST", ["v1", "client", "sessions", id, "touch"]) => sessions::touch(mint, model, call, id),
        ("POST", ["v1", "client", "sessions", id, "end"]) => sessions::end(mint, model, call, id, "ended"),
        ("POST", ["v1", "client", "sessions", id, "remove"]) => {
            sessions::end(mint, model, call, id, "removed")
        }
        ("POST", ["v1", "client", "sessions", id, "tokens"]) => {
            sessions::session_token(mint, model, call, id)
        }
        ("POST", ["v1", "client", "sessions", id, "tokens", template]) => {
            sessions::template_token(mint, model, call, id, template)
        }

        ("POST", ["v1", "client", "sign_ins"]) => sign_in::create(mint, model, call),
        ("GET", ["v1", "client", "sign_ins", id]) => sign_in::read(mint, model, call, id),
        ("POST", ["v1", "client", "sign_ins", id, "attempt_first_factor"]) => {
            sign_in::attempt_first_factor(mint, model, call, id)
        }

        ("GET", ["v1", "me", rest @ ..]) => about_me(model, call, rest),
        ("GET", ["v1", "organizations", id, rest @ ..]) => about_organization(model, call, id, rest),
        _ => Err(ClerkError::endpoint()),
    }
}

fn about_me(model: &Model, call: &Call, rest: &[&str]) -> Result<Value, ClerkError> {
    let session = sessions::current(model, call)?;
    let user = model.users.get(&session.user_id).ok_or_else(ClerkError::unauthenticated)?;
    let response = match rest {
        [] => resources::user(model, user),
        ["organization_memberships"] => resources::list(resources::memberships(model, user)),
        ["organization_invitations" | "organization_suggestions"] => resources::list(Vec::new()),
        _ => return Err(ClerkError::endpoint()),
    };
    Ok(json!({ "response": response, "client": null }))
}

fn about_organization(model: &Model, call: &Call, id: &str, rest: &[&str]) -> Result<Value, ClerkError> {
    let session = sessions::current(model, call)?;
    let known = model.member_of(&session.user_id, id)?.and_then(|id| model.organizations.get(&id));
    let known = known.ok_or_else(|| ClerkError::organization(id))?;
    let response = match rest {
        [] => resources::organization(model, known),
        ["memberships"] => resources::list(resources::members(model, known)),
        _ => return Err(ClerkError::endpoint()),
    };
    Ok(json!({ "response": response, "client": null }))
}

fn discovery(cloud: &Cloud) -> Value {
    let issuer = cloud.issuer();
    json!({
        "issuer": issuer,
        "jwks_uri": format!("{issuer}/.well-known/jwks.json"),
        "authorization_endpoint": format!("{issuer}/oauth/authorize"),
        "token_endpoint": format!("{issuer}/oauth/token"),
        "userinfo_endpoint": format!("{issuer}/oauth/userinfo"),
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "claims_supported": ["sub", "iss", "exp", "iat", "email", "name"],
    })
}

/// Whose session a call is about, for the log.
fn user_of(cloud: &Cloud, call: &Call) -> Option<String> {
    let model = cloud.clerk.model();
    let named = call.path.strip_prefix("/v1/client/sessions/").and_then(|rest| rest.split('/').next());
    let active =
        || model.client(call.db_jwt()).ok().and_then(|(_, client)| client.last_active_session_id.as_deref());
    let session = named.or_else(|| call.session_id()).or_else(active)?;
    model.sessions.get(session).map(|session| session.user_id.clone())
}

/// Clerk answers every origin, with credentials; which origins may sign in is decided elsewhere.
fn allow_origin(headers: &mut HeaderMap, origin: Option<HeaderValue>, asked: Option<HeaderValue>) {
    const ALLOW: [(HeaderName, HeaderValue); 4] = [
        (header::ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true")),
        (
            header::ACCESS_CONTROL_EXPOSE_HEADERS,
            HeaderValue::from_static("Authorization, Clerk-Db-Jwt, Retry-After, X-Country, X-Clerk-Trace-Id"),
        ),
        (
            header::ACCESS_CONTROL_ALLOW_METHODS,
            HeaderValue::from_static("GET, POST, PUT, PATCH, DELETE, OPTIONS"),
        ),
        (header::VARY, HeaderValue::from_static("Origin")),
    ];
    let Some(origin) = origin else { return };
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    headers.extend(ALLOW);
    if let Some(asked) = asked {
        headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, asked);
    }
}
