//! Reading posts whose contents are known: one statement for as many posts as there are, with only
//! the columns and relations that are wanted. Relations travel as JSON inside that statement; how
//! each database gathers them fastest is the difference this file holds.

use chrono::{DateTime, NaiveDate, Utc};
use sea_orm::QueryResult;
use sea_orm::sea_query::{Expr, ExprTrait, JoinType, Query, SelectStatement};
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use super::checklist::ChecklistItem;
use super::content::{Difficulty, Flags, Outline, RevisionStatus, Seo};
use crate::domain::error::Result;
use crate::domain::markdown::Heading;
use crate::domain::taxonomy::{Taxonomy, Term};
use crate::foundation::database::Dialect;

/// A post as it is read through a perspective. Fields that were not selected hold their default.
#[derive(Clone, Debug, Default)]
pub struct Post {
    /// Its key.
    pub id: i64,
    /// The key of its content, which is that of the revision it shows.
    pub content_id: i64,
    /// Its identity across exports.
    pub reference: String,
    /// Its identity where it came from.
    pub source_id: Option<String>,
    /// The program that wrote the source.
    pub generator: Option<String>,
    /// The content hash the source stated.
    pub source_hash: Option<String>,
    /// Times it was viewed.
    pub view_count: i64,
    /// Its current assessment.
    pub score: Option<CurrentScore>,
    /// When it was first published.
    pub published_at: Option<DateTime<Utc>>,
    /// When it was first written.
    pub created_at: DateTime<Utc>,
    /// When the content it shows was saved.
    pub updated_at: DateTime<Utc>,
    /// The last part of its path.
    pub slug: String,
    /// The headline.
    pub title: String,
    /// One or two sentences.
    pub summary: String,
    /// What it is about.
    pub topic: Option<String>,
    /// The language most of its code is in.
    pub code_language: Option<String>,
    /// Who it is written for.
    pub difficulty: Option<Difficulty>,
    /// Minutes to read, stated or computed.
    pub reading_minutes: i32,
    /// Words outside code.
    pub word_count: i32,
    /// The post in four short answers.
    pub outline: Outline,
    /// How the article is written and why.
    pub brief: Option<String>,
    /// Steps a reader ticks off.
    pub checklist: Vec<ChecklistItem>,
    /// Remarks for editors and frontends.
    pub notes: Vec<String>,
    /// How it was made.
    pub flags: Flags,
    /// What search engines are told where it differs.
    pub seo: Seo,
    /// What has no field of its own: a JSON object, as it is stored. It is handed on, not looked at.
    pub payload: Box<RawValue>,
    /// The body as sanitised HTML.
    pub body_html: String,
    /// The body as Markdown.
    pub body_markdown: String,
    /// Every heading of the body.
    pub table_of_contents: Vec<Heading>,
    /// Its tools, in order.
    pub tools: Vec<Term>,
    /// Its stack, in order.
    pub stack: Vec<Term>,
    /// Its named entities, in order.
    pub entities: Vec<Term>,
    /// The revision it shows.
    pub revision: Revision,
}

/// The newest assessment of a post, each figure from 0 to 100.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CurrentScore {
    /// How well it is made.
    pub quality: i16,
    /// How well it fits the present state of its stack.
    pub freshness: i16,
    /// How far it goes below the surface.
    pub depth: i16,
    /// How easily it is understood.
    pub clarity: i16,
}

impl CurrentScore {
    /// The figures with their names.
    pub fn named(self) -> [(&'static str, i16); 4] {
        [
            ("quality", self.quality),
            ("freshness", self.freshness),
            ("depth", self.depth),
            ("clarity", self.clarity),
        ]
    }
}

/// A numbered save of a post.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Revision {
    /// Its key.
    pub id: i64,
    /// The post it belongs to.
    pub post_id: i64,
    /// 1 for the first of its post.
    pub number: i32,
    /// Semantic version.
    pub version: String,
    /// Where it stands.
    pub status: RevisionStatus,
    /// Who wrote it.
    pub author: Option<String>,
    /// What changed.
    pub message: Option<String>,
    /// The day a person last checked it.
    pub last_reviewed: Option<NaiveDate>,
    /// SHA-256 of its content.
    pub content_hash: String,
    /// When it was saved.
    pub saved_at: DateTime<Utc>,
}

