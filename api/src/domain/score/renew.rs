//! Keeping the scores of live posts up to date, without anybody asking.
//!
//! A post that says something else than when it was last assessed is assessed by the rubric. The
//! freshness of the others decays: when the rubric would give noticeably less, a new assessment
//! says so and repeats the other figures. A person's freshness stays for 30 days, and is never
//! raised: time does not make a post fresher.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use chrono::{DateTime, Utc};
use entity::{post, score};
use sea_orm::sea_query::{Expr, ExprTrait, Order, Query};
use sea_orm::{ActiveValue::Set, ConnectionTrait, EntityTrait};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::RUBRIC;
use super::assess::{A_PERSON_KNOWS_BETTER_FOR, assessed, read_subjects};
use super::rubric::judge;
use super::standing::{Due, Standing, read, select};
use crate::domain::actor::Actor;
use crate::domain::error::Result;
use crate::domain::permission::Action;
use crate::domain::post::{CurrentScore, lock_many};
use crate::domain::transaction::{Store, Transaction};
use crate::foundation::cache_tag::CacheTag;
use crate::foundation::thread::joined;
use crate::queue::{NewJob, Priority};

/// The kind of the jobs made by [`renewal`] and [`renewal_of_all`].
pub const JOB_KIND: &str = "assess_scores";

/// Posts in one transaction, with their bodies in memory.
const POSTS_AT_ONCE: usize = 100;

/// Posts that are looked at with one statement.
const POSTS_A_LOOK: u64 = 500;

/// What such a job is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct JobPayload {
    /// The posts to look at; every live one when absent.
    #[serde(default)]
    pub post_ids: Option<Vec<i64>>,
}

/// The job for posts that say something else than before.
pub fn renewal(post_ids: &[i64]) -> NewJob {
    NewJob {
        kind: JOB_KIND,
        payload: json!({ "postIds": post_ids }),
        unique_key: None,
        priority: Priority::Low,
        delay: Duration::ZERO,
    }
}

/// The job that looks at every live post.
pub fn renewal_of_all() -> NewJob {
    NewJob {
        payload: json!({}),
        unique_key: Some("all".into()),
        ..renewal(&[])
    }
}

/// What was done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Renewed {
    /// Live posts that were looked at.
    pub looked_at: u64,
    /// Posts that the rubric assessed.
    pub assessed: u64,
    /// Posts whose freshness has fallen.
    pub decayed: u64,
}

/// Looks at these posts, and does what is due.
///
/// # Errors
///
/// Those of the database.
pub async fn renew(store: &Store, post_ids: &[i64]) -> Result<Renewed> {
    let select = select()
        .and_where(Expr::col(("p", "id")).is_in(post_ids.iter().copied()))
        .to_owned();
    let standings = read(store, &select).await?;
    renew_standings(store, &standings).await
}

/// Looks at some of the live posts with keys above `after`, and does what is due. Answers the last
/// key that was looked at; none when there are no more.
///
/// # Errors
///
/// Those of the database.
pub async fn renew_from(store: &Store, after: i64) -> Result<(Renewed, Option<i64>)> {
    let select = select()
        .and_where(Expr::col(("p", "id")).gt(after))
        .limit(POSTS_A_LOOK)
        .to_owned();
    let standings = read(store, &select).await?;
    let last = standings.last().map(|standing| standing.post_id);
    Ok((renew_standings(store, &standings).await?, last))
}

async fn renew_standings(store: &Store, standings: &[Standing]) -> Result<Renewed> {
    let now = store.clock.now();
    let mut renewed = Renewed {
        looked_at: standings.len() as u64,
        ..Renewed::default()
    };
    let (mut to_assess, mut to_decay) = (Vec::new(), Vec::new());
    for standing in standings {
        match standing.due(now) {
            Due::Nothing => {}
            Due::Assessment => to_assess.push(standing),
            Due::Decay(figures) => to_decay.push((standing, figures)),
        }
    }
    for some in to_assess.chunks(POSTS_AT_ONCE) {
        let assessments = assess(store, some, now).await?;
        renewed.assessed += write(store, &assessments, Kind::Assessment).await?;
    }
    for some in to_decay.chunks(POSTS_AT_ONCE) {
        renewed.decayed += write(store, some, Kind::Decay).await?;
    }
    Ok(renewed)
}

