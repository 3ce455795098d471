//! `alphanode serve`: the API and the workers, until a signal.

use std::process::ExitCode;

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::{Failure, migrate, say, wait_for_signal};
use crate::app::{self, App};
use crate::config::{Config, Mode};
use crate::domain::{deployment, feed, one_time_link, schedule};
use crate::foundation::clock::Clock;
use crate::graphql::context::Links;
use crate::telemetry;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Where to listen, an address and a port [environment: ALPHANODE_LISTEN]
    /// [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDRESS")]
    pub(super) listen: Option<String>,

    /// Leave background jobs to other processes
    #[arg(long)]
    no_worker: bool,
}

/// Files that are open besides connections of clients: the database's, and those of jobs.
const OTHER_FILES: u64 = 512;

pub(super) async fn run(config: &Config, arguments: &Arguments) -> Result<ExitCode, Failure> {
    let _log = telemetry::start_quick_log(config.log);
    let database = app::open(config).await?;
    migrate::require_newest(&database).await?;
    allow_files(config.connection_limit);
    let listener = TcpListener::bind(&config.listen)
        .await
        .map_err(|error| format!("can't listen on {}: {error}", config.listen))?;
    let address = listener.local_addr()?;
    // Links lead to where it listens, which the system chooses when the port is 0.
    let config = &Config {
        listen: address.to_string(),
        ..config.clone()
    };
    let app = App::new(config, database, Clock::system())?;
    app.keys.prepare()?;
    schedule::sync(&app.store).await?;
    deployment::note(&app.store, &app.build, app.traffic.node()).await?;

    let stop = CancellationToken::new();
    let workers = if arguments.no_worker {
        0
    } else {
        config.workers
    };
    feed::render_soon(&app.store).await?;
    let views = tokio::spawn(app.views.clone().run(stop.clone()));
    let sockets = tokio::spawn(app.sockets.clone().close_after(stop.clone()));
    let traffic = tokio::spawn(app.traffic.clone().run(stop.clone()));
    let workers = app.start(workers, &stop);

    say(&format!("API       http://{address}/graphql"));
    if config.mode == Mode::Development {
        say(&format!("GraphiQL  http://{address}/graphql in a browser"));
    }
    say(&format!("health    http://{address}/healthz and /readyz"));
    if let Some(link) = one_time_link::set_up(&app.store).await? {
        let base = config.public_url();
        let link = Links { base }.one_time(&link.token);
        say(&format!("set up    {link}"));
        say("          makes the first admin; good once, for 24 hours or until the next start");
    }

    let signal = stop.clone();
    tokio::spawn(async move {
        wait_for_signal().await;
        signal.cancel();
    });
    let is_over = app.serve(listener, config.connection_limit, stop.clone());
    if !is_over.await {
        say("some requests did not end in time and were dropped");
    }
    stop.cancel();
    sockets.await?;
    views.await?;
    traffic.await?;
    // Those of the requests that were still answered after the signal.
    if let Err(error) = app.views.flush().await {
        say(&format!("the last views could not be written: {error}"));
    }
    if let Err(error) = app.traffic.close().await {
        say(&format!("the last minute could not be written: {error}"));
    }
    workers.wait().await;
    app.store.database.close().await?;
    Ok(ExitCode::SUCCESS)
}

/// Lets as many files be open at once as there may be connections, if the machine allows it.
fn allow_files(connections: usize) {
    let wanted = u64::try_from(connections)
        .unwrap_or(u64::MAX)
        .saturating_add(OTHER_FILES);
    let allowed = rlimit::increase_nofile_limit(wanted).unwrap_or(0);
    if allowed < wanted {
        tracing::warn!(
            allowed,
            wanted,
            "fewer files can be open at once than `connection_limit` needs; raise `ulimit -n`, or \
             lower the setting"
        );
    }
}
