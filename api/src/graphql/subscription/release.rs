//! What happens to releases.

use async_graphql::futures_util::{Stream, StreamExt};
use async_graphql::{Context, ID, Result, SimpleObject, Subscription};

use super::events_of;
use crate::domain::permission::Action;
use crate::domain::release;
use crate::graphql::context::{permit, reader};
use crate::graphql::error::OrGraphqlError;
use crate::graphql::node_id::NodeType;
use crate::graphql::types::release::Release;

/// What happens to releases.
#[derive(Default)]
pub struct ReleaseSubscription;

/// Something that was done to a release.
#[derive(SimpleObject)]
pub struct ReleaseChanged {
    /// The release's id, also when the release is gone.
    pub id: ID,
    /// The verb, as the audit log has it: `create`, `update`, `schedule`, `ship`, `roll_back`, …
    pub action: String,
    /// The release as it is now; null when it is gone.
    pub release: Option<Release>,
}

#[Subscription]
impl ReleaseSubscription {
    /// What is done to releases from now on, for whoever may read drafts.
    async fn release_changed<'context>(
        &self,
        context: &'context Context<'context>,
        #[graphql(desc = "Only this release; all of them when absent.")] id: Option<ID>,
    ) -> Result<impl Stream<Item = Result<ReleaseChanged>> + 'context> {
        permit(context, Action::ReadDrafts)?;
        let id = id.map(|id| NodeType::Release.key(&id)).transpose();
        let id = id.or_graphql_error(context)?;
        let events = events_of(context, "release").filter(move |event| {
            let subject = event.as_ref().map(|event| event.subject_id);
            let wanted = id.is_none() || subject.map_or(true, |subject| Some(subject) == id);
            std::future::ready(wanted)
        });
        Ok(events.then(move |event| async move {
            let event = event.or_graphql_error(context)?;
            let found = release::find(reader(context), &[event.subject_id]).await;
            Ok(ReleaseChanged {
                id: NodeType::Release.id(event.subject_id),
                action: event.action.to_owned(),
                release: found.or_graphql_error(context)?.pop().map(Release),
            })
        }))
    }
}
