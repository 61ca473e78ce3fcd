//! Minting: the claims of session tokens and of template tokens, as Clerk makes them. A token must never
//! be minted for a session that has ended.

use serde_json::{Map, Value, json};

use super::error::ClerkError;
use super::model::{Model, Session, new_id};
use super::templates::Subject;
use crate::Cloud;

/// Clerk backdates `nbf` so that a verifier whose clock is a little behind does not refuse a new token.
const SESSION_NBF_SECONDS: i64 = 10;
const TEMPLATE_NBF_SECONDS: i64 = 5;

/// Who mints, when, and for a page of which origin.
pub struct Mint<'a> {
    /// Keys and issuer.
    pub cloud: &'a Cloud,
    /// Milliseconds.
    pub now: i64,
    /// The page's origin.
    pub azp: &'a str,
}

impl Mint<'_> {
    /// A session token. `organization` overrides the session's own.
    pub fn session_token(
        &self,
        model: &Model,
        session: &Session,
        organization: Option<&str>,
    ) -> Result<String, ClerkError> {
        let org_id = match organization {
            Some(organization) => model.member_of(&session.user_id, organization)?,
            None => session.org_id.clone(),
        };
        let subject = subject(model, session, org_id.as_deref())?;
        let mut claims = subject.fill(&model.session_claims);
        let minutes = self.now.saturating_sub(session.created_at).max(0) / 60_000;
        claims.extend(self.base(session, model.session_lifetime_seconds, SESSION_NBF_SECONDS));
        claims.insert("fva".into(), json!([minutes, -1]));
        claims.insert("sid".into(), session.id.clone().into());
        claims.insert("sts".into(), session.status.clone().into());
        claims.insert("v".into(), 2.into());
        if let Some(organization) = subject.organization {
            let role = subject.user.roles.get(&organization.id).map(String::as_str).unwrap_or_default();
            let role = role.strip_prefix("org:").unwrap_or(role);
            claims
                .insert("o".into(), json!({ "id": organization.id, "slg": organization.slug, "rol": role }));
        }
        Ok(self.sign(claims, "cl_B7d4PD111AAA"))
    }

    /// A token of a template: no `sid`, `sts`, `v` or `o`.
    pub fn template_token(&self, model: &Model, session: &Session, name: &str) -> Result<String, ClerkError> {
        let template = model.templates.get(name).ok_or_else(|| ClerkError::not_found("JWT template"))?;
        let mut claims = self.base(session, template.lifetime_seconds, TEMPLATE_NBF_SECONDS);
        // A template may set what it likes, also `sub` or `exp`: tests want odd tokens.
        claims.extend(subject(model, session, session.org_id.as_deref())?.fill(&template.claims));
        Ok(self.sign(claims, "cl_B7d4PD222AAA"))
    }

    fn base(&self, session: &Session, lifetime_seconds: i64, nbf_seconds: i64) -> Map<String, Value> {
        let iat = self.now.div_euclid(1000);
        let claims = json!({
            "azp": self.azp,
            "exp": iat.saturating_add(lifetime_seconds),
            "iat": iat,
            "iss": self.cloud.issuer(),
            "jti": new_id("jti"),
            "nbf": iat.saturating_sub(nbf_seconds),
            "sub": session.user_id,
        });
        claims.as_object().cloned().unwrap_or_default()
    }

    fn sign(&self, claims: Map<String, Value>, category: &str) -> String {
        let header = json!({ "cat": category, "oiat": claims.get("iat") });
        self.cloud.keys.sign(&Value::Object(claims), &header)
    }
}

fn subject<'a>(model: &'a Model, session: &Session, org_id: Option<&str>) -> Result<Subject<'a>, ClerkError> {
    let user = model.users.get(&session.user_id).ok_or_else(ClerkError::unauthenticated)?;
    Ok(Subject { user, organization: org_id.and_then(|id| model.organizations.get(id)) })
}
