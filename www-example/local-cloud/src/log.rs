//! An append-only list of what the stand-ins were asked, so that a test can count requests instead of
//! guessing. It must never hold a token or a password.

use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::Serialize;
use serde_json::Value;

/// One request or message.
#[derive(Clone, Debug, Serialize)]
pub struct Entry {
    /// Position in the log, from 1; never reused, also not after a reset.
    pub seq: u64,
    /// Server time in milliseconds.
    pub at: i64,
    /// "clerk", "convex", ...
    pub service: String,
    /// "METHOD /path", or a message or function name.
    pub what: String,
    /// The user it was done as, where known.
    pub user: Option<String>,
    /// Whatever else is worth telling: status, organisation, arguments.
    pub detail: Value,
}

#[derive(Debug, Default)]
struct Entries {
    last: u64,
    list: Vec<Entry>,
}

/// The log of all stand-ins.
#[derive(Debug, Default)]
pub struct Log {
    entries: Mutex<Entries>,
}

impl Log {
    /// Appends one entry and returns its position.
    pub fn add(&self, at: i64, service: &str, what: &str, user: Option<&str>, detail: Value) -> u64 {
        let mut entries = self.lock();
        entries.last += 1;
        let seq = entries.last;
        entries.list.push(Entry {
            seq,
            at,
            service: service.into(),
            what: what.into(),
            user: user.map(Into::into),
            detail,
        });
        seq
    }

    /// Adds the status of the answer to an entry's detail; an entry without one is still unanswered.
    pub fn answered(&self, seq: u64, status: u16) {
        self.amend(seq, serde_json::json!({ "status": status }));
    }

    /// Adds fields to an entry's detail, which turned out later than the request came.
    pub fn amend(&self, seq: u64, more: Value) {
        if let Some(entry) = self.lock().list.iter_mut().rev().find(|entry| entry.seq == seq)
            && let (Value::Object(detail), Value::Object(more)) = (&mut entry.detail, more)
        {
            detail.extend(more);
        }
    }

    /// Entries after position `seq`, of one service or of all.
    pub fn since(&self, seq: u64, service: Option<&str>) -> Vec<Entry> {
        let wanted = |entry: &&Entry| entry.seq > seq && service.is_none_or(|name| name == entry.service);
        self.lock().list.iter().filter(wanted).cloned().collect()
    }

    /// Position of the newest entry; 0 when nothing was ever logged.
    pub fn last(&self) -> u64 {
        self.lock().last
    }

    /// Forgets all entries; positions go on.
    pub fn clear(&self) {
        self.lock().list.clear();
    }

    fn lock(&self) -> MutexGuard<'_, Entries> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
