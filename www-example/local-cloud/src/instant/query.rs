//! Queries: whole namespaces, told as the triples from which the client computes its answer. Filters and
//! order are the client's to apply. What the client cannot compute by itself must be refused, never be
//! answered in part.

use serde_json::{Value, json};

use super::refusal::Refusal;
use super::table::Table;

/// Options that need the server's help.
const UNKNOWN_OPTIONS: [&str; 5] = ["aggregate", "after", "before", "offset", "last"];

/// The namespaces of a query that can be answered.
pub(super) fn namespaces(query: &Value) -> Result<Vec<&str>, Refusal> {
    let refuse = |reason: &str| Err(Refusal::validation("query", reason));
    let Some(query) = query.as_object() else { return refuse("Query can not be null.") };
    let mut names = Vec::new();
    for (name, form) in query.iter().filter(|(name, _)| *name != "$$ruleParams") {
        let Some(form) = form.as_object() else { return refuse(&format!("{name} needs an object")) };
        if form.keys().any(|key| key != "$") {
            return refuse("links are unknown to this stand-in");
        }
        let options = form.get("$").and_then(Value::as_object);
        if let Some(option) =
            UNKNOWN_OPTIONS.iter().find(|option| options.is_some_and(|o| o.contains_key(**option)))
        {
            return refuse(&format!("`{option}` is unknown to this stand-in"));
        }
        names.push(name.as_str());
    }
    Ok(names)
}

/// What this caller sees.
pub(super) fn answer(table: &Table, query: &Value, caller: Option<&str>) -> Result<Value, Refusal> {
    let node = |name: &str| {
        // One triple a row, and the rows of an entity below it, as the client's tree of results has them.
        let entities: Vec<Value> =
            table.triples(name, caller).map(|triples| leaf(triples, Vec::new())).collect();
        let mut node = leaf(Vec::new(), entities);
        node["data"]["k"] = name.into();
        node
    };
    Ok(namespaces(query)?.into_iter().map(node).collect())
}

fn leaf(triples: Vec<Value>, children: Vec<Value>) -> Value {
    let rows: Vec<[Value; 1]> = triples.into_iter().map(|triple| [triple]).collect();
    json!({ "data": { "datalog-result": { "join-rows": rows } }, "child-nodes": children })
}
