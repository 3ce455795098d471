//! Alarms that were told, and the order in which deliveries are due.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

/// A row of `alarm` is there while the alarm is raised: whoever inserts it tells that it is, and
/// whoever deletes it that it is over.
const UP: &str = r"
CREATE TABLE alarm (
    code TEXT PRIMARY KEY,
    message TEXT NOT NULL,
    since {time} NOT NULL,
    raised_at {time} NOT NULL,
    seen_at {time} NOT NULL
)
;
CREATE INDEX webhook_delivery_by_due ON webhook_delivery (next_attempt_at)
    WHERE next_attempt_at IS NOT NULL
;
";

const DOWN: &str = r"
DROP INDEX webhook_delivery_by_due
;
DROP TABLE alarm
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
