//! Changing releases.

use async_graphql::{Context, ID, Object, Result};

use super::{Outcome, change};
use crate::domain::error::{self, Problem};
use crate::domain::permission::Action;
use crate::domain::release::{self, LaterEdits};
use crate::domain::transaction::Transaction;
use crate::graphql::context::reader;
use crate::graphql::error::OrGraphqlError;
use crate::graphql::node_id::NodeType;
use crate::graphql::types::payload::{
    DeleteReleasePayload, ReleasePayload, RollBackReleasePayload,
};
use crate::graphql::types::release::Release;
use crate::graphql::types::release_input::{
    AddToReleaseInput, CreateReleaseInput, ReleaseInput, RemoveFromReleaseInput,
    RollBackReleaseInput, ScheduleReleaseInput, UpdateReleaseInput,
};
use crate::graphql::types::release_rollback::RollbackObstacle;

/// Changing releases.
#[derive(Default)]
pub struct ReleaseMutation;

#[Object]
impl ReleaseMutation {
    /// Makes an open release without posts, owned by whoever makes it.
    async fn create_release(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The release to make.")] input: CreateReleaseInput,
    ) -> Result<ReleasePayload> {
        let key = input.idempotency_key.clone();
        let outcome = change(
            context,
            Action::WriteRelease,
            key.as_deref(),
            async |transaction| release::create(transaction, input.into()).await,
        );
        payload(context, outcome.await?).await
    }

