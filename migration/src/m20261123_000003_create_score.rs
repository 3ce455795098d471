//! Assessments of posts, each a row; the newest is mirrored on the post.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

const UP: &str = r"
CREATE TABLE score (
    id {key},
    post_id BIGINT NOT NULL REFERENCES post (id) ON DELETE CASCADE,
    quality SMALLINT NOT NULL CHECK (quality BETWEEN 0 AND 100),
    freshness SMALLINT NOT NULL CHECK (freshness BETWEEN 0 AND 100),
    depth SMALLINT NOT NULL CHECK (depth BETWEEN 0 AND 100),
    clarity SMALLINT NOT NULL CHECK (clarity BETWEEN 0 AND 100),
    assessor TEXT,
    assessed_at {time} NOT NULL
)
;
CREATE INDEX score_by_post ON score (post_id, assessed_at, id)
;
";

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        crate::statements(manager, UP).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        crate::drop_tables(manager, &["score"]).await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}
