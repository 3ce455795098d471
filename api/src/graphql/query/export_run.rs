//! Exports.

use async_graphql::{Context, ID, Object, Result};

use crate::domain::error::Error;
use crate::domain::export::{self, ExportFilter};
use crate::domain::page::PageRequest;
use crate::domain::permission::Action;
use crate::graphql::context::{permit, reader};
use crate::graphql::error::OrGraphqlError;
use crate::graphql::node_id::NodeType;
use crate::graphql::pagination::rows;
use crate::graphql::types::export_run::{ExportRun, ExportRunConnection};

/// Exports.
#[derive(Default)]
pub struct ExportRunQuery;

#[Object]
impl ExportRunQuery {
    /// One export, or null when there is no such export.
    async fn export_run(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Its id.")] id: ID,
    ) -> Result<Option<ExportRun>> {
        permit(context, Action::Export)?;
        let id = NodeType::ExportRun.key(&id).or_graphql_error(context)?;
        let found = export::find(reader(context), &[id]).await;
        Ok(found.or_graphql_error(context)?.pop().map(ExportRun))
    }

    /// Exports, the newest first.
    #[graphql(complexity = "1 + rows(first, last) * child_complexity")]
    #[allow(
        clippy::too_many_arguments,
        reason = "they are the arguments of the field"
    )]
    async fn export_runs(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Those that this user started, or a script for them.")] user: Option<ID>,
        #[graphql(desc = "The first so many, 20 when nothing is said, up to 100.")] first: Option<
            i32,
        >,
        #[graphql(desc = "Those after this place.")] after: Option<String>,
        #[graphql(desc = "The last so many, up to 100.")] last: Option<i32>,
        #[graphql(desc = "Those before this place.")] before: Option<String>,
    ) -> Result<ExportRunConnection> {
        permit(context, Action::Export)?;
        let page = async {
            let user_id = user.map(|id| NodeType::User.key(&id)).transpose()?;
            let filter = ExportFilter { user_id };
            let request = PageRequest::new(first, after, last, before, None)?;
            let page = export::list(reader(context), &filter, &request).await?;
            Ok::<_, Error>((page, filter))
        };
        let (page, filter) = page.await.or_graphql_error(context)?;
        Ok(ExportRunConnection::new(page, filter))
    }
}
