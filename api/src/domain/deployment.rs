//! Deployments: which program was started when, as the nodes that run it write down.

use chrono::{DateTime, Utc};
use entity::deployment::{ActiveModel, Column, Entity, Model};
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{OnConflict, Order, Query};
use sea_orm::{EntityTrait, FromQueryResult, Iterable, QueryOrder};

use super::actor::Actor;
use super::error::Result;
use super::permission::Action;
use super::perspective::Reader;
use super::transaction::{Store, Transaction};
use crate::foundation::build::Build;

/// A program that was started after another one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deployment {
    /// Which program.
    pub build: Build,
    /// The node that started it first.
    pub node: String,
    /// When.
    pub started_at: DateTime<Utc>,
}

impl From<Model> for Deployment {
    fn from(row: Model) -> Self {
        Self {
            build: Build {
                version: row.version,
                commit: row.commit_hash,
                schema_hash: row.schema_hash,
            },
            node: row.node,
            started_at: row.started_at,
        }
    }
}

/// Notes that a node starts a program, unless that is the program that was started last. Of nodes
/// that start together one notes it. Answers whether it is a deployment.
///
/// # Errors
///
/// Those of the database.
pub async fn note(store: &Store, build: &Build, node: &str) -> Result<bool> {
    let transaction = Transaction::begin(store, Actor::Worker, Action::Maintain).await?;
    let last = Entity::find().order_by_desc(Column::Id);
    let last = last.one(transaction.connection()).await?;
    let previous_id = last.as_ref().map_or(0, |last| last.id);
    if last.is_some_and(|last| Deployment::from(last).build == *build) {
        transaction.roll_back().await?;
        return Ok(false);
    }
    let row = ActiveModel {
        previous_id: Set(previous_id),
        version: Set(build.version.clone()),
        commit_hash: Set(build.commit.clone()),
        schema_hash: Set(build.schema_hash.clone()),
        node: Set(node.to_owned()),
        started_at: Set(transaction.now()),
        ..Default::default()
    };
    let written = Entity::insert_many([row])
        .on_conflict(
            OnConflict::column(Column::PreviousId)
                .do_nothing()
                .to_owned(),
        )
        .exec_without_returning(transaction.connection())
        .await?;
    transaction.commit().await?;
    Ok(written > 0)
}

/// The last deployments, the newest first.
///
/// # Errors
///
/// Those of the database.
pub async fn newest(reader: &Reader, limit: u64) -> Result<Vec<Deployment>> {
    let select = Query::select()
        .columns(Column::iter())
        .from(Entity)
        .order_by(Column::Id, Order::Desc)
        .limit(limit)
        .to_owned();
    let rows = reader.rows(&select).await?;
    let rows = rows.iter();
    rows.map(|row| Ok(Model::from_query_result(row, "")?.into()))
        .collect()
}
