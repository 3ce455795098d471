//! The composition root: settings become pools, clock, schema, router and workers.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use async_graphql::extensions::Analyzer;
use axum::Router;
use axum::http::HeaderValue;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use sea_orm::DbErr;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::cache::ResponseCache;
use crate::config::{Config, Mode};
use crate::domain::feed::Channel;
use crate::domain::job::JobKind;
use crate::domain::signing_key::SigningKeys;
use crate::domain::traffic::Traffic;
use crate::domain::transaction::Store;
use crate::domain::user::password::Passwords;
use crate::domain::view::Views;
use crate::domain::webhook;
use crate::foundation::build::Build;
use crate::foundation::clock::Clock;
use crate::foundation::database::Database;
use crate::foundation::{news, tag_versions};
use crate::graphql::context::{JobKinds, Links, Site};
use crate::graphql::document::Documents;
use crate::graphql::persisted_query::PersistedQueries;
use crate::graphql::{self, Schema, SchemaBuilder, limits};
use crate::http::admission::Admission;
use crate::http::cross_origin::Origins;
use crate::http::rate_limit::RateLimits;
use crate::http::{self, MetricsReaders, Server, Sockets};
use crate::jobs;
use crate::queue::{self, Handler, Ticker, Worker};
use crate::telemetry::Metrics;

/// Files that are taken in or sent at once.
const TRANSFERS: usize = 16;

/// Everything that runs.
pub struct App {
    /// Where content lives.
    pub store: Store,
    /// What tokens are signed with.
    pub keys: SigningKeys,
    /// Takes views in; somebody has to flush them.
    pub views: Views,
    /// Answers that are ready to be sent again.
    pub cache: ResponseCache,
    /// What answers requests.
    pub router: Router,
    /// Its WebSockets; somebody has to close them.
    pub sockets: Sockets,
    /// Counts what is answered; somebody has to flush it.
    pub traffic: Traffic,
    /// Which program this is.
    pub build: Build,
    trusted_proxies: Vec<IpAddr>,
    job_lease: Duration,
}

impl App {
    /// Puts everything together over an open database.
    ///
    /// # Errors
    ///
    /// When two metrics have the same name, which is a fault of this program.
    pub fn new(
        config: &Config,
        database: Database,
        clock: Clock,
    ) -> Result<Self, prometheus::Error> {
        let mut store = Store::new(database, clock);
        store.review_required = config.review_required;
        store.destinations = config.destinations();
        store.trash_kept = config.trash_kept();
        store.channel = Channel {
            name: config.site_name(),
            site_url: config.site_url(),
            public_url: config.public_url(),
        };
        let views = Views::new(store.clone());
        let keys = SigningKeys::new(&config.keys_directory, store.clock.clone());
        // Hashing a password takes all of a core, and the others should go on answering.
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let passwords = Passwords::new((cores / 2).max(1));
        let schema = schema(config, &store, &keys, &passwords, &views).finish();
        // However many listen, half of the places are left to those who ask.
        let sockets = Sockets::new(config.connection_limit / 2);
        let build = Build::of_this_program(&schema.sdl());
        let traffic = Traffic::new(store.clone(), process_name());
        let cache_bytes = config.response_cache_megabytes * 1_000_000;
        let cache = ResponseCache::new(cache_bytes, store.clone());
        let router = http::router(Arc::new(Server {
            schema,
            documents: Documents::default(),
            persisted_queries: PersistedQueries::default(),
            cache: cache.clone(),
            store: store.clone(),
            keys: keys.clone(),
            passwords,
            trusted_proxies: config.trusted_proxies.clone(),
            for_developers: config.mode == Mode::Development,
            upload_limit: config.upload_limit_megabytes * 1_000_000,
            request_timeout: Duration::from_secs(config.request_timeout_seconds),
            sockets: sockets.clone(),
            admission: Admission::new(config.operation_limit, 4 * config.operation_limit),
            transfers: Admission::new(TRANSFERS, 0),
            bodies: http::Bodies::default(),
            rate_limits: RateLimits::new(
                config.rate_limit_points_per_minute,
                config.rate_limit_points_per_minute_signed_in,
                &store.clock,
            ),
            origins: Origins {
                own: HeaderValue::from_str(&config.public_origin()).ok(),
                friends: friends(config),
            },
            is_https: config.public_url().starts_with("https://"),
            metrics: Metrics::new(&build)?,
            metrics_readers: match config.metrics_token() {
                Some(token) => MetricsReaders::WithToken(token.to_owned()),
                None if config.mode == Mode::Development => MetricsReaders::OwnMachine,
                None => MetricsReaders::Nobody,
            },
            traffic: traffic.clone(),
        }));
        Ok(Self {
            store,
            keys,
            views,
            cache,
            router,
            sockets,
            traffic,
            build,
            trusted_proxies: config.trusted_proxies.clone(),
            job_lease: Duration::from_secs(config.job_lease_seconds),
        })
    }

