//! Preview links.

use async_graphql::{ID, SimpleObject};
use chrono::{DateTime, Utc};

use super::user_error::UserError;

/// A preview link, or what has to be put right.
#[derive(Default, SimpleObject)]
pub struct PreviewLinkPayload {
    /// The token of the link: hand it to the site, which exchanges it. Null when there is none.
    pub token: Option<String>,
    /// Until when the link shows anything.
    pub expires_at: Option<DateTime<Utc>>,
    /// What has to be put right; empty when the link was made.
    pub user_errors: Vec<UserError>,
}

/// What a preview link was exchanged for, or what has to be put right.
#[derive(Default, SimpleObject)]
pub struct PreviewPayload {
    /// Send it as `Authorization: Bearer …`. It reads what the link shows, without any
    /// perspective header, and does nothing else.
    pub access_token: Option<String>,
    /// When it stops being good: exchange the link again before.
    pub expires_at: Option<DateTime<Utc>>,
    /// The id of the post that the link leads to.
    pub post_id: Option<ID>,
    /// What has to be put right; empty when the link is good.
    pub user_errors: Vec<UserError>,
}
