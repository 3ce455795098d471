//! The database: its pools, its dialect, and the count of statements that a request costs.

mod dialect;
mod statement_count;

use std::fs::OpenOptions;
use std::io::ErrorKind;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use sea_orm::sqlx;
use sea_orm::sqlx::sqlite::{SqliteConnection, SqliteJournalMode, SqliteSynchronous};
use sea_orm::{
    ConnectOptions, ConnectionTrait, DatabaseBackend, DatabaseConnection, DatabaseTransaction,
    DbErr, QueryResult, SqliteTransactionMode, Statement, TransactionOptions, TransactionTrait,
};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::checkpoint::{self, checkpoint};
use super::write_lock::{self, Waiting};

pub use dialect::Dialect;
pub use statement_count::StatementCount;

/// How a database is opened.
#[derive(Clone, Debug)]
pub struct DatabaseOptions {
    /// `sqlite:PATH` or `postgres://…`.
    pub url: String,
    /// Connections that read. On SQLite each is a thread.
    pub readers: u32,
    /// Connections that write. SQLite has one.
    pub writers: u32,
    /// How long one read may take inside the database before it is stopped there.
    pub read_timeout: Duration,
    /// Whether a commit may be lost when the machine loses power. Only for bulk loads that can be
    /// run again; a killed process loses nothing either way.
    pub relaxed: bool,
}

impl DatabaseOptions {
    /// The options of a server with default limits.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            readers: 4,
            writers: 4,
            read_timeout: Duration::from_secs(5),
            relaxed: false,
        }
    }
}

/// Pools over one database: many readers, the writers, and what workers ask their queue with.
#[derive(Clone, Debug)]
pub struct Database {
    reader: DatabaseConnection,
    writer: DatabaseConnection,
    queue: DatabaseConnection,
    dialect: Dialect,
    /// How often SQLite's writing connection was opened.
    writer_opened: Arc<AtomicU64>,
    /// What runs beside the pools, and what ends it.
    beside: TaskTracker,
    stop: CancellationToken,
}

impl Database {
    /// Opens the pools. A SQLite file, and the folder it is in, are made when they are missing.
    ///
    /// # Errors
    ///
    /// When the URL is of another kind, or the database does not answer.
    pub async fn open(options: &DatabaseOptions) -> Result<Self, DbErr> {
        if let Some(path) = sqlite_path(&options.url) {
            make_file(Path::new(path))
                .map_err(|error| DbErr::Custom(format!("cannot make {path}: {error}")))?;
            Self::open_sqlite(path, options).await
        } else if options.url.starts_with("postgres://") || options.url.starts_with("postgresql://")
        {
            Self::open_postgres(options).await
        } else {
            Err(DbErr::Custom(
                "the database URL must begin with sqlite: or postgres://".into(),
            ))
        }
    }

    async fn open_sqlite(path: &str, options: &DatabaseOptions) -> Result<Self, DbErr> {
        let pool = |connections: u32| {
            let relaxed = options.relaxed;
            let log_pages = if relaxed { checkpoint::PAGES } else { 1_000 };
            let mut pool = ConnectOptions::new(format!("sqlite:{path}?mode=rwc"));
            pool.sqlx_logging(false)
                .record_stmt_in_spans(false)
                .test_before_acquire(false)
                .max_connections(connections)
                .min_connections(1)
                .idle_timeout(None)
                .max_lifetime(None)
                .acquire_timeout(Duration::from_secs(30))
                .map_sqlx_sqlite_opts(move |sqlite| {
                    sqlite
                        .journal_mode(SqliteJournalMode::Wal)
                        .synchronous(if relaxed {
                            SqliteSynchronous::Normal
                        } else {
                            SqliteSynchronous::Full
                        })
                        .foreign_keys(true)
                        .busy_timeout(Duration::from_secs(10))
                        .pragma("cache_size", if relaxed { "-65536" } else { "-8192" })
                        .pragma("wal_autocheckpoint", log_pages.to_string())
                        .pragma("temp_store", "memory")
                        .statement_cache_capacity(64)
                });
            pool
        };
        let writer_opened = Arc::new(AtomicU64::new(0));
        let opened = Arc::clone(&writer_opened);
        let mut writer = pool(1);
        writer.map_sqlx_sqlite_pool_opts(move |pool| {
            let opened = Arc::clone(&opened);
            pool.after_connect(move |connection, _| {
                opened.fetch_add(1, Ordering::AcqRel);
                // From here on whoever writes waits by `write_lock`; opening waits as SQLite does.
                Box::pin(async {
                    sqlx::query(write_lock::SHORT).execute(connection).await?;
                    Ok(())
                })
            })
        });
        let writer = sea_orm::Database::connect(writer).await?;
        let read_timeout = options.read_timeout;
        let mut readers = pool(options.readers);
        readers.map_sqlx_sqlite_before_acquire(move |connection: &mut SqliteConnection, _| {
            Box::pin(stop_after(connection, read_timeout))
        });
        let reader = sea_orm::Database::connect(readers).await?;
        let (beside, stop) = (TaskTracker::new(), CancellationToken::new());
        if options.relaxed {
            beside.spawn(checkpoint(path.to_owned(), stop.clone()));
        }
        Ok(Self {
            reader,
            queue: writer.clone(),
            writer,
            dialect: Dialect::Sqlite,
            writer_opened,
            beside,
            stop,
        })
    }

