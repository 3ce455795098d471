//! The posts that something is planned for.

use async_graphql::{Context, Object, Result};
use chrono::{DateTime, Utc};

use crate::domain::error::Error;
use crate::domain::page::PageRequest;
use crate::domain::permission::Action;
use crate::domain::post::{self, ScheduledFilter};
use crate::graphql::context::{permit, reader};
use crate::graphql::error::OrGraphqlError;
use crate::graphql::pagination::rows;
use crate::graphql::types::scheduled_post::ScheduledPostConnection;
use crate::graphql::types::time::check_time;

/// The posts that something is planned for.
#[derive(Default)]
pub struct ScheduledPostQuery;

#[Object]
impl ScheduledPostQuery {
    /// The posts that go live or out of sight at a time to come, what comes soonest first, for those
    /// who may read drafts: a calendar. Those of releases are in `releases`.
    #[graphql(complexity = "1 + rows(first, last) * child_complexity")]
    #[allow(
        clippy::too_many_arguments,
        reason = "they are the arguments of the field"
    )]
    async fn scheduled_posts(
        &self,
        context: &Context<'_>,
        #[graphql(
            desc = "Those that are due at this time or later.",
            validator(custom = "check_time")
        )]
        from: Option<DateTime<Utc>>,
        #[graphql(
            desc = "Those that are due before this time.",
            validator(custom = "check_time")
        )]
        until: Option<DateTime<Utc>>,
        #[graphql(desc = "How many, from the start or after `after`: 20 when absent, up to 100.")]
        first: Option<i32>,
        #[graphql(desc = "Begin after this cursor.")] after: Option<String>,
        #[graphql(desc = "How many, from the end or before `before`, up to 100.")] last: Option<
            i32,
        >,
        #[graphql(desc = "End before this cursor.")] before: Option<String>,
    ) -> Result<ScheduledPostConnection> {
        permit(context, Action::ReadDrafts)?;
        let page = async {
            let filter = ScheduledFilter { from, until };
            let request = PageRequest::new(first, after, last, before, None)?;
            let page = post::scheduled_posts(reader(context), &filter, &request).await?;
            Ok::<_, Error>((page, filter))
        };
        let (page, filter) = page.await.or_graphql_error(context)?;
        Ok(ScheduledPostConnection::new(page, filter))
    }
}
