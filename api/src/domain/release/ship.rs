//! Shipping a release: all of its posts change what is live, in one transaction.

use std::collections::HashMap;

use entity::{post, release};
use sea_orm::sea_query::{Expr, ExprTrait, Query};
use sea_orm::{ActiveModelTrait, ActiveValue::Set, ConnectionTrait};
use serde_json::json;

use super::edit::touch;
use super::lock::{lock_named, lock_posts};
use super::plan::{Plan, PlannedItem};
use super::source::Source;
use super::{Release, ReleaseStatus};
use crate::domain::audit::AuditEvent;
use crate::domain::error::Result;
use crate::domain::post::{Switch, switch};
use crate::domain::transaction::Transaction;
use crate::domain::webhook::Announcement;

/// Ships a release now, scheduled or not.
///
/// # Errors
///
/// [`Error::Refused`](crate::domain::error::Error::Refused) with everything that stands in its way.
pub async fn ship(transaction: &mut Transaction<'_>, id: i64) -> Result<()> {
    let release = lock_named(transaction, id, "id").await?;
    let (plan, posts) = prepare(transaction, release).await?;
    let problems = plan.problems();
    if !problems.is_empty() {
        return Err(problems.into());
    }
    go_live(transaction, &plan, posts).await
}

/// The plan of a release that is locked, with its posts, which are locked then too.
pub(super) async fn prepare(
    transaction: &Transaction<'_>,
    release: Release,
) -> Result<(Plan, Vec<post::Model>)> {
    let posts = lock_posts(transaction, release.id).await?;
    let source = Source::Change(transaction);
    let plan = Plan::read(source, release, transaction.review_required()).await?;
    Ok((plan, posts))
}

/// Does what a plan without conflicts says.
pub(super) async fn go_live(
    transaction: &mut Transaction<'_>,
    plan: &Plan,
    posts: Vec<post::Model>,
) -> Result<()> {
    let release = &plan.release;
    remember_live(transaction, release.id).await?;
    switch(transaction, &switches(&plan.items, posts)).await?;
    let row = release::ActiveModel {
        id: Set(release.id),
        status: Set(ReleaseStatus::Shipped.as_str().to_owned()),
        shipped_at: Set(Some(transaction.now())),
        ship_at: Set(None),
        ship_failed_at: Set(None),
        ship_problems: Set(None),
        ..Default::default()
    };
    row.update(transaction.connection()).await?;
    touch(transaction, release.id);
    transaction.announce(Announcement::Release {
        release_id: release.id,
        name: release.details.name.clone(),
        rolled_back: false,
    });
    let items: Vec<_> = plan
        .items
        .iter()
        .map(|planned| {
            json!({
                "post": planned.item.post_id,
                "liveBefore": planned.post.as_ref().and_then(|post| post.live),
                "live": planned.item.revision_id,
            })
        })
        .collect();
    transaction.record(AuditEvent {
        action: "ship",
        subject: "release",
        subject_id: release.id,
        before: Some(json!({ "status": release.status.as_str() })),
        after: Some(json!({ "status": ReleaseStatus::Shipped.as_str(), "items": items })),
    });
    Ok(())
}

/// The posts of items with what is to be live of each.
pub(super) fn switches<'a>(
    items: impl IntoIterator<Item = &'a PlannedItem>,
    posts: Vec<post::Model>,
) -> Vec<Switch> {
    let mut posts: HashMap<i64, post::Model> =
        posts.into_iter().map(|post| (post.id, post)).collect();
    items
        .into_iter()
        .filter_map(|planned| {
            Some(Switch {
                post: posts.remove(&planned.item.post_id)?,
                to: planned.wanted,
            })
        })
        .collect()
}

/// Writes down what is live of each post, for a rollback to restore.
async fn remember_live(transaction: &Transaction<'_>, release_id: i64) -> Result<()> {
    let live = Query::select()
        .column(("p", "live_content"))
        .from_as("post", "p")
        .and_where(Expr::col(("p", "id")).equals(("release_item", "post_id")))
        .to_owned();
    let update = Query::update()
        .table("release_item")
        .value(
            "replaced_content",
            Expr::SubQuery(None, Box::new(live.into())),
        )
        .and_where(Expr::col("release_id").eq(release_id))
        .to_owned();
    transaction.connection().execute(&update).await?;
    Ok(())
}
