//! Whether the settings are those of a server for the public.

use std::net::SocketAddr;

use ipnet::IpNet;
use url::{Host, Url};

use super::Given;
use crate::config::{Config, Mode};
use crate::domain::doctor::{Finding, some_of};

/// Whether the settings can be read, and each of them means something.
pub(super) fn settings(given: &Given) -> Finding {
    if let Err(error) = &given.config {
        return Finding::fail(error.to_string(), "put it right; nothing starts before");
    }
    let unknown = Config::unknown_variables();
    if !unknown.is_empty() {
        let found = format!(
            "the environment has {}, which is no setting",
            some_of(&unknown)
        );
        return Finding::warn(found, "look for a spelling mistake: it has no effect");
    }
    match given.file.exists() {
        true => Finding::ok(format!("from {} and the environment", given.file.display())),
        false => Finding::ok("from the environment; there is no settings file"),
    }
}

/// Whether the server tells the public no more than it has to.
pub(super) fn mode(config: &Config) -> Finding {
    match config.mode {
        Mode::Production => Finding::ok("production"),
        Mode::Development => Finding::warn(
            "development: everybody who reaches the server has introspection and GraphiQL",
            "set `mode` to \"production\" for the public",
        ),
    }
}

/// Whether the links that people are sent lead to the server, and safely.
pub(super) fn public_url(config: &Config) -> Finding {
    let remedy = "set `public_url` to the https address that people reach the server by";
    if config.public_url.is_none() && config.mode == Mode::Production {
        let found = format!(
            "not set; links in invitations begin with {}",
            config.public_url()
        );
        return Finding::fail(found, remedy);
    }
    encrypted(config, &config.public_url(), remedy)
}

/// Whether canonical URLs, feeds and sitemaps name the public site.
pub(super) fn site_url(config: &Config) -> Finding {
    let remedy = "set `site_url` to the https address of the public site";
    encrypted(config, &config.site_url(), remedy)
}

/// Whether a URL is encrypted, or leads nowhere beyond this machine while it is one of a developer.
fn encrypted(config: &Config, text: &str, remedy: &str) -> Finding {
    let url = match Url::parse(text) {
        Ok(url) => url,
        Err(error) => return Finding::fail(format!("{text}: {error}"), remedy),
    };
    let local = match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback() || address.is_unspecified(),
        Some(Host::Ipv6(address)) => address.is_loopback() || address.is_unspecified(),
        None => false,
    };
    match (config.mode, url.scheme(), local) {
        (Mode::Production, _, true) => {
            Finding::fail(format!("{text} leads nowhere from elsewhere"), remedy)
        }
        (Mode::Production, "http", _) => Finding::fail(format!("{text} is not encrypted"), remedy),
        (Mode::Development, "http", false) => {
            Finding::warn(format!("{text} is not encrypted"), remedy)
        }
        _ => Finding::ok(text),
    }
}

/// Whether the server knows where requests come from.
pub(super) fn proxies(config: &Config) -> Finding {
    if config
        .trusted_proxies
        .iter()
        .any(|proxy| proxy.is_unspecified())
    {
        return Finding::fail(
            "an address of `trusted_proxies` stands for every address",
            "name the addresses of the proxies: whoever is believed can pretend to be anybody",
        );
    }
    let proxies: Vec<String> = config
        .trusted_proxies
        .iter()
        .map(ToString::to_string)
        .collect();
    let listen = config.listen.parse::<SocketAddr>();
    let listens_widely = listen.is_ok_and(|address| !address.ip().is_loopback());
    let behind = config.public_url().starts_with("https://");
    match (proxies.is_empty(), behind, listens_widely) {
        (false, _, _) => Finding::ok(format!("believed: {}", some_of(&proxies))),
        (true, true, _) => Finding::warn(
            "something in front of the server encrypts, but its word is not taken for where \
             requests come from: everybody counts as one client",
            "name it in `trusted_proxies`",
        ),
        (true, false, true) => Finding::warn(
            format!(
                "no proxy is believed, and {} is not encrypted",
                config.listen
            ),
            "listen on 127.0.0.1 behind a proxy that encrypts, and name it in `trusted_proxies`",
        ),
        (true, false, false) => Finding::ok("none, and only this machine reaches the server"),
    }
}

/// Whether limits keep the server from being held up.
pub(super) fn limits(config: &Config) -> Finding {
    let mut odd = Vec::new();
    if config.read_timeout_seconds > config.request_timeout_seconds {
        odd.push(format!(
            "`read_timeout_seconds` ({}) is more than a whole request may take (`request_timeout_seconds`, {})",
            config.read_timeout_seconds, config.request_timeout_seconds
        ));
    }
    for (name, seconds, most) in [
        ("read_timeout_seconds", config.read_timeout_seconds, 30),
        (
            "request_timeout_seconds",
            config.request_timeout_seconds,
            60,
        ),
        ("job_lease_seconds", config.job_lease_seconds, 300),
    ] {
        if seconds > most {
            odd.push(format!("`{name}` is {seconds}; more than {most} is long"));
        }
    }
    if config.job_lease_seconds < 5 {
        odd.push("`job_lease_seconds` is below 5: a slow moment makes jobs run twice".to_owned());
    }
    for (name, points) in [
        (
            "rate_limit_points_per_minute",
            config.rate_limit_points_per_minute,
        ),
        (
            "rate_limit_points_per_minute_signed_in",
            config.rate_limit_points_per_minute_signed_in,
        ),
    ] {
        if points == 0 {
            odd.push(format!(
                "`{name}` is 0: one client may keep all others waiting"
            ));
        }
    }
    match odd.is_empty() {
        true => Finding::ok(format!(
            "reads end after {} s, requests after {} s",
            config.read_timeout_seconds, config.request_timeout_seconds
        )),
        false => Finding::warn(
            odd.join("; "),
            "go back to the default, unless there is a reason",
        ),
    }
}

/// Whether the sites whose pages may ask are ones that nobody can put pages into on the way.
pub(super) fn cors_origins(config: &Config) -> Finding {
    let origins = &config.cors_origins;
    let open: Vec<String> = origins
        .iter()
        .filter(|origin| origin.starts_with("http:"))
        .cloned()
        .collect();
    match (config.mode, open.is_empty(), origins.is_empty()) {
        (Mode::Production, false, _) => Finding::warn(
            format!("not encrypted: {}", some_of(&open)),
            "name the https origins of the site and the admin UI in `cors_origins`, no others",
        ),
        (_, _, true) => Finding::ok("no pages but this server's own"),
        _ => Finding::ok(some_of(origins)),
    }
}

/// Whether webhooks may reach what only this server can.
pub(super) fn webhook_hosts(config: &Config) -> Finding {
    /// The prefix of a network that is no longer one place: 256 addresses are.
    const NARROW_V4: u8 = 24;
    const NARROW_V6: u8 = 64;
    let wide = |item: &&String| match item.trim().parse::<IpNet>() {
        Ok(IpNet::V4(network)) => network.prefix_len() < NARROW_V4,
        Ok(IpNet::V6(network)) => network.prefix_len() < NARROW_V6,
        Err(_) => false,
    };
    let allowed = &config.webhook_allowed_hosts;
    let wide: Vec<String> = allowed.iter().filter(wide).cloned().collect();
    if !wide.is_empty() {
        return Finding::warn(
            format!("whole networks are allowed: {}", some_of(&wide)),
            "name the hosts instead: who may save an endpoint reaches all that is there",
        );
    }
    match allowed.is_empty() {
        true => Finding::ok("public addresses only"),
        false => Finding::ok(format!("public addresses, and {}", some_of(allowed))),
    }
}
