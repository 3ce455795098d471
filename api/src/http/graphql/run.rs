//! Runs a call, or sends what is kept of an earlier one.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_graphql::parser::types::OperationType;
use async_graphql::{Request, Response as GraphqlResponse};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::Response;

use super::answer::{add_codes, code_of, limit, refuse, to_response, was_refused_before_running};
use super::call::{Call, Method};
use super::media_type::MediaType;
use super::operation::{Operation, prepare};
use crate::cache::{Entry, Flight, Found, Key, Landing, NewEntry};
use crate::domain::actor::{Actor, Caller};
use crate::domain::cache_rule::{FixedCondition, Policy, Target};
use crate::domain::perspective::{Perspective, Reader};
use crate::foundation::cache_tag::CacheTag;
use crate::foundation::database::StatementCount;
use crate::foundation::served::CacheOutcome;
use crate::graphql::context::{self, RequestContext};
use crate::graphql::error::TRY_AGAIN;
use crate::http::admission::{Overloaded, Permit};
use crate::http::authenticate::{self, Origin};
use crate::http::cache_headers::{self, Bypass};
use crate::http::cross_origin::check_cookie;
use crate::http::rate_limit::{Client, GUESS_COST, Standing};
use crate::http::request_log::{Facts, milliseconds};
use crate::http::{Server, perspective};

/// The most errors that are told of a document that was not run.
const ERRORS: usize = 50;

/// Points that an answer costs which is there already.
const HIT_COST: u32 = 1;

/// Times that a change is tried while others are in its way.
const TRIES: u8 = 4;

/// Runs a call. One whose answer is kept is found before its document is looked at.
pub(super) async fn run(
    server: &Arc<Server>,
    origin: Origin,
    headers: &HeaderMap,
    mut call: Call,
    method: Method,
) -> Response {
    let started = Instant::now();
    if let Err((status, error)) = check_cookie(headers, &server.origins) {
        return refuse(headers, status, error);
    }
    let to_persist = match call.resolve(&server.persisted_queries) {
        Ok(to_persist) => to_persist,
        Err((status, error)) => return refuse(headers, status, error),
    };
    let mut asked = Asked {
        headers,
        method,
        started,
        standing: Standing::default(),
    };
    let public = cache_headers::is_public(headers);
    let key = match public && !cache_headers::wants_new(headers) {
        true => call.key(),
        false => None,
    };
    let now = server.store.clock.now();
    let found = key.as_ref().and_then(|key| server.cache.find(key, now));
    let found = found.filter(|(Found::Fresh(entry) | Found::Stale(entry))| {
        !cache_headers::is_bypassed(&entry.policy, headers)
    });
    let address = origin.address;
    if let Some(Found::Fresh(entry)) = &found {
        // What is kept could be run.
        if let (Some(hash), Some(text)) = (to_persist, &call.query) {
            server.persisted_queries.keep(hash, text);
        }
        return match server.rate_limits.spend(Client::at(address), HIT_COST) {
            Ok(standing) => {
                asked.standing = standing;
                asked.respond(server, entry, CacheOutcome::Hit, Cost::default())
            }
            Err(too_many) => limit(headers, &too_many),
        };
    }

    let (request, operation) = match prepare(&server.documents, &call, method) {
        Ok(prepared) => prepared,
        Err((status, error)) => return refuse(headers, status, error),
    };
    if let (Some(hash), Some(text)) = (to_persist, &call.query) {
        server.persisted_queries.keep(hash, text);
    }
    // Who says who they are has the database asked; what the public asks for may be there already.
    let mut permit = None;
    if !public {
        match server.admission.enter().await {
            Ok(entered) => permit = Some(entered),
            Err(overloaded) => return shed(headers, overloaded),
        }
    }
    let (request_id, authentication) = (origin.request_id.clone(), StatementCount::default());
    let caller = if operation.proves_itself {
        origin.into_caller(Actor::Anonymous)
    } else {
        match authenticate::caller(server, origin, headers, &authentication).await {
            Ok(caller) => caller,
            Err((status, error)) => {
                let guess = server.rate_limits.spend(Client::at(address), GUESS_COST);
                return match guess {
                    Ok(_) => refuse(headers, status, error),
                    Err(too_many) => limit(headers, &too_many),
                };
            }
        }
    };
    let client = Client::of(caller.actor, address);
    match server.rate_limits.spend(client, operation.cost) {
        Ok(standing) => asked.standing = standing,
        Err(too_many) => return limit(headers, &too_many),
    }
    // A site that always names a perspective names it too when it exchanges its preview link.
    let perspective = match perspective::choose(headers, caller.actor, operation.kind) {
        Ok(perspective) => perspective,
        Err(_) if operation.proves_itself => Perspective::Published,
        Err(error) => {
            let (status, error) = authenticate::refuse(&error, &request_id);
            return refuse(headers, status, error);
        }
    };
    let run = Run {
        server: Arc::clone(server),
        call,
        method,
        request,
        operation,
        caller,
        client: authenticate::client(headers),
        perspective,
    };

    match (key, run.policy(headers).await) {
        (Some(key), Ok(policy)) => {
            if let Some(Found::Stale(entry)) = &found {
                if let Flight::First(landing) = server.cache.join(&key)
                    && let Ok(permit) = server.admission.enter().await
                {
                    tokio::spawn(run.fill(key, landing, policy, permit));
                }
                return asked.respond(server, entry, CacheOutcome::Stale, Cost::default());
            }
            kept_or_made(&asked, server, run, key, policy).await
        }
        (_, policy) => {
            let reason = match policy {
                Ok(policy) => Bypass::despite(policy.rules, FixedCondition::FreshAsked.word()),
                Err(reason) => reason,
            };
            if permit.is_none() {
                match server.admission.enter().await {
                    Ok(entered) => permit = Some(entered),
                    Err(overloaded) => return shed(headers, overloaded),
                }
            }
            let private = run.caller.actor != Actor::Anonymous;
            let made = run.make().await;
            drop(permit);
            asked.respond_without_cache(made, &authentication, private, &reason)
        }
    }
}

