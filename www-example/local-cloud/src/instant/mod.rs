//! The InstantDB stand-in: one app, one sign-in client that trusts the stand-in for Clerk, and the triples
//! of its rows, served over Instant's HTTP calls and its WebSocket below `/__instant`. It follows the real
//! service where a client can see it, and must never take a session for alive that was revoked.
//!
//! | control request | body | answer |
//! |---|---|---|
//! | `GET /__control/instant/tokens` | | `{users: {"user_ada": 1}}`: living refresh tokens, counted |
//! | `POST /__control/instant/revoke` | `{userId?}`; all by default | `{revoked}` |
//! | `POST /__control/instant/drop` | | cuts every socket |
//!
//! Users are named by Clerk's id here and in the log; a guest has none and goes by Instant's.

mod accounts;
mod http;
mod identity;
mod query;
mod refusal;
mod session;
mod table;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::Cloud;
use accounts::Accounts;
use table::Table;

/// The name of this stand-in in faults and in the log.
pub const SERVICE: &str = "instant";

/// The id of the one app there is.
pub const APP_ID: &str = "c1e4b41d-9e00-4a5c-8b1d-0f1e2d3c4b5a";

/// The name of the one client that id tokens are exchanged for.
pub const CLIENT_NAME: &str = "clerk";

/// The routes of the Instant stand-in.
pub fn router(cloud: Arc<Cloud>) -> Router {
    let app = Arc::new(App {
        cloud: cloud.clone(),
        accounts: Mutex::default(),
        table: Mutex::default(),
        commits: watch::Sender::new(0),
        drops: watch::Sender::new(0),
        connections: AtomicU64::new(0),
    });
    let weak = Arc::downgrade(&app);
    cloud.on_reset(move || {
        if let Some(app) = weak.upgrade() {
            app.drop_connections();
            *app.accounts() = Accounts::default();
            app.table().clear();
        }
    });
    http::router()
        .route("/__control/instant/tokens", get(count_tokens))
        .route("/__control/instant/revoke", post(revoke))
        .route("/__control/instant/drop", post(drop_connections))
        .with_state(app)
}

/// What all calls and connections share.
struct App {
    cloud: Arc<Cloud>,
    accounts: Mutex<Accounts>,
    table: Mutex<Table>,
    commits: watch::Sender<u64>,
    drops: watch::Sender<u64>,
    connections: AtomicU64,
}

impl App {
    fn accounts(&self) -> MutexGuard<'_, Accounts> {
        self.accounts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wakes the connections whose queries may have new results.
    fn announce_commit(&self) {
        self.commits.send_modify(|count| *count += 1);
    }

    fn drop_connections(&self) {
        self.drops.send_modify(|count| *count += 1);
    }

    fn next_connection(&self) -> u64 {
        self.connections.fetch_add(1, Ordering::Relaxed) + 1
    }

    fn note(&self, what: &str, user: Option<&str>, detail: Value) -> u64 {
        self.cloud.note(SERVICE, what, user, detail)
    }
}

/// A new random UUID, as all of Instant's ids are.
fn new_uuid() -> String {
    let bits = rand::random::<u128>() & !(0xf << 76) & !(0x3 << 62) | (0x4 << 76) | (0x2 << 62);
    let hex = format!("{bits:032x}");
    let part = |from, to| hex.get(from..to).unwrap_or_default();
    [part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32)].join("-")
}

/// Whether this can be one of Instant's ids.
fn is_uuid(text: &str) -> bool {
    let dashed = |(at, byte): (usize, u8)| match at {
        8 | 13 | 18 | 23 => byte == b'-',
        _ => byte.is_ascii_hexdigit(),
    };
    text.len() == 36 && text.bytes().enumerate().all(dashed)
}

async fn count_tokens(State(app): State<Arc<App>>) -> Json<Value> {
    Json(json!({ "users": app.accounts().living() }))
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Revoke {
    user_id: Option<String>,
}

/// Ends sessions from the outside. Open sockets do not notice, as with the real service.
async fn revoke(State(app): State<Arc<App>>, body: Bytes) -> Response {
    let body: &[u8] = if body.is_empty() { b"{}" } else { &body };
    match serde_json::from_slice::<Revoke>(body) {
        Ok(wanted) => {
            let revoked = app.accounts().revoke(wanted.user_id.as_deref());
            Json(json!({ "revoked": revoked })).into_response()
        }
        Err(error) => (StatusCode::BAD_REQUEST, Json(json!({ "error": error.to_string() }))).into_response(),
    }
}

/// Cuts every socket. Together with "drop" faults on `/runtime/` Instant is offline.
async fn drop_connections(State(app): State<Arc<App>>) -> StatusCode {
    app.drop_connections();
    StatusCode::NO_CONTENT
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_uuids_of_version_four() {
        let id = new_uuid();
        assert!(is_uuid(&id) && is_uuid(APP_ID), "{id}");
        assert_eq!(id.as_bytes()[14], b'4');
        assert!(matches!(id.as_bytes()[19], b'8' | b'9' | b'a' | b'b'));
        assert_ne!(id, new_uuid());
        assert!(!is_uuid("rubbish"));
    }
}
