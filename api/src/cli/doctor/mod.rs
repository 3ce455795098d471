//! `alphanode doctor`: looks at everything that can be wrong with an installation, changes nothing,
//! and says what to do. Each check is a small function here or in `domain/doctor/`.

mod files;
mod print;
mod secrets;
mod server;
mod settings;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::ValueEnum;
use migration::{Migrator, MigratorTrait};

use super::{Failure, missing_file};
use crate::app;
use crate::config::{Config, ConfigError, Mode};
use crate::domain::doctor::{
    Finding, State, api_tokens, cache_rules, clock, database, jobs, people, queries, webhooks,
};
use crate::domain::perspective::{Perspective, Reader};
use crate::foundation::clock::Clock;
use crate::foundation::database::Database;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Where the server answers, to look at what it tells strangers [default: where it listens]
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// Make these checks only
    #[arg(
        long,
        value_name = "CHECK",
        value_delimiter = ',',
        hide_possible_values = true
    )]
    only: Vec<Check>,
    /// Fail when there are warnings, too
    #[arg(long)]
    strict: bool,
    /// Print an object, for programs
    #[arg(long)]
    json: bool,
}

/// Everything that is looked at, in this order. `docs/security.md` says why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Check {
    Settings,
    Mode,
    PublicUrl,
    SiteUrl,
    Proxies,
    Limits,
    CorsOrigins,
    WebhookHosts,
    SettingsFile,
    KeysDirectory,
    SigningKey,
    DatabaseFile,
    Disk,
    Wal,
    Database,
    Migrations,
    Durability,
    Integrity,
    Statistics,
    Indexes,
    Backups,
    CacheExamples,
    SwitchedOffCacheRules,
    Clock,
    Admins,
    SetupLink,
    EndlessTokens,
    UnusedTokens,
    DeadJobs,
    OverdueJobs,
    PausedJobs,
    Workers,
    Publications,
    FailingWebhooks,
    SwitchedOffWebhooks,
    WebhookHttps,
    WebhookSecrets,
    Server,
    Headers,
    Introspection,
    Graphiql,
    Cors,
}

impl Check {
    fn name(self) -> String {
        let value = self.to_possible_value();
        value.map_or_else(String::new, |value| value.get_name().to_owned())
    }
}

/// What the command line says before settings are read.
pub(super) struct Given {
    /// The settings, or why they can't be used.
    pub(super) config: Result<Config, ConfigError>,
    /// The file that they are read from where it exists.
    pub(super) file: PathBuf,
    /// The URL of the database, where it was given as an argument.
    pub(super) database_url: Option<String>,
}

/// Whom the doctor sees.
struct Patient<'given> {
    given: &'given Given,
    database: Option<Database>,
    /// Why there is no database to look at.
    no_database: String,
    probe: Result<server::Probe, Finding>,
    clock: Clock,
}

pub(super) async fn run(given: &Given, arguments: &Arguments) -> Result<ExitCode, Failure> {
    let checks = match arguments.only.as_slice() {
        [] => Check::value_variants(),
        only => only,
    };
    let patient = Patient::admit(given, arguments.url.as_deref()).await;
    let mut findings = Vec::with_capacity(checks.len());
    for check in checks {
        let finding = patient.examine(*check).await;
        // A check that can't be made is no reason not to make the others.
        let finding = finding.unwrap_or_else(|why| Finding::skip(why.to_string()));
        findings.push((check.name(), finding));
    }
    if let Some(database) = patient.database {
        database.close().await?;
    }
    let mut out = std::io::stdout().lock();
    match arguments.json {
        true => print::object(&mut out, &findings)?,
        false => print::table(&mut out, &findings)?,
    }
    let any = |state| findings.iter().any(|(_, finding)| finding.state == state);
    let failed = any(State::Fail) || (arguments.strict && any(State::Warn));
    Ok(ExitCode::from(u8::from(failed)))
}

impl<'given> Patient<'given> {
    async fn admit(given: &'given Given, url: Option<&str>) -> Self {
        let mut patient = Self {
            given,
            database: None,
            no_database: "the settings can't be read".to_owned(),
            probe: Err(Finding::skip("the settings can't be read")),
            clock: Clock::system(),
        };
        let Ok(config) = &given.config else {
            return patient;
        };
        patient.probe = match url {
            Some(url) => server::Probe::of(url).await.map_err(|why| {
                Finding::fail(
                    format!("{url} does not answer: {why}"),
                    "start it, or name where it is",
                )
            }),
            None => {
                let url = format!("http://{}", config.listen);
                let probe = server::Probe::of(&url).await;
                probe.map_err(|_| {
                    Finding::skip(format!("nothing answers at {url}; name it by --url"))
                })
            }
        };
        if let Some(path) = missing_file(config) {
            patient.no_database = format!("there is no file {path}");
            return patient;
        }
        match app::open(config).await {
            Ok(database) => patient.database = Some(database),
            Err(error) => patient.no_database = format!("it can't be opened: {error}"),
        }
        patient
    }

