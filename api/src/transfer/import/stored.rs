//! Files that are kept in the database, read as if they were files of the machine.

use std::io::{self, BufReader, Read};
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::runtime::Handle;

use super::origin::{Counted, Found, Step};
use super::rest::Rest;
use super::{Format, ImportContext, read_rest};
use crate::domain::error::{Error, Result};
use crate::domain::import::{CHUNK_BYTES, ImportRun, Place, StoredFile, chunk, stored_files};
use crate::foundation::database::Database;

/// The files of a run.
pub(super) struct StoredFiles {
    database: Database,
    runtime: Handle,
    run_id: i64,
    format: Format,
    files: Vec<StoredFile>,
}

impl StoredFiles {
    pub(super) async fn of(database: &Database, run: &ImportRun) -> Result<Self> {
        Ok(Self {
            database: database.clone(),
            runtime: Handle::current(),
            run_id: run.id,
            format: Format::from_word(&run.format).unwrap_or_default(),
            files: stored_files(database, run.id).await?,
        })
    }

    pub(super) fn format(&self) -> Format {
        self.format
    }

    /// Hands over the documents from `place` on. What fails to be read is not taken for a document
    /// that is wrong: it ends the reading.
    pub(super) fn read(
        &self,
        place: Place,
        context: &ImportContext,
        bytes: &Arc<AtomicU64>,
        each: &mut dyn FnMut(Step) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>> {
        for (number, file) in (0..).zip(&self.files) {
            if number < place.file {
                bytes.fetch_add(file.bytes, Ordering::Relaxed);
                continue;
            }
            let failure = Arc::new(Mutex::new(None));
            let taken = || {
                failure
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .take()
            };
            let name: Arc<str> = file.name.as_str().into();
            let pieces = Pieces {
                files: self,
                file: number,
                left: file.bytes,
                piece: Vec::new(),
                read: 0,
                next: 0,
                failure: Arc::clone(&failure),
            };
            let counted = Counted {
                file: pieces,
                bytes: Arc::clone(bytes),
            };
            let mut broken = None;
            let mut hand_over = |result| {
                broken = taken();
                match broken {
                    Some(_) => ControlFlow::Break(()),
                    None => each(Step::Document(Box::new(Found::new(&name, result)))),
                }
            };
            let passed_over = match number == place.file {
                true => place.document,
                false => 0,
            };
            let mut rest = Rest::new(passed_over, &mut hand_over);
            let mut input = BufReader::with_capacity(64 * 1024, counted);
            let path = Path::new(&file.name);
            let flow = read_rest(&mut input, path, self.format, context, &mut rest);
            if let Some(error) = broken.or_else(taken) {
                return Err(error);
            }
            if flow.is_break() || each(Step::EndOfFile(name)).is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    }
}

/// A file as its pieces, of which one is held in memory.
struct Pieces<'files> {
    files: &'files StoredFiles,
    file: u64,
    /// Bytes that are not read from the database yet.
    left: u64,
    piece: Vec<u8>,
    /// Bytes of the piece that are handed over.
    read: usize,
    /// The piece after it.
    next: u64,
    /// Why a piece could not be read.
    failure: Arc<Mutex<Option<Error>>>,
}

impl Read for Pieces<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.read == self.piece.len() {
            if self.left == 0 {
                return Ok(0);
            }
            self.piece = self.fetch().map_err(|error| {
                let text = error.to_string();
                *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
                io::Error::other(text)
            })?;
            self.read = 0;
        }
        let count = buffer.len().min(self.piece.len() - self.read);
        buffer[..count].copy_from_slice(&self.piece[self.read..][..count]);
        self.read += count;
        Ok(count)
    }
}

impl Pieces<'_> {
    /// The next piece, read by a thread that may wait for it.
    fn fetch(&mut self) -> Result<Vec<u8>> {
        let StoredFiles {
            database,
            runtime,
            run_id,
            ..
        } = self.files;
        let found = runtime.block_on(chunk(database, *run_id, self.file, self.next))?;
        let expected = self.left.min(CHUNK_BYTES as u64);
        let piece = found.filter(|piece| piece.len() as u64 == expected);
        let piece = piece.ok_or_else(|| {
            Error::Internal(format!(
                "piece {} of file {} of import {run_id} is gone",
                self.next, self.file
            ))
        })?;
        self.left -= expected;
        self.next += 1;
        Ok(piece)
    }
}