    async fn open_postgres(options: &DatabaseOptions) -> Result<Self, DbErr> {
        let pool = |connections: u32| {
            let mut pool = ConnectOptions::new(&options.url);
            pool.sqlx_logging(false)
                .record_stmt_in_spans(false)
                .test_before_acquire(false)
                .test_before_acquire_if_idle_for(Duration::from_secs(1))
                .max_connections(connections)
                .min_connections(1)
                .acquire_timeout(Duration::from_secs(10))
                .set_application_name("alphanode");
            pool
        };
        let mut readers = pool(options.readers);
        readers
            .statement_timeout(options.read_timeout)
            // Many short reads at once: starting workers for one of them costs more than it saves.
            .map_sqlx_postgres_opts(|postgres| {
                postgres.options([("max_parallel_workers_per_gather", "0")])
            });
        let mut queue = pool(options.writers);
        // A plan that was made while there were a few jobs is kept when there are a hundred thousand,
        // and reading all of them would seem to be the quickest for a while.
        queue.map_sqlx_postgres_opts(|postgres| postgres.options([("enable_seqscan", "off")]));
        Ok(Self {
            reader: sea_orm::Database::connect(readers).await?,
            queue: sea_orm::Database::connect(queue).await?,
            writer: sea_orm::Database::connect(pool(options.writers)).await?,
            dialect: Dialect::Postgres,
            writer_opened: Arc::default(),
            beside: TaskTracker::new(),
            stop: CancellationToken::new(),
        })
    }

    /// Which of the two databases this is.
    pub fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// The pool for statements that only read.
    pub fn reader(&self) -> &DatabaseConnection {
        &self.reader
    }

    /// The pool that writes. Content is written through a transaction of the domain.
    pub fn writer(&self) -> &DatabaseConnection {
        &self.writer
    }

    /// The same for migrations, each of whose statements waits for the lock of SQLite by itself.
    ///
    /// # Errors
    ///
    /// When the database does not answer.
    pub async fn for_migrations(&self) -> Result<&DatabaseConnection, DbErr> {
        if self.dialect == Dialect::Sqlite {
            self.writer
                .execute_unprepared("PRAGMA busy_timeout = 10000")
                .await?;
        }
        Ok(&self.writer)
    }

    /// What changes whenever another process has written to the SQLite file, and when it was so.
    ///
    /// All that this process writes goes over one connection, and the number that SQLite has there
    /// changes only by what others write. A connection that was opened anew counts from somewhere
    /// else.
    pub(super) async fn written_by_others(&self) -> Result<(Instant, (u64, i64)), sqlx::Error> {
        let mut writer = self.writer.get_sqlite_connection_pool().acquire().await?;
        let asked = Instant::now();
        let version = sqlx::query_scalar("PRAGMA data_version")
            .fetch_one(&mut *writer)
            .await?;
        let opened = self.writer_opened.load(Ordering::Acquire);
        Ok((asked, (opened, version)))
    }

    /// The pool for what workers ask of their queue. On PostgreSQL it is one of its own, so that no
    /// lease runs out behind long changes; SQLite has one writer.
    pub fn queue(&self) -> &DatabaseConnection {
        &self.queue
    }

    /// How many connections each pool has at the moment, by its name.
    pub fn pools(&self) -> Vec<(&'static str, PoolSize)> {
        let pools = [("reader", &self.reader), ("writer", &self.writer)];
        let queue = match self.dialect {
            Dialect::Sqlite => None, // The writer's.
            Dialect::Postgres => Some(("queue", &self.queue)),
        };
        let pools = pools.into_iter().chain(queue);
        pools
            .map(|(name, pool)| (name, PoolSize::of(pool, self.dialect)))
            .collect()
    }

    /// Begins a transaction that writes. On SQLite it takes the write lock at once, so that it
    /// can't fail half-way for want of it.
    ///
    /// # Errors
    ///
    /// When the database does not answer, or another process keeps the lock too long.
    pub async fn begin(&self) -> Result<DatabaseTransaction, DbErr> {
        begin(&self.writer).await
    }

    /// Begins a transaction of a worker, as [`Database::begin`] does.
    ///
    /// # Errors
    ///
    /// The same.
    pub async fn begin_in_queue(&self) -> Result<DatabaseTransaction, DbErr> {
        begin(&self.queue).await
    }

