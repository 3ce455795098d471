//! What is kept of answers is never wrong: not out of date, and nobody else's.

use std::time::Duration;

use alphanode::app::App;
use alphanode::cache::{Found, NewEntry};
use alphanode::config::Config;
use alphanode::domain::cache_rule::{OperationKind, Target};
use alphanode::domain::permission::Role;
use alphanode::domain::transaction::Store;
use alphanode::foundation::cache_tag::CacheTag;
use alphanode::foundation::clock::Clock;
use alphanode::foundation::database::{Database, DatabaseOptions};
use alphanode::foundation::hash::sha256;
use async_graphql::futures_util::future::join_all;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use chrono::TimeDelta;
use rstest::rstest;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use crate::support::editing::{Written, done, publish, revise, write};
use crate::support::{Answer, Backend, TestServer, TestUser};

const ONE: &str = "query One($slug: String!) { post(by: { slug: $slug }) { title } }";

/// How long a test waits for what must happen.
const PATIENCE: Duration = Duration::from_secs(30);

/// As long as a test may take.
const FOR_ALL_OF_IT: Duration = Duration::from_secs(3_600);

/// A server that relies on what it keeps, with an editor and a post that is live.
async fn caching(backend: Backend) -> Option<(TestServer, TestUser, Written)> {
    let server = TestServer::create(backend).await?;
    server.cache.trust(FOR_ALL_OF_IT);
    let editor = server.sign_in_as(Role::Editor).await;
    let post = write(&server, &editor, named("First")).await;
    publish(&server, &editor, &post).await;
    Some((server, editor, post))
}

fn named(title: &str) -> Value {
    json!({ "title": title, "slug": "note", "body": "A body.\n" })
}

/// What became of it in the cache: the first word of the header.
fn outcome(answer: &Answer) -> &str {
    let said = answer.headers["x-cache"].to_str().unwrap();
    said.split(';').next().unwrap()
}

async fn one(server: &TestServer) -> Answer {
    server.ask(ONE, json!({ "slug": "note" })).await
}

#[rstest]
#[tokio::test]
async fn a_change_is_seen_by_the_next_who_asks(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some((server, editor, mut post)) = caching(backend).await else {
        return;
    };
    for title in ["Second", "Third"] {
        let before = one(&server).await;
        assert_eq!(outcome(&before), "MISS");
        let kept = one(&server).await;
        assert_eq!(outcome(&kept), "HIT");
        assert_eq!(kept.statements(), 0);
        assert_eq!(kept.body, before.body);
        assert_eq!(kept.headers["etag"], before.headers["etag"]);
        assert_eq!(kept.headers["x-cache"], "HIT; rule=published-content");
        assert_eq!(
            kept.headers["surrogate-key"],
            kept.headers["cache-tag"]
                .to_str()
                .unwrap()
                .replace(',', " ")
        );

        post = revise(&server, &editor, &post, named(title)).await;
        assert_eq!(
            outcome(&one(&server).await),
            "HIT",
            "a draft is nobody's business"
        );
        publish(&server, &editor, &post).await;
        let after = one(&server).await;
        assert_eq!(outcome(&after), "MISS");
        assert_eq!(after.data()["post"]["title"], title);
        assert_ne!(after.headers["etag"], before.headers["etag"]);
        publish_again(&server, &editor, &post).await;
    }
}

/// Leaves what is live as it is, and whatever was kept out of date.
async fn publish_again(server: &TestServer, editor: &TestUser, post: &Written) {
    done(server, editor, "unpublishPost", json!({ "id": post.id })).await;
    assert_eq!(one(server).await.data(), &json!({ "post": null }));
    assert_eq!(
        outcome(&one(server).await),
        "HIT",
        "that there is none is an answer too"
    );
    publish(server, editor, post).await;
}

