//! How much one client may ask for in a minute, in points: one for a request, and one for everything
//! that its document stands for ([`crate::graphql::cost`]). What comes from the cache costs one point.
//!
//! Points come back evenly, and a whole minute of them may be spent at once. Whoever has none is told
//! when to come back; nothing was done then.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use async_graphql::ServerError;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use governor::middleware::StateInformationMiddleware;
use governor::nanos::Nanos;
use governor::state::keyed::DefaultKeyedStateStore;
use governor::{Quota, RateLimiter, clock};

use super::Server;
use super::authenticate::Origin;
use crate::domain::actor::Actor;
use crate::foundation::clock::Clock;
use crate::graphql::limits::refusal;

/// Points for reading a document, which its address pays whatever comes of it: one for each whole
/// kilobyte, so that nobody pays for a short one, and one for a document that was refused.
pub(super) fn reading_cost(text: &str) -> u32 {
    u32::try_from(text.len() / 1024).unwrap_or(u32::MAX)
}

/// Seconds that the points are for.
const MINUTE: u64 = 60;

/// So many times points are spent before those who have all of theirs are forgotten.
const FORGET_EVERY: u32 = 4_096;

/// So many clients are told apart; when there are more, addresses share the points of their
/// neighbourhood.
const CLIENTS: usize = 100_000;

/// Who spends points.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Client {
    /// Whoever asks from an address; a network of 2⁶⁴ addresses is one, as homes have.
    Network(IpAddr),
    /// A user, however many sessions.
    User(i64),
    /// A script with a token of its own.
    ApiToken(i64),
}

impl Client {
    /// Who asks for something: who they say they are, or else where they come from.
    pub fn of(actor: Actor, address: Option<IpAddr>) -> Self {
        match actor {
            Actor::User { user_id, .. } => Self::User(user_id),
            Actor::ApiToken { api_token_id, .. } => Self::ApiToken(api_token_id),
            Actor::Anonymous | Actor::Preview { .. } | Actor::CommandLine | Actor::Worker => {
                Self::at(address)
            }
        }
    }

    /// Whoever asks from an address.
    pub fn at(address: Option<IpAddr>) -> Self {
        let address = address.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
        Self::Network(match address {
            IpAddr::V4(_) => address,
            IpAddr::V6(address) => first_bits(address, 64).into(),
        })
    }

    /// The neighbourhood of an address.
    fn widened(self) -> Self {
        match self {
            Self::Network(IpAddr::V4(address)) => {
                let [first, second, ..] = address.octets();
                Self::Network(Ipv4Addr::new(first, second, 0, 0).into())
            }
            Self::Network(IpAddr::V6(address)) => Self::Network(first_bits(address, 32).into()),
            known => known,
        }
    }
}

fn first_bits(address: Ipv6Addr, bits: u32) -> Ipv6Addr {
    (address.to_bits() & (u128::MAX << (128 - bits))).into()
}

/// What every client may spend.
#[derive(Debug)]
pub struct RateLimits {
    public: Option<Limit>,
    signed_in: Option<Limit>,
}

impl RateLimits {
    /// So many points a minute for an address, and for a user or a token; 0 is no limit.
    pub fn new(public: u32, signed_in: u32, clock: &Clock) -> Self {
        let limit = |points| NonZeroU32::new(points).map(|points| Limit::new(points, clock));
        Self {
            public: limit(public),
            signed_in: limit(signed_in),
        }
    }

    /// Spends `cost` points of a client. What costs more than all points costs all of them.
    ///
    /// # Errors
    ///
    /// When the client has not so many left; then none is spent.
    pub fn spend(&self, client: Client, cost: u32) -> Result<Standing, TooMany> {
        if cost == 0 {
            return Ok(Standing::default());
        }
        let limit = match client {
            Client::Network(_) => &self.public,
            Client::User(_) | Client::ApiToken(_) => &self.signed_in,
        };
        match limit {
            Some(limit) => limit.spend(client, cost),
            None => Ok(Standing(None)),
        }
    }
}

