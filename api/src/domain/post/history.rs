//! What happened to posts: their revisions, their assessments, the paths that lead to them.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use sea_orm::QueryResult;
use sea_orm::sea_query::{
    Asterisk, Expr, ExprTrait, JoinType, Order, Query, SelectStatement, SimpleExpr, UnionType,
};

use super::content::RevisionStatus;
use super::path;
use super::select::{CurrentScore, Revision};
use crate::domain::error::Result;
use crate::domain::perspective::{Perspective, Reader};
use crate::foundation::cache_tag::CacheTag;

/// An assessment of a post.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assessment {
    /// Its key.
    pub id: i64,
    /// The four figures.
    pub score: CurrentScore,
    /// Who or what assessed.
    pub assessor: Option<String>,
    /// Whether it was computed by the rubric.
    pub automatic: bool,
    /// What the assessor had to say, for editors.
    pub comment: Option<String>,
    /// When.
    pub assessed_at: DateTime<Utc>,
}

/// A step of a revision from one status to the next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transition {
    /// The status it moved to.
    pub status: RevisionStatus,
    /// When.
    pub at: DateTime<Utc>,
    /// Who moved it, as the audit log names them.
    pub actor: String,
    /// What they said about it.
    pub comment: Option<String>,
}

/// A path that leads elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redirect {
    /// The path that was asked for.
    pub from_path: String,
    /// The path to go to.
    pub to_path: String,
    /// The post it leads to.
    pub post_id: i64,
}

/// The newest `limit` revisions of each post, newest first: those that are or were live for the
/// public, all of them for editors, and in between what the public sees and the one that is shown.
///
/// # Errors
///
/// Those of the database.
pub async fn revisions(
    reader: &Reader,
    post_ids: &[i64],
    limit: u32,
) -> Result<HashMap<i64, Vec<Revision>>> {
    reader.note_all(post_ids.iter().map(|id| CacheTag::Row("post", *id)));
    let arms = post_ids.iter().map(|post_id| {
        let of_post = Expr::col(("s", "post_id")).eq(*post_id);
        let mut select = visible_revisions(reader.perspective(), of_post);
        select
            .and_where(Expr::col("post_id").eq(*post_id))
            .order_by("number", Order::Desc)
            .limit(u64::from(limit));
        select
    });
    let mut found: HashMap<i64, Vec<Revision>> = HashMap::new();
    for row in read_arms(reader, arms).await? {
        let revision = read_revision(&row)?;
        found.entry(revision.post_id).or_default().push(revision);
    }
    for revisions in found.values_mut() {
        revisions.sort_by_key(|revision| std::cmp::Reverse(revision.number));
    }
    Ok(found)
}

/// Revisions by key, as far as they are in sight.
///
/// # Errors
///
/// Those of the database.
pub async fn find_revisions(reader: &Reader, ids: &[i64]) -> Result<Vec<Revision>> {
    let of_ids = Expr::col(("s", "content_id")).is_in(ids.iter().copied());
    let mut select = visible_revisions(reader.perspective(), of_ids);
    select.and_where(Expr::col("id").is_in(ids.iter().copied()));
    let rows = reader.rows(&select).await?;
    let revisions: Result<Vec<Revision>> = rows.iter().map(read_revision).collect();
    let revisions = revisions?;
    reader.note_all(
        revisions
            .iter()
            .map(|revision| CacheTag::Row("post", revision.post_id)),
    );
    if revisions.len() < ids.len() {
        // Whose the others are is not known.
        reader.note(CacheTag::List("post"));
    }
    Ok(revisions)
}

/// The columns of a revision, in the order in which they are read.
pub(super) const REVISION: [&str; 10] = [
    "id",
    "post_id",
    "number",
    "version",
    "status",
    "author",
    "message",
    "last_reviewed",
    "content_hash",
    "saved_at",
];

/// The revisions in sight. The public sees those that are or were live, as long as the post is;
/// editors see all of them; any other perspective adds the one that it shows of a post, looked for
/// among the rows of `seen AS s` that `asked` holds for.
fn visible_revisions(perspective: Perspective, asked: SimpleExpr) -> SelectStatement {
    let mut select = Query::select();
    select.columns(REVISION).from("revision");
    if perspective.is_for_editors() {
        return select;
    }
    let published = Query::select()
        .expr(Expr::cust("1"))
        .from("publication")
        .and_where(Expr::cust("publication.content_id = revision.id"))
        .to_owned();
    let live = Query::select()
        .expr(Expr::cust("1"))
        .from("post")
        .and_where(Expr::cust("post.id = revision.post_id"))
        .and_where(Expr::col(("post", "live_content")).is_not_null())
        .to_owned();
    if perspective == Perspective::Published {
        return select
            .and_where(Expr::exists(published))
            .and_where(Expr::exists(live))
            .to_owned();
    }
    let shown = Query::select()
        .column(("s", "content_id"))
        .from_subquery(perspective.seen(), "s")
        .and_where(asked)
        .to_owned();
    let public = Expr::exists(published).and(Expr::exists(live));
    select.and_where(public.or(Expr::col("id").in_subquery(shown)));
    select
}

pub(super) fn read_revision(row: &QueryResult) -> Result<Revision> {
    let status: String = row.try_get_by_index(4)?;
    Ok(Revision {
        id: row.try_get_by_index(0)?,
        post_id: row.try_get_by_index(1)?,
        number: row.try_get_by_index(2)?,
        version: row.try_get_by_index(3)?,
        status: RevisionStatus::from_word(&status).unwrap_or_default(),
        author: row.try_get_by_index(5)?,
        message: row.try_get_by_index(6)?,
        last_reviewed: row.try_get_by_index(7)?,
        content_hash: row.try_get_by_index(8)?,
        saved_at: row.try_get_by_index(9)?,
    })
}

