//! Reading posts whole: with every revision, and everything it takes to create them anew.

use std::collections::HashMap;

use chrono::{DateTime, NaiveDate, Utc};
use sea_orm::QueryResult;
use sea_orm::sea_query::{Expr, ExprTrait, JoinType, Order, Query, SimpleExpr};

use super::content::{Content, Difficulty, EntityName, Flags, Outline, RevisionStatus, Seo};
use super::filter::PostFilter;
use super::list::ids_after;
use super::prepare::{NewPost, NewRevision, NewScore};
use crate::domain::error::{Error, Result};
use crate::domain::perspective::{Perspective, Reader};
use crate::domain::taxonomy::Taxonomy;

/// A post with everything that belongs to it.
#[derive(Clone, Debug)]
pub struct WholePost {
    /// Its key, from which the next posts follow.
    pub id: i64,
    /// What it takes to create it anew. The head is the last of its revisions, the others come in
    /// the order they were saved in; the live one is the only one that is `published`.
    pub post: NewPost,
}

/// The `limit` posts of a filter after the one with the key `after`, drafts included, those in the
/// trash left out, in the order of their creation. Eight statements, however many posts.
///
/// # Errors
///
/// [`Error::Forbidden`] for a reader that may see published content only; those of the database.
pub async fn whole_posts_of(
    reader: &Reader,
    filter: &PostFilter,
    after: i64,
    limit: u64,
) -> Result<Vec<WholePost>> {
    check_perspective(reader)?;
    let post_ids = ids_after(reader, filter, after, limit).await?;
    if post_ids.is_empty() {
        return Ok(Vec::new());
    }
    whole(reader, Expr::col("id").is_in(post_ids), limit).await
}

/// Every post after the one with the key `after`, as [`whole_posts_of`] answers them. Seven
/// statements, however many posts.
///
/// # Errors
///
/// Those of [`whole_posts_of`].
pub async fn whole_posts(reader: &Reader, after: i64, limit: u64) -> Result<Vec<WholePost>> {
    check_perspective(reader)?;
    whole(reader, Expr::col("id").gt(after), limit).await
}

fn check_perspective(reader: &Reader) -> Result<()> {
    if reader.perspective() == Perspective::Draft {
        return Ok(());
    }
    Err(Error::Forbidden(
        "whole posts hold drafts, which the public does not see".into(),
    ))
}

async fn whole(reader: &Reader, which: SimpleExpr, limit: u64) -> Result<Vec<WholePost>> {
    let mut posts = read_posts(reader, which, limit).await?;
    let post_ids: Vec<i64> = posts.iter().map(|(whole, _)| whole.id).collect();
    if post_ids.is_empty() {
        return Ok(Vec::new());
    }
    let mut redirects = read_redirects(reader, &post_ids).await?;
    let mut scores = read_scores(reader, &post_ids).await?;
    let revisions = read_revisions(reader, "post_id", &post_ids).await?;
    let mut of_posts: HashMap<i64, Vec<Stored>> = HashMap::new();
    for stored in revisions {
        of_posts.entry(stored.post_id).or_default().push(stored);
    }
    for (whole, place) in &mut posts {
        let mut stored = of_posts.remove(&whole.id).unwrap_or_default();
        // Stable: the head goes last, what was saved beside it stays before it.
        stored.sort_by_key(|stored| stored.id == place.head);
        let revisions = stored
            .into_iter()
            .map(|stored| stored.seen_with(place.live));
        whole.post.revisions = revisions.collect();
        whole.post.redirects = redirects.remove(&whole.id).unwrap_or_default();
        whole.post.scores = scores.remove(&whole.id).unwrap_or_default();
    }
    Ok(posts.into_iter().map(|(whole, _)| whole).collect())
}

/// What revisions say, by key. Four statements, however many revisions.
///
/// Whether the caller may see them is for whoever calls this to decide.
///
/// # Errors
///
/// Those of the database.
pub async fn contents(reader: &Reader, revision_ids: &[i64]) -> Result<HashMap<i64, Content>> {
    let revisions = read_revisions(reader, "id", revision_ids).await?;
    let revisions = revisions.into_iter();
    Ok(revisions
        .map(|stored| (stored.id, stored.revision.content))
        .collect())
}

/// Which of its revisions a post shows to whom.
struct Places {
    head: i64,
    live: Option<i64>,
}

/// A revision as it is stored.
struct Stored {
    id: i64,
    post_id: i64,
    revision: NewRevision,
}

impl Stored {
    /// With the status that says whether it is live.
    fn seen_with(mut self, live: Option<i64>) -> NewRevision {
        if live == Some(self.id) {
            self.revision.status = RevisionStatus::Published;
        } else if self.revision.status == RevisionStatus::Published {
            self.revision.status = RevisionStatus::Superseded;
        }
        self.revision
    }
}

