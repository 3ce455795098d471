//! A subscription of a connection, from `subscribe` to its last message.

use std::sync::Arc;

use async_graphql::futures_util::StreamExt;
use async_graphql::parser::types::OperationType;
use async_graphql::{Request, ServerError, Value};

use super::close::Close;
use super::message::ServerMessage;
use super::outbox::Outbox;
use super::session::{Session, is_refusal};
use crate::graphql::limits::refusal;
use crate::http::authenticate;
use crate::http::graphql::{Call, Method, add_codes, prepare};
use crate::http::rate_limit::reading_cost;

/// A subscription.
pub(super) struct Operation {
    /// Which of all of the connection.
    pub(super) number: u64,
    /// What the client calls it.
    pub(super) id: Arc<str>,
    /// Whose it is.
    pub(super) session: Arc<Session>,
    /// Where it puts what it tells.
    pub(super) outbox: Outbox,
}

impl Operation {
    /// Tells what happens until there is nothing more to tell.
    pub(super) async fn run(self, call: Call) {
        match self.prepare(&call) {
            Ok(request) => self.follow(request).await,
            Err(error) => self.fail(&[error]).await,
        }
    }

    #[allow(
        clippy::result_large_err,
        reason = "one a subscription, on its way out"
    )]
    fn prepare(&self, call: &Call) -> Result<Request, ServerError> {
        self.session
            .spend(reading_cost(call.text()).saturating_add(1))?;
        match prepare(&self.session.server.documents, call, Method::Post) {
            Ok((request, operation)) if operation.kind == OperationType::Subscription => {
                self.session.spend(operation.cost)?;
                Ok(request)
            }
            Ok(_) => Err(refusal(
                "METHOD_NOT_ALLOWED",
                "a WebSocket carries subscriptions; send queries and mutations by POST to /graphql",
            )),
            Err((_, error)) => Err(error),
        }
    }

    async fn follow(&self, request: Request) {
        let context = self.session.context();
        let (reader, turn) = (Arc::clone(&context.reader), context.turn.clone());
        let schema = &self.session.server.schema;
        let mut answers = schema.execute_stream(request.data(context));
        while let Some(mut answer) = turn.take(answers.next()).await {
            // What was read for it is nobody's business when the credential is gone.
            if let Err(error) = self.session.look_again().await {
                let request_id = self.session.request_id();
                let (_, refused) = authenticate::refuse(&error, request_id);
                self.fail(&[refused]).await;
                if is_refusal(&error) {
                    self.outbox.close(Close::Forbidden(error.to_string()));
                }
                return;
            }
            add_codes(&mut answer);
            // An answer without any data is the last one: the client can't know what it missed.
            if answer.data == Value::Null && !answer.errors.is_empty() {
                return self.fail(&answer.errors).await;
            }
            let next = ServerMessage::Next {
                id: &self.id,
                payload: &answer,
            };
            self.tell(&next, false).await;
            // Nothing is kept of what is told, so it does not matter when it is out of date.
            reader.forget_tags();
        }
        self.tell(&ServerMessage::Complete { id: &self.id }, true)
            .await;
    }

    async fn fail(&self, errors: &[ServerError]) {
        let error = ServerMessage::Error {
            id: &self.id,
            payload: errors,
        };
        self.tell(&error, true).await;
    }

    async fn tell(&self, message: &ServerMessage<'_>, last: bool) {
        match message.write() {
            Ok(text) => self.outbox.put(self.number, &self.id, text, last).await,
            Err(error) => {
                let request_id = self.session.request_id();
                tracing::error!(request_id, %error, "a message can't be written");
                self.outbox.close(Close::Fault(request_id.to_owned()));
            }
        }
    }
}
