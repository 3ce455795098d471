//! Metrics for Prometheus.

use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::Server;
use super::authenticate::Origin;
use crate::domain::webhook;
use crate::foundation::database::Database;
use crate::queue;
use crate::telemetry::{JobsObserved, Observed, PoolObserved};

/// How long the database may take to say how the queue is; without it the rest is told.
const PATIENCE: Duration = Duration::from_secs(2);

/// Who may read metrics. They tell which operations there are and how many people come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MetricsReaders {
    /// Whoever sends this bearer token.
    WithToken(String),
    /// The server's own machine, not through a proxy.
    OwnMachine,
    /// Nobody.
    Nobody,
}

impl MetricsReaders {
    fn refusal(&self, origin: &Origin, headers: &HeaderMap) -> Option<Response> {
        match self {
            Self::WithToken(token) => {
                let sent = headers.get(header::AUTHORIZATION);
                let sent = sent.and_then(|value| value.as_bytes().strip_prefix(b"Bearer "));
                let is_right = sent
                    .is_some_and(|sent| verify_slices_are_equal(sent, token.as_bytes()).is_ok());
                let message = "send the setting metrics_token as `Authorization: Bearer …`\n";
                let challenge = [(header::WWW_AUTHENTICATE, "Bearer")];
                (!is_right).then(|| (StatusCode::UNAUTHORIZED, challenge, message).into_response())
            }
            Self::OwnMachine => {
                let is_near = origin.address.is_some_and(|address| address.is_loopback());
                let is_forwarded = ["forwarded", "x-forwarded-for", "x-real-ip", "via"]
                    .iter()
                    .any(|name| headers.contains_key(*name));
                let message = "only this machine may read metrics, unless metrics_token is set\n";
                (!is_near || is_forwarded).then(|| (StatusCode::FORBIDDEN, message).into_response())
            }
            Self::Nobody => {
                let message = "metrics can be read once metrics_token is set\n";
                Some((StatusCode::FORBIDDEN, message).into_response())
            }
        }
    }
}

/// Everything that is counted, in the text format of Prometheus.
pub(super) async fn get(
    State(server): State<Arc<Server>>,
    origin: Origin,
    headers: HeaderMap,
) -> Response {
    if let Some(refusal) = server.metrics_readers.refusal(&origin, &headers) {
        return refusal;
    }
    let observed = observe(&server).await;
    match server.metrics.render(&observed) {
        Ok(text) => {
            let headers = [
                (
                    header::CONTENT_TYPE,
                    "text/plain; version=0.0.4; charset=utf-8",
                ),
                (header::CACHE_CONTROL, "no-store"),
            ];
            (headers, text).into_response()
        }
        Err(error) => {
            tracing::error!(%error, "metrics can't be written");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// What is not counted but looked at. Two short statements.
async fn observe(server: &Server) -> Observed {
    let store = &server.store;
    let reader = store.database.reader();
    let asked = tokio::time::timeout(PATIENCE, async {
        let jobs = queue::counts_by_kind(reader, &store.clock).await?;
        let webhooks = webhook::standing(store).await?;
        Ok::<_, crate::domain::error::Error>((jobs, webhooks))
    });
    let answer = match asked.await {
        Ok(Ok(answer)) => Some(answer),
        Ok(Err(error)) => {
            tracing::warn!(%error, "metrics lack the queue");
            None
        }
        Err(_) => {
            tracing::warn!("metrics lack the queue: the database takes too long to answer");
            None
        }
    };
    let database_up = answer.is_some();
    let (jobs, webhooks) = answer.unwrap_or_default();
    Observed {
        database_up,
        pools: pools(&store.database),
        cache: (server.cache.entries(), server.cache.bytes()),
        jobs: jobs
            .into_iter()
            .map(|kind| JobsObserved {
                kind: kind.kind,
                waiting: kind.waiting,
                running: kind.running,
                dead: kind.dead,
                oldest_due: kind.oldest_due,
            })
            .collect(),
        webhooks_pending: webhooks.pending,
        webhooks_failed: webhooks.failed,
        webhook_oldest_due: webhooks.oldest_due,
        webhook_endpoints_failing: webhooks.endpoints_failing,
    }
}

fn pools(database: &Database) -> Vec<PoolObserved> {
    let pools = database.pools().into_iter();
    pools
        .map(|(name, size)| PoolObserved {
            name,
            in_use: size.in_use,
            idle: size.idle,
            most: size.most,
        })
        .collect()
}
