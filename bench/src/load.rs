//! The databases under test, filled with the same synthetic posts.

use std::fmt;
use std::fs::File;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use migration::{Migrator, MigratorTrait};
use sea_orm::{ConnectOptions, ConnectionTrait, DatabaseConnection, DbBackend, Statement};
use serde::Serialize;

use crate::{Arguments, Result, process, say};

/// The seed of all synthetic posts.
pub const SEED: u64 = 42;

/// The environment's name for a PostgreSQL server that databases may be made on.
const SERVER: &str = "ALPHANODE_TEST_POSTGRES";

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    Sqlite,
    Postgres,
}

impl fmt::Display for Kind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(match self {
            Self::Sqlite => "SQLite",
            Self::Postgres => "PostgreSQL",
        })
    }
}

/// A database under test.
#[derive(Clone, Debug)]
pub struct Database {
    pub kind: Kind,
    /// As alphanode takes it.
    pub url: String,
    /// What is in it, in a word.
    name: String,
    /// Its file, on SQLite.
    file: Option<PathBuf>,
    /// The server it is on, on PostgreSQL.
    server: String,
}

/// What is known of a filled database.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Loaded {
    /// Absent when it was filled by an earlier run.
    pub posts_per_second: Option<f64>,
    pub bytes: u64,
}

impl Database {
    /// The databases that the arguments ask for.
    pub fn wanted(arguments: &Arguments) -> Result<Vec<Self>> {
        let only = arguments.only.as_deref();
        let mut wanted = Vec::new();
        if only.is_none_or(|only| only == "sqlite") {
            let file = std::path::absolute(&arguments.folder)?.join("posts.db");
            wanted.push(Self {
                kind: Kind::Sqlite,
                url: format!("sqlite:{}", file.display()),
                file: Some(file),
                name: String::new(),
                server: String::new(),
            });
        }
        if only.is_none_or(|only| only == "postgres") {
            let server = std::env::var(SERVER)
                .map_err(|_| format!("{SERVER} names no PostgreSQL server; `make bench` does"))?;
            wanted.push(Self {
                kind: Kind::Postgres,
                url: String::new(),
                file: None,
                name: String::new(),
                server,
            });
        }
        if wanted.is_empty() {
            return Err("--only takes sqlite or postgres".into());
        }
        Ok(wanted)
    }

    /// Where the log of a server on this database goes.
    pub fn log(&self, server: &str, folder: &Path) -> PathBuf {
        folder.join(format!("{server}-{:?}.log", self.kind).to_lowercase())
    }

    /// Names it after what is in it, so that another schema or count is another database.
    fn named(mut self, key: &str) -> Self {
        self.name = key.to_owned();
        match &self.file {
            Some(file) => {
                let file = file.with_file_name(format!("{key}.db"));
                self.url = format!("sqlite:{}", file.display());
                self.file = Some(file);
            }
            None => {
                let (start, options) = match self.server.split_once('?') {
                    Some((start, options)) => (start, format!("?{options}")),
                    None => (self.server.as_str(), String::new()),
                };
                let start = start.rsplit_once('/').map_or(start, |(start, _)| start);
                self.url = format!("{start}/{key}{options}");
            }
        }
        self
    }

    async fn exists(&self) -> Result<bool> {
        match &self.file {
            Some(file) => Ok(file.exists()),
            None => {
                let server = connect(&self.server).await?;
                let statement = Statement::from_sql_and_values(
                    DbBackend::Postgres,
                    "SELECT 1 FROM pg_database WHERE datname = $1",
                    [self.name.as_str().into()],
                );
                let found = server.query_one_raw(statement).await?.is_some();
                server.close().await?;
                Ok(found)
            }
        }
    }

    /// Another one beside it, without any table.
    pub async fn empty(&self, name: &str) -> Result<Self> {
        let empty = self.clone().named(name);
        empty.create().await?;
        Ok(empty)
    }

    /// Makes it, empty, in the place of an earlier one.
    async fn create(&self) -> Result<()> {
        self.remove().await?;
        if self.file.is_none() {
            let sql = format!("CREATE DATABASE {} TEMPLATE template0", self.name);
            self.on_server(&[sql]).await?;
        }
        Ok(())
    }

    /// A copy that may be written to, in the place of an earlier one. Nobody else may use either
    /// meanwhile.
    pub async fn copy(&self) -> Result<Self> {
        let copy = self.clone().named(&format!("{}_copy", self.name));
        copy.remove().await?;
        match (&self.file, &copy.file) {
            (Some(from), Some(to)) => {
                // What servers wrote when they started may be in the log only.
                let connection = connect(&self.url).await?;
                let sql = "PRAGMA wal_checkpoint(TRUNCATE)";
                connection.execute_unprepared(sql).await?;
                connection.close().await?;
                std::fs::copy(from, to)?;
                File::open(to)?.sync_all()?;
            }
            _ => {
                let sql = format!("CREATE DATABASE {} TEMPLATE {}", copy.name, self.name);
                self.on_server(&[sql, "CHECKPOINT".into()]).await?;
            }
        }
        Ok(copy)
    }

