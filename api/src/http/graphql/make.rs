//! Makes an answer, and keeps it when it may be kept.

use std::collections::BTreeSet;
use std::sync::Arc;

use async_graphql::parser::types::OperationType;
use async_graphql::{Request, Response as GraphqlResponse};
use axum::http::HeaderMap;

use super::answer::{add_codes, code_of, request_timeout, was_refused_before_running};
use super::call::{Call, Method};
use super::operation::{Operation, prepare};
use super::respond::Cost;
use crate::cache::{Entry, Key, Landing, NewEntry};
use crate::domain::actor::{Actor, Caller};
use crate::domain::cache_rule::{FixedCondition, Policy, Target};
use crate::domain::perspective::{Perspective, Reader};
use crate::foundation::cache_tag::CacheTag;
use crate::foundation::tag_versions::Moment;
use crate::graphql::context::{self, RequestContext};
use crate::graphql::error::TRY_AGAIN;
use crate::http::Server;
use crate::http::admission::Permit;
use crate::http::cache_headers::{self, Bypass};

/// The most errors that are told of a document that was not run.
const ERRORS: usize = 50;

/// Times that a change is tried while others are in its way.
const TRIES: u8 = 4;

/// An answer that was just made.
pub(super) struct Made {
    pub(super) answer: GraphqlResponse,
    pub(super) operation: Option<Arc<str>>,
    pub(super) tags: BTreeSet<CacheTag>,
    pub(super) cost: Cost,
}

/// Everything that it takes to make an answer.
pub(super) struct Run {
    pub(super) server: Arc<Server>,
    pub(super) call: Call,
    pub(super) method: Method,
    pub(super) request: Request,
    pub(super) operation: Operation,
    pub(super) caller: Caller,
    pub(super) client: context::Client,
    pub(super) perspective: Perspective,
}

/// That an answer may be kept.
pub(super) struct MayKeep {
    pub(super) policy: Policy,
    /// The moment before the rules were read, and so before anything is read for the answer.
    read_at: Moment,
}

impl Run {
    /// By which rule the answer may be kept, or why not.
    pub(super) async fn may_keep(&self, headers: &HeaderMap) -> Result<MayKeep, Bypass> {
        if self.operation.kind != OperationType::Query {
            return Err(Bypass::because(FixedCondition::Mutation.word()));
        }
        if self.caller.actor != Actor::Anonymous {
            return Err(Bypass::because(FixedCondition::SignedIn.word()));
        }
        if self.perspective != Perspective::Published {
            return Err(Bypass::because(FixedCondition::NotPublished.word()));
        }
        // A rule that changes after this ends what is kept by it.
        let read_at = self.server.cache.now();
        let Some(root_fields) = &self.operation.root_fields else {
            return Err(Bypass::because("no-rule"));
        };
        let target = Target::Operation {
            kind: root_fields.kind,
            root_fields: &root_fields.names,
        };
        let policy = cache_headers::allowed(&self.server.cache, &target).await?;
        match cache_headers::is_bypassed(&policy, headers) {
            true => Err(Bypass::despite(policy.rules, "condition")),
            false => Ok(MayKeep { policy, read_at }),
        }
    }

    /// Makes the answer and keeps it, for those who wait for it too.
    pub(super) async fn fill(
        self,
        key: Key,
        landing: Landing,
        may_keep: MayKeep,
        _permit: Permit,
    ) -> (Made, Option<Arc<Entry>>) {
        let (made, entry) = self.keep(key, may_keep).await;
        if let Some(entry) = &entry {
            landing.land(entry);
        }
        (made, entry)
    }

    /// Makes the answer and keeps it, unless there are errors in it.
    pub(super) async fn keep(self, key: Key, may_keep: MayKeep) -> (Made, Option<Arc<Entry>>) {
        let MayKeep { policy, read_at } = may_keep;
        let server = Arc::clone(&self.server);
        let made_at = server.store.clock.now();
        let limit = server.request_timeout;
        let made = match tokio::time::timeout(limit, self.make()).await {
            Ok(made) => made,
            Err(_) => Made::too_slow(),
        };
        let may_be_kept = made.answer.errors.is_empty() && made.answer.http_headers.is_empty();
        let body = may_be_kept.then(|| serde_json::to_vec(&made.answer));
        let entry = body.and_then(Result::ok).map(|body| {
            let entry = Arc::new(server.cache.entry(NewEntry {
                body,
                operation: made.operation.clone(),
                tags: made.tags.clone(),
                hit: cache_headers::hit(&policy),
                policy,
                made_at,
                read_at,
            }));
            server.cache.keep(key, &entry);
            entry
        });
        (made, entry)
    }

    /// Makes the answer.
    pub(super) async fn make(self) -> Made {
        let Self {
            server,
            call,
            method,
            mut request,
            operation,
            caller,
            client,
            perspective,
        } = self;
        let mut tries = 1;
        let (mut answer, reader) = loop {
            let reader = Arc::new(Reader::new(server.store.database.clone(), perspective));
            let context =
                RequestContext::new(server.store.clone(), caller.clone(), Arc::clone(&reader))
                    .with_client(client.clone());
            let answer = context::execute(&server.schema, request, context).await;
            if !(operation.is_one_change && tries < TRIES && was_in_the_way(&answer)) {
                break (answer, reader);
            }
            tries += 1;
            request = match prepare(&server.documents, &call, method) {
                Ok((request, _)) => request,
                Err((_, error)) => break (GraphqlResponse::from_errors(vec![error]), reader),
            };
        };
        add_codes(&mut answer);
        if was_refused_before_running(&answer) {
            answer.errors.truncate(ERRORS);
        }
        Made {
            answer,
            operation: operation.name,
            tags: reader.tags(),
            cost: Cost {
                statements: reader.statements().count(),
                database_time: reader.statements().time(),
            },
        }
    }
}

impl Made {
    fn too_slow() -> Self {
        Self {
            answer: GraphqlResponse::from_errors(vec![request_timeout()]),
            operation: None,
            tags: BTreeSet::new(),
            cost: Cost::default(),
        }
    }
}

/// Whether the change wrote nothing because another one was in its way, or took a name that it
/// wanted at the same moment. Run again, it sees what the other one did.
fn was_in_the_way(answer: &GraphqlResponse) -> bool {
    let mut errors = answer.errors.iter();
    errors.any(|error| code_of(error).as_deref() == Some(TRY_AGAIN))
}
