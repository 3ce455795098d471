//! What a document costs whoever sends it, known before it is validated and run: a point for each
//! field, as often as the list around it may have rows.
//!
//! This is an estimate for rate limits. It knows nothing of types, and reads no more than what is
//! written: arguments that say how many rows are wanted, and the shape of connections. The library's
//! own complexity, which a document is refused by ([`super::limits::COMPLEXITY`]), is exact, and known
//! only while it runs.

use std::collections::HashMap;
use std::convert::Infallible;

use async_graphql::parser::types::{
    ExecutableDocument, Field, OperationDefinition, Selection, SelectionSet,
};
use async_graphql::{Name, Value};

use super::limits::{DEAR, ROWS, SENT_ROWS};

/// Root fields that go through text, and cost [`DEAR`] points more.
const DEAR_FIELDS: [&str; 2] = ["search", "revisionDiff"];

/// What a request costs: a point, and what it asks for.
pub fn of_request(
    document: &ExecutableDocument,
    operation: Option<&str>,
    variables: &serde_json::Map<String, serde_json::Value>,
) -> u32 {
    points(document, operation, variables).saturating_add(1)
}

/// What an operation of a document costs; the dearest one when it is not clear which is meant. The
/// document is within its limits.
fn points(
    document: &ExecutableDocument,
    operation: Option<&str>,
    variables: &serde_json::Map<String, serde_json::Value>,
) -> u32 {
    let operations = document.operations.iter();
    let costs = operations
        .filter(|(name, _)| operation.is_none() || name.map(Name::as_str) == operation)
        .map(|(_, definition)| {
            let mut estimate = Estimate {
                document,
                operation: &definition.node,
                variables,
                fragments: HashMap::new(),
                wanted_by: HashMap::new(),
            };
            estimate
                .selection(&definition.node.selection_set.node)
                .points
        });
    u32::try_from(costs.max().unwrap_or_default()).unwrap_or(u32::MAX)
}

/// What a selection costs once.
#[derive(Clone, Copy, Default)]
struct Cost {
    points: u64,
    /// Whether it is that of a connection, the rows of which are below it.
    is_connection: bool,
}

struct Estimate<'request> {
    document: &'request ExecutableDocument,
    operation: &'request OperationDefinition,
    variables: &'request serde_json::Map<String, serde_json::Value>,
    /// What fragments cost that were seen so far.
    fragments: HashMap<&'request str, Cost>,
    /// What variables say that were seen so far.
    wanted_by: HashMap<Name, Option<u64>>,
}

impl<'request> Estimate<'request> {
    fn selection(&mut self, selection: &'request SelectionSet) -> Cost {
        let mut sum = Cost::default();
        for item in &selection.items {
            let cost = match &item.node {
                Selection::Field(field) => self.field(&field.node),
                Selection::InlineFragment(fragment) => {
                    self.selection(&fragment.node.selection_set.node)
                }
                Selection::FragmentSpread(spread) => {
                    self.fragment(spread.node.fragment_name.node.as_str())
                }
            };
            sum.points = sum.points.saturating_add(cost.points);
            sum.is_connection |= cost.is_connection;
        }
        sum
    }

    fn field(&mut self, field: &'request Field) -> Cost {
        let name = field.name.node.as_str();
        let below = self.selection(&field.selection_set.node);
        let rows = self.rows(field).unwrap_or(match below.is_connection {
            true => ROWS as u64,
            false => 1,
        });
        let more = if DEAR_FIELDS.contains(&name) {
            DEAR as u64
        } else {
            0
        };
        Cost {
            points: below.points.saturating_mul(rows).saturating_add(1 + more),
            is_connection: matches!(name, "nodes" | "edges"),
        }
    }

    fn fragment(&mut self, name: &'request str) -> Cost {
        if let Some(known) = self.fragments.get(name) {
            return *known;
        }
        // One that does not exist is the business of validation; none spreads itself.
        let fragment = self.document.fragments.get(name);
        let cost = fragment.map_or(Cost::default(), |fragment| {
            self.selection(&fragment.node.selection_set.node)
        });
        self.fragments.insert(name, cost);
        cost
    }

