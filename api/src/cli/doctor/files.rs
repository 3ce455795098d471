//! The files of an embedded database: who may read them, and whether there is room.

use std::path::{Path, PathBuf};

use super::secrets::{permissions, there};
use crate::cli::Failure;
use crate::config::Config;
use crate::domain::doctor::{Finding, some_of};
use crate::foundation::database::sqlite_path;

/// Bytes that should be free, and bytes without which nothing can be written for long.
const FREE: u64 = 1_000_000_000;
const HARDLY_FREE: u64 = 200_000_000;

/// A log that grew larger is not copied into the file any more.
const WAL: u64 = 256_000_000;

/// Whether others on the machine can read drafts and hashes of passwords past the API.
pub(super) fn database_file(config: &Config) -> Result<Finding, Failure> {
    let Some(path) = sqlite_path(&config.database_url) else {
        return Ok(elsewhere());
    };
    if there(Path::new(path))?.is_none() {
        return Ok(missing(path));
    }
    let mut open = Vec::new();
    for ending in ["", "-wal", "-shm"] {
        let file = with_ending(path, ending);
        if let Some(metadata) = there(&file)? {
            let mode = permissions(&metadata);
            if mode & 0o007 != 0 {
                open.push(format!("{} is {mode:04o}", file.display()));
            }
        }
    }
    Ok(match open.is_empty() {
        true => Finding::ok("only its owner, or the group, may read it"),
        false => Finding::fail(some_of(&open), format!("chmod o= {path} {path}-*")),
    })
}

/// Whether there is room for what will be written.
pub(super) fn disk(config: &Config) -> Result<Finding, Failure> {
    let Some(path) = sqlite_path(&config.database_url) else {
        return Ok(elsewhere());
    };
    let Some(metadata) = there(Path::new(path))? else {
        return Ok(missing(path));
    };
    let volume = rustix::fs::statvfs(path)?;
    let free = volume.f_bavail.saturating_mul(volume.f_frsize);
    let size = metadata.len();
    let found = format!("{} free; the database has {}", bytes(free), bytes(size));
    let remedy = "make room, or move the database to a larger disk";
    Ok(if free < HARDLY_FREE {
        Finding::fail(found, remedy)
    } else if free < FREE.max(size) {
        Finding::warn(found, format!("{remedy}: a copy of it has no room"))
    } else {
        Finding::ok(found)
    })
}

/// Whether the write-ahead log is copied into the file in time.
pub(super) fn wal(config: &Config) -> Result<Finding, Failure> {
    let Some(path) = sqlite_path(&config.database_url) else {
        return Ok(elsewhere());
    };
    let size = there(&with_ending(path, "-wal"))?.map_or(0, |metadata| metadata.len());
    let found = format!("the write-ahead log has {}", bytes(size));
    Ok(match size > WAL {
        true => Finding::warn(
            found,
            "find the program that keeps a read open on the file, or start the server again",
        ),
        false => Finding::ok(found),
    })
}

fn missing(path: &str) -> Finding {
    Finding::skip(format!("there is no file {path}"))
}

fn elsewhere() -> Finding {
    Finding::skip("PostgreSQL keeps its own files")
}

fn with_ending(path: &str, ending: &str) -> PathBuf {
    PathBuf::from(format!("{path}{ending}"))
}

/// So many bytes, for people.
fn bytes(count: u64) -> String {
    match count {
        0..1_000 => format!("{count} bytes"),
        1_000..1_000_000 => format!("{} kB", count / 1_000),
        1_000_000..1_000_000_000 => format!("{} MB", count / 1_000_000),
        _ => format!("{}.{} GB", count / 1_000_000_000, count / 100_000_000 % 10),
    }
}
