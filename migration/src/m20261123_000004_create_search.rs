//! The text of every content, and the full-text index over it.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::{ConnectionTrait, DatabaseBackend};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

/// The same table on both databases, so that writing it is the same; each keeps its own index
/// beside it by itself.
const UP: &str = r"
CREATE TABLE post_search (
    content_id {given_key} REFERENCES post_content (id) ON DELETE CASCADE,
    title TEXT NOT NULL,
    summary TEXT NOT NULL,
    terms TEXT NOT NULL,
    body TEXT NOT NULL
)
;
";

const UP_SQLITE: &str = r"
CREATE VIRTUAL TABLE post_search_index USING fts5 (
    title, summary, terms, body,
    content = 'post_search', content_rowid = 'content_id', tokenize = 'porter unicode61'
)
;
CREATE TRIGGER post_search_inserted AFTER INSERT ON post_search BEGIN
    INSERT INTO post_search_index (rowid, title, summary, terms, body)
    VALUES (new.content_id, new.title, new.summary, new.terms, new.body);
END
;
CREATE TRIGGER post_search_deleted AFTER DELETE ON post_search BEGIN
    INSERT INTO post_search_index (post_search_index, rowid, title, summary, terms, body)
    VALUES ('delete', old.content_id, old.title, old.summary, old.terms, old.body);
END
;
CREATE TRIGGER post_search_updated AFTER UPDATE ON post_search BEGIN
    INSERT INTO post_search_index (post_search_index, rowid, title, summary, terms, body)
    VALUES ('delete', old.content_id, old.title, old.summary, old.terms, old.body);
    INSERT INTO post_search_index (rowid, title, summary, terms, body)
    VALUES (new.content_id, new.title, new.summary, new.terms, new.body);
END
;
";

/// PostgreSQL takes `next.js` for a host and `2026-01-31` for numbers with a sign; with their
/// punctuation as spaces they are the words that people type.
///
/// The configuration is the English one without its stop words, so that every word can be found, as
/// on SQLite.
const UP_POSTGRES: &str = r"
CREATE TEXT SEARCH DICTIONARY alphanode_stem (TEMPLATE = snowball, Language = english)
;
CREATE TEXT SEARCH CONFIGURATION alphanode (COPY = pg_catalog.english)
;
ALTER TEXT SEARCH CONFIGURATION alphanode
    ALTER MAPPING REPLACE english_stem WITH alphanode_stem
;
ALTER TABLE post_search ADD COLUMN document TSVECTOR NOT NULL GENERATED ALWAYS AS (
    setweight(to_tsvector('alphanode'::regconfig, translate(title, './-_@:', '      ')), 'A') ||
    setweight(to_tsvector('alphanode'::regconfig, translate(summary, './-_@:', '      ')), 'B') ||
    setweight(to_tsvector('alphanode'::regconfig, translate(terms, './-_@:', '      ')), 'C') ||
    setweight(to_tsvector('alphanode'::regconfig, translate(body, './-_@:', '      ')), 'D')
) STORED
;
CREATE INDEX post_search_index ON post_search USING GIN (document)
;
";

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        crate::statements(manager, UP).await?;
        let index = match manager.get_database_backend() {
            DatabaseBackend::Sqlite => UP_SQLITE,
            _ => UP_POSTGRES,
        };
        crate::statements(manager, index).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        if manager.get_database_backend() == DatabaseBackend::Sqlite {
            for trigger in ["inserted", "deleted", "updated"] {
                let statement = format!("DROP TRIGGER post_search_{trigger}");
                manager
                    .get_connection()
                    .execute_unprepared(&statement)
                    .await?;
            }
            crate::drop_tables(manager, &["post_search_index"]).await?;
        }
        crate::drop_tables(manager, &["post_search"]).await?;
        if manager.get_database_backend() == DatabaseBackend::Postgres {
            let drop = "DROP TEXT SEARCH CONFIGURATION alphanode;
                        DROP TEXT SEARCH DICTIONARY alphanode_stem";
            manager.get_connection().execute_unprepared(drop).await?;
        }
        Ok(())
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}