/// How many points a client has left.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Standing(Option<Points>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Points {
    limit: u32,
    left: u32,
}

impl Standing {
    /// Says it in the headers of an answer.
    pub fn write_to(&self, headers: &mut HeaderMap) {
        let Some(Points { limit, left }) = self.0 else {
            return;
        };
        let spent = u64::from(limit - left.min(limit));
        let figures = [
            ("ratelimit-limit", u64::from(limit)),
            ("ratelimit-remaining", left.into()),
            // Until all of them are there again.
            ("ratelimit-reset", (spent * MINUTE).div_ceil(limit.into())),
        ];
        for (name, figure) in figures {
            headers.insert(HeaderName::from_static(name), figure.into());
        }
        if let Ok(policy) = HeaderValue::from_str(&format!("{limit};w={MINUTE}")) {
            headers.insert(HeaderName::from_static("ratelimit-policy"), policy);
        }
    }
}

/// The client has spent what it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooMany {
    limit: u32,
    /// Seconds until there are points enough for the same request.
    pub retry_after: u64,
}

impl TooMany {
    /// The status and the error of the request.
    pub(super) fn refusal(&self) -> (StatusCode, ServerError) {
        (
            StatusCode::TOO_MANY_REQUESTS,
            refusal("RATE_LIMITED", self.message()),
        )
    }

    /// Says in the headers of an answer when to come back.
    pub(super) fn write_to(&self, headers: &mut HeaderMap) {
        let (limit, left) = (self.limit, 0);
        Standing(Some(Points { limit, left })).write_to(headers);
        headers.insert(header::RETRY_AFTER, self.retry_after.into());
    }

    fn message(&self) -> String {
        format!(
            "too much was asked for: {} points a minute are the most, one for a request and one for \
             each field, as often as its list has rows; nothing was done, so send it again in {} \
             seconds",
            self.limit, self.retry_after
        )
    }
}

/// The points of all clients of one kind.
struct Limit {
    points: NonZeroU32,
    limiter: Limiter,
    clock: Clock,
    /// How often some were spent.
    spent: AtomicU32,
    /// Whether there are too many clients to tell them apart.
    is_crowded: AtomicBool,
}

type Limiter =
    RateLimiter<Client, DefaultKeyedStateStore<Client>, Time, StateInformationMiddleware>;

impl std::fmt::Debug for Limit {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_tuple("Limit").field(&self.points).finish()
    }
}

impl Limit {
    fn new(points: NonZeroU32, clock: &Clock) -> Self {
        Self {
            points,
            limiter: Limiter::new(
                Quota::per_minute(points),
                DefaultKeyedStateStore::default(),
                Time(clock.clone()),
            ),
            clock: clock.clone(),
            spent: AtomicU32::new(1),
            is_crowded: AtomicBool::new(false),
        }
    }

    fn spend(&self, client: Client, cost: u32) -> Result<Standing, TooMany> {
        let spent = self.spent.fetch_add(1, Ordering::Relaxed);
        if spent.is_multiple_of(FORGET_EVERY) {
            self.limiter.retain_recent();
            let is_crowded = self.limiter.len() > CLIENTS;
            self.is_crowded.store(is_crowded, Ordering::Relaxed);
        }
        let client = match self.is_crowded.load(Ordering::Relaxed) {
            true => client.widened(),
            false => client,
        };
        let limit = self.points.get();
        let cost = NonZeroU32::new(cost).unwrap_or(NonZeroU32::MIN);
        let too_many = |retry_after| TooMany { limit, retry_after };
        match self.limiter.check_key_n(&client, cost.min(self.points)) {
            Ok(Ok(standing)) => Ok(Standing(Some(Points {
                limit,
                left: standing.remaining_burst_capacity(),
            }))),
            Ok(Err(until)) => {
                let wait = until.wait_time_from(clock::Clock::now(&Time(self.clock.clone())));
                Err(too_many(wait.as_millis().div_ceil(1_000).max(1) as u64))
            }
            // It costs no more than all points.
            Err(_) => Err(too_many(MINUTE)),
        }
    }
}

