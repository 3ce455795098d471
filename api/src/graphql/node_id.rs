//! Ids as clients hold them: a type and a key, opaque.

use async_graphql::ID;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::domain::error::{Error, Result};

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
    /// A release.
    Release,
    /// A user.
    User,
}

impl NodeType {
    const ALL: [Self; 7] = [
        Self::Post,
        Self::Revision,
        Self::Tool,
        Self::Stack,
        Self::Entity,
        Self::Release,
        Self::User,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Post => "Post",
            Self::Revision => "Revision",
            Self::Tool => "Tool",
            Self::Stack => "Stack",
            Self::Entity => "Entity",
            Self::Release => "Release",
            Self::User => "User",
        }
    }

    /// The id of the row with `key`.
    pub fn id(self, key: i64) -> ID {
        ID(URL_SAFE_NO_PAD.encode(format!("{}:{key}", self.name())))
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
