//! What a request sees, and how it reads.
//!
//! A perspective chooses the content that each post shows, and nothing else: [`Perspective::seen`]
//! names it, and one query serves all of them. `Published` is asked for most, and marked in the
//! tables themselves, so it has statements of its own; what reads tells no others apart.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, Utc};
use sea_orm::sea_query::{Expr, ExprTrait, JoinType, Query, SelectStatement, UnionType};
use sea_orm::{QueryResult, Statement};
use serde::{Deserialize, Serialize};

use super::error::Result;
use crate::foundation::cache_tag::CacheTag;
use crate::foundation::database::{Database, Dialect, StatementCount};

/// The header that a request names its perspective in.
pub const HEADER: &str = "x-alphanode-perspective";

/// The word for [`Perspective::Published`].
pub const PUBLISHED: &str = "published";

/// Which content of a post a request sees. It is the same for every nested field of a request.
///
/// A key that names nothing changes nothing: what is live is seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Perspective {
    /// What is live; all that the public sees.
    #[default]
    Published,
    /// The newest content of every post that is not in the trash.
    Draft,
    /// The newest content of every post in the trash.
    Trash,
    /// What is live, but of the post with this key its newest content, unless it is in the trash.
    DraftOf(i64),
    /// What is live, but of the post that the revision with this key belongs to that revision,
    /// unless the post is in the trash.
    Revision(i64),
    /// What would be live if the release with this key shipped now: posts show the revisions it
    /// holds, those it takes out of sight are not there. One that has shipped, or was rolled back,
    /// is applied to what is live now all the same.
    Release(i64),
    /// What was live at this time, posts included that have been unpublished or trashed since. At a
    /// time to come it is what is live now: a schedule is a plan, not a state of the site.
    At(DateTime<Utc>),
}

impl Perspective {
    /// `post_id, content_id` of every post in sight, each once.
    pub(in crate::domain) fn seen(self) -> SelectStatement {
        match self {
            Self::Published => live(),
            Self::Draft => posts_with("head_content")
                .and_where(Expr::col(("post", "trashed_at")).is_null())
                .to_owned(),
            Self::Trash => posts_with("head_content")
                .and_where(Expr::col(("post", "trashed_at")).is_not_null())
                .to_owned(),
            Self::DraftOf(post_id) => live_but_for(
                posts_with("head_content")
                    .and_where(Expr::col(("post", "id")).eq(post_id))
                    .and_where(Expr::col(("post", "trashed_at")).is_null())
                    .to_owned(),
            ),
            Self::Revision(revision_id) => live_but_for(revision(revision_id)),
            Self::Release(release_id) => live_but_for(items_of_release(release_id)),
            Self::At(time) => live_at(time),
        }
    }

    /// Whether it is for those who work on the content. They see every revision of a post, and every
    /// word, used or not. The other perspectives may be shown to outsiders, who see what the public
    /// sees and what the perspective shows instead.
    pub(in crate::domain) fn is_for_editors(self) -> bool {
        matches!(self, Self::Draft | Self::Trash)
    }
}

/// Every post with the content in this column.
fn posts_with(content: &'static str) -> SelectStatement {
    Query::select()
        .expr_as(Expr::col(("post", "id")), "post_id")
        .expr_as(Expr::col(("post", content)), "content_id")
        .from("post")
        .to_owned()
}

fn live() -> SelectStatement {
    posts_with("live_content")
        .and_where(Expr::col(("post", "live_content")).is_not_null())
        .to_owned()
}

/// What is live, but for the posts of `instead`: they show the content it names, or nothing where
/// it names none.
fn live_but_for(instead: SelectStatement) -> SelectStatement {
    let replaced = Query::select()
        .column("post_id")
        .from_subquery(instead.clone(), "instead")
        .to_owned();
    let shown = Query::select()
        .columns(["post_id", "content_id"])
        .from_subquery(instead, "instead")
        .and_where(Expr::col("content_id").is_not_null())
        .to_owned();
    live()
        .and_where(Expr::col(("post", "id")).not_in_subquery(replaced))
        .union(UnionType::All, shown)
        .to_owned()
}

fn revision(id: i64) -> SelectStatement {
    Query::select()
        .column(("c", "post_id"))
        .expr_as(Expr::col(("c", "id")), "content_id")
        .from_as("post_content", "c")
        .inner_join("post", Expr::col(("post", "id")).equals(("c", "post_id")))
        .and_where(Expr::col(("c", "id")).eq(id))
        .and_where(Expr::col(("post", "trashed_at")).is_null())
        .to_owned()
}

