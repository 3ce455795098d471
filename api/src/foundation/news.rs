//! What other processes do to the database, told to this one.
//!
//! PostgreSQL carries messages: a transaction says something on a channel, and when it is committed
//! every process that listens is told, on a connection of its own. The processes of a SQLite database
//! share a file, and each asks every now and then whether another has written to it.
//!
//! A line may be dead without anybody noticing, so each is tried again and again: what is told says
//! until when nothing can have been missed.

use std::convert::Infallible;
use std::time::{Duration, Instant};

use sea_orm::sqlx::postgres::{PgListener, PgNotification, PgPoolOptions};
use sea_orm::sqlx::sqlite::SqliteConnection;
use sea_orm::sqlx::{Connection, Error, Executor, query_scalar};
use tokio::time::{sleep, timeout, timeout_at};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::causes::with_causes;
use super::database::{Database, Dialect};

/// For how long after PostgreSQL has last answered nothing that matters can have been missed. It is
/// what a line that is dead without a word costs, and nothing else: what is said arrives at once.
pub const POSTGRES_BOUND: Duration = Duration::from_secs(2);

/// The same for looking at the file of SQLite: what another process writes is noticed within it.
pub const SQLITE_BOUND: Duration = Duration::from_millis(200);

/// What a process is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    /// The line stands, the first time or again: anything may have happened before.
    Connected,
    /// Somebody said something, this process included.
    Said {
        /// Where.
        channel: String,
        /// What.
        payload: String,
    },
    /// Another process wrote to the SQLite file.
    Written,
    /// Until then nothing can be out of date that was not told.
    UpToDate {
        /// Measured by this process.
        until: Instant,
    },
    /// The line is lost. It is being made anew.
    Lost,
}

impl From<PgNotification> for News {
    fn from(said: PgNotification) -> Self {
        Self::Said {
            channel: said.channel().to_owned(),
            payload: said.payload().to_owned(),
        }
    }
}

/// Tells the news of these channels until `stop`. On SQLite there are none but that others wrote.
pub async fn listen(
    database: Database,
    channels: [&str; 2],
    mut tell: impl FnMut(News),
    stop: CancellationToken,
) {
    let mut wait = FIRST_WAIT;
    let mut lost = false;
    let kept = async {
        loop {
            let mut told = |news| {
                if news == News::Connected && lost {
                    info!("the database tells of changes again");
                }
                if news == News::Connected {
                    (wait, lost) = (FIRST_WAIT, false);
                }
                tell(news);
            };
            let ended = match database.dialect() {
                Dialect::Sqlite => watch_file(&database, &mut told).await,
                Dialect::Postgres => hear(&database, channels, &mut told).await,
            };
            let Err(error) = ended;
            tell(News::Lost);
            if !lost {
                lost = true;
                let error = with_causes(&error);
                warn!(error, "the database does not tell of changes; trying again");
            }
            sleep(wait).await;
            wait = (wait * 2).min(LONGEST_WAIT);
        }
    };
    tokio::select! {
        () = kept => {}
        () = stop.cancelled() => {}
    }
}

const FIRST_WAIT: Duration = Duration::from_millis(250);
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// Hears PostgreSQL, on a connection of its own, until that is lost.
async fn hear(
    database: &Database,
    channels: [&str; 2],
    tell: &mut impl FnMut(News),
) -> Result<Infallible, Error> {
    const TRIED_EVERY: Duration = Duration::from_millis(500);
    const ANSWERED_WITHIN: Duration = Duration::from_secs(1);

    let options = database.queue().get_postgres_connection_pool();
    let pool = PgPoolOptions::new()
        .max_connections(1)
        .idle_timeout(None)
        .max_lifetime(None)
        .connect_with(options.connect_options().as_ref().clone())
        .await?;
    let mut listener = PgListener::connect_with(&pool).await?;
    listener.eager_reconnect(false);
    listener.listen_all(channels).await?;
    tell(News::Connected);
    loop {
        let tried = tokio::time::Instant::now();
        timeout(ANSWERED_WITHIN, listener.execute("SELECT 1"))
            .await
            .map_err(|_| Error::Io(std::io::ErrorKind::TimedOut.into()))??;
        // Whatever was said before it was asked came before its answer.
        while let Some(said) = listener.next_buffered() {
            tell(News::from(said));
        }
        tell(News::UpToDate {
            until: tried.into_std() + POSTGRES_BOUND,
        });
        while let Ok(said) = timeout_at(tried + TRIED_EVERY, listener.try_recv()).await {
            let Some(said) = said? else {
                return Err(Error::Io(std::io::ErrorKind::ConnectionAborted.into()));
            };
            tell(News::from(said));
        }
    }
}

/// Asks SQLite, on a connection of its own, for the number that changes whenever another connection
/// has written to the file; when it was one of this process, that is no news.
async fn watch_file(database: &Database, tell: &mut impl FnMut(News)) -> Result<Infallible, Error> {
    const EVERY: Duration = Duration::from_millis(50);

    let options = database.reader().get_sqlite_connection_pool();
    let mut connection = SqliteConnection::connect_with(&options.connect_options()).await?;
    let mut written = None;
    let mut others = None;
    tell(News::Connected);
    loop {
        let mut asked = Instant::now();
        let version: i64 = query_scalar("PRAGMA data_version")
            .fetch_one(&mut connection)
            .await?;
        if written.replace(version) != Some(version) {
            let by_others;
            (asked, by_others) = database.written_by_others().await?;
            if others.replace(by_others) != Some(by_others) {
                tell(News::Written);
            }
        }
        tell(News::UpToDate {
            until: asked + SQLITE_BOUND,
        });
        sleep(EVERY).await;
    }
}
