//! The key that signs every token of the stand-ins. Its private half lies in this repository for all to
//! see (`public-test-key.jwk.json`), so that starting is instant; it must never be trusted by anything
//! that is not a test.

use std::fmt;

use jwt_compact::alg::{Rsa, RsaPrivateKey, RsaPublicKey};
use jwt_compact::jwk::JsonWebKey;
use jwt_compact::{AlgorithmExt, Claims, Header, UntrustedToken};
use serde_json::{Map, Value, json};

const KEY: &str = include_str!("public-test-key.jwk.json");
const KID: &str = "ins_public_test_key";

/// Why a token was not accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VerifyError {
    /// Not a JWT, or not one of RS256.
    Malformed(String),
    /// Signed by another key.
    Signature,
    /// `exp` has passed; there is no leeway.
    Expired,
    /// `nbf` is still to come.
    NotYetValid,
}

impl fmt::Display for VerifyError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(why) => write!(formatter, "malformed token: {why}"),
            Self::Signature => formatter.write_str("the signature does not match"),
            Self::Expired => formatter.write_str("the token has expired"),
            Self::NotYetValid => formatter.write_str("the token is not valid yet"),
        }
    }
}

impl std::error::Error for VerifyError {}

/// The RS256 key pair of the stand-ins.
pub struct Keys {
    private: RsaPrivateKey,
    public: RsaPublicKey,
}

impl Default for Keys {
    fn default() -> Self {
        Self::new()
    }
}

impl Keys {
    /// Loads the public test key.
    pub fn new() -> Self {
        let jwk: JsonWebKey<'_> = serde_json::from_str(KEY).expect("the committed key is a JWK");
        let private = RsaPrivateKey::try_from(&jwk).expect("the committed key is an RSA key");
        let public = private.to_public_key();
        Self { private, public }
    }

    /// The key's id, as in the tokens' headers and in the JWKS.
    pub fn kid(&self) -> &'static str {
        KID
    }

    /// Signs these claims. `header_extra` (an object) is added to `alg`, `kid` and `typ`, of which it may
    /// replace the last two.
    pub fn sign(&self, claims: &Value, header_extra: &Value) -> String {
        let mut extra = header_extra.as_object().cloned().unwrap_or_default();
        extra.remove("alg");
        let mut take = |name, default: &str| match extra.remove(name) {
            Some(Value::String(text)) => text,
            _ => default.to_owned(),
        };
        let (typ, kid) = (take("typ", "JWT"), take("kid", KID));
        let header = Header::new(extra).with_token_type(typ).with_key_id(kid);
        let claims = Claims::new(claims.as_object().cloned().unwrap_or_default());
        Rsa::rs256().token(&header, &claims, &self.private).expect("a JSON object can be signed")
    }

    /// The claims of a token with a good signature that is valid at `now_ms`. Issuer and audience are the
    /// caller's to check.
    pub fn verify(&self, token: &str, now_ms: i64) -> Result<Value, VerifyError> {
        let malformed = |why: &dyn fmt::Display| VerifyError::Malformed(why.to_string());
        let untrusted = UntrustedToken::new(token).map_err(|error| malformed(&error))?;
        if untrusted.algorithm() != "RS256" {
            return Err(malformed(&format_args!("algorithm {}", untrusted.algorithm())));
        }
        let token = Rsa::rs256().validator::<Map<String, Value>>(&self.public).validate(&untrusted).map_err(
            |error| match error {
                jwt_compact::ValidationError::MalformedClaims(why) => malformed(&why),
                _ => VerifyError::Signature,
            },
        )?;
        let claims = token.claims();
        if claims.expiration.is_some_and(|exp| now_ms >= exp.timestamp_millis()) {
            return Err(VerifyError::Expired);
        }
        if claims.not_before.is_some_and(|nbf| now_ms < nbf.timestamp_millis()) {
            return Err(VerifyError::NotYetValid);
        }
        serde_json::to_value(claims).map_err(|error| malformed(&error))
    }

    /// What `/.well-known/jwks.json` answers.
    pub fn jwks(&self) -> Value {
        let mut key = serde_json::to_value(JsonWebKey::from(&self.public)).unwrap_or_default();
        if let Some(fields) = key.as_object_mut() {
            fields.insert("use".into(), json!("sig"));
            fields.insert("alg".into(), json!("RS256"));
            fields.insert("kid".into(), json!(KID));
        }
        json!({ "keys": [key] })
    }
}
