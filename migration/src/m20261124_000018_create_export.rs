//! Exports as background work: what was asked for, and the file that came of it.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

/// `cursor` is the key of the last post that is in the file. The file is its chunks in their order.
const UP: &str = r#"
CREATE TABLE export_run (
    id {key},
    format TEXT NOT NULL CHECK (format IN ('ndjson', 'markdown')),
    filter {json} NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('waiting', 'running', 'finished', 'failed', 'expired')),
    posts BIGINT NOT NULL DEFAULT 0,
    total_posts BIGINT,
    bytes BIGINT NOT NULL DEFAULT 0,
    chunks BIGINT NOT NULL DEFAULT 0,
    cursor BIGINT NOT NULL DEFAULT 0,
    failures INTEGER NOT NULL DEFAULT 0,
    failure TEXT,
    actor TEXT NOT NULL,
    user_id BIGINT REFERENCES "user" (id),
    created_at {time} NOT NULL,
    finished_at {time},
    expires_at {time}
)
;
CREATE TABLE export_chunk (
    id {key},
    export_run_id BIGINT NOT NULL REFERENCES export_run (id) ON DELETE CASCADE,
    number BIGINT NOT NULL,
    content {bytes} NOT NULL
)
;
CREATE UNIQUE INDEX export_chunk_once ON export_chunk (export_run_id, number)
;
CREATE INDEX export_run_by_time ON export_run (created_at, id)
;
CREATE INDEX export_run_by_expiry ON export_run (expires_at) WHERE expires_at IS NOT NULL
;
CREATE INDEX export_run_by_user ON export_run (user_id) WHERE user_id IS NOT NULL
;
"#;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        crate::statements(manager, UP).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        crate::drop_tables(manager, &["export_chunk", "export_run"]).await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}
