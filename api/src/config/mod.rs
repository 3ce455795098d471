//! Settings: from flags, then the environment, then `alphanode.toml`, then defaults; checked once,
//! at start.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use chrono::TimeDelta;
use config::{Environment, File, FileFormat};
use serde::Deserialize;

use crate::foundation::database::DatabaseOptions;
use crate::foundation::destination::Destinations;

/// The settings file that is read when it is there.
pub const FILE: &str = "alphanode.toml";

/// Everything that can be set. In the environment each name is in capitals behind `ALPHANODE_`.
#[derive(Clone, Debug, Deserialize)]
#[serde(default)]
pub struct Config {
    /// `sqlite:PATH` or `postgres://…`.
    pub database_url: String,
    /// Where to listen, an address and a port.
    pub listen: String,
    /// Where the public site is; canonical URLs begin with it.
    pub site_url: String,
    /// What the public site is called, in its feeds. The host of `site_url` when absent.
    pub site_name: Option<String>,
    /// Where people reach this server, without a slash at the end; links in invitations begin with
    /// it. `http://` and `listen` when absent.
    pub public_url: Option<String>,
    /// Where the private keys that sign tokens are kept. All nodes share it.
    pub keys_directory: PathBuf,
    /// Addresses of proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpAddr>,
    /// Origins of sites whose pages may ask in a browser, e.g. `https://app.example.org`.
    pub cors_origins: Vec<String>,
    /// Hosts, addresses and networks that webhooks may go to though they are not public.
    pub webhook_allowed_hosts: Vec<String>,
    /// `development` or `production`. In production introspection and GraphiQL are off.
    pub mode: Mode,
    /// `text` for people, `json` for machines.
    pub log: LogFormat,
    /// Connections that read.
    pub readers: u32,
    /// Jobs that run at once in a process, besides those that go on for long and those that have
    /// their time; 0 runs none of any.
    pub workers: u32,
    /// Seconds after which the jobs of a worker that died are taken over by another one.
    pub job_lease_seconds: u64,
    /// Whether every revision has to be approved before it goes live. Posts that are marked as
    /// needing human review always have to.
    pub review_required: bool,
    /// Days after which a post in the trash is deleted; 0 keeps it until somebody deletes it.
    pub trash_days: u32,
    /// Megabytes (of 1,000,000 bytes) that one upload of files for an import may have.
    pub upload_limit_megabytes: u64,
    /// Megabytes (of 1,000,000 bytes) of answers to keep for anonymous readers; 0 keeps none.
    pub response_cache_megabytes: u64,
    /// Seconds one read may take inside the database.
    pub read_timeout_seconds: u64,
    /// Seconds one request may take altogether.
    pub request_timeout_seconds: u64,
    /// Connections of clients at once.
    pub connection_limit: usize,
    /// Operations that run at once; four times as many wait for a second.
    pub operation_limit: usize,
    /// Points that whoever asks from one address may spend in a minute; 0 is no limit.
    pub rate_limit_points_per_minute: u32,
    /// Points that a user or a token may spend in a minute; 0 is no limit.
    pub rate_limit_points_per_minute_signed_in: u32,
    /// What whoever reads `/metrics` sends as a bearer token. Without it a development server shows
    /// them to its own machine, and one in production to nobody.
    pub metrics_token: Option<String>,
}

/// Who the server is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// A developer's machine.
    Development,
    /// The public.
    Production,
}

/// How log lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    Text,
    /// For machines: one JSON object a line.
    Json,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            database_url: "sqlite:data/alphanode.db".into(),
            listen: "127.0.0.1:8080".into(),
            site_url: "http://localhost:3000".into(),
            site_name: None,
            public_url: None,
            keys_directory: "data/keys".into(),
            trusted_proxies: Vec::new(),
            cors_origins: Vec::new(),
            webhook_allowed_hosts: Vec::new(),
            mode: Mode::Development,
            log: LogFormat::Text,
            readers: 4,
            workers: 4,
            job_lease_seconds: 30,
            review_required: false,
            trash_days: 30,
            upload_limit_megabytes: 1_000,
            response_cache_megabytes: 64,
            read_timeout_seconds: 5,
            request_timeout_seconds: 10,
            connection_limit: 4_000,
            operation_limit: 64,
            rate_limit_points_per_minute: 2_000_000,
            rate_limit_points_per_minute_signed_in: 10_000_000,
            metrics_token: None,
        }
    }
}

