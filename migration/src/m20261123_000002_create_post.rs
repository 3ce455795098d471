//! Posts, their revisions, and the content each revision froze.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::{ConnectionTrait, DatabaseBackend};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

/// A content row has the id of its revision. `published_at` on a content row and on its joins is
/// set while that content is live, and only then: it is the flag and the sort key of every public
/// list in one, so that each promised list is a range of one index.
///
/// A post and its contents name each other; the constraint from post to content is checked at
/// commit, and PostgreSQL is told of it once both tables are there.
const UP: &str = r"
CREATE TABLE post (
    id {key},
    reference TEXT NOT NULL UNIQUE,
    source_id TEXT UNIQUE,
    generator TEXT,
    source_hash TEXT,
    view_count BIGINT NOT NULL DEFAULT 0 CHECK (view_count >= 0),
    quality SMALLINT CHECK (quality BETWEEN 0 AND 100),
    freshness SMALLINT CHECK (freshness BETWEEN 0 AND 100),
    depth SMALLINT CHECK (depth BETWEEN 0 AND 100),
    clarity SMALLINT CHECK (clarity BETWEEN 0 AND 100),
    head_content BIGINT NOT NULL {head_content},
    live_content BIGINT {live_content},
    published_at {time},
    trashed_at {time},
    created_at {time} NOT NULL,
    CHECK (live_content IS NULL OR trashed_at IS NULL),
    CHECK (live_content IS NULL OR published_at IS NOT NULL)
)
;
CREATE TABLE revision (
    id {key},
    post_id BIGINT NOT NULL REFERENCES post (id) ON DELETE CASCADE,
    number INTEGER NOT NULL CHECK (number >= 1),
    version TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN
        ('drafted', 'in_review', 'approved', 'published', 'superseded', 'rejected')),
    author TEXT,
    message TEXT,
    last_reviewed DATE,
    content_hash TEXT NOT NULL,
    saved_at {time} NOT NULL,
    UNIQUE (post_id, number)
)
;
CREATE TABLE revision_transition (
    id {key},
    revision_id BIGINT NOT NULL REFERENCES revision (id) ON DELETE CASCADE,
    status TEXT NOT NULL CHECK (status IN
        ('drafted', 'in_review', 'approved', 'published', 'superseded', 'rejected')),
    actor TEXT NOT NULL,
    comment TEXT,
    at {time} NOT NULL
)
;
CREATE TABLE post_content (
    id {given_key} REFERENCES revision (id) ON DELETE CASCADE,
    post_id BIGINT NOT NULL REFERENCES post (id) ON DELETE CASCADE,
    published_at {time},
    updated_at {time} NOT NULL,
    slug TEXT {ordered} NOT NULL CHECK (slug <> ''),
    title TEXT {ordered} NOT NULL CHECK (title <> ''),
    summary TEXT NOT NULL,
    topic TEXT,
    code_language TEXT {ordered},
    difficulty TEXT CHECK (difficulty IN ('beginner', 'intermediate', 'advanced')),
    reading_minutes INTEGER NOT NULL CHECK (reading_minutes >= 0),
    stated_reading_minutes INTEGER CHECK (stated_reading_minutes >= 0),
    word_count INTEGER NOT NULL CHECK (word_count >= 0),
    outline_context TEXT,
    outline_problem TEXT,
    outline_stack TEXT,
    outline_recommended_action TEXT,
    brief TEXT,
    checklist {json} NOT NULL,
    notes {json} NOT NULL,
    ai_generated_style BOOLEAN NOT NULL,
    has_images BOOLEAN NOT NULL,
    image_heavy BOOLEAN NOT NULL,
    needs_human_review BOOLEAN NOT NULL,
    seo_title TEXT,
    seo_description TEXT,
    seo_canonical TEXT,
    payload {json} NOT NULL
)
;
CREATE TABLE post_content_body (
    content_id {given_key} REFERENCES post_content (id) ON DELETE CASCADE,
    markdown TEXT NOT NULL,
    html TEXT NOT NULL,
    table_of_contents {json} NOT NULL
)
;
CREATE TABLE post_content_tool (
    content_id BIGINT NOT NULL REFERENCES post_content (id) ON DELETE CASCADE,
    tool_id BIGINT NOT NULL REFERENCES tool (id),
    position SMALLINT NOT NULL,
    published_at {time},
    PRIMARY KEY (content_id, tool_id)
) {joined}
;
CREATE TABLE post_content_stack (
    content_id BIGINT NOT NULL REFERENCES post_content (id) ON DELETE CASCADE,
    stack_id BIGINT NOT NULL REFERENCES stack (id),
    position SMALLINT NOT NULL,
    published_at {time},
    PRIMARY KEY (content_id, stack_id)
) {joined}
;
CREATE TABLE post_content_entity (
    content_id BIGINT NOT NULL REFERENCES post_content (id) ON DELETE CASCADE,
    named_entity_id BIGINT NOT NULL REFERENCES named_entity (id),
    position SMALLINT NOT NULL,
    published_at {time},
    PRIMARY KEY (content_id, named_entity_id)
) {joined}
;
CREATE TABLE publication (
    id {key},
    post_id BIGINT NOT NULL REFERENCES post (id) ON DELETE CASCADE,
    content_id BIGINT NOT NULL REFERENCES post_content (id) ON DELETE CASCADE,
    published_from {time} NOT NULL,
    published_until {time}
)
;
CREATE TABLE post_slug (
    slug TEXT {ordered} PRIMARY KEY,
    post_id BIGINT NOT NULL REFERENCES post (id) ON DELETE CASCADE
) {joined}
;
CREATE TABLE redirect (
    id {key},
    from_path TEXT NOT NULL UNIQUE CHECK (from_path LIKE '/%'),
    post_id BIGINT NOT NULL REFERENCES post (id) ON DELETE CASCADE,
    created_at {time} NOT NULL
)
;
CREATE UNIQUE INDEX post_by_head ON post (head_content)
;
CREATE UNIQUE INDEX post_by_live ON post (live_content) WHERE live_content IS NOT NULL
;
CREATE INDEX post_live_by_views ON post (view_count, live_content) WHERE live_content IS NOT NULL
;
CREATE INDEX post_live_by_quality ON post (COALESCE(quality, -1), live_content)
    WHERE live_content IS NOT NULL
