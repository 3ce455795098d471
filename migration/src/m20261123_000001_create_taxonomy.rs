//! Tools, stacks and named entities: the words that posts share.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

/// `key` is the name in NFC and case folded, so that a word exists once however it is written.
/// A merged word points at the one that took its place, a deleted one keeps its row: history stays
/// readable.
const UP: &str = r"
CREATE TABLE tool (
    id {key},
    name TEXT {ordered} NOT NULL CHECK (name <> ''),
    slug TEXT {ordered} NOT NULL UNIQUE,
    key TEXT {ordered} NOT NULL UNIQUE,
    merged_into BIGINT REFERENCES tool (id),
    deleted_at {time},
    created_at {time} NOT NULL
)
;
CREATE TABLE stack (
    id {key},
    name TEXT {ordered} NOT NULL CHECK (name <> ''),
    slug TEXT {ordered} NOT NULL UNIQUE,
    key TEXT {ordered} NOT NULL UNIQUE,
    merged_into BIGINT REFERENCES stack (id),
    deleted_at {time},
    created_at {time} NOT NULL
)
;
CREATE TABLE named_entity (
    id {key},
    kind TEXT {ordered} NOT NULL CHECK (kind <> ''),
    name TEXT {ordered} NOT NULL CHECK (name <> ''),
    slug TEXT {ordered} NOT NULL,
    key TEXT {ordered} NOT NULL,
    merged_into BIGINT REFERENCES named_entity (id),
    deleted_at {time},
    created_at {time} NOT NULL,
    UNIQUE (kind, slug),
    UNIQUE (kind, key)
)
;
CREATE INDEX tool_by_name ON tool (name, id)
;
CREATE INDEX stack_by_name ON stack (name, id)
;
CREATE INDEX named_entity_by_name ON named_entity (name, id)
;
CREATE INDEX named_entity_by_kind_name ON named_entity (kind, name, id)
;
";

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        crate::statements(manager, UP).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        crate::drop_tables(manager, &["named_entity", "stack", "tool"]).await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}
