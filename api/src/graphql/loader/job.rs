//! Jobs and the attempts at them.

use std::collections::HashMap;
use std::sync::Arc;

use async_graphql::dataloader::Loader;

use super::{Loaders, Shared};
use crate::domain::error::Error;
use crate::domain::import;
use crate::domain::job::{self, Attempt, Job};

/// A job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(in crate::graphql) struct JobKey(pub(in crate::graphql) i64);

#[async_graphql::async_trait::async_trait]
impl Loader<JobKey> for Loaders {
    type Value = Job;
    type Error = Arc<Error>;

    async fn load(&self, keys: &[JobKey]) -> Shared<HashMap<JobKey, Job>> {
        let ids: Vec<i64> = keys.iter().map(|JobKey(id)| *id).collect();
        let jobs = job::find(&self.reader, &ids).await?.into_iter();
        Ok(jobs.map(|job| (JobKey(job.id), job)).collect())
    }
}

/// The job of an import: the one that carries it out or takes it back, or did so last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(in crate::graphql) struct ImportJobKey(pub(in crate::graphql) i64);

#[async_graphql::async_trait::async_trait]
impl Loader<ImportJobKey> for Loaders {
    type Value = Job;
    type Error = Arc<Error>;

    async fn load(&self, keys: &[ImportJobKey]) -> Shared<HashMap<ImportJobKey, Job>> {
        let ids: Vec<i64> = keys.iter().map(|ImportJobKey(id)| *id).collect();
        let jobs = import::jobs(&self.reader, &ids).await?.into_iter();
        Ok(jobs.map(|(id, job)| (ImportJobKey(id), job)).collect())
    }
}

/// The attempts at a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(in crate::graphql) struct AttemptsKey(pub(in crate::graphql) i64);

#[async_graphql::async_trait::async_trait]
impl Loader<AttemptsKey> for Loaders {
    type Value = Vec<Attempt>;
    type Error = Arc<Error>;

    async fn load(&self, keys: &[AttemptsKey]) -> Shared<HashMap<AttemptsKey, Vec<Attempt>>> {
        let ids: Vec<i64> = keys.iter().map(|AttemptsKey(id)| *id).collect();
        let attempts = job::attempts(&self.reader, &ids).await?.into_iter();
        Ok(attempts.map(|(id, all)| (AttemptsKey(id), all)).collect())
    }
}
