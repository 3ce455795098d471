//! PostgreSQL builds the whole answer in one statement that picks the page, then reads each
//! relation once for all its rows: a look-up a row would start an executor each time.

use std::str::FromStr;

use axum::Router;
use axum::extract::{Path, State};
use axum::routing::get;
use sea_orm::sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sea_orm::sqlx::{PgPool, query_scalar};

use super::{CONNECTIONS, answer};
use crate::Result;

const NEWEST: &str = "
WITH page AS MATERIALIZED (
    SELECT id FROM post_content WHERE published_at IS NOT NULL
    ORDER BY published_at DESC, id DESC LIMIT 20
), entities AS (
    SELECT j.content_id,
        json_agg(json_build_object('name', t.name, 'type', t.kind) ORDER BY j.position) AS words
    FROM page JOIN post_content_entity j ON j.content_id = page.id
    JOIN named_entity t ON t.id = j.named_entity_id GROUP BY j.content_id
), tools AS (
    SELECT j.content_id,
        json_agg(json_build_object('name', t.name, 'slug', t.slug) ORDER BY j.position) AS words
    FROM page JOIN post_content_tool j ON j.content_id = page.id
    JOIN tool t ON t.id = j.tool_id GROUP BY j.content_id
)
SELECT json_build_object('data', json_build_object('posts', json_build_object('nodes',
    COALESCE(json_agg(json_build_object(
        'title', c.title, 'slug', c.slug, 'summary', c.summary, 'publishedAt', c.published_at,
        'readingMinutes', c.reading_minutes, 'difficulty', upper(c.difficulty),
        'score', CASE WHEN p.quality IS NOT NULL THEN json_build_object('quality', p.quality,
            'freshness', p.freshness, 'depth', p.depth, 'clarity', p.clarity) END,
        'entities', COALESCE(entities.words, '[]'), 'tools', COALESCE(tools.words, '[]')
    ) ORDER BY c.published_at DESC, c.id DESC), '[]'))))::text
FROM page
JOIN post_content c ON c.id = page.id
JOIN post p ON p.id = c.post_id
LEFT JOIN entities ON entities.content_id = page.id
LEFT JOIN tools ON tools.content_id = page.id";

const ONE: &str = "
SELECT json_build_object('data', json_build_object('post', json_build_object(
    'title', c.title, 'slug', c.slug, 'summary', c.summary, 'topic', c.topic,
    'publishedAt', c.published_at, 'updatedAt', c.updated_at,
    'readingMinutes', c.reading_minutes, 'wordCount', c.word_count,
    'difficulty', upper(c.difficulty), 'codeLanguage', c.code_language,
    'viewCount', p.view_count, 'brief', c.brief,
    'bodyHtml', b.html, 'tableOfContents', b.table_of_contents,
    'score', CASE WHEN p.quality IS NOT NULL THEN json_build_object('quality', p.quality,
        'freshness', p.freshness, 'depth', p.depth, 'clarity', p.clarity) END,
    'entities', COALESCE((
        SELECT json_agg(json_build_object('name', t.name, 'type', t.kind) ORDER BY j.position)
        FROM post_content_entity j JOIN named_entity t ON t.id = j.named_entity_id
        WHERE j.content_id = c.id), '[]'),
    'tools', COALESCE((
        SELECT json_agg(json_build_object('name', t.name, 'slug', t.slug) ORDER BY j.position)
        FROM post_content_tool j JOIN tool t ON t.id = j.tool_id
        WHERE j.content_id = c.id), '[]'),
    'stack', COALESCE((
        SELECT json_agg(json_build_object('name', t.name, 'slug', t.slug) ORDER BY j.position)
        FROM post_content_stack j JOIN stack t ON t.id = j.stack_id
        WHERE j.content_id = c.id), '[]'),
    'outline', json_build_object('context', c.outline_context, 'problem', c.outline_problem,
        'stack', c.outline_stack, 'recommendedAction', c.outline_recommended_action),
    'checklist', c.checklist,
    'flags', json_build_object('aiGeneratedStyle', c.ai_generated_style,
        'hasImages', c.has_images, 'imageHeavy', c.image_heavy,
        'needsHumanReview', c.needs_human_review),
    'revision', json_build_object('number', r.number, 'version', r.version,
        'status', upper(r.status), 'author', r.author, 'message', r.message,
        'lastReviewed', r.last_reviewed, 'savedAt', r.saved_at,
        'contentHash', r.content_hash),
    'notes', c.notes, 'payload', c.payload)))::text
