//! What a browser does with its sessions: look at them, touch them, switch organisation, mint tokens, end
//! them. Another browser's session must never be reachable.

use serde_json::{Value, json};

use super::call::Call;
use super::error::ClerkError;
use super::model::{Model, Session};
use super::resources;
use super::tokens::Mint;

/// `GET /client`.
pub fn client(mint: &Mint<'_>, model: &Model, call: &Call) -> Result<Value, ClerkError> {
    let (db_jwt, _) = model.client(call.db_jwt())?;
    Ok(json!({ "response": resources::client(mint, model, db_jwt)?, "client": null }))
}

/// `DELETE /client/sessions`: signs out of everything.
pub fn end_all(mint: &Mint<'_>, model: &mut Model, call: &Call) -> Result<Value, ClerkError> {
    let db_jwt = model.client(call.db_jwt())?.0.to_owned();
    model.end_sessions("removed", mint.now, |session| session.client == db_jwt);
    client(mint, model, call)
}

/// `GET /client/sessions/{id}`.
pub fn read(mint: &Mint<'_>, model: &Model, call: &Call, id: &str) -> Result<Value, ClerkError> {
    answer(mint, model, call, own(model, call, id)?)
}

/// `POST /client/sessions/{id}/touch`: makes it the active one, perhaps in another organisation.
pub fn touch(mint: &Mint<'_>, model: &mut Model, call: &Call, id: &str) -> Result<Value, ClerkError> {
    let (db_jwt, session) = (model.client(call.db_jwt())?.0.to_owned(), own(model, call, id)?);
    let org_id = match call.param("active_organization_id") {
        Some(organization) => model.member_of(&session.user_id, organization)?,
        None => session.org_id.clone(),
    };
    if let Some(session) = model.sessions.get_mut(id) {
        session.org_id = org_id;
        session.last_active_at = mint.now;
        session.updated_at = mint.now;
    }
    if let Some(client) = model.clients.get_mut(&db_jwt) {
        client.last_active_session_id = Some(id.into());
        client.updated_at = mint.now;
    }
    read(mint, model, call, id)
}

/// `POST /client/sessions/{id}/end` and `/remove`.
pub fn end(
    mint: &Mint<'_>,
    model: &mut Model,
    call: &Call,
    id: &str,
    status: &str,
) -> Result<Value, ClerkError> {
    own(model, call, id)?;
    model.end_sessions(status, mint.now, |session| session.id == id);
    let ended = model.sessions.get(id).ok_or_else(ClerkError::unauthenticated)?;
    answer(mint, model, call, ended)
}

/// `POST /client/sessions/{id}/tokens`.
pub fn session_token(mint: &Mint<'_>, model: &Model, call: &Call, id: &str) -> Result<Value, ClerkError> {
    let session = own(model, call, id)?;
    Ok(resources::token(mint.session_token(model, session, call.param("organization_id"))?))
}

/// `POST /client/sessions/{id}/tokens/{template}`.
pub fn template_token(
    mint: &Mint<'_>,
    model: &Model,
    call: &Call,
    id: &str,
    template: &str,
) -> Result<Value, ClerkError> {
    Ok(resources::token(mint.template_token(model, own(model, call, id)?, template)?))
}

/// The session a call acts for: the one it names, else the browser's active one.
pub fn current<'a>(model: &'a Model, call: &Call) -> Result<&'a Session, ClerkError> {
    let (_, client) = model.client(call.db_jwt())?;
    let id = call.session_id().or(client.last_active_session_id.as_deref());
    own(model, call, id.ok_or_else(ClerkError::signed_out)?)
}

fn own<'a>(model: &'a Model, call: &Call, id: &str) -> Result<&'a Session, ClerkError> {
    let (db_jwt, _) = model.client(call.db_jwt())?;
    model.live_session(db_jwt, id)
}

fn answer(mint: &Mint<'_>, model: &Model, call: &Call, session: &Session) -> Result<Value, ClerkError> {
    let (db_jwt, _) = model.client(call.db_jwt())?;
    Ok(json!({
        "response": resources::session(mint, model, session)?,
        "client": resources::client(mint, model, db_jwt)?,
    }))
}
