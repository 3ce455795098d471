//! The document: one post as it travels between files and the database. Every import format is
//! parsed into it and every export format is written from it; its JSON Schema is
//! `docs/document.schema.json`.

use chrono::{DateTime, NaiveDate, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::post::{Content, Payload, RevisionStatus};

/// One post as it travels.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct Document {
    /// The post's identity where it came from. A second import of the same source id updates the
    /// same post.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_id: Option<String>,
    /// The post's identity across exports, unique. Made when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// The program that wrote the source.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub generator: Option<String>,
    /// The content hash the source states, kept as it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hash: Option<String>,
    /// The newest content.
    #[serde(flatten)]
    pub content: Content,
    /// What the source says of the newest content as a revision.
    pub revision: RevisionDetails,
    /// Times the post was viewed, as the source counts them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub view_count: Option<u64>,
    /// The current assessment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub score: Option<Score>,
    /// Assessments before the current one, oldest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub score_history: Vec<Score>,
    /// When the post was first published.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub published_at: Option<DateTime<Utc>>,
    /// When the post was first written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_at: Option<DateTime<Utc>>,
    /// When the newest content was last changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub updated_at: Option<DateTime<Utc>>,
    /// Paths on the site that lead to this post by a redirect.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub redirects: Vec<String>,
    /// Revisions before the newest, oldest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub history: Vec<EarlierRevision>,
    /// Keys the format does not know. An import moves them into the payload and says so.
    #[serde(flatten)]
    #[schemars(skip)]
    pub unknown: Payload,
}

/// What is known of a revision besides its content.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct RevisionDetails {
    /// Semantic version, e.g. `1.3.9`. `1.0.0` when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Where it stands. `published` makes the post live on import; every other keeps it a draft.
    pub status: RevisionStatus,
    /// The day a person last checked it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_reviewed: Option<NaiveDate>,
    /// Who wrote it, as the source names them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub author: Option<String>,
    /// What changed, in a sentence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// When it was saved. The document's `updatedAt` when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub saved_at: Option<DateTime<Utc>>,
}

/// A revision before the newest, with its whole content.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct EarlierRevision {
    /// The content it froze.
    #[serde(flatten)]
    pub content: Content,
    /// What is known of it besides.
    pub revision: RevisionDetails,
}

/// An assessment: four figures from 0 to 100, none of which may be missing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Score {
    /// How well it is made.
    #[schemars(range(min = 0, max = 100))]
    pub quality: u8,
    /// How well it fits the present state of its stack.
    #[schemars(range(min = 0, max = 100))]
    pub freshness: u8,
    /// How far it goes below the surface.
    #[schemars(range(min = 0, max = 100))]
    pub depth: u8,
    /// How easily it is understood.
    #[schemars(range(min = 0, max = 100))]
    pub clarity: u8,
    /// When it was assessed. The time of the import when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub assessed_at: Option<DateTime<Utc>>,
    /// Who or what assessed it, e.g. a person's name or `rubric`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub assessor: Option<String>,
}
