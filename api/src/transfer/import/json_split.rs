//! Cuts a JSON file into its documents without holding more than one.
//!
//! Only quotes and brackets are looked at; whether a document is valid is decided when it is
//! parsed. So a broken document does not keep the next one from being read, as long as its
//! brackets are balanced.

use super::Problem;
use super::source::{Piece, Source};

/// How many keys beside `posts` a message names, so that their number takes no memory.
pub(super) const MAXIMUM_NAMED_KEYS: usize = 20;

/// What the splitter came upon.
pub(super) enum Found {
    /// The text of a document.
    Document(Piece),
    /// A key beside `posts`, in quotes.
    Beside(String),
}

enum Place {
    Start,
    /// In an array: whether it is the array `posts` of an object, and at its first document.
    Array {
        of_object: bool,
        first: bool,
    },
    /// In the object that has `posts`, after it.
    AfterPosts,
    End,
}

/// A JSON file that is being cut.
pub(super) struct JsonSplitter<'a, 'b> {
    source: &'a mut Source<'b>,
    place: Place,
    beside: Vec<String>,
}

impl<'a, 'b> JsonSplitter<'a, 'b> {
    /// Starts at the beginning of a file.
    pub fn new(source: &'a mut Source<'b>) -> Self {
        Self {
            source,
            place: Place::Start,
            beside: Vec::new(),
        }
    }

    /// What comes next; none at the end of the file. After an error nothing more can be read.
    pub fn next(&mut self) -> Result<Option<Found>, Problem> {
        loop {
            if let Some(key) = self.beside.pop() {
                return Ok(Some(Found::Beside(key)));
            }
            match self.place {
                Place::Start => {
                    if let Some(document) = self.start()? {
                        return Ok(Some(Found::Document(document)));
                    }
                }
                Place::Array { of_object, first } => {
                    if let Some(document) = self.element(of_object, first)? {
                        return Ok(Some(Found::Document(document)));
                    }
                }
                Place::AfterPosts => self.member_after_posts()?,
                Place::End => {
                    return match self.skip_blanks()? {
                        None => Ok(None),
                        Some(_) => Err(Problem::at(
                            self.source.line,
                            "more follows after the end of the JSON value; a file with a \
                             document a line is NDJSON (`.ndjson`, `--format ndjson`)",
                        )),
                    };
                }
            }
        }
    }

    fn start(&mut self) -> Result<Option<Piece>, Problem> {
        match self.skip_blanks()? {
            Some(b'[') => {
                self.source.skip(b'[');
                self.place = Place::Array {
                    of_object: false,
                    first: true,
                };
                Ok(None)
            }
            Some(b'{') => self.object(),
            Some(_) => Err(Problem::at(
                self.source.line,
                "a JSON file must start with `{` or `[`",
            )),
            None => Err(Problem::of_file("holds nothing but blanks")),
        }
    }

    /// Reads an object until it turns out to have `posts`, or ends as a document itself.
    fn object(&mut self) -> Result<Option<Piece>, Problem> {
        let mut document = self.piece();
        let mut keys = Vec::new();
        let mut is_post = false;
        self.take(b'{', &mut document);
        loop {
            self.take_blanks(&mut document)?;
            match self.source.peek()? {
                Some(b'}') => {
                    self.take(b'}', &mut document);
                    self.place = Place::End;
                    return Ok(Some(document));
                }
                Some(b'"') => {}
                // Not JSON: what is left is taken as it stands, and refused by the parser.
                _ => return self.rest(document).map(Some),
            }
            let key = self.value()?;
            document.append(&key);
            self.take_blanks(&mut document)?;
            if self.source.peek()? != Some(b':') {
                return self.rest(document).map(Some);
            }
            self.take(b':', &mut document);
            self.take_blanks(&mut document)?;
            if key.bytes == b"\"posts\"" && !is_post && self.source.peek()? == Some(b'[') {
                self.source.skip(b'[');
                self.place = Place::Array {
                    of_object: true,
                    first: true,
                };
                self.beside = keys;
                return Ok(None);
            }
            is_post |= key.bytes == b"\"title\"";
            if keys.len() < MAXIMUM_NAMED_KEYS {
                keys.push(name_of(&key));
            }
            self.take_value(&mut document)?;
            self.take_blanks(&mut document)?;
            if self.source.peek()? == Some(b',') {
                self.take(b',', &mut document);
            }
        }
    }

