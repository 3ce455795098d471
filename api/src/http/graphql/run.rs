//! Runs a call, or sends what is kept of an earlier one.

use std::sync::Arc;
use std::time::Instant;

use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;

use super::answer::{limit, refuse};
use super::call::{Call, Method};
use super::make::{MayKeep, Run};
use super::operation::prepare;
use super::respond::{Asked, Cost};
use crate::cache::{Entry, Flight, Found, Key};
use crate::domain::actor::Actor;
use crate::domain::cache_rule::FixedCondition;
use crate::domain::perspective::Perspective;
use crate::foundation::database::StatementCount;
use crate::foundation::served::CacheOutcome;
use crate::graphql::limits::refusal;
use crate::graphql::root_fields::RootFields;
use crate::http::admission::Overloaded;
use crate::http::authenticate::{self, Origin};
use crate::http::cache_headers::{self, Bypass};
use crate::http::cross_origin::check_cookie;
use crate::http::rate_limit::{Client, GUESS_COST, Standing, reading_cost};
use crate::http::{Server, perspective};

/// Points that an answer costs which is there already.
const HIT_COST: u32 = 1;

/// Points that a document costs which is refused.
const REFUSED_COST: u32 = 1;

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
    let stale = match found {
        Some(Found::Fresh(entry)) => {
            // What is kept could be run.
            if let (Some(hash), Some(text)) = (to_persist, &call.query) {
                server.persisted_queries.keep(hash, text);
            }
            return match server
                .rate_limits
                .spend(Client::at(origin.address), HIT_COST)
            {
                Ok(standing) => {
                    asked.standing = standing;
                    asked.respond(server, &entry, CacheOutcome::Hit, Cost::default())
                }
                Err(too_many) => limit(headers, &too_many),
            };
        }
        Some(Found::Stale(entry)) => Some(entry),
        None => None,
    };
    let missed = Missed {
        call,
        to_persist,
        public,
        key,
        stale,
    };
    // It takes much room, which a hit need not carry along.
    Box::pin(work_out(server, origin, asked, missed)).await
}

/// A call whose answer is not kept.
struct Missed {
    call: Call,
    /// The hash of its text, when that is new.
    to_persist: Option<String>,
    /// Whether it is one of the public for what is published.
    public: bool,
    /// What its answer is kept under, when it may be.
    key: Option<Key>,
    /// An answer past its age.
    stale: Option<Arc<Entry>>,
}

/// Runs a call whose answer is not kept.
async fn work_out(
    server: &Arc<Server>,
    origin: Origin,
    mut asked: Asked<'_>,
    missed: Missed,
) -> Response {
    let Missed {
        call,
        to_persist,
        public,
        key,
        stale,
    } = missed;
    let (headers, method) = (asked.headers, asked.method);
    let address = origin.address;
    let reader = Client::at(address);
    if let Err(too_many) = server.rate_limits.spend(reader, reading_cost(call.text())) {
        return limit(headers, &too_many);
    }
    let (request, operation) = match prepare(&server.documents, &call, method) {
        Ok(prepared) => prepared,
        Err((status, error)) => {
            return match server.rate_limits.spend(reader, REFUSED_COST) {
                Ok(_) => refuse(headers, status, error),
                Err(too_many) => limit(headers, &too_many),
            };
        }
    };
    let root_fields = operation.root_fields.as_ref();
    if !server.for_developers && root_fields.is_some_and(RootFields::asks_for_the_schema) {
        let message = "the schema is not told here; it is in `schema.graphql` of this version, and \
                       `alphanode schema` prints it";
        let error = refusal("INTROSPECTION_DISABLED", message);
        return refuse(headers, StatusCode::FORBIDDEN, error);
    }
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

    match (key, run.may_keep(headers).await) {
        (Some(key), Ok(may_keep)) => {
            if let Some(entry) = &stale {
                if let Flight::First(landing) = server.cache.join(&key)
                    && let Ok(permit) = server.admission.enter().await
                {
                    tokio::spawn(run.fill(key, landing, may_keep, permit));
                }
                return asked.respond(server, entry, CacheOutcome::Stale, Cost::default());
            }
            kept_or_made(&asked, server, run, key, may_keep).await
        }
        (_, may_keep) => {
            let reason = match may_keep {
                Ok(MayKeep { policy, .. }) if cache_headers::wants_new(headers) => {
                    Bypass::despite(policy.rules, FixedCondition::FreshAsked.word())
                }
                Ok(MayKeep { policy, .. }) => Bypass::despite(policy.rules, "long"),
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

/// Sends what somebody else is making at the moment, or makes it and keeps it.
async fn kept_or_made(
    asked: &Asked<'_>,
    server: &Arc<Server>,
    run: Run,
    key: Key,
    may_keep: MayKeep,
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
    let rules = may_keep.policy.rules.clone();
    let permit = match server.admission.enter().await {
        Ok(permit) => permit,
        Err(overloaded) => return shed(asked.headers, overloaded),
    };
    // In a task of its own, so that those who wait get it though the first one has gone.
    let made = match landing {
        Some(landing) => tokio::spawn(run.fill(key, landing, may_keep, permit)).await,
        None => Ok(run.keep(key, may_keep).await),
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
            let error = refusal("INTERNAL_SERVER_ERROR", message);
            refuse(asked.headers, StatusCode::INTERNAL_SERVER_ERROR, error)
        }
    }
}
