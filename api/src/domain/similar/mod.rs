//! Posts that resemble a post, and why.
//!
//! # How much two live posts resemble each other
//!
//! ```text
//! weight = sum of rarity(w) over every tool, stack and named entity w that both have
//!        + 0.5   when both have the same code language
//!        + 0.25  when both have the same difficulty
//!        + 2 * (words in both) / sqrt(words in one * words in the other)
//!
//! rarity(w) = ln(1 + live posts / live posts with w)
//! ```
//!
//! Something that is a tool and a stack and an entity under one name counts once, as the rarest of
//! them. The words are those of title, topic and summary, each once, without the commonest. Rarity
//! is counted over the newest 10,000 live posts: exactly on most sites, and at a bounded cost on
//! the largest.
//!
//! # Which posts are compared
//!
//! Of the things a post has, from the rarest to the commonest and its code language last, the 200
//! newest live posts with each, until there are 600. The 100 that share most of these things are
//! compared in full, the best 10 are kept; of equals the newest. What a post is compared with
//! depends on nothing but the live posts, so computing it again gives the same rows.
//!
//! # Who is computed again when a post changes
//!
//! The post itself; those that list it now, which may have to let it go; and the 50 it resembles
//! most, which may have to take it in. That is where it stops: the neighbours' own neighbours see
//! the same post there as before. [`recompute`] names the neighbours and enqueues nothing.

mod candidates;
mod profile;
mod resemblance;
mod vocabulary;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use entity::similar_post;
use sea_orm::sea_query::{Expr, ExprTrait, JoinType, Order, Query};
use sea_orm::{ConnectionTrait, DatabaseTransaction};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest, Sha256};

use self::profile::{By, Profile};
use self::resemblance::Resemblance;
use self::vocabulary::Vocabulary;
use super::error::Result;
use super::perspective::{Perspective, Reader};
use super::taxonomy::Taxonomy;
use super::transaction::Transaction;
use crate::foundation::database::Dialect;
use crate::queue::{NewJob, Priority};

/// The most similar posts a post has.
pub const MOST: u16 = 10;

/// So many of the best matches of a changed post are neighbours of it.
const NEIGHBOURS: usize = 50;

/// What two posts have in common.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// What kind of thing it is.
    pub kind: ReasonKind,
    /// What it is called.
    pub name: String,
}

/// What kind of thing two posts have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReasonKind {
    /// A tool.
    Tool,
    /// A part of the stack.
    Stack,
    /// A named entity.
    Entity,
    /// The language most of the code is in.
    CodeLanguage,
    /// Who it is written for.
    Difficulty,
}

impl From<Taxonomy> for ReasonKind {
    fn from(taxonomy: Taxonomy) -> Self {
        match taxonomy {
            Taxonomy::Tool => Self::Tool,
            Taxonomy::Stack => Self::Stack,
            Taxonomy::Entity => Self::Entity,
        }
    }
}

/// One line of a post's list of similar posts.
#[derive(Clone, Debug, PartialEq)]
pub struct SimilarPost {
    /// The post whose list it is.
    pub post_id: i64,
    /// The post that resembles it.
    pub similar_post_id: i64,
    /// Its place in the list, from 0.
    pub position: i16,
    /// How much the two resemble each other.
    pub weight: f64,
    /// What they have in common, strongest first, at most five.
    pub reasons: Vec<Reason>,
}