    /// Changes what is written about a release, its owner included.
    async fn update_release(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "What to change about which release.")] input: UpdateReleaseInput,
    ) -> Result<ReleasePayload> {
        let key = input.idempotency_key.clone();
        let outcome = change(
            context,
            Action::WriteRelease,
            key.as_deref(),
            async |transaction| {
                let id = NodeType::Release.key(&input.id)?;
                release::update(transaction, id, input.try_into()?).await?;
                Ok(id)
            },
        );
        payload(context, outcome.await?).await
    }

    /// Adds revisions that are to go live, and posts that are to be unpublished, to an open release.
    /// A release holds a post once: adding another revision of a post, or adding it to be
    /// unpublished, replaces what the release held of it.
    async fn add_to_release(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "What to add to which release.")] input: AddToReleaseInput,
    ) -> Result<ReleasePayload> {
        let key = input.idempotency_key.as_deref();
        let outcome = change(context, Action::WriteRelease, key, async |transaction| {
            let id = NodeType::Release.key(&input.release)?;
            let revisions = keys(NodeType::Revision, &input.revisions)?;
            let unpublish = keys(NodeType::Post, &input.unpublish)?;
            release::add(transaction, id, &revisions, &unpublish).await?;
            Ok(id)
        });
        payload(context, outcome.await?).await
    }

    /// Removes posts from an open release.
    async fn remove_from_release(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "What to remove from which release.")] input: RemoveFromReleaseInput,
    ) -> Result<ReleasePayload> {
        let key = input.idempotency_key.as_deref();
        let outcome = change(context, Action::WriteRelease, key, async |transaction| {
            let id = NodeType::Release.key(&input.release)?;
            let posts = keys(NodeType::Post, &input.posts)?;
            release::remove(transaction, id, &posts).await?;
            Ok(id)
        });
        payload(context, outcome.await?).await
    }

    /// Throws an open release away. The posts and revisions it held are left alone.
    async fn delete_release(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which release.")] input: ReleaseInput,
    ) -> Result<DeleteReleasePayload> {
        let action = Action::WriteRelease;
        let outcome = on_release(context, action, &input, release::delete).await?;
        let (deleted_id, user_errors) = match outcome {
            Ok(id) => (Some(NodeType::Release.id(id)), Vec::new()),
            Err(user_errors) => (None, user_errors),
        };
        Ok(DeleteReleasePayload {
            deleted_id,
            user_errors,
        })
    }

    /// Ships a release now, all of it or nothing: its revisions go live, its other posts go out of
    /// sight. Everything that stands in the way is in `userErrors` at once, with paths such as
    /// `["items", "2"]`; `releasePreview` tells the same beforehand. One that is scheduled ships now
    /// and not again.
    async fn ship_release(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which release.")] input: ReleaseInput,
    ) -> Result<ReleasePayload> {
        let outcome = on_release(context, Action::ShipRelease, &input, release::ship).await?;
        payload(context, outcome).await
    }

    /// Lets a release ship by itself at a time to come, or moves that time. It has to be such that
    /// it could ship now. When something stands in its way at that time, it ships nothing, is open
    /// again, and `shipFailure` says why.
    async fn schedule_release(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which release, and when.")] input: ScheduleReleaseInput,
    ) -> Result<ReleasePayload> {
        let key = input.idempotency_key.as_deref();
        let outcome = change(context, Action::ShipRelease, key, async |transaction| {
            let id = NodeType::Release.key(&input.id)?;
            release::schedule(transaction, id, input.at).await?;
            Ok(id)
        });
        payload(context, outcome.await?).await
    }

    /// Takes a release off its schedule; it is open again.
    async fn cancel_release_schedule(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which release.")] input: ReleaseInput,
    ) -> Result<ReleasePayload> {
        let outcome = on_release(context, Action::ShipRelease, &input, release::cancel).await?;
        payload(context, outcome).await
    }

    /// Restores what was live before a release shipped, all of it or nothing: what it replaced is
    /// live again, what it took out of sight as well, and what it published first is unpublished.
    ///
    /// A post that was published, unpublished, trashed or deleted since stands in the way: nothing
    /// is changed until the input says what to do with each (`obstacles` names them). One that shows
    /// what it showed before the release needs no answer.
    async fn roll_back_release(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which release, and what to do with later edits.")]
        input: RollBackReleaseInput,
    ) -> Result<RollBackReleasePayload> {
        let key = input.idempotency_key.as_deref();
        let mut obstacles = Vec::new();
        let outcome = change(context, Action::RollBackRelease, key, async |transaction| {
            let id = NodeType::Release.key(&input.id)?;
            let later_edits = LaterEdits {
                of: input
                    .later_edits
                    .iter()
                    .map(|edit| Ok((NodeType::Post.key(&edit.post)?, edit.choice.into())))
                    .collect::<error::Result<_>>()?,
                otherwise: input.other_later_edits.map(Into::into),
            };
            obstacles = release::roll_back(transaction, id, &later_edits).await?;
            if obstacles.is_empty() {
                return Ok(id);
            }
            let problems = obstacles.iter();
            let problems: Vec<Problem> = problems
                .map(|obstacle| Problem::conflict("laterEdits", obstacle.message()))
                .collect();
            Err(problems.into())
        });
        let ReleasePayload {
            release,
            user_errors,
        } = payload(context, outcome.await?).await?;
        Ok(RollBackReleasePayload {
            release,
            obstacles: obstacles.into_iter().map(RollbackObstacle).collect(),
            user_errors,
        })
    }
}

/// Does to a release what needs nothing but its key.
async fn on_release(
    context: &Context<'_>,
    action: Action,
    input: &ReleaseInput,
    verb: impl AsyncFnOnce(&mut Transaction<'_>, i64) -> error::Result<()>,
) -> Result<Outcome<i64>> {
    let key = input.idempotency_key.as_deref();
    change(context, action, key, async |transaction| {
        let id = NodeType::Release.key(&input.id)?;
        verb(transaction, id).await?;
        Ok(id)
    })
    .await
}

/// The release of an outcome as it is now.
async fn payload(context: &Context<'_>, outcome: Outcome<i64>) -> Result<ReleasePayload> {
    let id = match outcome {
        Ok(id) => id,
        Err(user_errors) => {
            return Ok(ReleasePayload {
                release: None,
                user_errors,
            });
        }
    };
    let found = release::find(reader(context), &[id]).await;
    Ok(ReleasePayload {
        release: found.or_graphql_error(context)?.pop().map(Release),
        user_errors: Vec::new(),
    })
}

fn keys(of: NodeType, ids: &[ID]) -> error::Result<Vec<i64>> {
    ids.iter().map(|id| of.key(id)).collect()
}
