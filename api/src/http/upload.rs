//! Files for an import: `POST /imports`, one file as the body or several as the parts of a form.
//!
//! What comes is written to the database piece by piece; neither the length of a file nor their number
//! matters to the memory of this process. An upload that is broken off leaves nothing behind.

use std::sync::Arc;
use std::time::Duration;

use async_graphql::ServerError;
use async_graphql::futures_util::StreamExt;
use axum::Json;
use axum::body::{Body, Bytes};
use axum::extract::multipart::MultipartError;
use axum::extract::{FromRequest, Multipart, Query, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::json;
use tokio::time::Instant;

use super::Server;
use super::authenticate::{self, Origin};
use super::graphql::{declared_length, limit, refuse, refuse_compressed};
use super::pieces::Pieces;
use super::rate_limit::{Client, PLAIN_COST};
use crate::domain::actor::Caller;
use crate::domain::error::Error;
use crate::domain::import::{Format, ImportRun, Manner, NewUpload, Uploader};
use crate::foundation::database::StatementCount;
use crate::graphql::error::TRY_AGAIN;
use crate::graphql::limits::refusal;
use crate::graphql::node_id::NodeType;

/// What a file is called that has no name.
const UNNAMED: &str = "upload";

/// How long an upload may take altogether.
const TIME_LIMIT: Duration = Duration::from_secs(60 * 60);

/// Bytes that have to come in each second that is waited for them, on average over the time that
/// nothing may come.
const SLOWEST: u64 = 1_024;

/// The most parts of a form.
const PARTS: usize = 1_000;

/// What is to be done with the files, as the URL says it.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
struct Parameters {
    /// The name of the file that is the body.
    name: Option<String>,
    format: Option<String>,
    publish: bool,
    overwrite: bool,
    dry_run: bool,
}

type Refusal = (StatusCode, ServerError);

/// Takes in files and starts an import of them, which a worker carries out.
pub(super) async fn post(
    State(server): State<Arc<Server>>,
    origin: Origin,
    request: Request,
) -> Response {
    let headers = request.headers().clone();
    let cost = StatementCount::default();
    let received = match authenticate::caller(&server, origin.clone(), &headers, &cost).await {
        Err(refusal) => Err(refusal),
        Ok(caller) => {
            let client = Client::of(caller.actor, caller.address);
            if let Err(too_many) = server.rate_limits.spend(client, PLAIN_COST) {
                return limit(&headers, &too_many);
            }
            receive_apart(server, caller, request, origin).await
        }
    };
    match received {
        Ok(run) => answer(&run),
        Err((status, error)) => refuse(&headers, status, error),
    }
}

/// Takes them in in a task of its own, so that it comes to its end when nobody waits for the answer
/// any more.
async fn receive_apart(
    server: Arc<Server>,
    caller: Caller,
    request: Request,
    origin: Origin,
) -> Result<ImportRun, Refusal> {
    refuse_unreadable(request.headers())?;
    let permit = server.transfers.enter().await?;
    let request_id = origin.request_id.clone();
    let receiving = tokio::spawn(async move {
        let received = receive(server, caller, request, origin).await;
        drop(permit);
        received
    });
    match receiving.await {
        Ok(received) => received,
        Err(error) => {
            let error = Error::Internal(format!("an upload ended early: {error}"));
            Err(authenticate::refuse(&error, &request_id))
        }
    }
}

/// Refuses what is not read as it is sent: what is packed, and what a form of a page or `curl
/// --data-binary` sends when nobody says what it is.
#[allow(clippy::result_large_err, reason = "one a request, on its way out")]
fn refuse_unreadable(headers: &HeaderMap) -> Result<(), Refusal> {
    refuse_compressed(headers)?;
    if !is_of_type(headers, "application/x-www-form-urlencoded") {
        return Ok(());
    }
    let message = "a form of text is no file; send the file itself with Content-Type: \
                   application/octet-stream, or several as multipart/form-data";
    let error = refusal("UNSUPPORTED_MEDIA_TYPE", message);
    Err((StatusCode::UNSUPPORTED_MEDIA_TYPE, error))
}

fn answer(run: &ImportRun) -> Response {
    let answer = json!({
        "importRun": {
            "id": NodeType::ImportRun.id(run.id).as_str(),
            "source": run.source,
            "status": "WAITING",
            "totalBytes": run.total_bytes,
        }
    });
    let uncached = [(header::CACHE_CONTROL, "no-store")];
    (StatusCode::ACCEPTED, uncached, Json(answer)).into_response()
}

async fn receive(
    server: Arc<Server>,
    caller: Caller,
    request: Request,
    origin: Origin,
) -> Result<ImportRun, Refusal> {
    let request_id = origin.request_id.clone();
    let said = |error: Error| say(&error, &request_id);
    let headers = request.headers().clone();
    let (name, upload) = options(&request).map_err(bad)?;
    let is_form = is_of_type(request.headers(), "multipart/form-data");
    if is_form && name.is_some() {
        let message = "`name` is the name of a single file; the parts of a form have their own";
        return Err(bad(message));
    }
    let mut uploader = Uploader::begin(&server.store, caller, upload)
        .await
        .map_err(said)?;
    let mut receiver = Receiver {
        uploader: &mut uploader,
        server: &server,
        request_id: &request_id,
        left: server.upload_limit,
        waited: Duration::ZERO,
        came: 0,
    };
    let receiving = async {
        match declared_length(&headers) {
            Some(length) if length > server.upload_limit => Err(too_large(server.upload_limit)),
            _ if is_form => receiver.form(request).await,
            _ => {
                let name = name.as_deref().unwrap_or(UNNAMED);
                receiver.file(name, request.into_body()).await
            }
        }
    };
    let received = tokio::time::timeout(TIME_LIMIT, receiving).await;
    let received = match received {
        Ok(received) => received,
        Err(_) => Err(too_slow()),
    };
    // An upload takes its time: who may no longer import by its end starts nothing.
    let caller = match received {
        Ok(()) => authenticate::caller(&server, origin, &headers, &StatementCount::default()).await,
        Err(refusal) => Err(refusal),
    };
    match caller {
        Ok(caller) => uploader.finish_as(caller).await.map_err(said),
        Err(refusal) => {
            uploader.discard().await;
            Err(refusal)
        }
    }
}

/// What the URL asks for, or what is wrong with it.
fn options(request: &Request) -> Result<(Option<String>, NewUpload), String> {
    let parameters = Query::<Parameters>::try_from_uri(request.uri());
    let Query(parameters) =
        parameters.map_err(|error| format!("the URL can't be read: {}", error.body_text()))?;
    let format = match parameters.format.as_deref() {
        None => Format::default(),
        Some(word) => Format::from_word(word).ok_or_else(|| {
            let words = Format::ALL.map(Format::as_str).join(", ");
            format!("`{word}` is no format; there are {words}")
        })?,
    };
    let upload = NewUpload {
        format,
        manner: Manner {
            publish: parameters.publish,
            overwrite: parameters.overwrite,
        },
        dry_run: parameters.dry_run,
    };
    Ok((parameters.name, upload))
}

/// Takes in the bytes of a request.
struct Receiver<'upload> {
    uploader: &'upload mut Uploader,
    server: &'upload Server,
    request_id: &'upload str,
    /// Bytes that may still come.
    left: u64,
    /// How long was waited for the client, and what came meanwhile, since this was last looked at.
    waited: Duration,
    came: u64,
}

