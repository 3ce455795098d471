//! What a hostile document costs: nothing but its refusal.

use rstest::rstest;
use serde_json::json;

use crate::support::{Answer, Backend, TestServer};

async fn ask(document: String) -> Answer {
    let server = TestServer::create(Backend::Sqlite).await.unwrap();
    server.ask(&document, json!({})).await
}

fn nested(levels: usize) -> String {
    let open = "similarPosts { post { ".repeat(levels);
    let close = "} } ".repeat(levels);
    format!("{{ posts {{ nodes {{ {open} title {close} }} }} }}")
}

/// Each fragment spreads the next one twice: a kilobyte that stands for a billion fields.
fn fragment_bomb() -> String {
    let mut document = String::from("{ posts { nodes { ...f0 } } }");
    for number in 0..30 {
        let next = number + 1;
        document += &format!(" fragment f{number} on Post {{ a: title ...f{next} ...f{next} }}");
    }
    document + " fragment f30 on Post { title }"
}

/// Fragments that spread the next one and select nothing: no field is deep, but the reader is.
fn chain(length: usize) -> String {
    let spreads =
        (0..length).map(|number| format!("fragment f{number} on Query{{...f{}}}", number + 1));
    let spreads: String = spreads.collect();
    format!("{{...f0}} {spreads} fragment f{length} on Query{{__typename}}")
}

/// Fragments that spread the next one three times and end in one that does not exist.
fn hollow_fragments() -> String {
    let spread = |number: usize| {
        let next = number - 1;
        format!("fragment f{number} on Query{{...f{next} ...f{next} ...f{next}}}")
    };
    let spreads: String = (1..18).map(spread).collect();
    format!("{{...f17}} fragment f0 on Query{{...nope}} {spreads}")
}

/// Each comment hides a closing bracket from whoever does not know comments.
fn commented(levels: usize) -> String {
    let (open, close) = ("{not:#}\n".repeat(levels), "}".repeat(levels));
    format!("{{posts(filter:{open}{{}}{close}){{totalCount}}}}")
}

fn fields(count: usize) -> String {
    format!("{{ posts {{ nodes {{ {} }} }} }}", "title ".repeat(count))
}

fn aliases(count: usize) -> String {
    let aliases: String = (0..count)
        .map(|number| format!("a{number}: title "))
        .collect();
    format!("{{ posts {{ nodes {{ {aliases} }} }} }}")
}

fn roots(count: usize) -> String {
    let roots: String = (0..count)
        .map(|number| format!("a{number}: posts {{ totalCount }} "))
        .collect();
    format!("{{ {roots} }}")
}

fn directives(count: usize) -> String {
    format!(
        "{{ posts {{ totalCount {} }} }}",
        "@include(if: true) ".repeat(count)
    )
}

#[rstest]
#[case::deep(nested(20), "DEPTH_LIMIT")]
#[case::very_deep(nested(500), "DEPTH_LIMIT")]
#[case::only_braces("{a".repeat(20_000), "DEPTH_LIMIT")]
#[case::only_brackets(format!("{{ a(b: {}", "[".repeat(20_000)), "DEPTH_LIMIT")]
#[case::fragment_bomb(fragment_bomb(), "FIELD_LIMIT")]
#[case::fragment_cycle("{ posts { nodes { ...a } } } fragment a on Post { ...b } fragment b on Post { ...a }".into(), "FRAGMENT_CYCLE")]
#[case::chain_of_fragments(chain(700), "DEPTH_LIMIT")]
#[case::fragments_without_fields(hollow_fragments(), "FIELD_LIMIT")]
#[case::brackets_behind_comments(commented(2_000), "DEPTH_LIMIT")]
#[case::brackets_behind_strings(format!("{{posts(filter:{}", "{a:\"}\" not:".repeat(200)), "DEPTH_LIMIT")]
#[case::brackets_behind_block_strings(format!("{{posts(filter:{}", "{a:\"\"\"}\"\"\" not:".repeat(200)), "DEPTH_LIMIT")]
#[case::nul("{ post(by: {slug: \"a\\u0000\"}) { title } }".into(), "BAD_USER_INPUT")]
#[case::fields(fields(3_000), "FIELD_LIMIT")]
#[case::aliases(aliases(60), "ALIAS_LIMIT")]
#[case::roots("{ ".to_owned() + &"posts { totalCount } ".repeat(21) + "}", "ROOT_FIELD_LIMIT")]
#[case::aliased_roots(roots(21), "ROOT_FIELD_LIMIT")]
#[case::directives(directives(60), "DIRECTIVE_LIMIT")]
#[case::long(format!("{{ posts {{ totalCount }} }} #{}", "x".repeat(70_000)), "DOCUMENT_TOO_LONG")]
#[case::complex("{ tools(first: 100) { nodes { posts(first: 100) { nodes { title slug } } } } }".into(), "COMPLEXITY_LIMIT")]
#[case::unknown_field("{ posts { nodes { password } } }".into(), "GRAPHQL_VALIDATION_FAILED")]
#[tokio::test]
async fn a_hostile_document_is_refused_with_a_code(#[case] document: String, #[case] code: &str) {
    let answer = ask(document).await;
    assert_eq!(answer.code(), code, "{:#}", answer.body);
    let message = answer.body["errors"][0]["message"].as_str().unwrap();
    assert!(message.len() > 10 && message.len() < 400, "{message}");
}

