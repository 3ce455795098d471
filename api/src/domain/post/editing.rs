//! What editors see of a post beside what it says: whose it is, which revisions count, what is
//! planned.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use sea_orm::sea_query::{Expr, ExprTrait, JoinType, Query};

use crate::domain::error::Result;
use crate::domain::perspective::Reader;

/// What editors see of a post beside what it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Editing {
    /// The user it belongs to.
    pub owner_id: Option<i64>,
    /// The revision that editors go on with.
    pub head: i64,
    /// The revision that the public sees.
    pub live: Option<i64>,
    /// Since when it is in the trash.
    pub trashed_at: Option<DateTime<Utc>>,
    /// What is planned for it.
    pub schedule: Option<Schedule>,
}

/// What is planned for a post.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// The revision that goes, or went, live by this plan.
    pub revision_id: i64,
    /// When it goes live; none when that is done or not planned.
    pub publish_at: Option<DateTime<Utc>>,
    /// When the post goes out of sight.
    pub unpublish_at: Option<DateTime<Utc>>,
    /// When the plan was made.
    pub scheduled_at: DateTime<Utc>,
}

/// What editors see of each post. Whether the caller may see it is for whoever calls this to
/// decide.
///
/// # Errors
///
/// Those of the database.
pub async fn editing(reader: &Reader, post_ids: &[i64]) -> Result<HashMap<i64, Editing>> {
    let select = Query::select()
        .columns([
            ("p", "id"),
            ("p", "owner_id"),
            ("p", "head_content"),
            ("p", "live_content"),
            ("p", "trashed_at"),
            ("s", "revision_id"),
            ("s", "publish_at"),
            ("s", "unpublish_at"),
            ("s", "scheduled_at"),
        ])
        .from_as("post", "p")
        .join_as(
            JoinType::LeftJoin,
            "post_schedule",
            "s",
            Expr::col(("s", "post_id")).equals(("p", "id")),
        )
        .and_where(Expr::col(("p", "id")).is_in(post_ids.iter().copied()))
        .to_owned();
    let mut found = HashMap::new();
    for row in reader.rows(&select).await? {
        let planned: Option<i64> = row.try_get_by_index(5)?;
        let schedule = match planned {
            None => None,
            Some(revision_id) => Some(Schedule {
                revision_id,
                publish_at: row.try_get_by_index(6)?,
                unpublish_at: row.try_get_by_index(7)?,
                scheduled_at: row.try_get_by_index(8)?,
            }),
        };
        let editing = Editing {
            owner_id: row.try_get_by_index(1)?,
            head: row.try_get_by_index(2)?,
            live: row.try_get_by_index(3)?,
            trashed_at: row.try_get_by_index(4)?,
            schedule,
        };
        found.insert(row.try_get_by_index(0)?, editing);
    }
    Ok(found)
}
