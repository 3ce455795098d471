//! Changing what belongs to a post itself and has no revisions: views, assessments, redirects,
//! dates, where it came from.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use entity::{post, redirect, score};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QueryOrder,
};

use super::prepare::{NewPost, NewScore};
use super::switch::mark;
use crate::domain::error::{Error, Problem, ProblemCode, Result};
use crate::domain::feed;
use crate::domain::score::RUBRIC;
use crate::domain::transaction::Transaction;
use crate::domain::webhook::{Announcement, PostChange};
use crate::foundation::cache_tag::CacheTag;

/// Brings a post up to what `stated` says of it. What is absent there is left alone, and so are
/// its revisions. An assessment that is known already is not added again; a redirect that leads to
/// another post stays there. Answers whether anything changed.
///
/// # Errors
///
/// [`Error::Refused`] when there is no such post.
pub async fn amend(
    transaction: &mut Transaction<'_>,
    post_id: i64,
    stated: &NewPost,
    view_count: Option<i64>,
) -> Result<bool> {
    let connection = transaction.connection();
    let found = post::Entity::find_by_id(post_id).one(connection).await?;
    let Some(before) = found else {
        let problem = Problem::new(ProblemCode::NotFound, "post", "there is no such post");
        return Err(Error::Refused(vec![problem]));
    };
    let mut after = before.clone();
    after.view_count = view_count.unwrap_or(before.view_count);
    after.created_at = stated.created_at.unwrap_or(before.created_at);
    after.published_at = stated.published_at.or(before.published_at);
    after.source_id = before
        .source_id
        .clone()
        .or_else(|| stated.source_id.clone());
    after.generator = stated.generator.clone().or(after.generator);
    after.source_hash = stated.source_hash.clone().or(after.source_hash);

    let assessed = assess(transaction, post_id, &stated.scores).await?;
    if let Some(newest) = &assessed {
        after.quality = Some(newest.quality);
        after.freshness = Some(newest.freshness);
        after.depth = Some(newest.depth);
        after.clarity = Some(newest.clarity);
    }
    let redirected = redirect_to(transaction, post_id, &stated.redirects).await?;
    let only_counted = post::Model {
        view_count: after.view_count,
        ..before.clone()
    } == after;
    if after != before {
        let row = post::ActiveModel {
            id: Set(post_id),
            view_count: Set(after.view_count),
            created_at: Set(after.created_at),
            published_at: Set(after.published_at),
            source_id: Set(after.source_id.clone()),
            generator: Set(after.generator.clone()),
            source_hash: Set(after.source_hash.clone()),
            quality: Set(after.quality),
            freshness: Set(after.freshness),
            depth: Set(after.depth),
            clarity: Set(after.clarity),
            ..Default::default()
        };
        row.update(transaction.connection()).await?;
    }
    if after.published_at != before.published_at
        && let Some(live) = before.live_content
    {
        mark(transaction, &[&[live]]).await?;
        transaction.enqueue(feed::job());
    }
    // Counters are as old as a cache lets them be.
    if !only_counted || assessed.is_some() || redirected {
        transaction.touch(CacheTag::Row("post", post_id));
        transaction.touch(CacheTag::List("post"));
        if let Some(live) = before.live_content {
            transaction.announce(Announcement::Post {
                post_id,
                change: PostChange::Amended { live },
            });
        }
    }
    Ok(after != before || assessed.is_some() || redirected)
}

/// Adds the assessments that are not known yet, and answers what is the newest then; nothing when
/// all of them are known.
async fn assess(
    transaction: &Transaction<'_>,
    post_id: i64,
    stated: &[NewScore],
) -> Result<Option<score::Model>> {
    if stated.is_empty() {
        return Ok(None);
    }
    let newest_first = || {
        score::Entity::find()
            .filter(score::Column::PostId.eq(post_id))
            .order_by_desc(score::Column::AssessedAt)
            .order_by_desc(score::Column::Id)
    };
    let known = newest_first().all(transaction.connection()).await?;
    let last = stated.len() - 1;
    let missing = stated.iter().enumerate().filter(|(index, score)| {
        // Without a time, the last of the list is the current one: an older one like it is not it.
        let candidates = if *index == last && score.assessed_at.is_none() {
            &known[..known.len().min(1)]
        } else {
            &known[..]
        };
        !candidates.iter().any(|row| is_same(row, score))
    });
    let now = transaction.now();
    let rows: Vec<score::ActiveModel> =
        missing.map(|(_, score)| row(post_id, score, now)).collect();
    if rows.is_empty() {
        return Ok(None);
    }
    score::Entity::insert_many(rows)
        .exec_without_returning(transaction.connection())
        .await?;
    Ok(newest_first().one(transaction.connection()).await?)
}

/// The row of an assessment.
pub(super) fn row(post_id: i64, score: &NewScore, now: DateTime<Utc>) -> score::ActiveModel {
    score::ActiveModel {
        post_id: Set(post_id),
        quality: Set(score.quality),
        freshness: Set(score.freshness),
        depth: Set(score.depth),
        clarity: Set(score.clarity),
        automatic: Set(score.assessor.as_deref() == Some(RUBRIC)),
        assessor: Set(score.assessor.clone()),
        assessed_at: Set(score.assessed_at.unwrap_or(now)),
        ..Default::default()
    }
}

fn is_same(row: &score::Model, score: &NewScore) -> bool {
    (row.quality, row.freshness, row.depth, row.clarity)
        == (score.quality, score.freshness, score.depth, score.clarity)
        && row.assessor == score.assessor
        && score.assessed_at.is_none_or(|time| {
            // The precision that both databases keep.
            time.timestamp_micros() == row.assessed_at.timestamp_micros()
        })
}

/// Leads paths to the post that lead nowhere yet. Answers whether there were any.
async fn redirect_to(
    transaction: &mut Transaction<'_>,
    post_id: i64,
    paths: &[String],
) -> Result<bool> {
    if paths.is_empty() {
        return Ok(false);
    }
    let known = redirect::Entity::find()
        .filter(redirect::Column::FromPath.is_in(paths))
        .all(transaction.connection())
        .await?;
    let mut known: HashSet<String> = known.into_iter().map(|row| row.from_path).collect();
    let created_at = transaction.now();
    let missing = paths.iter().filter(|path| known.insert((*path).clone()));
    let rows: Vec<redirect::ActiveModel> = missing
        .map(|path| redirect::ActiveModel {
            from_path: Set(path.clone()),
            post_id: Set(post_id),
            created_at: Set(created_at),
            ..Default::default()
        })
        .collect();
    if rows.is_empty() {
        return Ok(false);
    }
    redirect::Entity::insert_many(rows)
        .exec_without_returning(transaction.connection())
        .await?;
    transaction.touch(CacheTag::List("redirect"));
    Ok(true)
}
