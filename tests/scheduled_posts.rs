//! The calendar: what is planned for posts, what comes soonest first.

use alphanode::domain::permission::Role;
use chrono::{DateTime, TimeDelta, Utc};
use rstest::rstest;
use sea_orm::ConnectionTrait;
use serde_json::{Value, json};

use crate::support::editing::{done, publish, write};
use crate::support::{Backend, TestServer, TestUser};

const CALENDAR: &str = "query ($from: DateTime, $until: DateTime, $first: Int, $after: String,
                               $last: Int, $before: String) {
    scheduledPosts(from: $from, until: $until, first: $first, after: $after, last: $last,
                   before: $before) {
        totalCount
        nodes { dueAt schedule { publishAt unpublishAt } scheduledBy { name } post { slug } }
        pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    }
}";

async fn calendar(server: &TestServer, user: &TestUser, variables: Value) -> Value {
    let bearer = format!("Bearer {}", user.token);
    let headers = [
        ("authorization", bearer.as_str()),
        ("x-alphanode-perspective", "draft"),
    ];
    let answer = server.ask_with(&headers, CALENDAR, variables).await;
    answer.data()["scheduledPosts"].clone()
}

fn slugs(page: &Value) -> Vec<&str> {
    let nodes = page["nodes"].as_array().unwrap().iter();
    nodes
        .map(|node| node["post"]["slug"].as_str().unwrap())
        .collect()
}

#[rstest]
#[tokio::test]
async fn what_is_planned_is_listed_soonest_first(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(server) = TestServer::create(backend).await else {
        return;
    };
    let editor = server.sign_in_as(Role::Editor).await;
    let at = |days: i64| server.test.store.clock.now() + TimeDelta::days(days);
    for (name, publish_on, unpublish_on) in [
        ("late", Some(9), None),
        ("soon", Some(1), Some(20)),
        ("leaving", None, Some(5)),
        ("unplanned", None, None),
    ] {
        let content = json!({ "title": name, "slug": name, "body": name });
        let post = write(&server, &editor, content).await;
        if publish_on.is_none() {
            publish(&server, &editor, &post).await;
        }
        if publish_on.or(unpublish_on).is_some() {
            let input = json!({ "id": post.id, "at": publish_on.map(at),
                                "unpublishAt": unpublish_on.map(at) });
            done(&server, &editor, "schedulePost", input).await;
        }
    }

    let all = calendar(&server, &editor, json!({})).await;
    assert_eq!(slugs(&all), ["soon", "leaving", "late"]);
    assert_eq!(all["totalCount"], 3);
    let time = |value: &Value| value.as_str().unwrap().parse::<DateTime<Utc>>().unwrap();
    assert_eq!(time(&all["nodes"][0]["dueAt"]), at(1));
    assert_eq!(time(&all["nodes"][1]["dueAt"]), at(5));
    assert_eq!(time(&all["nodes"][0]["schedule"]["unpublishAt"]), at(20));
    let name = all["nodes"][0]["scheduledBy"]["name"].as_str().unwrap();
    assert!(name.starts_with("editor"), "{name}");

    let week = json!({ "from": at(2), "until": at(9) });
    let week = calendar(&server, &editor, week).await;
    assert_eq!(
        slugs(&week),
        ["leaving"],
        "`from` belongs to it, `until` does not"
    );
    assert_eq!(week["totalCount"], 1);

    let page = calendar(&server, &editor, json!({ "first": 2 })).await;
    assert_eq!(slugs(&page), ["soon", "leaving"]);
    let next = json!({ "first": 2, "after": page["pageInfo"]["endCursor"] });
    let next = calendar(&server, &editor, next).await;
    assert_eq!(slugs(&next), ["late"]);
    assert_eq!(next["pageInfo"]["hasNextPage"], false);
    let back = json!({ "last": 1, "before": next["pageInfo"]["startCursor"] });
    assert_eq!(slugs(&calendar(&server, &editor, back).await), ["leaving"]);

    // What happened is no longer planned.
    server.test.store.clock.advance(TimeDelta::days(6));
    let handlers = alphanode::jobs::handlers(&server.test.store);
    let mut worker = server.test.worker("one", handlers);
    worker.run_until_idle().await.unwrap();
    let editor = server.renew(&editor).await;
    let left = calendar(&server, &editor, json!({})).await;
    assert_eq!(slugs(&left), ["late", "soon"], "`soon` leaves on day 20");
}

#[rstest]
#[tokio::test]
async fn the_calendar_is_a_range_of_an_index(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(server) = TestServer::create(backend).await else {
        return;
    };
    // As `domain/post/scheduled.rs` asks.
    let statement = "SELECT id, due_at FROM (
            SELECT post_id AS id, COALESCE(publish_at, unpublish_at) AS due_at FROM post_schedule
        ) AS plan
        WHERE (due_at, id) > ('2026-01-01T00:00:00+00:00', 1) ORDER BY due_at, id LIMIT 21";
    let explain = match backend {
        Backend::Sqlite => "EXPLAIN QUERY PLAN ",
        Backend::Postgres => "EXPLAIN ",
    };
    let database = server.test.store.database.writer();
    if backend == Backend::Postgres {
        // A table of no rows is read as a whole otherwise.
        database
            .execute_unprepared("SET enable_seqscan = off")
            .await
            .unwrap();
    }
    let statement = sea_orm::Statement::from_string(
        database.get_database_backend(),
        format!("{explain}{statement}"),
    );
    let column = match backend {
        Backend::Sqlite => "detail",
        Backend::Postgres => "QUERY PLAN",
    };
    let rows = database.query_all_raw(statement).await.unwrap();
    let plan: Vec<String> = rows
        .iter()
        .map(|row| row.try_get("", column).unwrap())
        .collect();
    let plan = plan.join("\n");
    assert!(plan.contains("post_schedule_by_due"), "{plan}");
    assert!(
        !plan.contains("TEMP B-TREE") && !plan.contains("Sort"),
        "{plan}"
    );
}
