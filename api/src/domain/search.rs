//! Full-text search, the same to its callers on both databases: FTS5 on SQLite, tsvector on
//! PostgreSQL. This file holds the difference.

use sea_orm::sea_query::{Expr, ExprTrait, Query, SelectStatement, SimpleExpr};
use serde::{Deserialize, Serialize};

use super::error::{Error, Result};
use crate::foundation::database::Dialect;

/// The longest query, in bytes.
pub const QUERY_LENGTH: usize = 500;

/// The most words of a query.
pub const QUERY_WORDS: usize = 32;

/// Where a text is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum SearchColumn {
    /// Title, summary, words and body.
    Everything,
    /// The title alone.
    Title,
    /// The summary alone.
    Summary,
    /// The body alone.
    Body,
}

/// What somebody looks for: words that must all occur, in any order; words in quotation marks must
/// follow each other; a word or phrase after a minus must not occur. Forms of a word count as the
/// same (`index` finds `indexes`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SearchQuery {
    wanted: Vec<String>,
    unwanted: Vec<String>,
}

impl SearchQuery {
    /// Reads a query as people type it. Nothing in it is an operator but `"` and a leading `-`.
    ///
    /// # Errors
    ///
    /// [`Error::BadArgument`] when it is too long or says nothing to look for.
    pub fn parse(text: &str) -> Result<Self> {
        if text.len() > QUERY_LENGTH {
            return Err(Error::BadArgument(format!(
                "the search query is {} bytes long; {QUERY_LENGTH} are the most",
                text.len()
            )));
        }
        let mut query = Self {
            wanted: Vec::new(),
            unwanted: Vec::new(),
        };
        for (index, part) in text.split('"').enumerate() {
            if index % 2 == 1 {
                let negated = text_before_ends_in_minus(text, part);
                query.add(part, negated);
                continue;
            }
            for word in part.split_whitespace() {
                match word.strip_prefix('-') {
                    Some("") => {}
                    Some(word) => query.add(word, true),
                    None => query.add(word, false),
                }
            }
        }
        if query.wanted.is_empty() {
            return Err(Error::BadArgument(
                "the search query has no word to look for; type at least one letter or digit"
                    .into(),
            ));
        }
        let words = query.wanted.iter().chain(&query.unwanted);
        if words.flat_map(|phrase| phrase.split(' ')).count() > QUERY_WORDS {
            return Err(Error::BadArgument(format!(
                "the search query has more than {QUERY_WORDS} words; leave some out"
            )));
        }
        Ok(query)
    }

    /// A phrase of words that follow each other; punctuation separates words.
    fn add(&mut self, phrase: &str, negated: bool) {
        let words: Vec<&str> = phrase
            .split(|character: char| !character.is_alphanumeric())
            .filter(|word| !word.is_empty())
            .collect();
        if words.is_empty() {
            return;
        }
        let phrases = if negated {
            &mut self.unwanted
        } else {
            &mut self.wanted
        };
        phrases.push(words.join(" "));
    }

    fn to_fts5(&self, column: SearchColumn) -> String {
        let phrase = |phrase: &String| format!("\"{phrase}\"");
        let wanted: Vec<String> = self.wanted.iter().map(phrase).collect();
        let mut query = wanted.join(" AND ");
        for unwanted in self.unwanted.iter().map(phrase) {
            query = format!("({query}) NOT {unwanted}");
        }
        match column {
            SearchColumn::Everything => query,
            SearchColumn::Title => format!("{{title}} : ({query})"),
            SearchColumn::Summary => format!("{{summary}} : ({query})"),
            SearchColumn::Body => format!("{{body}} : ({query})"),
        }
    }

    fn to_websearch(&self) -> String {
        let wanted = self.wanted.iter().map(|phrase| format!("\"{phrase}\""));
        let unwanted = self.unwanted.iter().map(|phrase| format!("-\"{phrase}\""));
        let parts: Vec<String> = wanted.chain(unwanted).collect();
        parts.join(" ")
    }

    /// The ids of the contents that match.
    pub(super) fn matching_contents(
        &self,
        dialect: Dialect,
        column: SearchColumn,
    ) -> SelectStatement {
        match dialect {
            Dialect::Sqlite => Query::select()
                .column("rowid")
                .from("post_search_index")
                .and_where(Expr::cust_with_values(
                    "post_search_index MATCH ?",
                    [self.to_fts5(column)],
                ))
                .to_owned(),
            Dialect::Postgres => {
                let mut select = Query::select();
                select
                    .column("content_id")
                    .from("post_search")
                    .and_where(self.postgres_match("document"));
                // The index holds the columns together; a single column is looked at again.
                let again = match column {
                    SearchColumn::Everything => None,
                    SearchColumn::Title => {
                        Some("to_tsvector('alphanode', translate(title, './-_@:', '      '))")
                    }
                    SearchColumn::Summary => {
                        Some("to_tsvector('alphanode', translate(summary, './-_@:', '      '))")
                    }
                    SearchColumn::Body => {
                        Some("to_tsvector('alphanode', translate(body, './-_@:', '      '))")
                    }
                };
                if let Some(vector) = again {
                    select.and_where(self.postgres_match(vector));
                }
                select.to_owned()
            }
        }
    }

