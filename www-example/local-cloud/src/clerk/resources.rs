//! The JSON that clerk-js reads: client, session, user, organisation, sign-in. Field names and shapes are
//! Clerk's. Rendering must never change what it renders.

use serde_json::{Value, json};

use super::error::ClerkError;
use super::model::{Client, Model, Organization, Session, SignIn, User};
use super::tokens::Mint;

/// How long a session lasts, and how long until it counts as abandoned.
const EXPIRE_MS: i64 = 7 * 24 * 3_600_000;
const ABANDON_MS: i64 = 30 * 24 * 3_600_000;

/// A browser with its live sessions, each with a fresh token.
pub fn client(mint: &Mint<'_>, model: &Model, db_jwt: &str) -> Result<Value, ClerkError> {
    let (_, client) = model.client(Some(db_jwt))?;
    let Client { id, last_active_session_id, sign_in: attempt, created_at, updated_at } = client;
    let sessions: Vec<Value> = model
        .live_sessions(db_jwt)
        .into_iter()
        .map(|live| session(mint, model, live))
        .collect::<Result<_, _>>()?;
    Ok(json!({
        "object": "client",
        "id": id,
        "sessions": sessions,
        "sign_in": attempt.as_ref().map(|attempt| sign_in(model, attempt, *created_at)),
        "sign_up": null,
        "last_active_session_id": last_active_session_id,
        "last_authentication_strategy": null,
        "cookie_expires_at": null,
        "captcha_bypass": false,
        "created_at": created_at,
        "updated_at": updated_at,
    }))
}

/// A session. An ended one has no token.
pub fn session(mint: &Mint<'_>, model: &Model, session: &Session) -> Result<Value, ClerkError> {
    let owner = model.users.get(&session.user_id).ok_or_else(ClerkError::unauthenticated)?;
    let token =
        if session.is_live() { token(mint.session_token(model, session, None)?) } else { Value::Null };
    let tasks =
        if session.status == "pending" { json!([{ "key": "choose-organization" }]) } else { Value::Null };
    let minutes = mint.now.saturating_sub(session.created_at).max(0) / 60_000;
    Ok(json!({
        "object": "session",
        "id": session.id,
        "status": session.status,
        "expire_at": session.created_at.saturating_add(EXPIRE_MS),
        "abandon_at": session.created_at.saturating_add(ABANDON_MS),
        "last_active_at": session.last_active_at,
        "last_active_organization_id": session.org_id,
        "last_active_token": token,
        "actor": null,
        "tasks": tasks,
        "factor_verification_age": [minutes, -1],
        "user": user(model, owner),
        "public_user_data": public_user_data(owner),
        "created_at": session.created_at,
        "updated_at": session.updated_at,
    }))
}

/// A token resource.
pub fn token(jwt: String) -> Value {
    json!({ "object": "token", "jwt": jwt })
}

/// A user with their memberships.
pub fn user(model: &Model, user: &User) -> Value {
    let email_id = format!("idn_{}", user.id);
    json!({
        "object": "user",
        "id": user.id,
        "username": null,
        "first_name": user.first_name,
        "last_name": user.last_name,
        "image_url": "",
        "has_image": false,
        "primary_email_address_id": email_id,
        "primary_phone_number_id": null,
        "primary_web3_wallet_id": null,
        "email_addresses": [{
            "object": "email_address",
            "id": email_id,
            "email_address": user.email,
            "reserved": false,
            "verification": { "object": "verification_admin", "status": "verified", "strategy": "admin", "attempts": null, "expire_at": null },
            "linked_to": [],
            "matches_sso_connection": false,
            "created_at": user.created_at,
            "updated_at": user.updated_at,
        }],
        "phone_numbers": [],
        "web3_wallets": [],
        "external_accounts": [],
        "enterprise_accounts": [],
        "saml_accounts": [],
        "passkeys": [],
        "organization_memberships": memberships(model, user),
        "password_enabled": true,
        "totp_enabled": false,
        "backup_code_enabled": false,
        "two_factor_enabled": false,
        "public_metadata": {},
        "unsafe_metadata": {},
        "external_id": null,
        "banned": false,
        "locked": false,
        "create_organization_enabled": false,
        "create_organizations_limit": null,
        "delete_self_enabled": false,
        "last_sign_in_at": user.created_at,
        "legal_accepted_at": null,
        "created_at": user.created_at,
        "updated_at": user.updated_at,
    })
}

