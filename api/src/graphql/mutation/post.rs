//! Writing posts: new ones, further revisions, the trash.

use async_graphql::{Context, ID, InputObject, Object, Result};

use super::answer::{post_payload, update_payload};
use super::{change, draft_reader, outcome_of};
use crate::domain::error;
use crate::domain::permission::Action;
use crate::domain::perspective::Perspective;
use crate::domain::post::{self, PostDraft, PostUpdate, PreparedPost, PreparedUpdate};
use crate::domain::transaction::Transaction;
use crate::graphql::context::permit;
use crate::graphql::node_id::NodeType::{Post, Revision, User};
use crate::graphql::types::content::ContentInput;
use crate::graphql::types::payload::{PostPayload, UpdatePostPayload};

/// Writing posts.
#[derive(Default)]
pub struct PostMutation;

/// A new post.
#[derive(Clone, Debug, InputObject)]
pub struct CreatePostInput {
    /// What it says; a title at least.
    pub content: ContentInput,
    /// Its identity where it comes from, so that a script finds it again.
    pub source_id: Option<String>,
    /// Its identity across exports; made when absent.
    pub reference: Option<String>,
    /// The semantic version of its first revision; `1.0.0` when absent.
    pub version: Option<String>,
    /// What the first revision is about, in a sentence.
    pub message: Option<String>,
    /// Makes it safe to send again: the same key and input are answered with the same outcome.
    pub idempotency_key: Option<String>,
}

/// A change to what a post says.
#[derive(Clone, Debug, InputObject)]
pub struct UpdatePostInput {
    /// The post.
    pub id: ID,
    /// The revision that was the newest one when the change was made. When it no longer is, the
    /// answer is a `conflict` and nothing is changed.
    pub based_on: ID,
    /// What changes; fields that are left out stay as they are.
    pub content: ContentInput,
    /// The semantic version of the new revision; one patch above the last one when absent.
    pub version: Option<String>,
    /// What changed, in a sentence.
    pub message: Option<String>,
    /// Makes it safe to send again: the same key and input are answered with the same outcome.
    pub idempotency_key: Option<String>,
}

/// A change that is not finished.
#[derive(Clone, Debug, InputObject)]
pub struct AutosavePostInput {
    /// The post.
    pub id: ID,
    /// The revision that is being changed.
    pub based_on: ID,
    /// What changes so far; it need not be fit to be saved.
    pub content: ContentInput,
}

/// A post, for a change that needs nothing else.
#[derive(Clone, Debug, InputObject)]
pub struct PostIdInput {
    /// The post.
    pub id: ID,
    /// Makes it safe to send again: the same key and input are answered with the same outcome.
    pub idempotency_key: Option<String>,
}

/// A revision whose content becomes the newest one again.
#[derive(Clone, Debug, InputObject)]
pub struct RestoreRevisionInput {
    /// The revision to restore.
    pub revision: ID,
    /// The newest revision, as the editor saw it. When it no longer is, the answer is a `conflict`.
    pub based_on: ID,
    /// Makes it safe to send again: the same key and input are answered with the same outcome.
    pub idempotency_key: Option<String>,
}

/// Whose a post is to be.
#[derive(Clone, Debug, InputObject)]
pub struct ChangePostOwnerInput {
    /// The post.
    pub id: ID,
    /// The user it is to belong to; nobody when null.
    pub owner: Option<ID>,
    /// Makes it safe to send again: the same key and input are answered with the same outcome.
    pub idempotency_key: Option<String>,
}

#[Object]
impl PostMutation {
    /// Writes a new post, which belongs to the caller. Nothing is live by this.
    async fn create_post(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The post to write.")] input: CreatePostInput,
    ) -> Result<PostPayload> {
        permit(context, Action::CreatePost)?;
        let key = input.idempotency_key;
        let draft = PostDraft {
            content: input.content.into(),
            source_id: input.source_id,
            reference: input.reference,
            version: input.version,
            message: input.message,
        };
        write(context, post::prepare_post(draft).await, key.as_deref()).await
    }