/// The lists of several posts, in one statement: the first `first` lines of each, in order. They are
/// computed from what is live; a post that is not in sight is left out even before they are computed
/// again.
///
/// # Errors
///
/// Those of the database.
pub async fn of(reader: &Reader, post_ids: &[i64], first: u16) -> Result<Vec<SimilarPost>> {
    let mut select = Query::select();
    select
        .columns(
            [
                "post_id",
                "similar_post_id",
                "position",
                "weight",
                "reasons",
            ]
            .map(|column| ("similar_post", column)),
        )
        .from("similar_post")
        .and_where(Expr::col(("similar_post", "post_id")).is_in(post_ids.iter().copied()))
        .and_where(Expr::col(("similar_post", "position")).lt(i32::from(first)))
        .order_by(("similar_post", "post_id"), Order::Asc)
        .order_by(("similar_post", "position"), Order::Asc);
    let other = ("similar_post", "similar_post_id");
    match reader.perspective() {
        Perspective::Published => select
            .inner_join("post", Expr::col(("post", "id")).equals(other))
            .and_where(Expr::col(("post", "live_content")).is_not_null()),
        perspective => {
            let is_other = Expr::col(("s", "post_id")).equals(other);
            select.join_subquery(JoinType::InnerJoin, perspective.seen(), "s", is_other)
        }
    };
    let rows = reader.rows(&select).await?;
    rows.iter()
        .map(|row| {
            let reasons: serde_json::Value = row.try_get("", "reasons")?;
            Ok(SimilarPost {
                post_id: row.try_get("", "post_id")?,
                similar_post_id: row.try_get("", "similar_post_id")?,
                position: row.try_get("", "position")?,
                weight: row.try_get("", "weight")?,
                reasons: serde_json::from_value(reasons)?,
            })
        })
        .collect()
}

/// The kind of the jobs made by [`job`].
pub const JOB_KIND: &str = "similar_posts";

/// What such a job is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct JobPayload {
    /// The posts that changed.
    pub post_ids: Vec<i64>,
}

/// The job for posts that were published, unpublished or changed while live. After a bulk load,
/// ask for it when all of it is written: posts are only compared with what is there.
pub fn job(post_ids: &[i64]) -> NewJob {
    let post_ids: BTreeSet<i64> = post_ids.iter().copied().collect();
    let mut hash = Sha256::new();
    for id in &post_ids {
        hash.update(id.to_be_bytes());
    }
    NewJob {
        kind: JOB_KIND,
        payload: json!({ "postIds": post_ids }),
        unique_key: Some(BASE64_URL_SAFE_NO_PAD.encode(hash.finalize())),
        // Nobody waits for it, as they do for what is to be published or announced.
        priority: Priority::Low,
        delay: Duration::ZERO,
    }
}

/// Computes the lists of these posts from scratch; a post that is not live loses its own and its
/// place in those of others. Answers their neighbours, whose lists may have changed with them:
/// first those that listed them until now, then the best matches.
///
/// Answers made from the old lists stay as they are: similar posts are as old as the cache rule
/// allows.
///
/// # Errors
///
/// Those of the database.
pub async fn recompute(transaction: &Transaction<'_>, post_ids: &[i64]) -> Result<Vec<i64>> {
    let connection = transaction.connection();
    one_at_a_time(connection, transaction.dialect()).await?;

    let posts = profile::load(connection, By::Post, post_ids).await?;
    let mut neighbours = listing(connection, post_ids).await?;
    let live: BTreeSet<i64> = posts.iter().map(|post| post.post_id).collect();
    forget(connection, post_ids, &live).await?;

    let vocabulary = Vocabulary::of(connection, &posts).await?;
    let candidates = candidates::of(connection, &vocabulary, &posts).await?;
    let wanted: BTreeSet<i64> = candidates.values().flatten().copied().collect();
    let wanted: Vec<i64> = wanted.into_iter().collect();
    let others: BTreeMap<i64, Profile> = profile::load(connection, By::Content, &wanted)
        .await?
        .into_iter()
        .map(|other| (other.content_id, other))
        .collect();

    let mut rows = Vec::new();
    let mut matches = Vec::new();
    for post in &posts {
        let mut ranked: Vec<(&Profile, Resemblance)> = candidates
            .get(&post.post_id)
            .into_iter()
            .flatten()
            .filter_map(|content_id| others.get(content_id))
            .map(|other| (other, vocabulary.resemblance(post, other)))
            .filter(|(_, resemblance)| !resemblance.reasons.is_empty())
            .collect();
        ranked.sort_by(|(left, left_weighs), (right, right_weighs)| {
            let newness = |profile: &Profile| (profile.published_at, profile.post_id);
            let by_weight = right_weighs.weight.total_cmp(&left_weighs.weight);
            by_weight.then_with(|| newness(right).cmp(&newness(left)))
        });
        matches.extend(
            ranked
                .iter()
                .take(NEIGHBOURS)
                .enumerate()
                .map(|(rank, (other, _))| (rank, other.post_id)),
        );
        for (position, (other, resemblance)) in (0..).zip(ranked).take(usize::from(MOST)) {
            rows.push(SimilarPost {
                post_id: post.post_id,
                similar_post_id: other.post_id,
                position,
                weight: resemblance.weight,
                reasons: resemblance.reasons,
            });
        }
    }
    write(connection, &rows).await?;

    matches.sort_unstable();
    neighbours.extend(matches.into_iter().map(|(_, post_id)| post_id));
    let mut seen: BTreeSet<i64> = post_ids.iter().copied().collect();
    neighbours.retain(|post_id| seen.insert(*post_id));
    Ok(neighbours)
}

