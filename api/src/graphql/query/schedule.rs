//! Schedules.

use async_graphql::{Context, Object, Result};

use crate::domain::permission::Action;
use crate::domain::schedule;
use crate::graphql::context::{permit, reader};
use crate::graphql::error::OrGraphqlError;
use crate::graphql::types::schedule::JobSchedule;

/// Schedules.
#[derive(Default)]
pub struct ScheduleQuery;

#[Object]
impl ScheduleQuery {
    /// All schedules, by name. There are as many as the program comes with, some ten. For editors.
    #[graphql(complexity = "10 * child_complexity")]
    async fn schedules(&self, context: &Context<'_>) -> Result<Vec<JobSchedule>> {
        permit(context, Action::ReadJobs)?;
        let all = schedule::list(reader(context)).await;
        let all = all.or_graphql_error(context)?.into_iter();
        Ok(all.map(JobSchedule).collect())
    }
}