/// A part of a post that a read may want.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "each is the field of `Post` of the same name")]
#[repr(u8)]
pub enum PostField {
    Reference,
    SourceId,
    Generator,
    SourceHash,
    ViewCount,
    Score,
    PublishedAt,
    CreatedAt,
    UpdatedAt,
    Slug,
    Title,
    Summary,
    Topic,
    CodeLanguage,
    Difficulty,
    ReadingMinutes,
    WordCount,
    Outline,
    Brief,
    Checklist,
    Notes,
    Flags,
    Seo,
    Payload,
    BodyHtml,
    BodyMarkdown,
    TableOfContents,
    Tools,
    Stack,
    Entities,
    Revision,
}

use PostField as Field;

impl PostField {
    /// Every part.
    pub const ALL: [Self; 31] = [
        Field::Reference,
        Field::SourceId,
        Field::Generator,
        Field::SourceHash,
        Field::ViewCount,
        Field::Score,
        Field::PublishedAt,
        Field::CreatedAt,
        Field::UpdatedAt,
        Field::Slug,
        Field::Title,
        Field::Summary,
        Field::Topic,
        Field::CodeLanguage,
        Field::Difficulty,
        Field::ReadingMinutes,
        Field::WordCount,
        Field::Outline,
        Field::Brief,
        Field::Checklist,
        Field::Notes,
        Field::Flags,
        Field::Seo,
        Field::Payload,
        Field::BodyHtml,
        Field::BodyMarkdown,
        Field::TableOfContents,
        Field::Tools,
        Field::Stack,
        Field::Entities,
        Field::Revision,
    ];

    /// Its columns, each with the table (`p`ost, `c`ontent, `b`ody or `r`evision) it is in.
    fn columns(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Reference => &[("p", "reference")],
            Self::SourceId => &[("p", "source_id")],
            Self::Generator => &[("p", "generator")],
            Self::SourceHash => &[("p", "source_hash")],
            Self::ViewCount => &[("p", "view_count")],
            Self::Score => &[
                ("p", "quality"),
                ("p", "freshness"),
                ("p", "depth"),
                ("p", "clarity"),
            ],
            Self::PublishedAt => &[("p", "published_at")],
            Self::CreatedAt => &[("p", "created_at")],
            Self::UpdatedAt => &[("c", "updated_at")],
            Self::Slug => &[("c", "slug")],
            Self::Title => &[("c", "title")],
            Self::Summary => &[("c", "summary")],
            Self::Topic => &[("c", "topic")],
            Self::CodeLanguage => &[("c", "code_language")],
            Self::Difficulty => &[("c", "difficulty")],
            Self::ReadingMinutes => &[("c", "reading_minutes")],
            Self::WordCount => &[("c", "word_count")],
            Self::Outline => &[
                ("c", "outline_context"),
                ("c", "outline_problem"),
                ("c", "outline_stack"),
                ("c", "outline_recommended_action"),
            ],
            Self::Brief => &[("c", "brief")],
            Self::Checklist => &[("c", "checklist")],
            Self::Notes => &[("c", "notes")],
            Self::Flags => &[
                ("c", "ai_generated_style"),
                ("c", "has_images"),
                ("c", "image_heavy"),
                ("c", "needs_human_review"),
            ],
            Self::Seo => &[
                ("c", "seo_title"),
                ("c", "seo_description"),
                ("c", "seo_canonical"),
            ],
            Self::Payload => &[("c", "payload")],
            Self::BodyHtml => &[("b", "html")],
            Self::BodyMarkdown => &[("b", "markdown")],
            Self::TableOfContents => &[("b", "table_of_contents")],
            Self::Revision => &[
                ("r", "number"),
                ("r", "version"),
                ("r", "status"),
                ("r", "author"),
                ("r", "message"),
                ("r", "last_reviewed"),
                ("r", "content_hash"),
                ("r", "saved_at"),
            ],
            Self::Tools | Self::Stack | Self::Entities => &[],
        }
    }

    /// Whether its column is of type JSON, which is read as text.
    fn is_json(self) -> bool {
        matches!(
            self,
            Self::Checklist | Self::Notes | Self::Payload | Self::TableOfContents
        )
    }

    fn taxonomy(self) -> Option<Taxonomy> {
        match self {
            Self::Tools => Some(Taxonomy::Tool),
            Self::Stack => Some(Taxonomy::Stack),
            Self::Entities => Some(Taxonomy::Entity),
            _ => None,
        }
    }
}

/// The parts of a post that a read wants.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct PostSelection(u64);

impl PostSelection {
    /// Every part.
    pub fn all() -> Self {
        PostField::ALL.into_iter().collect()
    }

    /// Wants `field` as well.
    pub fn add(&mut self, field: PostField) {
        self.0 |= 1 << field as u8;
    }

    /// Whether `field` is wanted.
    pub fn has(self, field: PostField) -> bool {
        self.0 & (1 << field as u8) != 0
    }

