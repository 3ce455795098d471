//! What resolvers of one request share.

use std::sync::Arc;

use async_graphql::dataloader::DataLoader;
use async_graphql::runtime::TokioSpawner;
use async_graphql::{Context, ID, Request, Response, Result};

use super::Schema;
use super::error::OrGraphqlError;
use super::loader::{Loaders, Turn};
use crate::domain::actor::Caller;
use crate::domain::job::JobKind;
use crate::domain::permission::{self, Action};
use crate::domain::perspective::Reader;
use crate::domain::signing_key::SigningKeys;
use crate::domain::transaction::Store;
use crate::domain::user::password::Passwords;

/// What resolvers of one request share.
pub struct RequestContext {
    /// Who asks, and the request's id, which is in its response and in the log.
    pub caller: Caller,
    /// Where changes are made.
    pub store: Store,
    /// Reads through the request's perspective.
    pub reader: Arc<Reader>,
    /// Gathers look-ups of nested fields into one each.
    pub loaders: DataLoader<Loaders>,
    /// What the program that asks says of itself.
    pub client: Client,
    /// When what the loaders have gathered is looked up.
    pub turn: Turn,
}

/// What the program that asks says of itself.
#[derive(Clone, Default)]
pub struct Client {
    /// What it calls itself.
    pub user_agent: Option<String>,
    /// The value of its cookie [`REFRESH_COOKIE`].
    pub refresh_token: Option<String>,
}

/// The cookie that holds the refresh token of a browser. Only this path ever gets it, and never from
/// a page of another site.
pub const REFRESH_COOKIE: &str = "alphanode_refresh";

impl RequestContext {
    /// The context of one request.
    pub fn new(store: Store, caller: Caller, reader: Arc<Reader>) -> Self {
        let loaders = Loaders {
            reader: Arc::clone(&reader),
            actor: caller.actor,
        };
        let turn = Turn::default();
        Self {
            caller,
            store,
            reader,
            loaders: DataLoader::new(loaders, TokioSpawner::current(), turn.clone()),
            client: Client::default(),
            turn,
        }
    }

    /// The same, from this program.
    #[must_use]
    pub fn with_client(self, client: Client) -> Self {
        Self { client, ..self }
    }
}

/// Runs a query or a mutation.
pub async fn execute(schema: &Schema, request: Request, context: RequestContext) -> Response {
    let turn = context.turn.clone();
    turn.take(schema.execute(request.data(context))).await
}

/// The public site that the content is for.
#[derive(Clone, Debug)]
pub struct Site {
    /// Where it is, without a slash at the end, e.g. `https://example.org`.
    pub url: String,
}

/// The cookie [`REFRESH_COOKIE`] with this value, for so many seconds.
pub fn refresh_cookie(value: &str, seconds: i64) -> String {
    format!(
        "{REFRESH_COOKIE}={value}; HttpOnly; Secure; SameSite=Strict; Path=/graphql; \
         Max-Age={seconds}"
    )
}

/// Where people reach this server.
#[derive(Clone, Debug)]
pub struct Links {
    /// What links begin with, without a slash at the end.
    pub base: String,
}

impl Links {
    /// Where a one-time link leads.
    pub fn one_time(&self, token: &str) -> String {
        format!("{}/link/{token}", self.base)
    }

    /// Where the file of an export is.
    pub fn export(&self, id: &ID) -> String {
        format!("{}/exports/{}", self.base, id.as_str())
    }
}

/// The request.
pub(super) fn request<'context>(context: &Context<'context>) -> &'context RequestContext {
    context.data_unchecked::<RequestContext>()
}

/// The kinds of jobs that this program runs.
#[derive(Clone, Debug)]
pub struct JobKinds(pub Vec<JobKind>);

/// The kinds of jobs that this program runs.
pub(super) fn job_kinds<'context>(context: &Context<'context>) -> &'context [JobKind] {
    &context.data_unchecked::<JobKinds>().0
}

/// The keys that sign tokens.
pub(super) fn keys<'context>(context: &Context<'context>) -> &'context SigningKeys {
    context.data_unchecked::<SigningKeys>()
}

/// Hashes passwords.
pub(super) fn passwords<'context>(context: &Context<'context>) -> &'context Passwords {
    context.data_unchecked::<Passwords>()
}

/// The request's reader.
pub(super) fn reader<'context>(context: &Context<'context>) -> &'context Reader {
    &request(context).reader
}

/// The request's loaders.
pub(super) fn loaders<'context>(context: &Context<'context>) -> &'context DataLoader<Loaders> {
    &request(context).loaders
}

/// Refuses what the caller may not do, before anything is read for it.
pub(super) fn permit(context: &Context<'_>, action: Action) -> Result<()> {
    let permitted = permission::check(request(context).caller.actor, action);
    permitted.map(|_| ()).or_graphql_error(context)
}

/// Whether the caller may read drafts, which nested fields for editors ask.
pub(super) fn may_read_drafts(context: &Context<'_>) -> bool {
    permission::check(request(context).caller.actor, Action::ReadDrafts).is_ok()
}
