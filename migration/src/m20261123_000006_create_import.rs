//! Import runs, what they found, and what each source looked like when it was last imported.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

const UP: &str = r"
CREATE TABLE import_run (
    id {key},
    source TEXT NOT NULL,
    format TEXT NOT NULL,
    publish BOOLEAN NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('running', 'finished', 'interrupted')),
    created INTEGER NOT NULL DEFAULT 0,
    updated INTEGER NOT NULL DEFAULT 0,
    skipped INTEGER NOT NULL DEFAULT 0,
    conflicted INTEGER NOT NULL DEFAULT 0,
    failed INTEGER NOT NULL DEFAULT 0,
    started_at {time} NOT NULL,
    finished_at {time}
)
;
CREATE TABLE import_finding (
    id {key},
    import_run_id BIGINT NOT NULL REFERENCES import_run (id) ON DELETE CASCADE,
    kind TEXT NOT NULL CHECK (kind IN ('inferred', 'conflict', 'failed')),
    path TEXT NOT NULL,
    line BIGINT,
    message TEXT NOT NULL
)
;
CREATE TABLE import_source (
    source_key TEXT PRIMARY KEY,
    post_id BIGINT NOT NULL REFERENCES post (id) ON DELETE CASCADE,
    revision_id BIGINT NOT NULL REFERENCES revision (id) ON DELETE CASCADE,
    document_hash TEXT NOT NULL,
    import_run_id BIGINT NOT NULL REFERENCES import_run (id),
    imported_at {time} NOT NULL
) {joined}
;
CREATE INDEX import_finding_by_run ON import_finding (import_run_id, id)
;
CREATE INDEX import_source_by_post ON import_source (post_id)
;
CREATE INDEX import_source_by_revision ON import_source (revision_id)
;
CREATE INDEX import_source_by_run ON import_source (import_run_id)
;
";

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        crate::statements(manager, UP).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        crate::drop_tables(manager, &["import_source", "import_finding", "import_run"]).await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}
