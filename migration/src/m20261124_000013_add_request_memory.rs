//! What is remembered of requests: which keys had which outcome, and where a change came from.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

/// The outcome of an idempotency key is the ids of what was changed, written in the transaction of
/// the change. The log names users and tokens without a foreign key: it outlives what it names.
const UP: &str = r"
CREATE TABLE idempotency_key (
    actor TEXT NOT NULL,
    key TEXT NOT NULL,
    operation TEXT NOT NULL,
    input_hash TEXT NOT NULL,
    outcome {json},
    created_at {time} NOT NULL,
    PRIMARY KEY (actor, key)
) {joined}
;
ALTER TABLE audit_event ADD COLUMN user_id BIGINT
;
ALTER TABLE audit_event ADD COLUMN api_token_id BIGINT
;
ALTER TABLE audit_event ADD COLUMN address TEXT
;
CREATE INDEX idempotency_key_by_age ON idempotency_key (created_at)
;
DROP INDEX audit_event_by_subject
;
CREATE INDEX audit_event_by_subject ON audit_event (subject, subject_id, at, id)
;
CREATE INDEX audit_event_by_time ON audit_event (at, id)
;
CREATE INDEX audit_event_by_user ON audit_event (user_id, at, id)
;
CREATE INDEX audit_event_by_action ON audit_event (action, at, id)
;
CREATE INDEX audit_event_by_request ON audit_event (request_id)
;
";

const DOWN: &str = r"
DROP INDEX audit_event_by_request
;
DROP INDEX audit_event_by_action
;
DROP INDEX audit_event_by_user
;
DROP INDEX audit_event_by_time
;
DROP INDEX audit_event_by_subject
;
CREATE INDEX audit_event_by_subject ON audit_event (subject, subject_id, id)
;
ALTER TABLE audit_event DROP COLUMN address
;
ALTER TABLE audit_event DROP COLUMN api_token_id
;
ALTER TABLE audit_event DROP COLUMN user_id
;
";

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        crate::statements(manager, UP).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        crate::drop_tables(manager, &["idempotency_key"]).await?;
        crate::statements(manager, DOWN).await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}
