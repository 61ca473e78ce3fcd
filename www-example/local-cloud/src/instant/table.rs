//! The attributes of the app and the rows made of them, each row of the user who created it. A transaction
//! happens as a whole or not at all, and must never touch a row of somebody else.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::refusal::Refusal;

/// The attributes every test starts with: those of the namespace `tasks`.
const SEEDED: [(&str, &str, &str); 4] = [
    ("id", "7d2f0a10-0000-4000-8000-000000000001", "7d2f0a10-0000-4000-8000-000000000011"),
    ("text", "7d2f0a10-0000-4000-8000-000000000002", "7d2f0a10-0000-4000-8000-000000000012"),
    ("done", "7d2f0a10-0000-4000-8000-000000000003", "7d2f0a10-0000-4000-8000-000000000013"),
    ("owner", "7d2f0a10-0000-4000-8000-000000000004", "7d2f0a10-0000-4000-8000-000000000014"),
];

/// A row: its values and when each was first written, by attribute.
#[derive(Clone, Debug)]
struct Row {
    etype: String,
    creator: String,
    values: BTreeMap<String, (Value, i64)>,
}

/// The attributes and rows of the app.
#[derive(Clone, Debug)]
pub(super) struct Table {
    attrs: Vec<Value>,
    rows: BTreeMap<String, Row>,
    latest: u64,
}

impl Default for Table {
    fn default() -> Self {
        let seeded = |(label, id, ident): (&str, &str, &str)| {
            json!({
                "id": id,
                "forward-identity": [ident, "tasks", label],
                "value-type": "blob",
                "cardinality": "one",
                "unique?": label == "id",
                "index?": false,
                "catalog": "user",
            })
        };
        Self { attrs: SEEDED.into_iter().map(seeded).collect(), rows: BTreeMap::new(), latest: 1 }
    }
}

/// Who changes the rows, and when.
#[derive(Clone, Copy)]
struct Change<'a> {
    caller: Option<&'a str>,
    now_ms: i64,
}

/// The part of a step at this position, which is a text.
fn text(step: &Value, at: usize) -> Result<&str, Refusal> {
    match &step[at] {
        Value::String(text) => Ok(text),
        Value::Array(_) => Err(invalid("lookups are unknown to this stand-in")),
        _ => Err(invalid(&format!("part {at} of {step} is not a text"))),
    }
}

fn invalid(reason: &str) -> Refusal {
    Refusal::validation("tx-steps", reason)
}

impl Table {
    /// Back to the start, but never back in time: clients remember the latest transaction they saw.
    pub fn clear(&mut self) {
        *self = Self { latest: self.latest + 1, ..Self::default() };
    }

    /// The number of the newest transaction.
    pub fn latest(&self) -> u64 {
        self.latest
    }

    /// All attributes, as clients are told of them.
    pub fn attrs(&self) -> &[Value] {
        &self.attrs
    }

    /// The triples of every row of this type that the caller may see.
    pub fn triples(&self, etype: &str, caller: Option<&str>) -> impl Iterator<Item = Vec<Value>> {
        let visible = move |row: &Row| row.etype == etype && caller == Some(&row.creator);
        self.rows.iter().filter(move |(_, row)| visible(row)).map(|(eid, row)| {
            row.values.iter().map(|(attr, (value, at))| json!([eid, attr, value, at])).collect()
        })
    }

    /// Runs a transaction and returns its number.
    pub fn transact(&mut self, steps: &Value, caller: Option<&str>, now_ms: i64) -> Result<u64, Refusal> {
        let steps = steps.as_array().ok_or_else(|| invalid("there are no steps"))?;
        let mut draft = self.clone();
        for step in steps {
            draft.apply(step, Change { caller, now_ms }, self)?;
        }
        draft.latest += 1;
        *self = draft;
        Ok(self.latest)
    }

    fn apply(&mut self, step: &Value, change: Change<'_>, before: &Self) -> Result<(), Refusal> {
        match text(step, 0)? {
            "add-attr" => self.add_attr(&step[1]),
            "add-triple" => self.write(step, change, before, |_, new| new.clone()),
            "deep-merge-triple" => self.write(step, change, before, merged),
            "retract-triple" => {
                let (eid, attr) = (text(step, 1)?, text(step, 2)?);
                let (etype, _) = self.ident(attr)?;
                if let Some(row) = self.own(eid, &etype, "update", change.caller)?
                    && row.values.get(attr).is_some_and(|(value, _)| *value == step[3])
                {
                    row.values.remove(attr);
                }
                Ok(())
            }
            "delete-entity" => {
                let eid = text(step, 1)?;
                if self.own(eid, step[2].as_str().unwrap_or_default(), "delete", change.caller)?.is_some() {
                    self.rows.remove(eid);
                }
                Ok(())
            }
            "rule-params" => Ok(()),
            other => Err(invalid(&format!("{other} is unknown to this stand-in"))),
        }
    }