    /// Saves a further revision, which the public does not see until it is published. A change that
    /// changes nothing saves nothing.
    async fn update_post(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "What changes, and what it is based on.")] input: UpdatePostInput,
    ) -> Result<UpdatePostPayload> {
        permit(context, Action::UpdatePost)?;
        let prepared = async {
            let update = PostUpdate {
                post_id: Post.key(&input.id)?,
                based_on: Revision.key(&input.based_on)?,
                patch: input.content.into(),
                version: input.version,
                message: input.message,
            };
            post::prepare_update(&draft_reader(context), update).await
        };
        save(context, prepared.await, input.idempotency_key.as_deref()).await
    }

    /// Makes what an earlier revision says the newest revision again. Both stay.
    async fn restore_revision(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which revision, and what is the newest one.")]
        input: RestoreRevisionInput,
    ) -> Result<UpdatePostPayload> {
        permit(context, Action::UpdatePost)?;
        let prepared = async {
            let revision_id = Revision.key(&input.revision)?;
            let based_on = Revision.key(&input.based_on)?;
            post::prepare_restoration(&draft_reader(context), revision_id, based_on).await
        };
        save(context, prepared.await, input.idempotency_key.as_deref()).await
    }

    /// Writes a new post that says what the newest revision of another one says, under another
    /// title and path.
    async fn duplicate_post(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which post.")] input: PostIdInput,
    ) -> Result<PostPayload> {
        permit(context, Action::CreatePost)?;
        let prepared = async {
            let post_id = Post.key(&input.id)?;
            post::prepare_copy(&draft_reader(context), post_id).await
        };
        write(context, prepared.await, input.idempotency_key.as_deref()).await
    }

    /// Keeps a change that is not finished: one a user and post, in place of the one before. Nobody
    /// else sees it, and the user's next save of the post takes it away.
    async fn autosave_post(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The unfinished change.")] input: AutosavePostInput,
    ) -> Result<PostPayload> {
        permit(context, Action::UpdatePost)?;
        let unfinished = async {
            let based_on = Revision.key(&input.based_on)?;
            let patch = input.content.into();
            let content = post::unfinished(&draft_reader(context), based_on, patch).await?;
            Ok((Post.key(&input.id)?, based_on, content))
        };
        let (post_id, based_on, content) = match outcome_of(context, unfinished.await)? {
            Ok(unfinished) => unfinished,
            Err(problems) => return Ok(PostPayload::refused(problems)),
        };
        let saved = change(context, Action::UpdatePost, None, async |change| {
            post::save_automatically(change, post_id, based_on, &content).await?;
            Ok(post_id)
        })
        .await?;
        post_payload(context, saved, Perspective::Draft).await
    }

    /// Throws the caller's unfinished change of a post away.
    async fn discard_autosave(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which post.")] input: PostIdInput,
    ) -> Result<PostPayload> {
        on_post(
            context,
            Action::UpdatePost,
            &input,
            Perspective::Draft,
            post::discard_autosave,
        )
        .await
    }

    /// Puts a post into the trash: nobody sees it, what was planned for it is called off, and it
    /// can come back.
    async fn trash_post(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which post.")] input: PostIdInput,
    ) -> Result<PostPayload> {
        on_post(
            context,
            Action::TrashPost,
            &input,
            Perspective::Trash,
            post::trash,
        )
        .await
    }

    /// Takes a post out of the trash, as a draft.
    async fn restore_post(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which post.")] input: PostIdInput,
    ) -> Result<PostPayload> {
        on_post(
            context,
            Action::TrashPost,
            &input,
            Perspective::Draft,
            post::restore,
        )
        .await
    }

    /// Deletes a post that is in the trash, with all its revisions and the record of when it was
    /// live. It can't be undone.
    async fn delete_post(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which post.")] input: PostIdInput,
    ) -> Result<PostPayload> {
        on_post(
            context,
            Action::DeletePost,
            &input,
            Perspective::Trash,
            post::delete,
        )
        .await
    }

    /// Gives a post to another user. Authors change posts of their own only.
    async fn change_post_owner(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which post, and whose it is to be.")] input: ChangePostOwnerInput,
    ) -> Result<PostPayload> {
        let key = input.idempotency_key.as_deref();
        let changed = change(context, Action::ChangePostOwner, key, async |change| {
            let post_id = Post.key(&input.id)?;
            let owner = input.owner.as_ref();
            let owner = owner.map(|id| User.key(id)).transpose()?;
            post::change_owner(change, post_id, owner).await?;
            Ok(post_id)
        })
        .await?;
        post_payload(context, changed, Perspective::Draft).await
    }
}

/// Writes a new post, once it is prepared.
async fn write(
    context: &Context<'_>,
    prepared: error::Result<PreparedPost>,
    key: Option<&str>,
) -> Result<PostPayload> {
    let prepared = match outcome_of(context, prepared)? {
        Ok(prepared) => prepared,
        Err(problems) => return Ok(PostPayload::refused(problems)),
    };
    let written = change(context, Action::CreatePost, key, async |change| {
        Ok(post::write(change, prepared).await?.post_id)
    });
    post_payload(context, written.await?, Perspective::Draft).await
}

/// Saves a further revision, once it is prepared.
async fn save(
    context: &Context<'_>,
    prepared: error::Result<PreparedUpdate>,
    key: Option<&str>,
) -> Result<UpdatePostPayload> {
    let prepared = match outcome_of(context, prepared)? {
        Ok(prepared) => prepared,
        Err(problems) => return Ok(UpdatePostPayload::refused(problems)),
    };
    let updated = change(context, Action::UpdatePost, key, async |change| {
        post::update(change, prepared).await
    });
    update_payload(context, updated.await?).await
}

/// Does to a post what needs nothing but its key, and answers with the post as the perspective shows
/// it then.
pub(super) async fn on_post(
    context: &Context<'_>,
    action: Action,
    input: &PostIdInput,
    perspective: Perspective,
    verb: impl AsyncFnOnce(&mut Transaction<'_>, i64) -> error::Result<()>,
) -> Result<PostPayload> {
    let key = input.idempotency_key.as_deref();
    let done = change(context, action, key, async |change| {
        let post_id = Post.key(&input.id)?;
        verb(change, post_id).await?;
        Ok(post_id)
    });
    post_payload(context, done.await?, perspective).await
}
