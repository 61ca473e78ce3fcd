//! The Hasura stand-in: one engine in JWT mode with a small table of tasks, served as GraphQL over HTTP and
//! over WebSocket (`graphql-transport-ws`) at `/v1/graphql`. It answers every request with status 200 as
//! the real one does, and must never accept a token that Hasura would refuse.
//!
//! | control request | body | effect |
//! |---|---|---|
//! | `POST hasura/close` | `{code?, reason?}` | closes every socket, with 1012 by default |
//! | `POST hasura/drop` | | cuts every socket |
//! | `POST hasura/settings` | `{anonymous}` | whether there is a role for those without a token |

mod document;
mod http;
mod identity;
mod operation;
mod schema;
mod socket;
mod table;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use axum::{Json, Router, middleware};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::watch;

use self::identity::{Caller, Refusal};
use self::socket::End;
use self::table::Table;
use crate::{Cloud, FaultKind, cors};

/// The name of this service in faults and log.
pub const SERVICE: &str = "hasura";

/// The routes of the Hasura stand-in.
pub fn router(cloud: Arc<Cloud>) -> Router {
    let engine = Arc::new(Engine {
        cloud: cloud.clone(),
        table: Mutex::default(),
        anonymous: AtomicBool::new(true),
        changes: watch::Sender::new(0),
        hangups: watch::Sender::new(End::Cut("dropped")),
        connections: AtomicU64::new(0),
    });
    let weak = Arc::downgrade(&engine);
    cloud.on_reset(move || {
        if let Some(engine) = weak.upgrade() {
            engine.hang_up(End::Cut("dropped"));
            engine.anonymous.store(true, Ordering::Relaxed);
            *engine.table() = Table::default();
            engine.announce_change();
        }
    });
    Router::new()
        .route("/v1/graphql", post(http::post).get(http::upgrade))
        .layer(middleware::from_fn(cors::open))
        .route("/__control/hasura/close", post(close_sockets))
        .route("/__control/hasura/drop", post(drop_sockets))
        .route("/__control/hasura/settings", post(set_anonymous))
        .with_state(engine)
}

/// What all requests and sockets share.
struct Engine {
    cloud: Arc<Cloud>,
    table: Mutex<Table>,
    anonymous: AtomicBool,
    changes: watch::Sender<u64>,
    hangups: watch::Sender<End>,
    connections: AtomicU64,
}

impl Engine {
    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wakes the subscriptions, whose rows may have changed.
    fn announce_change(&self) {
        self.changes.send_modify(|count| *count += 1);
    }

    fn allows_anonymous(&self) -> bool {
        self.anonymous.load(Ordering::Relaxed)
    }

    fn hang_up(&self, how: End) {
        self.hangups.send_replace(how);
    }

    fn next_connection(&self) -> u64 {
        self.connections.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// The fault that hits something known by any of these names.
    fn fault(&self, names: &[&str]) -> Option<FaultKind> {
        names.iter().find_map(|name| self.cloud.faults.take(SERVICE, name))
    }

    /// Notes something: as whom it was done, and why it was refused.
    fn note(&self, what: &str, caller: Option<&Caller>, refusal: Option<&Refusal>, more: Value) -> u64 {
        let mut detail = json!({
            "role": caller.map(|caller| &caller.role),
            "org": caller.and_then(Caller::organization),
            "jti": caller.and_then(|caller| caller.jti.as_ref()),
            "refused": refusal.map(|refusal| refusal.code),
            "message": refusal.map(|refusal| &refusal.message),
        });
        if let (Some(detail), Value::Object(more)) = (detail.as_object_mut(), more) {
            detail.extend(more);
        }
        self.cloud.note(SERVICE, what, caller.and_then(|caller| caller.user_id.as_deref()), detail)
    }
}

type Answer = Result<StatusCode, (StatusCode, Json<Value>)>;

fn read<T: for<'a> Deserialize<'a>>(body: &Bytes) -> Result<T, (StatusCode, Json<Value>)> {
    let body: &[u8] = if body.is_empty() { b"{}" } else { body };
    let refuse =
        |error: serde_json::Error| (StatusCode::BAD_REQUEST, Json(json!({ "error": error.to_string() })));
    serde_json::from_slice(body).map_err(refuse)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Close {
    code: Option<u16>,
    reason: Option<String>,
}

/// What Hasura does to all sockets when its metadata changes.
async fn close_sockets(State(engine): State<Arc<Engine>>, body: Bytes) -> Answer {
    let Close { code, reason } = read(&body)?;
    engine.hang_up(End::Close { code: code.unwrap_or(1012), reason: reason.unwrap_or_default() });
    Ok(StatusCode::NO_CONTENT)
}

/// Together with a "drop" fault on "/v1/graphql" the service is offline.
async fn drop_sockets(State(engine): State<Arc<Engine>>) -> Answer {
    engine.hang_up(End::Cut("dropped"));
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    anonymous: bool,
}

async fn set_anonymous(State(engine): State<Arc<Engine>>, body: Bytes) -> Answer {
    engine.anonymous.store(read::<Settings>(&body)?.anonymous, Ordering::Relaxed);
    Ok(StatusCode::NO_CONTENT)
}
