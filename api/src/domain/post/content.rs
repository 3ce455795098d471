//! The versioned half of a post: everything a revision freezes.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::checklist::ChecklistItem;

/// Free-form values that have no field of their own, in the order of their keys.
pub type Payload = serde_json::Map<String, serde_json::Value>;

/// Everything about a post that is versioned. What is not (views, scores, source id, reference)
/// belongs to the post itself.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct Content {
    /// The last part of the post's path, e.g. `background-jobs-nextjs`. Made from the title when
    /// absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub slug: Option<String>,
    /// The headline, plain text.
    pub title: String,
    /// One or two sentences for lists and search results, plain text.
    pub summary: String,
    /// What the post is about, e.g. `handling background jobs / next.js`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub topic: Option<String>,
    /// The article as Markdown (CommonMark with tables, footnotes and task lists).
    pub body: String,
    /// The technology stack the post belongs to, most important first.
    pub stack: Vec<String>,
    /// Tools the post uses or describes, most important first.
    pub tools: Vec<String>,
    /// Named things the post is about, each with its type.
    pub entities: Vec<EntityName>,
    /// The language most of the code is in, e.g. `typescript`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code_language: Option<String>,
    /// Who the post is written for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub difficulty: Option<Difficulty>,
    /// Minutes to read, as the source states them. Computed from the body when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reading_minutes: Option<u32>,
    /// The post in four short answers.
    #[serde(skip_serializing_if = "Outline::is_empty")]
    pub outline: Outline,
    /// A paragraph on how the article is written and why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub brief: Option<String>,
    /// Steps a reader ticks off.
    pub checklist: Vec<ChecklistItem>,
    /// Remarks for editors and frontends.
    pub notes: Vec<String>,
    /// What a reader or reviewer should know about how the post was made.
    pub flags: Flags,
    /// What search engines are told, where it differs from title and summary.
    #[serde(skip_serializing_if = "Seo::is_empty")]
    pub seo: Seo,
    /// Everything the source says that has no field of its own.
    #[serde(skip_serializing_if = "serde_json::Map::is_empty")]
    pub payload: Payload,
}

/// A named thing: `next.js` of type `stack`, `handling background jobs` of type `problem`.
#[derive(
    Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
pub struct EntityName {
    /// Its name.
    pub name: String,
    /// What kind of thing it is: `stack`, `area`, `problem`, …
    #[serde(rename = "type")]
    pub kind: String,
}

/// Who a post is written for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Difficulty {
    /// No experience with the stack is needed.
    Beginner,
    /// Daily work with the stack is assumed.
    Intermediate,
    /// Deep knowledge of the stack is assumed.
    Advanced,
}

/// The post in four short answers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct Outline {
    /// Where the problem appears.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context: Option<String>,
    /// The problem.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
    /// The stack it appears in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stack: Option<String>,
    /// What the post recommends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recommended_action: Option<String>,
}

impl Outline {
    /// Whether none of the four answers is given.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// What a reader or reviewer should know about how a post was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct Flags {
    /// The text is written in the style of a generated article.
    pub ai_generated_style: bool,
    /// The body contains images.
    pub has_images: bool,
    /// Images carry most of the content.
    pub image_heavy: bool,
    /// A person has to look at it; until then search engines are told not to index it.
    pub needs_human_review: bool,
}

/// What search engines are told, where it differs from title and summary.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct Seo {
    /// Title for search results.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Description for search results.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Absolute URL of the original, when this post is a copy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub canonical: Option<String>,
}

impl Seo {
    /// Whether nothing differs from title and summary.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Where a revision stands between being written and being replaced.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RevisionStatus {
    /// Written, seen by editors only.
    #[default]
    Drafted,
    /// Waiting for a reviewer.
    InReview,
    /// Reviewed, ready to publish.
    Approved,
    /// Live.
    Published,
    /// Was live, a later revision took its place.
    Superseded,
    /// Refused by a reviewer.
    Rejected,
}

impl Difficulty {
    /// The word in files and in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Beginner => "beginner",
            Self::Intermediate => "intermediate",
            Self::Advanced => "advanced",
        }
    }

    /// Reads the word of [`Difficulty::as_str`].
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Beginner, Self::Intermediate, Self::Advanced]
            .into_iter()
            .find(|level| level.as_str() == word)
    }
}

impl RevisionStatus {
    /// The word in files and in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Drafted => "drafted",
            Self::InReview => "in_review",
            Self::Approved => "approved",
            Self::Published => "published",
            Self::Superseded => "superseded",
            Self::Rejected => "rejected",
        }
    }

    /// Reads the word of [`RevisionStatus::as_str`].
    pub fn from_word(word: &str) -> Option<Self> {
        [
            Self::Drafted,
            Self::InReview,
            Self::Approved,
            Self::Published,
            Self::Superseded,
            Self::Rejected,
        ]
        .into_iter()
        .find(|status| status.as_str() == word)
    }
}
