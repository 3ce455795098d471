//! The client that webhooks are sent with.
//!
//! It connects only to addresses that [`Destinations`] allows, and looks at the very addresses that
//! it connects to: a name that leads somewhere else the next time gains nothing. It follows no
//! redirect, and no proxy of the environment stands between.

use std::net::SocketAddr;
use std::sync::OnceLock;
use std::time::Duration;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use reqwest::{Client, Response, redirect};
use tokio::net::lookup_host;
use tokio::time::{Instant, timeout_at};

use crate::foundation::causes::with_causes;
use crate::foundation::destination::{Destinations, not_public};

/// Bytes of an answer that are read; the rest is not.
const ANSWER_BYTES: usize = 1_024;

/// How long a connection is kept for the next message to the same endpoint.
const IDLE: Duration = Duration::from_secs(30);

/// Sends messages.
#[derive(Debug)]
pub struct WebhookClient {
    /// How long a message may take in all: resolving, connecting, sending and the answer.
    pub limit: Duration,
    destinations: Destinations,
    /// Made when it is first needed: a server without webhooks loads no certificates.
    client: OnceLock<Client>,
}

/// What was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookAnswer {
    /// The status.
    pub status: u16,
    /// The header `Retry-After`.
    pub retry_after: Option<String>,
    /// The first bytes of the body, as text.
    pub start: String,
}

impl WebhookClient {
    /// A client that gives a message 20 seconds.
    pub fn new(destinations: Destinations) -> Self {
        Self {
            limit: Duration::from_secs(20),
            destinations,
            client: OnceLock::new(),
        }
    }

    /// Posts JSON to a URL.
    ///
    /// # Errors
    ///
    /// Why there was no answer, for people. It does not repeat the URL, which may hold a secret.
    pub async fn post(
        &self,
        url: &str,
        headers: &[(&'static str, String)],
        body: String,
    ) -> Result<WebhookAnswer, String> {
        let url = self.destinations.read_url(url);
        // A literal address is not resolved, so this is where it is looked at.
        let url = url.map_err(|reason| format!("the URL {reason}"))?;
        let headers = header_map(headers)?;
        let deadline = Instant::now() + self.limit;
        let request = self.client()?.post(url).headers(headers).body(body);
        let response = match timeout_at(deadline, request.send()).await {
            Ok(response) => response.map_err(|error| with_causes(&error.without_url()))?,
            Err(_) => return Err(format!("there was no answer within {:?}", self.limit)),
        };
        let status = response.status().as_u16();
        let retry_after = response.headers().get(RETRY_AFTER);
        let retry_after = retry_after.and_then(|value| value.to_str().ok());
        Ok(WebhookAnswer {
            status,
            retry_after: retry_after.map(str::to_owned),
            start: read_start(response, deadline).await,
        })
    }

    fn client(&self) -> Result<&Client, String> {
        if let Some(client) = self.client.get() {
            return Ok(client);
        }
        let client = Client::builder()
            .user_agent(concat!("alphanode/", env!("CARGO_PKG_VERSION")))
            .redirect(redirect::Policy::none())
            .no_proxy()
            .dns_resolver(CheckedResolver(self.destinations.clone()))
            .pool_idle_timeout(IDLE)
            .build()
            .map_err(|error| with_causes(&error))?;
        Ok(self.client.get_or_init(|| client))
    }
}

/// Answers of a name the addresses that may be connected to.
struct CheckedResolver(Destinations);

impl Resolve for CheckedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let destinations = self.0.clone();
        Box::pin(async move {
            let host = name.as_str();
            let found: Vec<SocketAddr> = lookup_host((host, 0)).await?.collect();
            let (allowed, refused): (Vec<SocketAddr>, Vec<SocketAddr>) = found
                .into_iter()
                .partition(|found| destinations.allow(host, found.ip()));
            match (allowed.is_empty(), refused.first()) {
                (true, Some(refused)) => Err(format!("{host} {}", not_public(refused.ip())).into()),
                _ => Ok(Box::new(allowed.into_iter()) as Addrs),
            }
        })
    }
}

fn header_map(headers: &[(&'static str, String)]) -> Result<HeaderMap, String> {
    let json = HeaderValue::from_static("application/json");
    let mut map = HeaderMap::from_iter([(CONTENT_TYPE, json)]);
    for (name, value) in headers {
        let value = HeaderValue::from_str(value);
        let value = value.map_err(|_| format!("`{name}` can't be a header"))?;
        map.insert(HeaderName::from_static(name), value);
    }
    Ok(map)
}

/// The first bytes of an answer. What can't be read in time is left out: the status says enough.
async fn read_start(mut response: Response, deadline: Instant) -> String {
    let mut start = Vec::new();
    while start.len() < ANSWER_BYTES {
        match timeout_at(deadline, response.chunk()).await {
            Ok(Ok(Some(chunk))) => {
                let room = ANSWER_BYTES - start.len();
                start.extend_from_slice(&chunk[..chunk.len().min(room)]);
            }
            _ => break,
        }
    }
    String::from_utf8_lossy(&start).into_owned()
}
