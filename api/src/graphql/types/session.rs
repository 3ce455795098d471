//! Sessions.

use async_graphql::{Enum, ID, SimpleObject};
use chrono::{DateTime, Utc};

use super::user::User;
use super::user_error::UserError;
use crate::domain::session;
use crate::graphql::node_id::NodeType;

/// Where the refresh token of a session goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Enum)]
pub enum RefreshTokenPlace {
    /// Into a cookie that scripts of the page can't read. For browsers.
    #[default]
    Cookie,
    /// Into the answer. For programs that keep it themselves.
    Payload,
}

/// What lets the next requests in, or what has to be put right.
#[derive(Default, SimpleObject)]
pub struct SessionPayload {
    /// Send it as `Authorization: Bearer …`. Null when nobody was signed in.
    pub access_token: Option<String>,
    /// When the access token stops being good: renew the session with `refreshSession` before.
    pub expires_at: Option<DateTime<Utc>>,
    /// Renews the session, once. Null when it went into the cookie.
    pub refresh_token: Option<String>,
    /// Who is signed in.
    pub user: Option<User>,
    /// What has to be put right; empty when somebody is signed in.
    pub user_errors: Vec<UserError>,
}

/// A sign-in that goes on.
#[derive(SimpleObject)]
pub struct Session {
    /// Unique among everything that has an id.
    pub id: ID,
    /// Whether it is the one of this request.
    pub current: bool,
    /// The address it began at.
    pub address: Option<String>,
    /// What the program called itself.
    pub user_agent: Option<String>,
    /// When it began.
    pub created_at: DateTime<Utc>,
    /// When it was last renewed.
    pub last_used_at: DateTime<Utc>,
    /// When it ends unless it is renewed before.
    pub expires_at: DateTime<Utc>,
}

impl Session {
    /// A session, asked for from the session `current`.
    pub(in crate::graphql) fn new(session: session::Session, current: Option<i64>) -> Self {
        Self {
            id: NodeType::Session.id(session.id),
            current: current == Some(session.id),
            address: session.address,
            user_agent: session.user_agent,
            created_at: session.created_at,
            last_used_at: session.last_used_at,
            expires_at: session.expires_at,
        }
    }
}