/// The memberships of one user.
pub fn memberships(model: &Model, user: &User) -> Vec<Value> {
    user.roles
        .iter()
        .filter_map(|(id, role)| Some(membership(model, model.organizations.get(id)?, user, role)))
        .collect()
}

/// The memberships of one organisation.
pub fn members(model: &Model, known: &Organization) -> Vec<Value> {
    model
        .users
        .values()
        .filter_map(|user| Some(membership(model, known, user, user.roles.get(&known.id)?)))
        .collect()
}

fn membership(model: &Model, known: &Organization, user: &User, role: &str) -> Value {
    let permissions: &[&str] = match role {
        "org:admin" => &["org:sys_profile:manage", "org:sys_memberships:read", "org:sys_memberships:manage"],
        _ => &["org:sys_memberships:read"],
    };
    json!({
        "object": "organization_membership",
        "id": format!("orgmem_{}_{}", known.slug, user.id),
        "role": role,
        "role_name": role.strip_prefix("org:").unwrap_or(role),
        "permissions": permissions,
        "public_metadata": {},
        "organization": organization(model, known),
        "public_user_data": public_user_data(user),
        "created_at": user.created_at,
        "updated_at": user.updated_at,
    })
}

/// An organisation.
pub fn organization(model: &Model, known: &Organization) -> Value {
    let members = model.users.values().filter(|user| user.roles.contains_key(&known.id)).count();
    json!({
        "object": "organization",
        "id": known.id,
        "name": known.name,
        "slug": known.slug,
        "image_url": "",
        "has_image": false,
        "members_count": members,
        "pending_invitations_count": 0,
        "max_allowed_memberships": 100,
        "admin_delete_enabled": false,
        "public_metadata": {},
        "created_at": known.created_at,
        "updated_at": known.created_at,
    })
}

/// A page of a list.
pub fn list(data: Vec<Value>) -> Value {
    let total = data.len();
    json!({ "data": data, "total_count": total })
}

/// A sign-in attempt.
pub fn sign_in(model: &Model, attempt: &SignIn, created_at: i64) -> Value {
    let user = model.users.get(&attempt.user_id);
    let email = user.map(|user| user.email.as_str());
    let complete = attempt.created_session_id.is_some();
    let factor = json!({ "strategy": "password" });
    let status = if complete { "verified" } else { "unverified" };
    let verification = json!({
        "object": "verification", "status": status, "strategy": attempt.strategy, "attempts": 0, "expire_at": null,
    });
    json!({
        "object": "sign_in_attempt",
        "id": attempt.id,
        "status": if complete { "complete" } else { "needs_first_factor" },
        "supported_identifiers": ["email_address"],
        "supported_first_factors": [factor],
        "supported_second_factors": null,
        "first_factor_verification": verification,
        "second_factor_verification": null,
        "identifier": email,
        "user_data": user.map(|user| json!({
            "first_name": user.first_name, "last_name": user.last_name, "image_url": "", "has_image": false,
        })),
        "created_session_id": attempt.created_session_id,
        "abandon_at": created_at.saturating_add(24 * 3_600_000),
    })
}

fn public_user_data(user: &User) -> Value {
    json!({
        "first_name": user.first_name,
        "last_name": user.last_name,
        "image_url": "",
        "has_image": false,
        "identifier": user.email,
        "user_id": user.id,
    })
}
