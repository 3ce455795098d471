//! Asking through a perspective, past the router: over HTTP the public has one only.

use std::sync::Arc;

use alphanode::domain::actor::Actor;
use alphanode::domain::perspective::Reader;
use alphanode::graphql::context::{RequestContext, Site};
use alphanode::graphql::{perspective, schema};
use async_graphql::{Request, Variables};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use super::TestStore;

/// The id of a row, as the API writes it.
pub fn id(node: &str, key: i64) -> String {
    URL_SAFE_NO_PAD.encode(format!("{node}:{key}"))
}

/// The data of an operation that must succeed, seen through a perspective as clients write it.
pub async fn see(test: &TestStore, perspective: &str, document: &str, variables: Value) -> Value {
    let parsed = perspective::parse(perspective).unwrap();
    let reader = Arc::new(Reader::new(test.store.database.clone(), parsed));
    let request = Request::new(document)
        .variables(Variables::from_json(variables))
        .data(RequestContext::new(
            test.store.clone(),
            Actor::CommandLine.into(),
            reader,
        ));
    let site = Site {
        url: "https://example.org".into(),
    };
    let answer = schema(site).finish().execute(request).await;
    assert_eq!(answer.errors, Vec::new(), "{perspective}");
    answer.data.into_json().unwrap()
}
