//! Imports as background work: the files of a run, how far it is, and the report of every document.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

/// A run whose files are `stored` is carried out by workers; any other reads files of the machine it
/// was started on. `cursor_file` counts the files that are done, `cursor_document` the documents that
/// are done of the file after them, and `reverted` the documents of the report that a revert has dealt
/// with. `resumed_at` and `resumed_bytes` say when and where the attempt under way began, `failures`
/// counts the attempts that failed since the last batch.
///
/// Of a document, `head_…` and `live_…` are what its post showed before and after; they have no
/// foreign keys, so that a report stays readable when posts are gone. `source_hash` and
/// `source_revision` are what was known of its source before. `diff` is what a dry run would have
/// changed.
///
/// What earlier runs had to say about documents that were not in conflict is let go: it names no
/// outcome that a report could show.
const UP: &str = r#"
ALTER TABLE import_run ADD COLUMN state TEXT NOT NULL DEFAULT 'running' CHECK (state IN (
    'uploading', 'waiting', 'running', 'finished', 'interrupted', 'failed', 'cancelled',
    'reverting', 'reverted'))
;
UPDATE import_run SET state = status
;
ALTER TABLE import_run DROP COLUMN status
;
ALTER TABLE import_run RENAME COLUMN state TO status
;
ALTER TABLE import_run ADD COLUMN overwrite BOOLEAN NOT NULL DEFAULT FALSE
;
ALTER TABLE import_run ADD COLUMN dry_run BOOLEAN NOT NULL DEFAULT FALSE
;
ALTER TABLE import_run ADD COLUMN stored BOOLEAN NOT NULL DEFAULT FALSE
;
ALTER TABLE import_run ADD COLUMN published INTEGER NOT NULL DEFAULT 0
;
ALTER TABLE import_run ADD COLUMN total_bytes BIGINT
;
ALTER TABLE import_run ADD COLUMN done_bytes BIGINT NOT NULL DEFAULT 0
;
ALTER TABLE import_run ADD COLUMN cursor_file BIGINT NOT NULL DEFAULT 0
;
ALTER TABLE import_run ADD COLUMN cursor_document BIGINT NOT NULL DEFAULT 0
;
ALTER TABLE import_run ADD COLUMN reverted BIGINT NOT NULL DEFAULT 0
;
ALTER TABLE import_run ADD COLUMN resumed_at {time}
;
ALTER TABLE import_run ADD COLUMN resumed_bytes BIGINT NOT NULL DEFAULT 0
;
ALTER TABLE import_run ADD COLUMN failures INTEGER NOT NULL DEFAULT 0
;
ALTER TABLE import_run ADD COLUMN failure TEXT
;
ALTER TABLE import_run ADD COLUMN actor TEXT NOT NULL DEFAULT 'command line'
;
ALTER TABLE import_run ADD COLUMN user_id BIGINT REFERENCES "user" (id)
;
ALTER TABLE import_run ADD COLUMN request_id TEXT
;
ALTER TABLE import_run ADD COLUMN touched_at {time}
;
UPDATE import_run SET touched_at = COALESCE(finished_at, started_at)
;
CREATE TABLE import_file (
    import_run_id BIGINT NOT NULL REFERENCES import_run (id) ON DELETE CASCADE,
    number BIGINT NOT NULL,
    name TEXT NOT NULL,
    bytes BIGINT NOT NULL,
    PRIMARY KEY (import_run_id, number)
) {joined}
;
CREATE TABLE import_chunk (
    id {key},
    import_run_id BIGINT NOT NULL REFERENCES import_run (id) ON DELETE CASCADE,
    file BIGINT NOT NULL,
    number BIGINT NOT NULL,
    content {bytes} NOT NULL
)
;
CREATE TABLE import_document (
    import_run_id BIGINT NOT NULL REFERENCES import_run (id) ON DELETE CASCADE,
    number BIGINT NOT NULL,
    path TEXT NOT NULL,
    line BIGINT,
    outcome TEXT NOT NULL CHECK (outcome IN (
        'created', 'updated', 'skipped', 'conflicted', 'failed')),
    published BOOLEAN NOT NULL,
    message TEXT,
    inferred {json},
    post_id BIGINT,
    revision_id BIGINT,
    head_before BIGINT,
    head_after BIGINT,
    live_before BIGINT,
    live_after BIGINT,
    source_hash TEXT,
    source_revision BIGINT,
    revert TEXT CHECK (revert IN ('trashed', 'restored', 'kept', 'nothing')),
    revert_message TEXT,
    diff {json},
    PRIMARY KEY (import_run_id, number)
) {joined}
;
INSERT INTO import_document (import_run_id, number, path, line, outcome, published, message)
SELECT import_run_id, ROW_NUMBER() OVER (PARTITION BY import_run_id ORDER BY id), path, line,
       CASE kind WHEN 'failed' THEN 'failed' ELSE 'conflicted' END, FALSE, message
