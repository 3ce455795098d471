//! Ids as clients hold them: a type and a key, opaque.

use async_graphql::ID;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::domain::error::{Error, Result};
use crate::foundation::id::public_id;

/// What an id can name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NodeType {
    /// A post.
    Post,
    /// A revision of a post.
    Revision,
    /// A tool.
    Tool,
    /// A stack.
    Stack,
    /// A named entity.
    Entity,
    /// A user.
    User,
    /// A release.
    Release,
    /// A session.
    Session,
    /// An API token.
    ApiToken,
    /// A line of the audit log.
    AuditEvent,
    /// A background job.
    Job,
    /// A schedule.
    JobSchedule,
    /// An endpoint that webhooks are sent to.
    WebhookEndpoint,
    /// The delivery of an event to an endpoint.
    WebhookDelivery,
    /// A run of an import.
    ImportRun,
    /// An export.
    ExportRun,
    /// A cache rule.
    CacheRule,
}

impl NodeType {
    const ALL: [Self; 17] = [
        Self::Post,
        Self::Revision,
        Self::Tool,
        Self::Stack,
        Self::Entity,
        Self::User,
        Self::Release,
        Self::Session,
        Self::ApiToken,
        Self::AuditEvent,
        Self::Job,
        Self::JobSchedule,
        Self::WebhookEndpoint,
        Self::WebhookDelivery,
        Self::ImportRun,
        Self::ExportRun,
        Self::CacheRule,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Post => "Post",
            Self::Revision => "Revision",
            Self::Tool => "Tool",
            Self::Stack => "Stack",
            Self::Entity => "Entity",
            Self::User => "User",
            Self::Release => "Release",
            Self::Session => "Session",
            Self::ApiToken => "ApiToken",
            Self::AuditEvent => "AuditEvent",
            Self::Job => "Job",
            Self::JobSchedule => "JobSchedule",
            Self::WebhookEndpoint => "WebhookEndpoint",
            Self::WebhookDelivery => "WebhookDelivery",
            Self::ImportRun => "ImportRun",
            Self::ExportRun => "ExportRun",
            Self::CacheRule => "CacheRule",
        }
    }

    /// What the audit log calls it, e.g. `api_token`.
    pub fn noun(self) -> String {
        let mut noun = String::new();
        for letter in self.name().chars() {
            if letter.is_uppercase() && !noun.is_empty() {
                noun.push('_');
            }
            noun.extend(letter.to_lowercase());
        }
        noun
    }

    /// The type that the audit log calls so, if its rows have ids.
    pub fn from_noun(noun: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.noun() == noun)
    }

    /// The id of the row with `key`.
    pub fn id(self, key: i64) -> ID {
        ID(public_id(self.name(), key))
    }

    /// Reads an id that must be of this type.
    ///
    /// # Errors
    ///
    /// [`Error::BadArgument`] when it is of another type, or no id of ours.
    pub fn key(self, id: &ID) -> Result<i64> {
        match parse(id) {
            Some((found, key)) if found == self => Ok(key),
            Some((found, _)) => Err(Error::BadArgument(format!(
                "the id is that of a {}, not of a {}",
                found.name(),
                self.name()
            ))),
            None => Err(Error::BadArgument(format!(
                "`{}` is no id; pass one that the API gave you",
                id.as_str()
            ))),
        }
    }
}

/// Reads an id of any type.
pub fn parse(id: &ID) -> Option<(NodeType, i64)> {
    let text = String::from_utf8(URL_SAFE_NO_PAD.decode(id.as_str()).ok()?).ok()?;
    let (name, key) = text.split_once(':')?;
    let node_type = NodeType::ALL.into_iter().find(|kind| kind.name() == name)?;
    Some((node_type, key.parse().ok().filter(|key| *key > 0)?))
}
