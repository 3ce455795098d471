//! `alphanode migrate`: the schema of the database, up, down and where it stands.

use std::io::Write;
use std::process::ExitCode;

use clap::Subcommand;
use migration::{Migrator, MigratorTrait};
use sea_orm::{ConnectionTrait, DbErr};

use super::{Failure, say};
use crate::app;
use crate::config::Config;
use crate::foundation::database::{Database, Dialect};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Apply everything that is pending
    Up,
    /// Undo the newest migrations; what they made is lost
    Down {
        /// How many
        #[arg(long, default_value_t = 1)]
        steps: u32,
    },
    /// Say which migrations are applied
    Status,
}

pub(super) async fn run(config: &Config, arguments: &Arguments) -> Result<ExitCode, Failure> {
    let database = app::open(config).await?;
    let mut out = std::io::stdout();
    match arguments.action {
        Action::Up => {
            let pending = Migrator::get_pending_migrations_read_only(database.reader()).await?;
            Migrator::up(database.for_migrations().await?, None).await?;
            for migration in &pending {
                writeln!(out, "applied {}", migration.name())?;
            }
            if pending.is_empty() {
                writeln!(out, "the schema is the newest already")?;
            }
        }
        Action::Down { steps } => {
            let before = Migrator::get_applied_migrations(database.writer()).await?;
            Migrator::down(database.for_migrations().await?, Some(steps)).await?;
            let undone = usize::try_from(steps)?.min(before.len());
            for migration in before.iter().rev().take(undone) {
                writeln!(out, "undid {}", migration.name())?;
            }
        }
        Action::Status => {
            for migration in
                Migrator::get_migration_with_status_read_only(database.reader()).await?
            {
                writeln!(
                    out,
                    "{:8} {}",
                    migration.status().to_string(),
                    migration.name()
                )?;
            }
        }
    }
    database.close().await?;
    Ok(ExitCode::SUCCESS)
}

/// Refuses a database whose schema is older than this program. A SQLite file that was just made is
/// given its schema: nothing in it can be hurt.
pub(super) async fn require_newest(database: &Database) -> Result<(), Failure> {
    if database.dialect() == Dialect::Sqlite && is_empty(database).await? {
        say("a new database: giving it its schema");
        Migrator::up(database.for_migrations().await?, None).await?;
        return Ok(());
    }
    let pending = Migrator::get_pending_migrations_read_only(database.reader()).await?;
    if pending.is_empty() {
        return Ok(());
    }
    Err(format!(
        "the schema of the database is {} migrations behind; run `alphanode migrate up` first",
        pending.len()
    )
    .into())
}

async fn is_empty(database: &Database) -> Result<bool, DbErr> {
    let tables = database
        .writer()
        .query_one_raw(sea_orm::Statement::from_string(
            sea_orm::DatabaseBackend::Sqlite,
            "SELECT count(*) FROM sqlite_schema",
        ))
        .await?;
    match tables {
        Some(row) => Ok(row.try_get_by_index::<i64>(0)? == 0),
        None => Ok(true),
    }
}
