//! A GraphQL request, read as far as this service needs it: one operation whose fragments and variables are
//! filled in. What it does not support it must refuse, never skip.

use std::collections::BTreeMap;

use graphql_parser::query as ast;
use serde_json::{Map, Value, json};

use super::identity::Refusal;

/// Deeper than any sensible request; a fragment that contains itself ends here.
const DEPTH_LIMIT: usize = 16;

/// What is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Query,
    Mutation,
    Subscription,
}

impl Kind {
    /// As in the log.
    pub fn name(self) -> &'static str {
        match self {
            Self::Query => "Query",
            Self::Mutation => "Mutation",
            Self::Subscription => "Subscription",
        }
    }

    /// The type of the root.
    pub fn root(self) -> &'static str {
        match self {
            Self::Query => "query_root",
            Self::Mutation => "mutation_root",
            Self::Subscription => "subscription_root",
        }
    }
}

/// A selected field.
#[derive(Debug)]
pub(super) struct Field {
    /// Its alias, or its name.
    pub key: String,
    pub name: String,
    pub arguments: Map<String, Value>,
    pub fields: Vec<Field>,
}

/// An operation that can be run.
#[derive(Debug)]
pub(super) struct Operation {
    pub kind: Kind,
    pub fields: Vec<Field>,
}

type Selections<'a> = ast::SelectionSet<'a, &'a str>;

impl Operation {
    /// Reads `{query, variables?, operationName?}`.
    pub fn read(request: &Value) -> Result<Self, Refusal> {
        let query = request["query"].as_str();
        let query = query.ok_or_else(|| Refusal::new("parse-failed", "key \"query\" not found"))?;
        let invalid = |message: &str| Refusal::validation("$.query", message);
        let document = ast::parse_query::<&str>(query).map_err(|_| invalid("not a valid graphql query"))?;
        let mut fragments = BTreeMap::new();
        let mut operations = Vec::new();
        for definition in &document.definitions {
            match definition {
                ast::Definition::Fragment(fragment) => {
                    fragments.insert(fragment.name, &fragment.selection_set);
                }
                ast::Definition::Operation(operation) => operations.push(parts(operation)),
            }
        }
        let name = request["operationName"].as_str().filter(|name| !name.is_empty());
        let chosen = match (name, operations.as_slice()) {
            (None, [only]) => only,
            (None, _) => {
                let why = "exactly one operation has to be present in the document when operationName is \
                           not specified";
                return Err(Refusal::validation("$", why));
            }
            (Some(name), _) => {
                let why = format!("no such operation found in the document: \"{name}\"");
                let mut named = operations.iter().filter(|operation| operation.name == Some(name));
                named.next().ok_or_else(|| Refusal::validation("$", why))?
            }
        };
        let mut variables = Map::new();
        for definition in chosen.variables {
            let given = request["variables"].get(definition.name).cloned();
            let default = || definition.default_value.as_ref().map(|value| literal(value, &Map::new()));
            if let Some(value) = given.or_else(default) {
                variables.insert(definition.name.into(), value);
            }
        }
        let reader = Reader { fragments, variables };
        let mut fields = Vec::new();
        reader.collect(chosen.selections, 0, &mut fields)?;
        Ok(Self { kind: chosen.kind, fields })
    }

    /// What the operation is called in log and faults: "Query tasks".
    pub fn what(&self) -> String {
        format!("{} {}", self.kind.name(), self.subject())
    }

    /// The names of the fields it asks for.
    pub fn subject(&self) -> String {
        let names: Vec<&str> = self
            .fields
            .iter()
            .map(|field| field.name.as_str())
            .filter(|name| *name != "__typename")
            .collect();
        names.join(",")
    }
}

struct Parts<'a> {
    kind: Kind,
    name: Option<&'a str>,
    variables: &'a [ast::VariableDefinition<'a, &'a str>],
    selections: &'a Selections<'a>,
}

fn parts<'a>(operation: &'a ast::OperationDefinition<'a, &'a str>) -> Parts<'a> {
    use ast::OperationDefinition::{Mutation, Query, SelectionSet, Subscription};
    let (kind, name, variables, selections) = match operation {
        SelectionSet(selections) => (Kind::Query, None, &[][..], selections),
        Query(it) => (Kind::Query, it.name, &it.variable_definitions[..], &it.selection_set),
        Mutation(it) => (Kind::Mutation, it.name, &it.variable_definitions[..], &it.selection_set),
        Subscription(it) => (Kind::Subscription, it.name, &it.variable_definitions[..], &it.selection_set),
    };
    Parts { kind, name, variables, selections }
}

struct Reader<'a> {
    fragments: BTreeMap<&'a str, &'a Selections<'a>>,
    variables: Map<String, Value>,
}

impl Reader<'_> {
    /// Adds the selected fields, those of fragments included; a key that is there already is merged.
    fn collect(
        &self,
        selections: &Selections<'_>,
        depth: usize,
        fields: &mut Vec<Field>,
    ) -> Result<(), Refusal> {
        let refuse = |why: String| Refusal::validation("$.selectionSet", why);
        if depth > DEPTH_LIMIT {
            return Err(refuse("the selection is too deep".into()));
        }
        for selection in &selections.items {
            let directives = match selection {
                ast::Selection::Field(field) => &field.directives,
                ast::Selection::FragmentSpread(spread) => &spread.directives,
                ast::Selection::InlineFragment(inline) => &inline.directives,
            };
            if let Some(directive) = directives.first() {
                return Err(refuse(format!("directive '{}' is not supported here", directive.name)));
            }
            match selection {
                ast::Selection::Field(field) => {
                    let key = field.alias.unwrap_or(field.name);
                    let at = fields.iter().position(|known| known.key == key).unwrap_or_else(|| {
                        let arguments = field.arguments.iter();
                        fields.push(Field {
                            key: key.into(),
                            name: field.name.into(),
                            arguments: arguments
                                .map(|(name, value)| ((*name).into(), literal(value, &self.variables)))
                                .collect(),
                            fields: Vec::new(),
                        });
                        fields.len() - 1
                    });
                    if let Some(known) = fields.get_mut(at) {
                        self.collect(&field.selection_set, depth + 1, &mut known.fields)?;
                    }
                }
                ast::Selection::FragmentSpread(spread) => {
                    let fragment = self.fragments.get(spread.fragment_name).ok_or_else(|| {
                        refuse(format!("reference to undefined fragment \"{}\"", spread.fragment_name))
                    })?;
                    self.collect(fragment, depth + 1, fields)?;
                }
                ast::Selection::InlineFragment(inline) => {
                    self.collect(&inline.selection_set, depth + 1, fields)?;
                }
            }
        }
        Ok(())
    }
}

/// A value of the document as JSON; a variable that is not given is null.
fn literal<'a>(value: &ast::Value<'a, &'a str>, variables: &Map<String, Value>) -> Value {
    match value {
        ast::Value::Variable(name) => variables.get(*name).cloned().unwrap_or_default(),
        ast::Value::Int(number) => json!(number.as_i64()),
        ast::Value::Float(number) => json!(number),
        ast::Value::String(text) => json!(text),
        ast::Value::Boolean(value) => json!(value),
        ast::Value::Null => Value::Null,
        ast::Value::Enum(name) => json!(name),
        ast::Value::List(items) => items.iter().map(|item| literal(item, variables)).collect(),
        ast::Value::Object(fields) => {
            fields.iter().map(|(name, value)| (name.to_string(), literal(value, variables))).collect()
        }
    }
}
