//! The audit log.

use async_graphql::{Context, Object, Result};

use crate::domain::audit::{self, AuditFilter};
use crate::domain::error::{self, Error};
use crate::domain::page::PageRequest;
use crate::domain::permission::Action;
use crate::graphql::context::{permit, reader};
use crate::graphql::error::OrGraphqlError;
use crate::graphql::node_id::{self, NodeType};
use crate::graphql::pagination::rows;
use crate::graphql::types::audit_event::{AuditEventConnection, AuditEventFilterInput};

/// The audit log.
#[derive(Default)]
pub struct AuditEventQuery;

#[Object]
impl AuditEventQuery {
    /// What was changed, by whom, when and from where, the newest first. Secrets are never in it.
    #[graphql(complexity = "1 + rows(first, last) * child_complexity")]
    #[allow(
        clippy::too_many_arguments,
        reason = "they are the arguments of the field"
    )]
    async fn audit_events(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which lines; all of them when absent.")] filter: Option<
            AuditEventFilterInput,
        >,
        #[graphql(desc = "The first so many, 20 when nothing is said.")] first: Option<i32>,
        #[graphql(desc = "Those after this place.")] after: Option<String>,
        #[graphql(desc = "The last so many.")] last: Option<i32>,
        #[graphql(desc = "Those before this place.")] before: Option<String>,
    ) -> Result<AuditEventConnection> {
        permit(context, Action::ReadAuditLog)?;
        let page = async {
            let filter = into_domain(filter.unwrap_or_default())?;
            let request = PageRequest::new(first, after, last, before, None)?;
            let page = audit::list(reader(context), &filter, &request).await?;
            Ok::<_, Error>((page, filter))
        };
        let (page, filter) = page.await.or_graphql_error(context)?;
        Ok(AuditEventConnection::new(page, filter))
    }
}

fn into_domain(input: AuditEventFilterInput) -> error::Result<AuditFilter> {
    let user_id = input.user.map(|id| NodeType::User.key(&id)).transpose()?;
    let subject = input.subject.map(|id| {
        let unknown = || Error::BadArgument(format!("`{}` is no id", id.as_str()));
        let (node, key) = node_id::parse(&id).ok_or_else(unknown)?;
        Ok::<_, Error>((node.noun(), key))
    });
    Ok(AuditFilter {
        user_id,
        actions: input.actions,
        subject: subject.transpose()?,
        request_id: input.request_id,
        from: input.from,
        until: input.until,
    })
}
