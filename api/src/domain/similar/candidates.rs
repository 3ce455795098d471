//! Which posts a post is compared with.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};
use sea_orm::sea_query::{Expr, ExprTrait, Order, Query, SelectStatement};
use sea_orm::{ConnectionTrait, DatabaseTransaction, DbErr};

use super::profile::{Profile, Term};
use super::resemblance::SAME_CODE_LANGUAGE;
use super::vocabulary::Vocabulary;

/// So many of the newest live posts with one thing.
const WITH_ONE_THING: u64 = 200;
/// So many with any of a post's things.
const WITH_ANY: usize = 600;
/// So many of them are compared in full.
const COMPARED: usize = 100;

/// Live contents, newest first.
type Newest = Vec<(DateTime<Utc>, i64)>;

/// For each post, the ids of the contents it is compared with. One statement for each thing that
/// is looked up, which is once however many of the posts have it.
pub(super) async fn of(
    connection: &DatabaseTransaction,
    vocabulary: &Vocabulary,
    posts: &[Profile],
) -> Result<BTreeMap<i64, Vec<i64>>, DbErr> {
    let mut with_term: HashMap<Term, Newest> = HashMap::new();
    let mut in_language: HashMap<&str, Newest> = HashMap::new();
    let mut candidates = BTreeMap::new();
    for post in posts {
        let mut found = Found::default();
        for (rarity, term) in from_rarest(vocabulary, post) {
            if found.is_enough() {
                break;
            }
            let newest = match with_term.entry(term) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(unknown) => unknown.insert(newest_with_term(connection, term).await?),
            };
            found.add(post, rarity, newest);
        }
        if let (Some(language), false) = (&post.code_language, found.is_enough()) {
            let newest = match in_language.entry(language) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(unknown) => {
                    unknown.insert(newest_in_language(connection, language).await?)
                }
            };
            found.add(post, SAME_CODE_LANGUAGE, newest);
        }
        candidates.insert(post.post_id, found.best());
    }
    Ok(candidates)
}

/// The terms of a post, rarest first.
fn from_rarest(vocabulary: &Vocabulary, post: &Profile) -> Vec<(f64, Term)> {
    let mut terms: Vec<(f64, Term)> = post
        .terms
        .iter()
        .filter_map(|term| Some((vocabulary.get(*term)?.rarity, *term)))
        .collect();
    terms.sort_by(|(left_rarity, left), (right_rarity, right)| {
        let by_rarity = right_rarity.total_cmp(left_rarity);
        by_rarity.then_with(|| left.cmp(right))
    });
    terms
}

/// Candidates of one post, with the weight of what they are known to share with it.
#[derive(Default)]
struct Found(HashMap<(DateTime<Utc>, i64), f64>);

impl Found {
    fn is_enough(&self) -> bool {
        self.0.len() >= WITH_ANY
    }

    fn add(&mut self, post: &Profile, weight: f64, newest: &Newest) {
        for candidate in newest {
            if candidate.1 == post.content_id {
                continue;
            }
            if let Some(sum) = self.0.get_mut(candidate) {
                *sum += weight;
            } else if !self.is_enough() {
                self.0.insert(*candidate, weight);
            }
        }
    }

    fn best(self) -> Vec<i64> {
        let mut found: Vec<_> = self.0.into_iter().collect();
        found.sort_by(|(left, left_weighs), (right, right_weighs)| {
            let by_weight = right_weighs.total_cmp(left_weighs);
            by_weight.then_with(|| right.cmp(left))
        });
        found.truncate(COMPARED);
        found.into_iter().map(|((_, id), _)| id).collect()
    }
}

async fn newest_with_term(
    connection: &DatabaseTransaction,
    (taxonomy, id): Term,
) -> Result<Newest, DbErr> {
    let select = Query::select()
        .column("published_at")
        .expr_as(Expr::col("content_id"), "id")
        .from(taxonomy.join_table())
        .and_where(Expr::col(taxonomy.join_column()).eq(id))
        .and_where(Expr::col("published_at").is_not_null())
        .order_by("published_at", Order::Desc)
        .order_by("content_id", Order::Desc)
        .limit(WITH_ONE_THING)
        .to_owned();
    read(connection, &select).await
}

async fn newest_in_language(
    connection: &DatabaseTransaction,
    language: &str,
) -> Result<Newest, DbErr> {
    let select = Query::select()
        .columns(["published_at", "id"])
        .from("post_content")
        .and_where(Expr::col("code_language").eq(language))
        .and_where(Expr::col("published_at").is_not_null())
        .order_by("published_at", Order::Desc)
        .order_by("id", Order::Desc)
        .limit(WITH_ONE_THING)
        .to_owned();
    read(connection, &select).await
}

async fn read(connection: &DatabaseTransaction, select: &SelectStatement) -> Result<Newest, DbErr> {
    let rows = connection.query_all(select).await?;
    rows.iter()
        .map(|row| Ok((row.try_get("", "published_at")?, row.try_get("", "id")?)))
        .collect()
}
