//! Local stand-ins for the services that clerk-bridge talks to, on one loopback origin: Clerk's Frontend
//! API, the backends, and a control endpoint that makes them fail on demand. They exist for tests
//! and the example, and must never be reachable from another machine or be trusted with a real secret.

#![deny(missing_docs)]

pub mod api;
pub mod clerk;
pub mod clock;
pub mod control;
pub mod convex;
pub mod cors;
pub mod fate;
pub mod faults;
pub mod hasura;
pub mod instant;
pub mod keys;
pub mod log;
pub mod pages;
pub mod server;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::http::Uri;
use serde_json::Value;

pub use clock::ServerClock;
pub use faults::{Fault, FaultKind, Faults};
pub use keys::{Keys, VerifyError};
pub use log::Log;

/// Where the files that are served come from.
#[derive(Clone, Debug, Default)]
pub struct Folders {
    /// The `dist` folder of an installed `@clerk/clerk-js`.
    pub clerk_js: Option<PathBuf>,
    /// A built page; unknown paths answer with its `index.html`.
    pub pages: Option<PathBuf>,
}

/// Everything the stand-ins share.
pub struct Cloud {
    /// Signs and verifies all tokens.
    pub keys: Keys,
    /// What shall go wrong.
    pub faults: Faults,
    /// The servers' time.
    pub clock: ServerClock,
    /// What was asked.
    pub log: Log,
    /// Users, sessions and templates.
    pub clerk: clerk::Clerk,
    /// Files to serve.
    pub folders: Folders,
    origin: String,
    resets: Mutex<Vec<Box<dyn Fn() + Send + Sync>>>,
}

impl Cloud {
    /// A cloud at `origin`, e.g. `http://127.0.0.1:4000`.
    pub fn new(origin: &str, folders: Folders) -> Arc<Self> {
        let clock = ServerClock::default();
        let clerk = clerk::Clerk::new(clock.now_ms());
        Arc::new(Self {
            keys: Keys::new(),
            faults: Faults::default(),
            clock,
            log: Log::default(),
            clerk,
            folders,
            origin: origin.trim_end_matches('/').into(),
            resets: Mutex::default(),
        })
    }

    /// Where this cloud is served.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The `iss` of every token. Discovery and keys lie below it, so it can be looked up like a real one.
    pub fn issuer(&self) -> String {
        format!("{}/__clerk", self.origin)
    }

    /// Appends to the log at the servers' time.
    pub fn note(&self, service: &str, what: &str, user: Option<&str>, detail: Value) -> u64 {
        self.log.add(self.clock.now_ms(), service, what, user, detail)
    }

    /// Registers what another stand-in does when a test resets the cloud.
    pub fn on_reset(&self, reset: impl Fn() + Send + Sync + 'static) {
        self.resets.lock().unwrap_or_else(PoisonError::into_inner).push(Box::new(reset));
    }

    /// Back to the start: no faults, real time, seeded users, empty log.
    pub fn reset(&self) {
        self.faults.clear(None);
        self.clock.set_offset_ms(0);
        self.clerk.reset(self.clock.now_ms());
        for reset in self.resets.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            reset();
        }
        self.log.clear();
    }
}

/// All stand-ins on one origin.
pub fn router(cloud: Arc<Cloud>) -> Router {
    Router::new()
        .merge(clerk::router(cloud.clone()))
        .merge(api::router(cloud.clone()))
        .merge(control::router(cloud.clone()))
        .merge(convex::router(cloud.clone()))
        .merge(instant::router(cloud.clone()))
        .merge(hasura::router(cloud.clone()))
        .fallback(move |uri: Uri| pages::serve(cloud.clone(), uri))
}
