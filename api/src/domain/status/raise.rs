//! Telling webhook endpoints that an alarm is raised, and that it is over.
//!
//! Which alarms are raised is in the database: whoever inserts a row tells that its alarm is raised,
//! whoever deletes it that it is over, in the same transaction. However many look at the same moment,
//! one of them does it. An alarm is over when nobody has seen it for a while, so that one that comes
//! and goes is told once.

use chrono::TimeDelta;
use entity::alarm::{ActiveModel, Column, Entity};
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::OnConflict;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};

use super::alarm::{Alarm, alarms};
use crate::domain::actor::Actor;
use crate::domain::error::Result;
use crate::domain::permission::Action;
use crate::domain::perspective::{Perspective, Reader};
use crate::domain::transaction::{Store, Transaction};
use crate::domain::webhook::{AlarmChange, Announcement};

/// The kind of the jobs that look for alarms, minute after minute.
pub const JOB_KIND: &str = "check_alarms";

/// How long an alarm must not have been seen to be over.
const CALM: TimeDelta = TimeDelta::minutes(5);

/// What a look told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// The codes of the alarms that it told are raised.
    pub raised: Vec<String>,
    /// The codes of those that it told are over.
    pub cleared: Vec<String>,
}

/// Looks which alarms there are, and tells what has changed.
///
/// # Errors
///
/// Those of the database.
pub async fn check(store: &Store) -> Result<Changes> {
    let reader = Reader::new(store.database.clone(), Perspective::Published);
    let alarms = alarms(&reader, &store.clock).await?;
    let mut transaction = Transaction::begin(store, Actor::Worker, Action::Maintain).await?;
    let mut changes = Changes::default();
    for alarm in &alarms {
        if raise(&mut transaction, alarm).await? {
            changes.raised.push(alarm.code.as_str().to_owned());
        }
    }
    let calm = Entity::find()
        .filter(Column::SeenAt.lte(transaction.now() - CALM))
        .order_by_asc(Column::Code)
        .all(transaction.connection())
        .await?;
    for row in calm {
        let deleted = Entity::delete_many()
            .filter(Column::Code.eq(&row.code))
            .filter(Column::SeenAt.eq(row.seen_at))
            .exec(transaction.connection())
            .await?;
        if deleted.rows_affected == 1 {
            changes.cleared.push(row.code.clone());
            transaction.announce(Announcement::Alarm(AlarmChange {
                code: row.code,
                message: row.message,
                since: row.since,
                is_over: true,
            }));
        }
    }
    transaction.commit().await?;
    Ok(changes)
}

/// Writes that an alarm was seen. Answers whether it was not raised before; then it is told.
async fn raise(transaction: &mut Transaction<'_>, alarm: &Alarm) -> Result<bool> {
    let now = transaction.now();
    let code = alarm.code.as_str();
    let row = ActiveModel {
        code: Set(code.to_owned()),
        message: Set(alarm.message.clone()),
        since: Set(alarm.since),
        raised_at: Set(now),
        seen_at: Set(now),
    };
    let inserted = Entity::insert_many([row])
        .on_conflict(OnConflict::column(Column::Code).do_nothing().to_owned())
        .exec_without_returning(transaction.connection())
        .await?;
    if inserted == 0 {
        Entity::update_many()
            .col_expr(Column::SeenAt, now.into())
            .filter(Column::Code.eq(code))
            .exec(transaction.connection())
            .await?;
        return Ok(false);
    }
    transaction.announce(Announcement::Alarm(AlarmChange {
        code: code.to_owned(),
        message: alarm.message.clone(),
        since: alarm.since,
        is_over: false,
    }));
    Ok(true)
}
