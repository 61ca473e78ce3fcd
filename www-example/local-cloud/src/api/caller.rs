//! Who calls the API: the bearer of a token with a good signature, issuer and time, without leeway. It must
//! never hold on to the token itself.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::Cloud;

/// What a token said about its bearer.
#[derive(Clone, Debug)]
pub(super) struct Caller {
    pub user_id: String,
    pub org_id: Option<String>,
    pub jti: Option<String>,
}

/// A token that is no good, or none where one is needed, and why.
#[derive(Clone, Debug)]
pub(super) struct Unauthorized(pub String);

impl IntoResponse for Unauthorized {
    fn into_response(self) -> Response {
        let challenge =
            [(header::WWW_AUTHENTICATE, HeaderValue::from_static(r#"Bearer error="invalid_token""#))];
        let body = json!({ "error": "invalid_token", "message": self.0 });
        (StatusCode::UNAUTHORIZED, challenge, Json(body)).into_response()
    }
}

/// The bearer of this header's token; nobody without a header.
pub(super) fn bearer(
    cloud: &Cloud,
    authorization: Option<&HeaderValue>,
) -> Result<Option<Caller>, Unauthorized> {
    let Some(header) = authorization else { return Ok(None) };
    let token = header.to_str().ok().and_then(|header| header.strip_prefix("Bearer "));
    let token = token.ok_or_else(|| Unauthorized("not a bearer token".into()))?;
    let claims =
        cloud.keys.verify(token, cloud.clock.now_ms()).map_err(|error| Unauthorized(error.to_string()))?;
    if claims["iss"] != cloud.issuer() {
        return Err(Unauthorized(format!("issued by {}", claims["iss"])));
    }
    let text = |claim: &Value| claim.as_str().map(String::from);
    let user_id = text(&claims["sub"]).ok_or_else(|| Unauthorized("the token has no subject".into()))?;
    Ok(Some(Caller {
        user_id,
        org_id: text(&claims["org_id"]).or_else(|| text(&claims["o"]["id"])),
        jti: text(&claims["jti"]),
    }))
}
