//! Creating and renaming words by hand.

use chrono::{DateTime, Utc};
use sea_orm::sea_query::{Condition, Expr, ExprTrait, LockType, Query};
use sea_orm::{ConnectionTrait, DbErr};

use super::create::free_slug;
use super::word::{self, Word};
use super::{NAME_LENGTH, Taxonomy, uses};
use crate::domain::audit::AuditEvent;
use crate::domain::error::{Error, Failure, Problem, ProblemCode, Result};
use crate::domain::slug::{MAXIMUM_SLUG_LENGTH, is_slug, name_key};
use crate::domain::transaction::Transaction;
use crate::foundation::cache_tag::CacheTag;

/// A word to be created.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewTerm {
    /// As people write it.
    pub name: String,
    /// As paths write it; made from the name when absent.
    pub slug: Option<String>,
    /// The type of a named entity; empty for tools and stacks.
    pub kind: String,
}

/// What changes about a word; what is absent stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TermPatch {
    /// As people write it.
    pub name: Option<String>,
    /// As paths write it; made from the name when it is cleared.
    pub slug: Option<Option<String>>,
    /// The type of a named entity.
    pub kind: Option<String>,
}

/// Creates a word, or brings back one of this name that was deleted. Answers its key.
///
/// # Errors
///
/// [`Error::Refused`] when name, slug or type can't be used or are taken.
pub async fn create(
    transaction: &mut Transaction<'_>,
    taxonomy: Taxonomy,
    new: NewTerm,
) -> Result<i64> {
    let wanted = Wanted::checked(taxonomy, &new.name, &new.kind, new.slug)?;
    let holders = word::lock(transaction, taxonomy, wanted.holders(), LockType::Update).await?;
    let deleted = holders
        .iter()
        .find(|word| word.deleted && word.kind == wanted.kind && word.key == wanted.key);
    let own_id = deleted.map(|word| word.id);
    wanted
        .claim(transaction, taxonomy, &holders, own_id)
        .await?;
    let slug = match (&wanted.slug, deleted) {
        (Some(slug), _) => slug.clone(),
        (None, Some(word)) => word.slug.clone(),
        (None, None) => wanted.free_slug(transaction, taxonomy, None).await?,
    };
    let id = match own_id {
        Some(id) => {
            wanted.write(transaction, taxonomy, id, &slug).await?;
            id
        }
        None => wanted.insert(transaction, taxonomy, &slug).await?,
    };
    let word = wanted.into_word(id, slug);
    transaction.touch(CacheTag::Row(taxonomy.noun(), id));
    transaction.touch(CacheTag::List(taxonomy.noun()));
    transaction.record(AuditEvent {
        action: "create",
        subject: taxonomy.noun(),
        subject_id: id,
        before: None,
        after: Some(word.to_json(taxonomy)),
    });
    transaction.announce(word.announcement(taxonomy, "created", None, None));
    Ok(id)
}

