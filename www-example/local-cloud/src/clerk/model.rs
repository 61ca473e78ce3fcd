//! What the Clerk stand-in knows: users, organisations, browsers ("clients"), their sessions, sign-in
//! attempts, tickets and token templates. Plain data and the few moves it allows; nothing here speaks HTTP.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value};

use super::error::ClerkError;
use super::templates::{self, Template};

const PASSWORD: &str = "correct-horse";
const DEFAULT_LIFETIME_SECONDS: i64 = 60;

/// A user; all have the same password.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct User {
    /// E.g. `user_ada`.
    pub id: String,
    /// E.g. `ada@example.test`.
    pub email: String,
    /// Given name.
    pub first_name: String,
    /// Family name.
    pub last_name: String,
    /// Role by organisation id, e.g. `org:admin`.
    pub roles: BTreeMap<String, String>,
    /// Milliseconds.
    pub created_at: i64,
    /// Milliseconds.
    pub updated_at: i64,
}

/// An organisation.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Organization {
    /// E.g. `org_acme`.
    pub id: String,
    /// E.g. `acme`.
    pub slug: String,
    /// E.g. `Acme`.
    pub name: String,
    /// Milliseconds.
    pub created_at: i64,
}

/// One browser, named by its dev browser token.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Client {
    /// E.g. `client_…`.
    pub id: String,
    /// The session clerk-js starts with.
    pub last_active_session_id: Option<String>,
    /// The sign-in attempt in progress.
    pub sign_in: Option<SignIn>,
    /// Milliseconds.
    pub created_at: i64,
    /// Milliseconds.
    pub updated_at: i64,
}

/// A sign-in attempt.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SignIn {
    /// E.g. `sia_…`.
    pub id: String,
    /// Who wants to sign in.
    pub user_id: String,
    /// How the first factor is, or was, proved.
    pub strategy: String,
    /// Set when complete.
    pub created_session_id: Option<String>,
}

/// A session of one user in one browser.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Session {
    /// E.g. `sess_…`.
    pub id: String,
    /// The browser's dev browser token.
    pub client: String,
    /// Whose it is.
    pub user_id: String,
    /// `active`, `pending`, `ended`, `removed` or `revoked`.
    pub status: String,
    /// The active organisation.
    pub org_id: Option<String>,
    /// Milliseconds.
    pub created_at: i64,
    /// Milliseconds.
    pub updated_at: i64,
    /// Milliseconds.
    pub last_active_at: i64,
}

impl Session {
    /// Signed in, if perhaps with tasks still to do.
    pub fn is_live(&self) -> bool {
        self.status == "active" || self.status == "pending"
    }
}

/// Everything the Clerk stand-in remembers.
#[derive(Debug)]
pub struct Model {
    pub(crate) users: BTreeMap<String, User>,
    pub(crate) organizations: BTreeMap<String, Organization>,
    pub(crate) clients: BTreeMap<String, Client>,
    pub(crate) sessions: BTreeMap<String, Session>,
    pub(crate) tickets: BTreeMap<String, String>,
    pub(crate) templates: BTreeMap<String, Template>,
    pub(crate) session_lifetime_seconds: i64,
    pub(crate) session_claims: Map<String, Value>,
}

/// A new id in Clerk's manner.
pub fn new_id(prefix: &str) -> String {
    format!("{prefix}_{:032x}", rand::random::<u128>())
}

impl Model {
    /// Three users, two organisations, the usual templates, nobody signed in.
    pub fn seeded(now: i64) -> Self {
        let organizations = [("acme", "Acme"), ("globex", "Globex")].map(|(slug, name)| {
            let id = format!("org_{slug}");
            (id.clone(), Organization { id, slug: slug.into(), name: name.into(), created_at: now })
        });
        let people = [
            ("ada", "Ada", "Lovelace", "org:admin", "org:member"),
            ("grace", "Grace", "Hopper", "org:member", "org:admin"),
            ("linus", "Linus", "Torvalds", "org:member", "org:member"),
        ];
        let users = people.map(|(name, first_name, last_name, acme, globex)| {
            let id = format!("user_{name}");
            let roles = [("org_acme".into(), acme.into()), ("org_globex".into(), globex.into())];
            let user = User {
                id: id.clone(),
                email: format!("{name}@example.test"),
                first_name: first_name.into(),
                last_name: last_name.into(),
                roles: roles.into(),
                created_at: now,
                updated_at: now,
            };
            (id, user)
        });
        Self {
            users: users.into(),
            organizations: organizations.into(),
            clients: BTreeMap::new(),
            sessions: BTreeMap::new(),
            tickets: BTreeMap::new(),
            templates: templates::seeded(),
            session_lifetime_seconds: DEFAULT_LIFETIME_SECONDS,
            session_claims: Map::new(),
        }
    }

