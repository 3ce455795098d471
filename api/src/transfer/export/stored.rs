//! An export into the database, which goes on where it was.

use super::run::POSTS;
use super::{ndjson, tar};
use crate::domain::error::{Error, Result};
use crate::domain::export::{self, ExportFormat, ExportRun, Piece};
use crate::domain::perspective::{Perspective, Reader};
use crate::domain::post::whole_posts_of;
use crate::domain::transaction::Store;
use crate::transfer::document::Document;

/// A piece has at least so many bytes, unless it is the last.
const PIECE_BYTES: usize = 512 * 1024;

/// Writes an export from where it is to its end. Answers whether it came there: false when somebody
/// else has gone on with it. `tell` hears how many posts are in it.
///
/// # Errors
///
/// Those of the database; what is written by then stays.
pub async fn to_database(
    store: &Store,
    mut run: ExportRun,
    tell: &mut (dyn FnMut(i64) + Send),
) -> Result<bool> {
    let reader = Reader::new(store.database.clone(), Perspective::Draft);
    let mut piece = Piece {
        cursor: run.cursor,
        ..Piece::default()
    };
    loop {
        let posts = whole_posts_of(&reader, &run.filter, piece.cursor, POSTS).await?;
        let is_end = posts.is_empty();
        for whole in posts {
            piece.posts += 1;
            piece.cursor = whole.id;
            let document = Document::of(whole.post);
            let written = match run.format {
                ExportFormat::Ndjson => ndjson::write(&document, &mut piece.content),
                ExportFormat::Markdown => tar::write(&document, &mut piece.content),
            };
            written
                .map_err(|error| Error::Internal(format!("a post can't be written: {error}")))?;
        }
        if is_end && run.format == ExportFormat::Markdown {
            piece.content.extend_from_slice(&tar::END);
        }
        if piece.content.len() < PIECE_BYTES && !is_end {
            continue;
        }
        let next = Piece {
            cursor: piece.cursor,
            ..Piece::default()
        };
        let whole = std::mem::replace(&mut piece, next);
        match export::add(store, &run, whole, is_end).await? {
            Some(added) => run = added,
            None => return Ok(false),
        }
        tell(run.posts);
        if is_end {
            return Ok(true);
        }
    }
}