/// Has the rubric look at posts. What it looks at never changes, so nothing is locked meanwhile.
async fn assess<'a>(
    store: &Store,
    standings: &[&'a Standing],
    now: DateTime<Utc>,
) -> Result<Vec<(&'a Standing, CurrentScore)>> {
    let contents: Vec<i64> = standings
        .iter()
        .map(|standing| standing.content_id)
        .collect();
    let reader = store.database.reader();
    let subjects = read_subjects(reader, &contents, now).await?;
    let judged = tokio::task::spawn_blocking(move || {
        let subjects = subjects.into_iter();
        subjects
            .map(|(content_id, subject)| (content_id, judge(&subject).score()))
            .collect()
    });
    let judged: HashMap<i64, CurrentScore> = joined(judged).await?;
    let by_person = by_person_lately(store, standings, now).await?;
    let mut assessments = Vec::new();
    for standing in standings {
        if let Some(figures) = judged.get(&standing.content_id) {
            let freshness = by_person.get(&standing.post_id).copied();
            let figures = CurrentScore {
                freshness: freshness.unwrap_or(figures.freshness),
                ..*figures
            };
            assessments.push((*standing, figures));
        }
    }
    Ok(assessments)
}

/// The freshness that people gave lately, by post.
async fn by_person_lately(
    store: &Store,
    standings: &[&Standing],
    now: DateTime<Utc>,
) -> Result<BTreeMap<i64, i16>> {
    let posts = standings.iter().map(|standing| standing.post_id);
    let select = Query::select()
        .columns(["post_id", "freshness"])
        .from(score::Entity)
        .and_where(Expr::col("post_id").is_in(posts))
        .and_where(Expr::col("automatic").eq(false))
        .and_where(Expr::col("assessed_at").gt(now - A_PERSON_KNOWS_BETTER_FOR))
        .order_by("assessed_at", Order::Asc)
        .order_by("id", Order::Asc)
        .to_owned();
    let rows = store.database.reader().query_all(&select).await?;
    // Of several the last one stays.
    let lately = rows
        .iter()
        .map(|row| Ok((row.try_get_by_index(0)?, row.try_get_by_index(1)?)));
    lately.collect()
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Assessment,
    /// Nobody did anything: it stands in the history of the score, not in the log of changes.
    Decay,
}

/// Writes assessments, and mirrors them on their posts. Left out are posts that something happened
/// to since they were looked at: another assessment, another content.
async fn write(
    store: &Store,
    assessments: &[(&Standing, CurrentScore)],
    kind: Kind,
) -> Result<u64> {
    let mut transaction = Transaction::begin(store, Actor::Worker, Action::Maintain).await?;
    let ids: Vec<i64> = assessments.iter().map(|(seen, _)| seen.post_id).collect();
    let posts = lock_many(&transaction, &ids).await?;
    let posts: HashMap<i64, post::Model> = posts.into_iter().map(|post| (post.id, post)).collect();
    let newest = newest(&transaction, &ids).await?;
    let now = transaction.now();
    let mut rows = Vec::new();
    let mut values = Vec::new();
    for (seen, figures) in assessments {
        let unchanged = newest.get(&seen.post_id).copied() == seen.newest_id();
        let post = posts.get(&seen.post_id).filter(|_| unchanged);
        let Some(post) = post.filter(|post| post.live_content == Some(seen.content_id)) else {
            continue;
        };
        let CurrentScore {
            quality,
            freshness,
            depth,
            clarity,
        } = *figures;
        let id = post.id;
        values.push(format!(
            "({id}, {quality}, {freshness}, {depth}, {clarity})"
        ));
        rows.push(score::ActiveModel {
            post_id: Set(id),
            quality: Set(quality),
            freshness: Set(freshness),
            depth: Set(depth),
            clarity: Set(clarity),
            assessor: Set(Some(RUBRIC.to_owned())),
            automatic: Set(true),
            assessed_at: Set(now),
            ..Default::default()
        });
        transaction.touch(CacheTag::Row("post", id));
        if kind == Kind::Assessment {
            let after = [quality, freshness, depth, clarity].map(Some);
            transaction.record(assessed(post, after, true));
        }
    }
    if rows.is_empty() {
        return Ok(0);
    }
    let written = rows.len() as u64;
    transaction.touch(CacheTag::List("post"));
    score::Entity::insert_many(rows)
        .exec_without_returning(transaction.connection())
        .await?;
    let mirror = format!(
        "UPDATE post SET quality = v.column2, freshness = v.column3, depth = v.column4, \
         clarity = v.column5 FROM (VALUES {}) AS v WHERE post.id = v.column1",
        values.join(", ")
    );
    let connection = transaction.connection();
    connection.execute_unprepared(&mirror).await?;
    transaction.commit().await?;
    Ok(written)
}

/// The newest assessment of each post that has one.
async fn newest(transaction: &Transaction<'_>, post_ids: &[i64]) -> Result<HashMap<i64, i64>> {
    let select = Query::select()
        .columns(["post_id", "id"])
        .from(score::Entity)
        .and_where(Expr::col("post_id").is_in(post_ids.iter().copied()))
        .order_by("assessed_at", Order::Asc)
        .order_by("id", Order::Asc)
        .to_owned();
    let rows = transaction.connection().query_all(&select).await?;
    let newest = rows
        .iter()
        .map(|row| Ok((row.try_get_by_index(0)?, row.try_get_by_index(1)?)));
    newest.collect()
}
