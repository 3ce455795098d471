//! API tokens.

use async_graphql::{Context, Enum, ID, Object, Result, SimpleObject};
use chrono::{DateTime, Utc};

use super::connection::connection;
use super::user::User;
use super::user_error::UserError;
use crate::domain::api_token;
use crate::graphql::node_id::NodeType;

/// A part of what a user may do, for a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "crate::domain::permission::Scope")]
pub enum Scope {
    /// `posts:read-drafts`: read drafts, revisions, releases.
    ReadDrafts,
    /// `posts:write`: create, change and trash posts, review and score them.
    WritePosts,
    /// `posts:publish`: publish, schedule and unpublish posts.
    PublishPosts,
    /// `taxonomy:write`: create, change, merge and delete tools, stacks and entities.
    WriteTaxonomy,
    /// `releases`: put releases together, ship them, roll them back.
    Releases,
    /// `import`: import posts, watch and revert imports, export.
    Import,
    /// `jobs`: watch background jobs and schedules, and step in.
    Jobs,
    /// `admin`: manage users, webhooks and caches, read the audit log.
    Admin,
}

/// What a script signs in with. It acts as its user, within its scopes.
pub struct ApiToken(pub api_token::ApiToken);

/// What a script signs in with. It acts as its user, within its scopes.
#[Object]
impl ApiToken {
    /// Unique among everything that has an id.
    async fn id(&self) -> ID {
        NodeType::ApiToken.id(self.0.id)
    }

    /// Whom it acts for.
    async fn user(&self, context: &Context<'_>) -> Result<Option<User>> {
        User::load(context, Some(self.0.user_id)).await
    }

    /// What it is for.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// How it begins, to tell it from others. The token itself is shown once, when it is made.
    async fn start(&self) -> &str {
        &self.0.start
    }

    /// What it may do, as far as its user may.
    async fn scopes(&self) -> Vec<Scope> {
        self.0.scopes.iter().copied().map(Scope::from).collect()
    }

    /// When it was made.
    async fn created_at(&self) -> DateTime<Utc> {
        self.0.created_at
    }

    /// When it stops being good; null when it does not by itself.
    async fn expires_at(&self) -> Option<DateTime<Utc>> {
        self.0.expires_at
    }

    /// When it was last used, to the minute; null when never.
    async fn last_used_at(&self) -> Option<DateTime<Utc>> {
        self.0.last_used_at
    }

    /// When it was revoked; null while it is good.
    async fn revoked_at(&self) -> Option<DateTime<Utc>> {
        self.0.revoked_at
    }
}

impl From<api_token::ApiToken> for ApiToken {
    fn from(token: api_token::ApiToken) -> Self {
        Self(token)
    }
}

connection!(
    ApiTokenConnection,
    ApiTokenEdge,
    ApiToken,
    api_token::ApiToken,
    Option<i64>,
    api_token::count,
    "A page of API tokens.",
    "An API token and its place in the list."
);

/// The API token that was made or revoked, or what has to be put right.
#[derive(Default, SimpleObject)]
pub struct ApiTokenPayload {
    /// The token as it is now; null when nothing was changed.
    pub api_token: Option<ApiToken>,
    /// The token itself, when it was made: `Authorization: Bearer anp_…`. It can't be read again.
    pub secret: Option<String>,
    /// What has to be put right; empty when the change was made.
    pub user_errors: Vec<UserError>,
}