    /// Runs one statement of a worker that writes and answers a row.
    ///
    /// # Errors
    ///
    /// Those of [`Database::begin`], and what the database has against the statement.
    pub async fn query_in_queue(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        let waiting = Waiting::begin();
        loop {
            match self.queue.query_one_raw(statement.clone()).await {
                Ok(row) => return Ok(row),
                Err(error) => waiting.for_the_lock(error).await?,
            }
        }
    }

    /// Runs one statement that writes, outside of any change. Answers how many rows it concerned.
    ///
    /// # Errors
    ///
    /// The same.
    pub async fn execute(&self, statement: Statement) -> Result<u64, DbErr> {
        let waiting = Waiting::begin();
        loop {
            match self.writer.execute_raw(statement.clone()).await {
                Ok(done) => return Ok(done.rows_affected()),
                Err(error) => waiting.for_the_lock(error).await?,
            }
        }
    }

    /// Closes the pools, waiting for statements under way.
    ///
    /// # Errors
    ///
    /// When the database reports one while closing.
    pub async fn close(self) -> Result<(), DbErr> {
        self.stop.cancel();
        self.beside.close();
        self.beside.wait().await;
        self.reader.close().await?;
        self.queue.close().await?;
        self.writer.close().await
    }
}

/// How many connections a pool has at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolSize {
    /// Those that somebody uses.
    pub in_use: u32,
    /// Those that wait to be used.
    pub idle: u32,
    /// The most that there can be.
    pub most: u32,
}

impl PoolSize {
    fn of(pool: &DatabaseConnection, dialect: Dialect) -> Self {
        let (size, idle, most) = match dialect {
            Dialect::Sqlite => {
                let pool = pool.get_sqlite_connection_pool();
                let most = pool.options().get_max_connections();
                (pool.size(), pool.num_idle(), most)
            }
            Dialect::Postgres => {
                let pool = pool.get_postgres_connection_pool();
                let most = pool.options().get_max_connections();
                (pool.size(), pool.num_idle(), most)
            }
        };
        let idle = u32::try_from(idle).unwrap_or(u32::MAX).min(size);
        Self {
            in_use: size - idle,
            idle,
            most,
        }
    }
}

/// The file that a URL of SQLite names; nothing when it names another database.
pub fn sqlite_path(url: &str) -> Option<&str> {
    let path = url.strip_prefix("sqlite:")?.trim_start_matches("//");
    Some(path.split('?').next().unwrap_or(path))
}

/// Makes a file that is not there, and the folder it is in. It holds drafts and hashes of passwords,
/// so nobody but its owner may read it; SQLite gives the files beside it the same permissions.
fn make_file(path: &Path) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let made = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path);
    match made {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

async fn begin(pool: &DatabaseConnection) -> Result<DatabaseTransaction, DbErr> {
    let waiting = Waiting::begin();
    loop {
        let begun = pool.begin_with_options(TransactionOptions {
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            ..Default::default()
        });
        match begun.await {
            Ok(transaction) => return Ok(transaction),
            Err(error) => waiting.for_the_lock(error).await?,
        }
    }
}

/// Parameters that one statement may have on both databases, with a little to spare.
pub const PARAMETERS: usize = 32_000;

/// Reserves `count` keys of `table` for rows that name each other and are inserted together.
///
/// # Errors
///
/// Those of the database.
pub async fn reserve_keys(
    connection: &DatabaseTransaction,
    table: &str,
    count: usize,
) -> Result<Vec<i64>, DbErr> {
    let count = i64::try_from(count).map_err(|error| DbErr::Custom(error.to_string()))?;
    let backend = connection.get_database_backend();
    if backend == DatabaseBackend::Sqlite {
        // The transaction holds the only write lock, so nobody else takes the same keys; the
        // sequence follows the largest key that is inserted.
        let last = connection
            .query_one_raw(Statement::from_sql_and_values(
                backend,
                "SELECT seq FROM sqlite_sequence WHERE name = ?",
                [table.into()],
            ))
            .await?
            .map_or(Ok(0), |row| row.try_get_by_index::<i64>(0))?;
        return Ok((last + 1..=last + count).collect());
    }
    connection
        .query_all_raw(Statement::from_sql_and_values(
            backend,
            "SELECT nextval(pg_get_serial_sequence($1, 'id')) FROM generate_series(1, $2)",
            [table.into(), count.into()],
        ))
        .await?
        .iter()
        .map(|row| row.try_get_by_index(0))
        .collect()
}

/// Lets the connection's next statement run for `limit`. Dropping the future of a statement does
/// not interrupt SQLite; this does.
async fn stop_after(
    connection: &mut SqliteConnection,
    limit: Duration,
) -> Result<bool, sqlx::Error> {
    const INSTRUCTIONS_BETWEEN_CHECKS: i32 = 50_000;
    let deadline = Instant::now() + limit;
    connection
        .lock_handle()
        .await?
        .set_progress_handler(INSTRUCTIONS_BETWEEN_CHECKS, move || {
            Instant::now() < deadline
        });
    Ok(true)
}
