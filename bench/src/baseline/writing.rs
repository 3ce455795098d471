//! The rows of a save and of a publication, written as SQL allows: what a revision has in common with
//! the one before never leaves the database, nothing is asked that need not be known, and no rule is
//! minded. One text serves both databases.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use chrono::{DateTime, Utc};
use sea_orm::sqlx::sqlite::{SqliteJournalMode, SqliteSynchronous};
use sea_orm::{
    ConnectOptions, ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbErr, QueryResult,
    SqliteTransactionMode, Statement, TransactionOptions, TransactionTrait, Value,
};
use serde::Deserialize;
use serde_json::json;

use super::CONNECTIONS;
use crate::Result;

/// What a save is told. All that is computed from the text comes with it.
#[derive(Debug, Deserialize)]
struct Save {
    post: i64,
    based_on: i64,
    user: i64,
    version: String,
    hash: String,
    markdown: String,
    html: String,
    text: String,
    words: i32,
}

/// What a publication is told.
#[derive(Debug, Deserialize)]
struct Publication {
    post: i64,
    revision: i64,
    user: i64,
}

const REVISION: &str = r#"
INSERT INTO revision
    (post_id, number, version, status, author, content_hash, saved_at, author_id)
SELECT post_id, number + 1, $2, 'drafted', (SELECT name FROM "user" WHERE id = $5), $3, $4, $5
FROM revision WHERE id = $1 RETURNING id"#;

const TRANSITION: &str = "
INSERT INTO revision_transition (revision_id, status, actor, at) VALUES ($1, $2, $3, $4)";

const CONTENT: &str = "
INSERT INTO post_content (
    id, post_id, updated_at, slug, title, summary, topic, code_language, difficulty,
    reading_minutes, stated_reading_minutes, word_count, outline_context, outline_problem,
    outline_stack, outline_recommended_action, brief, checklist, notes, ai_generated_style,
    has_images, image_heavy, needs_human_review, seo_title, seo_description, seo_canonical, payload)
SELECT
    $2, post_id, $3, slug, title, summary, topic, code_language, difficulty,
    reading_minutes, stated_reading_minutes, $4, outline_context, outline_problem,
    outline_stack, outline_recommended_action, brief, checklist, notes, ai_generated_style,
    has_images, image_heavy, needs_human_review, seo_title, seo_description, seo_canonical, payload
FROM post_content WHERE id = $1";

const BODY: &str = "
INSERT INTO post_content_body (content_id, markdown, html, table_of_contents)
SELECT $2, $3, $4, table_of_contents FROM post_content_body WHERE content_id = $1";

const WORDS: [&str; 3] = [
    "INSERT INTO post_content_tool (content_id, tool_id, position)
     SELECT $2, tool_id, position FROM post_content_tool WHERE content_id = $1",
    "INSERT INTO post_content_stack (content_id, stack_id, position)
     SELECT $2, stack_id, position FROM post_content_stack WHERE content_id = $1",
    "INSERT INTO post_content_entity (content_id, named_entity_id, position)
     SELECT $2, named_entity_id, position FROM post_content_entity WHERE content_id = $1",
];

const SEARCH: &str = "
INSERT INTO post_search (content_id, title, summary, terms, body)
SELECT $2, title, summary, terms, $3 FROM post_search WHERE content_id = $1";

const HEAD: &str = "UPDATE post SET head_content = $2 WHERE id = $1";

const AUDIT: &str = "
INSERT INTO audit_event (at, actor, action, subject, subject_id, request_id, user_id,
    api_token_id, address, before, after)
VALUES ($1, $2, $3, 'post', $4, $5, $6, $6, '127.0.0.1', $7, $8)";

const LIVE: &str = "SELECT live_content, published_at FROM post WHERE id = $1";

const POINT: &str = "UPDATE post SET live_content = $2, published_at = $3 WHERE id = $1";

/// One of each: the slug is free before another content takes it.
const MARK: &str = "UPDATE post_content SET published_at = $2 WHERE id = $1";

