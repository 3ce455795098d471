//! Assessing posts.

use async_graphql::{Context, ID, InputObject, Object, Result};

use super::answer::{find_post, post_payload};
use super::change;
use crate::domain::permission::Action;
use crate::domain::perspective::Perspective;
use crate::domain::post::CurrentScore;
use crate::domain::score;
use crate::graphql::node_id::NodeType;
use crate::graphql::types::payload::{AssessPostPayload, PostPayload};

/// Assessing posts.
#[derive(Default)]
pub struct ScoreMutation;

/// The assessment of a person.
#[derive(Clone, Debug, InputObject)]
pub struct ScorePostInput {
    /// The post.
    pub id: ID,
    /// How well the post is made, 0 to 100.
    pub quality: i16,
    /// How well it fits the present state of its stack, 0 to 100.
    pub freshness: i16,
    /// How far it goes below the surface, 0 to 100.
    pub depth: i16,
    /// How easily it is understood, 0 to 100.
    pub clarity: i16,
    /// What there is to say about it, for editors; up to 2,000 characters.
    pub comment: Option<String>,
    /// Makes it safe to send again: the same key and input are answered with the same outcome.
    pub idempotency_key: Option<String>,
}

/// A post for the rubric to assess.
#[derive(Clone, Debug, InputObject)]
pub struct AssessPostInput {
    /// The post.
    pub id: ID,
    /// Makes it safe to send again: the same key and input are answered with the same outcome.
    pub idempotency_key: Option<String>,
}

#[Object]
impl ScoreMutation {
    /// Records what you think of a post, under your name. It becomes the post's score; earlier ones
    /// stay in its `scoreHistory`.
    async fn score_post(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which post, and what you think of it.")] input: ScorePostInput,
    ) -> Result<PostPayload> {
        let key = input.idempotency_key.as_deref();
        let outcome = change(context, Action::ScorePost, key, async |transaction| {
            let post_id = NodeType::Post.key(&input.id)?;
            let figures = CurrentScore {
                quality: input.quality,
                freshness: input.freshness,
                depth: input.depth,
                clarity: input.clarity,
            };
            score::score(transaction, post_id, figures, input.comment.clone()).await?;
            Ok(post_id)
        });
        post_payload(context, outcome.await?, Perspective::Draft).await
    }

    /// Has the rubric of `docs/scores.md` assess a post: what is live, or of a post that is not, the
    /// newest revision. The freshness that a person gave within the last 30 days stays.
    async fn assess_post(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which post.")] input: AssessPostInput,
    ) -> Result<AssessPostPayload> {
        let key = input.idempotency_key.as_deref();
        let outcome = change(context, Action::ScorePost, key, async |transaction| {
            let post_id = NodeType::Post.key(&input.id)?;
            score::assess(transaction, post_id).await
        });
        Ok(match outcome.await? {
            Ok(assessed) => AssessPostPayload {
                post: find_post(context, assessed.post_id, Perspective::Draft).await?,
                reasons: assessed.reasons.into_iter().map(Into::into).collect(),
                user_errors: Vec::new(),
            },
            Err(user_errors) => AssessPostPayload {
                user_errors,
                ..AssessPostPayload::default()
            },
        })
    }
}
