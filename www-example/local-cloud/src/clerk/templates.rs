//! JWT templates: claims with shortcodes such as `{{user.id}}`, as one writes them in Clerk's dashboard.
//! A shortcode must never reach a token unfilled.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::model::{Organization, User};

/// A JWT template.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Template {
    /// How long its tokens live.
    pub lifetime_seconds: i64,
    /// Its claims, shortcodes included.
    pub claims: Map<String, Value>,
}

/// What shortcodes are filled from.
pub struct Subject<'a> {
    /// The user the token is for.
    pub user: &'a User,
    /// The session's active organisation.
    pub organization: Option<&'a Organization>,
}

/// The templates every test starts with: one for each backend of the bridge.
pub fn seeded() -> BTreeMap<String, Template> {
    let claims = [
        (
            "convex",
            json!({
                "aud": "convex",
                "name": "{{user.full_name}}",
                "email": "{{user.primary_email_address}}",
                "email_verified": "{{user.email_verified}}",
                "org_id": "{{org.id}}",
                "org_role": "{{org.role}}",
            }),
        ),
        (
            "hasura",
            json!({ "https://hasura.io/jwt/claims": {
                "x-hasura-default-role": "user",
                "x-hasura-allowed-roles": ["user"],
                "x-hasura-user-id": "{{user.id}}",
                // Hasura refuses claims that are not strings, also null.
                "x-hasura-org-id": "{{org.id || ''}}",
            } }),
        ),
        ("triplit", json!({ "org_id": "{{org.id}}", "org_role": "{{org.role}}" })),
        (
            "instant",
            json!({ "email": "{{user.primary_email_address}}", "email_verified": "{{user.email_verified}}" }),
        ),
    ];
    let template = |claims: Value| Template {
        lifetime_seconds: 60,
        claims: claims.as_object().cloned().unwrap_or_default(),
    };
    claims.into_iter().map(|(name, claims)| (name.to_owned(), template(claims))).collect()
}

impl Subject<'_> {
    /// The claims with every shortcode filled.
    pub fn fill(&self, claims: &Map<String, Value>) -> Map<String, Value> {
        claims.iter().map(|(name, claim)| (name.clone(), self.fill_value(claim))).collect()
    }

    fn fill_value(&self, value: &Value) -> Value {
        match value {
            Value::String(text) => self.fill_text(text),
            Value::Array(items) => items.iter().map(|item| self.fill_value(item)).collect(),
            Value::Object(fields) => Value::Object(self.fill(fields)),
            other => other.clone(),
        }
    }

    /// A text that is one shortcode takes its type; inside other text it becomes text.
    fn fill_text(&self, text: &str) -> Value {
        let mut filled = String::new();
        let mut rest = text;
        while let Some((before, (code, after))) =
            rest.split_once("{{").and_then(|(before, tail)| Some((before, tail.split_once("}}")?)))
        {
            let value = self.shortcode(code);
            if before.is_empty() && after.is_empty() && filled.is_empty() {
                return value;
            }
            filled.push_str(before);
            match &value {
                Value::String(text) => filled.push_str(text),
                Value::Null => {}
                other => filled.push_str(&other.to_string()),
            }
            rest = after;
        }
        filled.push_str(rest);
        Value::String(filled)
    }

    /// `a || b || 'text'`: the first that is there.
    fn shortcode(&self, code: &str) -> Value {
        code.split("||")
            .map(|name| self.value(name.trim()))
            .find(|value| !value.is_null())
            .unwrap_or_default()
    }

    fn value(&self, name: &str) -> Value {
        if let Some(literal) = name.strip_prefix('\'').and_then(|text| text.strip_suffix('\'')) {
            return literal.into();
        }
        let user = self.user;
        let organization = self.organization;
        match name {
            "user.id" => user.id.clone().into(),
            "user.primary_email_address" => user.email.clone().into(),
            "user.email_verified" => true.into(),
            "user.first_name" => user.first_name.clone().into(),
            "user.last_name" => user.last_name.clone().into(),
            "user.full_name" => format!("{} {}", user.first_name, user.last_name).into(),
            "org.id" => organization.map(|organization| organization.id.clone()).into(),
            "org.slug" => organization.map(|organization| organization.slug.clone()).into(),
            "org.name" => organization.map(|organization| organization.name.clone()).into(),
            "org.role" => {
                organization.and_then(|organization| user.roles.get(&organization.id).cloned()).into()
            }
            _ => Value::Null,
        }
    }
}
