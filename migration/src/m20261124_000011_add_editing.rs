//! What editors add to posts: an owner, authors and reviewers, unfinished drafts, schedules, ticks.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

/// A draft that was saved by itself has no number and is not a revision: there is one a user and
/// post, and the next save takes it away.
///
/// A schedule is one row a post. Its times are emptied as they are done, and the row goes with the
/// last of them.
const UP: &str = r#"
ALTER TABLE post ADD COLUMN owner_id BIGINT REFERENCES "user" (id)
;
ALTER TABLE revision ADD COLUMN author_id BIGINT REFERENCES "user" (id)
;
ALTER TABLE revision ADD COLUMN reviewer_id BIGINT REFERENCES "user" (id)
;
ALTER TABLE score ADD COLUMN assessor_id BIGINT REFERENCES "user" (id)
;
ALTER TABLE score ADD COLUMN automatic BOOLEAN NOT NULL DEFAULT FALSE
;
ALTER TABLE score ADD COLUMN comment TEXT
;
CREATE TABLE autosave (
    post_id BIGINT NOT NULL REFERENCES post (id) ON DELETE CASCADE,
    user_id BIGINT NOT NULL REFERENCES "user" (id),
    based_on BIGINT NOT NULL REFERENCES revision (id) ON DELETE CASCADE,
    content {json} NOT NULL,
    saved_at {time} NOT NULL,
    PRIMARY KEY (post_id, user_id)
) {joined}
;
CREATE TABLE post_schedule (
    post_id {given_key} REFERENCES post (id) ON DELETE CASCADE,
    revision_id BIGINT NOT NULL REFERENCES revision (id) ON DELETE CASCADE,
    publish_at {time},
    unpublish_at {time},
    scheduled_by BIGINT REFERENCES "user" (id),
    scheduled_at {time} NOT NULL,
    CHECK (publish_at IS NOT NULL OR unpublish_at IS NOT NULL)
)
;
CREATE TABLE checklist_tick (
    post_id BIGINT NOT NULL REFERENCES post (id) ON DELETE CASCADE,
    item_id TEXT NOT NULL,
    ticked_by BIGINT REFERENCES "user" (id),
    ticked_at {time} NOT NULL,
    PRIMARY KEY (post_id, item_id)
) {joined}
;
CREATE INDEX post_by_owner ON post (owner_id, id) WHERE owner_id IS NOT NULL
;
CREATE INDEX post_in_trash ON post (trashed_at, id) WHERE trashed_at IS NOT NULL
;
CREATE INDEX revision_in_review ON revision (reviewer_id, id) WHERE status = 'in_review'
;
CREATE INDEX autosave_by_user ON autosave (user_id)
;
CREATE INDEX autosave_by_base ON autosave (based_on)
;
CREATE INDEX post_schedule_by_revision ON post_schedule (revision_id)
;
"#;

const DOWN: &str = r"
DROP INDEX revision_in_review
;
DROP INDEX post_in_trash
;
DROP INDEX post_by_owner
;
ALTER TABLE score DROP COLUMN comment
;
ALTER TABLE score DROP COLUMN automatic
;
ALTER TABLE score DROP COLUMN assessor_id
;
ALTER TABLE revision DROP COLUMN reviewer_id
;
ALTER TABLE revision DROP COLUMN author_id
;
ALTER TABLE post DROP COLUMN owner_id
;
";

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        crate::statements(manager, UP).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        crate::drop_tables(manager, &["checklist_tick", "post_schedule", "autosave"]).await?;
        crate::statements(manager, DOWN).await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}
