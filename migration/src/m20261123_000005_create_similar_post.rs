//! Posts that resemble a post, computed by a job and read from here.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

const UP: &str = r"
CREATE TABLE similar_post (
    post_id BIGINT NOT NULL REFERENCES post (id) ON DELETE CASCADE,
    position SMALLINT NOT NULL,
    similar_post_id BIGINT NOT NULL REFERENCES post (id) ON DELETE CASCADE,
    weight DOUBLE PRECISION NOT NULL,
    reasons {json} NOT NULL,
    PRIMARY KEY (post_id, position),
    UNIQUE (post_id, similar_post_id),
    CHECK (post_id <> similar_post_id)
) {joined}
;
CREATE INDEX similar_post_by_similar ON similar_post (similar_post_id)
;
";

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        crate::statements(manager, UP).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        crate::drop_tables(manager, &["similar_post"]).await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}
