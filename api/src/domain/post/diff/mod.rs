//! What differs between two revisions of a post, field by field.

mod body;
mod list;

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use sea_orm::sea_query::{Expr, ExprTrait, Query};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tokio::task::spawn_blocking;

pub use self::body::{BodyDiff, Hunk, Line, LineKind, Segment, diff_body};
pub use self::list::{ChangedItem, ListChange, ListItem, MovedItem};
use super::archive::contents;
use super::content::Content;
use crate::domain::actor::Actor;
use crate::domain::error::{Error, Result};
use crate::domain::permission::{self, Action};
use crate::domain::perspective::Reader;
use crate::foundation::thread::joined;

/// How long the smallest difference between two bodies is looked for. What is found by then is as
/// true, but maybe larger than need be.
const TIME_LIMIT: Duration = Duration::from_millis(500);

/// Parts of a content that hold values of their own.
const GROUPS: [&str; 4] = ["outline", "flags", "seo", "payload"];

/// What differs between two contents. What is the same is left out.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RevisionDiff {
    /// Single values, in the order of their names.
    pub fields: Vec<FieldChange>,
    /// Lists, in the order of their names.
    pub lists: Vec<ListChange>,
    /// The body.
    pub body: Option<BodyDiff>,
}

/// A value that differs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FieldChange {
    /// Its name as documents write it, e.g. `title`, `outline.problem` or `payload.series`.
    pub field: String,
    /// What it was; null when there was none.
    pub before: Value,
    /// What it is; null when there is none.
    pub after: Value,
}

/// Compares two revisions of one post, for those who may read drafts. Nothing when one of the two is
/// not there.
///
/// # Errors
///
/// [`Error::SignInRequired`] or [`Error::Forbidden`] for everybody else, a bad argument when the two
/// belong to different posts; those of the database.
pub async fn diff(
    reader: &Reader,
    actor: Actor,
    from: i64,
    to: i64,
) -> Result<Option<RevisionDiff>> {
    permission::check(actor, Action::ReadDrafts)?;
    let posts = Query::select()
        .distinct()
        .column("post_id")
        .from("revision")
        .and_where(Expr::col("id").is_in([from, to]))
        .to_owned();
    if reader.rows(&posts).await?.len() > 1 {
        return Err(Error::BadArgument(
            "the two revisions belong to different posts; compare revisions of one".into(),
        ));
    }
    let mut contents = contents(reader, &[from, to]).await?;
    let Some(before) = contents.get(&from).cloned() else {
        return Ok(None);
    };
    let Some(after) = contents.remove(&to) else {
        return Ok(None);
    };
    let deadline = Instant::now() + TIME_LIMIT;
    let diff = spawn_blocking(move || compare(&before, &after, deadline));
    Ok(Some(joined(diff).await??))
}

/// Compares two contents. `deadline` bounds how long the smallest difference of the bodies is looked
/// for.
///
/// # Errors
///
/// When a content can't be written as JSON, which all can.
pub fn compare(from: &Content, to: &Content, deadline: Instant) -> Result<RevisionDiff> {
    let (mut before, mut after) = (values(from)?, values(to)?);
    let names: BTreeSet<String> = before.keys().chain(after.keys()).cloned().collect();
    let mut diff = RevisionDiff::default();
    for field in names {
        let before = before.remove(&field).unwrap_or_default();
        let after = after.remove(&field).unwrap_or_default();
        if before == after {
            continue;
        }
        match (before, after) {
            (Value::Array(before), Value::Array(after)) if !field.contains('.') => {
                diff.lists.push(ListChange::between(field, before, after));
            }
            (before, after) => diff.fields.push(FieldChange {
                field,
                before,
                after,
            }),
        }
    }
    if from.body != to.body {
        diff.body = Some(diff_body(&from.body, &to.body, deadline));
    }
    Ok(diff)
}

/// Everything a content says but its body, by name; what is grouped comes as `group.name`.
fn values(content: &Content) -> Result<Map<String, Value>> {
    let mut values = Map::new();
    let Value::Object(members) = serde_json::to_value(content)? else {
        return Ok(values);
    };
    for (name, value) in members {
        match value {
            Value::Object(members) if GROUPS.contains(&name.as_str()) => {
                let grouped = members.into_iter();
                values.extend(grouped.map(|(key, value)| (format!("{name}.{key}"), value)));
            }
            _ if name == "body" => {}
            value => {
                values.insert(name, value);
            }
        }
    }
    Ok(values)
}
