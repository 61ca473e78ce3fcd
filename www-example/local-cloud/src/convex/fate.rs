//! What a fault makes of one message, function run or HTTP call of this service. It must never decide
//! that something fails; it only reads what was asked for.

use std::time::Duration;

use serde_json::Value;

use super::functions::Failure;
use crate::{FaultKind, Faults};

/// How long something is put off.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Wait {
    No,
    For(Duration),
    UntilReleased,
}

impl Wait {
    fn ms(ms: u64) -> Self {
        Self::For(Duration::from_millis(ms))
    }

    /// Resolves when the wait is over.
    pub async fn over(self, faults: &Faults) {
        match self {
            Self::No => {}
            Self::For(time) => tokio::time::sleep(time).await,
            Self::UntilReleased => faults.released().await,
        }
    }
}

/// What becomes of it.
#[derive(Debug)]
pub(super) enum Fate {
    /// It is handled, after the first wait; its answer leaves after the second.
    Handled { before: Wait, after: Wait },
    /// It fails with this status.
    Status { code: u16, body: Option<Value>, retry_after: Option<u64> },
    /// Its sender is told that the authentication is no good.
    Rejected { message: String },
    /// The connection is cut.
    Dropped,
    /// It is never answered.
    Ignored,
}

impl Fate {
    /// The fate of `what`.
    pub fn of(faults: &Faults, what: &str) -> Self {
        let handled = |before, after| Self::Handled { before, after };
        match faults.take("convex", what) {
            None => handled(Wait::No, Wait::No),
            Some(FaultKind::Delay { ms }) => handled(Wait::ms(ms), Wait::No),
            Some(FaultKind::Late { ms }) => handled(Wait::No, Wait::ms(ms)),
            Some(FaultKind::Hold) => handled(Wait::No, Wait::UntilReleased),
            Some(FaultKind::Status { code, body, retry_after }) => Self::Status { code, body, retry_after },
            Some(FaultKind::Drop) => Self::Dropped,
            Some(FaultKind::Reject { message }) => {
                Self::Rejected { message: message.unwrap_or_else(|| "Rejected by a fault.".into()) }
            }
            Some(FaultKind::Hang) => Self::Ignored,
            // This service knows none; a loud failure shows the mistake.
            Some(FaultKind::Custom { name, .. }) => Self::Status {
                code: 500,
                body: Some(serde_json::json!({ "code": "UnknownFault", "message": name })),
                retry_after: None,
            },
        }
    }
}

/// The failure of a function that a "status" fault hit: the body's message, or what production shows.
pub(super) fn failure(body: Option<&Value>) -> Failure {
    let message = body.and_then(|body| body["message"].as_str());
    Failure::new(message.unwrap_or("Server Error"))
}
