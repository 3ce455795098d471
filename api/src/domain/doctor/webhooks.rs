//! Whether those who asked to be told are told, and safely.

use chrono::{DateTime, TimeDelta, Utc};

use super::{Finding, some_of};
use crate::domain::error::Result;
use crate::domain::perspective::Reader;
use crate::domain::webhook::{self, Endpoint, OVERLAP};

/// How old a secret may become.
const SECRET_AGE: TimeDelta = TimeDelta::days(365);

/// Whether endpoints fail.
///
/// # Errors
///
/// Those of the database.
pub async fn failing(reader: &Reader) -> Result<Finding> {
    let failing = |endpoint: &Endpoint| {
        let since = endpoint.failing_since.filter(|_| endpoint.enabled)?;
        Some(format!("since {}", since.format("%Y-%m-%d %H:%M UTC")))
    };
    Ok(
        match said(&webhook::endpoints(reader).await?, failing).as_slice() {
            [] => Finding::ok("the last message to each was taken"),
            failing => Finding::warn(
                format!("every attempt fails: {}", some_of(failing)),
                "read the attempts in `webhookDeliveries`; put the receiver right, or the URL",
            ),
        },
    )
}

/// Whether endpoints were switched off because they failed.
///
/// # Errors
///
/// Those of the database.
pub async fn off(reader: &Reader) -> Result<Finding> {
    let off = |endpoint: &Endpoint| {
        let at = endpoint.disabled_at.filter(|_| !endpoint.enabled)?;
        let reason = endpoint.disabled_reason.as_deref().unwrap_or_default();
        Some(format!("at {}: {reason}", at.format("%Y-%m-%d %H:%M UTC")))
    };
    Ok(
        match said(&webhook::endpoints(reader).await?, off).as_slice() {
            [] => Finding::ok("every endpoint is on"),
            off => Finding::warn(
                format!("told nothing: {}", some_of(off)),
                "switch each on again once its receiver works, or delete it",
            ),
        },
    )
}

/// Whether messages travel in the open.
///
/// # Errors
///
/// Those of the database.
pub async fn https(reader: &Reader) -> Result<Finding> {
    let open = |endpoint: &Endpoint| {
        let open = endpoint.enabled && endpoint.url.starts_with("http:");
        open.then(|| "not encrypted".to_owned())
    };
    Ok(
        match said(&webhook::endpoints(reader).await?, open).as_slice() {
            [] => Finding::ok("every endpoint that is on has https"),
            open => Finding::warn(
                some_of(open),
                "give it https, unless nobody else can reach the network between",
            ),
        },
    )
}

/// Whether secrets are older than they should be, or the old one of two is good for longer than a
/// rotation takes.
///
/// # Errors
///
/// Those of the database.
pub async fn secrets(reader: &Reader, now: DateTime<Utc>) -> Result<Finding> {
    let old = |endpoint: &Endpoint| {
        let made = match endpoint.old_secret_until {
            Some(until) if until > now + OVERLAP => {
                return Some(format!("signed by its old secret too, until {until}"));
            }
            Some(until) => until - OVERLAP,
            None => endpoint.created_at,
        };
        let days = (now - made).num_days();
        let old = endpoint.enabled && days > SECRET_AGE.num_days();
        old.then(|| format!("its secret is {days} days old"))
    };
    Ok(
        match said(&webhook::endpoints(reader).await?, old).as_slice() {
            [] => Finding::ok("none is older than a year or in an overlap that does not end"),
            old => Finding::warn(
                some_of(old),
                "make others with `rotateWebhookSecret`; the old ones are good for another day",
            ),
        },
    )
}

/// What is said of the endpoints that something is to be said of.
fn said(endpoints: &[Endpoint], say: impl Fn(&Endpoint) -> Option<String>) -> Vec<String> {
    let said = endpoints.iter().filter_map(|endpoint| {
        // What comes after the path of a URL may be a secret.
        let url = endpoint.url.split(['?', '#']).next().unwrap_or_default();
        Some(format!("{url} ({})", say(endpoint)?))
    });
    said.collect()
}
