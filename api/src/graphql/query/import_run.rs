//! Imports.

use async_graphql::{Context, ID, Object, Result};

use crate::domain::error::Error;
use crate::domain::import;
use crate::domain::page::PageRequest;
use crate::domain::permission::Action;
use crate::graphql::context::{permit, reader};
use crate::graphql::error::OrGraphqlError;
use crate::graphql::node_id::NodeType;
use crate::graphql::pagination::rows;
use crate::graphql::types::import_run::{ImportRun, ImportRunConnection, ImportRunFilterInput};

/// Imports.
#[derive(Default)]
pub struct ImportRunQuery;

#[Object]
impl ImportRunQuery {
    /// One import, or null when there is no such import.
    async fn import_run(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Its id.")] id: ID,
    ) -> Result<Option<ImportRun>> {
        permit(context, Action::ReadImports)?;
        let id = NodeType::ImportRun.key(&id).or_graphql_error(context)?;
        let found = import::find(reader(context), &[id]).await;
        Ok(found.or_graphql_error(context)?.pop().map(ImportRun))
    }

    /// Imports, the newest first, those from the command line included.
    #[graphql(complexity = "1 + rows(first, last) * child_complexity")]
    #[allow(
        clippy::too_many_arguments,
        reason = "they are the arguments of the field"
    )]
    async fn import_runs(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which imports; all of them when absent.")] filter: Option<
            ImportRunFilterInput,
        >,
        #[graphql(desc = "The first so many, 20 when nothing is said, up to 100.")] first: Option<
            i32,
        >,
        #[graphql(desc = "Those after this place.")] after: Option<String>,
        #[graphql(desc = "The last so many, up to 100.")] last: Option<i32>,
        #[graphql(desc = "Those before this place.")] before: Option<String>,
    ) -> Result<ImportRunConnection> {
        permit(context, Action::ReadImports)?;
        let page = async {
            let filter = filter.unwrap_or_default().try_into()?;
            let request = PageRequest::new(first, after, last, before, None)?;
            let page = import::list(reader(context), &filter, &request).await?;
            Ok::<_, Error>((page, filter))
        };
        let (page, filter) = page.await.or_graphql_error(context)?;
        Ok(ImportRunConnection::new(page, filter))
    }
}