impl Receiver<'_> {
    async fn file(&mut self, name: &str, body: Body) -> Result<(), Refusal> {
        self.start_file(name).await?;
        let mut body = body.into_data_stream();
        while let Some(bytes) = self.in_time(body.next()).await? {
            self.write(bytes.map_err(|error| broken_off(&error))?)
                .await?;
        }
        Ok(())
    }

    async fn form(&mut self, request: Request) -> Result<(), Refusal> {
        let (head, body) = request.into_parts();
        let (pieces, held) = Pieces::of(body);
        let request = Request::from_parts(head, Body::from_stream(pieces));
        let broken_off = |error: MultipartError| match held.was_too_much() {
            true => bad("what stands before a part, or its headers, is too long for a form"),
            false => broken_off(&error),
        };
        let mut form = Multipart::from_request(request, &())
            .await
            .map_err(|error| bad(error.body_text()))?;
        let mut parts = 0;
        while let Some(mut part) = self
            .in_time(form.next_field())
            .await?
            .map_err(&broken_off)?
        {
            held.release();
            parts += 1;
            if parts > PARTS {
                let message = format!(
                    "{PARTS} files are the most of one form; send the others in another one, or \
                     all of them as one file of NDJSON"
                );
                return Err(bad(message));
            }
            // Taken as a file, an option would be ignored, and a dry run written.
            let Some(name) = part.file_name().map(str::to_owned) else {
                return Err(bad(format!(
                    "the part `{}` has no file name, so it is no file; options such as `publish` \
                     and `dryRun` go into the URL",
                    part.name().unwrap_or_default()
                )));
            };
            self.start_file(&name).await?;
            while let Some(bytes) = self.in_time(part.chunk()).await?.map_err(&broken_off)? {
                held.release();
                self.write(bytes).await?;
            }
        }
        Ok(())
    }

    async fn start_file(&mut self, name: &str) -> Result<(), Refusal> {
        let started = self.uploader.start_file(name).await;
        started.map_err(|error| say(&error, self.request_id))
    }

    async fn write(&mut self, bytes: Bytes) -> Result<(), Refusal> {
        self.left = match self.left.checked_sub(bytes.len() as u64) {
            Some(left) => left,
            None => return Err(too_large(self.server.upload_limit)),
        };
        self.came += bytes.len() as u64;
        let limit = self.server.request_timeout;
        if self.waited >= limit {
            if self.came < SLOWEST * limit.as_secs() {
                return Err(given_up(format!(
                    "{} bytes came in {} seconds",
                    self.came,
                    limit.as_secs()
                )));
            }
            (self.waited, self.came) = (Duration::ZERO, 0);
        }
        let written = self.uploader.write(&bytes).await;
        written.map_err(|error| say(&error, self.request_id))
    }

    /// What comes next, unless nothing does for as long as a request may take.
    async fn in_time<T>(&mut self, next: impl Future<Output = T>) -> Result<T, Refusal> {
        let (limit, began) = (self.server.request_timeout, Instant::now());
        let next = tokio::time::timeout(limit, next).await;
        self.waited += began.elapsed();
        next.map_err(|_| given_up(format!("nothing came for {} seconds", limit.as_secs())))
    }
}

