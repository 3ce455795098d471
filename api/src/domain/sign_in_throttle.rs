//! How often a password may be guessed. An account and an address each have some failures free;
//! every further one shuts them out for twice as long as the one before.
//!
//! An attempt counts as failed from its beginning and is forgiven when it succeeds, so that guesses
//! sent all at once are counted too. An account that does not exist is counted like one that does.

use std::net::IpAddr;

use chrono::{DateTime, TimeDelta, Utc};
use entity::sign_in_throttle::{ActiveModel, Column, Entity};
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QueryOrder,
    QuerySelect,
};

use super::error::{Problem, ProblemCode, Result};
use super::slug::name_key;
use super::transaction::Transaction;
use crate::foundation::hash::sha256;

const FREE_FAILURES_OF_AN_ACCOUNT: i32 = 5;
const FREE_FAILURES_OF_AN_ADDRESS: i32 = 20;

/// In so long an address gets one of its failures back: behind one there may be an office full of
/// people who mistype now and then.
const ADDRESS_FORGIVES_ONE_IN: TimeDelta = TimeDelta::minutes(3);

/// How long the first failure that is not free shuts out, in seconds.
const FIRST_LOCK: i64 = 15;

/// How long any failure shuts out at most, in seconds.
const LONGEST_LOCK: i64 = 15 * 60;

/// After so long without a failure it begins anew.
pub(super) const FORGOTTEN_AFTER: TimeDelta = TimeDelta::hours(24);

/// An attempt that was counted.
#[derive(Debug)]
pub(super) struct Attempt {
    account: String,
    address: Option<String>,
}

impl Attempt {
    /// Counts an attempt to sign in with an e-mail address from a network address, in a transaction
    /// that must be committed before the password is looked at.
    ///
    /// # Errors
    ///
    /// `Ok(Err(problem))` while they are shut out; the attempt is then not counted. Else those of
    /// the database.
    pub(super) async fn count(
        transaction: &Transaction<'_>,
        email: &str,
        address: Option<IpAddr>,
    ) -> Result<std::result::Result<Self, Problem>> {
        let attempt = Self {
            // What people type into this field is not always their address.
            account: format!("account:{}", sha256(name_key(email.trim()))),
            address: address.map(|address| format!("address:{}", network(address))),
        };
        let (connection, now) = (transaction.connection(), transaction.now());
        Entity::delete_many()
            .filter(Column::LastFailedAt.lt(now - FORGOTTEN_AFTER))
            .exec(connection)
            .await?;
        let new = attempt.subjects().map(|subject| ActiveModel {
            subject: Set(subject.clone()),
            failures: Set(0),
            last_failed_at: Set(now),
            locked_until: Set(None),
            ..Default::default()
        });
        Entity::insert_many(new)
            .on_conflict(OnConflict::column(Column::Subject).do_nothing().to_owned())
            .exec_without_returning(connection)
            .await?;
        // In one order always, so that two attempts don't wait for each other.
        let rows = Entity::find()
            .filter(Column::Subject.is_in(attempt.subjects()))
            .order_by_asc(Column::Subject)
            .lock_exclusive()
            .all(connection)
            .await?;
        let locked = rows.iter().filter_map(|row| row.locked_until).max();
        if let Some(until) = locked.filter(|until| *until > now) {
            return Ok(Err(too_many(until - now)));
        }
        for row in rows {
            let (free, before) = if row.subject == attempt.account {
                (FREE_FAILURES_OF_AN_ACCOUNT, row.failures)
            } else {
                let forgiven = (now - row.last_failed_at).num_minutes()
                    / ADDRESS_FORGIVES_ONE_IN.num_minutes();
                let forgiven = i32::try_from(forgiven).unwrap_or(i32::MAX);
                let left = row.failures.saturating_sub(forgiven).max(0);
                (FREE_FAILURES_OF_AN_ADDRESS, left)
            };
            let failures = before.saturating_add(1);
            let counted = ActiveModel {
                id: Set(row.id),
                failures: Set(failures),
                last_failed_at: Set(now),
                locked_until: Set(locked_until(now, failures - free)),
                ..Default::default()
            };
            counted.update(connection).await?;
        }
        Ok(Ok(attempt))
    }

    /// Takes the attempt back: it succeeded. The failures of the account are forgotten, those of the
    /// address are not, or one good account would hide the guesses at others.
    pub(super) async fn forgive(self, transaction: &Transaction<'_>) -> Result<()> {
        let connection = transaction.connection();
        Entity::delete_many()
            .filter(Column::Subject.eq(self.account))
            .exec(connection)
            .await?;
        if let Some(address) = self.address {
            Entity::update_many()
                .col_expr(Column::Failures, Expr::cust("failures - 1"))
                .col_expr(Column::LockedUntil, Expr::value(None::<DateTime<Utc>>))
                .filter(Column::Subject.eq(address))
                .filter(Column::Failures.gt(0))
                .exec(connection)
                .await?;
        }
        Ok(())
    }

    fn subjects(&self) -> impl Iterator<Item = &String> {
        std::iter::once(&self.account).chain(&self.address)
    }
}

fn locked_until(now: DateTime<Utc>, beyond_free: i32) -> Option<DateTime<Utc>> {
    let doublings = u32::try_from(beyond_free.checked_sub(1)?).ok()?;
    let seconds = 2_i64
        .checked_pow(doublings)
        .and_then(|factor| factor.checked_mul(FIRST_LOCK))
        .map_or(LONGEST_LOCK, |seconds| seconds.min(LONGEST_LOCK));
    Some(now + TimeDelta::seconds(seconds))
}

fn too_many(wait: TimeDelta) -> Problem {
    let seconds = wait.num_seconds() + 1;
    let message = match seconds {
        ..=90 => format!("too many failed attempts; try again in {seconds} seconds"),
        _ => format!(
            "too many failed attempts; try again in {} minutes",
            (seconds + 59) / 60
        ),
    };
    Problem::new(ProblemCode::TooManyAttempts, "email", message)
}

/// What one customer of a network has: an IPv4 address, or the /64 that IPv6 gives everybody.
fn network(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by it")]
mod tests {
    use super::*;

    #[test]
    fn each_failure_shuts_out_for_twice_as_long_up_to_a_quarter_of_an_hour() {
        let now = DateTime::UNIX_EPOCH;
        let seconds = |beyond| locked_until(now, beyond).map(|until| (until - now).num_seconds());
        let waits: Vec<_> = (0..=8).map(seconds).collect();
        let expected = [
            None,
            Some(15),
            Some(30),
            Some(60),
            Some(120),
            Some(240),
            Some(480),
        ];
        assert_eq!(waits[..7], expected);
        assert_eq!(waits[7..], [Some(900), Some(900)]);
        assert_eq!(seconds(-5), None);
        assert_eq!(seconds(i32::MAX), Some(900));
    }

    #[test]
    fn neighbours_in_an_ipv6_network_are_one() {
        let network = |text: &str| network(text.parse().unwrap());
        assert_eq!(network("2001:db8:1:2::1"), network("2001:db8:1:2:ffff::9"));
        assert_ne!(network("2001:db8:1:2::1"), network("2001:db8:1:3::1"));
        assert_eq!(network("::ffff:192.0.2.1"), "192.0.2.1");
    }
}