;
CREATE INDEX revision_transition_by_revision ON revision_transition (revision_id, id)
;
CREATE INDEX post_content_by_post ON post_content (post_id)
;
CREATE UNIQUE INDEX post_content_live_by_slug ON post_content (slug) WHERE published_at IS NOT NULL
;
CREATE INDEX post_content_live_by_date ON post_content (published_at, id)
    WHERE published_at IS NOT NULL
;
CREATE INDEX post_content_live_by_update ON post_content (updated_at, id)
    WHERE published_at IS NOT NULL
;
CREATE INDEX post_content_live_by_title ON post_content (title, id)
    WHERE published_at IS NOT NULL
;
CREATE INDEX post_content_live_by_difficulty ON post_content (difficulty, published_at, id)
    WHERE published_at IS NOT NULL
;
CREATE INDEX post_content_live_by_language ON post_content (code_language, published_at, id)
    WHERE published_at IS NOT NULL
;
CREATE INDEX post_content_by_tool ON post_content_tool (tool_id, published_at, content_id)
;
CREATE INDEX post_content_by_stack ON post_content_stack (stack_id, published_at, content_id)
;
CREATE INDEX post_content_by_entity
    ON post_content_entity (named_entity_id, published_at, content_id)
;
CREATE UNIQUE INDEX publication_open ON publication (post_id) WHERE published_until IS NULL
;
CREATE INDEX publication_by_post ON publication (post_id, published_from)
;
CREATE INDEX publication_by_content ON publication (content_id)
;
CREATE INDEX post_slug_by_post ON post_slug (post_id)
;
CREATE INDEX redirect_by_post ON redirect (post_id)
;
";

const REFERENCES_CONTENT: &str = "REFERENCES post_content (id) DEFERRABLE INITIALLY DEFERRED";

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let sqlite = manager.get_database_backend() == DatabaseBackend::Sqlite;
        let inline = if sqlite { REFERENCES_CONTENT } else { "" };
        let sql = UP
            .replace("{head_content}", inline)
            .replace("{live_content}", inline);
        crate::statements(manager, &sql).await?;
        if !sqlite {
            for column in ["head_content", "live_content"] {
                let constraint = format!(
                    "ALTER TABLE post ADD CONSTRAINT post_{column}_fkey
                     FOREIGN KEY ({column}) {REFERENCES_CONTENT}"
                );
                manager
                    .get_connection()
                    .execute_unprepared(&constraint)
                    .await?;
            }
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let connection = manager.get_connection();
        if manager.get_database_backend() == DatabaseBackend::Sqlite {
            // SQLite deletes a table's rows before it drops it, and the rows name each other.
            connection
                .execute_unprepared("PRAGMA defer_foreign_keys = ON")
                .await?;
        } else {
            connection
                .execute_unprepared(
                    "ALTER TABLE post DROP CONSTRAINT post_head_content_fkey,
                     DROP CONSTRAINT post_live_content_fkey",
                )
                .await?;
        }
        crate::drop_tables(
            manager,
            &[
                "redirect",
                "post_slug",
                "publication",
                "post_content_entity",
                "post_content_stack",
                "post_content_tool",
                "post_content_body",
                "revision_transition",
                "post_content",
                "revision",
                "post",
            ],
        )
        .await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}
