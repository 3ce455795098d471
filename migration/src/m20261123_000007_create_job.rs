//! Background jobs and the attempts at them.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

/// Times of the queue are microseconds since 1970 by the database's clock, so that workers whose
/// clocks differ agree on leases, and both databases compare them alike. `lease` is the fencing
/// token: it grows with every claim, and whoever holds an older one finishes nothing.
const UP: &str = r"
CREATE TABLE job (
    id {key},
    kind TEXT NOT NULL,
    payload {json} NOT NULL,
    unique_key TEXT,
    status TEXT NOT NULL CHECK (status IN ('waiting', 'running', 'done', 'dead')),
    priority SMALLINT NOT NULL DEFAULT 0,
    due_at BIGINT NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    lease BIGINT NOT NULL DEFAULT 0,
    leased_until BIGINT,
    worker TEXT,
    last_error TEXT,
    created_at BIGINT NOT NULL,
    finished_at BIGINT
)
;
CREATE TABLE job_attempt (
    job_id BIGINT NOT NULL REFERENCES job (id) ON DELETE CASCADE,
    number INTEGER NOT NULL,
    worker TEXT NOT NULL,
    started_at BIGINT NOT NULL,
    finished_at BIGINT,
    outcome TEXT CHECK (outcome IN ('done', 'failed', 'lost', 'released')),
    error TEXT,
    PRIMARY KEY (job_id, number)
) {joined}
;
CREATE UNIQUE INDEX job_waiting_once ON job (kind, unique_key)
    WHERE status = 'waiting' AND unique_key IS NOT NULL
;
CREATE INDEX job_waiting_by_turn ON job (priority DESC, due_at, id) WHERE status = 'waiting'
;
CREATE INDEX job_running_by_lease ON job (leased_until) WHERE status = 'running'
;
CREATE INDEX job_dead ON job (id) WHERE status = 'dead'
;
";

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        crate::statements(manager, UP).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        crate::drop_tables(manager, &["job_attempt", "job"]).await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}