#[rstest]
#[tokio::test]
async fn one_answer_is_for_one_operation_and_its_variables(
    #[values(Backend::Sqlite)] backend: Backend,
) {
    let Some((server, ..)) = caching(backend).await else {
        return;
    };
    let document = "query A($first: Int, $offset: Int) { posts(first: $first, offset: $offset) { nodes { title } } } \
                    query B($first: Int, $offset: Int) { posts(first: $first, offset: $offset) { totalCount } }";
    let ask = async |name: &str, variables: &str| {
        let body = format!(
            r#"{{"query": "{document}", "operationName": "{name}", "variables": {variables}}}"#
        );
        let request = Request::post("/graphql").header("content-type", "application/json");
        server.send(request.body(Body::from(body)).unwrap()).await
    };
    let first = ask("A", r#"{"first": 1, "offset": 0}"#).await;
    assert_eq!(outcome(&first), "MISS");
    assert_eq!(
        outcome(&ask("A", r#"{"offset": 0, "first": 1}"#).await),
        "HIT"
    );
    let other = ask("B", r#"{"first": 1, "offset": 0}"#).await;
    assert_eq!(
        (outcome(&other), &other.data()["posts"]["totalCount"]),
        ("MISS", &json!(1))
    );
    let further = ask("A", r#"{"first": 1, "offset": 1}"#).await;
    assert_eq!(
        (outcome(&further), &further.data()["posts"]["nodes"]),
        ("MISS", &json!([]))
    );
}

#[rstest]
#[tokio::test]
async fn what_is_not_for_everybody_passes_by(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some((server, editor, post)) = caching(backend).await else {
        return;
    };
    revise(&server, &editor, &post, named("Draft")).await;
    let bearer = format!("Bearer {}", editor.token);
    let draft = [
        ("authorization", bearer.as_str()),
        ("x-alphanode-perspective", "draft"),
    ];
    for _ in 0..2 {
        let seen = server
            .ask_with(&draft, ONE, json!({ "slug": "note" }))
            .await;
        assert_eq!(seen.data()["post"]["title"], "Draft");
        assert_eq!(seen.headers["x-cache"], "BYPASS; reason=signed-in");
        assert_eq!(seen.headers["cache-control"], "private, no-store");
        assert_eq!(seen.headers.get("etag"), None);
    }
    assert_eq!(
        outcome(&one(&server).await),
        "MISS",
        "nothing was kept of that"
    );
    assert_eq!(one(&server).await.data()["post"]["title"], "First");
    let signed_in = server
        .ask_with(&draft[..1], ONE, json!({ "slug": "note" }))
        .await;
    assert_eq!(outcome(&signed_in), "BYPASS");
    let named = [("x-alphanode-perspective", "published")];
    assert_eq!(
        outcome(
            &server
                .ask_with(&named, ONE, json!({ "slug": "note" }))
                .await
        ),
        "HIT"
    );
    let forbidden = server
        .ask_with(&draft[1..], ONE, json!({ "slug": "note" }))
        .await;
    assert_eq!(forbidden.code(), "UNAUTHENTICATED");

    let wants_new = [("cache-control", "max-age=0, No-Cache")];
    let new = server
        .ask_with(&wants_new, ONE, json!({ "slug": "note" }))
        .await;
    assert_eq!(
        new.headers["x-cache"],
        "BYPASS; rule=published-content; reason=new-wanted"
    );
    assert_eq!(new.headers["cache-control"], "no-store");

    for (document, reason) in [
        ("{ __schema { queryType { name } } }", "introspection"),
        ("{ __typename }", "no-rule"),
        ("{ me { name } posts { totalCount } }", "no-rule"),
    ] {
        let answer = server.ask(document, json!({})).await;
        assert_eq!(
            answer.headers["x-cache"],
            format!("BYPASS; reason={reason}"),
            "{document}"
        );
        assert_eq!(answer.headers["cache-control"], "no-store");
    }
    let wrong = "{ posts(first: 1, after: \"nonsense\") { totalCount } }";
    for _ in 0..2 {
        let failed = server.ask(wrong, json!({})).await;
        assert_eq!(
            failed.headers["x-cache"],
            "BYPASS; rule=published-content; reason=errors"
        );
        assert_eq!(failed.headers["cache-control"], "no-store");
    }
}

#[rstest]
#[tokio::test]
async fn an_answer_grows_old(#[values(Backend::Sqlite)] backend: Backend) {
    let Some((server, ..)) = caching(backend).await else {
        return;
    };
    let pass = |seconds| server.test.store.clock.advance(TimeDelta::seconds(seconds));
    assert_eq!(outcome(&one(&server).await), "MISS");
    pass(299);
    let kept = one(&server).await;
    assert_eq!(
        (outcome(&kept), &kept.headers["age"]),
        ("HIT", &"299".parse().unwrap())
    );
    pass(1);
    let stale = one(&server).await;
    assert_eq!(
        (outcome(&stale), &stale.headers["age"]),
        ("STALE", &"300".parse().unwrap())
    );
    let made_anew = async {
        while outcome(&one(&server).await) != "HIT" {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, made_anew)
        .await
        .expect("it is made anew");
    assert_eq!(one(&server).await.headers["age"], "0");
    pass(360);
    assert_eq!(
        outcome(&one(&server).await),
        "MISS",
        "too old even for that"
    );
}

#[rstest]
#[tokio::test]
async fn nothing_is_sent_while_the_database_can_not_be_heard(
    #[values(Backend::Sqlite)] backend: Backend,
) {
    let Some((server, ..)) = caching(backend).await else {
        return;
    };
    one(&server).await;
    assert_eq!(outcome(&one(&server).await), "HIT");
    server.cache.hear(&alphanode::foundation::news::News::Lost);
    assert_eq!(outcome(&one(&server).await), "MISS");
    assert_eq!(outcome(&one(&server).await), "MISS");
    server
        .cache
        .hear(&alphanode::foundation::news::News::Connected);
    server.cache.trust(FOR_ALL_OF_IT);
    assert_eq!(
        outcome(&one(&server).await),
        "MISS",
        "what was kept before is forgotten"
    );
    assert_eq!(outcome(&one(&server).await), "HIT");
}

#[rstest]
#[tokio::test]
async fn many_who_ask_at_once_cost_one(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some((server, ..)) = caching(backend).await else {
        return;
    };
    let answers = join_all((0..40).map(|_| one(&server))).await;
    let (made, kept): (Vec<&Answer>, Vec<&Answer>) =
        answers.iter().partition(|answer| outcome(answer) == "MISS");
    assert_eq!((made.len(), kept.len()), (1, 39));
    assert!(kept.iter().all(|answer| answer.statements() == 0));
    assert!(answers.iter().all(|answer| answer.body == answers[0].body));
}

/// What was read before a change may be made into an answer after it, and may not be kept then.
#[rstest]
#[tokio::test]
async fn a_read_that_began_before_a_change_is_not_kept(
    #[values(Backend::Sqlite)] backend: Backend,
) {
    let Some((server, ..)) = caching(backend).await else {
        return;
    };
    let (cache, now) = (&server.cache, server.test.store.clock.now());
    let rules = cache.rules().await.unwrap();
    let target = Target::Operation {
        kind: OperationKind::Query,
        root_fields: &["posts".to_owned()],
    };
    let tag = CacheTag::List("post");
    let made = |read_at| {
        std::sync::Arc::new(cache.entry(NewEntry {
            body: b"{}".to_vec(),
            operation: None,
            tags: [tag].into(),
            hit: axum::http::HeaderValue::from_static("HIT"),
            policy: rules.allow(&target).unwrap(),
            made_at: now,
            read_at,
        }))
    };
    let before = cache.now();
    server.test.store.versions.bump(&[tag]);
    let entry = made(before);
    cache.keep("key".into(), &entry);
    assert!(cache.find("key", now).is_none());
    assert!(!cache.may_share(&entry));
    cache.keep("key".into(), &made(cache.now()));
    assert!(matches!(cache.find("key", now), Some(Found::Fresh(_))));
    server.test.store.versions.bump(&[tag]);
    assert!(cache.find("key", now).is_none());
}

/// Whoever publishes may be gone at any moment: the tags are told if and only if there is something
/// to tell.
#[rstest]
#[tokio::test]
async fn a_change_whose_client_has_gone_is_seen_all_the_same(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some((server, editor, mut post)) = caching(backend).await else {
        return;
    };
    for polls in 1..60 {
        let title = format!("After {polls}");
        post = revise(&server, &editor, &post, named(&title)).await;
        one(&server).await;
        let body = json!({
            "query": "mutation ($input: PublishPostInput!) { publishPost(input: $input) { userErrors { message } } }",
            "variables": { "input": { "id": post.id, "revision": post.head } },
        });
        let request = Request::post("/graphql")
            .header("content-type", "application/json")
            .header("authorization", format!("Bearer {}", editor.token))
            .body(Body::from(body.to_string()))
            .unwrap();
        let mut asked = Box::pin(server.router.clone().oneshot(request));
        for _ in 0..polls {
            let step = std::future::poll_fn(|context| {
                std::task::Poll::Ready(asked.as_mut().poll(context).is_ready())
            });
            if step.await {
                break;
            }
            tokio::task::yield_now().await;
        }
        drop(asked);
        // The lock of the post is only free when the change is over, one way or the other.
        done(
            &server,
            &editor,
            "publishPost",
            json!({ "id": post.id, "revision": post.head }),
        )
        .await;
        assert_eq!(one(&server).await.data()["post"]["title"], title);
    }
}

#[rstest]
#[tokio::test]
async fn a_get_that_names_what_it_has_is_told_so(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some((server, editor, post)) = caching(backend).await else {
        return;
    };
    let uri = "/graphql?query=%7Bposts%7Bnodes%7Btitle%7D%7D%7D";
    let ask = async |headers: &[(&str, &str)]| {
        let mut request = Request::get(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        server.send(request.body(Body::empty()).unwrap()).await
    };
    let first = ask(&[]).await;
    assert_eq!(first.status, StatusCode::OK);
    let etag = first.headers["etag"].to_str().unwrap().to_owned();
    for tags in [etag.clone(), format!("\"other\", W/{etag}"), "*".into()] {
        let again = ask(&[("if-none-match", &tags)]).await;
        assert_eq!(
            (again.status, &again.body),
            (StatusCode::NOT_MODIFIED, &json!(""))
        );
        assert_eq!(again.headers["etag"].to_str().unwrap(), etag);
        assert_eq!(
            again.headers["cache-control"],
            first.headers["cache-control"]
        );
        assert_eq!(
            again.headers["vary"],
            "accept, authorization, x-alphanode-perspective"
        );
        assert_eq!(outcome(&again), "HIT");
    }
    let as_graphql = ("accept", "application/graphql-response+json");
    let other = ask(&[as_graphql, ("if-none-match", &etag)]).await;
    assert_eq!(
        other.status,
        StatusCode::OK,
        "of another type it is another thing"
    );
    let next = revise(&server, &editor, &post, named("Second")).await;
    publish(&server, &editor, &next).await;
    let changed = ask(&[("if-none-match", &etag)]).await;
    assert_eq!(
        (changed.status, outcome(&changed)),
        (StatusCode::OK, "MISS")
    );
}

#[rstest]
#[tokio::test]
async fn a_hash_stands_for_a_text_that_was_sent_before(
    #[values(Backend::Sqlite)] backend: Backend,
) {
    let Some((server, ..)) = caching(backend).await else {
        return;
    };
    let text = "{posts{nodes{title}}}";
    let hash = sha256(text);
    let extensions = |hash: &str| {
        let extensions = json!({ "persistedQuery": { "version": 1, "sha256Hash": hash } });
        extensions
            .to_string()
            .replace('{', "%7B")
            .replace('}', "%7D")
            .replace('"', "%22")
    };
    let get = async |uri: String| {
        server
            .send(Request::get(uri).body(Body::empty()).unwrap())
            .await
    };
    let unknown = get(format!("/graphql?extensions={}", extensions(&hash))).await;
    assert_eq!(
        (unknown.status, unknown.code()),
        (StatusCode::OK, "PERSISTED_QUERY_NOT_FOUND")
    );
    assert_eq!(
        unknown.body["errors"][0]["message"],
        "PersistedQueryNotFound"
    );
    assert_eq!(unknown.headers["cache-control"], "no-store");

    let post = async |body: Value| {
        let request = Request::post("/graphql").header("content-type", "application/json");
        server
            .send(request.body(Body::from(body.to_string())).unwrap())
            .await
    };
    let persisted = |version, hash: &str| json!({ "persistedQuery": { "version": version, "sha256Hash": hash } });
    let lie =
        post(json!({ "query": "{posts{totalCount}}", "extensions": persisted(1, &hash) })).await;
    assert_eq!(
        (lie.status, lie.code()),
        (StatusCode::BAD_REQUEST, "BAD_REQUEST")
    );
    let old = post(json!({ "query": text, "extensions": persisted(0, &hash) })).await;
    assert_eq!(old.code(), "PERSISTED_QUERY_NOT_SUPPORTED");
    let broken = "{posts{";
    let refused =
        post(json!({ "query": broken, "extensions": persisted(1, &sha256(broken)) })).await;
    assert_eq!(refused.code(), "GRAPHQL_PARSE_FAILED");
    let still = post(json!({ "extensions": persisted(1, &sha256(broken)) })).await;
    assert_eq!(
        still.code(),
        "PERSISTED_QUERY_NOT_FOUND",
        "what can't be run is not kept"
    );

    let sent =
        post(json!({ "query": text, "extensions": persisted(1, &hash.to_uppercase()) })).await;
    assert_eq!(outcome(&sent), "MISS");
    let by_hash = get(format!("/graphql?extensions={}", extensions(&hash))).await;
    assert_eq!((outcome(&by_hash), by_hash.data()), ("HIT", sent.data()));

    let text = "{posts{totalCount}}";
    server.data(text, json!({})).await;
    let hash = sha256(text);
    let kept_before = post(json!({ "query": text, "extensions": persisted(1, &hash) })).await;
    assert_eq!(outcome(&kept_before), "HIT");
    let by_hash = get(format!("/graphql?extensions={}", extensions(&hash))).await;
    assert_eq!(by_hash.data(), kept_before.data());
}

/// Two processes, as far as they can tell, over one database.
#[rstest]
#[tokio::test]
async fn what_another_process_changes_is_noticed(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some((server, editor, mut post)) = caching(backend).await else {
        return;
    };
    let options = DatabaseOptions::new(server.test.database.url());
    let database = Database::open(&options).await.unwrap();
    let config = Config {
        keys_directory: server.keys_directory(),
        ..Config::default()
    };
    let other = App::new(&config, database, Clock::system()).unwrap();
    let stop = CancellationToken::new();
    let listening = tokio::spawn(other.listen(stop.clone()));
    let ask = async || {
        let uri = "/graphql?query=%7Bposts%7Bnodes%7Btitle%7D%7D%7D";
        let request = Request::get(uri).body(Body::empty()).unwrap();
        let response = other.router.clone().oneshot(request).await.unwrap();
        let hit = response.headers()["x-cache"]
            .to_str()
            .unwrap()
            .starts_with("HIT");
        let body = axum::body::to_bytes(response.into_body(), usize::MAX)
            .await
            .unwrap();
        let body: Value = serde_json::from_slice(&body).unwrap();
        (hit, body["data"]["posts"]["nodes"][0]["title"].clone())
    };
    for title in ["Second", "Third", "Fourth"] {
        let kept = async {
            while !ask().await.0 {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENCE, kept)
            .await
            .expect("it relies on what it keeps");
        post = revise(&server, &editor, &post, named(title)).await;
        publish(&server, &editor, &post).await;
        let noticed = async {
            while ask().await.1 != title {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENCE, noticed)
            .await
            .expect("it notices");
    }
    stop.cancel();
    listening.await.unwrap();
    let Store { database, .. } = other.store;
    database.close().await.unwrap();
}
