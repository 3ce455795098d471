//! What editors see of a post beside what it says.

use async_graphql::{ComplexObject, Context, ID, Result, SimpleObject};
use chrono::{DateTime, Utc};

use super::content::Content;
use super::user::User;
use crate::domain::post::{self, Editing};
use crate::graphql::context::{loaders, may_read_drafts, request};
use crate::graphql::error::OrGraphqlError;
use crate::graphql::loader::{AutosaveKey, EditingKey};
use crate::graphql::node_id::NodeType;

/// What editors see of a post beside what it says.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(complex)]
pub struct PostEditing {
    /// The newest revision: pass it as `basedOn` when you change the post.
    pub head_revision_id: ID,
    /// The revision that the public sees; null when the post is not live.
    pub live_revision_id: Option<ID>,
    /// Whether the newest revision says something that the public does not see.
    pub has_unpublished_changes: bool,
    /// Since when the post is in the trash; null when it is not.
    pub trashed_at: Option<DateTime<Utc>>,
    /// What is planned for it; null when nothing is.
    pub schedule: Option<Schedule>,
    #[graphql(skip)]
    post_id: i64,
    #[graphql(skip)]
    owner_id: Option<i64>,
}

/// What is planned for a post.
#[derive(Clone, Debug, SimpleObject)]
pub struct Schedule {
    /// The revision that goes, or went, live by this plan.
    pub revision_id: ID,
    /// When it goes live; null when that is done or not planned.
    pub publish_at: Option<DateTime<Utc>>,
    /// When the post goes out of the public's sight; null when that is not planned.
    pub unpublish_at: Option<DateTime<Utc>>,
    /// When the plan was made.
    pub scheduled_at: DateTime<Utc>,
}

/// An unfinished change that a browser saved by itself.
#[derive(Clone, Debug, SimpleObject)]
pub struct Autosave {
    /// The revision that was being changed. When it is no longer the newest one, somebody saved
    /// another meanwhile.
    pub based_on: ID,
    /// What the post was to say when it was last saved by itself.
    pub content: Content,
    /// When that was.
    pub saved_at: DateTime<Utc>,
}

impl PostEditing {
    /// What editors see of a post; nothing for whoever may not read drafts.
    pub(super) async fn of(context: &Context<'_>, post_id: i64) -> Result<Option<Self>> {
        if !may_read_drafts(context) {
            return Ok(None);
        }
        let found = loaders(context).load_one(EditingKey(post_id)).await;
        let found = found.or_graphql_error(context)?;
        Ok(found.map(|editing| Self::new(post_id, editing)))
    }

    fn new(post_id: i64, editing: Editing) -> Self {
        let revision = |id| NodeType::Revision.id(id);
        Self {
            head_revision_id: revision(editing.head),
            live_revision_id: editing.live.map(revision),
            has_unpublished_changes: editing.live != Some(editing.head),
            trashed_at: editing.trashed_at,
            schedule: editing.schedule.map(Schedule::from),
            post_id,
            owner_id: editing.owner_id,
        }
    }
}

#[ComplexObject]
impl PostEditing {
    /// The user whom the post belongs to; null when nobody.
    async fn owner(&self, context: &Context<'_>) -> Result<Option<User>> {
        User::load(context, self.owner_id).await
    }

    /// The change that the caller has not finished; null when there is none.
    async fn autosave(&self, context: &Context<'_>) -> Result<Option<Autosave>> {
        let Some(user_id) = request(context).caller.actor.user_id() else {
            return Ok(None);
        };
        let key = AutosaveKey {
            user_id,
            post_id: self.post_id,
        };
        let found = loaders(context).load_one(key).await;
        Ok(found.or_graphql_error(context)?.map(Autosave::from))
    }
}

impl From<post::Schedule> for Schedule {
    fn from(schedule: post::Schedule) -> Self {
        Self {
            revision_id: NodeType::Revision.id(schedule.revision_id),
            publish_at: schedule.publish_at,
            unpublish_at: schedule.unpublish_at,
            scheduled_at: schedule.scheduled_at,
        }
    }
}

impl From<post::Autosave> for Autosave {
    fn from(autosave: post::Autosave) -> Self {
        Self {
            based_on: NodeType::Revision.id(autosave.based_on),
            content: autosave.content.into(),
            saved_at: autosave.saved_at,
        }
    }
}
