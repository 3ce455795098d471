//! Whether the right people can get in, and nobody else.

use chrono::{DateTime, Utc};
use entity::{one_time_link, user};
use sea_orm::sea_query::{Expr, ExprTrait, Query};

use super::Finding;
use crate::domain::error::Result;
use crate::domain::permission::Role;
use crate::domain::perspective::Reader;

/// Whether an admin can sign in.
///
/// # Errors
///
/// Those of the database.
pub async fn admins(reader: &Reader) -> Result<Finding> {
    use user::Column;
    let admins = Query::select()
        .column(Column::DisabledAt)
        .expr(Expr::col(Column::PasswordHash).is_not_null())
        .from(user::Entity)
        .and_where(Expr::col(Column::Role).eq(Role::Admin.as_str()))
        .to_owned();
    let (mut able, mut invited, mut disabled) = (0, 0, 0);
    for row in reader.rows(&admins).await? {
        match row.try_get_by_index::<Option<DateTime<Utc>>>(0)? {
            Some(_) => disabled += 1,
            None if row.try_get_by_index(1)? => able += 1,
            None => invited += 1,
        }
    }
    let found = format!(
        "{able} can sign in, {invited} have not followed their invitation, {disabled} are disabled"
    );
    Ok(match able {
        0 => Finding::fail(
            found,
            match invited + disabled {
                0 => "follow the link that `alphanode serve` prints while there are no users",
                _ => {
                    "`alphanode user reset-link ADDRESS` prints a link by which one sets a password"
                }
            },
        ),
        _ => Finding::ok(found),
    })
}

/// Whether somebody could still make themselves the first admin.
///
/// # Errors
///
/// Those of the database.
pub async fn setup_link(reader: &Reader, now: DateTime<Utc>) -> Result<Finding> {
    use one_time_link::Column;
    let users = Query::select()
        .expr(Expr::cust("1"))
        .from(user::Entity)
        .limit(1)
        .to_owned();
    if !reader.rows(&users).await?.is_empty() {
        return Ok(Finding::ok("there are users, so none can be followed"));
    }
    let open = Query::select()
        .expr(Expr::col(Column::ExpiresAt).max())
        .from(one_time_link::Entity)
        .and_where(Expr::col(Column::UserId).is_null())
        .and_where(Expr::col(Column::ExpiresAt).gt(now))
        .to_owned();
    let rows = reader.rows(&open).await?;
    let until: Option<DateTime<Utc>> = match rows.first() {
        Some(row) => row.try_get_by_index(0)?,
        None => None,
    };
    Ok(match until {
        Some(until) => Finding::warn(
            format!("whoever has the link that `serve` printed is the first admin, until {until}"),
            "follow it now",
        ),
        None => Finding::warn(
            "there are no users, and no link by which the first could come in",
            "start `alphanode serve`, and follow the link it prints",
        ),
    })
}
