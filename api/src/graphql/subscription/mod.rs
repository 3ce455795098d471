//! What clients are told as it happens, one file a noun. Subscriptions stand on the changes that
//! transactions tell after their commit; those of jobs, which run in any process, on looking.

mod job;
mod post;
mod release;

use std::sync::Arc;

use async_graphql::futures_util::Stream;
use async_graphql::futures_util::stream::unfold;
use async_graphql::{Context, MergedSubscription};
use tokio::sync::broadcast::error::RecvError;

use super::context::request;
use crate::domain::audit::AuditEvent;
use crate::domain::error::{Error, Result};
use crate::domain::transaction::Change;

/// What clients are told as it happens. Connect to `/graphql/ws` by the protocol
/// `graphql-transport-ws`, with `{"authorization": "Bearer …"}` as the payload of
/// `connection_init`.
#[derive(Default, MergedSubscription)]
pub struct Subscription(
    post::PostSubscription,
    release::ReleaseSubscription,
    job::JobSubscription,
);

/// What is done to a noun from now on, in the order of commits. It ends with an error when the
/// client is too slow to be told everything: read again what is shown, and subscribe anew.
fn events_of(
    context: &Context<'_>,
    subject: &'static str,
) -> impl Stream<Item = Result<AuditEvent>> + use<> {
    let changes = request(context).store.changes();
    let pending: Vec<AuditEvent> = Vec::new();
    unfold(Some((changes, pending)), move |state| async move {
        let (mut changes, mut pending) = state?;
        loop {
            if let Some(event) = pending.pop() {
                return Some((Ok(event), Some((changes, pending))));
            }
            match changes.recv().await {
                Ok(change) => pending = of_subject(&change, subject),
                Err(RecvError::Closed) => return None,
                Err(RecvError::Lagged(_)) => {
                    let message = "too much happened at once; read again and subscribe anew";
                    return Some((Err(Error::BadArgument(message.into())), None));
                }
            }
        }
    })
}

/// The events of a change with the noun, the last one first.
fn of_subject(change: &Arc<Change>, subject: &str) -> Vec<AuditEvent> {
    let events = change.events.iter().rev();
    events
        .filter(|event| event.subject == subject)
        .cloned()
        .collect()
}
