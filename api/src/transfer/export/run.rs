//! An export: every post that is not in the trash, drafts included, as a document.
//!
//! Posts are read a batch at a time, each in a constant number of statements, so memory stays
//! flat. Each batch is as the database is when it is read: who wants one moment for all posts
//! exports while nobody writes.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use super::{markdown, ndjson};
use crate::domain::error::Error;
use crate::domain::perspective::{Perspective, Reader};
use crate::domain::post::whole_posts;
use crate::foundation::database::Database;
use crate::transfer::document::Document;

/// Posts of a batch.
pub(super) const POSTS: u64 = 50;

/// Why an export stopped.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The posts can't be read.
    #[error(transparent)]
    Read(#[from] Error),
    /// The documents can't be written.
    #[error("{}: {error}", path.display())]
    Write {
        /// Where.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// The folder holds something already, which an export must not mix with.
    #[error("{} is not empty; name a new folder", .0.display())]
    NotEmpty(PathBuf),
}

/// Writes every post as one line of JSON. Answers how many there were; `tell` hears of it on the
/// way.
///
/// # Errors
///
/// When the database or `output`, which is at `path`, fails.
pub async fn to_ndjson(
    database: &Database,
    output: &mut (dyn Write + Send),
    path: &Path,
    tell: &mut (dyn FnMut(u64) + Send),
) -> Result<u64, ExportError> {
    let failed = |error| ExportError::Write {
        path: path.to_owned(),
        error,
    };
    let count = each(
        database,
        &mut |document| ndjson::write(&document, &mut *output).map_err(failed),
        tell,
    )
    .await?;
    output.flush().map_err(failed)?;
    Ok(count)
}

/// Writes every post as a Markdown file of its own, named by its slug, into a folder that is empty
/// or yet to be made. Answers how many there were; `tell` hears of it on the way.
///
/// # Errors
///
/// When the database fails, or the folder is not empty or can't be written to.
pub async fn to_markdown(
    database: &Database,
    folder: &Path,
    tell: &mut (dyn FnMut(u64) + Send),
) -> Result<u64, ExportError> {
    let failed = |error| ExportError::Write {
        path: folder.to_owned(),
        error,
    };
    fs::create_dir_all(folder).map_err(failed)?;
    if fs::read_dir(folder).map_err(failed)?.next().is_some() {
        return Err(ExportError::NotEmpty(folder.to_owned()));
    }
    each(
        database,
        &mut |document| {
            let (file, path) = new_file(folder, &file_name(&document)).map_err(failed)?;
            let mut output = BufWriter::new(file);
            markdown::write(&document, &mut output)
                .and_then(|()| output.flush())
                .map_err(|error| ExportError::Write { path, error })
        },
        tell,
    )
    .await
}

async fn each(
    database: &Database,
    write: &mut (dyn FnMut(Document) -> Result<(), ExportError> + Send),
    tell: &mut (dyn FnMut(u64) + Send),
) -> Result<u64, ExportError> {
    let reader = Reader::new(database.clone(), Perspective::Draft);
    let (mut after, mut count) = (0, 0);
    loop {
        let posts = whole_posts(&reader, after, POSTS).await?;
        let Some(last) = posts.last() else {
            return Ok(count);
        };
        after = last.id;
        count += posts.len() as u64;
        for whole in posts {
            write(Document::of(whole.post))?;
        }
        tell(count);
    }
}

/// A file name that an import of the folder reads: one that begins with a dot it would skip.
pub(super) fn file_name(document: &Document) -> String {
    let slug = document.content.slug.as_deref().unwrap_or("post");
    match slug.starts_with('.') {
        true => format!("_{slug}"),
        false => slug.to_owned(),
    }
}

/// A new file of this name; with a number where the file system takes two names for one.
fn new_file(folder: &Path, name: &str) -> io::Result<(File, PathBuf)> {
    let mut number = 1;
    loop {
        let path = match number {
            1 => folder.join(format!("{name}.md")),
            _ => folder.join(format!("{name}~{number}.md")),
        };
        match File::create_new(&path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => number += 1,
            other => return Ok((other?, path)),
        }
    }
}
