//! The rows of the table `tasks`, and which of them a caller may see by the permissions of its role. It must
//! never show a row to anybody else.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::identity::{ANONYMOUS, Caller, Refusal};

/// A permission: the rows that a caller works with.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Scope {
    /// Those marked public.
    Public,
    /// Those of a user; in one organisation (or in none: `Some(None)`) if the token names it.
    Own { user_id: String, org_id: Option<Option<String>> },
    /// All of an organisation.
    Organization(Option<String>),
}

impl Scope {
    /// The permission of the caller's role; `None` for a role that has none on this table.
    pub fn of(caller: &Caller) -> Result<Option<Self>, Refusal> {
        Ok(Some(match caller.role.as_str() {
            ANONYMOUS => Self::Public,
            "admin" | "org_admin" => Self::Organization(caller.organization()),
            "user" => Self::Own {
                user_id: caller.user_id.clone().ok_or_else(|| {
                    Refusal::new("not-found", "missing session variable: \"x-hasura-user-id\"")
                })?,
                org_id: caller.org_id.is_some().then(|| caller.organization()),
            },
            _ => return Ok(None),
        }))
    }
}

#[derive(Debug)]
struct Row {
    text: String,
    done: bool,
    user_id: Option<String>,
    org_id: Option<String>,
    public: bool,
}

impl Row {
    fn is_in(&self, scope: &Scope) -> bool {
        match scope {
            Scope::Public => self.public,
            Scope::Own { user_id, org_id } => {
                self.user_id.as_ref() == Some(user_id)
                    && org_id.as_ref().is_none_or(|org_id| *org_id == self.org_id)
            }
            Scope::Organization(org_id) => !self.public && self.org_id == *org_id,
        }
    }

    fn to_json(&self, id: u64) -> Map<String, Value> {
        let fields = [
            ("id", json!(id.to_string())),
            ("text", json!(self.text)),
            ("done", json!(self.done)),
            ("user_id", json!(self.user_id)),
            ("org_id", json!(self.org_id)),
        ];
        fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }
}

/// The table.
#[derive(Debug)]
pub(super) struct Table {
    rows: BTreeMap<u64, Row>,
    last_id: u64,
}

impl Default for Table {
    fn default() -> Self {
        let welcome = Row {
            text: "Welcome: sign in to see your own tasks".into(),
            done: false,
            user_id: None,
            org_id: None,
            public: true,
        };
        Self { rows: [(1, welcome)].into(), last_id: 1 }
    }
}

impl Table {
    /// The rows of a scope, oldest first.
    pub fn list(&self, scope: &Scope) -> Vec<Map<String, Value>> {
        self.rows.iter().filter(|(_, row)| row.is_in(scope)).map(|(id, row)| row.to_json(*id)).collect()
    }

    /// Adds a row of this caller.
    pub fn insert(&mut self, caller: &Caller, text: &str) -> Map<String, Value> {
        self.last_id += 1;
        let row = Row {
            text: text.into(),
            done: false,
            user_id: caller.user_id.clone(),
            org_id: caller.organization(),
            public: false,
        };
        let told = row.to_json(self.last_id);
        self.rows.insert(self.last_id, row);
        told
    }

    /// Changes a row of this scope; `None` where there is no such row.
    pub fn set_done(&mut self, scope: &Scope, id: &str, done: bool) -> Option<Map<String, Value>> {
        let id = id.parse().ok()?;
        let row = self.rows.get_mut(&id).filter(|row| row.is_in(scope))?;
        row.done = done;
        Some(row.to_json(id))
    }
}
