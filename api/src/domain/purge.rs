//! What is deleted when its time is over. Each step stands for itself: when one fails, the others
//! are taken all the same.
//!
//! Some things need no step. What belongs to a post, such as unfinished drafts, goes with it.
//! Preview links are no rows. Views are forgotten by the job that counts them.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::ConnectionTrait;
use sea_orm::sea_query::{Expr, ExprTrait, Query};
use serde_json::json;

use super::actor::Actor;
use super::error::Result;
use super::permission::Action;
use super::post;
use super::transaction::{Store, Transaction};
use super::{export, idempotency, import, session, sign_in_throttle, traffic, webhook};
use crate::queue::{self, NewJob, Priority};

/// The kind of the jobs made by [`job`].
pub const JOB_KIND: &str = "purge";

/// How long the log keeps that somebody failed to sign in: anybody can add such lines, as many as
/// they like. What was changed it keeps for ever.
pub const FAILED_SIGN_INS_KEPT: TimeDelta = TimeDelta::days(90);

/// How long jobs are kept that were done or called off.
pub const DONE_JOBS_KEPT: Duration = Duration::from_secs(7 * 24 * 3_600);

/// How long jobs are kept that were given up: somebody should have looked at them by then.
pub const DEAD_JOBS_KEPT: Duration = Duration::from_secs(90 * 24 * 3_600);

/// Rows in one transaction: few enough that nobody waits long for the write lock of SQLite.
const ROWS_AT_ONCE: u64 = 1_000;

/// Posts in one transaction; with each go all its revisions.
const POSTS_AT_ONCE: u64 = 25;

/// The job that takes every step.
pub fn job() -> NewJob {
    NewJob {
        kind: JOB_KIND,
        payload: json!({}),
        unique_key: Some(String::new()),
        priority: Priority::Low,
        delay: Duration::ZERO,
    }
}

/// A kind of thing that is deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Sessions that ended a while ago, with their refresh tokens.
    Sessions,
    /// Refresh tokens of sessions that go on, used so long ago that whoever has one has nothing.
    RefreshTokens,
    /// Links that nobody followed in time.
    OneTimeLinks,
    /// Idempotency keys and their outcomes.
    IdempotencyKeys,
    /// Counts of failed attempts to sign in.
    SignInThrottles,
    /// Lines of the log about failed attempts to sign in.
    FailedSignIns,
    /// Jobs that are over, with the history of their attempts.
    Jobs,
    /// Posts that have been in the trash for as long as the site keeps them there.
    TrashedPosts,
    /// What endpoints were told of, with every attempt at it.
    WebhookEvents,
    /// Files of imports that nobody went on with.
    ImportFiles,
    /// Files of exports past their days.
    ExportFiles,
    /// What was answered in minutes long ago.
    RequestMinutes,
}

impl Step {
    /// Every step.
    pub const ALL: [Self; 12] = [
        Self::Sessions,
        Self::RefreshTokens,
        Self::OneTimeLinks,
        Self::IdempotencyKeys,
        Self::SignInThrottles,
        Self::FailedSignIns,
        Self::Jobs,
        Self::TrashedPosts,
        Self::WebhookEvents,
        Self::ImportFiles,
        Self::ExportFiles,
        Self::RequestMinutes,
    ];

    /// What it deletes, in words.
    pub fn what(self) -> &'static str {
        match self {
            Self::Sessions => "sessions",
            Self::RefreshTokens => "refresh tokens",
            Self::OneTimeLinks => "one-time links",
            Self::IdempotencyKeys => "idempotency keys",
            Self::SignInThrottles => "counts of failed sign-ins",
            Self::FailedSignIns => "log lines of failed sign-ins",
            Self::Jobs => "jobs that were over",
            Self::TrashedPosts => "posts in the trash",
            Self::WebhookEvents => "events that endpoints were told of",
            Self::ImportFiles => "files of imports",
            Self::ExportFiles => "files of exports",
            Self::RequestMinutes => "minutes of statistics",
        }
    }
}

