//! Jobs that are cancelled, limited, paused and followed while they run.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DatabaseBackend;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

/// A job of a kind of which only so many may run at once holds one of its kind's numbered slots
/// while it runs; the index lets each slot be held once. `cancel_requested_at` is set while somebody
/// waits for a running job to end.
///
/// Claims look for the first job of each kind and priority, so that those of other kinds, and those
/// whose time has not come, are never walked over.
///
/// Lines are written while their attempt goes on, and so before it has a row of its own. A kind
/// with a row in `job_pause` is not claimed.
///
/// SQLite can't change the conditions of a table, so both get new ones; dropping the old attempts
/// before the old jobs leaves nothing to be deleted along with them.
const UP_SQLITE: &str = r"
ALTER TABLE job_attempt RENAME TO job_attempt_before
;
ALTER TABLE job RENAME TO job_before
;
CREATE TABLE job (
    id {key},
    kind TEXT NOT NULL,
    payload {json} NOT NULL,
    unique_key TEXT,
    status TEXT NOT NULL CHECK (status IN ('waiting', 'running', 'done', 'dead', 'cancelled')),
    priority SMALLINT NOT NULL DEFAULT 0 CHECK (priority IN (-1, 0, 1)),
    due_at BIGINT NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    lease BIGINT NOT NULL DEFAULT 0,
    leased_until BIGINT,
    slot INTEGER,
    worker TEXT,
    last_error TEXT,
    progress_done BIGINT,
    progress_total BIGINT,
    cancel_requested_at BIGINT,
    created_at BIGINT NOT NULL,
    started_at BIGINT,
    finished_at BIGINT,
    CHECK ((status = 'running') = (leased_until IS NOT NULL)),
    CHECK (slot IS NULL OR status = 'running'),
    CHECK ((status IN ('done', 'dead', 'cancelled')) = (finished_at IS NOT NULL))
)
;
INSERT INTO job (id, kind, payload, unique_key, status, priority, due_at, attempts, lease,
                 leased_until, worker, last_error, created_at, started_at, finished_at)
SELECT id, kind, payload, unique_key, status, sign(priority), due_at, attempts, lease,
       leased_until, worker, last_error, created_at, started_at, finished_at
FROM job_before
;
CREATE TABLE job_attempt (
    job_id BIGINT NOT NULL REFERENCES job (id) ON DELETE CASCADE,
    lease BIGINT NOT NULL,
    worker TEXT NOT NULL,
    started_at BIGINT NOT NULL,
    finished_at BIGINT NOT NULL,
    outcome TEXT NOT NULL CHECK (outcome IN ('done', 'failed', 'lost', 'released', 'cancelled')),
    error TEXT,
    PRIMARY KEY (job_id, lease)
) {joined}
;
INSERT INTO job_attempt SELECT * FROM job_attempt_before
;
DROP TABLE job_attempt_before
;
DROP TABLE job_before
;
CREATE UNIQUE INDEX job_waiting_once ON job (kind, unique_key)
    WHERE status = 'waiting' AND lease = 0 AND unique_key IS NOT NULL
;
CREATE INDEX job_running_by_lease ON job (leased_until) WHERE status = 'running'
;
";

const UP_POSTGRES: &str = r"
UPDATE job SET priority = sign(priority) WHERE priority NOT IN (-1, 0, 1)
;
ALTER TABLE job
    ADD COLUMN slot INTEGER,
    ADD COLUMN progress_done BIGINT,
    ADD COLUMN progress_total BIGINT,
    ADD COLUMN cancel_requested_at BIGINT,
    DROP CONSTRAINT job_status_check,
    ADD CONSTRAINT job_status_check
        CHECK (status IN ('waiting', 'running', 'done', 'dead', 'cancelled')),
    ADD CONSTRAINT job_priority_check CHECK (priority IN (-1, 0, 1)),
    ADD CONSTRAINT job_slot_check CHECK (slot IS NULL OR status = 'running'),
    ADD CONSTRAINT job_finished_at_check
        CHECK ((status IN ('done', 'dead', 'cancelled')) = (finished_at IS NOT NULL))
;
ALTER TABLE job_attempt
    DROP CONSTRAINT job_attempt_outcome_check,
    ADD CONSTRAINT job_attempt_outcome_check
        CHECK (outcome IN ('done', 'failed', 'lost', 'released', 'cancelled'))
;
DROP INDEX job_waiting_by_turn
;
DROP INDEX job_dead
;
";

