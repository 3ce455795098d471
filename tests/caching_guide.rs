//! What `docs/caching.md` shows does what it says.

use alphanode::domain::cache_rule::RuleSet;
use alphanode::domain::perspective::{Perspective, Reader};
use rstest::rstest;
use serde_json::{Value, json};

use crate::support::Backend;
use crate::support::operator::Operator;

fn guide() -> String {
    std::fs::read_to_string("../docs/caching.md").unwrap()
}

#[rstest]
#[tokio::test]
async fn every_operation_of_the_guide_runs(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(operator) = Operator::create(backend).await else {
        return;
    };
    let guide = guide();
    let blocks = guide.split("```graphql\n").skip(1);
    let documents: Vec<&str> = blocks
        .map(|rest| rest.split("```").next().unwrap())
        .collect();
    assert_eq!(documents.len(), 4);
    for document in documents.iter().rev() {
        let data = operator.data(document, json!({})).await;
        for payload in data.as_object().unwrap().values() {
            let errors = payload.get("userErrors").unwrap_or(&Value::Null);
            assert!(errors.is_null() || errors == &json!([]), "{payload:#}");
            if payload.get("outcome").is_some() {
                assert_eq!(payload["decidedBy"], "search+published-content");
                assert!(
                    guide.contains(&payload["reason"].as_str().unwrap()[..60]),
                    "{payload:#}"
                );
            }
        }
    }
}

#[tokio::test]
async fn the_rules_of_the_guide_are_those_a_site_begins_with() {
    let operator = Operator::create(Backend::Sqlite).await.unwrap();
    let database = operator.server.test.store.database.clone();
    let reader = Reader::new(database, Perspective::Published);
    let rules = RuleSet::read(&reader).await.unwrap();
    let guide = guide();
    for rule in rules.rules() {
        let start = format!("| `{}` |", rule.name);
        let line = guide.lines().find(|line| line.starts_with(&start)).unwrap();
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        for field in &rule.root_fields {
            assert!(cells[2].contains(&format!("`{field}`")), "{line}");
        }
        let age = |seconds: u32| match rule.store {
            true => format!("{seconds} s"),
            false => String::new(),
        };
        let ages = [
            rule.max_age,
            rule.shared_max_age,
            rule.stale_while_revalidate,
        ];
        assert_eq!(cells[3..6], ages.map(age), "{line}");
    }
}
