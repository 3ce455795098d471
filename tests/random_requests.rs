//! Whatever is sent to the endpoint, it gives an answer of GraphQL.

use axum::body::Body;
use axum::http::{HeaderValue, Request};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};

use crate::support::{Backend, TestServer};

/// Texts as they come up in requests, whole and in pieces.
fn words() -> impl Strategy<Value = String> {
    let word = proptest::sample::select(vec![
        "{",
        "}",
        "(",
        ")",
        "[",
        "]",
        "\"",
        "\\",
        "\\u0000",
        "\0",
        "$",
        "!",
        ":",
        "...",
        "@skip",
        "query",
        "mutation",
        "subscription",
        "fragment",
        "on",
        "posts",
        "post",
        "nodes",
        "title",
        "first",
        "by",
        "slug",
        "__typename",
        "__schema",
        "null",
        "1e999",
        "-1",
        "#",
        "\"\"\"",
        " ",
        "é",
        "🏃",
        "query($a:Int){posts(first:$a){totalCount}}",
        "{posts{totalCount}}",
        "mutation{signOut{userErrors{code}}}",
    ]);
    proptest::collection::vec(word, 0..12).prop_map(|words| words.concat())
}

fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        words().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 12, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::btree_map(words(), inner, 0..4)
                .prop_map(|fields| fields.into_iter().collect()),
        ]
    })
}

fn body() -> impl Strategy<Value = Vec<u8>> {
    let key = proptest::sample::select(vec!["query", "variables", "operationName", "extensions"]);
    let call = proptest::collection::btree_map(key, json_value(), 0..4);
    let sound = words().prop_map(|query| json!({ "query": query }).to_string().into_bytes());
    prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..200),
        call.prop_map(|call| json!(call).to_string().into_bytes()),
        sound,
        json_value().prop_map(|value| value.to_string().into_bytes()),
        // A body that was cut off or damaged on its way.
        (words(), any::<proptest::sample::Index>(), any::<u8>()).prop_map(|(query, at, byte)| {
            let mut bytes = json!({ "query": query, "variables": {} })
                .to_string()
                .into_bytes();
            let at = at.index(bytes.len());
            bytes[at] = byte;
            bytes
        }),
    ]
}

fn header() -> impl Strategy<Value = Vec<u8>> {
    let known = proptest::sample::select(vec![
        "application/json",
        "application/graphql-response+json",
        "application/json;charset=utf-8",
        "*/*",
        ";;,;q=",
    ]);
    prop_oneof![
        4 => known.prop_map(|known| known.as_bytes().to_vec()),
        1 => proptest::collection::vec(prop_oneof![32_u8..127, 128_u8..], 0..30),
    ]
}

/// The query component of a URL, its bytes as they are where that is possible.
fn url_query(parameters: &[(&str, Vec<u8>)]) -> String {
    let encode = |bytes: &[u8]| -> String {
        let encoded = bytes.iter().map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'{' | b'}' => char::from(*byte).to_string(),
            byte => format!("%{byte:02X}"),
        });
        encoded.collect()
    };
    let pairs: Vec<String> = parameters
        .iter()
        .map(|(name, value)| format!("{name}={}", encode(value)))
        .collect();
    pairs.join("&")
}

fn request() -> impl Strategy<Value = (Option<String>, Vec<u8>, Vec<u8>, Vec<u8>)> {
    let parameter = (
        proptest::sample::select(vec![
            "query",
            "variables",
            "operationName",
            "extensions",
            "x",
        ]),
        prop_oneof![
            proptest::collection::vec(any::<u8>(), 0..60),
            words().prop_map(String::into_bytes),
            json_value().prop_map(|value| value.to_string().into_bytes()),
        ],
    );
    let by_get = prop_oneof![
        proptest::collection::vec(parameter, 0..4).prop_map(|pairs| url_query(&pairs)),
        "[!-~&&[^#]]{0,60}",
    ];
    (proptest::option::of(by_get), body(), header(), header())
}

#[test]
fn whatever_is_sent_gets_an_answer_of_graphql() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let server = runtime
        .block_on(TestServer::create(Backend::Sqlite))
        .unwrap();
    let mut runner = TestRunner::new(ProptestConfig {
        cases: 2_000,
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    let checked = runner.run(&request(), |(query, body, content_type, accept)| {
        let request = match query {
            Some(query) => Request::get(format!("/graphql?{query}")).body(Body::empty()),
            None => Request::post("/graphql")
                .header("content-type", content_type)
                .body(Body::from(body)),
        };
        // What no URL can be never gets here.
        let Ok(mut request) = request else {
            return Ok(());
        };
        let accept = HeaderValue::from_bytes(&accept).unwrap();
        request.headers_mut().insert("accept", accept);
        let answer = runtime.block_on(server.send(request));
        prop_assert!(!answer.status.is_server_error(), "{answer:?}");
        answer.assert_well_formed();
        Ok(())
    });
    checked.unwrap();
}