    /// How many rows a field says that it wants.
    fn rows(&mut self, field: &Field) -> Option<u64> {
        let mut most = None;
        for (name, value) in &field.arguments {
            if !matches!(name.node.as_str(), "first" | "last" | "ids") {
                continue;
            }
            // What is written is no longer than the document; what a variable holds may be, and is
            // looked at where it is.
            let rows = |name| Ok::<_, Infallible>(self.variable(name).into());
            let Ok(value) = value.node.clone().into_const_with(rows);
            most = most.max(wanted(&value));
        }
        most.map(|rows| rows.clamp(1, SENT_ROWS as u64))
    }

    /// How many rows a variable stands for, which is looked at once however often it is used.
    fn variable(&mut self, name: Name) -> Option<u64> {
        if let Some(known) = self.wanted_by.get(&name) {
            return *known;
        }
        let rows = match self.variables.get(name.as_str()) {
            Some(serde_json::Value::Number(number)) => number.as_u64(),
            Some(serde_json::Value::Array(items)) => u64::try_from(items.len()).ok(),
            Some(_) => None,
            None => {
                let mut definitions = self.operation.variable_definitions.iter();
                let definition = definitions.find(|found| found.node.name.node == name);
                let default = definition.and_then(|found| found.node.default_value.as_ref());
                default.and_then(|default| wanted(&default.node))
            }
        };
        self.wanted_by.insert(name, rows);
        rows
    }
}

/// How many rows a value stands for: a number, or the ids of a list.
fn wanted(value: &Value) -> Option<u64> {
    match value {
        Value::Number(number) => number.as_u64(),
        Value::List(items) => u64::try_from(items.len()).ok(),
        _ => None,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by it")]
mod tests {
    use async_graphql::parser::parse_query;
    use serde_json::json;

    use super::*;

    fn cost(document: &str, variables: serde_json::Value) -> u32 {
        let document = parse_query(document).unwrap();
        points(&document, None, variables.as_object().unwrap())
    }

    #[test]
    fn a_field_costs_a_point_as_often_as_its_list_has_rows() {
        let no = json!({});
        assert_eq!(
            cost("{ post(by: {slug: \"a\"}) { title slug } }", no.clone()),
            3
        );
        assert_eq!(cost("{ posts { totalCount } }", no.clone()), 2);
        // nodes, and two fields of each row.
        assert_eq!(
            cost("{ posts { nodes { title slug } } }", no.clone()),
            1 + 20 * 3
        );
        assert_eq!(
            cost("{ posts(first: 5) { nodes { title slug } } }", no.clone()),
            1 + 5 * 3
        );
        let by_variable = "query($n: Int = 10) { posts(first: $n) { edges { node { title } } } }";
        assert_eq!(cost(by_variable, no.clone()), 1 + 10 * 3);
        assert_eq!(cost(by_variable, json!({ "n": 3 })), 1 + 3 * 3);
        let nested = "{ tools(first: 10) { nodes { posts(first: 10) { nodes { title } } } } }";
        assert_eq!(cost(nested, no.clone()), 1 + 10 * (1 + 1 + 10 * 2));
        let ids = "query($ids: [ID!]!) { nodes(ids: $ids) { id } }";
        assert_eq!(cost(ids, json!({ "ids": ["a", "b", "c"] })), 1 + 3);
        assert!(cost("{ search(query: \"a\") { totalCount } }", no) > 1_000);
    }

    #[test]
    fn fragments_cost_what_they_stand_for() {
        let spread = "{ posts { ...list } } fragment list on PostConnection { nodes { ...row } }
            fragment row on Post { title ... on Post { slug } }";
        assert_eq!(cost(spread, json!({})), 1 + 20 * 3);
        let missing = "{ posts { ...nothing } }";
        assert_eq!(cost(missing, json!({})), 1);
    }

    #[test]
    fn no_number_is_too_large() {
        let huge = "{ posts(first: 99999999999) { nodes { title } } }";
        assert_eq!(cost(huge, json!({})), 1 + 500 * 2);
        let of_huge = |inner: &str| format!("posts(first: 500) {{ nodes {{ {inner} }} }}");
        let nested = (0..10).fold("title".to_owned(), |inner, _| of_huge(&inner));
        assert_eq!(cost(&format!("{{ {nested} }}"), json!({})), u32::MAX);
        let two =
            parse_query("query a { posts { totalCount } } query b { a: __typename }").unwrap();
        assert_eq!(points(&two, Some("b"), &serde_json::Map::new()), 1);
        assert_eq!(points(&two, None, &serde_json::Map::new()), 2);
    }
}
