//! Filters and orders of lists of posts.

use async_graphql::{Enum, InputObject};

use super::scalar_filter::{
    DifficultyFilter, IdFilter, IntFilter, StringFilter, TextFilter, TimeFilter,
};
use super::term_filter::{EntitiesFilter, StacksFilter, ToolsFilter};
use crate::domain::error::Result;
use crate::domain::page;
use crate::domain::post::{self, FlagField, NumberField, PostFilter, TextField, TimeField};
use crate::domain::search::{SearchColumn, SearchQuery};
use crate::graphql::node_id::NodeType;

/// Which posts. Everything that is given must hold; an empty filter holds for every post.
#[derive(Clone, Debug, Default, InputObject)]
#[graphql(name = "PostFilter")]
pub struct PostFilterInput {
    /// By id.
    pub id: Option<IdFilter>,
    /// By slug.
    pub slug: Option<StringFilter>,
    /// By reference.
    pub reference: Option<StringFilter>,
    /// By the id it has where it came from.
    pub source_id: Option<StringFilter>,
    /// By the program that wrote its source.
    pub generator: Option<StringFilter>,
    /// By title.
    pub title: Option<Box<TextFilter>>,
    /// By summary.
    pub summary: Option<Box<TextFilter>>,
    /// By topic.
    pub topic: Option<StringFilter>,
    /// By words in the body.
    pub body: Option<WordsFilter>,
    /// By the language of its code.
    pub code_language: Option<StringFilter>,
    /// By difficulty.
    pub difficulty: Option<DifficultyFilter>,
    /// By minutes to read.
    pub reading_minutes: Option<IntFilter>,
    /// By words outside code.
    pub word_count: Option<IntFilter>,
    /// By times viewed.
    pub view_count: Option<IntFilter>,
    /// By the newest assessment; a post without one is left out by every test but `isNull: true`.
    pub score: Option<Box<ScoreFilter>>,
    /// By flags.
    pub flags: Option<FlagsFilter>,
    /// By when it was first published.
    pub published_at: Option<TimeFilter>,
    /// By when its content was saved.
    pub updated_at: Option<TimeFilter>,
    /// By when it was first written.
    pub created_at: Option<TimeFilter>,
    /// By tools.
    pub tools: Option<Box<ToolsFilter>>,
    /// By stack.
    pub stack: Option<Box<StacksFilter>>,
    /// By named entities.
    pub entities: Option<Box<EntitiesFilter>>,
    /// All of these hold.
    pub and: Option<Vec<PostFilterInput>>,
    /// One of these holds; an empty list holds for no post.
    pub or: Option<Vec<PostFilterInput>>,
    /// This does not hold.
    pub not: Option<Box<PostFilterInput>>,
}

/// Tests on a long text, through the search index.
#[derive(Clone, Debug, Default, InputObject)]
pub struct WordsFilter {
    /// It contains these words, in any order and form; words in quotation marks follow each other.
    pub contains: Option<String>,
}

/// Tests on the newest assessment, each figure from 0 to 100.
#[derive(Clone, Debug, Default, InputObject)]
pub struct ScoreFilter {
    /// How well the post is made.
    pub quality: Option<IntFilter>,
    /// How well it fits the present state of its stack.
    pub freshness: Option<IntFilter>,
    /// How far it goes below the surface.
    pub depth: Option<IntFilter>,
    /// How easily it is understood.
    pub clarity: Option<IntFilter>,
}

/// Tests on flags.
#[derive(Clone, Debug, Default, InputObject)]
pub struct FlagsFilter {
    /// Written in the style of a generated article.
    pub ai_generated_style: Option<bool>,
    /// Contains images.
    pub has_images: Option<bool>,
    /// Images carry most of the content.
    pub image_heavy: Option<bool>,
    /// Waits for a person to look at it.
    pub needs_human_review: Option<bool>,
}

/// The order of a list of posts. Posts with the same value keep a fixed order among themselves.
#[derive(Clone, Copy, Debug, InputObject)]
#[graphql(name = "PostOrder")]
pub struct PostOrderInput {
    /// The value to order by.
    pub field: PostOrderField,
    /// Which way.
    #[graphql(default_with = "OrderDirection::Desc")]
    pub direction: OrderDirection,
}

/// What a list of posts can be ordered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "crate::domain::post::PostOrderField")]
pub enum PostOrderField {
    /// When it was first published.
    PublishedAt,
    /// When its content was saved.
    UpdatedAt,
    /// When it was first written.
    CreatedAt,
    /// Title, byte by byte.
    Title,
    /// Times viewed.
    ViewCount,
    /// Minutes to read.
    ReadingMinutes,
    /// Words outside code.
    WordCount,
    /// The quality figure of the newest assessment; a post without one sorts below 0.
    Quality,
    /// The freshness figure of the newest assessment; a post without one sorts below 0.
    Freshness,
    /// The depth figure of the newest assessment; a post without one sorts below 0.
    Depth,
    /// The clarity figure of the newest assessment; a post without one sorts below 0.
    Clarity,
}

