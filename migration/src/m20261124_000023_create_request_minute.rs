//! What was answered in each minute, and which programs were deployed.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

/// A row of `request_minute` is what one process answered in one minute, by the number of minutes
/// since 1970; a process is its name and the time it began. `stopped` is set in the last row of one
/// that was told to stop. `over_10s` and the columns before it count answers by how long they took.
///
/// A deployment names the one before it, once: of nodes that start together one writes the row.
const UP: &str = r"
CREATE TABLE request_minute (
    minute BIGINT NOT NULL,
    node TEXT NOT NULL,
    started_at {time} NOT NULL,
    stopped BOOLEAN NOT NULL,
    failed BIGINT NOT NULL,
    refused BIGINT NOT NULL,
    microseconds BIGINT NOT NULL,
    cache_hits BIGINT NOT NULL,
    cache_stale BIGINT NOT NULL,
    cache_misses BIGINT NOT NULL,
    cache_bypasses BIGINT NOT NULL,
    statements BIGINT NOT NULL,
    database_microseconds BIGINT NOT NULL,
    up_to_100us BIGINT NOT NULL,
    up_to_250us BIGINT NOT NULL,
    up_to_500us BIGINT NOT NULL,
    up_to_1ms BIGINT NOT NULL,
    up_to_2500us BIGINT NOT NULL,
    up_to_5ms BIGINT NOT NULL,
    up_to_10ms BIGINT NOT NULL,
    up_to_25ms BIGINT NOT NULL,
    up_to_50ms BIGINT NOT NULL,
    up_to_100ms BIGINT NOT NULL,
    up_to_250ms BIGINT NOT NULL,
    up_to_500ms BIGINT NOT NULL,
    up_to_1s BIGINT NOT NULL,
    up_to_2500ms BIGINT NOT NULL,
    up_to_5s BIGINT NOT NULL,
    up_to_10s BIGINT NOT NULL,
    over_10s BIGINT NOT NULL,
    PRIMARY KEY (minute, node, started_at)
)
;
CREATE TABLE deployment (
    id {key},
    previous_id BIGINT NOT NULL UNIQUE,
    version TEXT NOT NULL,
    commit_hash TEXT NOT NULL,
    schema_hash TEXT NOT NULL,
    node TEXT NOT NULL,
    started_at {time} NOT NULL
)
;
";

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        crate::statements(manager, UP).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        crate::drop_tables(manager, &["deployment", "request_minute"]).await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}
