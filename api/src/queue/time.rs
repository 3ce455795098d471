//! The time of the queue: microseconds since 1970.

use std::time::Duration;

use sea_orm::sea_query::{Expr, ExprTrait};

use crate::foundation::clock::Clock;
use crate::foundation::database::Dialect;

/// The time now, for a statement. On PostgreSQL it is the server's, so that workers on machines
/// whose clocks differ agree on what is due and whose lease has run out; on SQLite, where all of
/// them are on one machine, it is the machine's.
///
/// The server's is the time at which the statement began, which unlike the time on the wall is
/// one and the same for all its rows, so that an index can be searched for it.
pub(super) fn now(dialect: Dialect, clock: &Clock) -> Expr {
    match dialect {
        Dialect::Sqlite => Expr::value(clock.now().timestamp_micros()),
        Dialect::Postgres => {
            let shift = clock.advanced().num_microseconds().unwrap_or(0);
            Expr::cust("CAST(extract(epoch FROM statement_timestamp()) * 1000000 AS BIGINT)")
                .add(shift)
        }
    }
}

/// A time span in the unit of the queue.
pub(super) fn microseconds(span: Duration) -> i64 {
    i64::try_from(span.as_micros()).unwrap_or(i64::MAX / 4)
}
