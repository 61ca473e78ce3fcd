//! The rows of the table `tasks`, one set per organisation and per user, with the time of the last change
//! of each set and the results of finished mutations. It must never show one set's rows to another.

use std::collections::{BTreeMap, HashMap};
use std::time::SystemTime;

use convex_sync_types::{SessionId, Timestamp};
use serde_json::{Value, json};

use super::identity::Identity;

/// Whose rows.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Scope {
    /// Everybody's.
    Public,
    /// Those of an organisation.
    Org(String),
    /// Those of a user outside any organisation.
    User(String),
}

impl Scope {
    /// The rows that a caller works with.
    pub fn of(caller: &Identity) -> Self {
        match caller.as_deref() {
            None => Self::Public,
            Some(caller) => match &caller.org_id {
                Some(org) => Self::Org(org.clone()),
                None => Self::User(caller.user_id.clone()),
            },
        }
    }
}

#[derive(Debug)]
struct Row {
    scope: Scope,
    created_ms: i64,
    text: String,
    done: bool,
    written_by: Option<String>,
}

impl Row {
    fn to_json(&self, id: u64) -> Value {
        json!({
            "_id": id_text(id),
            "_creationTime": self.created_ms,
            "text": self.text,
            "done": self.done,
            "writtenBy": self.written_by,
        })
    }
}

fn id_text(id: u64) -> String {
    format!("task_{id}")
}

fn id_number(id: &str) -> Option<u64> {
    id.strip_prefix("task_")?.parse().ok()
}

/// One request of one client session. A request that is sent twice has the same key.
pub(super) type RequestKey = (String, u32);

/// The key of a request in a session.
pub(super) fn request_key(session: SessionId, request: u32) -> RequestKey {
    (session.to_string(), request)
}

/// The table.
#[derive(Debug)]
pub(super) struct Table {
    rows: BTreeMap<u64, Row>,
    last_id: u64,
    latest: Timestamp,
    cleared: Timestamp,
    changed: HashMap<Scope, Timestamp>,
    finished: HashMap<RequestKey, (Value, Timestamp)>,
}

impl Default for Table {
    fn default() -> Self {
        let mut table = Self {
            rows: BTreeMap::new(),
            last_id: 0,
            latest: Timestamp::MIN,
            cleared: Timestamp::MIN,
            changed: HashMap::new(),
            finished: HashMap::new(),
        };
        table.clear();
        table
    }
}

impl Table {
    /// Back to the start, but never back in time: clients remember the latest timestamp they saw.
    pub fn clear(&mut self) {
        self.rows.clear();
        self.changed.clear();
        self.finished.clear();
        self.last_id = 0;
        self.cleared = self.tick();
        self.insert(Scope::Public, 0, "Welcome: sign in to see your own tasks", None);
    }

    /// The time of the newest commit.
    pub fn latest(&self) -> Timestamp {
        self.latest
    }

    /// Whether rows of this scope changed after `at`.
    pub fn changed_since(&self, scope: &Scope, at: Timestamp) -> bool {
        self.cleared > at || self.changed.get(scope).is_some_and(|changed| *changed > at)
    }

    /// The rows of a scope, oldest first.
    pub fn list(&self, scope: &Scope) -> Value {
        self.rows.iter().filter(|(_, row)| row.scope == *scope).map(|(id, row)| row.to_json(*id)).collect()
    }

    /// Adds a row and returns its id.
    pub fn add(&mut self, caller: &Identity, now_ms: i64, text: &str) -> Value {
        let by = caller.as_ref().map(|caller| caller.user_id.clone());
        json!(id_text(self.insert(Scope::of(caller), now_ms, text, by)))
    }

    /// Inverts `done` of a row of this scope; `None` where there is no such row.
    pub fn toggle(&mut self, scope: &Scope, id: &str) -> Option<Value> {
        let row = id_number(id).and_then(|id| self.rows.get_mut(&id)).filter(|row| row.scope == *scope)?;
        row.done = !row.done;
        let done = row.done;
        self.touch(scope);
        Some(json!(done))
    }

    /// Removes a row of this scope; `None` where there is no such row.
    pub fn remove(&mut self, scope: &Scope, id: &str) -> Option<Value> {
        let id = id_number(id).filter(|id| self.rows.get(id).is_some_and(|row| row.scope == *scope))?;
        self.rows.remove(&id);
        self.touch(scope);
        Some(Value::Null)
    }

    /// The result of a mutation that was already done.
    pub fn finished(&self, key: &RequestKey) -> Option<(Value, Timestamp)> {
        self.finished.get(key).cloned()
    }

    /// Remembers the result of a mutation, so that it is not done again.
    pub fn finish(&mut self, key: RequestKey, result: Value) {
        self.finished.insert(key, (result, self.latest));
    }

    fn insert(&mut self, scope: Scope, created_ms: i64, text: &str, written_by: Option<String>) -> u64 {
        self.last_id += 1;
        self.touch(&scope);
        let row = Row { scope, created_ms, text: text.into(), done: false, written_by };
        self.rows.insert(self.last_id, row);
        self.last_id
    }

    fn touch(&mut self, scope: &Scope) {
        let now = self.tick();
        self.changed.insert(scope.clone(), now);
    }

    /// The time of the next commit: real nanoseconds, and always later than the last one.
    fn tick(&mut self) -> Timestamp {
        let real = Timestamp::try_from(SystemTime::now()).unwrap_or(Timestamp::MIN);
        self.latest = real.max(self.latest.succ_opt().unwrap_or(Timestamp::MAX));
        self.latest
    }
}