FROM post_content c
JOIN post p ON p.id = c.post_id
JOIN post_content_body b ON b.content_id = c.id
JOIN revision r ON r.id = c.id
WHERE c.slug = $1 AND c.published_at IS NOT NULL";

const FILTER: &str = "
WITH page AS MATERIALIZED (
    SELECT p.live_content AS id FROM post p JOIN post_content c ON c.id = p.live_content
    WHERE p.live_content IS NOT NULL AND c.difficulty = 'intermediate' AND EXISTS (
        SELECT 1 FROM post_content_tool j WHERE j.content_id = p.live_content
            AND j.tool_id = (SELECT id FROM tool WHERE slug = $1))
    ORDER BY p.view_count DESC, p.live_content DESC LIMIT 20
), entities AS (
    SELECT j.content_id,
        json_agg(json_build_object('name', t.name, 'type', t.kind) ORDER BY j.position) AS words
    FROM page JOIN post_content_entity j ON j.content_id = page.id
    JOIN named_entity t ON t.id = j.named_entity_id GROUP BY j.content_id
), tools AS (
    SELECT j.content_id,
        json_agg(json_build_object('name', t.name, 'slug', t.slug) ORDER BY j.position) AS words
    FROM page JOIN post_content_tool j ON j.content_id = page.id
    JOIN tool t ON t.id = j.tool_id GROUP BY j.content_id
)
SELECT json_build_object('data', json_build_object('posts', json_build_object(
    'totalCount', (
        SELECT COUNT(*) FROM post_content_tool w
        JOIN post_content c ON c.id = w.content_id AND c.published_at = w.published_at
        WHERE w.tool_id = (SELECT id FROM tool WHERE slug = $1)
            AND w.published_at IS NOT NULL AND c.difficulty = 'intermediate'),
    'nodes', COALESCE(json_agg(json_build_object(
        'title', c.title, 'slug', c.slug, 'summary', c.summary, 'publishedAt', c.published_at,
        'readingMinutes', c.reading_minutes, 'difficulty', upper(c.difficulty),
        'viewCount', p.view_count,
        'score', CASE WHEN p.quality IS NOT NULL THEN json_build_object('quality', p.quality,
            'freshness', p.freshness, 'depth', p.depth, 'clarity', p.clarity) END,
        'entities', COALESCE(entities.words, '[]'), 'tools', COALESCE(tools.words, '[]')
    ) ORDER BY p.view_count DESC, c.id DESC), '[]'))))::text
FROM page
JOIN post_content c ON c.id = page.id
JOIN post p ON p.id = c.post_id
LEFT JOIN entities ON entities.content_id = page.id
LEFT JOIN tools ON tools.content_id = page.id";

pub async fn router(url: &str) -> Result<Router> {
    let options =
        PgConnectOptions::from_str(url)?.options([("max_parallel_workers_per_gather", "0")]);
    let pool = PgPoolOptions::new()
        .max_connections(CONNECTIONS)
        .min_connections(CONNECTIONS)
        .test_before_acquire(false)
        .connect_with(options)
        .await?;
    Ok(Router::new()
        .route(
            "/newest",
            get(async |State(pool): State<PgPool>| {
                answer(query_scalar(NEWEST).fetch_one(&pool).await)
            }),
        )
        .route(
            "/one/{slug}",
            get(
                async |State(pool): State<PgPool>, Path(slug): Path<String>| {
                    answer(query_scalar(ONE).bind(slug).fetch_one(&pool).await)
                },
            ),
        )
        .route(
            "/filter/{tool}",
            get(
                async |State(pool): State<PgPool>, Path(tool): Path<String>| {
                    answer(query_scalar(FILTER).bind(tool).fetch_one(&pool).await)
                },
            ),
        )
        .with_state(pool))
}
