//! Changing many posts alike.

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object, Result};

use super::answer::{ChangedPost, posts_payload};
use super::{change, draft_reader, outcome_of};
use crate::domain::error::{self, Error, Problem};
use crate::domain::patch::Patch;
use crate::domain::permission::Action;
use crate::domain::perspective::Perspective;
use crate::domain::post::{self, BULK_LIMIT, BulkPatch};
use crate::graphql::context::permit;
use crate::graphql::node_id::NodeType::Post;
use crate::graphql::types::content::{EntityName, FlagsInput};
use crate::graphql::types::payload::PostsPayload;
use crate::graphql::types::post::Difficulty;
use crate::graphql::types::post_filter::PostFilterInput;

/// Changing many posts alike.
#[derive(Default)]
pub struct PostsMutation;

/// A change to many posts.
#[derive(Clone, Debug, InputObject)]
pub struct UpdatePostsInput {
    /// The posts, up to 100. Give these or `filter`.
    pub ids: Option<Vec<ID>>,
    /// Which posts, up to 100 of them, drafts included. Give this or `ids`.
    pub filter: Option<Box<PostFilterInput>>,
    /// What changes.
    pub patch: PostsPatchInput,
    /// What changes, in a sentence, for the history of each post.
    pub message: Option<String>,
    /// Answers what would change, and changes nothing.
    #[graphql(default)]
    pub dry_run: bool,
    /// Makes it safe to send again: the same key and input are answered with the same outcome.
    pub idempotency_key: Option<String>,
}

/// A change that makes sense for many posts. Words are added and taken away, so that those that the
/// posts do not share stay.
#[derive(Clone, Debug, InputObject)]
pub struct PostsPatchInput {
    /// What they are about.
    pub topic: MaybeUndefined<String>,
    /// The language most of their code is in.
    pub code_language: MaybeUndefined<String>,
    /// Who they are written for.
    pub difficulty: MaybeUndefined<Difficulty>,
    /// How they were made; flags that are left out stay as they are.
    pub flags: Option<FlagsInput>,
    /// Tools to add, by name.
    #[graphql(default)]
    pub add_tools: Vec<String>,
    /// Tools to take away, by name.
    #[graphql(default)]
    pub remove_tools: Vec<String>,
    /// Stacks to add, by name.
    #[graphql(default)]
    pub add_stack: Vec<String>,
    /// Stacks to take away, by name.
    #[graphql(default)]
    pub remove_stack: Vec<String>,
    /// Entities to add, by type and name.
    #[graphql(default)]
    pub add_entities: Vec<EntityName>,
    /// Entities to take away, by type and name.
    #[graphql(default)]
    pub remove_entities: Vec<EntityName>,
}

/// Posts, for a change that needs nothing else.
#[derive(Clone, Debug, InputObject)]
pub struct PostIdsInput {
    /// The posts, up to 100.
    pub ids: Vec<ID>,
    /// Makes it safe to send again: the same key and input are answered with the same outcome.
    pub idempotency_key: Option<String>,
}

impl From<PostsPatchInput> for BulkPatch {
    fn from(input: PostsPatchInput) -> Self {
        let names = |names: Vec<EntityName>| names.into_iter().map(Into::into).collect();
        Self {
            topic: input.topic.into(),
            code_language: input.code_language.into(),
            difficulty: Patch::from(input.difficulty).map(Into::into),
            flags: input.flags.unwrap_or_default().into(),
            add_tools: input.add_tools,
            remove_tools: input.remove_tools,
            add_stack: input.add_stack,
            remove_stack: input.remove_stack,
            add_entities: names(input.add_entities),
            remove_entities: names(input.remove_entities),
        }
    }
}

#[Object]
impl PostsMutation {
    /// Saves a further revision of many posts, all of them or none. `dryRun` answers what would
    /// change. Nothing is live by this.
    async fn update_posts(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which posts, and what changes.")] input: UpdatePostsInput,
    ) -> Result<PostsPayload> {
        permit(context, Action::UpdatePosts)?;
        let reader = draft_reader(context);
        let prepared = async {
            let ids = match (input.ids, input.filter) {
                (Some(ids), None) => keys(&ids)?,
                (None, Some(filter)) => post::matching(&reader, filter.into_domain()?).await?,
                _ => {
                    let message = "give either the ids of the posts or a filter";
                    return Err(Problem::invalid("ids", message).into());
                }
            };
            post::prepare_bulk(&reader, ids, &input.patch.into(), input.message.as_deref()).await
        };
        let changes = outcome_of(context, prepared.await)?.map(|changes| {
            let outline = changes.iter().map(|change| ChangedPost {
                post_id: change.post_id,
                fields: change.fields.clone(),
            });
            (outline.collect::<Vec<_>>(), changes)
        });
        let outcome = match changes {
            Ok((outline, changes)) if !input.dry_run => {
                let key = input.idempotency_key.as_deref();
                change(context, Action::UpdatePosts, key, async |change| {
                    post::update_many(change, changes).await?;
                    Ok(outline)
                })
                .await?
            }
            other => other.map(|(outline, _)| outline),
        };
        posts_payload(context, outcome, Perspective::Draft).await
    }

    /// Puts many posts into the trash, all of them or none.
    async fn trash_posts(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which posts.")] input: PostIdsInput,
    ) -> Result<PostsPayload> {
        let key = input.idempotency_key.as_deref();
        let trashed = change(context, Action::TrashPost, key, async |change| {
            let ids = keys(&input.ids)?;
            for post_id in &ids {
                post::trash(change, *post_id).await.map_err(of_ids)?;
            }
            Ok(unchanged(ids))
        })
        .await?;
        posts_payload(context, trashed, Perspective::Trash).await
    }

    /// Takes many posts out of the trash, all of them or none.
    async fn restore_posts(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which posts.")] input: PostIdsInput,
    ) -> Result<PostsPayload> {
        let key = input.idempotency_key.as_deref();
        let restored = change(context, Action::TrashPost, key, async |change| {
            let ids = keys(&input.ids)?;
            for post_id in &ids {
                post::restore(change, *post_id).await.map_err(of_ids)?;
            }
            Ok(unchanged(ids))
        })
        .await?;
        posts_payload(context, restored, Perspective::Draft).await
    }
}

/// The keys of ids, each once and in the order in which posts are locked.
fn keys(ids: &[ID]) -> error::Result<Vec<i64>> {
    if ids.len() > BULK_LIMIT as usize {
        let message = format!("{} posts are named; {BULK_LIMIT} are the most", ids.len());
        return Err(Problem::invalid("ids", message).into());
    }
    let keys: error::Result<Vec<i64>> = ids.iter().map(|id| Post.key(id)).collect();
    let mut keys = keys?;
    keys.sort_unstable();
    keys.dedup();
    Ok(keys)
}

fn unchanged(ids: Vec<i64>) -> Vec<ChangedPost> {
    ids.into_iter()
        .map(|post_id| ChangedPost {
            post_id,
            fields: Vec::new(),
        })
        .collect()
}

/// The problems of one of several posts as problems with the field that names them all.
fn of_ids(error: Error) -> Error {
    match error {
        Error::Refused(problems) => {
            let problems = problems.into_iter().map(|mut problem| {
                problem.field = "ids".to_owned();
                problem
            });
            Error::Refused(problems.collect())
        }
        other => other,
    }
}
