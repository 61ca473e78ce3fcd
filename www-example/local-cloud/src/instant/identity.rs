//! Who an id token speaks for, and when it is good enough to say so: signature, expiry without leeway,
//! issuer and nonce, but no audience, as Instant does for Clerk. It must never use an address that the
//! token does not call verified, nor hold on to the token.

use serde_json::Value;

use super::refusal::Refusal;
use crate::{Cloud, VerifyError};

/// What an id token said about its bearer.
#[derive(Clone, Debug)]
pub(super) struct Person {
    pub sub: String,
    /// Only if verified.
    pub email: Option<String>,
    pub image: Option<String>,
}

/// The bearer of an id token.
pub(super) fn verify(cloud: &Cloud, token: &str, nonce: Option<&str>) -> Result<Person, Refusal> {
    let claims = cloud.keys.verify(token, cloud.clock.now_ms()).map_err(|error| {
        Refusal::oauth(match error {
            VerifyError::Malformed(_) => "Invalid JWT.",
            VerifyError::Signature => "Error validating JWT. Signature is invalid.",
            VerifyError::Expired => "Error validating JWT. Token is expired.",
            VerifyError::NotYetValid => "Error validating JWT. Token is not valid yet.",
        })
    })?;
    let invalid = |reason: &str| Refusal::validation("id_token", reason);
    let text = |name: &str| claims[name].as_str().map(String::from);
    match (text("nonce"), nonce) {
        (claimed, sent) if claimed.as_deref() == sent => {}
        (None, _) => return Err(invalid("The id_token is missing a nonce.")),
        (_, None) => return Err(invalid("The nonce parameter was not provided in the request.")),
        _ => return Err(invalid("The nonces do not match.")),
    }
    if claims["iss"] != cloud.issuer() {
        return Err(invalid(&format!("The id_token wasn't issued by {}.", cloud.issuer())));
    }
    let sub = text("sub").ok_or_else(|| invalid("The id_token had no subject."))?;
    let verified = claims["email_verified"] == Value::Bool(true);
    Ok(Person { sub, email: text("email").filter(|_| verified), image: text("picture") })
}
