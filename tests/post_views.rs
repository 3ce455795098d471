//! Views: each visitor counts once for each post and day, and leaves nothing behind.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use alphanode::config::Config;
use alphanode::domain::actor::Actor;
use alphanode::domain::permission::{Action, Role};
use alphanode::domain::post::{self, Content, PreparedPost, RevisionStatus, SavedPost};
use alphanode::domain::transaction::{Store, Transaction};
use alphanode::domain::view::{self, ViewedPost, Views, Visitor};
use alphanode::foundation::clock::Clock;
use alphanode::foundation::database::{Database, DatabaseOptions};
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::Request;
use chrono::TimeDelta;
use entity::{post_view, view_salt};
use rstest::rstest;
use sea_orm::{ConnectionTrait, EntityTrait, PaginatorTrait};
use serde_json::{Value, json};

use crate::support::perspective::id;
use crate::support::{Answer, Backend, Serving, TestDatabase, TestServer, note};

const RECORD: &str = "mutation($input: RecordViewInput!) {
    recordView(input: $input) { accepted userErrors { code } } }";

/// The proxy that requests come through.
const PROXY: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1));

async fn create(backend: Backend) -> Option<TestServer> {
    let config = Config {
        trusted_proxies: vec![PROXY],
        ..Config::default()
    };
    TestServer::create_with(backend, config).await
}

async fn write(server: &TestServer, slug: &str, status: RevisionStatus) -> SavedPost {
    let post = note(content(slug), status);
    server.create_posts(vec![post]).await[0]
}

fn content(slug: &str) -> Content {
    Content {
        slug: Some(slug.to_owned()),
        title: slug.to_owned(),
        body: "Text.".into(),
        ..Content::default()
    }
}

/// Says that somebody at `address` looked at something, through the proxy.
async fn look(server: &TestServer, address: &str, agent: &str, input: Value) -> Answer {
    let body = json!({ "query": RECORD, "variables": { "input": input } });
    let request = Request::post("/graphql")
        .header("content-type", "application/json")
        .header("x-forwarded-for", address)
        .header("user-agent", agent)
        .extension(ConnectInfo(SocketAddr::new(PROXY, 4711)))
        .body(Body::from(body.to_string()))
        .unwrap();
    server.send(request).await
}

async fn looked(server: &TestServer, address: &str, agent: &str, input: Value) -> bool {
    let answer = look(server, address, agent, input).await;
    let payload = &answer.data()["recordView"];
    assert_eq!(payload["userErrors"], json!([]));
    payload["accepted"].as_bool().unwrap()
}

/// Writes what waits, and counts it.
async fn count(server: &TestServer) {
    server.views.flush().await.unwrap();
    let store = &server.test.store;
    let mut change = Transaction::begin(store, Actor::Worker, Action::Maintain)
        .await
        .unwrap();
    change.enqueue(view::job());
    change.commit().await.unwrap();
    let mut worker = server
        .test
        .worker("one", alphanode::jobs::handlers(&server.test.store));
    worker.run_until_idle().await.unwrap();
}

async fn views_of(server: &TestServer, slug: &str) -> i64 {
    let document = "query($slug: String!) { post(by: {slug: $slug}) { viewCount } }";
    let data = server.data(document, json!({ "slug": slug })).await;
    data["post"]["viewCount"].as_i64().unwrap()
}

