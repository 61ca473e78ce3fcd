//! What the deployment can do: its queries, mutations and actions by path. A function sees the caller that
//! its connection or call had when it was received, and must never look for a newer one.

use std::time::Duration;

use convex_sync_types::{ErrorPayload, Timestamp};
use serde_json::{Value, json};

use super::Deployment;
use super::identity::Identity;
use super::table::{RequestKey, Scope, Table};

/// Why a function did not return.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Failure {
    pub message: String,
    /// What a `ConvexError` carries.
    pub data: Option<Value>,
}

impl Failure {
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), data: None }
    }

    fn not_found(kind: &str, path: &str) -> Self {
        Self::new(format!("Could not find public function for '{path}' (a {kind})."))
    }

    fn signed_out() -> Self {
        Self {
            message: "Uncaught ConvexError: sign in to change tasks".into(),
            data: Some(json!({ "code": "signed_out", "message": "Sign in to change tasks." })),
        }
    }
}

impl From<Failure> for ErrorPayload<Value> {
    fn from(failure: Failure) -> Self {
        match failure.data {
            Some(data) => Self::ErrorData { message: failure.message, data },
            None => Self::Message(failure.message),
        }
    }
}

/// What a query returned, and the rows it read; none when it reads no table.
pub(super) struct Outcome {
    pub value: Result<Value, Failure>,
    pub read: Option<Scope>,
}

/// The object that a function is called with: the first and only element of the arguments.
fn argument<'a>(args: &'a Value, name: &str) -> &'a Value {
    &args[0][name]
}

fn text<'a>(args: &'a Value, name: &str) -> Result<&'a str, Failure> {
    let wrong = || Failure::new(format!("ArgumentValidationError: `{name}` must be a string"));
    argument(args, name).as_str().ok_or_else(wrong)
}

fn whoami(caller: &Identity) -> Value {
    caller.as_ref().map_or(Value::Null, |caller| caller.to_json())
}

/// Runs a query.
pub(super) fn query(table: &Table, path: &str, caller: &Identity) -> Outcome {
    match path {
        "tasks:list" => {
            let scope = Scope::of(caller);
            Outcome { value: Ok(table.list(&scope)), read: Some(scope) }
        }
        "users:whoami" => Outcome { value: Ok(whoami(caller)), read: None },
        "public:ping" => Outcome { value: Ok(json!("pong")), read: None },
        _ => Outcome { value: Err(Failure::not_found("query", path)), read: None },
    }
}

/// Runs a mutation and tells when it was committed. One that was already done under this key is not done
/// again, whoever sends it; one that failed left nothing behind and is.
pub(super) fn mutation(
    deployment: &Deployment,
    path: &str,
    args: &Value,
    caller: &Identity,
    key: Option<RequestKey>,
) -> Result<(Value, Timestamp), Failure> {
    let mut table = deployment.table();
    if let Some(finished) = key.as_ref().and_then(|key| table.finished(key)) {
        return Ok(finished);
    }
    let result = change(&mut table, path, args, caller, deployment.now_ms())?;
    let committed = table.latest();
    if let Some(key) = key {
        table.finish(key, result.clone());
    }
    drop(table);
    deployment.announce_commit();
    Ok((result, committed))
}

fn change(
    table: &mut Table,
    path: &str,
    args: &Value,
    caller: &Identity,
    now_ms: i64,
) -> Result<Value, Failure> {
    if !matches!(path, "tasks:add" | "tasks:toggle" | "tasks:remove") {
        return Err(Failure::not_found("mutation", path));
    }
    if caller.is_none() {
        return Err(Failure::signed_out());
    }
    let scope = Scope::of(caller);
    let missing = || Failure::new("Uncaught Error: no such task");
    match path {
        "tasks:add" => Ok(table.add(caller, now_ms, text(args, "text")?)),
        "tasks:toggle" => table.toggle(&scope, text(args, "id")?).ok_or_else(missing),
        _ => table.remove(&scope, text(args, "id")?).ok_or_else(missing),
    }
}

/// Runs an action.
pub(super) async fn action(path: &str, args: &Value, caller: &Identity) -> Result<Value, Failure> {
    match path {
        "tasks:slow" => {
            // JavaScript numbers arrive as 5 or as 5.0.
            let ms = argument(args, "ms").as_f64().filter(|ms| *ms >= 0.0 && ms.is_finite());
            let ms = ms.ok_or_else(|| Failure::new("ArgumentValidationError: `ms` must be a number"))?;
            tokio::time::sleep(Duration::from_millis(ms as u64)).await;
            Ok(json!({ "ms": ms, "user": whoami(caller) }))
        }
        "users:whoamiAction" => Ok(whoami(caller)),
        _ => Err(Failure::not_found("action", path)),
    }
}
