//! Cache rules through the API, as an admin writes them.

use serde_json::{Value, json};

use super::operator::Operator;

/// What a test asks of a rule that was changed.
pub const RULE: &str = "cacheRule { id name purpose rootFields paths store maxAge sharedMaxAge
    staleWhileRevalidate bypass { kind name value reason }
    examples { name operation rootFields path headers { name value } signedIn cached }
    owner { name } expectedResult rollbackNote enabled disabledReason version }";

/// A rule about pages that no other names.
pub fn shop() -> Value {
    json!({
        "name": "shop",
        "purpose": "The shop changes once a day.",
        "paths": ["/shop/*"],
        "maxAge": 30,
        "sharedMaxAge": 120,
        "examples": [
            { "name": "somebody looks around", "path": "/shop/tea", "cached": true },
            { "name": "somebody pays", "path": "/pay", "cached": false },
        ],
    })
}

/// A rule by its name.
pub async fn rule(operator: &Operator, name: &str) -> Value {
    let document = format!(
        "query($name: String!) {{ {} }}",
        RULE.replacen("cacheRule", "cacheRule(by: { name: $name })", 1,)
    );
    operator.data(&document, json!({ "name": name })).await["cacheRule"].clone()
}

/// The id of a rule.
pub async fn id_of(operator: &Operator, name: &str) -> String {
    rule(operator, name).await["id"]
        .as_str()
        .unwrap()
        .to_owned()
}

/// What is done with a page.
pub async fn outcome(operator: &Operator, path: &str) -> (String, String) {
    let document = "query($path: String!) {
        cacheDecision(request: { target: { path: $path } }) { outcome reason } }";
    let data = operator.data(document, json!({ "path": path })).await;
    let decision = &data["cacheDecision"];
    let text = |name: &str| decision[name].as_str().unwrap().to_owned();
    (text("outcome"), text("reason"))
}

/// Code and path of everything that is wrong.
pub async fn problems(operator: &Operator, field: &str, input: Value) -> Vec<String> {
    let payload = operator.change(field, input, "__typename").await;
    let errors = payload["userErrors"].as_array().unwrap().iter();
    errors
        .map(|error| {
            assert!(error["message"].as_str().unwrap().len() > 8, "{error}");
            let path = error["path"].as_array().unwrap().iter();
            let path: Vec<&str> = path.map(|part| part.as_str().unwrap()).collect();
            format!("{} {}", error["code"].as_str().unwrap(), path.join("."))
        })
        .collect()
}

/// The rule of a change that must succeed.
pub async fn done(operator: &Operator, field: &str, input: Value) -> Value {
    let payload = operator.change(field, input, RULE).await;
    assert_eq!(payload["userErrors"], json!([]), "{field}");
    payload["cacheRule"].clone()
}
