//! A plain HTTP API as an application would have of its own: it asks for a bearer token and says 401 when
//! that is no good. Below `/__api/`, open to pages of every origin; it must never answer as anybody but the
//! bearer of a good token.
//!
//! | route | answer |
//! |---|---|
//! | `GET whoami` | `{userId, orgId}`; nulls without a header; 401 for a bad token |
//! | `GET private` | the same, but 401 also without a header |
//! | any `echo` | `{method, body, headers, user}`, Authorization as `Bearer <user>` |
//! | `GET forbidden` | 403 |
//! | any `redirect?to=&status=` | a redirection, 302 by default |
//! | `GET slow?chunks=&ms=` | a body in pieces, three by default, so many milliseconds apart |

mod caller;
mod routes;

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use axum::{Json, Router};
use serde_json::json;

use self::caller::{Caller, Unauthorized};
use crate::fate::Fate;
use crate::{Cloud, cors};

/// The name of this service in faults and log.
pub const SERVICE: &str = "api";

/// The routes of the API.
pub fn router(cloud: Arc<Cloud>) -> Router {
    let routes = Router::new()
        .route("/whoami", get(routes::whoami))
        .route("/private", get(routes::private))
        .route("/echo", any(routes::echo))
        .route("/forbidden", get(routes::forbidden))
        .route("/redirect", any(routes::redirect))
        .route("/slow", get(routes::slow))
        .fallback(async || (StatusCode::NOT_FOUND, Json(json!({ "error": "not_found" }))))
        .layer(middleware::from_fn_with_state(cloud, faulty))
        .layer(middleware::from_fn(cors::open));
    Router::new().nest("/__api", routes)
}

/// Logs the request and acts out the fault that is due. Who calls is found out when the request is
/// handled, so a token can expire while a fault delays it.
async fn faulty(State(cloud): State<Arc<Cloud>>, mut request: Request, next: Next) -> Response {
    let what = format!("{} /__api{}", request.method(), request.uri().path());
    let fault = cloud.faults.take(SERVICE, &what);
    let fate = Fate::of(fault.as_ref(), &cloud.faults);
    let authorization = request.headers().get(header::AUTHORIZATION).cloned();
    let note = |caller: &Result<Option<Caller>, Unauthorized>| {
        let (known, refused) = match caller {
            Ok(known) => (known.as_ref(), None),
            Err(refusal) => (None, Some(&refusal.0)),
        };
        let detail = json!({
            "fault": fault,
            "org": known.and_then(|caller| caller.org_id.as_deref()),
            "jti": known.and_then(|caller| caller.jti.as_deref()),
            "refused": refused,
        });
        cloud.note(SERVICE, &what, known.map(|caller| caller.user_id.as_str()), detail)
    };
    let (seq, response) = match fate {
        Fate::Handled { before, after } => {
            before.await;
            let caller = caller::bearer(&cloud, authorization.as_ref());
            let seq = note(&caller);
            request.extensions_mut().insert(caller);
            let response = next.run(request).await;
            after.await;
            (seq, response)
        }
        failed => {
            let seq = note(&caller::bearer(&cloud, authorization.as_ref()));
            let refuse = |message: Option<String>| {
                Unauthorized(message.unwrap_or("Rejected by a fault.".into())).into_response()
            };
            (seq, failed.answer(refuse).await)
        }
    };
    cloud.log.answered(seq, response.status().as_u16());
    response
}
