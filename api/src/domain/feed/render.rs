//! Rendering every feed and sitemap, and keeping those that became others.

use chrono::{DateTime, Utc};
use entity::feed::{ActiveModel, Column, Entity};
use entity::post;
use sea_orm::sea_query::OnConflict;
use sea_orm::{
    ActiveValue::Set, ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter, QueryOrder,
    QuerySelect,
};

use super::entry::newest;
use super::sitemap::KEYS_OF_A_PART;
use super::{ATOM_PATH, JSON_PATH, RSS_PATH, SITEMAP_PATH, atom, json_feed, rss, sitemap};
use crate::domain::actor::Actor;
use crate::domain::error::Result;
use crate::domain::permission::Action;
use crate::domain::transaction::{Store, Transaction};
use crate::foundation::hash::sha256;

/// What was rendered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rendering {
    /// Files that are served now.
    pub files: u64,
    /// Those of them that became others.
    pub changed: u64,
}

impl Rendering {
    fn add(&mut self, kept: Kept) {
        self.files += 1;
        self.changed += u64::from(kept.changed);
    }
}

/// A file that was written or was the same already.
struct Kept {
    changed: bool,
    changed_at: DateTime<Utc>,
}

/// Renders everything from what is live, one sitemap at a time, so that what it takes in memory
/// does not grow with the site. A file that says the same as before stays as it is. The queue sees
/// to it that one run is over before the next begins, so that what was read earlier never takes the
/// place of what was read later.
///
/// # Errors
///
/// Those of the database.
pub async fn render(store: &Store) -> Result<Rendering> {
    let mut rendering = Rendering::default();
    let channel = &store.channel;

    let transaction = Transaction::begin(store, Actor::Worker, Action::Maintain).await?;
    let entries = newest(transaction.connection()).await?;
    for (path, content_type, body) in [
        (RSS_PATH, rss::CONTENT_TYPE, rss::write(channel, &entries)?),
        (
            ATOM_PATH,
            atom::CONTENT_TYPE,
            atom::write(channel, &entries)?,
        ),
        (
            JSON_PATH,
            json_feed::CONTENT_TYPE,
            json_feed::write(channel, &entries)?,
        ),
    ] {
        rendering.add(keep(&transaction, path, content_type, body).await?);
    }
    transaction.commit().await?;

    let mut parts = Vec::new();
    let mut next = Some(0);
    while let Some(number) = next {
        let transaction = Transaction::begin(store, Actor::Worker, Action::Maintain).await?;
        let connection = transaction.connection();
        let path = sitemap::part_path(number);
        if let Some(body) = sitemap::write_part(connection, channel, number).await? {
            let kept = keep(&transaction, &path, sitemap::CONTENT_TYPE, body).await?;
            parts.push((path, kept.changed_at));
            rendering.add(kept);
        }
        next = next_part(connection, number).await?;
        transaction.commit().await?;
    }

    let transaction = Transaction::begin(store, Actor::Worker, Action::Maintain).await?;
    let index = sitemap::write_index(channel, &parts)?;
    let kept = keep(&transaction, SITEMAP_PATH, sitemap::CONTENT_TYPE, index).await?;
    rendering.add(kept);
    let paths = parts.into_iter().map(|(path, _)| path);
    let paths = paths.chain([RSS_PATH, ATOM_PATH, JSON_PATH, SITEMAP_PATH].map(str::to_owned));
    Entity::delete_many()
        .filter(Column::Path.is_not_in(paths))
        .exec(transaction.connection())
        .await?;
    transaction.commit().await?;
    Ok(rendering)
}

/// The next sitemap after this one that has a live post.
async fn next_part(connection: &DatabaseTransaction, number: i64) -> Result<Option<i64>> {
    let next: Option<i64> = post::Entity::find()
        .filter(post::Column::Id.gte((number + 1) * KEYS_OF_A_PART))
        .filter(post::Column::LiveContent.is_not_null())
        .select_only()
        .column(post::Column::Id)
        .order_by_asc(post::Column::Id)
        .into_tuple()
        .one(connection)
        .await?;
    Ok(next.map(|id| id / KEYS_OF_A_PART))
}

async fn keep(
    transaction: &Transaction<'_>,
    path: &str,
    content_type: &str,
    body: String,
) -> Result<Kept> {
    let connection = transaction.connection();
    let etag = format!("\"{}\"", &sha256(&body)[..32]);
    let known: Option<(String, DateTime<Utc>)> = Entity::find_by_id(path)
        .select_only()
        .columns([Column::Etag, Column::ChangedAt])
        .into_tuple()
        .one(connection)
        .await?;
    if let Some((known, changed_at)) = known
        && known == etag
    {
        return Ok(Kept {
            changed: false,
            changed_at,
        });
    }
    let changed_at = transaction.now();
    let row = ActiveModel {
        path: Set(path.to_owned()),
        content_type: Set(content_type.to_owned()),
        body: Set(body),
        etag: Set(etag),
        changed_at: Set(changed_at),
    };
    Entity::insert(row)
        .on_conflict(
            OnConflict::column(Column::Path)
                .update_columns([
                    Column::ContentType,
                    Column::Body,
                    Column::Etag,
                    Column::ChangedAt,
                ])
                .to_owned(),
        )
        .exec_without_returning(connection)
        .await?;
    Ok(Kept {
        changed: true,
        changed_at,
    })
}
