//! The time of the queue: microseconds since 1970.

use std::time::Duration;

use chrono::{DateTime, Utc};
use sea_orm::sea_query::{Expr, ExprTrait, Query};
use sea_orm::{ConnectionTrait, DbErr};

use crate::foundation::clock::Clock;
use crate::foundation::database::Dialect;

/// The time now, for a statement. On PostgreSQL it is the server's, so that workers on machines
/// whose clocks differ agree on what is due and whose lease has run out; on SQLite, where all of
/// them are on one machine, it is the machine's.
///
/// The server's is the time at which the statement began, which unlike the time on the wall is
/// one and the same for all its rows, so that an index can be searched for it.
pub(super) fn now(dialect: Dialect, clock: &Clock) -> Expr {
    let parameter = Expr::value(now_parameter(dialect, clock));
    match dialect {
        Dialect::Sqlite => parameter,
        Dialect::Postgres => Expr::cust(POSTGRES_NOW).add(parameter),
    }
}

/// The same as a number, for what a statement can't work out.
pub(super) async fn read(connection: &impl ConnectionTrait, clock: &Clock) -> Result<i64, DbErr> {
    let dialect = Dialect::from(connection.get_database_backend());
    let select = Query::select().expr(now(dialect, clock)).to_owned();
    let row = connection.query_one(&select).await?;
    row.ok_or_else(|| DbErr::RecordNotFound("the time".into()))?
        .try_get_by_index(0)
}

/// The time now, for a statement that is written out, whose first parameter is
/// [`now_parameter()`].
pub(super) fn now_sql(dialect: Dialect) -> String {
    match dialect {
        Dialect::Sqlite => "$1".to_owned(),
        Dialect::Postgres => format!("({POSTGRES_NOW} + $1)"),
    }
}

/// What a statement must be told to know the time: the time, or how far a test has moved it.
pub(super) fn now_parameter(dialect: Dialect, clock: &Clock) -> i64 {
    match dialect {
        Dialect::Sqlite => clock.now().timestamp_micros(),
        Dialect::Postgres => clock.advanced().num_microseconds().unwrap_or(0),
    }
}

const POSTGRES_NOW: &str = "CAST(extract(epoch FROM statement_timestamp()) * 1000000 AS BIGINT)";

/// A time span in the unit of the queue.
pub(super) fn microseconds(span: Duration) -> i64 {
    i64::try_from(span.as_micros()).unwrap_or(i64::MAX / 4)
}

/// A time of the queue as the rest of the program knows it.
pub(super) fn from_micros(micros: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_micros(micros).unwrap_or_default()
}
