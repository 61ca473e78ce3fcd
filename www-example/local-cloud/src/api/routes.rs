//! The API's answers. What arrived is told back as it was, but a token must never leave again.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::Query;
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use futures_util::stream;
use serde::Deserialize;
use serde_json::{Value, json};

use super::caller::{Caller, Unauthorized};

/// Who calls, or why nobody can tell.
type Bearer = Extension<Result<Option<Caller>, Unauthorized>>;

fn identity(caller: Option<&Caller>) -> Json<Value> {
    Json(json!({
        "userId": caller.map(|caller| &caller.user_id),
        "orgId": caller.and_then(|caller| caller.org_id.as_ref()),
    }))
}

pub(super) async fn whoami(Extension(bearer): Bearer) -> Result<Json<Value>, Unauthorized> {
    Ok(identity(bearer?.as_ref()))
}

pub(super) async fn private(Extension(bearer): Bearer) -> Result<Json<Value>, Unauthorized> {
    let caller = bearer?.ok_or_else(|| Unauthorized("a token is needed".into()))?;
    Ok(identity(Some(&caller)))
}

pub(super) async fn forbidden() -> impl IntoResponse {
    (StatusCode::FORBIDDEN, Json(json!({ "error": "forbidden" })))
}

pub(super) async fn echo(
    Extension(bearer): Bearer,
    method: Method,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Value>, Unauthorized> {
    let user = bearer?.map(|caller| caller.user_id);
    let told = |(name, value): (&header::HeaderName, &header::HeaderValue)| {
        let value = match (name, &user) {
            (&header::AUTHORIZATION, Some(user)) => format!("Bearer {user}"),
            _ => String::from_utf8_lossy(value.as_bytes()).into_owned(),
        };
        (name.to_string(), value)
    };
    let headers: BTreeMap<String, String> = headers.iter().map(told).collect();
    let body = String::from_utf8_lossy(&body);
    Ok(Json(json!({ "method": method.as_str(), "body": body, "headers": headers, "user": user })))
}

#[derive(Deserialize)]
pub(super) struct Redirect {
    to: String,
    status: Option<u16>,
}

pub(super) async fn redirect(Query(Redirect { to, status }): Query<Redirect>) -> Response {
    let status = StatusCode::from_u16(status.unwrap_or(302)).ok().filter(StatusCode::is_redirection);
    match status {
        Some(status) => (status, [(header::LOCATION, to)]).into_response(),
        None => (StatusCode::BAD_REQUEST, Json(json!({ "error": "not a redirection" }))).into_response(),
    }
}

#[derive(Deserialize)]
pub(super) struct Slow {
    chunks: Option<u64>,
    ms: Option<u64>,
}

/// "chunk 0\n", "chunk 1\n", ...; every one but the first comes after a pause.
pub(super) async fn slow(Query(Slow { chunks, ms }): Query<Slow>) -> Response {
    let (chunks, pause) = (chunks.unwrap_or(3), Duration::from_millis(ms.unwrap_or(50)));
    let pieces = stream::unfold(0, move |index| async move {
        if index >= chunks {
            return None;
        }
        if index > 0 {
            tokio::time::sleep(pause).await;
        }
        Some((Ok::<_, std::convert::Infallible>(format!("chunk {index}\n")), index + 1))
    });
    ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], Body::from_stream(pieces)).into_response()
}
