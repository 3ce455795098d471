//! Copying SQLite's write-ahead log into the database file beside a bulk load, which would
//! otherwise wait for it.

use std::time::Duration;

use sea_orm::sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sea_orm::sqlx::{self, ConnectOptions, Connection, Row};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

/// A log of this many pages is left to the writer: it begins anew only when a commit of the writer
/// finds that nobody else is copying, and copies the rest.
pub(super) const PAGES: u32 = 64 * 1024;

/// Copies what has been committed, again and again until `stop` is cancelled.
pub(super) async fn checkpoint(path: String, stop: CancellationToken) {
    const PAUSE: Duration = Duration::from_millis(200);
    const PAUSE_FOR_THE_WRITER: Duration = Duration::from_secs(2);
    let options = SqliteConnectOptions::new().filename(path);
    let copied = async {
        let mut connection = options.connect().await?;
        let mut pause = PAUSE;
        while timeout(pause, stop.cancelled()).await.is_err() {
            pause = match copy(&mut connection).await? {
                pages if pages < i64::from(PAGES) => PAUSE,
                _ => PAUSE_FOR_THE_WRITER,
            };
        }
        connection.close().await
    };
    if let Err(error) = copied.await {
        tracing::warn!(%error, "the write-ahead log is no longer copied beside the load");
    }
}

/// Copies once, and tells how many pages the log has.
async fn copy(connection: &mut SqliteConnection) -> Result<i64, sqlx::Error> {
    let row = sqlx::query("PRAGMA wal_checkpoint(PASSIVE)")
        .fetch_one(connection)
        .await?;
    row.try_get(1)
}