    fn element(&mut self, of_object: bool, first: bool) -> Result<Option<Piece>, Problem> {
        match self.skip_blanks()? {
            Some(b']') => {
                self.source.skip(b']');
                self.place = if of_object {
                    Place::AfterPosts
                } else {
                    Place::End
                };
                return Ok(None);
            }
            Some(b',') if !first => {
                self.source.skip(b',');
                self.skip_blanks()?;
            }
            Some(_) if first => {}
            Some(byte) => return Err(self.unexpected("`,` or `]`", byte)),
            None => return Err(self.ended("array")),
        }
        self.place = Place::Array {
            of_object,
            first: false,
        };
        let document = self.value()?;
        if document.length > 0 {
            return Ok(Some(document));
        }
        match self.source.peek()? {
            Some(byte) => Err(self.unexpected("a document", byte)),
            None => Err(self.ended("array")),
        }
    }

    fn unexpected(&self, expected: &str, byte: u8) -> Problem {
        Problem::at(
            self.source.line,
            format!("expected {expected}, found `{}`", byte.escape_ascii()),
        )
    }

    fn ended(&self, what: &str) -> Problem {
        Problem::at(
            self.source.line,
            format!("the file ends before the {what} does"),
        )
    }

    fn member_after_posts(&mut self) -> Result<(), Problem> {
        match self.skip_blanks()? {
            Some(b'}') => {
                self.source.skip(b'}');
                self.place = Place::End;
            }
            Some(b',') => self.source.skip(b','),
            Some(b'"') => {
                let key = self.value()?;
                self.beside.push(name_of(&key));
                if self.skip_blanks()? != Some(b':') {
                    return Err(Problem::at(self.source.line, "expected `:` after a key"));
                }
                self.source.skip(b':');
                self.skip_blanks()?;
                self.value()?;
            }
            Some(byte) => return Err(self.unexpected("`,` or `}`", byte)),
            None => return Err(self.ended("object with `posts`")),
        }
        Ok(())
    }

    /// The value that starts here, to its last bracket, quote or character.
    fn value(&mut self) -> Result<Piece, Problem> {
        let mut piece = self.piece();
        self.take_value(&mut piece)?;
        Ok(piece)
    }

    fn take_value(&mut self, piece: &mut Piece) -> Result<(), Problem> {
        let line = self.source.line;
        let (mut depth, mut in_string, mut escaped) = (0_u64, false, false);
        while let Some(byte) = self.source.peek()? {
            if in_string {
                self.take(byte, piece);
                match byte {
                    _ if escaped => escaped = false,
                    b'\\' => escaped = true,
                    b'"' => in_string = false,
                    _ => {}
                }
                if !in_string && depth == 0 {
                    return Ok(());
                }
                continue;
            }
            match byte {
                b'"' => in_string = true,
                b'{' | b'[' => depth += 1,
                b'}' | b']' if depth == 0 => return Ok(()),
                b'}' | b']' => {
                    self.take(byte, piece);
                    depth -= 1;
                    if depth == 0 {
                        return Ok(());
                    }
                    continue;
                }
                b',' | b':' if depth == 0 => return Ok(()),
                _ if depth == 0 && byte.is_ascii_whitespace() => return Ok(()),
                _ => {}
            }
            self.take(byte, piece);
        }
        if depth > 0 || in_string {
            return Err(Problem::at(
                line,
                "what starts here is not closed before the file ends",
            ));
        }
        Ok(())
    }

    fn rest(&mut self, mut piece: Piece) -> Result<Piece, Problem> {
        while let Some(byte) = self.source.peek()? {
            self.take(byte, &mut piece);
        }
        self.place = Place::End;
        Ok(piece)
    }

    fn piece(&self) -> Piece {
        Piece {
            bytes: Vec::new(),
            length: 0,
            line: self.source.line,
            offset: self.source.offset,
        }
    }

    fn take(&mut self, byte: u8, piece: &mut Piece) {
        piece.push(&[byte]);
        self.source.skip(byte);
    }

    fn take_blanks(&mut self, piece: &mut Piece) -> Result<(), Problem> {
        while let Some(byte) = self.source.peek()?.filter(u8::is_ascii_whitespace) {
            self.take(byte, piece);
        }
        Ok(())
    }

    /// Goes on to the next byte that is not blank, which stays to be read.
    fn skip_blanks(&mut self) -> Result<Option<u8>, Problem> {
        loop {
            match self.source.peek()? {
                Some(byte) if byte.is_ascii_whitespace() => self.source.skip(byte),
                other => return Ok(other),
            }
        }
    }
}

/// A key as a message shows it, cut when it is long.
fn name_of(key: &Piece) -> String {
    String::from_utf8_lossy(&key.bytes[..key.bytes.len().min(80)]).into_owned()
}