/// Takes a step, in as many transactions as it needs. Answers how many rows, or posts, it deleted.
///
/// # Errors
///
/// Those of the database.
pub async fn purge(store: &Store, step: Step) -> Result<u64> {
    match step {
        Step::Sessions => {
            let ended = Rows::dated("session", &["id"], "expires_at");
            delete(store, &ended, session::IDLE).await
        }
        Step::RefreshTokens => {
            let used = Rows::dated("refresh_token", &["token_hash"], "used_at");
            delete(store, &used, session::IDLE).await
        }
        Step::OneTimeLinks => {
            let expired = Rows::dated("one_time_link", &["token_hash"], "expires_at");
            delete(store, &expired, TimeDelta::zero()).await
        }
        Step::IdempotencyKeys => {
            let old = Rows::dated("idempotency_key", &["actor", "key"], "created_at");
            delete(store, &old, idempotency::KEPT).await
        }
        Step::SignInThrottles => {
            let old = Rows::dated("sign_in_throttle", &["id"], "last_failed_at");
            delete(store, &old, sign_in_throttle::FORGOTTEN_AFTER).await
        }
        Step::FailedSignIns => {
            let old = Rows {
                only: Some(("action", "fail_to_sign_in")),
                ..Rows::dated("audit_event", &["id"], "at")
            };
            delete(store, &old, FAILED_SIGN_INS_KEPT).await
        }
        Step::Jobs => delete_jobs(store).await,
        Step::TrashedPosts => delete_trashed(store).await,
        Step::WebhookEvents => delete_webhook_events(store).await,
        Step::ImportFiles => import::purge(store).await,
        Step::ExportFiles => export::purge(store).await,
        Step::RequestMinutes => delete_request_minutes(store).await,
    }
}

/// Rows of a table, some of which are old.
struct Rows {
    table: &'static str,
    key: &'static [&'static str],
    /// The column that says how old a row is; null is never old.
    dated: &'static str,
    /// A column and the value that it has in the rows that are meant.
    only: Option<(&'static str, &'static str)>,
}

impl Rows {
    fn dated(table: &'static str, key: &'static [&'static str], dated: &'static str) -> Self {
        Self {
            table,
            key,
            dated,
            only: None,
        }
    }
}

/// Deletes the rows that are older than `kept`.
async fn delete(store: &Store, rows: &Rows, kept: TimeDelta) -> Result<u64> {
    let cutoff = store.clock.now() - kept;
    let mut deleted = 0;
    loop {
        let some = delete_some(store, rows, cutoff).await?;
        deleted += some;
        if some < ROWS_AT_ONCE {
            return Ok(deleted);
        }
    }
}

async fn delete_some(store: &Store, rows: &Rows, cutoff: DateTime<Utc>) -> Result<u64> {
    let mut some = Query::select();
    some.columns(rows.key.iter().copied())
        .from(rows.table)
        .and_where(Expr::col(rows.dated).lt(cutoff))
        .limit(ROWS_AT_ONCE);
    if let Some((column, value)) = rows.only {
        some.and_where(Expr::col(column).eq(value));
    }
    let key = Expr::tuple(rows.key.iter().copied().map(Expr::col));
    let delete = Query::delete()
        .from_table(rows.table)
        .and_where(key.in_subquery(some))
        .to_owned();
    let transaction = Transaction::begin(store, Actor::Worker, Action::Maintain).await?;
    let deleted = transaction.connection().execute(&delete).await?;
    transaction.commit().await?;
    Ok(deleted.rows_affected())
}

async fn delete_jobs(store: &Store) -> Result<u64> {
    let Store {
        database, clock, ..
    } = store;
    let mut deleted = 0;
    loop {
        let some = queue::purge(database, clock, DONE_JOBS_KEPT, DEAD_JOBS_KEPT).await?;
        if some == 0 {
            return Ok(deleted);
        }
        deleted += some;
    }
}

async fn delete_trashed(store: &Store) -> Result<u64> {
    let Some(kept) = store.trash_kept else {
        return Ok(0);
    };
    let cutoff = store.clock.now() - kept;
    let (mut deleted, mut after) = (0, None);
    loop {
        let mut transaction = Transaction::begin(store, Actor::Worker, Action::DeletePost).await?;
        let (some, last) = post::delete_old(&mut transaction, cutoff, after, POSTS_AT_ONCE).await?;
        transaction.commit().await?;
        deleted += some;
        if last.is_none() {
            return Ok(deleted);
        }
        after = last;
    }
}

async fn delete_webhook_events(store: &Store) -> Result<u64> {
    let mut deleted = 0;
    loop {
        let transaction = Transaction::begin(store, Actor::Worker, Action::Maintain).await?;
        let some = webhook::purge(&transaction, ROWS_AT_ONCE).await?;
        transaction.commit().await?;
        deleted += some;
        if some < ROWS_AT_ONCE {
            return Ok(deleted);
        }
    }
}

async fn delete_request_minutes(store: &Store) -> Result<u64> {
    let mut deleted = 0;
    loop {
        let transaction = Transaction::begin(store, Actor::Worker, Action::Maintain).await?;
        let some = traffic::purge(&transaction, ROWS_AT_ONCE).await?;
        transaction.commit().await?;
        deleted += some;
        if some < ROWS_AT_ONCE {
            return Ok(deleted);
        }
    }
}
