//! Deployments, and what the last one changed.

use async_graphql::SimpleObject;
use chrono::{DateTime, Utc};

use super::status::Verdict;
use super::traffic::RequestStatistics;
use crate::domain::{deployment, status};

/// A program that was started after another one.
#[derive(Clone, Debug, SimpleObject)]
pub struct Deployment {
    /// Its version.
    pub version: String,
    /// The commit that it was built from; `unknown` where the build was not told.
    pub commit: String,
    /// A hash of the schema of its API: another hash, another schema.
    pub schema_hash: String,
    /// The server that started it first.
    pub node: String,
    /// When that was.
    pub started_at: DateTime<Utc>,
}

impl From<deployment::Deployment> for Deployment {
    fn from(deployment: deployment::Deployment) -> Self {
        Self {
            version: deployment.build.version,
            commit: deployment.build.commit,
            schema_hash: deployment.build.schema_hash,
            node: deployment.node,
            started_at: deployment.started_at,
        }
    }
}

/// Did the last deployment change anything? The time since it, of a day at most, beside as much time
/// before it, by the figures of all servers.
#[derive(Clone, Debug, SimpleObject)]
pub struct DeploymentStatus {
    /// What to think of it; `UNKNOWN` when there were too few requests to tell.
    pub verdict: Verdict,
    /// What got worse with it, and which times are compared, in a sentence.
    pub summary: String,
    /// The last deployment; null until a server has been started.
    pub deployment: Option<Deployment>,
    /// The one before it; null for the first.
    pub previous: Option<Deployment>,
    /// What was answered before it; null for the first.
    pub before: Option<RequestStatistics>,
    /// What was answered after it; null for the first.
    pub after: Option<RequestStatistics>,
}

impl From<status::Comparison> for DeploymentStatus {
    fn from(comparison: status::Comparison) -> Self {
        let (before, after) = comparison.sides.unzip();
        Self {
            verdict: comparison.verdict.into(),
            summary: comparison.summary,
            deployment: comparison.deployment.map(Deployment::from),
            previous: comparison.previous.map(Deployment::from),
            before: before.map(Into::into),
            after: after.map(Into::into),
        }
    }
}
