//! Posts that resemble a post, and why.

use async_graphql::{Context, Enum, Object, Result, SimpleObject};

use super::post::{Post, load_post, selection_of};
use crate::domain::similar;

/// A post that resembles another one.
pub struct SimilarPost(pub similar::SimilarPost);

/// Something two posts have in common.
#[derive(Clone, Debug, SimpleObject)]
pub struct SimilarReason {
    /// What kind of thing it is.
    pub kind: SimilarReasonKind,
    /// Its name, e.g. `sea-orm`.
    pub name: String,
}

/// What kind of thing two posts have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "crate::domain::similar::ReasonKind")]
pub enum SimilarReasonKind {
    /// A tool.
    Tool,
    /// An entry of the stack.
    Stack,
    /// A named entity.
    Entity,
    /// The language of the code.
    CodeLanguage,
    /// Who it is written for.
    Difficulty,
}

/// A post that resembles another one.
#[Object]
impl SimilarPost {
    /// The post that resembles it.
    async fn post(&self, context: &Context<'_>) -> Result<Option<Post>> {
        let selection = selection_of(context.look_ahead());
        load_post(context, self.0.similar_post_id, selection).await
    }

    /// How much the two resemble each other; larger is more, comparable within one list only.
    async fn weight(&self) -> f64 {
        self.0.weight
    }

    /// What the two have in common, the rarest first: "both about sea-orm, background jobs".
    async fn reasons(&self) -> Vec<SimilarReason> {
        let reasons = self.0.reasons.iter();
        reasons
            .map(|reason| SimilarReason {
                kind: reason.kind.into(),
                name: reason.name.clone(),
            })
            .collect()
    }
}