/// Lets nobody else compute until this transaction ends, so that lists computed from what was true
/// earlier never replace newer ones. On SQLite every transaction that writes is alone anyway.
async fn one_at_a_time(connection: &DatabaseTransaction, dialect: Dialect) -> Result<()> {
    if dialect == Dialect::Postgres {
        connection
            .execute_unprepared("SELECT pg_advisory_xact_lock(hashtext('similar_post'))")
            .await?;
    }
    Ok(())
}

/// Posts that list one of these now, at most as many as it can have as best matches.
async fn listing(connection: &DatabaseTransaction, post_ids: &[i64]) -> Result<Vec<i64>> {
    let limit = u64::try_from(post_ids.len() * NEIGHBOURS).unwrap_or(u64::MAX);
    let select = Query::select()
        .distinct()
        .column("post_id")
        .from(similar_post::Entity)
        .and_where(Expr::col("similar_post_id").is_in(post_ids.iter().copied()))
        .order_by("post_id", Order::Desc)
        .limit(limit)
        .to_owned();
    let rows = connection.query_all(&select).await?;
    rows.iter()
        .map(|row| Ok(row.try_get("", "post_id")?))
        .collect()
}

/// Removes the lists of these posts, and those of them that are not live from all lists.
async fn forget(
    connection: &DatabaseTransaction,
    post_ids: &[i64],
    live: &BTreeSet<i64>,
) -> Result<()> {
    let gone = post_ids.iter().copied().filter(|id| !live.contains(id));
    let delete = Query::delete()
        .from_table(similar_post::Entity)
        .and_where(
            Expr::col("post_id")
                .is_in(post_ids.iter().copied())
                .or(Expr::col("similar_post_id").is_in(gone)),
        )
        .to_owned();
    connection.execute(&delete).await?;
    Ok(())
}

async fn write(connection: &DatabaseTransaction, rows: &[SimilarPost]) -> Result<()> {
    const ROWS_A_STATEMENT: usize = 1_000;
    for rows in rows.chunks(ROWS_A_STATEMENT) {
        let mut insert = Query::insert();
        insert.into_table(similar_post::Entity).columns([
            similar_post::Column::PostId,
            similar_post::Column::SimilarPostId,
            similar_post::Column::Position,
            similar_post::Column::Weight,
            similar_post::Column::Reasons,
        ]);
        for row in rows {
            insert.values_panic([
                row.post_id.into(),
                row.similar_post_id.into(),
                row.position.into(),
                row.weight.into(),
                serde_json::to_value(&row.reasons)?.into(),
            ]);
        }
        connection.execute(&insert).await?;
    }
    Ok(())
}
