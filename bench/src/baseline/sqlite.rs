//! SQLite builds the whole answer in one statement. Joining texts is quicker there than building
//! JSON from JSON, which is checked again at each level.

use axum::Router;
use axum::extract::{Path, State};
use axum::routing::get;
use sea_orm::sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions};
use sea_orm::sqlx::{SqlitePool, query_scalar};

use super::{CONNECTIONS, answer};
use crate::Result;

const NEWEST: &str = r#"
SELECT '{"data":{"posts":{"nodes":[' || COALESCE(group_concat(node, ','), '') || ']}}}'
FROM (
    SELECT '{"title":' || json_quote(c.title) || ',"slug":' || json_quote(c.slug)
        || ',"summary":' || json_quote(c.summary)
        || ',"publishedAt":' || json_quote(c.published_at)
        || ',"readingMinutes":' || c.reading_minutes
        || ',"difficulty":' || json_quote(upper(c.difficulty))
        || ',"score":' || COALESCE('{"quality":' || p.quality || ',"freshness":' || p.freshness
            || ',"depth":' || p.depth || ',"clarity":' || p.clarity || '}', 'null')
        || ',"entities":[' || (
            SELECT COALESCE(group_concat('{"name":' || json_quote(t.name) || ',"type":'
                || json_quote(t.kind) || '}', ',' ORDER BY j.position), '')
            FROM post_content_entity j JOIN named_entity t ON t.id = j.named_entity_id
            WHERE j.content_id = c.id)
        || '],"tools":[' || (
            SELECT COALESCE(group_concat('{"name":' || json_quote(t.name) || ',"slug":'
                || json_quote(t.slug) || '}', ',' ORDER BY j.position), '')
            FROM post_content_tool j JOIN tool t ON t.id = j.tool_id
            WHERE j.content_id = c.id)
        || ']}' AS node
    FROM post_content c JOIN post p ON p.id = c.post_id
    WHERE c.published_at IS NOT NULL
    ORDER BY c.published_at DESC, c.id DESC LIMIT 20
)"#;

const ONE: &str = r#"
SELECT '{"data":{"post":{"title":' || json_quote(c.title) || ',"slug":' || json_quote(c.slug)
    || ',"summary":' || json_quote(c.summary) || ',"topic":' || json_quote(c.topic)
    || ',"publishedAt":' || json_quote(c.published_at)
    || ',"updatedAt":' || json_quote(c.updated_at)
    || ',"readingMinutes":' || c.reading_minutes || ',"wordCount":' || c.word_count
    || ',"difficulty":' || json_quote(upper(c.difficulty))
    || ',"codeLanguage":' || json_quote(c.code_language)
    || ',"viewCount":' || p.view_count || ',"brief":' || json_quote(c.brief)
    || ',"bodyHtml":' || json_quote(b.html)
    || ',"tableOfContents":' || b.table_of_contents
    || ',"score":' || COALESCE('{"quality":' || p.quality || ',"freshness":' || p.freshness
        || ',"depth":' || p.depth || ',"clarity":' || p.clarity || '}', 'null')
    || ',"entities":[' || (
        SELECT COALESCE(group_concat('{"name":' || json_quote(t.name) || ',"type":'
            || json_quote(t.kind) || '}', ',' ORDER BY j.position), '')
        FROM post_content_entity j JOIN named_entity t ON t.id = j.named_entity_id
        WHERE j.content_id = c.id)
    || '],"tools":[' || (
        SELECT COALESCE(group_concat('{"name":' || json_quote(t.name) || ',"slug":'
            || json_quote(t.slug) || '}', ',' ORDER BY j.position), '')
        FROM post_content_tool j JOIN tool t ON t.id = j.tool_id
        WHERE j.content_id = c.id)
    || '],"stack":[' || (
        SELECT COALESCE(group_concat('{"name":' || json_quote(t.name) || ',"slug":'
            || json_quote(t.slug) || '}', ',' ORDER BY j.position), '')
        FROM post_content_stack j JOIN stack t ON t.id = j.stack_id
        WHERE j.content_id = c.id)
    || '],"outline":{"context":' || json_quote(c.outline_context)
    || ',"problem":' || json_quote(c.outline_problem)
    || ',"stack":' || json_quote(c.outline_stack)
    || ',"recommendedAction":' || json_quote(c.outline_recommended_action)
    || '},"checklist":' || c.checklist
    || ',"flags":{"aiGeneratedStyle":' || iif(c.ai_generated_style, 'true', 'false')
    || ',"hasImages":' || iif(c.has_images, 'true', 'false')
    || ',"imageHeavy":' || iif(c.image_heavy, 'true', 'false')
    || ',"needsHumanReview":' || iif(c.needs_human_review, 'true', 'false')
    || '},"revision":{"number":' || r.number || ',"version":' || json_quote(r.version)
    || ',"status":' || json_quote(upper(r.status)) || ',"author":' || json_quote(r.author)
    || ',"message":' || json_quote(r.message)
    || ',"lastReviewed":' || json_quote(r.last_reviewed)
    || ',"savedAt":' || json_quote(r.saved_at)
    || ',"contentHash":' || json_quote(r.content_hash)
    || '},"notes":' || c.notes || ',"payload":' || c.payload || '}}}'
