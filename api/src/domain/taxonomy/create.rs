//! Adding words as posts bring them.

use std::collections::{BTreeMap, HashMap, HashSet};

use chrono::{DateTime, Utc};
use sea_orm::sea_query::{Condition, Expr, ExprTrait, LockType, OnConflict, Query, UnionType};
use sea_orm::{ConnectionTrait, Value};

use super::word::{self, Word};
use super::{Taxonomy, TermName};
use crate::domain::error::Result;
use crate::domain::slug::{name_key, slug_of};
use crate::domain::transaction::Transaction;
use crate::foundation::cache_tag::CacheTag;
use crate::foundation::database::PARAMETERS;
use crate::foundation::hash::sha256;

/// Finds words by name, in whatever case they are written, and adds those that are missing.
/// A merged word answers with the one that took its place, a deleted one comes back. Nobody merges or
/// deletes what this answers until the transaction ends.
///
/// # Errors
///
/// Those of the database.
pub async fn find_or_create(
    transaction: &mut Transaction<'_>,
    taxonomy: Taxonomy,
    names: Vec<TermName>,
) -> Result<HashMap<TermName, i64>> {
    let mut wanted: BTreeMap<TermName, Vec<TermName>> = BTreeMap::new();
    // In the order of their first appearance, which decides how a new word is spelled.
    let mut seen = HashSet::new();
    for spelling in names {
        if !seen.contains(&spelling) {
            seen.insert(spelling.clone());
            let key = (name_key(&spelling.0), name_key(&spelling.1));
            wanted.entry(key).or_default().push(spelling);
        }
    }
    let mut known = find_by_key(transaction, taxonomy, wanted.keys()).await?;
    let missing: Vec<(&TermName, &TermName)> = wanted
        .iter()
        .filter(|(key, _)| !known.contains_key(*key))
        .map(|(key, spellings)| (key, &spellings[0]))
        .collect();
    if !missing.is_empty() {
        insert(transaction, taxonomy, &missing).await?;
        let keys = missing.iter().map(|(key, _)| *key);
        for (key, id) in find_by_key(transaction, taxonomy, keys).await? {
            transaction.touch(CacheTag::Row(taxonomy.noun(), id));
            known.insert(key, id);
        }
        transaction.touch(CacheTag::List(taxonomy.noun()));
    }
    let mut found = HashMap::new();
    for (key, spellings) in wanted {
        if let Some(id) = known.get(&key) {
            found.extend(spellings.into_iter().map(|spelling| (spelling, *id)));
        }
    }
    Ok(found)
}

/// The words that are there, deleted ones brought back. What is found stays what it is until the
/// transaction ends.
async fn find_by_key(
    transaction: &mut Transaction<'_>,
    taxonomy: Taxonomy,
    keys: impl Iterator<Item = &TermName>,
) -> Result<HashMap<TermName, i64>> {
    let keys: Vec<&TermName> = keys.collect();
    let mut found = HashMap::new();
    let mut deleted = Vec::new();
    for chunk in keys.chunks(PARAMETERS / 2) {
        let wanted: HashSet<&TermName> = chunk.iter().copied().collect();
        for word in share(transaction, taxonomy, chunk).await? {
            let id = word.merged_into.unwrap_or(word.id);
            let name = (word.kind, word.key);
            // Others were read with them: those in their place, and of entities, other types.
            if wanted.contains(&name) {
                deleted.extend(word.deleted.then_some(id));
                found.insert(name, id);
            }
        }
    }
    bring_back(transaction, taxonomy, &deleted).await?;
    Ok(found)
}

/// How often words are looked up that others merge meanwhile; each look waits for those under way.
const MOST_LOOKS: usize = 10;

/// Words by key, and those that are in their place, which nobody merges, deletes or renames until
/// the transaction ends. They are locked in the order of their keys, as everybody does.
async fn share(
    transaction: &Transaction<'_>,
    taxonomy: Taxonomy,
    keys: &[&TermName],
) -> Result<Vec<Word>> {
    let by_key = |column: &'static str| {
        Query::select()
            .column(column)
            .from(taxonomy.table())
            .and_where(Expr::col("key").is_in(keys.iter().map(|(_, key)| key.as_str())))
            .and_where(Expr::col(column).is_not_null())
            .to_owned()
    };
    let ids = by_key("id")
        .union(UnionType::Distinct, by_key("merged_into"))
        .to_owned();
    let which = Condition::all().add(Expr::col("id").in_subquery(ids));
    let mut looked = 0;
    loop {
        let words = word::lock(transaction, taxonomy, which.clone(), LockType::KeyShare).await?;
        let in_use: HashSet<i64> = words
            .iter()
            .filter(|word| word.is_in_use())
            .map(|word| word.id)
            .collect();
        let mut successors = words.iter().filter_map(|word| word.merged_into);
        looked += 1;
        if successors.all(|id| in_use.contains(&id)) || looked == MOST_LOOKS {
            return Ok(words);
        }
        // One was merged further, or deleted, while we waited for it.
    }
}

