//! Who a connection or a call speaks for, and when a token is good enough to say so: signature, issuer,
//! audience and expiry, without leeway. It must never hold on to the token itself.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::{Cloud, VerifyError};

/// The audience that Convex is configured with for Clerk.
const AUDIENCE: &str = "convex";

/// Somebody, or nobody.
pub(super) type Identity = Option<Arc<Caller>>;

/// What a token said about its bearer.
#[derive(Debug)]
pub(super) struct Caller {
    pub user_id: String,
    pub org_id: Option<String>,
    pub name: Option<String>,
    pub jti: Option<String>,
    pub exp_ms: i64,
}

impl Caller {
    /// Whether the token that brought this caller has expired.
    pub fn expired(&self, now_ms: i64) -> bool {
        now_ms >= self.exp_ms
    }

    /// What `users:whoami` tells.
    pub fn to_json(&self) -> Value {
        json!({ "userId": self.user_id, "orgId": self.org_id, "name": self.name })
    }
}

/// Why a token was refused: the code and the message of the HTTP answer.
#[derive(Debug)]
pub(super) struct Refusal {
    pub code: &'static str,
    pub message: String,
}

impl Refusal {
    /// There are no admin keys here.
    pub fn admin_key() -> Self {
        Self { code: "BadDeployKey", message: "Only bearer tokens are accepted here.".into() }
    }

    fn unauthenticated(why: impl std::fmt::Display) -> Self {
        Self { code: "Unauthenticated", message: format!("Could not verify the OIDC token: {why}.") }
    }
}

/// The bearer of a token.
pub(super) fn authenticate(cloud: &Cloud, token: &str) -> Result<Arc<Caller>, Refusal> {
    let claims = cloud.keys.verify(token, cloud.clock.now_ms()).map_err(|error| match error {
        VerifyError::Malformed(_) => Refusal { code: "InvalidAuthHeader", message: error.to_string() },
        _ => Refusal::unauthenticated(error),
    })?;
    if claims.get("iss") != Some(&Value::from(cloud.issuer())) || !has_audience(&claims) {
        let message = format!(
            "No auth provider matches this token (iss {}, aud {}); expected {} and \"{AUDIENCE}\".",
            claims["iss"],
            claims["aud"],
            cloud.issuer(),
        );
        return Err(Refusal { code: "NoAuthProvider", message });
    }
    let text = |claim: &Value| claim.as_str().map(String::from);
    let user_id = text(&claims["sub"]).ok_or_else(|| Refusal::unauthenticated("it has no subject"))?;
    let exp = claims["exp"].as_i64().ok_or_else(|| Refusal::unauthenticated("it has no expiry"))?;
    Ok(Arc::new(Caller {
        user_id,
        org_id: text(&claims["org_id"]).or_else(|| text(&claims["o"]["id"])),
        name: text(&claims["name"]),
        jti: text(&claims["jti"]),
        exp_ms: exp.saturating_mul(1000),
    }))
}

fn has_audience(claims: &Value) -> bool {
    match &claims["aud"] {
        Value::String(audience) => audience == AUDIENCE,
        Value::Array(audiences) => audiences.iter().any(|audience| audience == AUDIENCE),
        _ => false,
    }
}
