//! Feeds and sitemaps, rendered.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

/// `changed_at` is when the body last became another one, not when it was last rendered.
const UP: &str = r"
CREATE TABLE feed (
    path TEXT {ordered} PRIMARY KEY,
    content_type TEXT NOT NULL,
    body TEXT NOT NULL,
    etag TEXT NOT NULL,
    changed_at {time} NOT NULL
)
;
";

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        crate::statements(manager, UP).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        crate::drop_tables(manager, &["feed"]).await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}