#[rstest]
#[tokio::test]
async fn a_visitor_counts_once_a_post_and_day(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(server) = create(backend).await else {
        return;
    };
    let one = write(&server, "one", RevisionStatus::Published).await;
    write(&server, "two", RevisionStatus::Published).await;
    let query = "{ posts { nodes { slug updatedAt revision { version } } } }";
    let before = server.data(query, json!({})).await;

    let slug = json!({ "slug": "one" });
    let by_id = json!({ "id": id("Post", one.post_id) });
    assert!(looked(&server, "192.0.2.1", "Firefox", slug.clone()).await);
    assert!(looked(&server, "192.0.2.1", "Firefox", by_id.clone()).await);
    assert!(looked(&server, "192.0.2.1", "Safari", by_id).await);
    assert!(looked(&server, "192.0.2.2", "Firefox", slug.clone()).await);
    assert!(looked(&server, "192.0.2.2", "Firefox", json!({ "slug": "two" })).await);
    assert_eq!(views_of(&server, "one").await, 0, "not counted yet");
    count(&server).await;
    assert_eq!(views_of(&server, "one").await, 3);
    assert_eq!(views_of(&server, "two").await, 1);

    // Once more, on the same day.
    assert!(looked(&server, "192.0.2.2", "Firefox", slug.clone()).await);
    count(&server).await;
    count(&server).await;
    assert_eq!(views_of(&server, "one").await, 3);

    let by_views = "{ posts(orderBy: {field: VIEW_COUNT}) { nodes { slug viewCount } } }";
    let data = server.data(by_views, json!({})).await;
    assert_eq!(data["posts"]["nodes"][0]["slug"], "one");
    let after = server.data(query, json!({})).await;
    assert_eq!(before, after, "nothing else has changed");

    // The next day; what was known of the last one goes when it is over for good.
    server.test.store.clock.advance(TimeDelta::hours(24));
    assert!(looked(&server, "192.0.2.2", "Firefox", slug).await);
    count(&server).await;
    assert_eq!(views_of(&server, "one").await, 4);
    let writer = server.test.store.database.writer();
    let rows = post_view::Entity::find().all(writer).await.unwrap();
    assert_eq!(rows.len(), 1);
    assert!(rows[0].counted);
    let salts = view_salt::Entity::find().all(writer).await.unwrap();
    assert_eq!(salts.len(), 1);
    assert_eq!(salts[0].day, rows[0].day);
}

#[rstest]
#[tokio::test]
async fn what_is_not_public_counts_nothing_and_is_told_by_nothing(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(server) = create(backend).await else {
        return;
    };
    let draft = write(&server, "draft", RevisionStatus::Drafted).await;
    write(&server, "live", RevisionStatus::Published).await;
    let live = look(&server, "192.0.2.1", "Firefox", json!({ "slug": "live" })).await;
    for input in [
        json!({ "slug": "draft" }),
        json!({ "id": id("Post", draft.post_id) }),
        json!({ "slug": "never-was" }),
        json!({ "id": id("Post", 4_711) }),
        json!({ "slug": "x".repeat(10_000) }),
        json!({ "slug": "" }),
    ] {
        let answer = look(&server, "192.0.2.1", "Firefox", input.clone()).await;
        assert_eq!(answer.body, live.body, "{input}");
        assert_eq!(answer.statements(), 0);
    }
    // What no slug holds and no database takes must not be in the way of the others.
    let visitor = Visitor::new(None, Some("a\0b"));
    let nul = ViewedPost::Slug("a\0b".into());
    assert!(server.views.record(Actor::Anonymous, nul, visitor));
    // Robots, and people who work on the site.
    let robot = "Mozilla/5.0 (compatible; Googlebot/2.1)";
    assert!(!looked(&server, "192.0.2.9", robot, json!({ "slug": "live" })).await);
    let editor = server.sign_in_as(Role::Editor).await;
    let input = json!({ "input": { "slug": "live" } });
    let answer = server.ask_as(&editor.token, RECORD, input).await;
    assert_eq!(answer.data()["recordView"]["accepted"], false);
    // What is no id at all is the caller's mistake.
    let answer = look(&server, "192.0.2.1", "Firefox", json!({ "id": "none" })).await;
    assert_eq!(answer.code(), "BAD_USER_INPUT");

    count(&server).await;
    assert_eq!(views_of(&server, "live").await, 1);
    let writer = server.test.store.database.writer();
    assert_eq!(post_view::Entity::find().count(writer).await.unwrap(), 1);
}

