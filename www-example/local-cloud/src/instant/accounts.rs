//! The app's users and their refresh tokens, which never expire and die only by signing out or from the
//! outside. A refresh token must never leave this module but to the client that it was made for.

use std::collections::{BTreeMap, HashMap};

use serde_json::{Map, Value, json};

use super::identity::Person;
use super::refusal::Refusal;
use super::{APP_ID, new_uuid};

/// A user of the app.
#[derive(Clone, Debug)]
pub(super) struct User {
    pub id: String,
    /// Clerk's id; a guest has none.
    pub sub: Option<String>,
    pub email: Option<String>,
    image: Option<String>,
    /// Written when the user was made.
    extra: Map<String, Value>,
}

impl User {
    /// What tests and the log call this user.
    pub fn name(&self) -> &str {
        self.sub.as_deref().unwrap_or(&self.id)
    }

    /// What Instant tells of its user.
    pub fn to_json(&self) -> Value {
        let guest = self.sub.is_none();
        let mut user = self.extra.clone();
        user.extend([
            ("id".into(), self.id.as_str().into()),
            ("app_id".into(), APP_ID.into()),
            ("email".into(), self.email.as_deref().into()),
            ("imageURL".into(), self.image.as_deref().into()),
            ("type".into(), if guest { "guest" } else { "user" }.into()),
            ("isGuest".into(), guest.into()),
        ]);
        user.into()
    }
}

/// A living session of a user.
#[derive(Debug)]
pub(super) struct SignedIn {
    pub user: User,
    refresh_token: String,
    /// Whether there was no such user before.
    pub created: bool,
    /// Whether the client had this session already.
    pub kept: bool,
}

impl SignedIn {
    /// The user with the refresh token: what a sign-in answers.
    pub fn to_json(&self) -> Value {
        let mut user = self.user.to_json();
        user["refresh_token"] = self.refresh_token.as_str().into();
        user
    }

    /// The answer of the calls that may make a user.
    pub fn answer(&self) -> Value {
        json!({ "user": self.to_json(), "created": self.created })
    }
}

/// Users and refresh tokens.
#[derive(Default)]
pub(super) struct Accounts {
    users: BTreeMap<String, User>,
    /// User id by refresh token.
    tokens: HashMap<String, String>,
}

impl Accounts {
    /// Whose refresh token this is.
    pub fn holder(&self, refresh_token: &str) -> Result<&User, Refusal> {
        let id = self.tokens.get(refresh_token).ok_or_else(Refusal::app_user)?;
        self.users.get(id).ok_or_else(Refusal::app_user)
    }

    /// The session that a refresh token stands for.
    pub fn resume(&self, refresh_token: &str) -> Result<SignedIn, Refusal> {
        let user = self.holder(refresh_token)?.clone();
        Ok(SignedIn { user, refresh_token: refresh_token.into(), created: false, kept: true })
    }

    /// Signs a person in. Who had a session keeps it, a guest becomes the person in place, and a session
    /// of somebody else stays alive beside the new one.
    pub fn sign_in(
        &mut self,
        person: Person,
        current: Option<&str>,
        extra: Map<String, Value>,
    ) -> Result<SignedIn, Refusal> {
        let holder = current.map(|token| self.holder(token).cloned()).transpose()?;
        let same = |user: &&User| {
            user.sub.as_ref() == Some(&person.sub) || (user.email.is_some() && user.email == person.email)
        };
        let known = self.users.values().find(same).cloned();
        let created = known.is_none();
        let guest = holder.as_ref().filter(|user| user.sub.is_none()).cloned();
        let mut user = known.or(guest).unwrap_or_else(|| User {
            id: new_uuid(),
            sub: None,
            email: None,
            image: None,
            extra: Map::new(),
        });
        user.sub = Some(person.sub);
        user.email = person.email.or(user.email);
        user.image = person.image.or(user.image);
        if created {
            user.extra.extend(extra);
        }
        let kept = current.filter(|_| holder.is_some_and(|holder| holder.id == user.id));
        Ok(self.open(user, created, kept))
    }

    /// Makes a guest.
    pub fn sign_in_guest(&mut self, extra: Map<String, Value>) -> SignedIn {
        self.open(User { id: new_uuid(), sub: None, email: None, image: None, extra }, true, None)
    }

    fn open(&mut self, user: User, created: bool, kept: Option<&str>) -> SignedIn {
        let refresh_token = kept.map_or_else(new_uuid, String::from);
        self.tokens.insert(refresh_token.clone(), user.id.clone());
        self.users.insert(user.id.clone(), user.clone());
        SignedIn { user, refresh_token, created, kept: kept.is_some() }
    }

    /// Ends the session of this refresh token, if it is one.
    pub fn sign_out(&mut self, refresh_token: &str) {
        self.tokens.remove(refresh_token);
    }

    /// Ends the sessions of one user or of all, and tells how many there were.
    pub fn revoke(&mut self, name: Option<&str>) -> usize {
        let before = self.tokens.len();
        let users = &self.users;
        let hit = |user: &User| name.is_none_or(|name| name == user.name() || name == user.id);
        self.tokens.retain(|_, id| !users.get(id).is_some_and(hit));
        before - self.tokens.len()
    }

    /// How many refresh tokens each user has.
    pub fn living(&self) -> BTreeMap<&str, usize> {
        let mut living = BTreeMap::new();
        for user in self.tokens.values().filter_map(|id| self.users.get(id)) {
            *living.entry(user.name()).or_default() += 1;
        }
        living
    }
}