FROM import_finding WHERE kind <> 'inferred'
;
DROP TABLE import_finding
;
CREATE UNIQUE INDEX import_chunk_once ON import_chunk (import_run_id, file, number)
;
CREATE INDEX import_document_by_outcome ON import_document (import_run_id, outcome, number)
;
CREATE INDEX import_run_by_time ON import_run (started_at, id)
;
CREATE INDEX import_run_by_status ON import_run (status, started_at, id)
;
CREATE INDEX import_run_by_user ON import_run (user_id) WHERE user_id IS NOT NULL
;
"#;

const DOWN: &str = r"
DROP INDEX import_run_by_user
;
DROP INDEX import_run_by_status
;
DROP INDEX import_run_by_time
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
CREATE INDEX import_finding_by_run ON import_finding (import_run_id, id)
;
DELETE FROM import_run WHERE dry_run OR status = 'uploading'
;
INSERT INTO import_finding (import_run_id, kind, path, line, message)
SELECT import_run_id, CASE outcome WHEN 'failed' THEN 'failed' ELSE 'conflict' END, path, line,
       COALESCE(message, '')
FROM import_document WHERE outcome IN ('failed', 'conflicted') ORDER BY import_run_id, number
;
DROP TABLE import_document
;
DROP TABLE import_chunk
;
DROP TABLE import_file
;
ALTER TABLE import_run DROP COLUMN touched_at
;
ALTER TABLE import_run DROP COLUMN request_id
;
ALTER TABLE import_run DROP COLUMN user_id
;
ALTER TABLE import_run DROP COLUMN actor
;
ALTER TABLE import_run DROP COLUMN failure
;
ALTER TABLE import_run DROP COLUMN failures
;
ALTER TABLE import_run DROP COLUMN resumed_bytes
;
ALTER TABLE import_run DROP COLUMN resumed_at
;
ALTER TABLE import_run DROP COLUMN reverted
;
ALTER TABLE import_run DROP COLUMN cursor_document
;
ALTER TABLE import_run DROP COLUMN cursor_file
;
ALTER TABLE import_run DROP COLUMN done_bytes
;
ALTER TABLE import_run DROP COLUMN total_bytes
;
ALTER TABLE import_run DROP COLUMN published
;
ALTER TABLE import_run DROP COLUMN stored
;
ALTER TABLE import_run DROP COLUMN dry_run
;
ALTER TABLE import_run DROP COLUMN overwrite
;
ALTER TABLE import_run ADD COLUMN state TEXT NOT NULL DEFAULT 'running' CHECK (state IN (
    'running', 'finished', 'interrupted'))
;
UPDATE import_run SET state = CASE WHEN status IN ('running', 'finished') THEN status
    ELSE 'interrupted' END
;
ALTER TABLE import_run DROP COLUMN status
;
ALTER TABLE import_run RENAME COLUMN state TO status
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
