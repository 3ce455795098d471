//! The audit log: everything that is changed, found again.

use alphanode::domain::permission::Role;
use chrono::TimeDelta;
use rstest::rstest;
use sea_orm::{ConnectionTrait, EntityTrait, Statement};
use serde_json::{Value, json};

use crate::support::editing::{publish, write};
use crate::support::perspective::id;
use crate::support::{Backend, TestServer};

const EVENTS: &str = "query($filter: AuditEventFilter, $first: Int, $after: String) {
    auditEvents(filter: $filter, first: $first, after: $after) {
        totalCount pageInfo { hasNextPage endCursor }
        nodes { at actor action subject subjectId requestId address user { name } before after } } }";

#[rstest]
#[tokio::test]
async fn what_was_done_is_found_by_whom_to_what_and_when(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(server) = TestServer::create(backend).await else {
        return;
    };
    let editor = server.sign_in_as(Role::Editor).await;
    let content = json!({ "title": "A title", "summary": "A summary.", "body": "Some text." });
    let post = write(&server, &editor, content).await;
    server.test.store.clock.advance(TimeDelta::hours(1));
    let editor = server.renew(&editor).await;
    publish(&server, &editor, &post).await;

    // The tokens of the hour before are no longer good.
    let admin = server.sign_in_as(Role::Admin).await;
    let find = |filter: Value| {
        let (server, token) = (&server, &admin.token);
        async move {
            let answer = server
                .ask_as(token, EVENTS, json!({ "filter": filter }))
                .await;
            answer.data()["auditEvents"].clone()
        }
    };
    let published = find(json!({ "subject": post.id, "actions": ["publish"] })).await;
    assert_eq!(published["totalCount"], 1);
    let event = &published["nodes"][0];
    assert_eq!(event["at"], "2026-06-01T13:00:00+00:00");
    assert_eq!(event["subjectId"], json!(post.id));
    assert_eq!(event["actor"], format!("user {}", editor.id));
    assert!(
        event["user"]["name"]
            .as_str()
            .unwrap()
            .starts_with("editor")
    );
    let request = event["requestId"].as_str().unwrap();

    let same = find(json!({ "requestId": request })).await;
    assert_eq!(same["nodes"][0], *event);
    let theirs = find(json!({ "user": id("User", editor.id) })).await;
    let actions = theirs["nodes"].as_array().unwrap().iter();
    let actions: Vec<_> = actions
        .map(|event| event["action"].as_str().unwrap())
        .collect();
    assert_eq!(actions.first(), Some(&"publish"));
    assert_eq!(actions.last(), Some(&"sign_in"));
    let early = find(json!({ "subject": post.id, "until": "2026-06-01T13:00:00Z" })).await;
    assert_eq!(early["nodes"][0]["action"], "create");
    let late = find(json!({ "subject": post.id, "from": "2026-06-01T13:00:00Z" })).await;
    assert_eq!(late["totalCount"], 1);

    // Page by page it is the same list.
    let all = find(json!({})).await;
    let total = all["totalCount"].as_u64().unwrap();
    let (mut seen, mut after) = (Vec::new(), json!(null));
    loop {
        let variables = json!({ "first": 2, "after": after });
        let answer = server.ask_as(&admin.token, EVENTS, variables).await;
        let page = &answer.data()["auditEvents"];
        seen.extend(page["nodes"].as_array().unwrap().clone());
        after = page["pageInfo"]["endCursor"].clone();
        if page["pageInfo"]["hasNextPage"] == false {
            break;
        }
    }
    assert_eq!(seen.len() as u64, total);
    assert_eq!(json!(seen), all["nodes"]);
}

#[rstest]
#[tokio::test]
async fn each_filter_is_a_range_of_an_index(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(server) = TestServer::create(backend).await else {
        return;
    };
    let database = server.test.store.database.writer();
    let start = server.test.store.clock.now();
    let rows = (0..4_000_i64).map(|number| entity::audit_event::ActiveModel {
        at: sea_orm::ActiveValue::Set(start + TimeDelta::seconds(number)),
        actor: sea_orm::ActiveValue::Set("user 1".into()),
        action: sea_orm::ActiveValue::Set(format!("verb_{}", number % 20)),
        subject: sea_orm::ActiveValue::Set("post".into()),
        subject_id: sea_orm::ActiveValue::Set(number % 200),
        request_id: sea_orm::ActiveValue::Set(Some(format!("request-{}", number / 2))),
        user_id: sea_orm::ActiveValue::Set(Some(number % 50)),
        ..Default::default()
    });
    let rows: Vec<_> = rows.collect();
    for batch in rows.chunks(500) {
        let insert = entity::audit_event::Entity::insert_many(batch.to_vec());
        insert.exec_without_returning(database).await.unwrap();
    }
    if backend == Backend::Postgres {
        database
            .execute_unprepared("ANALYZE audit_event")
            .await
            .unwrap();
    }
    let filters = [
        ("1 = 1", "audit_event_by_time"),
        ("at >= '2026-06-01T12:30:00+00:00'", "audit_event_by_time"),
        ("user_id = 7", "audit_event_by_user"),
        ("action = 'verb_3'", "audit_event_by_action"),
        (
            "subject = 'post' AND subject_id = 5",
            "audit_event_by_subject",
        ),
        ("request_id = 'request-9'", "audit_event_by_request"),
    ];
    for (filter, index) in filters {
        let explain = match backend {
            Backend::Sqlite => "EXPLAIN QUERY PLAN",
            Backend::Postgres => "EXPLAIN",
        };
        let select = format!(
            "{explain} SELECT id, at, actor FROM audit_event WHERE {filter} \
             ORDER BY at DESC, id DESC LIMIT 21"
        );
        let statement = Statement::from_string(database.get_database_backend(), select);
        let rows = database.query_all_raw(statement).await.unwrap();
        let column = match backend {
            Backend::Sqlite => 3,
            Backend::Postgres => 0,
        };
        let lines: Vec<String> = rows
            .iter()
            .map(|row| row.try_get_by_index(column).unwrap())
            .collect();
        let plan = lines.join("\n");
        assert!(plan.contains(index), "{filter}: {plan}");
        // A request has a handful of events, which may be sorted; nothing else is.
        let sorts = plan.contains("TEMP B-TREE") || plan.contains("Sort");
        assert!(
            !sorts || index == "audit_event_by_request",
            "{filter}: {plan}"
        );
    }
}