    fn fields(self) -> impl Iterator<Item = PostField> {
        PostField::ALL
            .into_iter()
            .filter(move |field| self.has(*field))
    }

    fn reads(self, table: &str) -> bool {
        let mut columns = self.fields().flat_map(|field| field.columns());
        columns.any(|(name, _)| *name == table)
    }
}

impl FromIterator<PostField> for PostSelection {
    fn from_iter<I: IntoIterator<Item = PostField>>(fields: I) -> Self {
        let mut selection = Self::default();
        for field in fields {
            selection.add(field);
        }
        selection
    }
}

/// How many posts a statement will read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Expected {
    /// One at most.
    One,
    /// A page of them.
    Many,
}

/// Adds what is wanted to a statement that reads from `page`, whose `id` names a content. Columns
/// come after those the statement has.
pub(super) fn select_posts(
    statement: &mut SelectStatement,
    expected: Expected,
    selection: PostSelection,
    dialect: Dialect,
) {
    let page_id = || Expr::col(("page", "id"));
    statement.column(("c", "post_id")).join_as(
        JoinType::InnerJoin,
        "post_content",
        "c",
        Expr::col(("c", "id")).eq(page_id()),
    );
    if selection.reads("p") {
        statement.join_as(
            JoinType::InnerJoin,
            "post",
            "p",
            Expr::col(("p", "id")).equals(("c", "post_id")),
        );
    }
    if selection.reads("b") {
        statement.join_as(
            JoinType::InnerJoin,
            "post_content_body",
            "b",
            Expr::col(("b", "content_id")).eq(page_id()),
        );
    }
    if selection.reads("r") {
        statement.join_as(
            JoinType::InnerJoin,
            "revision",
            "r",
            Expr::col(("r", "id")).eq(page_id()),
        );
    }
    for field in selection.fields() {
        for column in field.columns() {
            match field.is_json() && dialect == Dialect::Postgres {
                true => statement.expr(Expr::col(*column).cast_as("text")),
                false => statement.column(*column),
            };
        }
        if let Some(taxonomy) = field.taxonomy() {
            select_terms(statement, expected, taxonomy, dialect);
        }
    }
}

/// Adds the words of each content as a JSON array of `[position, id, name, slug, type]`.
///
/// SQLite looks them up content by content, which costs it one seek. So does PostgreSQL for a single
/// post. Those of a page it gathers for all contents at once: a look-up each would cost it an
/// executor start each.
fn select_terms(
    statement: &mut SelectStatement,
    expected: Expected,
    taxonomy: Taxonomy,
    dialect: Dialect,
) {
    let (words, joins, key) = (
        taxonomy.table(),
        taxonomy.join_table(),
        taxonomy.join_column(),
    );
    let kind = match taxonomy {
        Taxonomy::Entity => "t.kind",
        _ => "''",
    };
    let array = match dialect {
        Dialect::Sqlite => {
            format!("json_group_array(json_array(j.position, t.id, t.name, t.slug, {kind}))")
        }
        Dialect::Postgres => {
            format!("json_agg(json_build_array(j.position, t.id, t.name, t.slug, {kind}))::text")
        }
    };
    match (dialect, expected) {
        (Dialect::Sqlite, _) | (Dialect::Postgres, Expected::One) => {
            statement.expr(Expr::cust(format!(
                "(SELECT {array} FROM {joins} j JOIN {words} t ON t.id = j.{key} \
                 WHERE j.content_id = page.id)"
            )));
        }
        (Dialect::Postgres, Expected::Many) => {
            let gathered = Query::select()
                .column(("j", "content_id"))
                .expr_as(Expr::cust(array), "words")
                .from_as("page", "g")
                .join_as(
                    JoinType::InnerJoin,
                    joins,
                    "j",
                    Expr::col(("j", "content_id")).equals(("g", "id")),
                )
                .join_as(
                    JoinType::InnerJoin,
                    words,
                    "t",
                    Expr::col(("t", "id")).equals(("j", key)),
                )
                .group_by_col(("j", "content_id"))
                .to_owned();
            statement.column((words, "words")).join_subquery(
                JoinType::LeftJoin,
                gathered,
                words,
                Expr::col((words, "content_id")).eq(Expr::col(("page", "id"))),
            );
        }
    }
}

