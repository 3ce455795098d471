//! Waking workers of other processes, and being woken by them.
//!
//! On PostgreSQL the transaction that enqueues a job tells the channel so, which it does only once
//! it is committed; each process with workers listens. On SQLite, all of whose processes share a
//! file, each asks every now and then whether another has written to it. Either may miss something,
//! and then workers find the job when they next look by themselves.

use std::convert::Infallible;
use std::time::Duration;

use sea_orm::sqlx::postgres::{PgListener, PgPoolOptions};
use sea_orm::sqlx::sqlite::SqliteConnection;
use sea_orm::sqlx::{Connection, Error, query_scalar};
use sea_orm::{ConnectionTrait, DatabaseBackend, DatabaseTransaction, DbErr};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::wake::Wake;
use crate::foundation::database::{Database, Dialect};

/// Where PostgreSQL is told that jobs may be waiting.
const CHANNEL: &str = "alphanode_job";

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

/// Wakes the workers of this process when another process has something for them, until `stop`. A
/// line that is lost is made anew; meanwhile workers look by themselves.
pub async fn listen(database: Database, wake: Wake, stop: CancellationToken) {
    let mut line = Line {
        wait: FIRST_WAIT,
        lost: false,
    };
    let kept = async {
        loop {
            let ended = match database.dialect() {
                Dialect::Sqlite => watch_file(&database, &wake, &mut line).await,
                Dialect::Postgres => hear(&database, &wake, &mut line).await,
            };
            let Err(error) = ended;
            line.break_down(&error).await;
        }
    };
    tokio::select! {
        () = kept => {}
        () = stop.cancelled() => {}
    }
}

const FIRST_WAIT: Duration = Duration::from_millis(250);
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// Whether the line to the database stands. Each change is said once.
struct Line {
    wait: Duration,
    lost: bool,
}

impl Line {
    fn stands(&mut self) {
        self.wait = FIRST_WAIT;
        if self.lost {
            self.lost = false;
            info!("the database tells of new jobs again");
        }
    }

    async fn break_down(&mut self, error: &Error) {
        if !self.lost {
            self.lost = true;
            warn!(%error, "the database does not tell of new jobs; workers look by themselves");
        }
        sleep(self.wait).await;
        self.wait = (self.wait * 2).min(LONGEST_WAIT);
    }
}

/// Hears PostgreSQL, on a connection of its own, until that is lost.
async fn hear(database: &Database, wake: &Wake, line: &mut Line) -> Result<Infallible, Error> {
    let options = database.queue().get_postgres_connection_pool();
    let pool = PgPoolOptions::new()
        .max_connections(1)
        .idle_timeout(None)
        .max_lifetime(None)
        .connect_with(options.connect_options().as_ref().clone())
        .await?;
    let mut listener = PgListener::connect_with(&pool).await?;
    listener.eager_reconnect(false);
    listener.listen(CHANNEL).await?;
    line.stands();
    // Of what was said while nobody listened.
    wake.workers();
    while listener.try_recv().await?.is_some() {
        wake.workers();
    }
    Err(Error::Io(std::io::ErrorKind::ConnectionAborted.into()))
}

/// Asks SQLite, on a connection of its own, for the number that changes whenever another connection
/// has written to the file.
async fn watch_file(
    database: &Database,
    wake: &Wake,
    line: &mut Line,
) -> Result<Infallible, Error> {
    const EVERY: Duration = Duration::from_millis(100);

    let options = database.reader().get_sqlite_connection_pool();
    let mut connection = SqliteConnection::connect_with(&options.connect_options()).await?;
    let mut seen = None;
    loop {
        let version: i64 = query_scalar("PRAGMA data_version")
            .fetch_one(&mut connection)
            .await?;
        line.stands();
        if seen.replace(version) != Some(version) {
            wake.workers();
        }
        sleep(EVERY).await;
    }
}
