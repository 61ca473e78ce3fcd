//! The tests' and the example's hand on the stand-ins: JSON below `/__control/`. It is for this machine
//! only, changes nothing by a GET, and must never be offered by anything but a stand-in.
//!
//! | request | body | answer |
//! |---|---|---|
//! | `POST fault` | a [`Fault`] or a list of them | `{ids}` |
//! | `GET fault`, `DELETE fault`, `POST fault/clear` | `{id?}` to clear one | `{faults}` |
//! | `POST fault/release` | | lets held answers go |
//! | `POST clock` | `{offsetMs}` | |
//! | `POST tokens` | `{lifetimeSeconds?, template?, sessionClaims?}` | |
//! | `POST templates` | `{name, claims, lifetimeSeconds?}` or `{name, remove: true}` | |
//! | `POST membership` | `{userId, orgId, role?}` | |
//! | `POST ticket` | `{userId}` | `{ticket}` |
//! | `POST session` | `{userId, orgId?, status?, dbJwt?}` | `{dbJwt, sessionId}` |
//! | `POST revoke` | `{sessionId?, userId?}` | `{revoked}` |
//! | `POST sign` | `{claims, header?}` | `{token}` |
//! | `GET log?since=&service=` | | `{last, entries}` |
//! | `GET state`, `POST reset` | | everything; back to the seed |

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Query, State};
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use crate::clerk::model::new_id;
use crate::clerk::templates::Template;
use crate::clerk::{PUBLISHABLE_KEY, SERVICE};
use crate::{Cloud, Fault};

/// A refusal: status and reason.
struct Refusal(StatusCode, String);

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (self.0, axum::Json(json!({ "error": self.1 }))).into_response()
    }
}

type Answer = Result<axum::Json<Value>, Refusal>;

fn done() -> Answer {
    Ok(axum::Json(json!({})))
}

fn unknown(what: &str, id: &str) -> Refusal {
    Refusal(StatusCode::NOT_FOUND, format!("no {what} {id}"))
}

/// Reads a JSON body; an empty one is an empty object.
fn read<T: DeserializeOwned>(body: &Bytes) -> Result<T, Refusal> {
    let body: &[u8] = if body.is_empty() { b"{}" } else { body };
    serde_json::from_slice(body).map_err(|error| Refusal(StatusCode::BAD_REQUEST, error.to_string()))
}

/// The control endpoint.
pub fn router(cloud: Arc<Cloud>) -> Router {
    let routes = Router::new()
        .route("/fault", get(list_faults).post(add_faults).delete(clear_faults))
        .route("/fault/clear", post(clear_faults))
        .route("/fault/release", post(release_faults))
        .route("/clock", post(set_clock))
        .route("/tokens", post(set_tokens))
        .route("/templates", post(set_template))
        .route("/membership", post(set_membership))
        .route("/ticket", post(make_ticket))
        .route("/session", post(make_session))
        .route("/revoke", post(revoke))
        .route("/sign", post(sign))
        .route("/log", get(read_log))
        .route("/state", get(read_state))
        .route("/reset", post(reset))
        .fallback(async |uri: Uri| unknown("control", uri.path()))
        .with_state(cloud);
    Router::new().nest("/__control", routes)
}

async fn list_faults(State(cloud): State<Arc<Cloud>>) -> Answer {
    Ok(axum::Json(json!({ "faults": cloud.faults.list() })))
}