async fn read_posts(
    reader: &Reader,
    which: SimpleExpr,
    limit: u64,
) -> Result<Vec<(WholePost, Places)>> {
    let select = Query::select()
        .columns([
            "id",
            "reference",
            "source_id",
            "generator",
            "source_hash",
            "view_count",
            "published_at",
            "created_at",
            "head_content",
            "live_content",
        ])
        .from("post")
        .and_where(which)
        .and_where(Expr::col("trashed_at").is_null())
        .order_by("id", Order::Asc)
        .limit(limit)
        .to_owned();
    let rows = reader.rows(&select).await?;
    let post = |row: &QueryResult| {
        let post = NewPost {
            reference: Some(row.try_get_by_index(1)?),
            source_id: row.try_get_by_index(2)?,
            generator: row.try_get_by_index(3)?,
            source_hash: row.try_get_by_index(4)?,
            view_count: row.try_get_by_index(5)?,
            published_at: row.try_get_by_index(6)?,
            created_at: Some(row.try_get_by_index(7)?),
            ..NewPost::default()
        };
        let id = row.try_get_by_index(0)?;
        let places = Places {
            head: row.try_get_by_index(8)?,
            live: row.try_get_by_index(9)?,
        };
        Ok((WholePost { id, post }, places))
    };
    rows.iter().map(post).collect()
}

async fn read_redirects(reader: &Reader, post_ids: &[i64]) -> Result<HashMap<i64, Vec<String>>> {
    let select = Query::select()
        .columns(["post_id", "from_path"])
        .from("redirect")
        .and_where(Expr::col("post_id").is_in(post_ids.iter().copied()))
        .order_by("id", Order::Asc)
        .to_owned();
    let mut found: HashMap<i64, Vec<String>> = HashMap::new();
    for row in reader.rows(&select).await? {
        let paths = found.entry(row.try_get_by_index(0)?).or_default();
        paths.push(row.try_get_by_index(1)?);
    }
    Ok(found)
}

async fn read_scores(reader: &Reader, post_ids: &[i64]) -> Result<HashMap<i64, Vec<NewScore>>> {
    let select = Query::select()
        .columns([
            "post_id",
            "quality",
            "freshness",
            "depth",
            "clarity",
            "assessor",
            "assessed_at",
        ])
        .from("score")
        .and_where(Expr::col("post_id").is_in(post_ids.iter().copied()))
        .order_by("assessed_at", Order::Asc)
        .order_by("id", Order::Asc)
        .to_owned();
    let mut found: HashMap<i64, Vec<NewScore>> = HashMap::new();
    for row in reader.rows(&select).await? {
        let scores = found.entry(row.try_get_by_index(0)?).or_default();
        scores.push(NewScore {
            quality: row.try_get_by_index(1)?,
            freshness: row.try_get_by_index(2)?,
            depth: row.try_get_by_index(3)?,
            clarity: row.try_get_by_index(4)?,
            assessor: row.try_get_by_index(5)?,
            assessed_at: Some(row.try_get_by_index(6)?),
        });
    }
    Ok(found)
}

const REVISION: [&str; 8] = [
    "id",
    "post_id",
    "version",
    "status",
    "last_reviewed",
    "author",
    "message",
    "saved_at",
];

const CONTENT: [&str; 22] = [
    "slug",
    "title",
    "summary",
    "topic",
    "code_language",
    "difficulty",
    "stated_reading_minutes",
    "outline_context",
    "outline_problem",
    "outline_stack",
    "outline_recommended_action",
    "brief",
    "checklist",
    "notes",
    "ai_generated_style",
    "has_images",
    "image_heavy",
    "needs_human_review",
    "seo_title",
    "seo_description",
    "seo_canonical",
    "payload",
];

/// The revisions whose `column` is one of `keys`, by post and number.
async fn read_revisions(
    reader: &Reader,
    column: &'static str,
    keys: &[i64],
) -> Result<Vec<Stored>> {
    let select = Query::select()
        .columns(REVISION.map(|column| ("r", column)))
        .columns(CONTENT.map(|column| ("c", column)))
        .column(("b", "markdown"))
        .from_as("revision", "r")
        .join_as(
            JoinType::InnerJoin,
            "post_content",
            "c",
            Expr::col(("c", "id")).equals(("r", "id")),
        )
        .join_as(
            JoinType::InnerJoin,
            "post_content_body",
            "b",
            Expr::col(("b", "content_id")).equals(("r", "id")),
        )
        .and_where(Expr::col(("r", column)).is_in(keys.iter().copied()))
        .order_by(("r", "post_id"), Order::Asc)
        .order_by(("r", "number"), Order::Asc)
        .to_owned();
    let rows = reader.rows(&select).await?;
    let revisions: Result<Vec<Stored>> = rows.iter().map(stored).collect();
    let mut revisions = revisions?;
    read_words(reader, column, keys, &mut revisions).await?;
    Ok(revisions)
}

