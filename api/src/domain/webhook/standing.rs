//! How deliveries stand as a whole.

use std::time::Duration;

use chrono::{DateTime, Utc};
use entity::{webhook_delivery, webhook_endpoint};
use sea_orm::ConnectionTrait;
use sea_orm::sea_query::{Expr, ExprTrait, Query, SelectStatement, SubQueryStatement};

use super::delivery::DeliveryStatus;
use crate::domain::error::Result;
use crate::domain::transaction::Store;

/// How deliveries stand as a whole.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Deliveries that wait for an attempt.
    pub pending: u64,
    /// Deliveries that were given up and are still remembered.
    pub failed: u64,
    /// How long the one has been due that has been due longest; none when nothing is due.
    pub oldest_due: Option<Duration>,
    /// Endpoints that are switched on and did not answer the last attempt as they should.
    pub endpoints_failing: u64,
}

/// How deliveries stand. One statement.
///
/// # Errors
///
/// Those of the database.
pub async fn standing(store: &Store) -> Result<Standing> {
    use webhook_delivery::Column::{Id, NextAttemptAt, Status};
    use webhook_endpoint::Column::{Enabled, FailingSince, Id as EndpointId};
    let deliveries = |status: DeliveryStatus| {
        Query::select()
            .expr(Expr::col(Id).count())
            .from(webhook_delivery::Entity)
            .and_where(Expr::col(Status).eq(status.as_str()))
            .to_owned()
    };
    let oldest = Query::select()
        .expr(Expr::col(NextAttemptAt).min())
        .from(webhook_delivery::Entity)
        .and_where(Expr::col(NextAttemptAt).is_not_null())
        .to_owned();
    let failing = Query::select()
        .expr(Expr::col(EndpointId).count())
        .from(webhook_endpoint::Entity)
        .and_where(Expr::col(Enabled).eq(true))
        .and_where(Expr::col(FailingSince).is_not_null())
        .to_owned();
    let select = Query::select()
        .expr(value(deliveries(DeliveryStatus::Pending)))
        .expr(value(deliveries(DeliveryStatus::Failed)))
        .expr(value(oldest))
        .expr(value(failing))
        .to_owned();
    let Some(row) = store.database.reader().query_one(&select).await? else {
        return Ok(Standing::default());
    };
    let count = |index: usize| -> Result<u64> {
        let count: i64 = row.try_get_by_index(index)?;
        Ok(u64::try_from(count).unwrap_or(0))
    };
    let oldest: Option<DateTime<Utc>> = row.try_get_by_index(2)?;
    Ok(Standing {
        pending: count(0)?,
        failed: count(1)?,
        oldest_due: oldest.and_then(|oldest| (store.clock.now() - oldest).to_std().ok()),
        endpoints_failing: count(3)?,
    })
}

fn value(select: SelectStatement) -> Expr {
    SubQueryStatement::SelectStatement(select).into()
}