/// Changes name, slug or type of a word. The slug stays unless it is given, so that links hold; a
/// word that was merged into this one gives up its name or slug when this one wants it.
///
/// # Errors
///
/// [`Error::Refused`] when there is no such word, or name, slug or type can't be used or are taken.
pub async fn update(
    transaction: &mut Transaction<'_>,
    taxonomy: Taxonomy,
    id: i64,
    patch: TermPatch,
) -> Result<()> {
    uses::lock_posts(transaction, taxonomy, id).await?;
    let Some(known) = word::peek(transaction, taxonomy, id).await? else {
        return Err(Problem::not_found("id", taxonomy.noun()).into());
    };
    let name = patch.name.as_deref().unwrap_or(&known.name);
    let kind = patch.kind.as_deref().unwrap_or(&known.kind);
    // A slug that stays can be taken too: of entities, by one of the new type.
    let slug = patch.slug.clone().unwrap_or(Some(known.slug));
    let wanted = Wanted::checked(taxonomy, name, kind, slug)?;
    let which = wanted.holders().add(Expr::col("id").eq(id));
    let words = word::lock(transaction, taxonomy, which, LockType::Update).await?;
    let before = word::in_use(transaction, taxonomy, &words, id, "id").await?;
    wanted
        .claim(transaction, taxonomy, &words, Some(id))
        .await?;
    let slug = match &patch.slug {
        None => before.slug.clone(),
        Some(Some(slug)) => slug.clone(),
        Some(None) => {
            wanted
                .free_slug(transaction, taxonomy, Some(before))
                .await?
        }
    };
    let after = wanted.clone().into_word(id, slug);
    if after == *before {
        return Ok(());
    }
    wanted.write(transaction, taxonomy, id, &after.slug).await?;
    if after.name != before.name {
        uses::add_to_search(transaction, taxonomy, id, &after.name).await?;
    }
    let live_posts = uses::live_posts(transaction, taxonomy, id).await?;
    uses::tell(transaction, &live_posts);
    transaction.touch(CacheTag::Row(taxonomy.noun(), id));
    transaction.touch(CacheTag::List(taxonomy.noun()));
    transaction.record(AuditEvent {
        action: "update",
        subject: taxonomy.noun(),
        subject_id: id,
        before: Some(before.to_json(taxonomy)),
        after: Some(after.to_json(taxonomy)),
    });
    transaction.announce(after.announcement(taxonomy, "updated", Some(&before.slug), None));
    Ok(())
}

/// What a word is to be.
#[derive(Clone, Debug)]
struct Wanted {
    name: String,
    key: String,
    kind: String,
    slug: Option<String>,
}

