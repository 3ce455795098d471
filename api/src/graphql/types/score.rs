//! Scores: what a post is worth, in four figures.

use async_graphql::{Object, SimpleObject};
use chrono::{DateTime, Utc};

use crate::domain::post;

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

    /// Who or what assessed, as far as it is known.
    async fn assessor(&self) -> Option<&str> {
        self.0.assessor.as_deref()
    }

    /// When it was assessed.
    async fn assessed_at(&self) -> DateTime<Utc> {
        self.0.assessed_at
    }
}