/// Our clock, as the limiter reads it.
#[derive(Clone)]
struct Time(Clock);

impl clock::Clock for Time {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        let micros = self.0.now().timestamp_micros().unsigned_abs();
        Nanos::new(micros.saturating_mul(1_000))
    }
}

/// What a credential costs that is no good: guessing is work, too.
pub(super) const GUESS_COST: u32 = 100;

/// What a request costs that reads a row or a file and has no document.
pub(super) const PLAIN_COST: u32 = 10;

/// Has whoever asks for a page or a feed pay for it.
pub(super) async fn of_address(
    State(server): State<Arc<Server>>,
    origin: Origin,
    request: Request,
    next: Next,
) -> Response {
    match server
        .rate_limits
        .spend(Client::at(origin.address), PLAIN_COST)
    {
        Ok(standing) => {
            let mut response = next.run(request).await;
            standing.write_to(response.headers_mut());
            response
        }
        Err(too_many) => {
            let message = format!("{}\n", too_many.message());
            let mut response = (StatusCode::TOO_MANY_REQUESTS, message).into_response();
            too_many.write_to(response.headers_mut());
            response
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by it")]
mod tests {
    use chrono::{DateTime, TimeDelta};

    use super::*;

    fn at(address: &str) -> Client {
        Client::at(Some(address.parse().unwrap()))
    }

    #[test]
    fn points_are_spent_and_come_back_evenly() {
        let clock = Clock::set_to(DateTime::UNIX_EPOCH);
        let limits = RateLimits::new(60, 0, &clock);
        let one = at("192.0.2.1");
        let left = |standing: Standing| standing.0.unwrap().left;
        assert_eq!(left(limits.spend(one, 1).unwrap()), 59);
        assert_eq!(left(limits.spend(one, 59).unwrap()), 0);
        assert_eq!(limits.spend(one, 1).unwrap_err().retry_after, 1);
        assert_eq!(limits.spend(one, 10).unwrap_err().retry_after, 10);
        clock.advance(TimeDelta::seconds(10));
        assert_eq!(left(limits.spend(one, 10).unwrap()), 0);
        // Others have their own.
        assert_eq!(left(limits.spend(at("192.0.2.2"), 1).unwrap()), 59);
        // All of them after a minute, and never more; what costs more costs all.
        clock.advance(TimeDelta::minutes(5));
        assert_eq!(left(limits.spend(one, 1_000).unwrap()), 0);
        assert_eq!(limits.spend(one, 1_000).unwrap_err().retry_after, 60);
        // Without a limit there is nothing to say.
        assert_eq!(limits.spend(Client::User(1), 5_000), Ok(Standing(None)));
    }

    #[test]
    fn a_home_is_one_client() {
        assert_eq!(at("2001:db8:1:2::3"), at("2001:db8:1:2:4:5:6:7"));
        assert_ne!(at("2001:db8:1:2::3"), at("2001:db8:1:3::3"));
        assert_ne!(at("192.0.2.1"), at("192.0.2.2"));
        assert_eq!(at("192.0.2.1").widened(), at("192.0.77.1").widened());
        assert_eq!(
            at("2001:db8:1:2::3").widened(),
            at("2001:db8:9::1").widened()
        );
    }

    #[test]
    fn who_has_all_points_is_forgotten() {
        let clock = Clock::set_to(DateTime::UNIX_EPOCH);
        let limits = RateLimits::new(60, 0, &clock);
        for number in 0..20_000_u32 {
            clock.advance(TimeDelta::seconds(1));
            limits
                .spend(Client::at(Some(Ipv4Addr::from(number).into())), 1)
                .unwrap();
        }
        let kept = limits.public.unwrap().limiter.len();
        assert!(kept <= FORGET_EVERY as usize, "{kept}");
    }
}
