//! Carrying out many plans at once, when many are due at the same time.
//!
//! Each plan has a job of its own, which carries it out alone. A transaction a post would take too
//! long for a thousand posts, so the first of these jobs carries out all that it can in a few
//! transactions; the others find nothing to do. What stands in the way of a plan is left to its own
//! job, which says so.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use entity::{post_schedule, user};
use sea_orm::sea_query::{Expr, ExprTrait, JoinType, Order, Query};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter};

use super::content::RevisionStatus;
use super::lock::lock_many;
use super::publish::ReviewStanding;
use super::schedule::{self, JobPayload, is_trusted};
use super::switch::{Switch, switch};
use crate::domain::error::Result;
use crate::domain::transaction::{Store, Transaction};

/// Plans in one transaction: few enough that nobody waits long for the write lock of SQLite.
const AT_ONCE: u64 = 100;

/// Plans that are due when a job is, the longest due first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Due {
    /// Whether the plan of the job is one of them.
    pub own: bool,
    /// The posts; not all of them when there are very many.
    pub post_ids: Vec<i64>,
}

/// What is due by the time of a job: a time that came for the job came for every plan of this time
/// and of earlier ones. A job that somebody runs before its time is about its own plan alone.
///
/// # Errors
///
/// Those of the database.
pub async fn due(store: &Store, JobPayload { post_id, time }: JobPayload) -> Result<Due> {
    let time = DateTime::from_timestamp_micros(time).unwrap_or(DateTime::UNIX_EPOCH);
    // Written as the index has it.
    let due_at = Expr::cust("COALESCE(publish_at, unpublish_at)");
    let all = Query::select()
        .column("post_id")
        .from("post_schedule")
        .and_where(due_at.clone().lte(time))
        .order_by_expr(due_at, Order::Asc)
        .order_by("post_id", Order::Asc)
        .limit(AT_ONCE)
        .to_owned();
    let own = Query::select()
        .column("post_id")
        .from("post_schedule")
        .and_where(Expr::col("post_id").eq(post_id))
        .and_where(
            Expr::col("publish_at")
                .eq(time)
                .or(Expr::col("unpublish_at").eq(time)),
        )
        .to_owned();
    let reader = store.database.reader();
    let rows = match time <= store.clock.now() {
        true => reader.query_all(&all).await?,
        false => Vec::new(),
    };
    let post_ids: Result<Vec<i64>, _> = rows.iter().map(|row| row.try_get_by_index(0)).collect();
    Ok(Due {
        own: reader.query_one(&own).await?.is_some(),
        post_ids: post_ids?,
    })
}

/// Carries out the plans of these posts that are due by the time of a job, in as many statements
/// for a hundred as for one. Left out is what may not be done any more. Answers how many it carried
/// out.
///
/// # Errors
///
/// Those of the database.
pub async fn carry_out_many(
    transaction: &mut Transaction<'_>,
    post_ids: &[i64],
    time: i64,
) -> Result<usize> {
    let posts = lock_many(transaction, post_ids).await?;
    // Only now, for they may have been moved while we waited for the posts.
    let plans = post_schedule::Entity::find()
        .filter(post_schedule::Column::PostId.is_in(post_ids.iter().copied()))
        .all(transaction.connection())
        .await?;
    let standings = standings(transaction, &plans).await?;
    let trusted = trusted_planners(transaction, &plans).await?;
    let plans: HashMap<i64, post_schedule::Model> =
        plans.into_iter().map(|plan| (plan.post_id, plan)).collect();
    let is_due = |planned: Option<DateTime<Utc>>| {
        planned.is_some_and(|planned| planned.timestamp_micros() <= time)
    };

    let (mut switches, mut live_already, mut hidden_already) = (Vec::new(), vec![], vec![]);
    for post in posts {
        let Some(plan) = plans.get(&post.id) else {
            continue;
        };
        if is_due(plan.publish_at) {
            let is_trusted = plan.scheduled_by.is_none_or(|id| trusted.contains(&id));
            let standing = standings.get(&(post.id, plan.revision_id));
            let may = standing.is_some_and(|standing| {
                standing.objection(transaction.review_required()).is_none()
            });
            if post.live_content == Some(plan.revision_id) {
                live_already.push(post.id);
            } else if may && is_trusted && post.trashed_at.is_none() {
                let to = Some(plan.revision_id);
                switches.push(Switch { post, to });
            }
        } else if is_due(plan.unpublish_at) {
            match post.live_content {
                Some(_) => switches.push(Switch { post, to: None }),
                None => hidden_already.push(post.id),
            }
        }
    }
    switch(transaction, &switches).await?;
    schedule::published(transaction, &live_already).await?;
    schedule::forget(transaction, &hidden_already).await?;
    Ok(switches.len() + live_already.len() + hidden_already.len())
}

/// How the revisions of plans stand, by post and revision.
async fn standings(
    transaction: &Transaction<'_>,
    plans: &[post_schedule::Model],
) -> Result<HashMap<(i64, i64), ReviewStanding>> {
    let publication = Query::select()
        .expr(Expr::cust("1"))
        .from_as("publication", "b")
        .and_where(Expr::col(("b", "content_id")).equals(("c", "id")))
        .to_owned();
    let select = Query::select()
        .columns([("c", "post_id"), ("c", "id"), ("c", "needs_human_review")])
        .column(("r", "status"))
        .expr(Expr::exists(publication))
        .from_as("post_content", "c")
        .join_as(
            JoinType::InnerJoin,
            "revision",
            "r",
            Expr::col(("r", "id")).equals(("c", "id")),
        )
        .and_where(Expr::col(("c", "id")).is_in(plans.iter().map(|plan| plan.revision_id)))
        .to_owned();
    let rows = transaction.connection().query_all(&select).await?;
    let standings = rows.iter().map(|row| {
        let status: String = row.try_get_by_index(3)?;
        let standing = ReviewStanding {
            status: RevisionStatus::from_word(&status).unwrap_or_default(),
            needs_human_review: row.try_get_by_index(2)?,
            was_live: row.try_get_by_index(4)?,
        };
        Ok((
            (row.try_get_by_index(0)?, row.try_get_by_index(1)?),
            standing,
        ))
    });
    standings.collect()
}

/// Those who planned something, and are still trusted with it.
async fn trusted_planners(
    transaction: &Transaction<'_>,
    plans: &[post_schedule::Model],
) -> Result<HashSet<i64>> {
    let planners: HashSet<i64> = plans.iter().filter_map(|plan| plan.scheduled_by).collect();
    let users = user::Entity::find()
        .filter(user::Column::Id.is_in(planners))
        .all(transaction.connection())
        .await?;
    let trusted = users.into_iter().filter(is_trusted);
    Ok(trusted.map(|user| user.id).collect())
}
