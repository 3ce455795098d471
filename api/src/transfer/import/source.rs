//! The bytes of a file, read in bounded pieces that know where they stand.

use std::io::{self, BufRead};

use super::{MAXIMUM_DOCUMENT_BYTES, Problem};

/// A file that is being read.
pub(super) struct Source<'a> {
    input: &'a mut dyn BufRead,
    /// The line the next byte is on, counted from 1.
    pub line: u64,
    /// The place of the next byte in the file, counted from 0.
    pub offset: u64,
}

/// A piece of a file that may be longer than a document can be.
pub(super) struct Piece {
    /// Its bytes; empty when it is too long.
    pub bytes: Vec<u8>,
    /// How long it is.
    pub length: u64,
    /// The line it starts on.
    pub line: u64,
    /// The place of its first byte in the file.
    pub offset: u64,
}

impl<'a> Source<'a> {
    /// Starts reading: skips a UTF-8 byte order mark, refuses other encodings and empty files.
    pub fn start(input: &'a mut dyn BufRead) -> Result<Self, Problem> {
        let beginning = input.fill_buf().map_err(|error| unreadable(&error))?;
        if beginning.is_empty() {
            return Err(Problem::of_file("is empty"));
        }
        let encoding = match beginning {
            [0xFF, 0xFE, 0, 0, ..] | [0, 0, 0xFE, 0xFF, ..] => Some("UTF-32"),
            [0xFF, 0xFE, ..] => Some("UTF-16 (little endian)"),
            [0xFE, 0xFF, ..] => Some("UTF-16 (big endian)"),
            _ => None,
        };
        if let Some(encoding) = encoding {
            return Err(Problem::at(
                1,
                format!("is written in {encoding}; save it as UTF-8"),
            ));
        }
        let mark = if beginning.starts_with(&[0xEF, 0xBB, 0xBF]) {
            3
        } else {
            0
        };
        if beginning.len() == mark {
            return Err(Problem::of_file("is empty"));
        }
        input.consume(mark);
        Ok(Self {
            input,
            line: 1,
            offset: mark as u64,
        })
    }

    /// What lies ready to be read, for a look at how the file begins.
    pub fn beginning(&mut self) -> &[u8] {
        self.input.fill_buf().unwrap_or_default()
    }

    /// The next byte, which stays to be read.
    pub fn peek(&mut self) -> Result<Option<u8>, Problem> {
        let ready = self.input.fill_buf().map_err(|error| unreadable(&error))?;
        Ok(ready.first().copied())
    }

    /// Goes on to the byte after the next.
    pub fn skip(&mut self, byte: u8) {
        self.input.consume(1);
        self.offset += 1;
        self.line += u64::from(byte == b'\n');
    }

    /// The next line without its line break; none at the end of the file.
    pub fn read_line(&mut self) -> Result<Option<Piece>, Problem> {
        if self.peek()?.is_none() {
            return Ok(None);
        }
        let mut piece = Piece {
            bytes: Vec::new(),
            length: 0,
            line: self.line,
            offset: self.offset,
        };
        loop {
            let ready = self.input.fill_buf().map_err(|error| unreadable(&error))?;
            let end = ready.iter().position(|byte| *byte == b'\n');
            let count = end.unwrap_or(ready.len());
            piece.push(&ready[..count]);
            let consumed = count + usize::from(end.is_some());
            self.input.consume(consumed);
            self.offset += consumed as u64;
            if end.is_some() {
                self.line += 1;
            }
            if consumed == 0 || end.is_some() {
                return Ok(Some(piece));
            }
        }
    }

    /// Everything that is left, as text.
    pub fn read_whole(&mut self) -> Result<String, Problem> {
        let mut piece = Piece {
            bytes: Vec::new(),
            length: 0,
            line: self.line,
            offset: self.offset,
        };
        loop {
            let ready = self.input.fill_buf().map_err(|error| unreadable(&error))?;
            let count = ready.len();
            if count == 0 {
                break;
            }
            piece.push(ready);
            self.input.consume(count);
            // What is read past the limit only serves to say how long the file is; a device
            // that never ends must not keep us.
            if piece.length > 64 * MAXIMUM_DOCUMENT_BYTES as u64 {
                break;
            }
        }
        piece.text().map(str::to_owned)
    }
}

impl Piece {
    /// Adds bytes while the piece is not too long; then gives its memory back and only counts.
    pub fn push(&mut self, bytes: &[u8]) {
        self.length += bytes.len() as u64;
        if self.length > MAXIMUM_DOCUMENT_BYTES as u64 {
            self.bytes = Vec::new();
        } else {
            self.bytes.extend_from_slice(bytes);
        }
    }

    /// Adds another piece, as [`Self::push`] does.
    pub fn append(&mut self, other: &Self) {
        self.push(&other.bytes);
        if other.length > other.bytes.len() as u64 {
            self.length += other.length;
            self.bytes = Vec::new();
        }
    }

    /// Whether the piece holds nothing but blanks.
    pub fn is_blank(&self) -> bool {
        self.length == self.bytes.len() as u64 && self.bytes.trim_ascii().is_empty()
    }

    /// The piece as text, unless it is too long, not UTF-8, or holds a NUL character.
    pub fn text(&self) -> Result<&str, Problem> {
        if self.length > MAXIMUM_DOCUMENT_BYTES as u64 {
            return Err(Problem::at(
                self.line,
                format!(
                    "the document is {} bytes long or longer; {MAXIMUM_DOCUMENT_BYTES} (8 MiB) \
                     is the limit",
                    self.length
                ),
            ));
        }
        let text = std::str::from_utf8(&self.bytes).map_err(|error| {
            self.refuse(
                error.valid_up_to(),
                "is not valid UTF-8; save the file as UTF-8",
            )
        })?;
        match self.bytes.iter().position(|byte| *byte == 0) {
            Some(place) => Err(self.refuse(place, "is a NUL character; remove it")),
            None => Ok(text),
        }
    }

    fn refuse(&self, place: usize, reason: &str) -> Problem {
        let breaks = self.bytes[..place]
            .iter()
            .filter(|byte| **byte == b'\n')
            .count();
        Problem::at(
            self.line + breaks as u64,
            format!("byte {} of the file {reason}", self.offset + place as u64),
        )
    }
}

fn unreadable(error: &io::Error) -> Problem {
    Problem::of_file(format!("cannot be read: {error}"))
}
