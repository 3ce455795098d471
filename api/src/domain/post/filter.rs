//! Which posts a list holds.

use chrono::{DateTime, Utc};
use sea_orm::sea_query::{Condition, Expr, ExprTrait, Query, SelectStatement, SimpleExpr};
use serde::{Deserialize, Serialize};

use super::content::Difficulty;
use crate::domain::perspective::Perspective;
use crate::domain::search::{SearchColumn, SearchQuery};
use crate::domain::taxonomy::Taxonomy;
use crate::foundation::database::Dialect;

/// Which posts a list holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum PostFilter {
    /// Those that all of these hold for. Every post when there are none.
    All(Vec<PostFilter>),
    /// Those that one of these holds for. No post when there are none.
    Any(Vec<PostFilter>),
    /// Those that this does not hold for.
    Not(Box<PostFilter>),
    /// By a text.
    Text(TextField, Test<String>),
    /// By a number.
    Number(NumberField, Test<i64>),
    /// By a time.
    Time(TimeField, Test<DateTime<Utc>>),
    /// By difficulty.
    Difficulty(Test<Difficulty>),
    /// By a flag.
    Flag(FlagField, bool),
    /// By the words in a text, through the search index.
    Words(SearchColumn, SearchQuery),
    /// By tools, stacks or named entities.
    Terms(Taxonomy, Quantifier, TermFilter),
}

/// How a value is compared.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Test<T> {
    /// It is this.
    Equal(T),
    /// It is not this, or there is none.
    NotEqual(T),
    /// It is one of these.
    In(Vec<T>),
    /// It is larger, later.
    Greater(T),
    /// It is this or larger, later.
    GreaterOrEqual(T),
    /// It is smaller, earlier.
    Less(T),
    /// It is this or smaller, earlier.
    LessOrEqual(T),
    /// It begins with this. For texts alone.
    StartsWith(T),
    /// There is none, or there is one.
    IsNull(bool),
}

/// Texts of a post.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "each is the field of the same name")]
pub enum TextField {
    Slug,
    Title,
    Summary,
    Topic,
    CodeLanguage,
    Reference,
    SourceId,
    Generator,
}

/// Numbers of a post.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "each is the field of the same name")]
pub enum NumberField {
    Id,
    ViewCount,
    ReadingMinutes,
    WordCount,
    Quality,
    Freshness,
    Depth,
    Clarity,
}

/// Times of a post.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "each is the field of the same name")]
pub enum TimeField {
    PublishedAt,
    UpdatedAt,
    CreatedAt,
}

/// Flags of a post.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "each is the field of the same name")]
pub enum FlagField {
    AiGeneratedStyle,
    HasImages,
    ImageHeavy,
    NeedsHumanReview,
}

/// How many of a post's words a [`TermFilter`] must hold for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Quantifier {
    /// One at least.
    Some,
    /// None.
    None,
    /// Each, if there are any.
    Every,
}

/// Which tools, stacks or named entities.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum TermFilter {
    /// Those that all of these hold for.
    All(Vec<TermFilter>),
    /// Those that one of these holds for.
    Any(Vec<TermFilter>),
    /// Those that this does not hold for.
    Not(Box<TermFilter>),
    /// By key.
    Id(Test<i64>),
    /// By name.
    Name(Test<String>),
    /// By slug.
    Slug(Test<String>),
    /// By the type of a named entity.
    Kind(Test<String>),
}

/// A filter as SQL, and which of the two tables of a post it reads.
pub(super) struct Sql {
    pub(super) condition: Condition,
    pub(super) reads_post: bool,
    pub(super) reads_content: bool,
}

impl PostFilter {
    /// The filter as SQL over `post AS p` and `post_content AS c`; `content_id` is the expression
    /// that names the content where neither is needed. But for what is published it may name the
    /// columns of `seen AS s` as well.
    pub(super) fn to_sql(
        &self,
        perspective: Perspective,
        dialect: Dialect,
        content_id: &SimpleExpr,
    ) -> Sql {
        let mut builder = Builder {
            published: perspective == Perspective::Published,
            dialect,
            content_id: content_id.clone(),
            reads_post: false,
            reads_content: false,
        };
        let condition = builder.condition(self);
        Sql {
            condition,
            reads_post: builder.reads_post,
            reads_content: builder.reads_content,
        }
    }

