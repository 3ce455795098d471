//! Rolling a release back: its posts show what they showed before it, in one transaction.

use std::collections::HashSet;

use entity::{release, release_item};
use sea_orm::sea_query::Expr;
use sea_orm::{ActiveModelTrait, ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter};
use serde_json::json;

use super::conflict::Conflict;
use super::edit::touch;
use super::lock::{lock_named, lock_posts};
use super::obstacle::{Choice, LaterEdits, Obstacle, ObstacleKind};
use super::plan::{PlannedItem, Towards, read_items, taken_slugs};
use super::ship::switches;
use super::source::Source;
use super::{Release, ReleaseStatus};
use crate::domain::audit::AuditEvent;
use crate::domain::error::{Problem, Result};
use crate::domain::post::switch;
use crate::domain::transaction::Transaction;
use crate::domain::webhook::Announcement;

/// Restores what was live before a release shipped: what it replaced, nothing where nothing was
/// live, what it took out of sight. What was live before needs no new review.
///
/// A post that was changed since stands in the way until `later_edits` says what to do with it. All
/// of those that do are answered, and then nothing was written. A post that shows what it showed
/// before the release needs nothing and stands in nobody's way.
///
/// # Errors
///
/// [`Error::Refused`](crate::domain::error::Error::Refused) when there is no such release, it is not
/// shipped, an answer is for a post that it does not hold, or a slug is another post's by now.
pub async fn roll_back(
    transaction: &mut Transaction<'_>,
    id: i64,
    later_edits: &LaterEdits,
) -> Result<Vec<Obstacle>> {
    let release = lock_named(transaction, id, "id").await?;
    if release.status != ReleaseStatus::Shipped {
        let message = format!(
            "the release {}; only one that has shipped can be rolled back",
            release.status.in_words()
        );
        return Err(Problem::conflict("id", message).into());
    }
    let posts = lock_posts(transaction, id).await?;
    let source = Source::Change(transaction);
    let items = read_items(source, id, Towards::Replaced).await?;
    check_answers(&items, later_edits)?;

    let mut unanswered = Vec::new();
    let mut kept = Vec::new();
    let mut restored = Vec::new();
    for (index, planned) in items.iter().enumerate() {
        let kind = ObstacleKind::of(planned);
        let choice = later_edits.choice(planned.item.post_id);
        match (kind, choice) {
            (None, _) => restored.push((index, planned)),
            (Some(_), Some(Choice::KeepLater)) => kept.push(planned.item.post_id),
            (Some(kind), Some(Choice::Overwrite)) if kind.can_be_overwritten() => {
                restored.push((index, planned));
            }
            (Some(kind), _) => unanswered.push((kind, planned)),
        }
    }
    if !unanswered.is_empty() {
        return Obstacle::of_items(source, &unanswered).await;
    }
    let taken = taken_slugs(source, &restored).await?;
    if !taken.is_empty() {
        let problems: Vec<Problem> = taken.iter().map(Conflict::to_problem).collect();
        return Err(problems.into());
    }
    let moved = restored.into_iter().map(|(_, planned)| planned);
    switch(transaction, &switches(moved, posts)).await?;
    finish(transaction, &release, &kept).await?;
    Ok(Vec::new())
}

/// Refuses answers for posts that the release does not hold: they were meant for something else.
fn check_answers(items: &[PlannedItem], later_edits: &LaterEdits) -> Result<()> {
    let held: HashSet<i64> = items.iter().map(|planned| planned.item.post_id).collect();
    let answers = later_edits.of.iter().enumerate();
    let strange: Vec<Problem> = answers
        .filter(|(_, (post_id, _))| !held.contains(post_id))
        .map(|(index, _)| {
            Problem::not_found(format!("laterEdits[{index}].post"), "post in this release")
        })
        .collect();
    if strange.is_empty() {
        Ok(())
    } else {
        Err(strange.into())
    }
}

/// Writes down what was restored and what was kept.
async fn finish(transaction: &mut Transaction<'_>, release: &Release, kept: &[i64]) -> Result<()> {
    let of_posts = release_item::Column::PostId;
    for (restored, of_these) in [
        (true, of_posts.is_not_in(kept.iter().copied())),
        (false, of_posts.is_in(kept.iter().copied())),
    ] {
        release_item::Entity::update_many()
            .col_expr(release_item::Column::Restored, Expr::value(restored))
            .filter(release_item::Column::ReleaseId.eq(release.id))
            .filter(of_these)
            .exec(transaction.connection())
            .await?;
    }
    let row = release::ActiveModel {
        id: Set(release.id),
        status: Set(ReleaseStatus::RolledBack.as_str().to_owned()),
        rolled_back_at: Set(Some(transaction.now())),
        ..Default::default()
    };
    row.update(transaction.connection()).await?;
    touch(transaction, release.id);
    transaction.announce(Announcement::Release {
        release_id: release.id,
        name: release.details.name.clone(),
        rolled_back: true,
    });
    transaction.record(AuditEvent {
        action: "roll_back",
        subject: "release",
        subject_id: release.id,
        before: Some(json!({ "status": release.status.as_str() })),
        after: Some(json!({
            "status": ReleaseStatus::RolledBack.as_str(),
            "kept": kept,
        })),
    });
    Ok(())
}
