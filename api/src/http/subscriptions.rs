//! Subscriptions over a WebSocket, by the protocol `graphql-transport-ws`.
//!
//! A connection is authenticated once, by the payload of `connection_init`, and its credential is
//! looked at again before anything is told: signing out ends what was subscribed to.

use std::any::TypeId;
use std::sync::Arc;
use std::time::Duration;

use async_graphql::async_trait::async_trait;
use async_graphql::futures_util::StreamExt;
use async_graphql::futures_util::stream::{self, BoxStream};
use async_graphql::parser::types::OperationType;
use async_graphql::{Data, Executor, Request, Response as Answer};
use async_graphql_axum::{GraphQLProtocol, GraphQLWebSocket};
use axum::extract::State;
use axum::extract::ws::WebSocketUpgrade;
use axum::response::Response;
use serde::Deserialize;

use super::Server;
use super::authenticate::{self, Origin};
use super::graphql::{BODY_BYTES, Call, Method, prepare};
use crate::domain::actor::Actor;
use crate::domain::authentication;
use crate::domain::error::{Error, Result};
use crate::domain::permission;
use crate::domain::perspective::{Perspective, Reader};
use crate::foundation::database::StatementCount;
use crate::graphql::context::RequestContext;
use crate::graphql::limits::refusal;
use crate::graphql::perspective;

const PROTOCOL: &str = "graphql-transport-ws";

/// How long a client may take to introduce itself.
const INTRODUCTION_TIMEOUT: Duration = Duration::from_secs(10);

/// What a client says of itself when it connects.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Introduction {
    /// `Bearer` and a token, as in the header of the same name.
    authorization: Option<String>,
    /// As in the header `X-Alphanode-Perspective`; what is published when absent.
    perspective: Option<String>,
}

/// The token that a connection was opened with.
struct Bearer(Option<String>);

/// Upgrades a request to a connection.
pub(super) async fn connect(
    State(server): State<Arc<Server>>,
    origin: Origin,
    protocol: GraphQLProtocol,
    upgrade: WebSocketUpgrade,
) -> Response {
    upgrade
        .protocols([PROTOCOL])
        .max_message_size(BODY_BYTES)
        .on_upgrade(async move |socket| {
            let executor = Subscriptions(Arc::clone(&server));
            let (sink, mut messages) = socket.split();
            // Nobody holds a connection open without saying who they are.
            let Ok(first) = tokio::time::timeout(INTRODUCTION_TIMEOUT, messages.next()).await
            else {
                return;
            };
            let messages = stream::iter(first).chain(messages);
            GraphQLWebSocket::new_with_pair(sink, messages, executor, protocol)
                .on_connection_init(async move |payload| {
                    let request_id = origin.request_id.clone();
                    let introduced = introduce(&server, origin, payload).await;
                    introduced.map_err(|error| {
                        let (_, error) = authenticate::refuse(&error, &request_id);
                        async_graphql::Error {
                            message: error.message,
                            source: None,
                            extensions: error.extensions,
                        }
                    })
                })
                .serve()
                .await;
        })
}

/// Works out who connects and what they see.
async fn introduce(server: &Server, origin: Origin, payload: serde_json::Value) -> Result<Data> {
    let introduction: Introduction = match payload {
        serde_json::Value::Null => Introduction::default(),
        payload => serde_json::from_value(payload)
            .map_err(|error| Error::BadArgument(format!("the payload can't be read: {error}")))?,
    };
    let bearer = introduction.authorization.as_deref().map(|value| {
        let token = value.strip_prefix("Bearer ").unwrap_or(value);
        token.trim().to_owned()
    });
    let actor = who(server, bearer.as_deref()).await?;
    let perspective = match introduction.perspective {
        Some(text) => perspective::parse(&text)?,
        None => Perspective::Published,
    };
    permission::may_see(actor, perspective)?;
    let caller = origin.into_caller(actor);
    let reader = Arc::new(Reader::new(server.store.database.clone(), perspective));
    let mut data = Data::default();
    data.insert(RequestContext::new(server.store.clone(), caller, reader));
    data.insert(Bearer(bearer));
    Ok(data)
}

async fn who(server: &Server, bearer: Option<&str>) -> Result<Actor> {
    match bearer {
        None => Ok(Actor::Anonymous),
        Some(bearer) => {
            let cost = StatementCount::default();
            authentication::authenticate(&server.store, &server.keys, bearer, &cost).await
        }
    }
}

/// Runs subscriptions within the limits that other operations have.
#[derive(Clone)]
struct Subscriptions(Arc<Server>);

#[async_trait]
impl Executor for Subscriptions {
    async fn execute(&self, _: Request) -> Answer {
        Answer::from_errors(vec![only_subscriptions()])
    }

    fn execute_stream(
        &self,
        request: Request,
        connection: Option<Arc<Data>>,
    ) -> BoxStream<'static, Answer> {
        let call = Call::new(request.query, request.operation_name, request.variables);
        let request = match prepare(&self.0.documents, &call, Method::Post) {
            Ok((request, operation)) if operation.kind == OperationType::Subscription => request,
            Ok(_) => return ended(only_subscriptions()),
            Err((_, error)) => return ended(error),
        };
        let bearer = connection
            .as_ref()
            .and_then(|data| data.get(&TypeId::of::<Bearer>())?.downcast_ref::<Bearer>())
            .and_then(|bearer| bearer.0.clone());
        let server = Arc::clone(&self.0);
        let answers = self
            .0
            .schema
            .execute_stream_with_session_data(request, connection.unwrap_or_default());
        let answers = Box::pin(answers);
        stream::unfold(Some(answers), move |answers| {
            let (server, bearer) = (Arc::clone(&server), bearer.clone());
            async move {
                let mut answers = answers?;
                let answer = answers.next().await?;
                match who(&server, bearer.as_deref()).await {
                    Ok(_) => Some((answer, Some(answers))),
                    Err(error) => {
                        let error = refusal("UNAUTHENTICATED", error.to_string());
                        Some((Answer::from_errors(vec![error]), None))
                    }
                }
            }
        })
        .boxed()
    }
}

fn ended(error: async_graphql::ServerError) -> BoxStream<'static, Answer> {
    let answer = Answer::from_errors(vec![error]);
    stream::once(std::future::ready(answer)).boxed()
}

fn only_subscriptions() -> async_graphql::ServerError {
    refusal(
        "METHOD_NOT_ALLOWED",
        "a WebSocket carries subscriptions; send queries and mutations by POST to /graphql",
    )
}
