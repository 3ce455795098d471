//! What changes something, one file a noun. A mutation turns its input into a call of the domain,
//! inside one transaction, and answers with what it changed.

mod answer;
mod api_token;
mod cache_rule;
mod export_run;
mod import_run;
mod job;
mod post;
mod posts;
mod preview;
mod publication;
mod release;
mod revision;
mod schedule;
mod score;
mod session;
mod term;
mod tick;
mod user;
mod view;
mod webhook;

use async_graphql::{Context, MergedObject, Result};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::context::request;
use super::error::OrGraphqlError;
use super::types::user_error::UserError;
use crate::domain::error::{self, Error};
use crate::domain::idempotency;
use crate::domain::permission::Action;
use crate::domain::perspective::{Perspective, Reader};
use crate::domain::transaction::Transaction;
use crate::foundation::hash::sha256;

/// The mutations whose input proves who asks, so that nothing else of the request has to.
pub const CREDENTIAL_FIELDS: [&str; 4] = [
    "signIn",
    "refreshSession",
    "followLink",
    "exchangePreviewLink",
];

/// The ways to change something. Each takes one `input` and answers with a payload: what was
/// changed, or `userErrors` and nothing was. An `idempotencyKey` makes a change safe to send again.
#[derive(Default, MergedObject)]
pub struct Mutation(
    post::PostMutation,
    posts::PostsMutation,
    revision::RevisionMutation,
    publication::PublicationMutation,
    session::SessionMutation,
    user::UserMutation,
    api_token::ApiTokenMutation,
    preview::PreviewMutation,
    release::ReleaseMutation,
    score::ScoreMutation,
    tick::TickMutation,
    term::ToolMutation,
    term::StackMutation,
    term::EntityMutation,
    job::JobMutation,
    schedule::ScheduleMutation,
    webhook::WebhookMutation,
    view::ViewMutation,
    import_run::ImportRunMutation,
    export_run::ExportRunMutation,
    cache_rule::CacheRuleMutation,
);

/// What came of a change: its outcome, or what has to be put right.
pub(super) type Outcome<T> = std::result::Result<T, Vec<UserError>>;

/// Runs `verb` in a transaction of its own and commits it. With an idempotency key, a change that
/// was made already is not made again; `T` is what its answer is resolved from, ids for the most
/// part.
pub(super) async fn change<T, V>(
    context: &Context<'_>,
    action: Action,
    idempotency_key: Option<&str>,
    verb: V,
) -> Result<Outcome<T>>
where
    T: Serialize + DeserializeOwned,
    V: AsyncFnOnce(&mut Transaction<'_>) -> error::Result<T>,
{
    let request = request(context);
    let changed = async {
        let mut transaction =
            Transaction::begin(&request.store, request.caller.clone(), action).await?;
        let Some(key) = idempotency_key else {
            let outcome = verb(&mut transaction).await?;
            transaction.commit().await?;
            return Ok(outcome);
        };
        let (operation, hash) = (context.field().name(), input_hash(context)?);
        if let Some(outcome) = idempotency::claim(&transaction, key, operation, &hash).await? {
            return Ok(outcome);
        }
        let outcome = verb(&mut transaction).await?;
        idempotency::keep(&transaction, key, &outcome).await?;
        transaction.commit().await?;
        Ok(outcome)
    };
    outcome_of(context, changed.await)
}

/// Reads what changes are based on: the newest content of every post, whatever the request's own
/// perspective.
pub(super) fn draft_reader(context: &Context<'_>) -> Reader {
    let database = request(context).store.database.clone();
    Reader::new(database, Perspective::Draft)
}

/// Tells what a person can put right from what they can't.
pub(super) fn outcome_of<T>(context: &Context<'_>, result: error::Result<T>) -> Result<Outcome<T>> {
    match result {
        Ok(outcome) => Ok(Ok(outcome)),
        Err(Error::Refused(problems)) => {
            Ok(Err(problems.into_iter().map(UserError::from).collect()))
        }
        Err(error) => Err(error).or_graphql_error(context),
    }
}

/// SHA-256 over the arguments of the field as they are after variables are filled in.
fn input_hash(context: &Context<'_>) -> error::Result<String> {
    let arguments = context.field().arguments();
    let arguments = arguments.map_err(|error| Error::BadArgument(error.message))?;
    let bytes = serde_json::to_vec(&arguments)?;
    Ok(sha256(bytes))
}