const MARK_WORDS: [&str; 3] = [
    "UPDATE post_content_tool SET published_at = CASE content_id WHEN $2 THEN $3 END
     WHERE content_id IN ($1, $2)",
    "UPDATE post_content_stack SET published_at = CASE content_id WHEN $2 THEN $3 END
     WHERE content_id IN ($1, $2)",
    "UPDATE post_content_entity SET published_at = CASE content_id WHEN $2 THEN $3 END
     WHERE content_id IN ($1, $2)",
];

const STATUS: &str = "
UPDATE revision SET status = CASE id WHEN $2 THEN 'published' ELSE 'superseded' END
WHERE id IN ($1, $2)";

const TRANSITIONS: &str = "
INSERT INTO revision_transition (revision_id, status, actor, at)
VALUES ($1, 'superseded', $3, $4), ($2, 'published', $3, $4)";

const UNTIL: &str = "
UPDATE publication SET published_until = $2 WHERE post_id = $1 AND published_until IS NULL";

const FROM: &str = "
INSERT INTO publication (post_id, content_id, published_from) VALUES ($1, $2, $3)";

const JOB: &str = "
INSERT INTO job (kind, payload, unique_key, status, priority, due_at, created_at)
VALUES ('similar_posts', $1, $2, 'waiting', -1, $3, $3)
ON CONFLICT (kind, unique_key)
    WHERE status = 'waiting' AND lease = 0 AND unique_key IS NOT NULL
DO UPDATE SET due_at = CASE WHEN excluded.due_at < job.due_at
    THEN excluded.due_at ELSE job.due_at END";

/// As many connections that write as alphanode has, as safe as its own.
pub async fn router(url: &str) -> Result<Router> {
    let connections = match url.starts_with("sqlite:") {
        true => 1,
        false => CONNECTIONS,
    };
    let mut options = ConnectOptions::new(url);
    options
        .sqlx_logging(false)
        .record_stmt_in_spans(false)
        .test_before_acquire(false)
        .max_connections(connections)
        .min_connections(connections)
        .map_sqlx_sqlite_opts(|sqlite| {
            sqlite
                .journal_mode(SqliteJournalMode::Wal)
                .synchronous(SqliteSynchronous::Full)
                .foreign_keys(true)
                .pragma("cache_size", "-8192")
                .pragma("temp_store", "memory")
        });
    Ok(Router::new()
        .route("/save", post(save_request))
        .route("/publish", post(publish_request))
        .with_state(sea_orm::Database::connect(options).await?))
}

async fn save_request(
    State(database): State<DatabaseConnection>,
    Json(input): Json<Save>,
) -> Response {
    answer(save(&database, input).await)
}

async fn publish_request(
    State(database): State<DatabaseConnection>,
    Json(input): Json<Publication>,
) -> Response {
    answer(publish(&database, &input).await)
}

fn answer(revision: std::result::Result<i64, DbErr>) -> Response {
    match revision {
        Ok(revision) => Json(json!({ "revision": revision })).into_response(),
        Err(error) => {
            let status = axum::http::StatusCode::INTERNAL_SERVER_ERROR;
            (status, error.to_string()).into_response()
        }
    }
}

async fn begin(database: &DatabaseConnection) -> std::result::Result<DatabaseTransaction, DbErr> {
    let options = TransactionOptions {
        sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
        ..TransactionOptions::default()
    };
    database.begin_with_options(options).await
}

/// Runs one prepared statement.
async fn run(
    transaction: &DatabaseTransaction,
    sql: &str,
    values: impl IntoIterator<Item = Value>,
) -> std::result::Result<(), DbErr> {
    let backend = transaction.get_database_backend();
    let statement = Statement::from_sql_and_values(backend, sql, values);
    transaction.execute_raw(statement).await?;
    Ok(())
}

/// Runs one prepared statement that answers with a row.
async fn row(
    transaction: &DatabaseTransaction,
    sql: &str,
    values: impl IntoIterator<Item = Value>,
) -> std::result::Result<QueryResult, DbErr> {
    let backend = transaction.get_database_backend();
    let statement = Statement::from_sql_and_values(backend, sql, values);
    let row = transaction.query_one_raw(statement).await?;
    row.ok_or_else(|| DbErr::RecordNotFound(sql.to_owned()))
}

