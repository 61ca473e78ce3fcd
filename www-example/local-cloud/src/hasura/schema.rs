//! The small schema of this service and how its operations run: `tasks` and `whoami` to read or to watch,
//! `insert_task` and `set_done` to change. An operation runs as the caller it came with, and must never
//! look for a newer one.

use serde_json::{Map, Value, json};

use super::Engine;
use super::document::{Field, Kind, Operation};
use super::identity::{ANONYMOUS, Caller, Refusal};
use super::table::Scope;

const TASK: &str = "tasks";
const WHOAMI: &str = "whoami";

/// Runs an operation and returns its `data`.
pub(super) fn run(engine: &Engine, operation: &Operation, caller: &Caller) -> Result<Value, Refusal> {
    let kind = operation.kind;
    if kind == Kind::Mutation && caller.role == ANONYMOUS {
        return Err(Refusal::validation("$", "no mutations exist"));
    }
    if kind == Kind::Subscription && operation.fields.len() != 1 {
        return Err(Refusal::validation("$", "subscriptions must select one top level field"));
    }
    let scope = Scope::of(caller)?;
    let mut data = Map::new();
    for field in &operation.fields {
        let value = if field.name == "__typename" {
            json!(kind.root())
        } else {
            match (kind, field.name.as_str(), &scope) {
                (Kind::Query | Kind::Subscription, "whoami", _) => {
                    let identity = json!({
                        "user_id": caller.user_id, "org_id": caller.organization(), "role": caller.role,
                    });
                    select(field, identity.as_object().unwrap_or(&Map::new()), WHOAMI)?
                }
                (Kind::Query | Kind::Subscription, "tasks", Some(scope)) => {
                    // Also checks the selection where there is no row to apply it to.
                    let _ = select(field, &empty_task(), TASK)?;
                    let rows = engine.table().list(scope);
                    let rows = rows.iter().map(|row| select(field, row, TASK));
                    Value::Array(rows.collect::<Result<_, _>>()?)
                }
                (Kind::Mutation, "insert_task", Some(_)) => {
                    let _ = select(field, &empty_task(), TASK)?;
                    let text = argument(field, "text", "String", Value::as_str)?;
                    let row = engine.table().insert(caller, text);
                    engine.announce_change();
                    select(field, &row, TASK)?
                }
                (Kind::Mutation, "set_done", Some(scope)) => {
                    let _ = select(field, &empty_task(), TASK)?;
                    let id = argument(field, "id", "ID", id_text)?;
                    let done = argument(field, "done", "Boolean", Value::as_bool)?;
                    let row = engine.table().set_done(scope, &id, done);
                    engine.announce_change();
                    row.map_or(Ok(Value::Null), |row| select(field, &row, TASK))?
                }
                _ => return Err(unknown(&field.name, kind.root())),
            }
        };
        data.insert(field.key.clone(), value);
    }
    Ok(Value::Object(data))
}

fn unknown(field: &str, of: &str) -> Refusal {
    let path = format!("$.selectionSet.{field}");
    Refusal::validation(&path, format!("field '{field}' not found in type: '{of}'"))
}

/// A task with every column and nothing in it.
fn empty_task() -> Map<String, Value> {
    ["id", "text", "done", "user_id", "org_id"]
        .map(|column| (column.to_owned(), Value::Null))
        .into_iter()
        .collect()
}

/// The selected columns of an object.
fn select(field: &Field, object: &Map<String, Value>, of: &str) -> Result<Value, Refusal> {
    let path = format!("$.selectionSet.{}", field.name);
    if field.fields.is_empty() {
        return Err(Refusal::validation(&path, format!("missing selection set for '{}'", field.name)));
    }
    let mut selected = Map::new();
    for column in &field.fields {
        let value = match column.name.as_str() {
            "__typename" => json!(of),
            name => object.get(name).cloned().ok_or_else(|| unknown(name, of))?,
        };
        if !column.fields.is_empty() {
            return Err(Refusal::validation(&path, "unexpected subselection set for non-object field"));
        }
        selected.insert(column.key.clone(), value);
    }
    Ok(Value::Object(selected))
}

fn argument<'a, T>(
    field: &'a Field,
    name: &str,
    kind: &str,
    read: impl FnOnce(&'a Value) -> Option<T>,
) -> Result<T, Refusal> {
    let path = format!("$.selectionSet.{}.args.{name}", field.name);
    field
        .arguments
        .get(name)
        .and_then(read)
        .ok_or_else(|| Refusal::validation(&path, format!("expected a value of type '{kind}!' for '{name}'")))
}

/// An id is written as a text or as a number.
fn id_text(value: &Value) -> Option<String> {
    value.as_str().map(String::from).or_else(|| value.as_u64().map(|id| id.to_string()))
}