/// Every name of [`Config`], so that a misspelled one is noticed.
const NAMES: [&str; 25] = [
    "database_url",
    "listen",
    "site_url",
    "site_name",
    "public_url",
    "keys_directory",
    "trusted_proxies",
    "cors_origins",
    "webhook_allowed_hosts",
    "mode",
    "log",
    "readers",
    "workers",
    "job_lease_seconds",
    "review_required",
    "trash_days",
    "upload_limit_megabytes",
    "response_cache_megabytes",
    "read_timeout_seconds",
    "request_timeout_seconds",
    "connection_limit",
    "operation_limit",
    "rate_limit_points_per_minute",
    "rate_limit_points_per_minute_signed_in",
    "metrics_token",
];

/// A setting that can't be used. The text says which and how to put it right.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A file or value can't be read.
    #[error("settings: {0}")]
    Unreadable(#[from] config::ConfigError),
    /// The settings file has a name that means nothing.
    #[error("{file}: `{name}` is no setting; there are {}", NAMES.join(", "))]
    Unknown {
        /// The file.
        file: String,
        /// The name.
        name: String,
    },
    /// A value makes no sense.
    #[error("setting `{name}`: {reason}")]
    Invalid {
        /// The name.
        name: &'static str,
        /// What is wrong and how to put it right.
        reason: String,
    },
}

impl Config {
    /// Reads the settings: `overrides` from flags, the environment, then the file, which must exist
    /// only when it is named.
    ///
    /// # Errors
    ///
    /// When the file or a value can't be used.
    pub fn load(
        file: Option<PathBuf>,
        overrides: &[(&str, Option<String>)],
    ) -> Result<Self, ConfigError> {
        let named = file.is_some();
        let path = file.unwrap_or_else(|| PathBuf::from(FILE));
        let source = File::new(&path.to_string_lossy(), FileFormat::Toml).required(named);
        let written: HashMap<String, config::Value> = config::Config::builder()
            .add_source(source.clone())
            .build()?
            .try_deserialize()?;
        if let Some(name) = written.keys().find(|name| !NAMES.contains(&name.as_str())) {
            return Err(ConfigError::Unknown {
                file: path.to_string_lossy().into_owned(),
                name: name.clone(),
            });
        }
        let mut builder = config::Config::builder().add_source(source).add_source(
            Environment::with_prefix("ALPHANODE")
                .prefix_separator("_")
                .try_parsing(true)
                .list_separator(",")
                .with_list_parse_key("trusted_proxies")
                .with_list_parse_key("cors_origins")
                .with_list_parse_key("webhook_allowed_hosts"),
        );
        for (name, value) in overrides {
            builder = builder.set_override_option(*name, value.clone())?;
        }
        let config: Self = builder.build()?.try_deserialize()?;
        config.check()?;
        Ok(config)
    }

    /// Variables of the environment that begin like settings and are none.
    pub fn unknown_variables() -> Vec<String> {
        let names = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
        let unknown = names.filter(|name| {
            let setting = name.strip_prefix("ALPHANODE_").map(str::to_lowercase);
            setting.is_some_and(|name| !NAMES.contains(&name.as_str()))
        });
        let mut unknown: Vec<String> = unknown.collect();
        unknown.sort_unstable();
        unknown
    }

