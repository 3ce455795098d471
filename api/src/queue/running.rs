//! What else of a kind runs, for handlers that have to give way to each other.

use entity::job;
use sea_orm::sea_query::{Expr, ExprTrait, Query};
use sea_orm::{ConnectionTrait, DbErr};
use serde_json::Value;

use super::claim::{in_status, reader};
use crate::foundation::database::Database;

/// The payloads of the jobs of a kind that run, in whatever process, and began before the job `id`
/// did. Of two jobs that run at once, just one sees the other. Empty when the job itself does not
/// run any more.
///
/// # Errors
///
/// Those of the database.
pub async fn running_before(database: &Database, kind: &str, id: i64) -> Result<Vec<Value>, DbErr> {
    let select = Query::select()
        .columns([
            job::Column::Id,
            job::Column::StartedAt,
            job::Column::Payload,
        ])
        .from(job::Entity)
        .and_where(in_status("running"))
        .and_where(Expr::col(job::Column::Kind).eq(kind))
        .to_owned();
    let mut own = None;
    let mut others = Vec::new();
    for row in reader(database).query_all(&select).await? {
        let place: (Option<i64>, i64) = (row.try_get("", "started_at")?, row.try_get("", "id")?);
        if place.1 == id {
            own = Some(place);
        } else {
            others.push((place, row.try_get("", "payload")?));
        }
    }
    let before = others.into_iter().filter(|(place, _)| Some(*place) < own);
    Ok(before.map(|(_, payload)| payload).collect())
}
