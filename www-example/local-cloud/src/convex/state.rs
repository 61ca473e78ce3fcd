//! One connection's versions, identity and query set, and the transition from one version to the next.
//! Versions that a client names are checked, and no query may keep a result from before a change of
//! identity without having run again.

use std::collections::BTreeMap;
use std::mem;

use convex_sync_types::{LogLinesMessage, Query, QueryId, QuerySetModification, StateModification};
use convex_sync_types::{StateVersion, Timestamp};
use serde_json::{Value, json};

use super::Deployment;
use super::fate::{self, Fate, Wait};
use super::functions::{self, Failure, Outcome};
use super::identity::Identity;
use super::session::End;
use super::table::{Scope, Table};

struct Watched {
    path: String,
    args: Value,
    /// When the result was computed and what was read for it; `None` asks for a run.
    fresh: Option<(Timestamp, Option<Scope>)>,
    last: Option<Result<Value, Failure>>,
}

impl Watched {
    fn is_stale(&self, table: &Table) -> bool {
        match &self.fresh {
            None => true,
            Some((_, None)) => false,
            Some((at, Some(scope))) => table.changed_since(scope, *at),
        }
    }
}

/// A step from one version to the next, ready to be told to the client after the waits.
pub(super) struct Step {
    pub from: StateVersion,
    pub to: StateVersion,
    pub modifications: Vec<StateModification<Value>>,
    pub waits: Vec<Wait>,
    /// A query that is never answered keeps the step from being told.
    pub ignored: bool,
}

/// What one connection has asked for and was told.
pub(super) struct State {
    connection: u64,
    received_query_set: u32,
    received_identity: u32,
    current: StateVersion,
    identity: Identity,
    /// Set by the client, not yet told back in a transition.
    pending_identity: Option<Identity>,
    pending_queries: Vec<QuerySetModification>,
    queries: BTreeMap<u32, Watched>,
}

impl State {
    pub fn new(connection: u64) -> Self {
        Self {
            connection,
            received_query_set: 0,
            received_identity: 0,
            current: StateVersion::initial(),
            identity: None,
            pending_identity: None,
            pending_queries: Vec::new(),
            queries: BTreeMap::new(),
        }
    }

    /// The version the client was told last.
    pub fn current(&self) -> StateVersion {
        self.current
    }

    /// Takes over a change of the query set, to be worked off in the next step.
    pub fn modify_query_set(
        &mut self,
        base: u32,
        new: u32,
        changes: Vec<QuerySetModification>,
    ) -> Result<(), End> {
        if base != self.received_query_set {
            let current = self.received_query_set;
            return Err(End::Fatal(format!("BaseVersionMismatch: base version {base} is not {current}")));
        }
        if new <= base {
            return Err(End::Internal(format!("query set version {new} does not follow {base}")));
        }
        self.received_query_set = new;
        self.pending_queries.extend(changes);
        Ok(())
    }

    /// Takes over a verified identity, to be told in the next step; calls run as it from now on.
    pub fn modify_identity(&mut self, base: u32, identity: Identity) -> Result<(), End> {
        if base != self.received_identity {
            let current = self.received_identity;
            return Err(End::Internal(format!("identity base version {base} is not {current}")));
        }
        self.received_identity += 1;
        self.pending_identity = Some(identity);
        Ok(())
    }

    /// Who the next call or step runs as. Expiry is looked at here and nowhere else, so an idle
    /// connection with an expired token is left in peace.
    pub fn caller(&self, now_ms: i64) -> Result<Identity, End> {
        let identity = self.pending_identity.as_ref().unwrap_or(&self.identity);
        if identity.as_ref().is_some_and(|caller| caller.expired(now_ms)) {
            return Err(End::Unauthenticated { message: "The token has expired.".into(), attempted: false });
        }
        Ok(identity.clone())
    }

    /// Whether a query's rows have changed since it ran.
    pub fn is_stale(&self, table: &Table) -> bool {
        self.queries.values().any(|query| query.is_stale(table))
    }

    /// Works off what was received and runs every query that needs it.
    pub fn step(&mut self, deployment: &Deployment) -> Result<Step, End> {
        let mut to = StateVersion { query_set: self.received_query_set, ..self.current };
        if let Some(identity) = self.pending_identity.take() {
            // Also for a new token of the same user: the service cannot know what a query looked at.
            self.queries.values_mut().for_each(|query| query.fresh = None);
            self.identity = identity;
            to.identity = self.received_identity;
        }
        let caller = self.caller(deployment.now_ms())?;
        let table = deployment.table();
        to.ts = table.latest();
        let mut modifications = self.change_queries()?;
        let mut waits = Vec::new();
        let mut ignored = false;
        for (id, query) in self.queries.iter_mut().filter(|(_, query)| query.is_stale(&table)) {
            let what = format!("Query {}", query.path);
            deployment.note_run(&what, &caller, &query.args, &json!({ "connection": self.connection }));
            let outcome = match Fate::of(&deployment.cloud.faults, &what) {
                Fate::Handled { before, after } => {
                    waits.extend([before, after]);
                    functions::query(&table, &query.path, &caller)
                }
                Fate::Status { body, .. } => {
                    Outcome { value: Err(fate::failure(body.as_ref())), read: Some(Scope::of(&caller)) }
                }
                Fate::Rejected { message } => {
                    return Err(End::Unauthenticated { message, attempted: false });
                }
                Fate::Dropped => return Err(End::Dropped),
                Fate::Ignored => {
                    ignored = true;
                    continue;
                }
            };
            query.fresh = Some((to.ts, outcome.read));
            if query.last.as_ref() != Some(&outcome.value) {
                modifications.push(modification(*id, &outcome.value));
                query.last = Some(outcome.value);
            }
        }
        Ok(Step { from: self.current, to, modifications, waits, ignored })
    }

    /// The client has been told.
    pub fn told(&mut self, version: StateVersion) {
        self.current = version;
    }

    fn change_queries(&mut self) -> Result<Vec<StateModification<Value>>, End> {
        let mut removed = Vec::new();
        for change in mem::take(&mut self.pending_queries) {
            match change {
                QuerySetModification::Add(query) => {
                    let id = query.query_id;
                    if self.queries.insert(id.get_id(), watch(query)?).is_some() {
                        return Err(End::Internal(format!("query {id} is already there")));
                    }
                }
                QuerySetModification::Remove { query_id } => {
                    if self.queries.remove(&query_id.get_id()).is_none() {
                        return Err(End::Internal(format!("there is no query {query_id}")));
                    }
                    removed.push(StateModification::QueryRemoved { query_id });
                }
            }
        }
        Ok(removed)
    }
}

fn watch(query: Query) -> Result<Watched, End> {
    let args = serde_json::from_str(query.args.get())
        .map_err(|error| End::Fatal(format!("invalid arguments of query {}: {error}", query.query_id)))?;
    let path = String::from(query.udf_path.canonicalize().strip());
    Ok(Watched { path, args, fresh: None, last: None })
}

fn modification(id: u32, result: &Result<Value, Failure>) -> StateModification<Value> {
    let query_id = QueryId::new(id);
    let log_lines = LogLinesMessage(Vec::new());
    match result {
        Ok(value) => {
            StateModification::QueryUpdated { query_id, value: value.clone(), log_lines, journal: None }
        }
        Err(failure) => StateModification::QueryFailed {
            query_id,
            error_message: failure.message.clone(),
            log_lines,
            journal: None,
            error_data: failure.data.clone(),
        },
    }
}