    fn add_attr(&mut self, attr: &Value) -> Result<(), Refusal> {
        let ident = &attr["forward-identity"];
        let (Some(id), Some(etype), Some(label)) =
            (attr["id"].as_str(), ident[1].as_str(), ident[2].as_str())
        else {
            return Err(invalid(&format!("{attr} is not an attribute")));
        };
        if attr["value-type"] != "blob" {
            return Err(invalid("links are unknown to this stand-in"));
        }
        // The same transaction may come again after a lost connection.
        if self.attrs.iter().any(|known| known["id"] == id) {
            return Ok(());
        }
        let same =
            |known: &Value| known["forward-identity"][1] == etype && known["forward-identity"][2] == label;
        if self.attrs.iter().any(same) {
            return Err(Refusal::not_unique(etype, label));
        }
        let mut attr = attr.clone();
        if let Some(fields) = attr.as_object_mut() {
            // The client's own mark; it would add the attribute for ever.
            fields.remove("isUnsynced");
            fields.insert("catalog".into(), "user".into());
        }
        self.attrs.push(attr);
        Ok(())
    }

    /// Sets one value of a row, to what `combine` makes of the old and the new one.
    fn write(
        &mut self,
        step: &Value,
        change: Change<'_>,
        before: &Self,
        combine: impl Fn(Option<&Value>, &Value) -> Value,
    ) -> Result<(), Refusal> {
        let (eid, attr) = (text(step, 1)?, text(step, 2)?);
        let (etype, label) = self.ident(attr)?;
        let existed = before.rows.contains_key(eid);
        let action = if existed { "update" } else { "create" };
        let Some(creator) = change.caller else { return Err(Refusal::permission(&etype, action)) };
        match step[4]["mode"].as_str() {
            Some("create") if existed => return Err(invalid(&format!("{etype} {eid} exists already"))),
            Some("update") if !self.rows.contains_key(eid) => {
                return Err(invalid(&format!("{etype} {eid} does not exist")));
            }
            _ => {}
        }
        if label == "id" && step[3] != eid {
            return Err(invalid("the id of a row cannot change"));
        }
        self.own(eid, &etype, action, change.caller)?;
        let row = self.rows.entry(eid.into()).or_insert_with(|| Row {
            etype,
            creator: creator.into(),
            values: BTreeMap::new(),
        });
        let old = row.values.get(attr);
        // The first time stays: clients order rows by it.
        let at = old.map_or(change.now_ms, |(_, at)| *at);
        let value = combine(old.map(|(value, _)| value), &step[3]);
        row.values.insert(attr.into(), (value, at));
        Ok(())
    }

    /// A row of this id, which must be the caller's.
    fn own(
        &mut self,
        eid: &str,
        etype: &str,
        action: &str,
        caller: Option<&str>,
    ) -> Result<Option<&mut Row>, Refusal> {
        match self.rows.get_mut(eid) {
            Some(row) if caller == Some(&row.creator) => Ok(Some(row)),
            None if caller.is_some() => Ok(None),
            _ => Err(Refusal::permission(etype, action)),
        }
    }

    /// The type and the label of an attribute.
    fn ident(&self, id: &str) -> Result<(String, String), Refusal> {
        let known = self.attrs.iter().find(|attr| attr["id"] == id);
        let ident = known.map(|attr| &attr["forward-identity"]);
        let part = |at: usize| ident.and_then(|ident| ident[at].as_str()).map(String::from);
        part(1).zip(part(2)).ok_or_else(|| invalid(&format!("there is no attribute {id}")))
    }
}

/// Objects are merged field by field, where null removes; everything else is replaced.
fn merged(old: Option<&Value>, new: &Value) -> Value {
    let Value::Object(changes) = new else { return new.clone() };
    let mut fields = old.and_then(Value::as_object).cloned().unwrap_or_else(Map::new);
    for (name, change) in changes {
        if change.is_null() {
            fields.remove(name);
        } else {
            let value = merged(fields.get(name), change);
            fields.insert(name.clone(), value);
        }
    }
    fields.into()
}
