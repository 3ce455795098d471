//! Users.

use async_graphql::{Context, Enum, ID, Object, Result};
use chrono::{DateTime, Utc};

use super::connection::connection;
use crate::domain::user;
use crate::graphql::context::loaders;
use crate::graphql::error::OrGraphqlError;
use crate::graphql::loader::UserKey;
use crate::graphql::node_id::NodeType;

/// What a user is trusted with. Each may do everything that the ones before it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "crate::domain::permission::Role")]
pub enum Role {
    /// Reads drafts.
    Viewer,
    /// Writes and publishes posts of their own.
    Author,
    /// Writes and publishes every post, reviews, scores, ships releases, tidies the taxonomy.
    Editor,
    /// Manages users, webhooks and caches, reads the audit log.
    Admin,
}

/// Somebody who may sign in.
pub struct User(pub user::User);

impl User {
    /// The user with this key, where there is one.
    pub(in crate::graphql) async fn load(
        context: &Context<'_>,
        id: Option<i64>,
    ) -> Result<Option<Self>> {
        let Some(id) = id else {
            return Ok(None);
        };
        let user = loaders(context).load_one(UserKey(id)).await;
        Ok(user.or_graphql_error(context)?.map(Self))
    }
}

/// Somebody who may sign in.
#[Object]
impl User {
    /// Unique among everything that has an id.
    async fn id(&self) -> ID {
        NodeType::User.id(self.0.id)
    }

    /// The address they sign in with.
    async fn email(&self) -> &str {
        &self.0.email
    }

    /// What others see.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// What they are trusted with.
    async fn role(&self) -> Role {
        self.0.role.into()
    }

    /// Whether they have a password. One who was invited has none until they follow the link.
    async fn has_password(&self) -> bool {
        self.0.has_password
    }

    /// When they were shut out; absent while they may sign in.
    async fn disabled_at(&self) -> Option<DateTime<Utc>> {
        self.0.disabled_at
    }

    /// When they were added.
    async fn created_at(&self) -> DateTime<Utc> {
        self.0.created_at
    }
}

impl From<user::User> for User {
    fn from(user: user::User) -> Self {
        Self(user)
    }
}

connection!(
    UserConnection,
    UserEdge,
    User,
    user::User,
    user::Everybody,
    user::count,
    "A page of users.",
    "A user and their place in the list."
);