/// Brackets in strings and comments are text.
#[tokio::test]
async fn brackets_that_are_text_do_not_count() {
    let text = "(((".repeat(40);
    let document = format!("{{ search(query: \"why {text}\") {{ totalCount }} }} # {text}");
    ask(document).await.data();
    let block = format!("{{ search(query: \"\"\"why \\\"\"\" {text}\"\"\") {{ totalCount }} }}");
    ask(block).await.data();
}

#[tokio::test]
async fn a_large_but_honest_document_is_answered() {
    assert_eq!(
        ask(nested(3)).await.data(),
        &json!({ "posts": { "nodes": [] } })
    );
    assert_eq!(
        ask(aliases(50)).await.data(),
        &json!({ "posts": { "nodes": [] } })
    );
    ask(roots(20)).await.data();
}

/// The query that every GraphQL tool begins with.
#[tokio::test]
async fn the_usual_introspection_fits() {
    let of_type = |levels: usize| "ofType { kind name ".repeat(levels) + &"}".repeat(levels);
    let document = format!(
        "query IntrospectionQuery {{ __schema {{ description
            queryType {{ name kind }} mutationType {{ name }} subscriptionType {{ name }}
            types {{ ...FullType }}
            directives {{ name description isRepeatable locations args {{ ...InputValue }} }} }} }}
        fragment FullType on __Type {{ kind name description specifiedByURL isOneOf
            fields(includeDeprecated: true) {{ name description
                args(includeDeprecated: true) {{ ...InputValue }} type {{ ...TypeRef }}
                isDeprecated deprecationReason }}
            inputFields(includeDeprecated: true) {{ ...InputValue }} interfaces {{ ...TypeRef }}
            enumValues(includeDeprecated: true) {{ name description isDeprecated deprecationReason }}
            possibleTypes {{ ...TypeRef }} }}
        fragment InputValue on __InputValue {{ name description type {{ ...TypeRef }} defaultValue
            isDeprecated deprecationReason }}
        fragment TypeRef on __Type {{ kind name {} }}",
        of_type(9)
    );
    let answer = ask(document).await;
    assert!(answer.data()["__schema"]["types"].as_array().unwrap().len() > 50);
}

#[rstest]
#[case(r#"{ posts(first: -1) { totalCount } }"#)]
#[case(r#"{ posts(first: 101) { totalCount } }"#)]
#[case(r#"{ posts(first: 1, last: 1) { totalCount } }"#)]
#[case(r#"{ posts(after: "nonsense") { totalCount } }"#)]
#[case(r#"{ posts(offset: 10001) { totalCount } }"#)]
#[case(r#"{ post(by: {id: "nonsense"}) { title } }"#)]
#[case(r#"{ post(by: {id: "VG9vbDox"}) { title } }"#)]
#[case(r#"{ search(query: "---") { totalCount } }"#)]
#[case(r#"{ posts(filter: {title: {contains: "!"}}) { totalCount } }"#)]
#[case(r#"{ posts(filter: {publishedAt: {gt: "+262000-12-31T23:59:59Z"}}) { totalCount } }"#)]
#[tokio::test]
async fn an_argument_that_makes_no_sense_is_named(#[case] document: &str) {
    let answer = ask(document.to_owned()).await;
    assert_eq!(answer.code(), "BAD_USER_INPUT", "{:#}", answer.body);
}

#[tokio::test]
async fn a_filter_may_hold_many_tests_but_not_any_number() {
    let server = TestServer::create(Backend::Sqlite).await.unwrap();
    let query =
        "query($filter: PostFilter) { posts(filter: $filter) { totalCount nodes { title } } }";
    let slugs: Vec<String> = (0..250).map(|number| format!("post-{number}")).collect();
    let filter = json!({ "filter": { "slug": { "in": slugs } } });
    assert_eq!(
        server.ask(query, filter).await.data()["posts"]["totalCount"],
        0
    );

    let slugs: Vec<String> = (0..400).map(|number| format!("post-{number}")).collect();
    let filter = json!({ "filter": { "slug": { "in": slugs } } });
    assert_eq!(server.ask(query, filter).await.code(), "BAD_USER_INPUT");

    let nested = |levels: usize| {
        let slug = json!({ "slug": { "eq": "a" } });
        (0..levels).fold(slug, |filter, _| json!({ "not": { "or": [filter] } }))
    };
    let answer = server.ask(query, json!({ "filter": nested(5) })).await;
    assert_eq!(answer.data()["posts"]["totalCount"], 0);
    let answer = server.ask(query, json!({ "filter": nested(40) })).await;
    assert_eq!(answer.code(), "DEPTH_LIMIT");

    // The same written into the document, where the parser meets it.
    let literal = |levels: usize| {
        let (open, close) = ("{not: ".repeat(levels), "}".repeat(levels));
        format!("{{ posts(filter: {open}{{slug: {{eq: \"a\"}}}}{close}) {{ totalCount }} }}")
    };
    server.ask(&literal(25), json!({})).await.data();
    assert_eq!(
        server.ask(&literal(60), json!({})).await.code(),
        "DEPTH_LIMIT"
    );
}
