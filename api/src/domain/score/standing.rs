//! How live posts stand: what is live, how it was last assessed, and so what is due.

use chrono::{DateTime, NaiveDate, Utc};
use sea_orm::sea_query::{Expr, ExprTrait, JoinType, Order, Query, SelectStatement};
use sea_orm::{ConnectionTrait, QueryResult};

use super::assess::{A_PERSON_KNOWS_BETTER_FOR, age_in_days};
use super::rubric::freshness_after;
use crate::domain::error::Result;
use crate::domain::post::CurrentScore;
use crate::domain::transaction::Store;

/// By so many points the freshness must have fallen: less is nothing that anybody would notice.
const NOTICEABLE: i16 = 5;

/// How a live post stands.
pub(super) struct Standing {
    pub(super) post_id: i64,
    pub(super) content_id: i64,
    saved_at: DateTime<Utc>,
    last_reviewed: Option<NaiveDate>,
    live_since: Option<DateTime<Utc>>,
    newest: Option<Newest>,
    assessed_by_person_at: Option<DateTime<Utc>>,
}

/// The newest assessment of a post.
struct Newest {
    id: i64,
    figures: CurrentScore,
    automatic: bool,
    assessed_at: DateTime<Utc>,
}

/// What is due for a post.
pub(super) enum Due {
    Nothing,
    /// The rubric assesses it.
    Assessment,
    /// Its newest figures with another freshness.
    Decay(CurrentScore),
}

impl Standing {
    /// The key of its newest assessment.
    pub(super) fn newest_id(&self) -> Option<i64> {
        self.newest.as_ref().map(|newest| newest.id)
    }

    /// What is due for it now.
    pub(super) fn due(&self, now: DateTime<Utc>) -> Due {
        let Some(newest) = &self.newest else {
            return Due::Assessment;
        };
        if newest.assessed_at > now {
            return Due::Nothing; // A file says so; what is written now would be older.
        }
        // A person may have assessed a revision before it went live; the rubric looks at what is.
        let went_live = self.live_since.filter(|_| newest.automatic);
        let changed_at = went_live.map_or(self.saved_at, |time| Ord::max(time, self.saved_at));
        if newest.assessed_at < changed_at {
            return Due::Assessment;
        }
        let trusted_since = now - A_PERSON_KNOWS_BETTER_FOR;
        if self
            .assessed_by_person_at
            .is_some_and(|at| at > trusted_since)
        {
            return Due::Nothing;
        }
        let freshness = freshness_after(age_in_days(self.saved_at, self.last_reviewed, now));
        if newest.figures.freshness - freshness < NOTICEABLE {
            return Due::Nothing;
        }
        Due::Decay(CurrentScore {
            freshness,
            ..newest.figures
        })
    }
}

/// Reads how live posts stand, in the order of their keys.
pub(super) fn select() -> SelectStatement {
    let newest = "SELECT id FROM score WHERE score.post_id = p.id \
                  ORDER BY assessed_at DESC, id DESC LIMIT 1";
    let by_person = "SELECT MAX(assessed_at) FROM score \
                     WHERE score.post_id = p.id AND NOT score.automatic";
    let mut select = Query::select();
    select
        .columns([("p", "id"), ("p", "live_content")])
        .columns([("r", "saved_at"), ("r", "last_reviewed")])
        .column(("l", "published_from"))
        .columns(
            [
                "id",
                "quality",
                "freshness",
                "depth",
                "clarity",
                "automatic",
                "assessed_at",
            ]
            .map(|column| ("s", column)),
        )
        .expr(Expr::cust(format!("({by_person})")))
        .from_as("post", "p")
        .join_as(
            JoinType::InnerJoin,
            "revision",
            "r",
            Expr::col(("r", "id")).equals(("p", "live_content")),
        )
        .join_as(
            JoinType::LeftJoin,
            "publication",
            "l",
            Expr::cust("l.post_id = p.id AND l.published_until IS NULL"),
        )
        .join_as(
            JoinType::LeftJoin,
            "score",
            "s",
            Expr::cust(format!("s.id = ({newest})")),
        )
        .and_where(Expr::col(("p", "live_content")).is_not_null())
        .order_by(("p", "id"), Order::Asc);
    select
}

/// Runs such a statement.
pub(super) async fn read(store: &Store, select: &SelectStatement) -> Result<Vec<Standing>> {
    let rows = store.database.reader().query_all(select).await?;
    rows.iter().map(standing).collect()
}

fn standing(row: &QueryResult) -> Result<Standing> {
    let newest = match row.try_get_by_index::<Option<i64>>(5)? {
        None => None,
        Some(id) => Some(Newest {
            id,
            figures: CurrentScore {
                quality: row.try_get_by_index(6)?,
                freshness: row.try_get_by_index(7)?,
                depth: row.try_get_by_index(8)?,
                clarity: row.try_get_by_index(9)?,
            },
            automatic: row.try_get_by_index(10)?,
            assessed_at: row.try_get_by_index(11)?,
        }),
    };
    Ok(Standing {
        post_id: row.try_get_by_index(0)?,
        content_id: row.try_get_by_index(1)?,
        saved_at: row.try_get_by_index(2)?,
        last_reviewed: row.try_get_by_index(3)?,
        live_since: row.try_get_by_index(4)?,
        newest,
        assessed_by_person_at: row.try_get_by_index(12)?,
    })
}
