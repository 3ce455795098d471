//! Views that are to be counted, for the day that they belong to.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

/// A visitor is a keyed hash over who they are and the post; its key, the salt of the day, is
/// deleted when the day is over, so that nobody can tell afterwards whose a hash was.
///
/// A view has no foreign key: a post that is deleted meanwhile must not keep the views of others
/// from being written.
const UP: &str = r"
CREATE TABLE view_salt (
    day DATE PRIMARY KEY,
    salt TEXT NOT NULL
) {joined}
;
CREATE TABLE post_view (
    day DATE NOT NULL,
    post_id BIGINT NOT NULL,
    visitor BIGINT NOT NULL,
    counted BOOLEAN NOT NULL DEFAULT FALSE,
    PRIMARY KEY (day, post_id, visitor)
) {joined}
;
CREATE INDEX post_view_to_count ON post_view (post_id) WHERE NOT counted
;
";

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        crate::statements(manager, UP).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        crate::drop_tables(manager, &["post_view", "view_salt"]).await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}