/// Says that there is too much to do.
fn shed(headers: &HeaderMap, overloaded: Overloaded) -> Response {
    let (status, error) = overloaded.into();
    refuse(headers, status, error)
}

/// What a client asked, as far as the answer depends on it after it was made.
struct Asked<'request> {
    headers: &'request HeaderMap,
    method: Method,
    started: Instant,
    /// How much more the client may ask for.
    standing: Standing,
}

/// What an answer has cost.
#[derive(Clone, Copy, Debug, Default)]
struct Cost {
    statements: u32,
    database_time: Duration,
}

/// An answer that was just made.
struct Made {
    answer: GraphqlResponse,
    operation: Option<Arc<str>>,
    tags: BTreeSet<CacheTag>,
    cost: Cost,
}

/// Everything that it takes to make an answer.
struct Run {
    server: Arc<Server>,
    call: Call,
    method: Method,
    request: Request,
    operation: Operation,
    caller: Caller,
    client: context::Client,
    perspective: Perspective,
}

/// Sends what somebody else is making at the moment, or makes it and keeps it.
async fn kept_or_made(
    asked: &Asked<'_>,
    server: &Arc<Server>,
    run: Run,
    key: Key,
    policy: Policy,
) -> Response {
    let landing = match server.cache.join(&key) {
        Flight::First(landing) => {
            // It may have been made since this was looked for.
            if let Some(Found::Fresh(entry)) = server.cache.find(&key, server.store.clock.now()) {
                landing.land(&entry);
                return asked.respond(server, &entry, CacheOutcome::Hit, Cost::default());
            }
            Some(landing)
        }
        Flight::Follower(follower) => {
            let landed = follower.landed().await;
            // What was begun before this was asked may be older than a change that was answered
            // before this was asked.
            match landed.filter(|entry| server.cache.may_share(entry)) {
                Some(entry) => {
                    return asked.respond(server, &entry, CacheOutcome::Hit, Cost::default());
                }
                None => None,
            }
        }
    };
    let rules = policy.rules.clone();
    let permit = match server.admission.enter().await {
        Ok(permit) => permit,
        Err(overloaded) => return shed(asked.headers, overloaded),
    };
    // In a task of its own, so that those who wait get it though the first one has gone.
    let made = match landing {
        Some(landing) => tokio::spawn(run.fill(key, landing, policy, permit)).await,
        None => Ok(run.keep(key, policy).await),
    };
    match made {
        Ok((made, Some(entry))) => asked.respond(server, &entry, CacheOutcome::Miss, made.cost),
        Ok((made, None)) => {
            let nobody = StatementCount::default();
            let reason = Bypass::despite(rules, FixedCondition::Errors.word());
            asked.respond_without_cache(made, &nobody, false, &reason)
        }
        Err(error) => {
            tracing::error!(%error, "an answer could not be made");
            let message = "something went wrong on our side";
            let error = crate::graphql::limits::refusal("INTERNAL_SERVER_ERROR", message);
            refuse(asked.headers, StatusCode::INTERNAL_SERVER_ERROR, error)
        }
    }
}