/// Reads the columns that [`select_posts`] added, the first of which is at `start`.
pub(super) fn read_post(
    row: &QueryResult,
    start: usize,
    content_id: i64,
    selection: PostSelection,
) -> Result<Post> {
    let mut columns = Columns { row, next: start };
    let mut post = Post {
        id: columns.value()?,
        content_id,
        ..Post::default()
    };
    for field in selection.fields() {
        match field {
            Field::Reference => post.reference = columns.value()?,
            Field::SourceId => post.source_id = columns.value()?,
            Field::Generator => post.generator = columns.value()?,
            Field::SourceHash => post.source_hash = columns.value()?,
            Field::ViewCount => post.view_count = columns.value()?,
            Field::Score => post.score = columns.score()?,
            Field::PublishedAt => post.published_at = columns.value()?,
            Field::CreatedAt => post.created_at = columns.value()?,
            Field::UpdatedAt => post.updated_at = columns.value()?,
            Field::Slug => post.slug = columns.value()?,
            Field::Title => post.title = columns.value()?,
            Field::Summary => post.summary = columns.value()?,
            Field::Topic => post.topic = columns.value()?,
            Field::CodeLanguage => post.code_language = columns.value()?,
            Field::Difficulty => {
                let word: Option<String> = columns.value()?;
                post.difficulty = word.as_deref().and_then(Difficulty::from_word);
            }
            Field::ReadingMinutes => post.reading_minutes = columns.value()?,
            Field::WordCount => post.word_count = columns.value()?,
            Field::Outline => {
                post.outline = Outline {
                    context: columns.value()?,
                    problem: columns.value()?,
                    stack: columns.value()?,
                    recommended_action: columns.value()?,
                };
            }
            Field::Brief => post.brief = columns.value()?,
            Field::Checklist => post.checklist = columns.json()?,
            Field::Notes => post.notes = columns.json()?,
            Field::Flags => {
                post.flags = Flags {
                    ai_generated_style: columns.value()?,
                    has_images: columns.value()?,
                    image_heavy: columns.value()?,
                    needs_human_review: columns.value()?,
                };
            }
            Field::Seo => {
                post.seo = Seo {
                    title: columns.value()?,
                    description: columns.value()?,
                    canonical: columns.value()?,
                };
            }
            Field::Payload => post.payload = columns.json()?,
            Field::BodyHtml => post.body_html = columns.value()?,
            Field::BodyMarkdown => post.body_markdown = columns.value()?,
            Field::TableOfContents => post.table_of_contents = columns.json()?,
            Field::Tools => post.tools = columns.terms()?,
            Field::Stack => post.stack = columns.terms()?,
            Field::Entities => post.entities = columns.terms()?,
            Field::Revision => post.revision = columns.revision(content_id, post.id)?,
        }
    }
    Ok(post)
}

/// Columns of a row, taken one after the other.
struct Columns<'row> {
    row: &'row QueryResult,
    next: usize,
}

impl Columns<'_> {
    fn value<T: sea_orm::TryGetable>(&mut self) -> Result<T> {
        let value = self.row.try_get_by_index(self.next)?;
        self.next += 1;
        Ok(value)
    }

    fn json<T: DeserializeOwned>(&mut self) -> Result<T> {
        let text: String = self.value()?;
        Ok(serde_json::from_str(&text)?)
    }

    fn terms(&mut self) -> Result<Vec<Term>> {
        let text: Option<String> = self.value()?;
        let Some(text) = text else {
            return Ok(Vec::new());
        };
        type Word = (i16, i64, String, String, String);
        let mut words: Vec<Word> = serde_json::from_str(&text)?;
        words.sort_unstable_by_key(|word| word.0);
        let term = |(_, id, name, slug, kind)| Term {
            id,
            name,
            slug,
            kind,
        };
        Ok(words.into_iter().map(term).collect())
    }

    fn score(&mut self) -> Result<Option<CurrentScore>> {
        let quality: Option<i16> = self.value()?;
        let freshness: Option<i16> = self.value()?;
        let depth: Option<i16> = self.value()?;
        let clarity: Option<i16> = self.value()?;
        Ok(match (quality, freshness, depth, clarity) {
            (Some(quality), Some(freshness), Some(depth), Some(clarity)) => Some(CurrentScore {
                quality,
                freshness,
                depth,
                clarity,
            }),
            _ => None,
        })
    }

    fn revision(&mut self, id: i64, post_id: i64) -> Result<Revision> {
        let number = self.value()?;
        let version = self.value()?;
        let status: String = self.value()?;
        Ok(Revision {
            id,
            post_id,
            number,
            version,
            status: RevisionStatus::from_word(&status).unwrap_or_default(),
            author: self.value()?,
            message: self.value()?,
            last_reviewed: self.value()?,
            content_hash: self.value()?,
            saved_at: self.value()?,
        })
    }
}
