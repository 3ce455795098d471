//! Releases: posts that go live, or out of sight, together.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

/// An item keeps the numbers, the reference and the title of its post, and has no foreign keys: what
/// a release did stays readable when the post is gone. `replaced_content` is what was live before
/// the release shipped; none when the post was not live, and none before it shipped. `restored`
/// says whether the rollback brought that back, or kept a later edit.
///
/// `ship_problems` are the sentences that say why a schedule could not be kept.
const UP: &str = r#"
CREATE TABLE "release" (
    id {key},
    name TEXT NOT NULL CHECK (name <> ''),
    status TEXT NOT NULL CHECK (status IN ('open', 'scheduled', 'shipped', 'rolled_back')),
    owner_id BIGINT REFERENCES "user" (id),
    reason TEXT,
    expected_result TEXT,
    rollback_note TEXT,
    files_touched {json} NOT NULL,
    command_used TEXT,
    metric_name TEXT,
    metric_before DOUBLE PRECISION,
    metric_after DOUBLE PRECISION,
    ship_at {time},
    ship_failed_at {time},
    ship_problems {json},
    shipped_at {time},
    rolled_back_at {time},
    created_at {time} NOT NULL,
    CHECK ((status = 'scheduled') = (ship_at IS NOT NULL)),
    CHECK ((ship_failed_at IS NULL) = (ship_problems IS NULL)),
    CHECK ((status IN ('shipped', 'rolled_back')) = (shipped_at IS NOT NULL)),
    CHECK ((status = 'rolled_back') = (rolled_back_at IS NOT NULL))
)
;
CREATE TABLE release_item (
    id {key},
    release_id BIGINT NOT NULL REFERENCES "release" (id) ON DELETE CASCADE,
    post_id BIGINT NOT NULL,
    post_reference TEXT NOT NULL,
    post_title TEXT NOT NULL,
    revision_id BIGINT,
    unpublish BOOLEAN NOT NULL,
    replaced_content BIGINT,
    restored BOOLEAN,
    CHECK (unpublish = (revision_id IS NULL))
)
;
CREATE INDEX release_by_status ON "release" (status, id)
;
CREATE UNIQUE INDEX release_item_once ON release_item (release_id, post_id)
;
CREATE INDEX release_item_by_post ON release_item (post_id)
;
"#;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        crate::statements(manager, UP).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        crate::drop_tables(manager, &["release_item", "\"release\""]).await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}