/// An item whose revision has been deleted does nothing.
fn items_of_release(release_id: i64) -> SelectStatement {
    Query::select()
        .column(("i", "post_id"))
        .expr_as(Expr::col(("c", "id")), "content_id")
        .from_as("release_item", "i")
        .inner_join("post", Expr::col(("post", "id")).equals(("i", "post_id")))
        .join_as(
            JoinType::LeftJoin,
            "post_content",
            "c",
            Expr::col(("c", "id"))
                .equals(("i", "revision_id"))
                .and(Expr::col(("c", "post_id")).equals(("i", "post_id"))),
        )
        .and_where(Expr::col(("i", "release_id")).eq(release_id))
        .and_where(Expr::col(("post", "trashed_at")).is_null())
        .and_where(
            Expr::col(("c", "id"))
                .is_not_null()
                .or(Expr::col(("i", "unpublish")).eq(true)),
        )
        .to_owned()
}

/// A clock that was set back can make two publications of a post overlap; the later one counts.
fn live_at(time: DateTime<Utc>) -> SelectStatement {
    let covers = |publication: &'static str| {
        let until = (publication, "published_until");
        Expr::col((publication, "published_from"))
            .lte(time)
            .and(Expr::col(until).is_null().or(Expr::col(until).gt(time)))
    };
    let later = Query::select()
        .expr(Expr::cust("1"))
        .from_as("publication", "later")
        .and_where(Expr::col(("later", "post_id")).equals(("publication", "post_id")))
        .and_where(Expr::col(("later", "id")).gt(Expr::col(("publication", "id"))))
        .and_where(covers("later"))
        .to_owned();
    Query::select()
        .columns([("publication", "post_id"), ("publication", "content_id")])
        .from("publication")
        .and_where(covers("publication"))
        .and_where(Expr::exists(later).not())
        .to_owned()
}

/// Reads for one request: through its perspective, counting its statements, and noting the tags
/// that tell when the answer is out of date.
#[derive(Debug)]
pub struct Reader {
    database: Database,
    perspective: Perspective,
    statements: StatementCount,
    tags: Mutex<BTreeSet<CacheTag>>,
}

impl Reader {
    /// A reader for one request.
    pub fn new(database: Database, perspective: Perspective) -> Self {
        Self {
            database,
            perspective,
            statements: StatementCount::default(),
            tags: Mutex::default(),
        }
    }

    /// A reader that keeps the statements too, for whoever wants to see them.
    pub fn recording(database: Database, perspective: Perspective) -> Self {
        Self {
            statements: StatementCount::recording(),
            ..Self::new(database, perspective)
        }
    }

    /// What this request sees.
    pub fn perspective(&self) -> Perspective {
        self.perspective
    }

    /// What this request has cost so far.
    pub fn statements(&self) -> &StatementCount {
        &self.statements
    }

    /// Notes that the answer is made from `tag`.
    pub fn note(&self, tag: CacheTag) {
        self.note_all([tag]);
    }

    /// Notes that the answer is made from each of `tags`.
    pub fn note_all(&self, tags: impl IntoIterator<Item = CacheTag>) {
        let mut noted = self.tags.lock().unwrap_or_else(PoisonError::into_inner);
        noted.extend(tags);
    }

    /// Everything the answer is made from.
    pub fn tags(&self) -> BTreeSet<CacheTag> {
        self.tags
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Forgets what earlier answers were made from, for readers that give many.
    pub fn forget_tags(&self) {
        let mut noted = self.tags.lock().unwrap_or_else(PoisonError::into_inner);
        noted.clear();
    }

    pub(in crate::domain) fn dialect(&self) -> Dialect {
        self.database.dialect()
    }

    /// Where the queue, which has reads of its own, sends its statements.
    pub(in crate::domain) fn database(&self) -> &Database {
        &self.database
    }

    pub(in crate::domain) async fn rows(
        &self,
        select: &SelectStatement,
    ) -> Result<Vec<QueryResult>> {
        self.rows_of(self.dialect().build(select)).await
    }

    pub(in crate::domain) async fn rows_of(
        &self,
        statement: Statement,
    ) -> Result<Vec<QueryResult>> {
        Ok(self.statements.query(&self.database, statement).await?)
    }
}
