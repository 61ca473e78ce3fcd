//! Opens a service to pages of every origin, with the headers they ask for. It must never be put before
//! the control endpoint, which is for this machine's tests alone.

use axum::extract::Request;
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

/// Answers preflights by itself and lets every page read the other answers.
pub async fn open(request: Request, next: Next) -> Response {
    let origin = request.headers().get(header::ORIGIN).cloned();
    let asked = request.headers().get(header::ACCESS_CONTROL_REQUEST_HEADERS).cloned();
    let mut response = match *request.method() {
        Method::OPTIONS => StatusCode::NO_CONTENT.into_response(),
        _ => next.run(request).await,
    };
    let Some(origin) = origin else { return response };
    let headers = response.headers_mut();
    let mut allow = |name, value| headers.insert(name, value);
    // A "*" would not cover Authorization, nor a request with credentials.
    allow(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    allow(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
    allow(
        header::ACCESS_CONTROL_ALLOW_HEADERS,
        asked.unwrap_or(HeaderValue::from_static("Authorization, Content-Type")),
    );
    allow(
        header::ACCESS_CONTROL_ALLOW_METHODS,
        HeaderValue::from_static("GET, POST, PUT, PATCH, DELETE, OPTIONS"),
    );
    allow(
        header::ACCESS_CONTROL_EXPOSE_HEADERS,
        HeaderValue::from_static("WWW-Authenticate, Retry-After, Location"),
    );
    allow(header::VARY, HeaderValue::from_static("Origin, Access-Control-Request-Headers"));
    response
}
