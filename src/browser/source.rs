//! Where tokens come from: Clerk's browser object, any `TokenSource`, or what React's `useAuth` returned
//! last. Each is read afresh whenever it is asked (B8); reading one never throws, whatever it holds.

use super::host::{call, get};
use super::strings::Strings;
use crate::core::failure::Failure;
use crate::core::identity::{Name, Session, Source as State};
use js_sys::{Array, Function, Object, Reflect};
use wasm_bindgen::prelude::*;

/// The audience of tokens for Convex.
const CONVEX: &str = "convex";

/// How a source is read.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `getSession()`, `getToken()`, `subscribe()`.
    TokenSource,
    /// `window.Clerk` and its like.
    Clerk,
    /// `{ current: useAuth() }`, poked by the React binding after each render.
    UseAuth,
}

/// A source, and how to stop listening to it.
pub struct Source {
    kind: Kind,
    object: JsValue,
    unsubscribe: JsValue,
}

impl Source {
    /// Listens to `object`: `changed` is called whenever it may have something new to say.
    pub fn subscribe(kind: Kind, object: JsValue, changed: &JsValue) -> Self {
        let subscribed = match kind {
            Kind::TokenSource => call(&object, "subscribe", &[changed]),
            Kind::Clerk => {
                // clerk-js 6 tells that it is ready in the status event alone.
                let _ = call(&object, "on", &[&"status".into(), changed]);
                call(&object, "addListener", &[changed])
            }
            Kind::UseAuth => Ok(JsValue::UNDEFINED),
        };
        Self { kind, object, unsubscribe: subscribed.unwrap_or_default() }
    }

    /// Stops listening.
    pub fn unsubscribe(&self, changed: &JsValue) {
        if let Some(unsubscribe) = self.unsubscribe.dyn_ref::<Function>() {
            let _ = unsubscribe.call0(&JsValue::UNDEFINED);
        }
        if self.kind == Kind::Clerk {
            let _ = call(&self.object, "off", &[&"status".into(), changed]);
        }
    }

    /// What the source says now.
    pub fn state(&self, names: &mut Strings) -> State {
        match self.kind {
            Kind::TokenSource => token_source(&self.object, names),
            Kind::Clerk => clerk(&self.object, names),
            Kind::UseAuth => use_auth(&get(&self.object, "current"), names),
        }
    }

    /// Asks for a token: a promise, or what the call threw.
    pub fn get_token(&self, template: &JsValue, minted: bool) -> Result<JsValue, JsValue> {
        let options = Object::new();
        if !template.is_undefined() {
            let _ = Reflect::set(&options, &"template".into(), template);
        }
        if minted {
            let _ = Reflect::set(&options, &"skipCache".into(), &true.into());
        }
        call(&self.session(), "getToken", &[&options])
    }

    /// Signs out of the source: a promise, or what the call threw. One that cannot is as good as done.
    pub fn sign_out(&self) -> Result<JsValue, JsValue> {
        let object = self.current();
        if get(&object, "signOut").is_undefined() {
            Ok(JsValue::UNDEFINED)
        } else {
            call(&object, "signOut", &[])
        }
    }

    /// The object that has `signOut`.
    fn current(&self) -> JsValue {
        if self.kind == Kind::UseAuth { get(&self.object, "current") } else { self.object.clone() }
    }

    /// The object that has `getToken`, read afresh so that a stale session is never asked (B8).
    fn session(&self) -> JsValue {
        if self.kind == Kind::Clerk { get(&self.object, "session") } else { self.current() }
    }
}

fn token_source(source: &JsValue, names: &mut Strings) -> State {
    match call(source, "getSession", &[]) {
        Ok(session) if session.is_null() => State::SignedOut,
        Ok(session) => signed_in(&session, names),
        Err(_) => State::Unknown,
    }
}

fn use_auth(auth: &JsValue, names: &mut Strings) -> State {
    let is_signed_in = get(auth, "isSignedIn");
    if !get(auth, "isLoaded").is_truthy() || is_signed_in.is_undefined() {
        State::Unknown
    } else if is_signed_in.is_truthy() {
        signed_in(auth, names)
    } else {
        State::SignedOut // a pending session is one (A8)
    }
}

/// Reads what a `TokenSource` and `useAuth` have in common.
fn signed_in(value: &JsValue, names: &mut Strings) -> State {
    state(Session {
        user: Name(names.keep(&get(value, "userId"))),
        id: Name(names.keep(&get(value, "sessionId"))),
        org: Name(names.keep(&get(value, "orgId"))),
        role: Name(names.keep(&get(value, "orgRole"))),
        fits: fits(&get(value, "sessionClaims")),
    })
}

fn clerk(clerk: &JsValue, names: &mut Strings) -> State {
    if !get(clerk, "loaded").is_truthy() {
        return if get(clerk, "status") == "error" { State::Failed } else { State::Unknown };
    }
    let session = get(clerk, "session");
    if session.is_undefined() {
        return State::Unknown; // on its way somewhere (A7)
    }
    if get(&session, "status") != "active" {
        return State::SignedOut; // null, or pending (A8)
    }
    let own = get(clerk, "user");
    let user = if own.is_object() { own } else { get(&session, "user") };
    let last = get(&session, "lastActiveOrganizationId");
    let org = if last.is_undefined() { get(&get(clerk, "organization"), "id") } else { last };
    let claims = get(&get(&get(&session, "lastActiveToken"), "jwt"), "claims");
    state(Session {
        user: Name(names.keep(&get(&user, "id"))),
        id: Name(names.keep(&get(&session, "id"))),
        role: Name(names.keep(&role_in(&user, &org))),
        org: Name(names.keep(&org)),
        fits: fits(&claims),
    })
}

/// A session needs both ids to be one.
fn state(session: Session) -> State {
    if session.user == Name::NONE || session.id == Name::NONE {
        State::Unknown
    } else {
        State::SignedIn(session)
    }
}

/// The user's role in an organization, from the memberships that Clerk keeps with the user.
fn role_in(user: &JsValue, org: &JsValue) -> JsValue {
    let memberships = get(user, "organizationMemberships");
    let list = memberships.dyn_ref::<Array>();
    let found = list.and_then(|list| list.iter().find(|one| get(&get(one, "organization"), "id") == *org));
    get(&found.unwrap_or_default(), "role")
}

/// Whether claims that the source has read already are meant for Convex; `None` without claims.
fn fits(claims: &JsValue) -> Option<bool> {
    let audience = get(claims, "aud");
    let list = audience.dyn_ref::<Array>();
    let fits = audience == CONVEX || list.is_some_and(|list| list.iter().any(|one| one == CONVEX));
    claims.is_object().then_some(fits)
}

/// Reads an error that `getToken` threw or rejected with (B2).
pub fn failure(error: &JsValue) -> Failure {
    let number = |name| get(error, name).as_f64().unwrap_or_default();
    let nested = get(&get(&get(error, "errors"), "0"), "code");
    let missing = nested == "resource_not_found" || get(error, "code") == "resource_not_found";
    let status = if missing { 404 } else { number("status") as u16 };
    Failure::read(status, number("retryAfter") as i64)
}
