//! Jobs that come again by the calendar, and who asked for the others.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

/// The program knows its schedules by name and brings the rows in line with that when it starts; a
/// row is what it can't know: when it runs next, and what an operator has changed. Where `cron` and
/// `built_in_cron` differ, an operator has chosen; the same holds for the time zone.
///
/// Times are those of the queue: microseconds since 1970 by the database's clock. `last_job_id`
/// names a job that may have been purged since, so it is no foreign key.
///
/// `asked_by` says in words who wanted a job: a person, a token, the command line, another job or a
/// schedule.
const UP: &str = r"
CREATE TABLE schedule (
    id {key},
    name TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    payload {json} NOT NULL,
    purpose TEXT NOT NULL,
    cron TEXT NOT NULL,
    built_in_cron TEXT NOT NULL,
    time_zone TEXT NOT NULL,
    built_in_time_zone TEXT NOT NULL,
    next_run_at BIGINT NOT NULL,
    paused_at BIGINT,
    paused_by TEXT,
    last_run_at BIGINT,
    last_job_id BIGINT,
    CHECK ((paused_at IS NULL) = (paused_by IS NULL))
)
;
ALTER TABLE job ADD COLUMN asked_by TEXT
;
";

const DOWN: &str = r"
ALTER TABLE job DROP COLUMN asked_by
;
DROP TABLE schedule
;
";

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        crate::statements(manager, UP).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        crate::statements(manager, DOWN).await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}