/// The line of the log.
async fn audit(
    transaction: &DatabaseTransaction,
    action: &str,
    (post, user): (i64, i64),
    now: DateTime<Utc>,
    before: serde_json::Value,
    after: serde_json::Value,
) -> std::result::Result<(), DbErr> {
    let request = format!("{:032x}", now.timestamp_micros());
    let values = [
        now.into(),
        actor(user).into(),
        action.into(),
        post.into(),
        request.into(),
        user.into(),
        before.into(),
        after.into(),
    ];
    run(transaction, AUDIT, values).await
}

fn actor(user: i64) -> String {
    format!("token {user} of user {user}")
}

async fn save(database: &DatabaseConnection, input: Save) -> std::result::Result<i64, DbErr> {
    let Save {
        post,
        based_on: base,
        user,
        ..
    } = input;
    let now = Utc::now();
    let transaction = begin(database).await?;
    let values = [
        base.into(),
        input.version.into(),
        input.hash.into(),
        now.into(),
        user.into(),
    ];
    let id: i64 = row(&transaction, REVISION, values)
        .await?
        .try_get_by_index(0)?;
    let values = [id.into(), "drafted".into(), actor(user).into(), now.into()];
    run(&transaction, TRANSITION, values).await?;
    let values = [base.into(), id.into(), now.into(), input.words.into()];
    run(&transaction, CONTENT, values).await?;
    let values = [
        base.into(),
        id.into(),
        input.markdown.into(),
        input.html.into(),
    ];
    run(&transaction, BODY, values).await?;
    for sql in WORDS {
        run(&transaction, sql, [base.into(), id.into()]).await?;
    }
    run(
        &transaction,
        SEARCH,
        [base.into(), id.into(), input.text.into()],
    )
    .await?;
    run(&transaction, HEAD, [post.into(), id.into()]).await?;
    let before = json!({ "headRevision": base });
    let after = json!({ "revision": id, "head": true });
    audit(&transaction, "revise", (post, user), now, before, after).await?;
    transaction.commit().await?;
    Ok(id)
}

async fn publish(
    database: &DatabaseConnection,
    input: &Publication,
) -> std::result::Result<i64, DbErr> {
    let Publication {
        post,
        revision: id,
        user,
    } = *input;
    let now = Utc::now();
    let transaction = begin(database).await?;
    let known = row(&transaction, LIVE, [post.into()]).await?;
    let live: i64 = known.try_get_by_index(0)?;
    let published_at: DateTime<Utc> = known.try_get_by_index(1)?;
    run(
        &transaction,
        POINT,
        [post.into(), id.into(), published_at.into()],
    )
    .await?;
    run(
        &transaction,
        MARK,
        [live.into(), None::<DateTime<Utc>>.into()],
    )
    .await?;
    run(&transaction, MARK, [id.into(), published_at.into()]).await?;
    for sql in MARK_WORDS {
        run(
            &transaction,
            sql,
            [live.into(), id.into(), published_at.into()],
        )
        .await?;
    }
    run(&transaction, STATUS, [live.into(), id.into()]).await?;
    let values = [live.into(), id.into(), actor(user).into(), now.into()];
    run(&transaction, TRANSITIONS, values).await?;
    run(&transaction, UNTIL, [post.into(), now.into()]).await?;
    run(&transaction, FROM, [post.into(), id.into(), now.into()]).await?;
    let (before, after) = (
        json!({ "liveRevision": live }),
        json!({ "liveRevision": id }),
    );
    audit(&transaction, "publish", (post, user), now, before, after).await?;
    let payload = json!({ "postIds": [post] });
    let key = format!("{post:043}");
    let values = [payload.into(), key.into(), now.timestamp_micros().into()];
    run(&transaction, JOB, values).await?;
    transaction.commit().await?;
    Ok(id)
}
