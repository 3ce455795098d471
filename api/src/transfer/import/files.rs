//! Which files an import reads.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::Format;

/// A path that cannot be imported.
#[derive(Debug, thiserror::Error)]
#[error("{}: {reason}", path.display())]
pub struct MissingPath {
    /// The path as it was given, or found below it.
    pub path: PathBuf,
    /// Why it cannot be read.
    pub reason: String,
}

/// The files to import: files as they are given, directories with everything below them in the
/// order of its names. Below a directory only known extensions count, and names that start with
/// a dot are skipped; links to directories are not followed.
pub fn find_files(paths: &[PathBuf]) -> Result<Vec<PathBuf>, MissingPath> {
    let mut files = Vec::new();
    for path in paths {
        let metadata = fs::metadata(path).map_err(|error| missing(path, &error))?;
        if metadata.is_dir() {
            find_below(path, &mut files)?;
        } else {
            files.push(path.clone());
        }
    }
    Ok(files)
}

fn find_below(directory: &Path, files: &mut Vec<PathBuf>) -> Result<(), MissingPath> {
    let unreadable = |error: io::Error| missing(directory, &error);
    let mut entries = fs::read_dir(directory)
        .map_err(unreadable)?
        .collect::<Result<Vec<_>, _>>()
        .map_err(unreadable)?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        if entry.file_name().to_string_lossy().starts_with('.') {
            continue;
        }
        let path = entry.path();
        let kind = entry.file_type().map_err(unreadable)?;
        if kind.is_dir() {
            find_below(&path, files)?;
        } else if Format::of(&path).is_some() && path.is_file() {
            files.push(path);
        }
    }
    Ok(())
}

fn missing(path: &Path, error: &io::Error) -> MissingPath {
    let reason = match error.kind() {
        io::ErrorKind::NotFound => String::from("there is no such file or directory"),
        _ => format!("cannot be read: {error}"),
    };
    MissingPath {
        path: path.to_owned(),
        reason,
    }
}
