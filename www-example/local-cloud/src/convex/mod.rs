//! The Convex stand-in: one deployment with a small table of tasks, served over Convex's sync protocol and
//! its HTTP calls. It follows the rules of the real service where a client can see them, most of all those
//! of authentication, and must never accept a token that Convex would refuse.

mod call;
mod fate;
mod functions;
mod http;
mod identity;
mod session;
mod state;
mod table;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use convex_sync_types::Timestamp;
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::Cloud;
use identity::Identity;
use table::Table;

/// The routes of the Convex stand-in.
pub fn router(cloud: Arc<Cloud>) -> Router {
    let deployment = Arc::new(Deployment {
        cloud: cloud.clone(),
        table: Mutex::default(),
        commits: watch::Sender::new(Timestamp::MIN),
        drops: watch::Sender::new(0),
        connections: AtomicU64::new(0),
    });
    let weak = Arc::downgrade(&deployment);
    cloud.on_reset(move || {
        if let Some(deployment) = weak.upgrade() {
            deployment.drop_connections();
            deployment.table().clear();
            deployment.announce_commit();
        }
    });
    http::router().route("/__control/convex/drop", post(drop_connections)).with_state(deployment)
}

/// Cuts every sync connection. Together with a "drop" fault on `GET /api/` the deployment is offline.
async fn drop_connections(State(deployment): State<Arc<Deployment>>) -> StatusCode {
    deployment.drop_connections();
    StatusCode::NO_CONTENT
}

/// What all connections share.
struct Deployment {
    cloud: Arc<Cloud>,
    table: Mutex<Table>,
    commits: watch::Sender<Timestamp>,
    drops: watch::Sender<u64>,
    connections: AtomicU64,
}

impl Deployment {
    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wakes the connections whose queries may have new results.
    fn announce_commit(&self) {
        let latest = self.table().latest();
        self.commits.send_replace(latest);
    }

    fn drop_connections(&self) {
        self.drops.send_modify(|count| *count += 1);
    }

    fn next_connection(&self) -> u64 {
        self.connections.fetch_add(1, Ordering::Relaxed) + 1
    }

    fn now_ms(&self) -> i64 {
        self.cloud.clock.now_ms()
    }

    fn note(&self, what: &str, user: Option<&str>, detail: Value) {
        self.cloud.note("convex", what, user, detail);
    }

    /// Notes that a function runs now, and as whom. `via` tells the connection or the HTTP call.
    fn note_run(&self, what: &str, caller: &Identity, args: &Value, via: &Value) {
        let user = caller.as_ref().map(|caller| caller.user_id.as_str());
        let org = caller.as_ref().and_then(|caller| caller.org_id.as_deref());
        let jti = caller.as_ref().and_then(|caller| caller.jti.as_deref());
        self.note(what, user, json!({ "args": args, "org": org, "jti": jti, "via": via }));
    }
}
