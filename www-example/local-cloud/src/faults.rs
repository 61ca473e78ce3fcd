//! Faults on demand. A fault matches requests by service and by a pattern of what is asked, a number of
//! times or until it is cleared. This module only says which fault is due; each stand-in acts it out in
//! its own protocol, and must never invent one.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::watch;

/// What goes wrong. In JSON: `{"kind":"status","code":429,"retryAfter":7}`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum FaultKind {
    /// Waits, then handles the request as usual.
    Delay {
        /// How long.
        ms: u64,
    },
    /// Handles the request at once and holds the answer back for so long.
    Late {
        /// How long.
        ms: u64,
    },
    /// Handles the request at once and holds the answer back until faults are released or cleared.
    Hold,
    /// Answers with this status without handling the request.
    Status {
        /// The HTTP status.
        code: u16,
        /// The body; a text is sent as it is. Defaults to the service's own error shape.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        body: Option<Value>,
        /// Seconds for the Retry-After header.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        retry_after: Option<u64>,
    },
    /// Closes the connection without an answer.
    Drop,
    /// Refuses the caller's authentication, in the words of the service.
    Reject {
        /// The reason given; the service's own by default.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        message: Option<String>,
    },
    /// Never answers; the connection stays open.
    Hang,
    /// Something only one service knows.
    Custom {
        /// What it is called there.
        name: String,
        /// What it needs to know.
        #[serde(default)]
        detail: Value,
    },
}

/// One fault that waits for its requests. In JSON the kind's fields stand beside `service`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Fault {
    /// Given by [`Faults::add`].
    #[serde(default)]
    pub id: u64,
    /// The service it belongs to; "*" is all of them.
    pub service: String,
    /// Part of "METHOD /path" or of a message or function name. `^` at the start and `$` at the end
    /// anchor it; empty matches everything.
    #[serde(default)]
    pub pattern: String,
    /// How many requests it still hits; absent: every one until cleared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times: Option<u64>,
    /// What happens.
    #[serde(flatten)]
    pub kind: FaultKind,
}

impl Fault {
    fn matches(&self, service: &str, what: &str) -> bool {
        (self.service == "*" || self.service == service) && pattern_matches(&self.pattern, what)
    }
}

fn pattern_matches(pattern: &str, what: &str) -> bool {
    let (start, pattern) = match pattern.strip_prefix('^') {
        Some(rest) => (true, rest),
        None => (false, pattern),
    };
    let (end, pattern) = match pattern.strip_suffix('$') {
        Some(rest) => (true, rest),
        None => (false, pattern),
    };
    match (start, end) {
        (true, true) => what == pattern,
        (true, false) => what.starts_with(pattern),
        (false, true) => what.ends_with(pattern),
        (false, false) => what.contains(pattern),
    }
}

#[derive(Debug, Default)]
struct Pending {
    last_id: u64,
    list: Vec<Fault>,
}

/// The faults that are due. Cheap to clone; clones share one list.
#[derive(Clone, Debug)]
pub struct Faults {
    pending: Arc<Mutex<Pending>>,
    releases: Arc<watch::Sender<u64>>,
}

impl Default for Faults {
    fn default() -> Self {
        Self { pending: Arc::default(), releases: Arc::new(watch::Sender::new(0)) }
    }
}

impl Faults {
    /// Adds a fault and returns its id. Faults are tried in the order in which they were added.
    pub fn add(&self, mut fault: Fault) -> u64 {
        let mut pending = self.lock();
        pending.last_id += 1;
        fault.id = pending.last_id;
        pending.list.push(fault);
        pending.last_id
    }

    /// The fault that hits this request, if any; counts as one of its times.
    pub fn take(&self, service: &str, what: &str) -> Option<FaultKind> {
        let mut pending = self.lock();
        let index = pending.list.iter().position(|fault| fault.matches(service, what))?;
        let fault = pending.list.get_mut(index)?;
        let kind = fault.kind.clone();
        if let Some(times) = &mut fault.times {
            *times = times.saturating_sub(1);
            if *times == 0 {
                pending.list.remove(index);
            }
        }
        Some(kind)
    }

    /// The faults still waiting.
    pub fn list(&self) -> Vec<Fault> {
        self.lock().list.clone()
    }

    /// Removes one fault, or all, and lets held answers go.
    pub fn clear(&self, id: Option<u64>) {
        self.lock().list.retain(|fault| id.is_some_and(|id| id != fault.id));
        self.release();
    }

    /// Lets held answers go; the faults stay.
    pub fn release(&self) {
        self.releases.send_modify(|count| *count += 1);
    }

    /// Resolves at the next release or clearing: what [`FaultKind::Hold`] waits for. Counts from this call,
    /// not from the first poll; call it before the request shows in the log, or a release may be missed.
    pub fn released(&self) -> impl Future<Output = ()> + Send + 'static {
        let mut releases = self.releases.subscribe();
        async move {
            // Fails only when the sender is gone, and then there is nothing left to wait for.
            let _ = releases.changed().await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Pending> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(pattern: &str, times: Option<u64>) -> Fault {
        Fault { id: 0, service: "clerk".into(), pattern: pattern.into(), times, kind: FaultKind::Drop }
    }

    #[test]
    fn a_fault_hits_its_service_and_pattern_only_and_is_used_up() {
        let faults = Faults::default();
        faults.add(fault("/tokens", Some(2)));
        assert_eq!(faults.take("convex", "POST /tokens"), None);
        assert_eq!(faults.take("clerk", "GET /v1/client"), None);
        assert_eq!(faults.take("clerk", "POST /tokens"), Some(FaultKind::Drop));
        assert_eq!(faults.take("clerk", "POST /tokens/convex"), Some(FaultKind::Drop));
        assert_eq!(faults.take("clerk", "POST /tokens"), None);
        assert!(faults.list().is_empty());
    }

    #[test]
    fn patterns_can_be_anchored() {
        assert!(pattern_matches("/tokens$", "POST /s/tokens"));
        assert!(!pattern_matches("/tokens$", "POST /s/tokens/convex"));
        assert!(pattern_matches("^POST", "POST /s"));
        assert!(!pattern_matches("^POST", "GET /POST"));
        assert!(pattern_matches("^Connect$", "Connect"));
        assert!(pattern_matches("", "anything"));
    }

    #[test]
    fn a_fault_without_times_stays_until_cleared() {
        let faults = Faults::default();
        let id = faults.add(fault("", None));
        let kept = faults.add(fault("never", None));
        for _ in 0..10 {
            assert!(faults.take("clerk", "x").is_some());
        }
        faults.clear(Some(id));
        assert!(faults.take("clerk", "x").is_none());
        assert_eq!(faults.list().first().map(|fault| fault.id), Some(kept));
    }

    #[test]
    fn faults_read_from_flat_json() {
        let json =
            r#"{"service":"clerk","pattern":"/tokens","times":1,"kind":"status","code":429,"retryAfter":7}"#;
        let fault: Fault = serde_json::from_str(json).expect("valid");
        assert_eq!(fault.kind, FaultKind::Status { code: 429, body: None, retry_after: Some(7) });
    }
}
