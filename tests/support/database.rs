//! A database of its own for each test, on either server.

use migration::Migrator;
use sea_orm::{ConnectOptions, Database, DatabaseConnection};
use sea_orm_migration::MigratorTrait;

use super::{postgres::PostgresDatabase, sqlite::SqliteDatabase};

/// The databases that alphanode runs on. A test takes it as `#[values(Backend::Sqlite,
/// Backend::Postgres)] backend: Backend`, written like that: the test runner is told to leave out
/// PostgreSQL by the name that rstest makes from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backend {
    /// An embedded file.
    Sqlite,
    /// A server, named by `ALPHANODE_TEST_POSTGRES`.
    Postgres,
}

/// A database that no other test sees, gone when this is dropped.
pub struct TestDatabase {
    database: Kind,
}

enum Kind {
    Sqlite(SqliteDatabase),
    Postgres(PostgresDatabase),
}

impl TestDatabase {
    /// A migrated database without content, copied from a template in a few milliseconds.
    ///
    /// `None` when the test asks for PostgreSQL and this machine has none: the test then returns.
    ///
    /// # Panics
    ///
    /// When the test asks for PostgreSQL in CI and there is none.
    pub async fn create(backend: Backend) -> Option<Self> {
        let database = match backend {
            Backend::Sqlite => Kind::Sqlite(SqliteDatabase::migrated().await),
            Backend::Postgres => Kind::Postgres(PostgresDatabase::migrated().await?),
        };
        Some(Self { database })
    }

    /// An empty database, for tests that migrate it themselves. Otherwise as [`Self::create`].
    pub async fn empty(backend: Backend) -> Option<Self> {
        let database = match backend {
            Backend::Sqlite => Kind::Sqlite(SqliteDatabase::empty()),
            Backend::Postgres => Kind::Postgres(PostgresDatabase::empty().await?),
        };
        Some(Self { database })
    }

    /// Where it is, as `--database-url` takes it.
    pub fn url(&self) -> &str {
        match &self.database {
            Kind::Sqlite(database) => database.url(),
            Kind::Postgres(database) => database.url(),
        }
    }

    /// A connection past the program, to look at what it wrote.
    pub async fn connect(&self) -> DatabaseConnection {
        connect(self.url()).await
    }
}

/// One connection, without a log line for each statement.
pub(super) async fn connect(url: &str) -> DatabaseConnection {
    let mut options = ConnectOptions::new(url);
    options.max_connections(1).sqlx_logging(false);
    Database::connect(options)
        .await
        .unwrap_or_else(|error| panic!("cannot connect to {url}: {error}"))
}

/// Brings an empty database to the newest schema, and lets go of it.
pub(super) async fn migrate(url: &str) {
    let connection = connect(url).await;
    Migrator::up(&connection, None)
        .await
        .unwrap_or_else(|error| panic!("cannot migrate {url}: {error}"));
    connection.close().await.expect("a connection closes");
}