    /// The one word that every post of this filter must have, if the filter says so at its top:
    /// a list by date can then be read from the index of that word.
    pub(super) fn required_term(&self) -> Option<(Taxonomy, &TermFilter)> {
        match self {
            Self::All(parts) => parts.iter().find_map(Self::required_term),
            Self::Terms(taxonomy, Quantifier::Some, term) if term.names_one(*taxonomy) => {
                Some((*taxonomy, term))
            }
            _ => None,
        }
    }

    /// How deep it is nested.
    pub fn depth(&self) -> usize {
        let deepest = |parts: &[Self]| parts.iter().map(Self::depth).max().unwrap_or(0);
        match self {
            Self::All(parts) | Self::Any(parts) => 1 + deepest(parts),
            Self::Not(inner) => 1 + inner.depth(),
            Self::Terms(_, _, term) => 1 + term.depth(),
            _ => 1,
        }
    }

    /// How many tests it holds: nested ones, and each value of a choice.
    pub fn size(&self) -> usize {
        match self {
            Self::All(parts) | Self::Any(parts) => 1 + parts.iter().map(Self::size).sum::<usize>(),
            Self::Not(inner) => 1 + inner.size(),
            Self::Terms(_, _, term) => 1 + term.size(),
            Self::Text(_, test) => test.size(),
            Self::Number(_, test) => test.size(),
            Self::Time(_, test) => test.size(),
            Self::Difficulty(test) => test.size(),
            Self::Flag(..) | Self::Words(..) => 1,
        }
    }
}

impl TermFilter {
    fn names_one(&self, taxonomy: Taxonomy) -> bool {
        match self {
            Self::Id(Test::Equal(_)) => true,
            Self::Slug(Test::Equal(_)) => taxonomy != Taxonomy::Entity,
            Self::All(parts) if taxonomy == Taxonomy::Entity => {
                let slug = |part: &Self| matches!(part, Self::Slug(Test::Equal(_)));
                let kind = |part: &Self| matches!(part, Self::Kind(Test::Equal(_)));
                parts.iter().any(slug) && parts.iter().any(kind)
            }
            Self::All(parts) => parts.iter().any(|part| part.names_one(taxonomy)),
            _ => false,
        }
    }

    /// How deep it is nested.
    pub fn depth(&self) -> usize {
        let deepest = |parts: &[Self]| parts.iter().map(Self::depth).max().unwrap_or(0);
        match self {
            Self::All(parts) | Self::Any(parts) => 1 + deepest(parts),
            Self::Not(inner) => 1 + inner.depth(),
            _ => 1,
        }
    }

    /// How many tests it holds.
    pub fn size(&self) -> usize {
        match self {
            Self::All(parts) | Self::Any(parts) => 1 + parts.iter().map(Self::size).sum::<usize>(),
            Self::Not(inner) => 1 + inner.size(),
            Self::Id(test) => test.size(),
            Self::Name(test) | Self::Slug(test) | Self::Kind(test) => test.size(),
        }
    }

    /// The filter as a condition on the table of the words.
    pub(in crate::domain) fn to_condition(&self, dialect: Dialect) -> Condition {
        match self {
            Self::All(parts) => {
                let parts = parts.iter().map(|part| part.to_condition(dialect));
                parts.fold(Condition::all(), Condition::add)
            }
            Self::Any(parts) => any(parts.iter().map(|part| part.to_condition(dialect))),
            Self::Not(inner) => Condition::all().add(negated(inner.to_condition(dialect))),
            Self::Id(test) => Condition::all().add(test.to_sql(Expr::col("id"), dialect)),
            Self::Name(test) => Condition::all().add(test.to_sql(Expr::col("name"), dialect)),
            Self::Slug(test) => Condition::all().add(test.to_sql(Expr::col("slug"), dialect)),
            Self::Kind(test) => Condition::all().add(test.to_sql(Expr::col("kind"), dialect)),
        }
    }