    /// Registers a browser and returns its dev browser token.
    pub fn new_client(&mut self, now: i64) -> String {
        let token = new_id("dvb");
        let client = Client {
            id: new_id("client"),
            last_active_session_id: None,
            sign_in: None,
            created_at: now,
            updated_at: now,
        };
        self.clients.insert(token.clone(), client);
        token
    }

    /// The browser with this dev browser token.
    pub fn client(&self, db_jwt: Option<&str>) -> Result<(&str, &Client), ClerkError> {
        db_jwt
            .and_then(|token| self.clients.get_key_value(token))
            .map(|(token, client)| (token.as_str(), client))
            .ok_or_else(ClerkError::dev_browser)
    }

    /// The live sessions of a browser, oldest first.
    pub fn live_sessions(&self, db_jwt: &str) -> Vec<&Session> {
        let mut sessions: Vec<_> =
            self.sessions.values().filter(|session| session.client == db_jwt && session.is_live()).collect();
        sessions.sort_by_key(|session| session.created_at);
        sessions
    }

    /// A live session of this browser. Everything else is a 401, as with the real service.
    pub fn live_session(&self, db_jwt: &str, id: &str) -> Result<&Session, ClerkError> {
        match self.sessions.get(id) {
            Some(session) if session.client == db_jwt && session.is_live() => Ok(session),
            _ if self.live_sessions(db_jwt).is_empty() => Err(ClerkError::signed_out()),
            _ => Err(ClerkError::unauthenticated()),
        }
    }

    /// Opens a session for a user in a browser and makes it the browser's active one.
    pub fn open_session(&mut self, db_jwt: &str, user_id: &str, now: i64) -> Result<String, ClerkError> {
        if let Some(session) = self.live_sessions(db_jwt).iter().find(|session| session.user_id == user_id) {
            return Err(ClerkError::already_signed_in(&session.id));
        }
        let client = self.clients.get_mut(db_jwt).ok_or_else(ClerkError::dev_browser)?;
        let session = Session {
            id: new_id("sess"),
            client: db_jwt.into(),
            user_id: user_id.into(),
            status: "active".into(),
            org_id: None,
            created_at: now,
            updated_at: now,
            last_active_at: now,
        };
        let id = session.id.clone();
        client.last_active_session_id = Some(id.clone());
        client.updated_at = now;
        self.sessions.insert(id.clone(), session);
        Ok(id)
    }

    /// Ends sessions (`ended`, `removed` or `revoked`) and returns how many were live.
    pub fn end_sessions(&mut self, status: &str, now: i64, which: impl Fn(&Session) -> bool) -> usize {
        let mut ended = 0;
        for session in self.sessions.values_mut().filter(|session| session.is_live() && which(session)) {
            session.status = status.into();
            session.updated_at = now;
            ended += 1;
            if let Some(client) = self.clients.get_mut(&session.client) {
                client.updated_at = now;
                client.last_active_session_id.take_if(|active| *active == session.id);
            }
        }
        ended
    }

    /// Finds a user by identifier (the e-mail address, or the part before the @).
    pub fn user_by_identifier(&self, identifier: &str) -> Result<&User, ClerkError> {
        let wanted = |user: &&User| {
            user.email.eq_ignore_ascii_case(identifier) || user.id.strip_prefix("user_") == Some(identifier)
        };
        self.users.values().find(wanted).ok_or_else(ClerkError::identifier)
    }

    /// Whether this is the password, which is the same for all.
    pub fn is_password(&self, password: &str) -> bool {
        password == PASSWORD
    }

    /// The id of the organisation, given by id or slug, if the user is a member. An empty name is the
    /// personal workspace.
    pub fn member_of(&self, user_id: &str, organization: &str) -> Result<Option<String>, ClerkError> {
        if organization.is_empty() {
            return Ok(None);
        }
        self.organizations
            .values()
            .find(|known| known.id == organization || known.slug == organization)
            .filter(|known| self.users.get(user_id).is_some_and(|user| user.roles.contains_key(&known.id)))
            .map(|known| Some(known.id.clone()))
            .ok_or_else(|| ClerkError::organization(organization))
    }
}