/// Which way a list is ordered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum OrderDirection {
    /// Smallest, oldest, or first in the alphabet first.
    Asc,
    /// Largest, newest, or last in the alphabet first.
    Desc,
}

impl From<OrderDirection> for page::Direction {
    fn from(direction: OrderDirection) -> Self {
        match direction {
            OrderDirection::Asc => Self::Ascending,
            OrderDirection::Desc => Self::Descending,
        }
    }
}

impl From<PostOrderInput> for post::PostOrder {
    fn from(order: PostOrderInput) -> Self {
        Self {
            by: order.field.into(),
            direction: order.direction.into(),
        }
    }
}

impl PostFilterInput {
    /// The filter in terms of the domain.
    ///
    /// # Errors
    ///
    /// A bad argument when an id is of another type or a search has no words.
    pub fn into_domain(self) -> Result<PostFilter> {
        let mut parts = Vec::new();
        if let Some(id) = self.id {
            let tests = id.tests(NodeType::Post)?;
            parts.extend(
                tests
                    .into_iter()
                    .map(|test| PostFilter::Number(NumberField::Id, test)),
            );
        }
        let texts = [
            (TextField::Slug, self.slug),
            (TextField::Reference, self.reference),
            (TextField::SourceId, self.source_id),
            (TextField::Generator, self.generator),
            (TextField::Topic, self.topic),
            (TextField::CodeLanguage, self.code_language),
        ];
        for (field, filter) in texts {
            let tests = filter.map(StringFilter::tests).unwrap_or_default();
            parts.extend(tests.into_iter().map(|test| PostFilter::Text(field, test)));
        }
        let indexed = [
            (TextField::Title, SearchColumn::Title, self.title),
            (TextField::Summary, SearchColumn::Summary, self.summary),
        ];
        for (field, column, filter) in indexed {
            let (tests, words) = filter.map(|filter| filter.tests()).unwrap_or_default();
            parts.extend(tests.into_iter().map(|test| PostFilter::Text(field, test)));
            if let Some(words) = words {
                parts.push(PostFilter::Words(column, SearchQuery::parse(&words)?));
            }
        }
        if let Some(words) = self.body.and_then(|body| body.contains) {
            parts.push(PostFilter::Words(
                SearchColumn::Body,
                SearchQuery::parse(&words)?,
            ));
        }
        if let Some(difficulty) = self.difficulty {
            parts.extend(difficulty.tests().into_iter().map(PostFilter::Difficulty));
        }
        let score = self.score.map(|score| *score).unwrap_or_default();
        let numbers = [
            (NumberField::ReadingMinutes, self.reading_minutes),
            (NumberField::WordCount, self.word_count),
            (NumberField::ViewCount, self.view_count),
            (NumberField::Quality, score.quality),
            (NumberField::Freshness, score.freshness),
            (NumberField::Depth, score.depth),
            (NumberField::Clarity, score.clarity),
        ];
        for (field, filter) in numbers {
            let tests = filter.map(IntFilter::tests).unwrap_or_default();
            parts.extend(
                tests
                    .into_iter()
                    .map(|test| PostFilter::Number(field, test)),
            );
        }
        let flags = self.flags.unwrap_or_default();
        let flags = [
            (FlagField::AiGeneratedStyle, flags.ai_generated_style),
            (FlagField::HasImages, flags.has_images),
            (FlagField::ImageHeavy, flags.image_heavy),
            (FlagField::NeedsHumanReview, flags.needs_human_review),
        ];
        for (field, value) in flags {
            parts.extend(value.map(|value| PostFilter::Flag(field, value)));
        }
        let times = [
            (TimeField::PublishedAt, self.published_at),
            (TimeField::UpdatedAt, self.updated_at),
            (TimeField::CreatedAt, self.created_at),
        ];
        for (field, filter) in times {
            let tests = filter
                .map(TimeFilter::tests)
                .transpose()?
                .unwrap_or_default();
            parts.extend(tests.into_iter().map(|test| PostFilter::Time(field, test)));
        }
        if let Some(tools) = self.tools {
            tools.add_to(&mut parts)?;
        }
        if let Some(stack) = self.stack {
            stack.add_to(&mut parts)?;
        }
        if let Some(entities) = self.entities {
            entities.add_to(&mut parts)?;
        }
        if let Some(all) = self.and {
            let all: Result<Vec<_>> = all.into_iter().map(Self::into_domain).collect();
            parts.push(PostFilter::All(all?));
        }
        if let Some(any) = self.or {
            let any: Result<Vec<_>> = any.into_iter().map(Self::into_domain).collect();
            parts.push(PostFilter::Any(any?));
        }
        if let Some(inner) = self.not {
            parts.push(PostFilter::Not(Box::new(inner.into_domain()?)));
        }
        Ok(PostFilter::All(parts))
    }
}
