//! Whether the database is one that content can be trusted to.

use sea_orm::{DatabaseBackend, QueryResult, Statement};

use super::{Finding, some_of};
use crate::domain::error::{Error, Result};
use crate::domain::perspective::Reader;
use crate::foundation::database::Dialect;

/// The oldest PostgreSQL that is supported.
const OLDEST_POSTGRES: i32 = 14;

/// A table with fewer rows needs no statistics.
const LARGE: i64 = 10_000;

/// Whether its version is supported.
///
/// # Errors
///
/// Those of the database.
pub async fn version(reader: &Reader) -> Result<Finding> {
    if reader.dialect() == Dialect::Sqlite {
        let version: String = value(reader, "SELECT sqlite_version()").await?;
        return Ok(Finding::ok(format!("SQLite {version}, built in")));
    }
    let version: String = value(reader, "SELECT current_setting('server_version')").await?;
    let number: String = value(reader, "SELECT current_setting('server_version_num')").await?;
    let major = number.parse::<i32>().unwrap_or(0) / 10_000;
    let found = format!("PostgreSQL {version}");
    Ok(match major < OLDEST_POSTGRES {
        true => Finding::fail(found, format!("upgrade to {OLDEST_POSTGRES} or newer")),
        false => Finding::ok(found),
    })
}

/// Whether what is written survives the loss of power.
///
/// # Errors
///
/// Those of the database.
pub async fn durability(reader: &Reader) -> Result<Finding> {
    if reader.dialect() == Dialect::Sqlite {
        let journal: String = value(reader, "PRAGMA journal_mode").await?;
        return Ok(match journal.as_str() {
            "wal" => Finding::ok("the write-ahead log is on, and every commit reaches the disk"),
            journal => Finding::fail(
                format!(
                    "the journal is of the mode {journal}, not wal: the file may be on a network"
                ),
                "keep the file on a disk of this machine",
            ),
        });
    }
    let mut off = Vec::new();
    for name in ["fsync", "full_page_writes", "synchronous_commit"] {
        let sql = format!("SELECT current_setting('{name}')");
        if value::<String>(reader, &sql).await? == "off" {
            off.push(name.to_owned());
        }
    }
    Ok(match off.is_empty() {
        true => Finding::ok("every commit reaches the disk before it is answered"),
        false => Finding::fail(
            format!("off: {}", off.join(", ")),
            "switch them on in postgresql.conf: a loss of power loses or breaks what was written",
        ),
    })
}

/// Whether the file is whole. It is read for as long as one read may take.
///
/// # Errors
///
/// Those of the database.
pub async fn integrity(reader: &Reader) -> Result<Finding> {
    if reader.dialect() == Dialect::Postgres {
        let sums: String = value(reader, "SELECT current_setting('data_checksums')").await?;
        return Ok(match sums.as_str() {
            "on" => Finding::ok("the server checks a sum of each page it reads"),
            _ => Finding::skip("the server keeps no sums of its pages (data_checksums)"),
        });
    }
    match column(reader, "PRAGMA quick_check(5)").await {
        Ok(said) if said == ["ok"] => Ok(Finding::ok("every page is as it should be")),
        Ok(said) => Ok(Finding::fail(
            some_of(&said),
            "stop the server, keep a copy of the file, and go back to the last good backup",
        )),
        Err(Error::TooSlow) => Ok(Finding::skip(
            "reading all of the file takes longer than `read_timeout_seconds`; \
             ask `sqlite3 FILE 'PRAGMA quick_check'`",
        )),
        Err(error) => Err(error),
    }
}

/// Whether the planner knows what it should, and nothing that slows it down.
///
/// # Errors
///
/// Those of the database.
pub async fn statistics(reader: &Reader) -> Result<Finding> {
    if reader.dialect() == Dialect::Sqlite {
        let there = "SELECT count(*) FROM sqlite_schema WHERE name = 'sqlite_stat4'";
        let samples = "SELECT count(*) FROM sqlite_stat4";
        let samples = match value::<i64>(reader, there).await? {
            0 => 0,
            _ => value::<i64>(reader, samples).await?,
        };
        return Ok(match samples {
            0 => Finding::ok("there are no samples of values"),
            _ => Finding::warn(
                format!(
                    "`ANALYZE` left {samples} samples, for which statements are prepared again and again"
                ),
                "`DELETE FROM sqlite_stat4` with sqlite3 while the server is stopped",
            ),
        });
    }
    let unknown = format!(
        "SELECT relname::text FROM pg_stat_user_tables
         WHERE n_live_tup > {LARGE} AND last_analyze IS NULL AND last_autoanalyze IS NULL
         ORDER BY relname"
    );
    let tables = column(reader, &unknown).await?;
    Ok(match tables.is_empty() {
        true => Finding::ok("every large table was analysed"),
        false => Finding::warn(
            format!("large, and never analysed: {}", some_of(&tables)),
            "`ANALYZE` with psql now; then see why autovacuum does not",
        ),
    })
}

/// Whether copies are made, as far as the database knows.
///
/// # Errors
///
/// Those of the database.
pub async fn backups(reader: &Reader) -> Result<Finding> {
    const UNKNOWN: &str = "nobody tells the program; see that one is made each day, elsewhere, and \
                           that a restored one starts";
    if reader.dialect() == Dialect::Sqlite
        || value::<String>(reader, "SELECT current_setting('archive_mode')").await? == "off"
    {
        return Ok(Finding::skip(UNKNOWN));
    }
    let failing =
        "SELECT coalesce(last_failed_time > coalesce(last_archived_time, '-infinity'), false)
                   FROM pg_stat_archiver";
    Ok(match value(reader, failing).await? {
        true => Finding::fail(
            "the server could not archive its log when it last tried",
            "see pg_stat_archiver and the server's log",
        ),
        false => Finding::ok("the server archives its log; see that a restored copy starts"),
    })
}

async fn value<T: sea_orm::TryGetable>(reader: &Reader, sql: &str) -> Result<T> {
    let rows = rows(reader, sql).await?;
    let row = rows.first();
    let row = row.ok_or_else(|| Error::Internal(format!("no answer to {sql}")))?;
    Ok(row.try_get_by_index(0)?)
}

async fn column(reader: &Reader, sql: &str) -> Result<Vec<String>> {
    let rows = rows(reader, sql).await?;
    rows.iter()
        .map(|row| Ok(row.try_get_by_index(0)?))
        .collect()
}

async fn rows(reader: &Reader, sql: &str) -> Result<Vec<QueryResult>> {
    let backend = match reader.dialect() {
        Dialect::Sqlite => DatabaseBackend::Sqlite,
        Dialect::Postgres => DatabaseBackend::Postgres,
    };
    reader.rows_of(Statement::from_string(backend, sql)).await
}