fn stored(row: &QueryResult) -> Result<Stored> {
    let status: String = row.try_get("", "status")?;
    let difficulty: Option<String> = row.try_get("", "difficulty")?;
    let minutes: Option<i32> = row.try_get("", "stated_reading_minutes")?;
    let payload: serde_json::Value = row.try_get("", "payload")?;
    let content = Content {
        slug: row.try_get("", "slug")?,
        title: row.try_get("", "title")?,
        summary: row.try_get("", "summary")?,
        topic: row.try_get("", "topic")?,
        body: row.try_get("", "markdown")?,
        code_language: row.try_get("", "code_language")?,
        difficulty: difficulty.as_deref().and_then(Difficulty::from_word),
        reading_minutes: minutes.and_then(|minutes| u32::try_from(minutes).ok()),
        outline: Outline {
            context: row.try_get("", "outline_context")?,
            problem: row.try_get("", "outline_problem")?,
            stack: row.try_get("", "outline_stack")?,
            recommended_action: row.try_get("", "outline_recommended_action")?,
        },
        brief: row.try_get("", "brief")?,
        checklist: serde_json::from_value(row.try_get("", "checklist")?)?,
        notes: serde_json::from_value(row.try_get("", "notes")?)?,
        flags: Flags {
            ai_generated_style: row.try_get("", "ai_generated_style")?,
            has_images: row.try_get("", "has_images")?,
            image_heavy: row.try_get("", "image_heavy")?,
            needs_human_review: row.try_get("", "needs_human_review")?,
        },
        seo: Seo {
            title: row.try_get("", "seo_title")?,
            description: row.try_get("", "seo_description")?,
            canonical: row.try_get("", "seo_canonical")?,
        },
        payload: serde_json::from_value(payload)?,
        ..Content::default()
    };
    Ok(Stored {
        id: row.try_get("", "id")?,
        post_id: row.try_get("", "post_id")?,
        revision: NewRevision {
            content,
            version: row.try_get("", "version")?,
            status: RevisionStatus::from_word(&status).unwrap_or_default(),
            last_reviewed: row.try_get::<Option<NaiveDate>>("", "last_reviewed")?,
            author: row.try_get("", "author")?,
            author_id: None,
            message: row.try_get("", "message")?,
            saved_at: row.try_get::<Option<DateTime<Utc>>>("", "saved_at")?,
        },
    })
}

/// Adds the words of the revisions, in their order.
async fn read_words(
    reader: &Reader,
    column: &'static str,
    keys: &[i64],
    revisions: &mut [Stored],
) -> Result<()> {
    let places: HashMap<i64, usize> = revisions
        .iter()
        .enumerate()
        .map(|(place, stored)| (stored.id, place))
        .collect();
    for taxonomy in [Taxonomy::Tool, Taxonomy::Stack, Taxonomy::Entity] {
        let contents = Query::select()
            .column("id")
            .from("post_content")
            .and_where(Expr::col(column).is_in(keys.iter().copied()))
            .to_owned();
        let mut select = Query::select();
        select
            .column(("j", "content_id"))
            .column(("t", "name"))
            .from_as(taxonomy.join_table(), "j")
            .join_as(
                JoinType::InnerJoin,
                taxonomy.table(),
                "t",
                Expr::col(("t", "id")).equals(("j", taxonomy.join_column())),
            )
            .and_where(Expr::col(("j", "content_id")).in_subquery(contents))
            .order_by(("j", "content_id"), Order::Asc)
            .order_by(("j", "position"), Order::Asc);
        if taxonomy == Taxonomy::Entity {
            select.column(("t", "kind"));
        }
        for row in reader.rows(&select).await? {
            let content_id: i64 = row.try_get_by_index(0)?;
            let Some(place) = places.get(&content_id) else {
                continue;
            };
            let content = &mut revisions[*place].revision.content;
            let name = row.try_get_by_index(1)?;
            match taxonomy {
                Taxonomy::Tool => content.tools.push(name),
                Taxonomy::Stack => content.stack.push(name),
                Taxonomy::Entity => content.entities.push(EntityName {
                    name,
                    kind: row.try_get_by_index(2)?,
                }),
            }
        }
    }
    Ok(())
}
