//! Where the documents of an import come from, in the order they are taken in.

use std::fmt;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::stored::StoredFiles;
use super::{Format, ImportContext, Parsed, Problem, read_from};
use crate::domain::error::Error;
use crate::domain::import::{ImportRun, Place};
use crate::transfer::document::Document;

/// Where documents come from.
pub struct Origin {
    name: String,
    format: &'static str,
    kind: Kind,
}

enum Kind {
    Files(Vec<PathBuf>, Format),
    Stored(StoredFiles, Place),
    Documents(Box<dyn Iterator<Item = Document> + Send>),
}

impl Origin {
    /// Files, read one after the other. `name` is what the run is known by, e.g. the paths as they
    /// were given.
    pub fn files(name: impl Into<String>, files: Vec<PathBuf>, format: Format) -> Self {
        Self {
            name: name.into(),
            format: format.as_str(),
            kind: Kind::Files(files, format),
        }
    }

    /// The files of a run, from where it is.
    pub(super) fn stored(run: &ImportRun, files: StoredFiles) -> Self {
        Self {
            name: run.source.clone(),
            format: files.format().as_str(),
            kind: Kind::Stored(files, run.place),
        }
    }

    /// Documents that are made, not read.
    pub fn documents(
        name: impl Into<String>,
        documents: impl Iterator<Item = Document> + Send + 'static,
    ) -> Self {
        Self {
            name: name.into(),
            format: "documents",
            kind: Kind::Documents(Box::new(documents)),
        }
    }

    /// What runs over it are known by.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How many bytes there are to read, as far as that is known.
    pub(super) fn bytes(&self) -> Option<u64> {
        let Kind::Files(files, _) = &self.kind else {
            return None;
        };
        let sizes = files.iter().filter_map(|file| std::fs::metadata(file).ok());
        Some(sizes.map(|metadata| metadata.len()).sum())
    }

    /// What it is read as.
    pub fn format(&self) -> &'static str {
        self.format
    }

    /// Hands over everything there is, adding up the bytes that were read. Breaks when `each` does.
    ///
    /// # Errors
    ///
    /// Those of the database, where the files are there. Those of the file system are problems of the
    /// files.
    pub(super) fn read(
        self,
        context: &ImportContext,
        bytes: &Arc<AtomicU64>,
        each: &mut dyn FnMut(Step) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>, Error> {
        match self.kind {
            Kind::Stored(files, place) => files.read(place, context, bytes, each),
            kind => Ok(kind.read_here(&self.name, context, bytes, each)),
        }
    }
}

impl Kind {
    /// Hands over what is on this machine.
    fn read_here(
        self,
        name: &str,
        context: &ImportContext,
        bytes: &Arc<AtomicU64>,
        each: &mut dyn FnMut(Step) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        match self {
            Kind::Stored(..) => {}
            Kind::Files(files, format) => {
                for path in files {
                    let name: Arc<str> = path.display().to_string().into();
                    let mut hand_over =
                        |result| each(Step::Document(Box::new(Found::new(&name, result))));
                    match File::open(&path) {
                        Ok(file) => {
                            let counted = Counted {
                                file,
                                bytes: Arc::clone(bytes),
                            };
                            let mut input = BufReader::with_capacity(64 * 1024, counted);
                            read_from(&mut input, &path, format, context, &mut hand_over)?;
                        }
                        Err(error) => {
                            hand_over(Err(Problem::of_file(format!("cannot be opened: {error}"))))?
                        }
                    }
                    each(Step::EndOfFile(name))?;
                }
            }
            Kind::Documents(documents) => {
                let name: Arc<str> = name.into();
                for (document, line) in documents.zip(1..) {
                    let parsed = Parsed {
                        document,
                        line,
                        inferred: Vec::new(),
                    };
                    each(Step::Document(Box::new(Found::new(&name, Ok(parsed)))))?;
                }
                each(Step::EndOfFile(name))?;
            }
        }
        ControlFlow::Continue(())
    }
}

impl fmt::Debug for Origin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Origin").field(&self.name).finish()
    }
}

/// What reading comes across.
pub(super) enum Step {
    /// A document, or why there is none.
    Document(Box<Found>),
    /// The file is done.
    EndOfFile(Arc<str>),
}

/// A document, or why there is none.
pub(super) struct Found {
    pub(super) path: Arc<str>,
    pub(super) result: Result<Parsed, Problem>,
}

impl Found {
    pub(super) fn new(path: &Arc<str>, result: Result<Parsed, Problem>) -> Self {
        Self {
            path: Arc::clone(path),
            result,
        }
    }

    /// About how much memory it takes, for a bound on what is on its way.
    pub(super) fn weight(&self) -> usize {
        let Ok(parsed) = &self.result else { return 0 };
        let document = &parsed.document;
        let bodies = document.history.iter().map(|h| h.content.body.len());
        document.content.body.len() + bodies.sum::<usize>()
    }
}

/// A file that adds up what is read from it.
pub(super) struct Counted<F> {
    pub(super) file: F,
    pub(super) bytes: Arc<AtomicU64>,
}

impl<F: Read> Read for Counted<F> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read(buffer)?;
        self.bytes.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}
