//! Scores: what a post is worth, in four figures.

use async_graphql::{Context, Enum, Object, SimpleObject};
use chrono::{DateTime, Utc};

use crate::domain::permission::{self, Action};
use crate::domain::post;
use crate::domain::score;
use crate::graphql::context::request;

/// The newest assessment of a post, shown as it was assessed.
#[derive(Clone, Copy, Debug, SimpleObject)]
pub struct Score {
    /// How well the post is made, 0 to 100.
    pub quality: i16,
    /// How well it fits the present state of its stack, 0 to 100.
    pub freshness: i16,
    /// How far it goes below the surface, 0 to 100.
    pub depth: i16,
    /// How easily it is understood, 0 to 100.
    pub clarity: i16,
}

impl From<post::CurrentScore> for Score {
    fn from(score: post::CurrentScore) -> Self {
        Self {
            quality: score.quality,
            freshness: score.freshness,
            depth: score.depth,
            clarity: score.clarity,
        }
    }
}

/// One assessment of a post.
pub struct Assessment(pub post::Assessment);

/// One assessment of a post.
#[Object]
impl Assessment {
    /// The four figures.
    async fn score(&self) -> Score {
        self.0.score.into()
    }

    /// Who assessed, by the name they had then, as far as it is known; `rubric` when it was computed.
    async fn assessor(&self) -> Option<&str> {
        self.0.assessor.as_deref()
    }

    /// Whether it was computed by the rubric, not made by a person.
    async fn automatic(&self) -> bool {
        self.0.automatic
    }

    /// What the assessor had to say; null for those who may not read drafts.
    async fn comment(&self, context: &Context<'_>) -> Option<&str> {
        let actor = request(context).caller.actor;
        permission::check(actor, Action::ReadDrafts).ok()?;
        self.0.comment.as_deref()
    }

    /// When it was assessed.
    async fn assessed_at(&self) -> DateTime<Utc> {
        self.0.assessed_at
    }
}

/// One of the four figures of a score.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "crate::domain::score::Figure")]
pub enum ScoreFigure {
    /// How well a post is made.
    Quality,
    /// How well it fits the present state of its stack.
    Freshness,
    /// How far it goes below the surface.
    Depth,
    /// How easily it is understood.
    Clarity,
}

/// Why the rubric gave a figure what it did: the points of a figure's reasons add up to it.
#[derive(Clone, Debug, SimpleObject)]
pub struct ScoreReason {
    /// The figure.
    pub figure: ScoreFigure,
    /// What it gives.
    pub points: i16,
    /// The most it can give.
    pub most: i16,
    /// What was found and what is enough, in a sentence.
    pub why: String,
}

impl From<score::Reason> for ScoreReason {
    fn from(reason: score::Reason) -> Self {
        Self {
            figure: reason.figure.into(),
            points: reason.points,
            most: reason.most,
            why: reason.why,
        }
    }
}