#[rstest]
#[tokio::test]
async fn who_sends_views_without_end_is_in_nobody_elses_way(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(server) = create(backend).await else {
        return;
    };
    write(&server, "live", RevisionStatus::Published).await;
    // Twenty a request, of posts that never were, and from neighbours in one network of IPv6.
    let mut accepted = [0, 0];
    for number in 0..600 {
        let record = |alias| {
            let slug = format!("no-{number}-{alias}");
            format!("a{alias}: recordView(input: {{slug: \"{slug}\"}}) {{ accepted }} ")
        };
        let all: String = (0..20).map(record).collect();
        let body = json!({ "query": format!("mutation {{ {all} }}") });
        let (network, address) = match number % 2 {
            0 => (0, "192.0.2.66".to_owned()),
            _ => (1, format!("2001:db8:1:2::{number:x}")),
        };
        let request = Request::post("/graphql")
            .header("content-type", "application/json")
            .header("x-forwarded-for", address)
            .extension(ConnectInfo(SocketAddr::new(PROXY, 4711)))
            .body(Body::from(body.to_string()))
            .unwrap();
        let answer = server.send(request).await;
        let fields = answer.data().as_object().unwrap().values();
        accepted[network] += fields.filter(|field| field["accepted"] == true).count();
    }
    assert_eq!(accepted, [100, 100]);
    assert_eq!(server.views.dropped(), 11_800);

    let live = json!({ "slug": "live" });
    for number in 0..50 {
        let address = format!("198.51.100.{number}");
        assert!(looked(&server, &address, "Firefox", live.clone()).await);
    }
    assert!(looked(&server, "2001:db8:1:3::1", "Firefox", live.clone()).await);
    count(&server).await;
    assert_eq!(views_of(&server, "live").await, 51);
    // A second later there is room again.
    assert!(looked(&server, "192.0.2.66", "Firefox", live).await);
}

#[rstest]
#[tokio::test]
async fn nobody_makes_up_visitors_by_other_names_and_neighbouring_addresses(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(server) = create(backend).await else {
        return;
    };
    for slug in ["names", "neighbours", "other"] {
        write(&server, slug, RevisionStatus::Published).await;
    }
    // On two nodes, which know nothing of each other.
    let store = &server.test.store;
    let nodes = [Views::new(store.clone()), Views::new(store.clone())];
    let four: IpAddr = "192.0.2.1".parse().unwrap();
    for number in 0..1_000 {
        let six: IpAddr = format!("2001:db8::{number:x}").parse().unwrap();
        let name = number.to_string();
        let node = &nodes[number % 2];
        for (slug, visitor) in [
            ("names", Visitor::new(Some(four), Some(&name))),
            ("neighbours", Visitor::new(Some(six), Some("Firefox"))),
        ] {
            assert!(node.record(Actor::Anonymous, ViewedPost::Slug(slug.to_owned()), visitor));
        }
        if number % 100 > 97 {
            node.flush().await.unwrap();
        }
    }
    count(&server).await;
    assert_eq!(views_of(&server, "names").await, 64);
    assert_eq!(views_of(&server, "neighbours").await, 64);

    // It is so for each post, each network and each day.
    assert!(looked(&server, "192.0.2.1", "Firefox", json!({ "slug": "other" })).await);
    assert!(looked(&server, "192.0.2.2", "Firefox", json!({ "slug": "names" })).await);
    count(&server).await;
    assert_eq!(views_of(&server, "other").await, 1);
    assert_eq!(views_of(&server, "names").await, 65);
    store.clock.advance(TimeDelta::hours(24));
    assert!(looked(&server, "192.0.2.1", "Firefox", json!({ "slug": "names" })).await);
    count(&server).await;
    assert_eq!(views_of(&server, "names").await, 66);
}

