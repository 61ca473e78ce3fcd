//! Who a request or a socket speaks for, and in which role: the claims of a good token, or the anonymous
//! role where no token was sent at all. A refusal uses the service's own codes and words; the token itself
//! must never be kept.

use serde_json::{Value, json};

use super::Engine;
use crate::VerifyError;

const NAMESPACE: &str = "https://hasura.io/jwt/claims";
/// The role of those who send no token.
pub(super) const ANONYMOUS: &str = "anonymous";

/// What is known of a caller.
#[derive(Debug)]
pub(super) struct Caller {
    pub role: String,
    /// `x-hasura-user-id`.
    pub user_id: Option<String>,
    /// `x-hasura-org-id`; empty for a personal workspace.
    pub org_id: Option<String>,
    pub jti: Option<String>,
    /// When its token expires.
    pub exp_ms: Option<i64>,
}

/// Why something was refused, as it is told to the client.
#[derive(Clone, Debug)]
pub(super) struct Refusal {
    pub code: &'static str,
    pub path: String,
    pub message: String,
}

impl Refusal {
    pub fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, path: "$".into(), message: message.into() }
    }

    /// A token that does not hold.
    pub fn invalid_jwt(why: &str) -> Self {
        Self::new("invalid-jwt", format!("Could not verify JWT: {why}"))
    }

    /// What a "reject" fault says: that the token has expired, unless it has words of its own.
    pub fn asked_for(message: Option<String>) -> Self {
        match message {
            Some(message) => Self::new("invalid-jwt", message),
            None => Self::invalid_jwt("JWTExpired"),
        }
    }

    /// A request that the role's schema does not know.
    pub fn validation(path: &str, message: impl Into<String>) -> Self {
        Self { path: path.into(), ..Self::new("validation-failed", message) }
    }

    /// One element of `errors`.
    pub fn to_json(&self) -> Value {
        json!({ "message": self.message, "extensions": { "code": self.code, "path": self.path } })
    }
}

impl Caller {
    fn anonymous() -> Self {
        Self { role: ANONYMOUS.into(), user_id: None, org_id: None, jti: None, exp_ms: None }
    }

    /// The organisation, if any is active.
    pub fn organization(&self) -> Option<String> {
        self.org_id.clone().filter(|id| !id.is_empty())
    }
}

/// The caller with this Authorization header and this wish for a role.
pub(super) fn identify(
    engine: &Engine,
    authorization: Option<&str>,
    wanted_role: Option<&str>,
) -> Result<Caller, Refusal> {
    let Some(header) = authorization else {
        // The wish for a role counts for nothing without a token.
        return if engine.allows_anonymous() {
            Ok(Caller::anonymous())
        } else {
            let why = "Missing 'Authorization' or 'Cookie' header in JWT authentication mode";
            Err(Refusal::new("invalid-headers", why))
        };
    };
    let parts: Vec<&str> = header.split_whitespace().collect();
    let &["Bearer", token] = parts.as_slice() else {
        return Err(Refusal::new("invalid-headers", "Malformed Authorization header"));
    };
    let claims = verify(engine, token)?;
    caller(&claims, wanted_role)
}

/// The claims of a token that holds at this moment, without leeway.
fn verify(engine: &Engine, token: &str) -> Result<Value, Refusal> {
    let parts = token.split('.').count();
    if parts != 3 {
        let why = format!("Invalid number of parts: Expected 3 parts; got {parts}");
        return Err(Refusal::invalid_jwt(&format!("JWSError (CompactDecodeError {why})")));
    }
    let now_ms = engine.cloud.clock.now_ms();
    let claims = engine.cloud.keys.verify(token, now_ms).map_err(|error| match error {
        VerifyError::Expired => Refusal::invalid_jwt("JWTExpired"),
        VerifyError::NotYetValid => Refusal::invalid_jwt("JWTNotYetValid"),
        VerifyError::Signature => Refusal::invalid_jwt("JWSError JWSInvalidSignature"),
        VerifyError::Malformed(why) => Refusal::invalid_jwt(&format!("JWSError (JSONDecodeError {why:?})")),
    })?;
    if claims["iat"].as_i64().is_some_and(|iat| iat.saturating_mul(1000) > now_ms) {
        return Err(Refusal::invalid_jwt("JWTIssuedAtFuture"));
    }
    if claims["iss"] != engine.cloud.issuer() {
        return Err(Refusal::invalid_jwt("JWTNotInIssuer"));
    }
    Ok(claims)
}

fn caller(claims: &Value, wanted_role: Option<&str>) -> Result<Caller, Refusal> {
    let session = claims[NAMESPACE]
        .as_object()
        .ok_or_else(|| Refusal::new("jwt-invalid-claims", format!("claims key: '{NAMESPACE}' not found")))?;
    let missing =
        |name: &str| Refusal::new("jwt-missing-role-claims", format!("JWT claim does not contain {name}"));
    let allowed = session.get("x-hasura-allowed-roles").ok_or_else(|| missing("x-hasura-allowed-roles"))?;
    let allowed = allowed
        .as_array()
        .and_then(|roles| roles.iter().map(Value::as_str).collect::<Option<Vec<_>>>())
        .ok_or_else(|| {
            let why = "invalid x-hasura-allowed-roles; should be a list of roles";
            Refusal::new("jwt-invalid-claims", why)
        })?;
    for (name, claim) in session {
        if name != "x-hasura-allowed-roles" && !claim.is_string() {
            let why = format!("x-hasura-* claims: {name} should be a string");
            return Err(Refusal::new("jwt-invalid-claims", why));
        }
    }
    let text = |name: &str| session.get(name).and_then(Value::as_str).map(String::from);
    let default_role = text("x-hasura-default-role").ok_or_else(|| missing("x-hasura-default-role"))?;
    let role = wanted_role.map_or(default_role, String::from);
    if !allowed.contains(&role.as_str()) {
        return Err(Refusal::new("access-denied", "Your requested role is not in allowed roles"));
    }
    Ok(Caller {
        role,
        user_id: text("x-hasura-user-id"),
        org_id: text("x-hasura-org-id"),
        jti: claims["jti"].as_str().map(String::from),
        exp_ms: claims["exp"].as_i64().map(|exp| exp.saturating_mul(1000)),
    })
}