/// The newest `limit` assessments of each post, newest first.
///
/// # Errors
///
/// Those of the database.
pub async fn assessments(
    reader: &Reader,
    post_ids: &[i64],
    limit: u32,
) -> Result<HashMap<i64, Vec<Assessment>>> {
    reader.note_all(post_ids.iter().map(|id| CacheTag::Row("post", *id)));
    let arms = post_ids.iter().map(|post_id| {
        Query::select()
            .columns([
                "id",
                "post_id",
                "quality",
                "freshness",
                "depth",
                "clarity",
                "assessor",
                "assessed_at",
                "automatic",
                "comment",
            ])
            .from("score")
            .and_where(Expr::col("post_id").eq(*post_id))
            .order_by("assessed_at", Order::Desc)
            .order_by("id", Order::Desc)
            .limit(u64::from(limit))
            .to_owned()
    });
    let mut found: HashMap<i64, Vec<Assessment>> = HashMap::new();
    for row in read_arms(reader, arms).await? {
        let assessment = Assessment {
            id: row.try_get_by_index(0)?,
            score: CurrentScore {
                quality: row.try_get_by_index(2)?,
                freshness: row.try_get_by_index(3)?,
                depth: row.try_get_by_index(4)?,
                clarity: row.try_get_by_index(5)?,
            },
            assessor: row.try_get_by_index(6)?,
            assessed_at: row.try_get_by_index(7)?,
            automatic: row.try_get_by_index(8)?,
            comment: row.try_get_by_index(9)?,
        };
        found
            .entry(row.try_get_by_index(1)?)
            .or_default()
            .push(assessment);
    }
    for assessments in found.values_mut() {
        assessments
            .sort_by_key(|assessment| std::cmp::Reverse((assessment.assessed_at, assessment.id)));
    }
    Ok(found)
}

/// Every step of each revision, oldest first.
///
/// # Errors
///
/// Those of the database.
pub async fn transitions(
    reader: &Reader,
    revision_ids: &[i64],
) -> Result<HashMap<i64, Vec<Transition>>> {
    let select = Query::select()
        .columns(["revision_id", "status", "at", "actor", "comment"])
        .from("revision_transition")
        .and_where(Expr::col("revision_id").is_in(revision_ids.iter().copied()))
        .order_by("id", Order::Asc)
        .to_owned();
    let mut found: HashMap<i64, Vec<Transition>> = HashMap::new();
    for row in reader.rows(&select).await? {
        let status: String = row.try_get_by_index(1)?;
        let transition = Transition {
            status: RevisionStatus::from_word(&status).unwrap_or_default(),
            at: row.try_get_by_index(2)?,
            actor: row.try_get_by_index(3)?,
            comment: row.try_get_by_index(4)?,
        };
        found
            .entry(row.try_get_by_index(0)?)
            .or_default()
            .push(transition);
    }
    Ok(found)
}

/// Where a path of the site leads, if it was the path of a post that is seen under another one.
///
/// # Errors
///
/// Those of the database.
pub async fn redirect(reader: &Reader, from_path: &str) -> Result<Option<Redirect>> {
    reader.note(CacheTag::List("redirect"));
    // Sites differ in whether paths end in a slash; they mean the same page.
    let bare = from_path.trim_end_matches('/');
    let mut select = Query::select();
    select.column(("c", "slug")).from_as("redirect", "r");
    let (post_id, content_id) = match reader.perspective() {
        Perspective::Published => {
            let of_post = Expr::col(("p", "id")).equals(("r", "post_id"));
            select.join_as(JoinType::InnerJoin, "post", "p", of_post);
            (("p", "id"), ("p", "live_content"))
        }
        other => {
            let of_post = Expr::col(("s", "post_id")).equals(("r", "post_id"));
            select.join_subquery(JoinType::InnerJoin, other.seen(), "s", of_post);
            (("s", "post_id"), ("s", "content_id"))
        }
    };
    let of_content = Expr::col(("c", "id")).equals(content_id);
    select
        .column(post_id)
        .join_as(JoinType::InnerJoin, "post_content", "c", of_content)
        .and_where(Expr::col(("r", "from_path")).is_in([bare.to_owned(), format!("{bare}/")]));
    let rows = reader.rows(&select).await?;
    let Some(row) = rows.first() else {
        return Ok(None);
    };
    let slug: String = row.try_get_by_index(0)?;
    let to_path = path(&slug);
    if to_path == bare {
        // Of a perspective that shows the post under the slug it had then.
        return Ok(None);
    }
    let post_id = row.try_get_by_index(1)?;
    reader.note(CacheTag::Row("post", post_id));
    Ok(Some(Redirect {
        from_path: from_path.to_owned(),
        to_path,
        post_id,
    }))
}

/// Reads statements of the same shape as one.
async fn read_arms(
    reader: &Reader,
    arms: impl Iterator<Item = SelectStatement>,
) -> Result<Vec<QueryResult>> {
    let wrapped = arms.map(|arm| {
        Query::select()
            .column(Asterisk)
            .from_subquery(arm, "arm")
            .to_owned()
    });
    match wrapped.reduce(|mut first, arm| first.union(UnionType::All, arm).to_owned()) {
        Some(select) => reader.rows(&select).await,
        None => Ok(Vec::new()),
    }
}
