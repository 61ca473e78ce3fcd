//! One request to the Frontend API, read the way Clerk reads it: real method in `_method`, parameters in a
//! form, the browser named by `__clerk_db_jwt`. Reading must refuse in Clerk's words, not in axum's.

use std::collections::BTreeMap;

use axum::body::to_bytes;
use axum::extract::Request;
use axum::http::header;

use super::error::ClerkError;

const BODY_LIMIT: usize = 64 * 1024;

/// A request.
#[derive(Debug)]
pub struct Call {
    /// The method that is meant.
    pub method: String,
    /// The path below the mount point, e.g. `/v1/client`.
    pub path: String,
    /// The page's origin, where the browser tells it.
    pub origin: Option<String>,
    query: BTreeMap<String, String>,
    form: BTreeMap<String, String>,
}

fn pairs(encoded: &[u8]) -> BTreeMap<String, String> {
    form_urlencoded::parse(encoded).into_owned().collect()
}

impl Call {
    /// Reads the request line and headers; the body comes with [`Call::read_body`].
    pub fn read_head(request: &Request, path: &str) -> Self {
        let query = pairs(request.uri().query().unwrap_or_default().as_bytes());
        let method = query.get("_method").map_or(request.method().as_str(), String::as_str).to_uppercase();
        let header = |name| request.headers().get(name).and_then(|value| value.to_str().ok());
        let origin = header(header::ORIGIN).map(str::to_owned);
        Self { method, path: path.into(), origin, query, form: BTreeMap::new() }
    }

    /// Reads the form.
    pub async fn read_body(&mut self, request: Request) -> Result<(), ClerkError> {
        let body = to_bytes(request.into_body(), BODY_LIMIT)
            .await
            .map_err(|error| ClerkError::malformed(&error.to_string()))?;
        if std::str::from_utf8(&body).is_err() {
            return Err(ClerkError::malformed("The body is not UTF-8."));
        }
        self.form = pairs(&body);
        Ok(())
    }

    /// "METHOD /path", as in faults and log.
    pub fn what(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    /// The dev browser token.
    pub fn db_jwt(&self) -> Option<&str> {
        self.query.get("__clerk_db_jwt").map(String::as_str)
    }

    /// The session that clerk-js says it acts for.
    pub fn session_id(&self) -> Option<&str> {
        self.query.get("_clerk_session_id").map(String::as_str)
    }

    /// A form parameter; empty counts as given.
    pub fn param(&self, name: &str) -> Option<&str> {
        self.form.get(name).map(String::as_str)
    }

    /// A form parameter that must be there and not be empty.
    pub fn required(&self, name: &str) -> Result<&str, ClerkError> {
        self.param(name).filter(|value| !value.is_empty()).ok_or_else(|| ClerkError::missing(name))
    }
}
