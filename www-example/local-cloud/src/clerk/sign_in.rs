//! Signing in, by ticket or by password (in one step or two). An attempt must never complete for another
//! user than it was started for.

use serde_json::{Value, json};

use super::call::Call;
use super::error::ClerkError;
use super::model::{Model, SignIn, new_id};
use super::resources;
use super::tokens::Mint;

/// `POST /client/sign_ins`.
pub fn create(mint: &Mint<'_>, model: &mut Model, call: &Call) -> Result<Value, ClerkError> {
    let db_jwt = model.client(call.db_jwt())?.0.to_owned();
    let strategy = call.param("strategy").filter(|strategy| !strategy.is_empty());
    match (strategy, call.param("identifier"), call.param("password")) {
        (Some("ticket"), _, _) => {
            let ticket = call.required("ticket")?;
            let user_id = model.tickets.get(ticket).cloned().ok_or_else(ClerkError::ticket)?;
            let answer = complete(mint, model, &db_jwt, start(&user_id, "ticket"))?;
            // Used up only now, so that a refused attempt may be repeated.
            model.tickets.remove(ticket);
            Ok(answer)
        }
        (Some("password") | None, Some(identifier), password) => {
            let user_id = model.user_by_identifier(identifier)?.id.clone();
            let attempt = start(&user_id, "password");
            match password {
                Some(password) if model.is_password(password) => complete(mint, model, &db_jwt, attempt),
                Some(_) => Err(ClerkError::password()),
                None if strategy.is_some() => Err(ClerkError::missing("password")),
                None => pending(mint, model, &db_jwt, attempt),
            }
        }
        (None, None, _) => pending(mint, model, &db_jwt, start("", "")),
        (Some("password"), None, _) => Err(ClerkError::missing("identifier")),
        (Some(other), _, _) => Err(ClerkError::invalid("strategy", other)),
    }
}

/// `GET /client/sign_ins/{id}`.
pub fn read(mint: &Mint<'_>, model: &Model, call: &Call, id: &str) -> Result<Value, ClerkError> {
    let (db_jwt, client) = model.client(call.db_jwt())?;
    let attempt = client.sign_in.as_ref().filter(|attempt| attempt.id == id);
    let attempt = attempt.ok_or_else(|| ClerkError::not_found("sign in"))?;
    answer(mint, model, db_jwt, attempt)
}

/// `POST /client/sign_ins/{id}/attempt_first_factor`.
pub fn attempt_first_factor(
    mint: &Mint<'_>,
    model: &mut Model,
    call: &Call,
    id: &str,
) -> Result<Value, ClerkError> {
    let (db_jwt, client) = model.client(call.db_jwt())?;
    let attempt = client.sign_in.clone().filter(|attempt| attempt.id == id && attempt.strategy == "password");
    let attempt = attempt.ok_or_else(|| ClerkError::not_found("sign in"))?;
    let db_jwt = db_jwt.to_owned();
    match call.required("strategy")? {
        "password" if model.is_password(call.required("password")?) => {
            complete(mint, model, &db_jwt, attempt)
        }
        "password" => Err(ClerkError::password()),
        other => Err(ClerkError::invalid("strategy", other)),
    }
}

fn start(user_id: &str, strategy: &str) -> SignIn {
    let id = new_id("sia");
    SignIn { id, user_id: user_id.into(), strategy: strategy.into(), created_session_id: None }
}

fn pending(mint: &Mint<'_>, model: &mut Model, db_jwt: &str, attempt: SignIn) -> Result<Value, ClerkError> {
    if let Some(client) = model.clients.get_mut(db_jwt) {
        client.sign_in = Some(attempt.clone());
        client.updated_at = mint.now;
    }
    answer(mint, model, db_jwt, &attempt)
}

fn complete(
    mint: &Mint<'_>,
    model: &mut Model,
    db_jwt: &str,
    mut attempt: SignIn,
) -> Result<Value, ClerkError> {
    attempt.created_session_id = Some(model.open_session(db_jwt, &attempt.user_id, mint.now)?);
    if let Some(client) = model.clients.get_mut(db_jwt) {
        client.sign_in = None;
    }
    answer(mint, model, db_jwt, &attempt)
}

fn answer(mint: &Mint<'_>, model: &Model, db_jwt: &str, attempt: &SignIn) -> Result<Value, ClerkError> {
    Ok(json!({
        "response": resources::sign_in(model, attempt, mint.now),
        "client": resources::client(mint, model, db_jwt)?,
    }))
}