impl Wanted {
    fn checked(
        taxonomy: Taxonomy,
        name: &str,
        kind: &str,
        slug: Option<String>,
    ) -> Result<Self, Vec<Problem>> {
        let mut problems = check_name("name", name);
        if taxonomy == Taxonomy::Entity {
            problems.extend(check_name("type", kind));
        }
        if slug.as_deref().is_some_and(|slug| !is_slug(slug)) {
            let message = format!(
                "is no slug: use lower-case letters, digits, `-`, `_` and `.`, \
                 {MAXIMUM_SLUG_LENGTH} bytes at most"
            );
            problems.push(Problem::invalid("slug", message));
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        Ok(Self {
            name: name.trim().to_owned(),
            key: name_key(name),
            kind: name_key(kind),
            slug,
        })
    }

    /// A slug made from the name, that of the word itself if that is it.
    async fn free_slug(
        &self,
        transaction: &Transaction<'_>,
        taxonomy: Taxonomy,
        own: Option<&Word>,
    ) -> Result<String> {
        let key = (self.kind.clone(), self.key.clone());
        let own = own.filter(|word| word.kind == self.kind);
        let own_slug = own.map(|word| word.slug.as_str());
        free_slug(transaction, taxonomy, &key, &self.name, own_slug).await
    }

    fn into_word(self, id: i64, slug: String) -> Word {
        Word {
            id,
            kind: self.kind,
            name: self.name,
            slug,
            key: self.key,
            merged_into: None,
            deleted: false,
        }
    }

    /// The words that have the name or the slug, whatever became of them. Of entities, those of
    /// other types are among them and in nobody's way.
    fn holders(&self) -> Condition {
        let slug = self.slug.as_ref();
        Condition::any()
            .add(Expr::col("key").eq(self.key.as_str()))
            .add_option(slug.map(|slug| Expr::col("slug").eq(slug.as_str())))
    }

    /// Has deleted words, and those that were merged into this one, give up what this one wants;
    /// says of all others that it is taken.
    async fn claim(
        &self,
        transaction: &Transaction<'_>,
        taxonomy: Taxonomy,
        holders: &[Word],
        own_id: Option<i64>,
    ) -> Result<()> {
        let mut problems = Vec::new();
        let others = holders
            .iter()
            .filter(|word| Some(word.id) != own_id && word.kind == self.kind);
        for word in others {
            let (name, slug) = (word.key == self.key, Some(&word.slug) == self.slug.as_ref());
            if word.deleted {
                give_up(transaction, taxonomy, word, true, true).await?;
            } else if word.merged_into.is_some() && word.merged_into == own_id {
                give_up(transaction, taxonomy, word, name, slug).await?;
            } else if name {
                problems.push(taken(transaction, taxonomy, word, "name").await);
            } else if slug {
                problems.push(taken(transaction, taxonomy, word, "slug").await);
            }
        }
        match problems.is_empty() {
            true => Ok(()),
            false => Err(problems.into()),
        }
    }

    async fn insert(
        &self,
        transaction: &Transaction<'_>,
        taxonomy: Taxonomy,
        slug: &str,
    ) -> Result<i64> {
        let mut columns = vec!["name", "slug", "key", "created_at"];
        let mut values = vec![
            Expr::val(self.name.as_str()),
            Expr::val(slug),
            Expr::val(self.key.as_str()),
            Expr::val(transaction.now()),
        ];
        if taxonomy == Taxonomy::Entity {
            columns.push("kind");
            values.push(Expr::val(self.kind.as_str()));
        }
        let insert = Query::insert()
            .into_table(taxonomy.table())
            .columns(columns)
            .values_panic(values)
            .returning_col("id")
            .to_owned();
        let row = transaction.connection().query_one(&insert).await;
        let row = row.map_err(|error| taken_meanwhile(taxonomy, error.into()))?;
        let row = row.ok_or(DbErr::RecordNotInserted)?;
        Ok(row.try_get_by_index(0)?)
    }

    async fn write(
        &self,
        transaction: &Transaction<'_>,
        taxonomy: Taxonomy,
        id: i64,
        slug: &str,
    ) -> Result<()> {
        let mut update = Query::update();
        update
            .table(taxonomy.table())
            .value("name", self.name.as_str())
            .value("key", self.key.as_str())
            .value("slug", slug)
            .value("deleted_at", Option::<DateTime<Utc>>::None)
            .and_where(Expr::col("id").eq(id));
        if taxonomy == Taxonomy::Entity {
            update.value("kind", self.kind.as_str());
        }
        let written = transaction.connection().execute(&update).await;
        written.map_err(|error| taken_meanwhile(taxonomy, error.into()))?;
        Ok(())
    }
}

/// Frees the name or the slug of a word that is no longer used. What it gets instead can't be asked
/// for: no key has two spaces in a row, and no slug a `~`.
async fn give_up(
    transaction: &Transaction<'_>,
    taxonomy: Taxonomy,
    word: &Word,
    name: bool,
    slug: bool,
) -> Result<()> {
    let mut update = Query::update();
    update
        .table(taxonomy.table())
        .and_where(Expr::col("id").eq(word.id));
    if name {
        update.value("key", format!("{}  {}", word.key, word.id));
    }
    if slug {
        update.value("slug", format!("{}~{}", word.slug, word.id));
    }
    transaction.connection().execute(&update).await?;
    Ok(())
}

async fn taken(
    transaction: &Transaction<'_>,
    taxonomy: Taxonomy,
    holder: &Word,
    field: &str,
) -> Problem {
    let (noun, name) = (taxonomy.noun(), &holder.name);
    let message = match holder.merged_into {
        Some(successor) => {
            let successor = word::name_of(transaction, taxonomy, successor).await;
            format!("leads to {noun} `{successor}`, which `{name}` was merged into; use that one")
        }
        None => format!("belongs to {noun} `{name}` already; choose another, or merge the two"),
    };
    Problem::new(ProblemCode::Taken, field, message)
}

/// Somebody else was faster, after we had looked.
fn taken_meanwhile(taxonomy: Taxonomy, error: Error) -> Error {
    match error.failure() {
        Failure::Taken => {
            let message = format!(
                "another {} has taken this name or slug just now; look at it first",
                taxonomy.noun()
            );
            Problem::new(ProblemCode::Taken, "name", message).into()
        }
        _ => error,
    }
}

fn check_name(field: &str, name: &str) -> Vec<Problem> {
    let message = if name_key(name).is_empty() {
        "is empty; fill it in".to_owned()
    } else if name.chars().count() > NAME_LENGTH {
        format!("is longer than {NAME_LENGTH} characters; shorten it")
    } else if name.contains('\0') {
        "holds a NUL character; remove it".to_owned()
    } else {
        return Vec::new();
    };
    vec![Problem::invalid(field, message)]
}
