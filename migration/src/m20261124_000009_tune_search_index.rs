//! The full-text index of SQLite is written for batches of posts.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::{ConnectionTrait, DatabaseBackend};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

/// Words of a transaction are collected in up to 8 MiB before they become a segment, not 1, and
/// segments are merged eight at a time, not four: a batch becomes one segment, and each is merged
/// half as often.
const UP: [(&str, u32); 2] = [("hashsize", 8 * 1024 * 1024), ("automerge", 8)];

/// What the library begins with.
const DOWN: [(&str, u32); 2] = [("hashsize", 1024 * 1024), ("automerge", 4)];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        set(manager, UP).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        set(manager, DOWN).await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}

async fn set(manager: &SchemaManager<'_>, options: [(&str, u32); 2]) -> Result<(), DbErr> {
    if manager.get_database_backend() != DatabaseBackend::Sqlite {
        return Ok(());
    }
    for (option, value) in options {
        let statement = format!(
            "INSERT INTO post_search_index (post_search_index, rank) VALUES ('{option}', {value})"
        );
        manager
            .get_connection()
            .execute_unprepared(&statement)
            .await?;
    }
    Ok(())
}
