//! Creating posts, one or a thousand at a time, in one transaction.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use entity::{post, post_slug, publication, redirect};
use sea_orm::sea_query::{Expr, ExprTrait, Query};
use sea_orm::{ActiveValue::Set, ConnectionTrait};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest, Sha256};

use super::amend;
use super::content::RevisionStatus;
use super::insert::insert;
use super::prepare::{NewScore, PreparedPost};
use super::rows::{Place, Rows, Terms};
use crate::domain::audit::AuditEvent;
use crate::domain::error::{Problem, ProblemCode, Result};
use crate::domain::feed;
use crate::domain::score;
use crate::domain::similar;
use crate::domain::transaction::Transaction;
use crate::domain::webhook::{Announcement, PostChange};
use crate::foundation::cache_tag::CacheTag;
use crate::foundation::database::{PARAMETERS, reserve_keys};
use crate::foundation::hash::hex;

/// A post that was created or revised.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavedPost {
    /// The post.
    pub post_id: i64,
    /// The revision that was saved last.
    pub revision_id: i64,
}

/// Creates posts. Each gets its own answer: what it became, or what has to be put right; the others
/// are created all the same.
///
/// A slug, a reference and a source id belong to one post. A slug made from a title is changed
/// until it is free, one that was given is refused when it is taken.
///
/// # Errors
///
/// Those of the database; then the transaction must be dropped.
pub async fn create(
    transaction: &mut Transaction<'_>,
    posts: Vec<Arc<PreparedPost>>,
) -> Result<Vec<Result<SavedPost, Vec<Problem>>>> {
    let mut names = Names::taken(transaction, &posts).await?;
    let post_keys = reserve_keys(transaction.connection(), "post", posts.len()).await?;
    let mut accepted = Vec::with_capacity(posts.len());
    let mut answers: Vec<Result<SavedPost, Vec<Problem>>> = Vec::with_capacity(posts.len());
    for (prepared, post_id) in posts.into_iter().zip(post_keys) {
        match names.claim(&prepared, post_id, transaction) {
            Ok(claim) => {
                accepted.push((answers.len(), prepared, claim));
                answers.push(Ok(SavedPost {
                    post_id,
                    revision_id: 0,
                }));
            }
            Err(problems) => answers.push(Err(problems)),
        }
    }

    let mut contents = Vec::with_capacity(accepted.len());
    for (_, prepared, _) in &accepted {
        let revisions = prepared.revisions.iter();
        contents.extend(revisions.map(|revision| &revision.revision.content));
    }
    let terms = Terms::of(transaction, &contents).await?;
    let revision_count = accepted
        .iter()
        .map(|(_, prepared, _)| prepared.revisions.len());
    let mut revision_keys =
        reserve_keys(transaction.connection(), "revision", revision_count.sum())
            .await?
            .into_iter();

    let mut live = Vec::new();
    let mut creations = Vec::with_capacity(accepted.len());
    for (answer, prepared, claim) in accepted {
        let post_id = claim.post_id;
        let revision_count = prepared.revisions.len();
        let keys: Vec<i64> = revision_keys.by_ref().take(revision_count).collect();
        answers[answer] = Ok(SavedPost {
            post_id,
            revision_id: keys[prepared.head()],
        });
        let live_content = prepared.live().map(|index| keys[index]);
        let is_live = live_content.is_some();
        if is_live {
            live.push(post_id);
            transaction.announce(Announcement::Post {
                post_id,
                change: PostChange::Switched {
                    from: None,
                    to: live_content,
                },
            });
        }
        transaction.touch(CacheTag::Row("post", post_id));
        transaction.touch(CacheTag::List("post"));
        transaction.record(AuditEvent {
            action: "create",
            subject: "post",
            subject_id: post_id,
            before: None,
            after: Some(json!({ "reference": claim.reference, "live": is_live })),
        });
        creations.push(Creation {
            prepared,
            claim,
            revision_keys: keys,
        });
    }
    let (actor, now) = (transaction.actor().to_string(), transaction.now());
    insert(transaction, move |inserter| {
        let mut rows = Rows::default();
        for creation in creations {
            creation.add_to(&mut rows, &terms, &actor, now)?;
        }
        rows.insert(inserter)
    })
    .await?;
    if !live.is_empty() {
        transaction.enqueue(similar::job(&live));
        transaction.enqueue(score::renewal(&live));
        transaction.enqueue(feed::job());
    }
    Ok(answers)
}

/// A post that gets its rows.
struct Creation {
    prepared: Arc<PreparedPost>,
    claim: Claim,
    revision_keys: Vec<i64>,
}

