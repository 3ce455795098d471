//! Is it up, and is it ready?

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use migration::{Migrator, MigratorTrait};
use serde_json::{Value, json};

use super::Server;
use crate::domain::perspective::{Perspective, Reader};
use crate::domain::status;
use crate::queue;

/// 200 while the process answers at all.
pub(super) async fn healthz() -> &'static str {
    "ok\n"
}

/// 200 when requests can be served: the database answers, its schema is the newest, the queue can
/// be read. Otherwise 503 and which of them failed. Alarms are named as well; they are for people,
/// and turn no traffic away.
pub(super) async fn readyz(State(server): State<Arc<Server>>) -> Response {
    let database = &server.store.database;
    let pending = Migrator::get_pending_migrations_read_only(database.reader()).await;
    let migrations = match &pending {
        Ok(pending) if pending.is_empty() => "ok".to_owned(),
        Ok(pending) => format!("{} pending; run `alphanode migrate up`", pending.len()),
        Err(_) => "unknown".to_owned(),
    };
    let counts = queue::counts(database, &server.store.clock).await;
    for error in [pending.as_ref().err(), counts.as_ref().err()]
        .into_iter()
        .flatten()
    {
        tracing::error!(%error, "not ready");
    }
    let ready = migrations == "ok" && counts.is_ok();
    let alarms = match ready {
        true => alarms(&server).await,
        false => json!("unknown"),
    };
    let queue = match counts {
        Ok(counts) => json!({
            "waiting": counts.waiting,
            "running": counts.running,
            "dead": counts.dead,
            "oldestDueSeconds": counts.oldest_due.map(|age| age.as_secs()),
        }),
        Err(_) => json!("unknown"),
    };
    let body = Json(json!({
        "ready": ready,
        "database": if pending.is_ok() { "ok" } else { "does not answer" },
        "migrations": migrations,
        "queue": queue,
        "alarms": alarms,
    }));
    let status = if ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (status, body).into_response()
}

/// The codes of what an operator should look at.
async fn alarms(server: &Server) -> Value {
    let reader = Reader::new(server.store.database.clone(), Perspective::Published);
    match status::alarms(&reader, &server.store.clock).await {
        Ok(alarms) => alarms.iter().map(|alarm| alarm.code.as_str()).collect(),
        Err(error) => {
            tracing::error!(%error, "the alarms can't be read");
            json!("unknown")
        }
    }
}
