//! What happens to jobs, in whichever process they run.

use std::collections::VecDeque;
use std::time::Duration;

use async_graphql::futures_util::Stream;
use async_graphql::futures_util::stream::unfold;
use async_graphql::{Context, ID, Result, Subscription};
use tokio::time::sleep;

use crate::domain::job::{Watch, Watched};
use crate::domain::permission::Action;
use crate::graphql::context::{permit, reader, request};
use crate::graphql::error::OrGraphqlError;
use crate::graphql::node_id::NodeType;
use crate::graphql::types::job::Job;

/// What happens to jobs.
#[derive(Default)]
pub struct JobSubscription;

/// How often it looks, while somebody listens.
const EVERY: Duration = Duration::from_secs(1);

#[Subscription]
impl JobSubscription {
    /// Jobs that were enqueued, begun, got on or ended, as they are now; for editors. With `id`, that
    /// job as it is comes first. A job that changes several times within a second is told once, and
    /// of very many only those that were enqueued, began or ended last.
    async fn job_changed<'context>(
        &self,
        context: &'context Context<'context>,
        #[graphql(desc = "Only this job; all of them when absent.")] id: Option<ID>,
        #[graphql(desc = "Only jobs of this kind; of all kinds when absent. `id` goes before it.")]
        kind: Option<String>,
    ) -> Result<impl Stream<Item = Result<Job>> + 'context> {
        permit(context, Action::ReadJobs)?;
        let watched = match id {
            Some(id) => Watched::One(NodeType::Job.key(&id).or_graphql_error(context)?),
            None => Watched::OfKind(kind),
        };
        let clock = request(context).store.clock.clone();
        let mut watch = Watch::new(watched, clock);
        let first = watch.look(reader(context)).await;
        let told = VecDeque::from(first.or_graphql_error(context)?);
        Ok(unfold(Some((watch, told)), async move |state| {
            let (mut watch, mut told) = state?;
            loop {
                if let Some(job) = told.pop_front() {
                    return Some((Ok(Job(job)), Some((watch, told))));
                }
                sleep(EVERY).await;
                match watch.look(reader(context)).await {
                    Ok(changed) => told.extend(changed),
                    Err(error) => {
                        let error = Err(error).or_graphql_error(context);
                        return Some((error, None));
                    }
                }
            }
        }))
    }
}