impl Creation {
    fn add_to(self, rows: &mut Rows, terms: &Terms, actor: &str, now: DateTime<Utc>) -> Result<()> {
        let Self {
            prepared,
            claim,
            revision_keys,
        } = self;
        let prepared = Arc::unwrap_or_clone(prepared);
        let post_id = claim.post_id;
        let (head, live) = (prepared.head(), prepared.live());
        let PreparedPost { post, revisions } = prepared;
        let published_at = live.map(|_| post.published_at.unwrap_or(now));
        let newest_score = newest(&post.scores, now);
        rows.posts.push(post::ActiveModel {
            id: Set(post_id),
            reference: Set(claim.reference.clone()),
            source_id: Set(post.source_id),
            generator: Set(post.generator),
            source_hash: Set(post.source_hash),
            view_count: Set(post.view_count),
            quality: Set(newest_score.map(|score| score.quality)),
            freshness: Set(newest_score.map(|score| score.freshness)),
            depth: Set(newest_score.map(|score| score.depth)),
            clarity: Set(newest_score.map(|score| score.clarity)),
            head_content: Set(revision_keys[head]),
            live_content: Set(live.map(|index| revision_keys[index])),
            published_at: Set(published_at.or(post.published_at)),
            trashed_at: Set(None),
            created_at: Set(post.created_at.unwrap_or(now)),
            owner_id: Set(post.owner_id),
        });
        let scores = post.scores.iter();
        rows.scores
            .extend(scores.map(|score| amend::row(post_id, score, now)));
        for slug in &claim.reserved {
            rows.slugs.push(post_slug::ActiveModel {
                slug: Set(slug.clone()),
                post_id: Set(post_id),
            });
        }
        for from_path in claim.redirects {
            rows.redirects.push(redirect::ActiveModel {
                from_path: Set(from_path),
                post_id: Set(post_id),
                created_at: Set(now),
                ..Default::default()
            });
        }
        for (index, mut revision) in revisions.into_iter().enumerate() {
            let is_live = live == Some(index);
            if !is_live && revision.revision.status == RevisionStatus::Published {
                revision.revision.status = RevisionStatus::Superseded;
            }
            if is_live && let Some(published_at) = published_at {
                let saved_at = revision.revision.saved_at.unwrap_or(published_at);
                rows.publications.push(publication::ActiveModel {
                    post_id: Set(post_id),
                    content_id: Set(revision_keys[index]),
                    published_from: Set(Ord::max(saved_at, published_at)),
                    published_until: Set(None),
                    ..Default::default()
                });
            }
            let place = Place {
                id: revision_keys[index],
                post_id,
                number: i32::try_from(index + 1).unwrap_or(i32::MAX),
                published_at: published_at.filter(|_| is_live),
            };
            let slug = claim.slugs[index].clone();
            rows.add_revision(revision, slug, &place, terms, actor, now)?;
        }
        Ok(())
    }
}

/// Numbers that a made slug may get when it is taken.
const NUMBERS: std::ops::RangeInclusive<u8> = 2..=9;

/// What a post took for itself.
struct Claim {
    post_id: i64,
    reference: String,
    /// The slug of each revision.
    slugs: Vec<String>,
    /// Slugs that are now the post's own.
    reserved: Vec<String>,
    redirects: Vec<String>,
}

/// The names that are taken, by posts in the database and by posts of this transaction.
struct Names {
    slugs: HashMap<String, String>,
    references: HashMap<String, String>,
    source_ids: HashMap<String, String>,
    redirects: HashSet<String>,
}

impl Names {
    async fn taken(transaction: &Transaction<'_>, posts: &[Arc<PreparedPost>]) -> Result<Self> {
        let slugs = posts.iter().flat_map(|post| {
            let slugs = post.revisions.iter().map(|revision| revision.slug.clone());
            slugs.collect::<HashSet<String>>()
        });
        let references = posts.iter().filter_map(|post| post.post.reference.clone());
        let source_ids = posts.iter().filter_map(|post| post.post.source_id.clone());
        let redirects = posts.iter().flat_map(|post| post.post.redirects.clone());
        let redirects = owners(transaction, "redirect", "from_path", redirects).await?;
        Ok(Self {
            slugs: slug_owners(transaction, slugs.collect()).await?,
            references: owners(transaction, "post", "reference", references).await?,
            source_ids: owners(transaction, "post", "source_id", source_ids).await?,
            redirects: redirects.into_keys().collect(),
        })
    }