#[rstest]
#[tokio::test]
async fn several_nodes_and_counts_at_once_count_a_view_once(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(server) = create(backend).await else {
        return;
    };
    for slug in ["one", "two", "three"] {
        write(&server, slug, RevisionStatus::Published).await;
    }
    let store = &server.test.store;
    let nodes = [Views::new(store.clone()), Views::new(store.clone())];
    for number in 0..300 {
        let address = IpAddr::from(Ipv4Addr::from(number / 3));
        for node in &nodes {
            let slug = ["one", "two", "three"][usize::try_from(number % 3).unwrap()];
            let visitor = Visitor::new(Some(address), None);
            assert!(node.record(Actor::Anonymous, ViewedPost::Slug(slug.to_owned()), visitor));
        }
    }
    let (one, other) = tokio::join!(nodes[0].flush(), nodes[1].flush());
    assert_eq!(one.unwrap() + other.unwrap(), 300);
    let counting = || async {
        let change = Transaction::begin(store, Actor::Worker, Action::Maintain)
            .await
            .unwrap();
        let counted = view::count(&change).await.unwrap();
        change.commit().await.unwrap();
        counted.views
    };
    let (one, other) = tokio::join!(counting(), counting());
    assert_eq!(one + other, 300);
    for slug in ["one", "two", "three"] {
        assert_eq!(views_of(&server, slug).await, 100);
    }
}

#[rstest]
#[tokio::test]
async fn views_wait_for_a_database_that_is_away_and_too_many_are_dropped(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(server) = create(backend).await else {
        return;
    };
    write(&server, "one", RevisionStatus::Published).await;
    let record = |number: u32| {
        let visitor = Visitor::new(Some(IpAddr::from(Ipv4Addr::from(number))), None);
        let post = ViewedPost::Slug("one".into());
        server.views.record(Actor::Anonymous, post, visitor)
    };
    let taken = (0..10_050).filter(|number| record(*number)).count();
    assert_eq!(taken, 10_000);
    assert_eq!(server.views.dropped(), 50);
    assert!(record(7), "one that waits already takes no room");

    let writer = server.test.store.database.writer();
    let rename = |from: &str, to: &str| format!("ALTER TABLE {from} RENAME TO {to}");
    writer
        .execute_unprepared(&rename("post_view", "away"))
        .await
        .unwrap();
    assert!(server.views.flush().await.is_err());
    writer
        .execute_unprepared(&rename("away", "post_view"))
        .await
        .unwrap();
    assert_eq!(server.views.flush().await.unwrap(), 10_000);
    assert_eq!(server.views.flush().await.unwrap(), 0);
    count(&server).await;
    assert_eq!(views_of(&server, "one").await, 10_000);

    // Those that could not be written until their day was over for good: nobody could tell any
    // more whether they count already.
    assert!(record(7));
    server.test.store.clock.advance(TimeDelta::hours(24));
    assert_eq!(server.views.flush().await.unwrap(), 0);
    assert_eq!(server.views.dropped(), 51);
}

/// The program, told to stop right after a view came in.
#[rstest]
#[tokio::test]
async fn a_program_that_is_stopped_writes_the_views_it_has(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(database) = TestDatabase::create(backend).await else {
        return;
    };
    let opened = Database::open(&DatabaseOptions::new(database.url())).await;
    let store = Store::new(opened.unwrap(), Clock::system());
    let mut change = Transaction::begin(&store, Actor::CommandLine, Action::Import)
        .await
        .unwrap();
    let live = PreparedPost::new(note(content("one"), RevisionStatus::Published));
    let saved = post::create(&mut change, vec![live.unwrap().into()]).await;
    saved.unwrap().remove(0).unwrap();
    change.commit().await.unwrap();

    let server = Serving::start(&database);
    let url = format!("http://{}/graphql", server.address);
    let body = json!({ "query": RECORD, "variables": { "input": { "slug": "one" } } });
    let request = reqwest::Client::new().post(url).body(body.to_string());
    let request = request.header("content-type", "application/json");
    let answer = request.send().await.unwrap().text().await.unwrap();
    assert!(answer.contains("\"accepted\":true"), "{answer}");
    server.tell_to_stop();
    assert!(server.stopped().await.success());
    let views = post_view::Entity::find().count(store.database.writer());
    assert_eq!(views.await.unwrap(), 1);
}
