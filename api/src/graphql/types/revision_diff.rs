//! What differs between two revisions.

use async_graphql::{Enum, Json, SimpleObject};
use serde_json::Value;

use crate::domain::post;

/// What differs between two revisions of a post. What is the same is left out.
#[derive(Clone, Debug, SimpleObject)]
pub struct RevisionDiff {
    /// Single values, in the order of their names.
    pub fields: Vec<FieldChange>,
    /// Lists, in the order of their names.
    pub lists: Vec<ListChange>,
    /// The body as Markdown; null when it is the same.
    pub body: Option<BodyDiff>,
}

/// A value that differs.
#[derive(Clone, Debug, SimpleObject)]
pub struct FieldChange {
    /// Its name as documents write it, e.g. `title`, `outline.problem` or `payload.series`.
    pub field: String,
    /// What it was; null when there was none.
    pub before: Option<Json<Value>>,
    /// What it is; null when there is none.
    pub after: Option<Json<Value>>,
}

/// A list that differs.
#[derive(Clone, Debug, SimpleObject)]
pub struct ListChange {
    /// Its name: `stack`, `tools`, `entities`, `checklist` or `notes`.
    pub field: String,
    /// What came, with its place in the new list.
    pub added: Vec<ListItem>,
    /// What went, with its place in the old list.
    pub removed: Vec<ListItem>,
    /// What stands elsewhere among the items that stayed: the fewest moves that make the new order.
    pub moved: Vec<MovedItem>,
    /// Steps of a checklist that say something else under the same id.
    pub changed: Vec<ChangedItem>,
}

/// An item of a list and its place.
#[derive(Clone, Debug, SimpleObject)]
pub struct ListItem {
    /// The item: a text, or an object for entities (`name`, `type`) and checklists (`id`, `text`).
    pub item: Json<Value>,
    /// Its place, from 0.
    pub position: usize,
}

/// An item of a list that stands elsewhere.
#[derive(Clone, Debug, SimpleObject)]
pub struct MovedItem {
    /// The item as it is in the new list.
    pub item: Json<Value>,
    /// Its place in the old list, from 0.
    pub from: usize,
    /// Its place in the new list, from 0.
    pub to: usize,
}

/// A step of a checklist that says something else.
#[derive(Clone, Debug, SimpleObject)]
pub struct ChangedItem {
    /// What it said.
    pub before: Json<Value>,
    /// What it says.
    pub after: Json<Value>,
    /// Its place in the new list, from 0.
    pub position: usize,
}

/// What differs between two bodies. Putting the lines of the new body that each hunk holds in the
/// place of those of the old one gives the new body.
#[derive(Clone, Debug, SimpleObject)]
pub struct BodyDiff {
    /// The passages that differ, in order.
    pub hunks: Vec<DiffHunk>,
    /// Lines that came.
    pub added: usize,
    /// Lines that went.
    pub removed: usize,
    /// Whether `hunks` holds every passage. Beyond 5,000 lines it does not; show both bodies then.
    pub complete: bool,
}

/// A passage that differs, with up to three lines before and after it that are the same.
#[derive(Clone, Debug, SimpleObject)]
pub struct DiffHunk {
    /// The number of its first line in the old body, from 1; when it has none there, of the line it
    /// stands before.
    pub from_start: usize,
    /// How many lines of the old body it replaces.
    pub from_lines: usize,
    /// The number of its first line in the new body, from 1; when it has none there, of the line it
    /// stood before.
    pub to_start: usize,
    /// How many lines of the new body replace them.
    pub to_lines: usize,
    /// Its lines; of changed ones, those that went stand before those that came.
    pub lines: Vec<DiffLine>,
}

/// A line of a hunk.
#[derive(Clone, Debug, SimpleObject)]
pub struct DiffLine {
    /// What became of it.
    pub kind: DiffLineKind,
    /// Its number in the old body, from 1; null when it is not there.
    pub from_number: Option<usize>,
    /// Its number in the new body, from 1; null when it is not there.
    pub to_number: Option<usize>,
    /// Its text in pieces, with the line break it ends in; the last line of a body may have none.
    pub segments: Vec<DiffSegment>,
}

/// What became of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "crate::domain::post::LineKind")]
pub enum DiffLineKind {
    /// It is the same in both bodies.
    Same,
    /// It is in the old body only.
    Removed,
    /// It is in the new body only.
    Added,
}

/// A piece of a line.
#[derive(Clone, Debug, SimpleObject)]
pub struct DiffSegment {
    /// Its text.
    pub text: String,
    /// Whether these words are what differs between a line that went and the one that came for it.
    pub changed: bool,
}

impl From<post::RevisionDiff> for RevisionDiff {
    fn from(diff: post::RevisionDiff) -> Self {
        Self {
            fields: diff.fields.into_iter().map(Into::into).collect(),
            lists: diff.lists.into_iter().map(Into::into).collect(),
            body: diff.body.map(Into::into),
        }
    }
}

impl From<post::FieldChange> for FieldChange {
    fn from(change: post::FieldChange) -> Self {
        let value = |value: Value| (!value.is_null()).then_some(Json(value));
        Self {
            field: change.field,
            before: value(change.before),
            after: value(change.after),
        }
    }
}

impl From<post::ListChange> for ListChange {
    fn from(change: post::ListChange) -> Self {
        let item = |item: post::ListItem| ListItem {
            item: Json(item.item),
            position: item.position,
        };
        let moved = |moved: post::MovedItem| MovedItem {
            item: Json(moved.item),
            from: moved.from,
            to: moved.to,
        };
        let changed = |changed: post::ChangedItem| ChangedItem {
            before: Json(changed.before),
            after: Json(changed.after),
            position: changed.position,
        };
        Self {
            field: change.field,
            added: change.added.into_iter().map(item).collect(),
            removed: change.removed.into_iter().map(item).collect(),
            moved: change.moved.into_iter().map(moved).collect(),
            changed: change.changed.into_iter().map(changed).collect(),
        }
    }
}

impl From<post::BodyDiff> for BodyDiff {
    fn from(diff: post::BodyDiff) -> Self {
        let hunk = |hunk: post::Hunk| DiffHunk {
            from_start: hunk.from_start,
            from_lines: hunk.from_lines,
            to_start: hunk.to_start,
            to_lines: hunk.to_lines,
            lines: hunk.lines.into_iter().map(Into::into).collect(),
        };
        Self {
            hunks: diff.hunks.into_iter().map(hunk).collect(),
            added: diff.added,
            removed: diff.removed,
            complete: diff.complete,
        }
    }
}

impl From<post::Line> for DiffLine {
    fn from(line: post::Line) -> Self {
        let segment = |segment: post::Segment| DiffSegment {
            text: segment.text,
            changed: segment.changed,
        };
        Self {
            kind: line.kind.into(),
            from_number: line.from_number,
            to_number: line.to_number,
            segments: line.segments.into_iter().map(segment).collect(),
        }
    }
}
