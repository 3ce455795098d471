//! Waking workers of other processes, and being woken by them.
//!
//! On PostgreSQL the transaction that enqueues a job tells the channel so, which it does only once
//! it is committed; on SQLite a process notices that another has written to the file they share
//! (`foundation/news.rs`). Either may miss something, and then workers find the job when they next
//! look by themselves.

use sea_orm::{ConnectionTrait, DatabaseBackend, DatabaseTransaction, DbErr};

use super::wake::Wake;
use crate::foundation::news::News;

/// Where PostgreSQL is told that jobs may be waiting.
pub const CHANNEL: &str = "alphanode_job";

/// What tells it, as an expression. PostgreSQL says the same thing once a transaction.
pub(super) const SAY: &str = "pg_notify('alphanode_job', '')";

/// Tells other processes, once the transaction is committed, that something may be due.
pub(super) async fn say(connection: &DatabaseTransaction) -> Result<(), DbErr> {
    if connection.get_database_backend() == DatabaseBackend::Postgres {
        connection
            .execute_unprepared(&format!("SELECT {SAY}"))
            .await?;
    }
    Ok(())
}

/// Wakes the workers of this process when another process may have something for them. When a line
/// is lost they look by themselves.
pub fn hear(news: &News, wake: &Wake) {
    match news {
        News::Connected | News::Written => wake.workers(),
        News::Said { channel, .. } if channel == CHANNEL => wake.workers(),
        News::Said { .. } | News::UpToDate { .. } | News::Lost => {}
    }
}