/// One fault or a list of them; answers their ids.
async fn add_faults(State(cloud): State<Arc<Cloud>>, body: Bytes) -> Answer {
    let faults: Vec<Fault> = match read::<Value>(&body)? {
        Value::Array(faults) => faults.into_iter().map(serde_json::from_value).collect::<Result<_, _>>(),
        fault => serde_json::from_value(fault).map(|fault| vec![fault]),
    }
    .map_err(|error| Refusal(StatusCode::BAD_REQUEST, error.to_string()))?;
    let ids: Vec<u64> = faults.into_iter().map(|fault| cloud.faults.add(fault)).collect();
    Ok(axum::Json(json!({ "ids": ids })))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ClearFaults {
    id: Option<u64>,
}

async fn clear_faults(State(cloud): State<Arc<Cloud>>, body: Bytes) -> Answer {
    cloud.faults.clear(read::<ClearFaults>(&body)?.id);
    done()
}

async fn release_faults(State(cloud): State<Arc<Cloud>>) -> Answer {
    cloud.faults.release();
    done()
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct SetClock {
    offset_ms: i64,
}

async fn set_clock(State(cloud): State<Arc<Cloud>>, body: Bytes) -> Answer {
    cloud.clock.set_offset_ms(read::<SetClock>(&body)?.offset_ms);
    done()
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct SetTokens {
    lifetime_seconds: Option<i64>,
    /// "session" or a template's name; absent: all of them.
    template: Option<String>,
    /// Claims added to session tokens; shortcodes are filled.
    session_claims: Option<Map<String, Value>>,
}

async fn set_tokens(State(cloud): State<Arc<Cloud>>, body: Bytes) -> Answer {
    let wanted: SetTokens = read(&body)?;
    let mut model = cloud.clerk.model();
    if let Some(name) = wanted.template.as_deref().filter(|name| *name != "session")
        && !model.templates.contains_key(name)
    {
        return Err(unknown("template", name));
    }
    if let Some(seconds) = wanted.lifetime_seconds {
        let hit = |name: &str| wanted.template.as_deref().is_none_or(|wanted| wanted == name);
        if hit("session") {
            model.session_lifetime_seconds = seconds;
        }
        for (_, template) in model.templates.iter_mut().filter(|(name, _)| hit(name)) {
            template.lifetime_seconds = seconds;
        }
    }
    if let Some(claims) = wanted.session_claims {
        model.session_claims = claims;
    }
    done()
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct SetTemplate {
    name: String,
    #[serde(default)]
    claims: Map<String, Value>,
    lifetime_seconds: Option<i64>,
    #[serde(default)]
    remove: bool,
}

/// Adds, replaces or removes a template.
async fn set_template(State(cloud): State<Arc<Cloud>>, body: Bytes) -> Answer {
    let wanted: SetTemplate = read(&body)?;
    let mut model = cloud.clerk.model();
    if wanted.remove {
        model.templates.remove(&wanted.name).ok_or_else(|| unknown("template", &wanted.name))?;
    } else {
        let lifetime_seconds = wanted.lifetime_seconds.unwrap_or(60);
        model.templates.insert(wanted.name, Template { lifetime_seconds, claims: wanted.claims });
    }
    done()
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct SetMembership {
    user_id: String,
    org_id: String,
    /// Absent: no longer a member.
    role: Option<String>,
}

async fn set_membership(State(cloud): State<Arc<Cloud>>, body: Bytes) -> Answer {
    let wanted: SetMembership = read(&body)?;
    let now = cloud.clock.now_ms();
    let model = &mut *cloud.clerk.model();
    if !model.organizations.contains_key(&wanted.org_id) {
        return Err(unknown("organization", &wanted.org_id));
    }
    let user = model.users.get_mut(&wanted.user_id).ok_or_else(|| unknown("user", &wanted.user_id))?;
    user.updated_at = now;
    if let Some(role) = wanted.role {
        user.roles.insert(wanted.org_id, role);
    } else {
        user.roles.remove(&wanted.org_id);
        let theirs = |session: &&mut crate::clerk::model::Session| session.user_id == wanted.user_id;
        for session in model.sessions.values_mut().filter(theirs) {
            session.org_id.take_if(|org_id| *org_id == wanted.org_id);
        }
    }
    done()
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct MakeTicket {
    user_id: String,
}

async fn make_ticket(State(cloud): State<Arc<Cloud>>, body: Bytes) -> Answer {
    let wanted: MakeTicket = read(&body)?;
    let mut model = cloud.clerk.model();
    if !model.users.contains_key(&wanted.user_id) {
        return Err(unknown("user", &wanted.user_id));
    }
    let ticket = new_id("ticket");
    model.tickets.insert(ticket.clone(), wanted.user_id);
    Ok(axum::Json(json!({ "ticket": ticket })))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct MakeSession {
    user_id: String,
    org_id: Option<String>,
    /// "active" (default) or "pending".
    status: Option<String>,
    /// A browser to add it to; absent: a new one.
    db_jwt: Option<String>,
}

/// Opens a session without a sign-in. The page joins it at `?__clerk_db_jwt=`.
async fn make_session(State(cloud): State<Arc<Cloud>>, body: Bytes) -> Answer {
    let wanted: MakeSession = read(&body)?;
    let now = cloud.clock.now_ms();
    let mut model = cloud.clerk.model();
    if !model.users.contains_key(&wanted.user_id) {
        return Err(unknown("user", &wanted.user_id));
    }
    let status = wanted.status.unwrap_or_else(|| "active".into());
    if !["active", "pending"].contains(&status.as_str()) {
        return Err(Refusal(StatusCode::BAD_REQUEST, format!("no session starts {status}")));
    }
    let org_id = wanted.org_id.unwrap_or_default();
    let org_id = model.member_of(&wanted.user_id, &org_id).map_err(|_| unknown("membership in", &org_id))?;
    let db_jwt = wanted.db_jwt.unwrap_or_else(|| model.new_client(now));
    let session_id = model
        .open_session(&db_jwt, &wanted.user_id, now)
        .map_err(|error| Refusal(StatusCode::CONFLICT, error.body().to_string()))?;
    if let Some(session) = model.sessions.get_mut(&session_id) {
        session.org_id = org_id;
        session.status = status;
    }
    Ok(axum::Json(json!({ "dbJwt": db_jwt, "sessionId": session_id })))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Revoke {
    session_id: Option<String>,
    user_id: Option<String>,
}

/// Ends sessions from the outside, as an administrator does.
async fn revoke(State(cloud): State<Arc<Cloud>>, body: Bytes) -> Answer {
    let wanted: Revoke = read(&body)?;
    if wanted.session_id.is_none() && wanted.user_id.is_none() {
        return Err(Refusal(StatusCode::BAD_REQUEST, "sessionId or userId is needed".into()));
    }
    let hit = |wanted: &Option<String>, id: &str| wanted.as_deref().is_none_or(|wanted| wanted == id);
    let revoked = cloud.clerk.model().end_sessions("revoked", cloud.clock.now_ms(), |session| {
        hit(&wanted.session_id, &session.id) && hit(&wanted.user_id, &session.user_id)
    });
    Ok(axum::Json(json!({ "revoked": revoked })))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Sign {
    claims: Map<String, Value>,
    #[serde(default)]
    header: Map<String, Value>,
}

/// Signs whatever a test asks for, to feed a backend with tokens that Clerk would not mint.
async fn sign(State(cloud): State<Arc<Cloud>>, body: Bytes) -> Answer {
    let Sign { claims, header } = read(&body)?;
    let token = cloud.keys.sign(&Value::Object(claims), &Value::Object(header));
    Ok(axum::Json(json!({ "token": token })))
}

async fn read_log(State(cloud): State<Arc<Cloud>>, Query(query): Query<BTreeMap<String, String>>) -> Answer {
    let since = query.get("since").map_or(Ok(0), |since| since.parse());
    let since = since.map_err(|_| Refusal(StatusCode::BAD_REQUEST, "since is a number".into()))?;
    let entries = cloud.log.since(since, query.get("service").map(String::as_str));
    Ok(axum::Json(json!({ "last": cloud.log.last(), "entries": entries })))
}

async fn read_state(State(cloud): State<Arc<Cloud>>) -> Answer {
    let model = cloud.clerk.model();
    Ok(axum::Json(json!({
        "origin": cloud.origin(),
        "issuer": cloud.issuer(),
        "publishableKey": PUBLISHABLE_KEY,
        "clock": { "offsetMs": cloud.clock.offset_ms(), "now": cloud.clock.now_ms() },
        "faults": cloud.faults.list(),
        "log": cloud.log.last(),
        SERVICE: {
            "users": model.users,
            "organizations": model.organizations,
            "clients": model.clients,
            "sessions": model.sessions,
            "templates": model.templates,
            "sessionLifetimeSeconds": model.session_lifetime_seconds,
            "sessionClaims": model.session_claims,
        },
    })))
}

async fn reset(State(cloud): State<Arc<Cloud>>) -> Answer {
    cloud.reset();
    done()
}
