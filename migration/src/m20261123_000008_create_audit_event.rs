//! Who changed what, when and from where.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

const UP: &str = r"
CREATE TABLE audit_event (
    id {key},
    at {time} NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    subject TEXT NOT NULL,
    subject_id BIGINT NOT NULL,
    request_id TEXT,
    before {json},
    after {json}
)
;
CREATE INDEX audit_event_by_subject ON audit_event (subject, subject_id, id)
;
";

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        crate::statements(manager, UP).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        crate::drop_tables(manager, &["audit_event"]).await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}
