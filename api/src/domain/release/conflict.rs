//! What stands in the way of a release, or is worth a look before it ships.

use crate::domain::error::{Problem, ProblemCode};

/// Something that stands in the way of a release, or is worth a look before it ships.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// What it is.
    pub kind: ConflictKind,
    /// Where: a field of the release, or an item such as `items[2]`.
    pub field: String,
    /// What is the matter and what to do about it.
    pub message: String,
    /// The place of the item among those of the release, where it is about one.
    pub item: Option<usize>,
}

/// What stands in the way of a release.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConflictKind {
    /// The release has shipped already.
    AlreadyShipped,
    /// Owner, reason, expected result or rollback note is missing.
    Incomplete,
    /// The release holds no post.
    Empty,
    /// The post was deleted.
    PostDeleted,
    /// The post is in the trash.
    PostInTrash,
    /// A reviewer rejected the revision.
    RevisionRejected,
    /// The revision has to be approved first.
    ReviewRequired,
    /// Another live post, or another post of the release, has the slug.
    SlugTaken,
    /// A newer revision of the post exists.
    NewerRevision,
    /// Another release that has not shipped holds the post as well.
    InAnotherRelease,
}

impl ConflictKind {
    /// Whether the release can't ship while it is there. The others are worth a look.
    pub fn blocks(self) -> bool {
        !matches!(self, Self::NewerRevision | Self::InAnotherRelease)
    }

    fn code(self) -> ProblemCode {
        match self {
            Self::Incomplete | Self::Empty => ProblemCode::Invalid,
            Self::PostDeleted => ProblemCode::NotFound,
            Self::ReviewRequired => ProblemCode::ReviewRequired,
            Self::SlugTaken => ProblemCode::Taken,
            Self::AlreadyShipped
            | Self::PostInTrash
            | Self::RevisionRejected
            | Self::NewerRevision
            | Self::InAnotherRelease => ProblemCode::Conflict,
        }
    }
}

impl Conflict {
    /// One of the release as a whole.
    pub(super) fn of_release(kind: ConflictKind, field: &str, message: impl Into<String>) -> Self {
        Self {
            kind,
            field: field.to_owned(),
            message: message.into(),
            item: None,
        }
    }

    /// One of the item at `index`.
    pub(super) fn of_item(kind: ConflictKind, index: usize, message: impl Into<String>) -> Self {
        Self {
            kind,
            field: format!("items[{index}]"),
            message: message.into(),
            item: Some(index),
        }
    }

    /// The same for whoever tried to ship.
    pub(super) fn to_problem(&self) -> Problem {
        Problem::new(self.kind.code(), self.field.clone(), self.message.clone())
    }
}