const UP: &str = r"
CREATE INDEX job_waiting_by_turn ON job (kind, priority, due_at, id) WHERE status = 'waiting'
;
CREATE UNIQUE INDEX job_slot_once ON job (kind, slot) WHERE slot IS NOT NULL
;
CREATE INDEX job_by_age ON job (created_at, id)
;
CREATE INDEX job_by_kind ON job (kind, created_at, id)
;
CREATE INDEX job_by_status ON job (status, created_at, id)
;
CREATE INDEX job_by_key ON job (unique_key, created_at, id) WHERE unique_key IS NOT NULL
;
CREATE INDEX job_finished ON job (status, finished_at) WHERE finished_at IS NOT NULL
;
CREATE TABLE job_log_line (
    job_id BIGINT NOT NULL REFERENCES job (id) ON DELETE CASCADE,
    lease BIGINT NOT NULL,
    number INTEGER NOT NULL,
    at BIGINT NOT NULL,
    line TEXT NOT NULL,
    PRIMARY KEY (job_id, lease, number)
) {joined}
;
CREATE TABLE job_pause (
    kind TEXT PRIMARY KEY,
    paused_at BIGINT NOT NULL,
    paused_by TEXT NOT NULL
)
;
";

/// A job that was cancelled becomes one that was given up: that is the nearest to it.
const DOWN: &str = r"
DROP TABLE job_pause
;
DROP TABLE job_log_line
;
DROP INDEX job_finished
;
DROP INDEX job_by_key
;
DROP INDEX job_by_status
;
DROP INDEX job_by_kind
;
DROP INDEX job_by_age
;
DROP INDEX job_slot_once
;
DROP INDEX job_waiting_by_turn
;
UPDATE job SET status = 'dead' WHERE status = 'cancelled'
;
UPDATE job_attempt SET outcome = 'failed' WHERE outcome = 'cancelled'
;
";

const DOWN_SQLITE: &str = r"
DROP INDEX job_waiting_once
;
DROP INDEX job_running_by_lease
;
ALTER TABLE job_attempt RENAME TO job_attempt_after
;
ALTER TABLE job RENAME TO job_after
;
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
INSERT INTO job (id, kind, payload, unique_key, status, priority, due_at, attempts, lease,
                 leased_until, worker, last_error, created_at, started_at, finished_at)
SELECT id, kind, payload, unique_key, status, priority, due_at, attempts, lease,
       leased_until, worker, last_error, created_at, started_at, finished_at
FROM job_after
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
INSERT INTO job_attempt SELECT * FROM job_attempt_after
;
DROP TABLE job_attempt_after
;
DROP TABLE job_after
;
CREATE UNIQUE INDEX job_waiting_once ON job (kind, unique_key)
    WHERE status = 'waiting' AND lease = 0 AND unique_key IS NOT NULL
;
CREATE INDEX job_running_by_lease ON job (leased_until) WHERE status = 'running'
;
";

const DOWN_POSTGRES: &str = r"
ALTER TABLE job
    DROP CONSTRAINT job_finished_at_check,
    DROP CONSTRAINT job_slot_check,
    DROP CONSTRAINT job_priority_check,
    DROP CONSTRAINT job_status_check,
    ADD CONSTRAINT job_status_check CHECK (status IN ('waiting', 'running', 'done', 'dead')),
    DROP COLUMN cancel_requested_at,
    DROP COLUMN progress_total,
    DROP COLUMN progress_done,
    DROP COLUMN slot
;
ALTER TABLE job_attempt
    DROP CONSTRAINT job_attempt_outcome_check,
    ADD CONSTRAINT job_attempt_outcome_check
        CHECK (outcome IN ('done', 'failed', 'lost', 'released'))
;
";

const DOWN_INDEXES: &str = r"
CREATE INDEX job_waiting_by_turn ON job (priority DESC, due_at, id) WHERE status = 'waiting'
;
CREATE INDEX job_dead ON job (id) WHERE status = 'dead'
;
";

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let tables = match manager.get_database_backend() {
            DatabaseBackend::Sqlite => UP_SQLITE,
            _ => UP_POSTGRES,
        };
        crate::statements(manager, tables).await?;
        crate::statements(manager, UP).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        crate::statements(manager, DOWN).await?;
        let tables = match manager.get_database_backend() {
            DatabaseBackend::Sqlite => DOWN_SQLITE,
            _ => DOWN_POSTGRES,
        };
        crate::statements(manager, tables).await?;
        crate::statements(manager, DOWN_INDEXES).await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}
