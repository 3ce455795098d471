//! Sends an answer, and says what it has cost.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::Response;

use super::answer::{code_of, to_response};
use super::call::Method;
use super::make::Made;
use super::media_type::MediaType;
use crate::cache::Entry;
use crate::foundation::database::StatementCount;
use crate::foundation::served::CacheOutcome;
use crate::http::Server;
use crate::http::cache_headers::{self, Bypass};
use crate::http::rate_limit::Standing;
use crate::http::request_log::Facts;

const SERVER_TIMING: HeaderName = HeaderName::from_static("server-timing");

/// A duration in milliseconds, to the microsecond.
struct Milliseconds(Duration);

impl fmt::Display for Milliseconds {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let microseconds = self.0.as_micros();
        write!(
            formatter,
            "{}.{:03}",
            microseconds / 1_000,
            microseconds % 1_000
        )
    }
}

/// What a client asked, as far as the answer depends on it after it was made.
pub(super) struct Asked<'request> {
    pub(super) headers: &'request HeaderMap,
    pub(super) method: Method,
    pub(super) started: Instant,
    /// How much more the client may ask for.
    pub(super) standing: Standing,
}

/// What an answer has cost.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Cost {
    pub(super) statements: u32,
    pub(super) database_time: Duration,
}

impl Asked<'_> {
    /// Sends what is kept, or that the client has it already.
    pub(super) fn respond(
        &self,
        server: &Server,
        entry: &Entry,
        outcome: CacheOutcome,
        cost: Cost,
    ) -> Response {
        let media_type = MediaType::of(self.headers);
        // Only a GET can be told that it has the answer already.
        let conditions = (self.method == Method::Get).then_some(self.headers);
        let age = entry.age(server.store.clock.now());
        let mut response = cache_headers::kept(entry, media_type, conditions, outcome, age);
        self.finish(
            &mut response,
            cost,
            Facts {
                operation: entry.operation.clone(),
                cache: Some(outcome),
                rule: Some(Arc::clone(&entry.policy.rules)),
                ..Facts::default()
            },
        );
        response
    }

    /// Sends an answer that nobody keeps.
    pub(super) fn respond_without_cache(
        &self,
        made: Made,
        authentication: &StatementCount,
        private: bool,
        why: &Bypass,
    ) -> Response {
        let mut response = to_response(self.headers, StatusCode::OK, &made.answer);
        response.headers_mut().extend(made.answer.http_headers);
        let tags = made.answer.errors.is_empty().then_some(&made.tags);
        cache_headers::not_kept(&mut response, private, tags, why);
        let cost = Cost {
            statements: made.cost.statements + authentication.count(),
            database_time: made.cost.database_time + authentication.time(),
        };
        self.finish(
            &mut response,
            cost,
            Facts {
                operation: made.operation,
                error: made.answer.errors.first().and_then(code_of),
                cache: Some(CacheOutcome::Bypass),
                rule: why.rules().cloned(),
                ..Facts::default()
            },
        );
        response
    }

    /// Says what the answer has cost, to the client and to the log.
    fn finish(&self, response: &mut Response, cost: Cost, facts: Facts) {
        let Cost {
            statements,
            database_time,
        } = cost;
        self.standing.write_to(response.headers_mut());
        let timing = format!(
            "db;dur={};desc=\"{statements} statements\", total;dur={}",
            Milliseconds(database_time),
            Milliseconds(self.started.elapsed()),
        );
        if let Ok(timing) = HeaderValue::try_from(timing) {
            response.headers_mut().insert(SERVER_TIMING, timing);
        }
        response.extensions_mut().insert(Facts {
            statements,
            database_time,
            ..facts
        });
    }
}
