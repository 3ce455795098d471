//! What a file is read as.

/// What a file is read as.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Format {
    /// By the extension of the file, else by its first characters.
    #[default]
    Auto,
    /// The text of a rendered field note with its metadata.
    PageText,
    /// One document, an array of them, or an object with an array `posts`.
    Json,
    /// One JSON document a line.
    Ndjson,
    /// Markdown with YAML or TOML front matter.
    Markdown,
}

impl Format {
    /// Every format.
    pub const ALL: [Self; 5] = [
        Self::Auto,
        Self::PageText,
        Self::Json,
        Self::Ndjson,
        Self::Markdown,
    ];

    /// The word on the command line, in URLs and in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::PageText => "page-text",
            Self::Json => "json",
            Self::Ndjson => "ndjson",
            Self::Markdown => "markdown",
        }
    }

    /// Reads the word of [`Format::as_str`].
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.as_str() == word)
    }
}