FROM post_content c
JOIN post p ON p.id = c.post_id
JOIN post_content_body b ON b.content_id = c.id
JOIN revision r ON r.id = c.id
WHERE c.slug = ?1 AND c.published_at IS NOT NULL"#;

const FILTER: &str = r#"
SELECT '{"data":{"posts":{"totalCount":' || (
        SELECT COUNT(*)
        FROM post_content_tool w
        JOIN post_content c ON c.id = w.content_id AND c.published_at = w.published_at
        WHERE w.tool_id = (SELECT id FROM tool WHERE slug = ?1)
            AND w.published_at IS NOT NULL AND c.difficulty = 'intermediate')
    || ',"nodes":[' || COALESCE(group_concat(node, ','), '') || ']}}}'
FROM (
    SELECT '{"title":' || json_quote(c.title) || ',"slug":' || json_quote(c.slug)
        || ',"summary":' || json_quote(c.summary)
        || ',"publishedAt":' || json_quote(c.published_at)
        || ',"readingMinutes":' || c.reading_minutes
        || ',"difficulty":' || json_quote(upper(c.difficulty))
        || ',"viewCount":' || p.view_count
        || ',"score":' || COALESCE('{"quality":' || p.quality || ',"freshness":' || p.freshness
            || ',"depth":' || p.depth || ',"clarity":' || p.clarity || '}', 'null')
        || ',"entities":[' || (
            SELECT COALESCE(group_concat('{"name":' || json_quote(t.name) || ',"type":'
                || json_quote(t.kind) || '}', ',' ORDER BY j.position), '')
            FROM post_content_entity j JOIN named_entity t ON t.id = j.named_entity_id
            WHERE j.content_id = c.id)
        || '],"tools":[' || (
            SELECT COALESCE(group_concat('{"name":' || json_quote(t.name) || ',"slug":'
                || json_quote(t.slug) || '}', ',' ORDER BY j.position), '')
            FROM post_content_tool j JOIN tool t ON t.id = j.tool_id
            WHERE j.content_id = c.id)
        || ']}' AS node
    FROM post p INDEXED BY post_live_by_views
    CROSS JOIN post_content_tool w ON w.content_id = p.live_content
        AND w.tool_id = (SELECT id FROM tool WHERE slug = ?1)
    CROSS JOIN post_content c ON c.id = p.live_content
    WHERE p.live_content IS NOT NULL AND c.difficulty = 'intermediate'
    ORDER BY p.view_count DESC, p.live_content DESC LIMIT 20
)"#;

pub async fn router(url: &str) -> Result<Router> {
    let path = url.trim_start_matches("sqlite:");
    let options = SqliteConnectOptions::new()
        .filename(path)
        .journal_mode(SqliteJournalMode::Wal)
        .pragma("cache_size", "-8192")
        .pragma("temp_store", "memory");
    let pool = SqlitePoolOptions::new()
        .max_connections(CONNECTIONS)
        .min_connections(CONNECTIONS)
        .test_before_acquire(false)
        .idle_timeout(None)
        .max_lifetime(None)
        .connect_with(options)
        .await?;
    Ok(Router::new()
        .route(
            "/newest",
            get(async |State(pool): State<SqlitePool>| {
                answer(query_scalar(NEWEST).fetch_one(&pool).await)
            }),
        )
        .route(
            "/one/{slug}",
            get(
                async |State(pool): State<SqlitePool>, Path(slug): Path<String>| {
                    answer(query_scalar(ONE).bind(slug).fetch_one(&pool).await)
                },
            ),
        )
        .route(
            "/filter/{tool}",
            get(
                async |State(pool): State<SqlitePool>, Path(tool): Path<String>| {
                    answer(query_scalar(FILTER).bind(tool).fetch_one(&pool).await)
                },
            ),
        )
        .with_state(pool))
}
