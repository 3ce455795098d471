//! Saving a further revision of a post.

use entity::{post, post_content, post_slug, revision};
use sea_orm::sea_query::Expr;
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QuerySelect};
use serde_json::json;

use super::content::RevisionStatus;
use super::create::SavedPost;
use super::insert::insert;
use super::lock::lock;
use super::prepare::PreparedRevision;
use super::rows::{Place, Rows, Terms};
use crate::domain::audit::AuditEvent;
use crate::domain::error::{Problem, ProblemCode, Result};
use crate::domain::transaction::Transaction;
use crate::foundation::database::reserve_keys;

/// Where a further revision stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It becomes what editors go on with.
    Head,
    /// It is kept beside the head, for a person to compare.
    Beside,
}

/// Saves a further revision. A revision without a slug keeps the slug of the head. Nothing becomes
/// live by this: `published` is saved as `drafted`, and publishing is a step of its own.
///
/// # Errors
///
/// [`Error::Refused`](crate::domain::error::Error::Refused) when there is no such post, or the slug
/// belongs to another one.
pub async fn revise(
    transaction: &mut Transaction<'_>,
    post_id: i64,
    prepared: PreparedRevision,
    standing: Standing,
) -> Result<SavedPost> {
    let post = lock(transaction, post_id).await?;
    save(transaction, post, prepared, standing).await
}

/// Saves a further revision of a post that is locked, as [`revise`] does.
pub(super) async fn save(
    transaction: &mut Transaction<'_>,
    post: post::Model,
    mut prepared: PreparedRevision,
    standing: Standing,
) -> Result<SavedPost> {
    let post_id = post.id;
    let slug = match prepared.revision.content.slug.clone() {
        Some(slug) => reserve_slug(transaction, post_id, slug).await?,
        None => head_slug(transaction, post.head_content).await?,
    };
    if prepared.revision.status == RevisionStatus::Published {
        prepared.revision.status = RevisionStatus::Drafted;
    }
    let number: Option<i32> = revision::Entity::find()
        .filter(revision::Column::PostId.eq(post_id))
        .select_only()
        .column_as(revision::Column::Number.max(), "number")
        .into_tuple()
        .one(transaction.connection())
        .await?
        .flatten();
    let keys = reserve_keys(transaction.connection(), "revision", 1).await?;
    let place = Place {
        id: keys[0],
        post_id,
        number: number.unwrap_or(0) + 1,
        published_at: None,
    };
    let content = prepared.revision.content.clone();
    let terms = Terms::of(transaction, &[&content]).await?;
    let actor = transaction.actor().to_string();
    let now = transaction.now();
    let mut rows = Rows::default();
    rows.add_revision(prepared, slug, &place, &terms, &actor, now)?;
    insert(transaction, |inserter| rows.insert(inserter)).await?;

    let head_before = post.head_content;
    if standing == Standing::Head {
        post::Entity::update_many()
            .col_expr(post::Column::HeadContent, Expr::value(place.id))
            .filter(post::Column::Id.eq(post_id))
            .exec(transaction.connection())
            .await?;
    }
    transaction.record(AuditEvent {
        action: "revise",
        subject: "post",
        subject_id: post_id,
        before: Some(json!({ "headRevision": head_before })),
        after: Some(json!({
            "revision": place.id,
            "head": standing == Standing::Head,
        })),
    });
    Ok(SavedPost {
        post_id,
        revision_id: place.id,
    })
}

async fn reserve_slug(transaction: &Transaction<'_>, post_id: i64, slug: String) -> Result<String> {
    let owner = post_slug::Entity::find_by_id(slug.clone())
        .one(transaction.connection())
        .await?;
    match owner {
        Some(owner) if owner.post_id == post_id => {}
        Some(_) => {
            let message = format!("`{slug}` belongs to another post already; choose another");
            return Err(Problem::new(ProblemCode::Taken, "slug", message).into());
        }
        None => {
            let row = post_slug::ActiveModel {
                slug: Set(slug.clone()),
                post_id: Set(post_id),
            };
            post_slug::Entity::insert(row)
                .exec_without_returning(transaction.connection())
                .await?;
        }
    }
    Ok(slug)
}

async fn head_slug(transaction: &Transaction<'_>, head_content: i64) -> Result<String> {
    let slug: Option<String> = post_content::Entity::find_by_id(head_content)
        .select_only()
        .column(post_content::Column::Slug)
        .into_tuple()
        .one(transaction.connection())
        .await?;
    slug.ok_or_else(|| Problem::not_found("post", "head of the post").into())
}
