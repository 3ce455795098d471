//! What of a live post is compared with others.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use sea_orm::sea_query::{Expr, ExprTrait, Query};
use sea_orm::{ConnectionTrait, DatabaseTransaction, DbErr};

use crate::domain::taxonomy::Taxonomy;
use crate::foundation::database::PARAMETERS;

/// The kinds of terms that posts share.
pub(super) const TAXONOMIES: [Taxonomy; 3] = [Taxonomy::Tool, Taxonomy::Stack, Taxonomy::Entity];

/// A tool, a stack or a named entity: its kind and its key.
pub(super) type Term = (Taxonomy, i64);

/// What of a live post is compared with others.
#[derive(Clone, Debug)]
pub(super) struct Profile {
    pub(super) post_id: i64,
    pub(super) content_id: i64,
    pub(super) published_at: DateTime<Utc>,
    pub(super) code_language: Option<String>,
    pub(super) difficulty: Option<String>,
    pub(super) words: BTreeSet<String>,
    pub(super) terms: BTreeSet<Term>,
}

/// What the ids given to [`load`] are keys of.
#[derive(Clone, Copy)]
pub(super) enum By {
    Post,
    Content,
}

/// The profiles of those that are live, in the order of their post ids. Four statements.
pub(super) async fn load(
    connection: &DatabaseTransaction,
    by: By,
    ids: &[i64],
) -> Result<Vec<Profile>, DbErr> {
    let mut profiles: BTreeMap<i64, Profile> = BTreeMap::new();
    for ids in ids.chunks(PARAMETERS) {
        load_contents(connection, by, ids, &mut profiles).await?;
    }
    let content_ids: Vec<i64> = profiles.keys().copied().collect();
    for content_ids in content_ids.chunks(PARAMETERS) {
        load_terms(connection, content_ids, &mut profiles).await?;
    }
    let mut profiles: Vec<Profile> = profiles.into_values().collect();
    profiles.sort_by_key(|profile| profile.post_id);
    Ok(profiles)
}

async fn load_contents(
    connection: &DatabaseTransaction,
    by: By,
    ids: &[i64],
    profiles: &mut BTreeMap<i64, Profile>,
) -> Result<(), DbErr> {
    let table = match by {
        By::Post => "post",
        By::Content => "post_content",
    };
    let select = Query::select()
        .columns(
            [
                "id",
                "post_id",
                "published_at",
                "title",
                "topic",
                "summary",
                "code_language",
                "difficulty",
            ]
            .map(|column| ("post_content", column)),
        )
        .from("post")
        .inner_join(
            "post_content",
            Expr::col(("post_content", "id")).equals(("post", "live_content")),
        )
        .and_where(Expr::col((table, "id")).is_in(ids.iter().copied()))
        .and_where(Expr::col(("post_content", "published_at")).is_not_null())
        .to_owned();
    for row in connection.query_all(&select).await? {
        let content_id = row.try_get("", "id")?;
        let title: String = row.try_get("", "title")?;
        let topic: Option<String> = row.try_get("", "topic")?;
        let summary: String = row.try_get("", "summary")?;
        profiles.insert(
            content_id,
            Profile {
                post_id: row.try_get("", "post_id")?,
                content_id,
                published_at: row.try_get("", "published_at")?,
                code_language: row.try_get("", "code_language")?,
                difficulty: row.try_get("", "difficulty")?,
                words: words([title, topic.unwrap_or_default(), summary]),
                terms: BTreeSet::new(),
            },
        );
    }
    Ok(())
}

async fn load_terms(
    connection: &DatabaseTransaction,
    content_ids: &[i64],
    profiles: &mut BTreeMap<i64, Profile>,
) -> Result<(), DbErr> {
    for taxonomy in TAXONOMIES {
        let select = Query::select()
            .column("content_id")
            .column(taxonomy.join_column())
            .from(taxonomy.join_table())
            .and_where(Expr::col("content_id").is_in(content_ids.iter().copied()))
            .to_owned();
        for row in connection.query_all(&select).await? {
            let content_id: i64 = row.try_get("", "content_id")?;
            if let Some(profile) = profiles.get_mut(&content_id) {
                let term = row.try_get("", taxonomy.join_column())?;
                profile.terms.insert((taxonomy, term));
            }
        }
    }
    Ok(())
}

/// Each word once, in lower case.
fn words(texts: [String; 3]) -> BTreeSet<String> {
    // Words that say nothing about what a text is about.
    const COMMONEST: [&str; 24] = [
        "an", "and", "are", "as", "at", "be", "by", "for", "from", "how", "in", "is", "it", "of",
        "on", "or", "that", "the", "this", "to", "when", "with", "you", "your",
    ];
    let mut words = BTreeSet::new();
    for text in texts {
        let text = text.to_lowercase();
        let found = text
            .split(|letter: char| !letter.is_alphanumeric())
            .filter(|word| word.chars().nth(1).is_some() && !COMMONEST.contains(word));
        words.extend(found.map(str::to_owned));
    }
    words
}
