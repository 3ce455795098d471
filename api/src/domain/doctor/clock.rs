//! Whether the machine knows the time.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use entity::audit_event::{Column, Entity};
use sea_orm::sea_query::{Order, Query};
use sea_orm::{DatabaseBackend, Statement};

use super::Finding;
use crate::domain::error::Result;
use crate::domain::perspective::Reader;
use crate::foundation::clock::Clock;
use crate::foundation::database::Dialect;

/// How far two clocks may be apart before somebody should look, and before that is wrong: what one
/// node signs another must not find expired, or made in the future.
const APART: TimeDelta = TimeDelta::seconds(1);
const FAR_APART: TimeDelta = TimeDelta::seconds(30);

/// Before this version was written.
const EARLIEST: Option<NaiveDate> = NaiveDate::from_ymd_opt(2026, 1, 1);

const REMEDY: &str = "have the machine keep its time by NTP, e.g. with chrony or systemd-timesyncd";

/// Whether the clock is right, as far as others tell: the server of the database, or what was
/// written last.
///
/// # Errors
///
/// Those of the database.
pub async fn clock(reader: &Reader, clock: &Clock) -> Result<Finding> {
    let now = clock.now();
    if EARLIEST.is_some_and(|earliest| now.date_naive() < earliest) {
        return Ok(Finding::fail(format!("it says {now}"), REMEDY));
    }
    // The newest by key: that is the one written last, whatever time it says.
    let newest = Query::select()
        .column(Column::At)
        .from(Entity)
        .order_by(Column::Id, Order::Desc)
        .limit(1)
        .to_owned();
    let rows = reader.rows(&newest).await?;
    let written: Option<DateTime<Utc>> = match rows.first() {
        Some(row) => Some(row.try_get_by_index(0)?),
        None => None,
    };
    if let Some(written) = written.filter(|written| *written > now + FAR_APART) {
        let found = format!("it says {now}, but the log was written at {written} already");
        return Ok(Finding::fail(found, REMEDY));
    }
    if reader.dialect() == Dialect::Sqlite {
        return Ok(Finding::ok(format!(
            "{now}, later than all that was written"
        )));
    }
    let asked = clock.now();
    let statement = Statement::from_string(DatabaseBackend::Postgres, "SELECT clock_timestamp()");
    let rows = reader.rows_of(statement).await?;
    let Some(row) = rows.first() else {
        return Ok(Finding::skip("the database told no time"));
    };
    let theirs: DateTime<Utc> = row.try_get_by_index(0)?;
    let ours = asked + (clock.now() - asked) / 2;
    let apart = (ours - theirs).abs();
    let found = format!("{} ms apart from the database's", apart.num_milliseconds());
    Ok(if apart > FAR_APART {
        Finding::fail(found, REMEDY)
    } else if apart > APART {
        Finding::warn(found, REMEDY)
    } else {
        Finding::ok(found)
    })
}