    /// Listens to what other processes do to the database, until `stop`: workers are woken, and what
    /// is kept of answers is relied on only as long as the database answers.
    pub fn listen(&self, stop: CancellationToken) -> impl Future<Output = ()> + use<> {
        let (wake, cache) = (self.store.wake.clone(), self.cache.clone());
        let tell = move |news| {
            queue::hear(&news, &wake);
            cache.hear(&news);
        };
        let channels = [queue::CHANNEL, tag_versions::CHANNEL];
        news::listen(self.store.database.clone(), channels, tell, stop)
    }

    /// Starts what goes on beside the requests, until `stop`: listening to other processes; and, unless
    /// `workers` is 0, so many workers for the queue, one more for what goes on for long, one more for
    /// what is scheduled for a time, and what runs the schedules. The tracker is done when all of it
    /// has stopped.
    pub fn start(&self, workers: u32, stop: &CancellationToken) -> TaskTracker {
        let tasks = TaskTracker::new();
        tasks.close();
        tasks.spawn(self.listen(stop.clone()));
        if workers == 0 {
            return tasks;
        }
        tasks.spawn(self.ticker().run(stop.clone()));
        // Made once: what they learn, and the connections they keep, is for all workers.
        let general = jobs::general_handlers(&self.store);
        let general = (0..workers).map(|_| general.clone());
        // However long an import takes, the others go on; however much they have to do, what has a
        // time is on time.
        let apart = [
            jobs::long_handlers(&self.store),
            jobs::punctual_handlers(&self.store),
        ];
        for (number, handlers) in (0..).zip(general.chain(apart)) {
            let worker = self.worker(number, handlers);
            tasks.spawn(worker.run(stop.clone()));
        }
        tasks
    }

    /// Answers requests until `stop`, to at most `connections` at once, and lets those under way come
    /// to their end. Answers whether all of them did.
    pub async fn serve(
        &self,
        listener: TcpListener,
        connections: usize,
        stop: CancellationToken,
    ) -> bool {
        let proxies = self.trusted_proxies.clone();
        http::serve::serve(listener, self.router.clone(), connections, proxies, stop).await
    }

    /// A worker for the queue. Its randomness spreads retries; several must not share it.
    fn worker(&self, number: u32, handlers: Vec<Handler>) -> Worker {
        let name = format!("{}-{number}", process_name());
        let seed = self.store.clock.now().timestamp_micros().unsigned_abs() ^ u64::from(number);
        let mut worker = Worker::new(
            &name,
            self.store.database.clone(),
            self.store.clock.clone(),
            self.store.wake.clone(),
            handlers,
            ChaCha8Rng::seed_from_u64(seed),
        );
        worker.lease = self.job_lease;
        // Often enough that two renewals may fail, and that whoever calls a job off is heard soon.
        worker.heartbeat = Duration::from_secs(2).min(self.job_lease / 4);
        worker.announce_dead = Some(webhook::DEAD_JOB_KIND);
        worker
    }

    /// Runs what is due, schedules included, until nothing is, in the order of its turn. Answers how
    /// many attempts that took.
    ///
    /// # Errors
    ///
    /// Those of the database.
    pub async fn run_until_idle(&self) -> Result<usize, DbErr> {
        self.ticker().tick().await?;
        let mut worker = self.worker(0, jobs::handlers(&self.store));
        worker.run_until_idle().await
    }

    /// What runs the schedules.
    fn ticker(&self) -> Ticker {
        let Store {
            database,
            clock,
            wake,
            ..
        } = self.store.clone();
        Ticker::new(database, clock, wake)
    }
}

/// The schema, with everything that its resolvers need, held to the limits.
fn schema(
    config: &Config,
    store: &Store,
    keys: &SigningKeys,
    passwords: &Passwords,
    views: &Views,
) -> SchemaBuilder {
    let schema = graphql::schema(Site {
        url: config.site_url(),
    })
    .data(JobKinds(job_kinds(store)))
    .data(keys.clone())
    .data(passwords.clone())
    .data(views.clone())
    .data(Links {
        base: config.public_url(),
    })
    .limit_complexity(limits::COMPLEXITY);
    match config.mode {
        Mode::Development => schema,
        Mode::Production => schema.disable_introspection().disable_suggestions(),
    }
}

/// The schema as requests meet it, for whoever asks without a server. Its answers say what the
/// operation counts for.
pub fn schema_alone(config: &Config, store: &Store) -> Schema {
    let keys = SigningKeys::new(&config.keys_directory, store.clock.clone());
    let views = Views::new(store.clone());
    schema(config, store, &keys, &Passwords::new(1), &views)
        .extension(Analyzer)
        .finish()
}

/// Whose pages may ask. What can't be read was refused when the settings were.
fn friends(config: &Config) -> Vec<HeaderValue> {
    let origins = config.cors_origins.iter();
    origins
        .filter_map(|origin| HeaderValue::from_str(origin).ok())
        .collect()
}

/// The machine and the number of the process.
fn process_name() -> String {
    let host = gethostname::gethostname();
    format!("{}:{}", host.display(), std::process::id())
}

/// The kinds of jobs that this program runs.
pub fn job_kinds(store: &Store) -> Vec<JobKind> {
    jobs::handlers(store).iter().map(JobKind::from).collect()
}

/// Opens the database of the settings.
///
/// # Errors
///
/// When it does not answer.
pub async fn open(config: &Config) -> Result<Database, DbErr> {
    Database::open(&config.database()).await
}