    fn check(&self) -> Result<(), ConfigError> {
        let invalid = |name, reason: &str| {
            Err(ConfigError::Invalid {
                name,
                reason: reason.to_owned(),
            })
        };
        let url = &self.database_url;
        if !["sqlite:", "postgres://", "postgresql://"]
            .iter()
            .any(|scheme| url.starts_with(scheme))
        {
            return invalid(
                "database_url",
                "begin it with sqlite: or postgres://, e.g. sqlite:data/alphanode.db",
            );
        }
        if self.listen.parse::<SocketAddr>().is_err() {
            return invalid(
                "listen",
                "give an address and a port, e.g. 127.0.0.1:8080 or [::]:8080",
            );
        }
        let absolute = |url: &str| url.starts_with("https://") || url.starts_with("http://");
        if !absolute(&self.site_url) {
            return invalid("site_url", "give an absolute URL, e.g. https://example.org");
        }
        if !self.public_url.as_deref().is_none_or(absolute) {
            return invalid(
                "public_url",
                "give an absolute URL, e.g. https://cms.example.org",
            );
        }
        if let Some(origin) = self.cors_origins.iter().find(|origin| !is_origin(origin)) {
            let reason = format!(
                "`{origin}` is no origin; give scheme and host, e.g. https://app.example.org"
            );
            return invalid("cors_origins", &reason);
        }
        if let Err(reason) = Destinations::read(&self.webhook_allowed_hosts) {
            return invalid("webhook_allowed_hosts", &reason);
        }
        if !(1..=64).contains(&self.readers) {
            return invalid("readers", "give a number from 1 to 64");
        }
        if self.workers > 64 {
            return invalid("workers", "give a number from 0 to 64");
        }
        if !(1..=600).contains(&self.job_lease_seconds) {
            return invalid("job_lease_seconds", "give a number from 1 to 600");
        }
        if !(1..=100_000).contains(&self.upload_limit_megabytes) {
            return invalid("upload_limit_megabytes", "give a number from 1 to 100000");
        }
        if self.response_cache_megabytes > 100_000 {
            return invalid("response_cache_megabytes", "give a number from 0 to 100000");
        }
        if !(1..=600).contains(&self.read_timeout_seconds) {
            return invalid("read_timeout_seconds", "give a number from 1 to 600");
        }
        if !(1..=600).contains(&self.request_timeout_seconds) {
            return invalid("request_timeout_seconds", "give a number from 1 to 600");
        }
        if !(10..=1_000_000).contains(&self.connection_limit) {
            return invalid("connection_limit", "give a number from 10 to 1000000");
        }
        if !(1..=10_000).contains(&self.operation_limit) {
            return invalid("operation_limit", "give a number from 1 to 10000");
        }
        for (name, points) in [
            (
                "rate_limit_points_per_minute",
                self.rate_limit_points_per_minute,
            ),
            (
                "rate_limit_points_per_minute_signed_in",
                self.rate_limit_points_per_minute_signed_in,
            ),
        ] {
            if points > 1_000_000_000 {
                return invalid(
                    name,
                    "give a number from 0, which is no limit, to 1000000000",
                );
            }
        }
        let is_token =
            |token: &str| token.len() >= 16 && token.bytes().all(|byte| byte.is_ascii_graphic());
        if !self.metrics_token().is_none_or(is_token) {
            return invalid(
                "metrics_token",
                "give 16 letters, digits and signs or more, e.g. from `openssl rand -base64 30`",
            );
        }
        Ok(())
    }

    /// How to open the database.
    pub fn database(&self) -> DatabaseOptions {
        DatabaseOptions {
            url: self.database_url.clone(),
            readers: self.readers,
            writers: 4,
            read_timeout: Duration::from_secs(self.read_timeout_seconds),
            relaxed: false,
        }
    }

    /// Where webhooks may go. What can't be read was refused when the settings were.
    pub fn destinations(&self) -> Destinations {
        Destinations::read(&self.webhook_allowed_hosts).unwrap_or_default()
    }

    /// Where people reach this server, without a slash at the end.
    pub fn public_url(&self) -> String {
        match &self.public_url {
            Some(url) => url.trim_end_matches('/').to_owned(),
            None => format!("http://{}", self.listen),
        }
    }

    /// Where people reach this server, as pages of it name it: scheme and host.
    pub fn public_origin(&self) -> String {
        let url = self.public_url();
        match url::Url::parse(&url) {
            Ok(url) => url.origin().ascii_serialization(),
            Err(_) => url,
        }
    }

    /// The site without a slash at the end.
    pub fn site_url(&self) -> String {
        self.site_url.trim_end_matches('/').to_owned()
    }

    /// What the site is called.
    pub fn site_name(&self) -> String {
        let address = self.site_url.split("://").nth(1);
        let host = address.and_then(|address| address.split('/').next());
        let name = self.site_name.as_deref().or(host);
        name.unwrap_or_default().to_owned()
    }

    /// What whoever reads `/metrics` has to send; an empty one is none.
    pub fn metrics_token(&self) -> Option<&str> {
        let token = self.metrics_token.as_deref();
        token.filter(|token| !token.is_empty())
    }

    /// How long a post stays in the trash; until somebody deletes it when there is no limit.
    pub fn trash_kept(&self) -> Option<TimeDelta> {
        (self.trash_days > 0).then(|| TimeDelta::days(self.trash_days.into()))
    }
}

/// Whether a text is an origin, exactly as browsers write it.
fn is_origin(text: &str) -> bool {
    let url = url::Url::parse(text);
    url.is_ok_and(|url| {
        matches!(url.scheme(), "http" | "https") && url.origin().ascii_serialization() == text
    })
}