    /// The keys of the words it holds for.
    pub(in crate::domain) fn keys(&self, taxonomy: Taxonomy, dialect: Dialect) -> SelectStatement {
        Query::select()
            .column("id")
            .from(taxonomy.table())
            .cond_where(self.to_condition(dialect))
            .to_owned()
    }
}

/// No alternatives match nothing.
fn any(parts: impl Iterator<Item = Condition>) -> Condition {
    let condition = parts.fold(Condition::any(), Condition::add);
    if condition.is_empty() {
        Condition::all().add(Expr::cust("1 = 0"))
    } else {
        condition
    }
}

/// True where the condition is false or, as with every comparison with a missing value, neither
/// true nor false: a post without a difficulty is not a beginner's.
fn negated(condition: Condition) -> SimpleExpr {
    Expr::expr(Expr::case(condition, Expr::cust("1")).finally(Expr::cust("0"))).eq(0)
}

struct Builder {
    published: bool,
    dialect: Dialect,
    content_id: SimpleExpr,
    reads_post: bool,
    reads_content: bool,
}

impl Builder {
    fn post(&mut self, column: &'static str) -> SimpleExpr {
        self.reads_post = true;
        Expr::col(("p", column))
    }

    fn content(&mut self, column: &'static str) -> SimpleExpr {
        self.reads_content = true;
        Expr::col(("c", column))
    }

    fn condition(&mut self, filter: &PostFilter) -> Condition {
        let expression = match filter {
            PostFilter::All(parts) => {
                let parts: Vec<Condition> = parts.iter().map(|part| self.condition(part)).collect();
                return parts.into_iter().fold(Condition::all(), Condition::add);
            }
            PostFilter::Any(parts) => {
                let parts: Vec<Condition> = parts.iter().map(|part| self.condition(part)).collect();
                return any(parts.into_iter());
            }
            PostFilter::Not(inner) => negated(self.condition(inner)),
            PostFilter::Text(field, test) => {
                let column = match field {
                    TextField::Slug => self.content("slug"),
                    TextField::Title => self.content("title"),
                    TextField::Summary => self.content("summary"),
                    TextField::Topic => self.content("topic"),
                    TextField::CodeLanguage => self.content("code_language"),
                    TextField::Reference => self.post("reference"),
                    TextField::SourceId => self.post("source_id"),
                    TextField::Generator => self.post("generator"),
                };
                test.to_sql(column, self.dialect)
            }
            PostFilter::Number(field, test) => {
                let column = match field {
                    NumberField::Id if self.published => self.post("id"),
                    NumberField::Id => Expr::col(("s", "post_id")),
                    NumberField::ViewCount => self.post("view_count"),
                    NumberField::Quality => self.post("quality"),
                    NumberField::Freshness => self.post("freshness"),
                    NumberField::Depth => self.post("depth"),
                    NumberField::Clarity => self.post("clarity"),
                    NumberField::ReadingMinutes => self.content("reading_minutes"),
                    NumberField::WordCount => self.content("word_count"),
                };
                test.to_sql(column, self.dialect)
            }
            PostFilter::Time(field, test) => {
                let column = match field {
                    TimeField::PublishedAt if self.published => self.content("published_at"),
                    // A content has a date only while it is live.
                    TimeField::PublishedAt => self.post("published_at"),
                    TimeField::UpdatedAt => self.content("updated_at"),
                    TimeField::CreatedAt => self.post("created_at"),
                };
                test.to_sql(column, self.dialect)
            }
            PostFilter::Difficulty(test) => {
                let column = self.content("difficulty");
                test.map(|level| level.as_str().to_owned())
                    .to_sql(column, self.dialect)
            }
            PostFilter::Flag(field, value) => {
                let column = match field {
                    FlagField::AiGeneratedStyle => self.content("ai_generated_style"),
                    FlagField::HasImages => self.content("has_images"),
                    FlagField::ImageHeavy => self.content("image_heavy"),
                    FlagField::NeedsHumanReview => self.content("needs_human_review"),
                };
                column.eq(*value)
            }
            PostFilter::Words(column, query) => self
                .content_id
                .clone()
                .in_subquery(query.matching_contents(self.dialect, *column)),
            PostFilter::Terms(taxonomy, quantifier, term) => {
                self.terms(*taxonomy, *quantifier, term)
            }
        };
        Condition::all().add(expression)
    }