    async fn examine(&self, check: Check) -> Result<Finding, Failure> {
        let now = self.clock.now();
        let config = || {
            self.given
                .config
                .as_ref()
                .map_err(|_| "the settings can't be read")
        };
        let probe = || self.probe.as_ref().map_err(Clone::clone);
        let public = || config().is_ok_and(|config| config.mode == Mode::Production);
        let on_server = |look: fn(&server::Probe, bool) -> Finding| match probe() {
            Ok(probe) => look(probe, public()),
            Err(finding) => Finding::skip(finding.found),
        };
        Ok(match check {
            Check::Settings => settings::settings(self.given),
            Check::Mode => settings::mode(config()?),
            Check::PublicUrl => settings::public_url(config()?),
            Check::SiteUrl => settings::site_url(config()?),
            Check::Proxies => settings::proxies(config()?),
            Check::Limits => settings::limits(config()?),
            Check::CorsOrigins => settings::cors_origins(config()?),
            Check::WebhookHosts => settings::webhook_hosts(config()?),
            Check::SettingsFile => secrets::settings_file(self.given)?,
            Check::KeysDirectory => secrets::keys_directory(config()?)?,
            Check::SigningKey => secrets::signing_key(config()?, &self.clock)?,
            Check::DatabaseFile => files::database_file(config()?)?,
            Check::Disk => files::disk(config()?)?,
            Check::Wal => files::wal(config()?)?,
            Check::Database => match &self.database {
                Some(_) => database::version(&self.reader()?).await?,
                None => Finding::fail(
                    &self.no_database,
                    "check `database_url`; `alphanode serve` and `migrate up` make a new one",
                ),
            },
            Check::Migrations => self.migrations().await?,
            Check::Durability => database::durability(&self.reader()?).await?,
            Check::Integrity => database::integrity(&self.reader()?).await?,
            Check::Statistics => database::statistics(&self.reader()?).await?,
            Check::Indexes => queries::indexes(&self.reader()?).await?,
            Check::Backups => database::backups(&self.reader()?).await?,
            Check::CacheExamples => cache_rules::examples(&self.reader()?).await?,
            Check::SwitchedOffCacheRules => cache_rules::off(&self.reader()?).await?,
            Check::Clock => clock::clock(&self.reader()?, &self.clock).await?,
            Check::Admins => people::admins(&self.reader()?).await?,
            Check::SetupLink => people::setup_link(&self.reader()?, now).await?,
            Check::EndlessTokens => api_tokens::endless(&self.reader()?, now).await?,
            Check::UnusedTokens => api_tokens::unused(&self.reader()?, now).await?,
            Check::DeadJobs => jobs::dead(&self.reader()?, &self.clock).await?,
            Check::OverdueJobs => jobs::overdue(&self.reader()?, &self.clock).await?,
            Check::PausedJobs => jobs::paused(&self.reader()?).await?,
            Check::Workers => jobs::workers(&self.reader()?, &self.clock).await?,
            Check::Publications => jobs::publications(&self.reader()?, &self.clock).await?,
            Check::FailingWebhooks => webhooks::failing(&self.reader()?).await?,
            Check::SwitchedOffWebhooks => webhooks::off(&self.reader()?).await?,
            Check::WebhookHttps => webhooks::https(&self.reader()?).await?,
            Check::WebhookSecrets => webhooks::secrets(&self.reader()?, now).await?,
            Check::Server => probe().map_or_else(|finding| finding, server::answers),
            Check::Headers => on_server(server::headers),
            Check::Introspection => on_server(server::introspection),
            Check::Graphiql => on_server(server::graphiql),
            Check::Cors => on_server(server::cors),
        })
    }

    /// Whether the schema of the database is the one that this program was made for.
    async fn migrations(&self) -> Result<Finding, Failure> {
        let reader = self.database()?.reader();
        let remedy = "`alphanode migrate up`, with the program that serves";
        Ok(
            match Migrator::get_pending_migrations_read_only(reader).await {
                Ok(pending) if pending.is_empty() => Finding::ok("the schema is the newest"),
                Ok(pending) => Finding::fail(format!("{} are pending", pending.len()), remedy),
                Err(error) => Finding::fail(
                    format!("the schema is of a newer program: {error}"),
                    "use that program, here too",
                ),
            },
        )
    }

    fn reader(&self) -> Result<Reader, Failure> {
        Ok(Reader::new(
            self.database()?.clone(),
            Perspective::Published,
        ))
    }

    fn database(&self) -> Result<&Database, Failure> {
        let database = self.database.as_ref();
        database.ok_or_else(|| format!("no database: {}", self.no_database).into())
    }
}