async fn bring_back(
    transaction: &mut Transaction<'_>,
    taxonomy: Taxonomy,
    ids: &[i64],
) -> Result<()> {
    if ids.is_empty() {
        return Ok(());
    }
    let update = Query::update()
        .table(taxonomy.table())
        .value("deleted_at", Option::<DateTime<Utc>>::None)
        .and_where(Expr::col("id").is_in(ids.iter().copied()))
        .to_owned();
    transaction.connection().execute(&update).await?;
    for id in ids {
        transaction.touch(CacheTag::Row(taxonomy.noun(), *id));
    }
    transaction.touch(CacheTag::List(taxonomy.noun()));
    Ok(())
}

async fn insert(
    transaction: &Transaction<'_>,
    taxonomy: Taxonomy,
    missing: &[(&TermName, &TermName)],
) -> Result<()> {
    let taken = taken_slugs(transaction, taxonomy, missing).await?;
    let mut taken: HashSet<(String, String)> = taken.into_iter().collect();
    for chunk in missing.chunks(PARAMETERS / 5) {
        let mut columns = vec!["name", "slug", "key", "created_at"];
        if taxonomy == Taxonomy::Entity {
            columns.push("kind");
        }
        let mut insert = Query::insert();
        insert
            .into_table(taxonomy.table())
            .columns(columns)
            // Another transaction may add the same word at the same moment; it is read back below.
            .on_conflict(OnConflict::new().do_nothing().to_owned());
        for ((kind_key, key), (_, name)) in chunk {
            let slug = choose_slug(kind_key, key, name, &mut taken);
            let mut values: Vec<Value> = vec![
                name.trim().into(),
                slug.into(),
                key.as_str().into(),
                transaction.now().into(),
            ];
            if taxonomy == Taxonomy::Entity {
                values.push(kind_key.as_str().into());
            }
            insert.values_panic(values.into_iter().map(Expr::val));
        }
        transaction.connection().execute(&insert).await?;
    }
    Ok(())
}

/// A slug for a name that no other word has; `own_slug` is that of the word itself.
pub(super) async fn free_slug(
    transaction: &Transaction<'_>,
    taxonomy: Taxonomy,
    (kind_key, key): &TermName,
    name: &str,
    own_slug: Option<&str>,
) -> Result<String> {
    let wanted = (kind_key.clone(), name.to_owned());
    let taken = taken_slugs(transaction, taxonomy, &[(&wanted, &wanted)]).await?;
    let mut taken = taken
        .into_iter()
        .filter(|(kind, slug)| kind != kind_key || Some(slug.as_str()) != own_slug)
        .collect();
    Ok(choose_slug(kind_key, key, name, &mut taken))
}

/// The slug of a name, with a number where it is taken; it is taken from then on.
fn choose_slug(
    kind_key: &str,
    key: &str,
    name: &str,
    taken: &mut HashSet<(String, String)>,
) -> String {
    let base = base_slug(name);
    let mut slug = base.clone();
    let mut number = 1;
    while !taken.insert((kind_key.to_owned(), slug.clone())) {
        number += 1;
        slug = match number {
            ..=NUMBERS => format!("{base}-{number}"),
            // All that were looked up are taken: the key is what makes the word unique.
            _ => format!("{base}-{}", &sha256(key)[..12]),
        };
    }
    slug
}

/// Numbers that a slug may get when it is taken.
const NUMBERS: u8 = 10;

/// The slug of a word; of one that can't be spelled, `term`.
fn base_slug(name: &str) -> String {
    match slug_of(name) {
        slug if slug.is_empty() => "term".into(),
        slug => slug,
    }
}

/// Slugs that begin like those about to be made, so that new ones avoid them.
async fn taken_slugs(
    transaction: &Transaction<'_>,
    taxonomy: Taxonomy,
    missing: &[(&TermName, &TermName)],
) -> Result<Vec<(String, String)>> {
    let slugs: HashSet<String> = missing
        .iter()
        .map(|(_, (_, name))| base_slug(name))
        .collect();
    let slugs: Vec<String> = slugs.into_iter().collect();
    let mut taken = Vec::new();
    for chunk in slugs.chunks(PARAMETERS / 10) {
        // Names that share a slug are rare (`C.I.` and `CI`), so these candidates of each are plenty.
        let candidates = chunk.iter().flat_map(|slug| {
            std::iter::once(slug.clone()).chain((2..=NUMBERS).map(move |n| format!("{slug}-{n}")))
        });
        let select = Query::select()
            .expr(taxonomy.kind())
            .column("slug")
            .from(taxonomy.table())
            .and_where(Expr::col("slug").is_in(candidates))
            .to_owned();
        for row in transaction.connection().query_all(&select).await? {
            taken.push((row.try_get_by_index(0)?, row.try_get_by_index(1)?));
        }
    }
    Ok(taken)
}