    fn terms(&self, taxonomy: Taxonomy, quantifier: Quantifier, term: &TermFilter) -> SimpleExpr {
        let keys = term.keys(taxonomy, self.dialect);
        let column = Expr::col(("j", taxonomy.join_column()));
        let of_content = |test: SimpleExpr| {
            Query::select()
                .expr(Expr::cust("1"))
                .from_as(taxonomy.join_table(), "j")
                .and_where(Expr::col(("j", "content_id")).eq(self.content_id.clone()))
                .and_where(test)
                .to_owned()
        };
        // A comparison with the one key, where there is one, is what an index of the joins answers.
        let has_word = match term {
            TermFilter::Id(Test::Equal(id)) => column.clone().eq(*id),
            _ if term.names_one(taxonomy) => column.clone().eq(SimpleExpr::from(keys.clone())),
            _ => column.clone().in_subquery(keys.clone()),
        };
        match quantifier {
            Quantifier::Some => Expr::exists(of_content(has_word)),
            Quantifier::None => Expr::exists(of_content(has_word)).not(),
            Quantifier::Every => Expr::exists(of_content(column.not_in_subquery(keys))).not(),
        }
    }
}

impl<T> Test<T> {
    fn size(&self) -> usize {
        match self {
            Self::In(values) => 1 + values.len(),
            _ => 1,
        }
    }

    fn map<U>(&self, convert: impl Fn(&T) -> U) -> Test<U> {
        match self {
            Self::Equal(value) => Test::Equal(convert(value)),
            Self::NotEqual(value) => Test::NotEqual(convert(value)),
            Self::In(values) => Test::In(values.iter().map(convert).collect()),
            Self::Greater(value) => Test::Greater(convert(value)),
            Self::GreaterOrEqual(value) => Test::GreaterOrEqual(convert(value)),
            Self::Less(value) => Test::Less(convert(value)),
            Self::LessOrEqual(value) => Test::LessOrEqual(convert(value)),
            Self::StartsWith(value) => Test::StartsWith(convert(value)),
            Self::IsNull(null) => Test::IsNull(*null),
        }
    }
}

impl<T> Test<T>
where
    T: Clone + Into<SimpleExpr> + Into<sea_orm::Value>,
{
    fn to_sql(&self, column: SimpleExpr, dialect: Dialect) -> SimpleExpr {
        let value = |value: &T| -> SimpleExpr { Expr::val(value.clone()) };
        match self {
            Self::Equal(other) => column.eq(value(other)),
            Self::NotEqual(other) => column.clone().ne(value(other)).or(column.is_null()),
            Self::In(others) => column.is_in(others.iter().map(value)),
            Self::Greater(other) => column.gt(value(other)),
            Self::GreaterOrEqual(other) => column.gte(value(other)),
            Self::Less(other) => column.lt(value(other)),
            Self::LessOrEqual(other) => column.lte(value(other)),
            Self::StartsWith(other) => match dialect {
                Dialect::Sqlite => Expr::cust_with_exprs(
                    "substr(?, 1, length(?)) = ?",
                    [column, value(other), value(other)],
                ),
                Dialect::Postgres => {
                    Expr::cust_with_exprs("starts_with($1, $2)", [column, value(other)])
                }
            },
            Self::IsNull(true) => column.is_null(),
            Self::IsNull(false) => column.is_not_null(),
        }
    }
}
