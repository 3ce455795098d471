//! `alphanode worker`: background jobs without the API, until a signal.

use std::process::ExitCode;

use tokio_util::sync::CancellationToken;

use super::{Failure, migrate, say, wait_for_signal};
use crate::app::{self, App};
use crate::config::Config;
use crate::domain::schedule;
use crate::foundation::clock::Clock;
use crate::telemetry;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// How many jobs to run at once, besides imports, exports and those that have their time
    /// [environment: ALPHANODE_WORKERS] [default: 4]
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..=64))]
    pub(super) workers: Option<u32>,
}

pub(super) async fn run(config: &Config) -> Result<ExitCode, Failure> {
    let _log = telemetry::start_quick_log(config.log);
    if config.workers == 0 {
        return Err("the setting workers is 0: there is nothing to do".into());
    }
    let database = app::open(config).await?;
    migrate::require_newest(&database).await?;
    let app = App::new(config, database, Clock::system())?;
    schedule::sync(&app.store).await?;
    let stop = CancellationToken::new();
    let workers = app.start(config.workers, &stop);
    say(&format!("workers   {}", config.workers));
    wait_for_signal().await;
    stop.cancel();
    workers.wait().await;
    app.store.database.close().await?;
    Ok(ExitCode::SUCCESS)
}
