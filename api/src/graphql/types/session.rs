//! Sessions.

use async_graphql::{Enum, SimpleObject};
use chrono::{DateTime, Utc};

use super::user::User;
use super::user_error::UserError;

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
