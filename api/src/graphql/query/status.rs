//! How the system is doing.

use async_graphql::{Context, Object, Result};

use crate::domain::permission::Action;
use crate::graphql::context::permit;
use crate::graphql::types::status::SystemStatus;

/// How the system is doing.
#[derive(Default)]
pub struct StatusQuery;

#[Object]
impl StatusQuery {
    /// How the system is doing: is it up, is it slow, are jobs failing, did the last deployment change
    /// anything, and what should somebody look at? For editors.
    async fn system_status(&self, context: &Context<'_>) -> Result<SystemStatus> {
        permit(context, Action::ReadJobs)?;
        Ok(SystemStatus)
    }
}
