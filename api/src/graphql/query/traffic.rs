//! What was answered, over time.

use async_graphql::{Context, Object, Result};
use chrono::{DateTime, Utc};

use crate::domain::permission::Action;
use crate::domain::traffic::{self, Minute};
use crate::graphql::context::{permit, reader};
use crate::graphql::error::OrGraphqlError;
use crate::graphql::types::time::check_time;
use crate::graphql::types::traffic::RequestStatistics;

/// What was answered, over time.
#[derive(Default)]
pub struct TrafficQuery;

#[Object]
impl TrafficQuery {
    /// What all servers answered, in steps of so many minutes, for charts: at most 1,440 steps. The
    /// minutes of the last 30 days are kept; each server writes one when it has ended. For editors.
    async fn request_statistics(
        &self,
        context: &Context<'_>,
        #[graphql(
            desc = "When the first step begins; the beginning of its minute is taken.",
            validator(custom = "check_time")
        )]
        from: DateTime<Utc>,
        #[graphql(
            desc = "When the last step ends; the beginning of its minute is taken.",
            validator(custom = "check_time")
        )]
        to: DateTime<Utc>,
        #[graphql(default = 5, desc = "Minutes of a step; the last one may be shorter.")]
        step_minutes: i32,
    ) -> Result<Vec<RequestStatistics>> {
        permit(context, Action::ReadJobs)?;
        let minutes = Minute::of(from)..Minute::of(to);
        let points = traffic::series(reader(context), minutes, step_minutes.into()).await;
        let points = points.or_graphql_error(context)?.into_iter();
        Ok(points.map(Into::into).collect())
    }
}
