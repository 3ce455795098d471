//! The file of an export: `GET /exports/ID`.

use std::sync::Arc;

use async_graphql::ID;
use async_graphql::futures_util::stream::try_unfold;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::Server;
use super::admission::Permit;
use super::authenticate::{self, Origin};
use super::graphql::{limit, refuse};
use super::rate_limit::{Client, PLAIN_COST};
use crate::domain::error::Error;
use crate::domain::export::{self, ExportRun, ExportStatus};
use crate::domain::permission::{self, Action};
use crate::domain::perspective::{Perspective, Reader};
use crate::foundation::database::StatementCount;
use crate::graphql::limits::refusal;
use crate::graphql::node_id::NodeType;

/// Sends the file of an export, a piece at a time, to whoever may export.
pub(super) async fn get(
    State(server): State<Arc<Server>>,
    origin: Origin,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Response {
    let request_id = origin.request_id.clone();
    let cost = StatementCount::default();
    let caller = match authenticate::caller(&server, origin, &headers, &cost).await {
        Ok(caller) => caller,
        Err((status, error)) => return refuse(&headers, status, error),
    };
    let client = Client::of(caller.actor, caller.address);
    if let Err(too_many) = server.rate_limits.spend(client, PLAIN_COST) {
        return limit(&headers, &too_many);
    }
    let permit = match server.transfers.enter().await {
        Ok(permit) => permit,
        Err(overloaded) => {
            let (status, error) = overloaded.into();
            return refuse(&headers, status, error);
        }
    };
    let found = async {
        permission::check(caller.actor, Action::Export)?;
        let Ok(id) = NodeType::ExportRun.key(&ID(id)) else {
            return Ok(None);
        };
        let reader = Reader::new(server.store.database.clone(), Perspective::Published);
        Ok::<_, Error>(export::find(&reader, &[id]).await?.pop())
    };
    let (status, error) = match found.await {
        Ok(Some(run)) if run.status == ExportStatus::Finished => {
            return file(&server, &run, permit);
        }
        Ok(Some(run)) => {
            let (status, code, message) = why_not(run.status);
            (status, refusal(code, message))
        }
        Ok(None) => {
            let error = refusal("NOT_FOUND", "there is no such export");
            (StatusCode::NOT_FOUND, error)
        }
        Err(error) => authenticate::refuse(&error, &request_id),
    };
    refuse(&headers, status, error)
}

fn why_not(status: ExportStatus) -> (StatusCode, &'static str, &'static str) {
    match status {
        ExportStatus::Expired => (
            StatusCode::GONE,
            "NOT_FOUND",
            "the file is not kept any more; start another export",
        ),
        ExportStatus::Failed => (
            StatusCode::CONFLICT,
            "CONFLICT",
            "the export gave up; see why, and retry it",
        ),
        ExportStatus::Waiting | ExportStatus::Running | ExportStatus::Finished => (
            StatusCode::CONFLICT,
            "CONFLICT",
            "the export is not finished; come back later",
        ),
    }
}

/// The file, which holds its permit until it is sent.
fn file(server: &Server, run: &ExportRun, permit: Permit) -> Response {
    let (database, id, pieces) = (server.store.database.clone(), run.id, run.pieces);
    let content = try_unfold((0, permit), move |(number, permit)| {
        let database = database.clone();
        async move {
            if number == pieces {
                return Ok(None);
            }
            let piece = export::piece(&database, id, number).await?;
            // A file that is cut short must not pass for a whole one.
            let gone = || Error::Internal(format!("piece {number} of export {id} is gone"));
            Ok::<_, Error>(Some((piece.ok_or_else(gone)?, (number + 1, permit))))
        }
    });
    let name = format!(
        "alphanode-{}.{}",
        run.created_at.format("%Y-%m-%d"),
        run.format.extension()
    );
    let headers = [
        (header::CONTENT_TYPE, run.format.media_type().to_owned()),
        (header::CONTENT_LENGTH, run.bytes.to_string()),
        (header::CACHE_CONTROL, "private, no-store".to_owned()),
        (
            header::CONTENT_DISPOSITION,
            format!("attachment; filename=\"{name}\""),
        ),
    ];
    (headers, Body::from_stream(content)).into_response()
}
