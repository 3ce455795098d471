//! Stepping in with imports.

use async_graphql::{Context, Object, Result};

use super::{Outcome, change};
use crate::domain::error;
use crate::domain::import;
use crate::domain::permission::Action;
use crate::domain::transaction::Transaction;
use crate::graphql::context::reader;
use crate::graphql::error::OrGraphqlError;
use crate::graphql::node_id::NodeType;
use crate::graphql::types::import_run::{ImportRun, ImportRunInput, ImportRunPayload};

/// Stepping in with imports.
#[derive(Default)]
pub struct ImportRunMutation;

#[Object]
impl ImportRunMutation {
    /// Stops an import before its end. The batch under way is finished or undone as a whole; what is in
    /// stays, and `resumeImport` goes on from there.
    async fn cancel_import(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which import.")] input: ImportRunInput,
    ) -> Result<ImportRunPayload> {
        let cancelled = on_run(context, &input, import::cancel).await?;
        payload(context, cancelled).await
    }

    /// Goes on with an import that was cancelled, was interrupted or has failed, from where it stopped.
    /// Its files are kept for seven days.
    async fn resume_import(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which import.")] input: ImportRunInput,
    ) -> Result<ImportRunPayload> {
        let resumed = on_run(context, &input, import::resume).await?;
        payload(context, resumed).await
    }

    /// Takes an import back, in the background: posts that it made go to the trash, posts that it changed
    /// show again what they showed before, as a new revision that is live where it was live. A post that
    /// was saved, published, unpublished, scheduled or trashed since, or that a release wants, is left
    /// alone, and the report says why. Views, scores, redirects and dates stay. The same files can be
    /// imported again afterwards.
    async fn revert_import(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which import. It must have come to its end, or have been cancelled.")]
        input: ImportRunInput,
    ) -> Result<ImportRunPayload> {
        let reverting = on_run(context, &input, import::revert).await?;
        payload(context, reverting).await
    }
}

async fn on_run<V>(context: &Context<'_>, input: &ImportRunInput, verb: V) -> Result<Outcome<i64>>
where
    V: AsyncFnOnce(&mut Transaction<'_>, i64) -> error::Result<()>,
{
    change(context, Action::ManageImports, None, async |transaction| {
        let id = NodeType::ImportRun.key(&input.id)?;
        verb(transaction, id).await?;
        Ok(id)
    })
    .await
}

async fn payload(context: &Context<'_>, outcome: Outcome<i64>) -> Result<ImportRunPayload> {
    match outcome {
        Ok(id) => {
            let found = import::find(reader(context), &[id]).await;
            Ok(ImportRunPayload {
                import_run: found.or_graphql_error(context)?.pop().map(ImportRun),
                user_errors: Vec::new(),
            })
        }
        Err(user_errors) => Ok(ImportRunPayload {
            import_run: None,
            user_errors,
        }),
    }
}
