//! Background jobs and the attempts at them.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

/// Times of the queue are microseconds since 1970 by the database's clock, so that workers whose
/// clocks differ agree on leases, and both databases compare them alike. `lease` is the fencing
/// token: it grows with every claim, and whoever holds an older one finishes nothing. `attempts`
/// counts the claims that used up one of the job's tries, which a graceful stop does not.
///
/// A unique key belongs to a job that was never claimed. Once it was, its run may have read the
/// content before the next change to it, so that change gets a job of its own; and a job that
/// waits for its next try never stands in the way of a new one.
///
/// An attempt is written once, when it ends; while it lasts, the job's own columns describe it.
const UP: &str = r"
CREATE TABLE job (
    id {key},
    kind TEXT NOT NULL,
    payload {json} NOT NULL,
    unique_key TEXT,
    status TEXT NOT NULL CHECK (status IN ('waiting', 'running', 'done', 'dead')),
    priority SMALLINT NOT NULL DEFAULT 0,
    due_at BIGINT NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    lease BIGINT NOT NULL DEFAULT 0,
    leased_until BIGINT,
    worker TEXT,
    last_error TEXT,
    created_at BIGINT NOT NULL,
    started_at BIGINT,
    finished_at BIGINT,
    CHECK ((status = 'running') = (leased_until IS NOT NULL))
)
;
CREATE TABLE job_attempt (
    job_id BIGINT NOT NULL REFERENCES job (id) ON DELETE CASCADE,
    lease BIGINT NOT NULL,
    worker TEXT NOT NULL,
    started_at BIGINT NOT NULL,
    finished_at BIGINT NOT NULL,
    outcome TEXT NOT NULL CHECK (outcome IN ('done', 'failed', 'lost', 'released')),
    error TEXT,
    PRIMARY KEY (job_id, lease)
) {joined}
;
CREATE UNIQUE INDEX job_waiting_once ON job (kind, unique_key)
    WHERE status = 'waiting' AND lease = 0 AND unique_key IS NOT NULL
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
