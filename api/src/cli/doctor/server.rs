//! What the running server tells strangers.

use std::time::Duration;

use reqwest::header::{
    ACCEPT, ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_ORIGIN, CONTENT_TYPE, HeaderMap,
    ORIGIN,
};
use reqwest::{Client, RequestBuilder};
use serde_json::{Value, json};

use crate::cli::Failure;
use crate::domain::doctor::Finding;

/// How long the server may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// A site that has nothing to do with this one.
const STRANGER: &str = "https://stranger.example";

const IN_PRODUCTION: &str = "start the server with `mode` set to \"production\"";

/// What it answered to a stranger.
pub(super) struct Probe {
    encrypted: bool,
    url: String,
    ready: u16,
    headers: HeaderMap,
    introspection: Value,
    page: String,
    to_stranger: HeaderMap,
}

impl Probe {
    /// Asks the server at `url` what a stranger may ask.
    pub(super) async fn of(url: &str) -> Result<Self, Failure> {
        let url = url.trim_end_matches('/');
        let client = Client::builder().timeout(PATIENCE).build()?;
        let graphql = format!("{url}/graphql");
        let ask = |query: &str| {
            let request = client.post(&graphql);
            let request = request.header(CONTENT_TYPE, "application/json");
            request.body(json!({ "query": query }).to_string())
        };

        let ready = send(client.get(format!("{url}/readyz"))).await?;
        let schema = send(ask("{ __schema { queryType { name } } }")).await?;
        // Whatever is no answer of GraphQL tells no schema.
        let introspection = serde_json::from_slice(&schema.bytes().await?).unwrap_or_default();
        let page = send(client.get(&graphql).header(ACCEPT, "text/html")).await?;
        let headers = page.headers().clone();
        let stranger = ask("{ __typename }").header(ORIGIN, STRANGER);
        let to_stranger = send(stranger).await?.headers().clone();
        Ok(Self {
            encrypted: url.starts_with("https://"),
            url: url.to_owned(),
            ready: ready.status().as_u16(),
            headers,
            introspection,
            page: page.text().await?,
            to_stranger,
        })
    }
}

async fn send(request: RequestBuilder) -> Result<reqwest::Response, Failure> {
    Ok(request.send().await?)
}

/// Whether it is ready.
pub(super) fn answers(probe: &Probe) -> Finding {
    match probe.ready {
        200 => Finding::ok(format!("{} is ready", probe.url)),
        status => Finding::fail(
            format!("{}/readyz answers {status}", probe.url),
            "its body and the log of the server say why",
        ),
    }
}

/// Whether browsers are told to be careful.
pub(super) fn headers(probe: &Probe, _: bool) -> Finding {
    let has = |name: &str| probe.headers.contains_key(name);
    let always = [
        "x-content-type-options",
        "referrer-policy",
        "x-frame-options",
        "content-security-policy",
    ];
    let mut missing: Vec<&str> = always.into_iter().filter(|name| !has(name)).collect();
    if probe.encrypted && !has("strict-transport-security") {
        missing.push("strict-transport-security");
    }
    match missing.is_empty() {
        true => Finding::ok("nothing is missing"),
        false => Finding::warn(
            format!("missing: {}", missing.join(", ")),
            "see that the proxy in front keeps them, and adds the last where it encrypts",
        ),
    }
}

/// Whether strangers can read the schema.
pub(super) fn introspection(probe: &Probe, public: bool) -> Finding {
    match probe.introspection["data"]["__schema"].is_object() {
        false => Finding::ok("refused"),
        true if public => Finding::fail("the server tells its schema to everybody", IN_PRODUCTION),
        true => Finding::warn("the server tells its schema to everybody", IN_PRODUCTION),
    }
}

/// Whether strangers get a page to write queries in.
pub(super) fn graphiql(probe: &Probe, public: bool) -> Finding {
    match probe.page.to_lowercase().contains("graphiql") {
        false => Finding::ok("not served"),
        true if public => Finding::fail("GraphiQL is served to everybody", IN_PRODUCTION),
        true => Finding::warn("GraphiQL is served to everybody", IN_PRODUCTION),
    }
}

/// Whether any site may read answers in the name of its visitors.
pub(super) fn cors(probe: &Probe, _: bool) -> Finding {
    let header = |name| {
        probe
            .to_stranger
            .get(name)
            .and_then(|value| value.to_str().ok())
    };
    let (origin, credentials) = (
        header(&ACCESS_CONTROL_ALLOW_ORIGIN),
        header(&ACCESS_CONTROL_ALLOW_CREDENTIALS),
    );
    let remedy = "allow the origins of the site and of the admin UI, and no others";
    match (origin, credentials) {
        (Some(STRANGER), Some("true")) => Finding::fail(
            "every site may read answers with the cookies of whoever visits it",
            remedy,
        ),
        (Some(STRANGER | "*"), _) => Finding::warn("every site may read answers", remedy),
        _ => Finding::ok("other sites may not read answers"),
    }
}
