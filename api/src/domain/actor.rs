//! Who asks or acts, and through which request.

use std::fmt;
use std::net::IpAddr;

use super::permission::{Role, Scopes};
use super::perspective::Perspective;

/// Who asks or acts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Actor {
    /// The public.
    Anonymous,
    /// A person at the command line of the machine.
    CommandLine,
    /// A background job.
    Worker,
    /// A user who signed in.
    User {
        /// The user.
        user_id: i64,
        /// What they may do, as it is now.
        role: Role,
        /// The session that ends with their signing out.
        session_id: i64,
    },
    /// A script with a token of a user.
    ApiToken {
        /// The user who made the token.
        user_id: i64,
        /// What they may do, as it is now.
        role: Role,
        /// The token.
        api_token_id: i64,
        /// What of that the token may do.
        scopes: Scopes,
    },
    /// The holder of a preview link, who reads and nothing else.
    Preview {
        /// The user who made the link.
        user_id: i64,
        /// All that the link shows.
        perspective: Perspective,
    },
}

impl Actor {
    /// The user who acts, or for whom a script acts.
    pub fn user_id(self) -> Option<i64> {
        match self {
            Self::User { user_id, .. } | Self::ApiToken { user_id, .. } => Some(user_id),
            _ => None,
        }
    }

    /// The token that a script acts with.
    pub fn api_token_id(self) -> Option<i64> {
        match self {
            Self::ApiToken { api_token_id, .. } => Some(api_token_id),
            _ => None,
        }
    }
}

impl fmt::Display for Actor {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Anonymous => formatter.write_str("anonymous"),
            Self::CommandLine => formatter.write_str("command line"),
            Self::Worker => formatter.write_str("worker"),
            Self::User { user_id, .. } => write!(formatter, "user {user_id}"),
            Self::ApiToken {
                user_id,
                api_token_id,
                ..
            } => write!(formatter, "token {api_token_id} of user {user_id}"),
            Self::Preview { user_id, .. } => write!(formatter, "preview of user {user_id}"),
        }
    }
}

/// Who acts, and through which request: what the log keeps of the origin of a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// Who acts.
    pub actor: Actor,
    /// The id of the request, where there is one.
    pub request_id: Option<String>,
    /// The address that the request came from.
    pub address: Option<IpAddr>,
}

impl From<Actor> for Caller {
    fn from(actor: Actor) -> Self {
        Self {
            actor,
            request_id: None,
            address: None,
        }
    }
}