impl Run {
    /// By which rule the answer may be kept, or why not.
    async fn policy(&self, headers: &HeaderMap) -> Result<Policy, Bypass> {
        if self.operation.kind != OperationType::Query {
            return Err(Bypass::because(FixedCondition::Mutation.word()));
        }
        if self.caller.actor != Actor::Anonymous {
            return Err(Bypass::because(FixedCondition::SignedIn.word()));
        }
        if self.perspective != Perspective::Published {
            return Err(Bypass::because(FixedCondition::NotPublished.word()));
        }
        let rules = match self.server.cache.rules().await {
            Ok(rules) => rules,
            Err(error) => {
                tracing::error!(%error, "the cache rules can't be read; nothing is kept");
                return Err(Bypass::because("rules-unknown"));
            }
        };
        let Some(root_fields) = &self.operation.root_fields else {
            return Err(Bypass::because("no-rule"));
        };
        let target = Target::Operation {
            kind: root_fields.kind,
            root_fields: &root_fields.names,
        };
        let policy = rules.allow(&target).map_err(|reason| Bypass::of(&reason))?;
        match cache_headers::is_bypassed(&policy, headers) {
            true => Err(Bypass::despite(policy.rules, "condition")),
            false => Ok(policy),
        }
    }

    /// Makes the answer and keeps it, for those who wait for it too.
    async fn fill(
        self,
        key: Key,
        landing: Landing,
        policy: Policy,
        _permit: Permit,
    ) -> (Made, Option<Arc<Entry>>) {
        let (made, entry) = self.keep(key, policy).await;
        if let Some(entry) = &entry {
            landing.land(entry);
        }
        (made, entry)
    }

    /// Makes the answer and keeps it, unless there are errors in it.
    async fn keep(self, key: Key, policy: Policy) -> (Made, Option<Arc<Entry>>) {
        let server = Arc::clone(&self.server);
        let read_at = server.cache.now();
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
    async fn make(self) -> Made {
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
            let answer = server.schema.execute(request.data(context)).await;
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
            answer: GraphqlResponse::from_errors(vec![super::answer::request_timeout()]),
            operation: None,
            tags: BTreeSet::new(),
            cost: Cost::default(),
        }
    }
}

impl Asked<'_> {
    /// Sends what is kept, or that the client has it already.
    fn respond(
        &self,
        server: &Server,
        entry: &Entry,
        outcome: CacheOutcome,
        cost: Cost,
    ) -> Response {
        let content_type = MediaType::of(self.headers).header();
        // Only a GET can be told that it has the answer already.
        let conditions = (self.method == Method::Get).then_some(self.headers);
        let age = entry.age(server.store.clock.now());
        let mut response = cache_headers::kept(entry, content_type, conditions, outcome, age);
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
    fn respond_without_cache(
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
            milliseconds(database_time),
            milliseconds(self.started.elapsed()),
        );
        if let Ok(timing) = HeaderValue::from_str(&timing) {
            response.headers_mut().insert("server-timing", timing);
        }
        response.extensions_mut().insert(Facts {
            statements,
            database_time,
            ..facts
        });
    }
}

/// Whether the change wrote nothing because another one was in its way, or took a name that it
/// wanted at the same moment. Run again, it sees what the other one did.
fn was_in_the_way(answer: &GraphqlResponse) -> bool {
    let mut errors = answer.errors.iter();
    errors.any(|error| code_of(error).as_deref() == Some(TRY_AGAIN))
}
