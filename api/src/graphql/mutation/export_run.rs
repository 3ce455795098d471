//! Exporting.

use async_graphql::{Context, Object, Result};

use super::{Outcome, change, draft_reader};
use crate::domain::export;
use crate::domain::permission::Action;
use crate::domain::post::{PostFilter, PostList, PostOrder, count_many};
use crate::graphql::context::{permit, reader};
use crate::graphql::error::OrGraphqlError;
use crate::graphql::node_id::NodeType;
use crate::graphql::types::export_run::{
    ExportRun, ExportRunInput, ExportRunPayload, StartExportInput,
};
use crate::graphql::types::post_filter::PostFilterInput;

/// Exporting.
#[derive(Default)]
pub struct ExportRunMutation;

#[Object]
impl ExportRunMutation {
    /// Starts an export of posts, drafts and all revisions included, which a worker writes. Ask
    /// `exportRun` until it is finished, and fetch the file at its `url` within seven days. While one of
    /// the same posts in the same format is not finished, that is answered. Ten are kept at most;
    /// `dropExport` makes room.
    async fn start_export(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "What to export.")] input: StartExportInput,
    ) -> Result<ExportRunPayload> {
        permit(context, Action::Export)?;
        let filter = input.filter.map(PostFilterInput::into_domain).transpose();
        let posts = PostList {
            filter: filter
                .or_graphql_error(context)?
                .unwrap_or_else(|| PostFilter::All(Vec::new())),
            order: PostOrder::default(),
        };
        let total = count_many(&draft_reader(context), std::slice::from_ref(&posts)).await;
        let total = total.or_graphql_error(context)?.pop().unwrap_or_default();
        let (key, format) = (input.idempotency_key.as_deref(), input.format.into());
        let started = change(context, Action::Export, key, async |transaction| {
            export::start(transaction, format, &posts.filter, total).await
        });
        payload(context, started.await?).await
    }

    /// Tries an export that gave up again, from where it is.
    async fn retry_export(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which export.")] input: ExportRunInput,
    ) -> Result<ExportRunPayload> {
        let retried = change(context, Action::Export, None, async |transaction| {
            let id = NodeType::ExportRun.key(&input.id)?;
            export::retry(transaction, id).await?;
            Ok(id)
        });
        payload(context, retried.await?).await
    }

    /// Drops the file of an export before its seven days are over, or ends its writing. The export
    /// stays in the list, as `EXPIRED`.
    async fn drop_export(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which export.")] input: ExportRunInput,
    ) -> Result<ExportRunPayload> {
        let dropped = change(context, Action::Export, None, async |transaction| {
            let id = NodeType::ExportRun.key(&input.id)?;
            export::discard(transaction, id).await?;
            Ok(id)
        });
        payload(context, dropped.await?).await
    }
}

async fn payload(context: &Context<'_>, outcome: Outcome<i64>) -> Result<ExportRunPayload> {
    match outcome {
        Ok(id) => {
            let found = export::find(reader(context), &[id]).await;
            Ok(ExportRunPayload {
                export_run: found.or_graphql_error(context)?.pop().map(ExportRun),
                user_errors: Vec::new(),
            })
        }
        Err(user_errors) => Ok(ExportRunPayload {
            export_run: None,
            user_errors,
        }),
    }
}
