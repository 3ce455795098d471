//! Ticks of checklist items: who did a step, and when. They belong to the post and are not
//! versioned; an item keeps its tick when its text is reworded.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use entity::{checklist_tick, post_content};
use sea_orm::sea_query::{Expr, ExprTrait, JoinType, OnConflict, Query};
use sea_orm::{ActiveValue::Set, EntityTrait, QuerySelect};
use serde_json::json;

use super::checklist::ChecklistItem;
use super::lock::lock;
use crate::domain::actor::Actor;
use crate::domain::audit::AuditEvent;
use crate::domain::error::{Problem, Result};
use crate::domain::permission::{self, Action};
use crate::domain::perspective::Reader;
use crate::domain::transaction::Transaction;

/// A tick of an item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tick {
    /// The item.
    pub item_id: String,
    /// The name of the user; absent when the command line did it.
    pub by: Option<String>,
    /// When.
    pub at: DateTime<Utc>,
}

/// Ticks an item of the newest revision. One that is ticked keeps its first tick.
///
/// # Errors
///
/// [`Error::Refused`](crate::domain::error::Error::Refused) when there is no such post or item.
pub async fn tick(transaction: &mut Transaction<'_>, post_id: i64, item_id: &str) -> Result<()> {
    check(transaction, post_id, item_id).await?;
    let row = checklist_tick::ActiveModel {
        post_id: Set(post_id),
        item_id: Set(item_id.to_owned()),
        ticked_by: Set(transaction.actor().user_id()),
        ticked_at: Set(transaction.now()),
    };
    let ticked = checklist_tick::Entity::insert(row)
        .on_conflict(
            OnConflict::columns([
                checklist_tick::Column::PostId,
                checklist_tick::Column::ItemId,
            ])
            .do_nothing()
            .to_owned(),
        )
        .exec_without_returning(transaction.connection())
        .await?;
    if ticked > 0 {
        record(transaction, "tick", post_id, item_id);
    }
    Ok(())
}

/// Takes the tick of an item of the newest revision away.
///
/// # Errors
///
/// [`Error::Refused`](crate::domain::error::Error::Refused) when there is no such post or item.
pub async fn untick(transaction: &mut Transaction<'_>, post_id: i64, item_id: &str) -> Result<()> {
    check(transaction, post_id, item_id).await?;
    let deleted = checklist_tick::Entity::delete_by_id((post_id, item_id.to_owned()))
        .exec(transaction.connection())
        .await?;
    if deleted.rows_affected > 0 {
        record(transaction, "untick", post_id, item_id);
    }
    Ok(())
}

/// The ticks of each post, for those who may read drafts; nobody else is told of any.
///
/// # Errors
///
/// Those of the database.
pub async fn ticks(
    reader: &Reader,
    actor: Actor,
    post_ids: &[i64],
) -> Result<HashMap<i64, Vec<Tick>>> {
    let mut found: HashMap<i64, Vec<Tick>> = HashMap::new();
    if permission::check(actor, Action::ReadDrafts).is_err() {
        return Ok(found);
    }
    let select = Query::select()
        .columns([("t", "post_id"), ("t", "item_id")])
        .column(("u", "name"))
        .column(("t", "ticked_at"))
        .from_as("checklist_tick", "t")
        .join_as(
            JoinType::LeftJoin,
            "user",
            "u",
            Expr::col(("u", "id")).equals(("t", "ticked_by")),
        )
        .and_where(Expr::col(("t", "post_id")).is_in(post_ids.iter().copied()))
        .to_owned();
    for row in reader.rows(&select).await? {
        let ticks = found.entry(row.try_get_by_index(0)?).or_default();
        ticks.push(Tick {
            item_id: row.try_get_by_index(1)?,
            by: row.try_get_by_index(2)?,
            at: row.try_get_by_index(3)?,
        });
    }
    Ok(found)
}

async fn check(transaction: &Transaction<'_>, post_id: i64, item_id: &str) -> Result<()> {
    let post = lock(transaction, post_id).await?;
    let checklist: Option<serde_json::Value> = post_content::Entity::find_by_id(post.head_content)
        .select_only()
        .column(post_content::Column::Checklist)
        .into_tuple()
        .one(transaction.connection())
        .await?;
    let items: Vec<ChecklistItem> = serde_json::from_value(checklist.unwrap_or_else(|| json!([])))?;
    if items.iter().any(|item| item.id == item_id) {
        return Ok(());
    }
    Err(Problem::not_found("item", "item in the checklist of the newest revision").into())
}

fn record(transaction: &mut Transaction<'_>, action: &'static str, post_id: i64, item_id: &str) {
    let (item, ticked) = (json!({ "item": item_id }), action == "tick");
    transaction.record(AuditEvent {
        action,
        subject: "post",
        subject_id: post_id,
        before: (!ticked).then(|| item.clone()),
        after: ticked.then_some(item),
    });
}