fn given_up(why: String) -> Refusal {
    let message = format!("{why}, and the upload was given up");
    (
        StatusCode::REQUEST_TIMEOUT,
        refusal("REQUEST_TIMEOUT", message),
    )
}

fn is_of_type(headers: &HeaderMap, media_type: &str) -> bool {
    let content_type = headers.get(header::CONTENT_TYPE);
    let content_type = content_type.and_then(|value| value.to_str().ok());
    content_type.is_some_and(|text| {
        let essence = text.split(';').next().unwrap_or_default().trim();
        essence.eq_ignore_ascii_case(media_type)
    })
}

fn bad(message: impl Into<String>) -> Refusal {
    (
        StatusCode::BAD_REQUEST,
        refusal("BAD_USER_INPUT", message.into()),
    )
}

fn too_large(limit: u64) -> Refusal {
    let message = format!("an upload may have {limit} bytes; send less at a time");
    (
        StatusCode::PAYLOAD_TOO_LARGE,
        refusal("BODY_TOO_LARGE", message),
    )
}

fn too_slow() -> Refusal {
    let message = format!(
        "an upload may take {} minutes; send less at a time",
        TIME_LIMIT.as_secs() / 60
    );
    (
        StatusCode::REQUEST_TIMEOUT,
        refusal("REQUEST_TIMEOUT", message),
    )
}

fn broken_off(error: &dyn std::error::Error) -> Refusal {
    bad(format!("the upload was broken off: {error}"))
}

fn say(error: &Error, request_id: &str) -> Refusal {
    match error {
        Error::Refused(_) => bad(error.to_string()),
        Error::Database(_) if error.failure().is_in_the_way() => {
            let message = "another change was in the way; send the files again";
            (StatusCode::SERVICE_UNAVAILABLE, refusal(TRY_AGAIN, message))
        }
        _ => authenticate::refuse(error, request_id),
    }
}