    fn postgres_match(&self, vector: &str) -> SimpleExpr {
        Expr::cust_with_values(
            format!("{vector} @@ websearch_to_tsquery('alphanode', $1)"),
            [self.to_websearch()],
        )
    }

    /// Adds the index to `select` (whose `content_id` is the given expression), keeps what matches,
    /// and returns the expression that is smallest for the best match.
    pub(super) fn rank(&self, dialect: Dialect, select: &mut SelectStatement, id: Expr) -> Expr {
        match dialect {
            Dialect::Sqlite => {
                select
                    .inner_join(
                        "post_search_index",
                        Expr::cust("post_search_index.rowid").eq(id),
                    )
                    .and_where(Expr::cust_with_values(
                        "post_search_index MATCH ?",
                        [self.to_fts5(SearchColumn::Everything)],
                    ));
                Expr::cust("bm25(post_search_index, 10.0, 4.0, 3.0, 1.0)")
            }
            Dialect::Postgres => {
                select
                    .inner_join("post_search", Expr::cust("post_search.content_id").eq(id))
                    .and_where(self.postgres_match("post_search.document"));
                Expr::cust_with_values(
                    "-ts_rank('{0.1, 0.3, 0.4, 1.0}', post_search.document, \
                     websearch_to_tsquery('alphanode', $1), 1)::float8",
                    [self.to_websearch()],
                )
            }
        }
    }

    /// The marked title and the best excerpt of each content: `content_id`, `title`, `excerpt`,
    /// with [`MARK_START`] and [`MARK_END`] round what matched.
    pub(super) fn excerpts(&self, dialect: Dialect, contents: &[i64]) -> SelectStatement {
        let mut select = Query::select();
        match dialect {
            Dialect::Sqlite => {
                let highlight =
                    format!("highlight(post_search_index, 0, '{MARK_START}', '{MARK_END}')");
                let snippet =
                    format!("snippet(post_search_index, 3, '{MARK_START}', '{MARK_END}', '…', 32)");
                select
                    .column("rowid")
                    .expr(Expr::cust(highlight))
                    .expr(Expr::cust(snippet))
                    .from("post_search_index")
                    .and_where(Expr::cust_with_values(
                        "post_search_index MATCH ?",
                        [self.to_fts5(SearchColumn::Everything)],
                    ))
                    .and_where(Expr::col("rowid").is_in(contents.iter().copied()));
            }
            Dialect::Postgres => {
                let headline = |column: &str, options: &str| {
                    Expr::cust_with_values(
                        format!(
                            "ts_headline('alphanode', {column}, \
                             websearch_to_tsquery('alphanode', $1), \
                             'StartSel={MARK_START}, StopSel={MARK_END}, {options}')"
                        ),
                        [self.to_websearch()],
                    )
                };
                select
                    .column("content_id")
                    .expr(headline("title", "HighlightAll=true"))
                    .expr(headline("body", "MaxWords=32, MinWords=16"))
                    .from("post_search")
                    .and_where(Expr::col("content_id").is_in(contents.iter().copied()));
            }
        }
        select
    }
}

/// Stands before what matched until the text is escaped; a private character that no text holds.
pub(super) const MARK_START: char = '\u{E000}';
/// Stands after what matched.
pub(super) const MARK_END: char = '\u{E001}';

/// Escapes a marked text and turns its marks into `<mark>` elements.
pub(super) fn to_html(marked: &str) -> String {
    let mut html = String::with_capacity(marked.len() + 32);
    for character in marked.chars() {
        match character {
            MARK_START => html.push_str("<mark>"),
            MARK_END => html.push_str("</mark>"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '&' => html.push_str("&amp;"),
            '"' => html.push_str("&quot;"),
            other => html.push(other),
        }
    }
    html
}

/// Whether the quotation mark before `part`, a slice of `text`, follows a minus.
fn text_before_ends_in_minus(text: &str, part: &str) -> bool {
    let start = part.as_ptr() as usize - text.as_ptr() as usize;
    text[..start.saturating_sub(1)].ends_with('-')
}