    /// Removes it, if it is there.
    pub async fn remove(&self) -> Result<()> {
        let Some(file) = &self.file else {
            let sql = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name);
            return self.on_server(&[sql]).await;
        };
        for suffix in ["", "-wal", "-shm"] {
            let mut file = file.clone().into_os_string();
            file.push(suffix);
            match std::fs::remove_file(file) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(error.into());
                }
                _ => {}
            }
        }
        Ok(())
    }

    async fn on_server(&self, statements: &[String]) -> Result<()> {
        let server = connect(&self.server).await?;
        for sql in statements {
            server.execute_unprepared(sql).await?;
        }
        Ok(server.close().await?)
    }

    /// Takes the name of `to`, now that it is whole.
    async fn rename(&self, to: &Self) -> Result<()> {
        match (&self.file, &to.file) {
            (Some(from), Some(to)) => std::fs::rename(from, to)?,
            _ => {
                to.remove().await?;
                let sql = format!("ALTER DATABASE {} RENAME TO {}", self.name, to.name);
                self.on_server(&[sql]).await?;
            }
        }
        Ok(())
    }

    async fn bytes(&self) -> Result<u64> {
        match &self.file {
            Some(file) => Ok(std::fs::metadata(file)?.len()),
            None => {
                let connection = connect(&self.url).await?;
                let sql = "SELECT pg_database_size(current_database())";
                let row = connection
                    .query_one_raw(Statement::from_string(DbBackend::Postgres, sql))
                    .await?;
                connection.close().await?;
                let bytes: i64 = row.ok_or("no database size")?.try_get_by_index(0)?;
                Ok(bytes.unsigned_abs())
            }
        }
    }
}

/// Fills the database with so many posts, unless an earlier run did. One that an earlier run left
/// half-filled is filled up: an import that is run again goes on.
pub async fn load(
    database: &Database,
    posts: u64,
    arguments: &Arguments,
) -> Result<(Database, Loaded)> {
    let key = format!("posts_{posts}_{:016x}", schema_hash().await?);
    let whole = database.clone().named(&key);
    let mut posts_per_second = None;
    if arguments.reload || !whole.exists().await? {
        let unfinished = database.clone().named(&format!("{key}_unfinished"));
        let from_nothing = arguments.reload || !unfinished.exists().await?;
        if from_nothing {
            unfinished.create().await?;
        }
        succeed(process::alphanode()?.args(["migrate", "up", "--database-url", &unfinished.url]))?;
        let documents = documents(posts, arguments)?;
        say(&match from_nothing {
            true => format!("importing {posts} posts"),
            false => format!("going on to import {posts} posts"),
        });
        let started = Instant::now();
        succeed(process::alphanode()?.arg("import").arg(&documents).args([
            "--format",
            "ndjson",
            "--database-url",
            &unfinished.url,
        ]))?;
        if from_nothing {
            posts_per_second = Some(posts as f64 / started.elapsed().as_secs_f64());
        }
        if database.kind == Kind::Postgres {
            let connection = connect(&unfinished.url).await?;
            connection.execute_unprepared("VACUUM ANALYZE").await?;
            connection.execute_unprepared("CHECKPOINT").await?;
            connection.close().await?;
        }
        unfinished.rename(&whole).await?;
    }
    let loaded = Loaded {
        posts_per_second,
        bytes: whole.bytes().await?,
    };
    Ok((whole, loaded))
}

/// The synthetic posts as the file that is imported, made once.
fn documents(posts: u64, arguments: &Arguments) -> Result<PathBuf> {
    let file = arguments
        .folder
        .join(format!("posts_{posts}_{SEED}.ndjson"));
    if arguments.reload || !file.exists() {
        say(&format!("writing {posts} posts"));
        let unfinished = file.with_extension("unfinished");
        succeed(
            process::alphanode()?
                .args(["synth", "--count", &posts.to_string()])
                .args(["--seed", &SEED.to_string()])
                .stdout(File::create(&unfinished)?),
        )?;
        std::fs::rename(&unfinished, &file)?;
    }
    Ok(file)
}

/// Runs a command, and answers what it printed where that was asked for.
pub fn succeed(command: &mut Command) -> Result<String> {
    let output = command.stderr(Stdio::piped()).spawn()?.wait_with_output()?;
    if output.status.success() {
        return Ok(String::from_utf8(output.stdout)?);
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(format!("{command:?} failed: {said}").into())
}

pub async fn connect(url: &str) -> Result<DatabaseConnection> {
    let mut options = ConnectOptions::new(url);
    options.max_connections(1).sqlx_logging(false);
    Ok(sea_orm::Database::connect(options).await?)
}

/// Changes with any table, index or trigger of the newest schema.
async fn schema_hash() -> Result<u64> {
    let memory = connect("sqlite::memory:").await?;
    Migrator::up(&memory, None).await?;
    let sql = "SELECT COALESCE(group_concat(sql, ';' ORDER BY name), '') FROM sqlite_schema";
    let row = memory
        .query_one_raw(Statement::from_string(DbBackend::Sqlite, sql))
        .await?;
    let schema: String = row.ok_or("no schema")?.try_get_by_index(0)?;
    let mut hasher = DefaultHasher::new();
    schema.hash(&mut hasher);
    Ok(hasher.finish())
}