    fn claim(
        &mut self,
        prepared: &PreparedPost,
        post_id: i64,
        transaction: &Transaction<'_>,
    ) -> Result<Claim, Vec<Problem>> {
        let mut problems = Vec::new();
        let post = &prepared.post;
        if let Some(reference) = &post.reference
            && self.references.contains_key(reference)
        {
            problems.push(taken("reference", reference, reference));
        }
        if let Some(source_id) = &post.source_id
            && let Some(owner) = self.source_ids.get(source_id)
        {
            problems.push(taken("sourceId", source_id, owner));
        }
        let head = &prepared.revisions[prepared.head()];
        if let Some(slug) = &head.revision.content.slug
            && let Some(owner) = self.slugs.get(slug)
        {
            problems.push(taken("slug", slug, owner));
        }
        if !problems.is_empty() {
            return Err(problems);
        }

        let head_slug = self.free_slug(&head.slug, post_id, transaction);
        let reference = post
            .reference
            .clone()
            .unwrap_or_else(|| made_reference(&head_slug, post_id, transaction));
        let mut reserved = vec![head_slug.clone()];
        let mut slugs = Vec::with_capacity(prepared.revisions.len());
        for revision in &prepared.revisions {
            if revision.slug == head.slug {
                slugs.push(head_slug.clone());
                continue;
            }
            // An earlier slug stays the post's own unless another post has taken it since.
            if !self.slugs.contains_key(&revision.slug) && !reserved.contains(&revision.slug) {
                reserved.push(revision.slug.clone());
            }
            slugs.push(revision.slug.clone());
        }
        if let Some(live) = prepared.live()
            && !reserved.contains(&slugs[live])
        {
            let slug = slugs[live].clone();
            let owner = self.slugs.get(&slug).cloned().unwrap_or_default();
            return Err(vec![taken("slug", &slug, &owner)]);
        }
        for slug in &reserved {
            self.slugs.insert(slug.clone(), reference.clone());
        }
        self.references.insert(reference.clone(), reference.clone());
        if let Some(source_id) = &post.source_id {
            self.source_ids.insert(source_id.clone(), reference.clone());
        }
        let redirects = post.redirects.iter();
        let redirects = redirects.filter(|path| self.redirects.insert((*path).clone()));
        Ok(Claim {
            post_id,
            redirects: redirects.cloned().collect(),
            reference,
            slugs,
            reserved,
        })
    }

    /// The slug itself, or with the first free number; where all numbers that were looked up are
    /// taken, with a suffix that nobody has.
    fn free_slug(&self, base: &str, post_id: i64, transaction: &Transaction<'_>) -> String {
        let numbered = NUMBERS.map(|number| format!("{base}-{number}"));
        std::iter::once(base.to_owned())
            .chain(numbered)
            .find(|slug| !self.slugs.contains_key(slug))
            .unwrap_or_else(|| {
                let unique = made_reference(base, post_id, transaction);
                format!("{base}-{}", unique.trim_start_matches("anp-"))
            })
    }
}

/// Unique in this database because of the key, and across databases because of slug and time.
fn made_reference(slug: &str, post_id: i64, transaction: &Transaction<'_>) -> String {
    let mut hasher = Sha256::new();
    hasher.update(slug);
    hasher.update(post_id.to_be_bytes());
    hasher.update(transaction.now().timestamp_micros().to_be_bytes());
    format!("anp-{}", &hex(&hasher.finalize())[..16])
}

/// The current assessment: the newest, and of those of one time the last.
fn newest(scores: &[NewScore], now: DateTime<Utc>) -> Option<&NewScore> {
    scores
        .iter()
        .max_by_key(|score| score.assessed_at.unwrap_or(now))
}

fn taken(field: &str, value: &str, owner: &str) -> Problem {
    Problem::new(
        ProblemCode::Taken,
        field,
        format!("`{value}` belongs to post {owner} already; choose another"),
    )
}

/// Which of `slugs` are taken and by whom, with the numbered variants of those that are taken or
/// wanted twice, so that a made one finds its free number.
async fn slug_owners(
    transaction: &Transaction<'_>,
    slugs: Vec<String>,
) -> Result<HashMap<String, String>> {
    let mut seen = HashSet::new();
    let twice: Vec<String> = slugs
        .iter()
        .filter(|slug| !seen.insert(slug.as_str()))
        .cloned()
        .collect();
    let mut taken = owners(transaction, "post_slug", "slug", slugs.into_iter()).await?;
    let crowded: Vec<String> = taken.keys().cloned().chain(twice).collect();
    let variants = crowded
        .iter()
        .flat_map(|slug| NUMBERS.map(move |number| format!("{slug}-{number}")));
    taken.extend(owners(transaction, "post_slug", "slug", variants).await?);
    Ok(taken)
}

/// Which of `values` are in `column` of `table`, and the reference of the post each belongs to.
async fn owners(
    transaction: &Transaction<'_>,
    table: &'static str,
    column: &'static str,
    values: impl Iterator<Item = String>,
) -> Result<HashMap<String, String>> {
    let values: HashSet<String> = values.collect();
    let values: Vec<String> = values.into_iter().collect();
    let mut owners = HashMap::new();
    for chunk in values.chunks(PARAMETERS) {
        let mut select = Query::select();
        select.from(table).column((table, column));
        if table == "post" {
            select.column(("post", "reference"));
        } else {
            select
                .column(("post", "reference"))
                .inner_join("post", Expr::col(("post", "id")).equals((table, "post_id")));
        }
        select.and_where(Expr::col((table, column)).is_in(chunk.iter().map(String::as_str)));
        for row in transaction.connection().query_all(&select).await? {
            owners.insert(row.try_get_by_index(0)?, row.try_get_by_index(1)?);
        }
    }
    Ok(owners)
}
