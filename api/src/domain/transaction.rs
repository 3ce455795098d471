//! The only way to write. A transaction collects what a change touches (cache tags), what the log
//! must know of it (audit events) and what should happen because of it (jobs), commits them
//! together with the change, and only then tells the rest of the process.

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::{ConnectionTrait, DatabaseTransaction, DbErr, Statement};
use tokio::sync::broadcast;

use super::actor::{Actor, Caller};
use super::audit::{self, AuditEvent};
use super::error::Result;
use super::feed::Channel;
use super::permission::{self, Action, Reach};
use super::webhook::{self, Announcement};
use crate::foundation::cache_tag::CacheTag;
use crate::foundation::clock::Clock;
use crate::foundation::database::{Database, Dialect};
use crate::foundation::destination::Destinations;
use crate::foundation::tag_versions::{self, TagVersions};
use crate::queue::{self, NewJob, Wake};

/// Everything a change needs from the process it happens in.
#[derive(Clone, Debug)]
pub struct Store {
    /// Where content lives.
    pub database: Database,
    /// What time it is.
    pub clock: Clock,
    /// Wakes the workers of this process when there is something to do.
    pub wake: Wake,
    /// Whether every revision has to be approved before it goes live.
    pub review_required: bool,
    /// Where webhooks may go.
    pub destinations: Destinations,
    /// How long a post stays in the trash before it is deleted; without a limit when absent.
    pub trash_kept: Option<TimeDelta>,
    /// What feeds say of the site.
    pub channel: Channel,
    /// Since when answers that were made from a tag are out of date.
    pub versions: TagVersions,
    changes: broadcast::Sender<Arc<Change>>,
}

impl Store {
    /// A store over an open database.
    pub fn new(database: Database, clock: Clock) -> Self {
        const CHANGES_KEPT_FOR_A_SLOW_LISTENER: usize = 1024;
        Self {
            database,
            clock,
            wake: Wake::default(),
            review_required: false,
            destinations: Destinations::default(),
            trash_kept: None,
            channel: Channel::default(),
            versions: TagVersions::default(),
            changes: broadcast::Sender::new(CHANGES_KEPT_FOR_A_SLOW_LISTENER),
        }
    }

    /// Every change from now on, after its commit, in the order of commits.
    pub fn changes(&self) -> broadcast::Receiver<Arc<Change>> {
        self.changes.subscribe()
    }
}

/// What a committed transaction tells the rest of the process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Answers made from any of these are out of date.
    pub tags: BTreeSet<CacheTag>,
    /// What was done, in its order.
    pub events: Vec<AuditEvent>,
}

/// A change under way. Dropping it without [`Transaction::commit`] undoes it.
pub struct Transaction<'store> {
    store: &'store Store,
    connection: DatabaseTransaction,
    caller: Caller,
    reach: Reach,
    now: DateTime<Utc>,
    tags: BTreeSet<CacheTag>,
    events: Vec<AuditEvent>,
    jobs: Vec<NewJob>,
    wakes_workers: bool,
    announcements: Vec<Announcement>,
}

impl<'store> Transaction<'store> {
    /// Begins a change: `caller` does `action`.
    ///
    /// # Errors
    ///
    /// When the caller may not do it, or the database does not answer.
    pub async fn begin(
        store: &'store Store,
        caller: impl Into<Caller>,
        action: Action,
    ) -> Result<Self> {
        let caller = caller.into();
        let reach = permission::check(caller.actor, action)?;
        Ok(Self {
            connection: store.database.begin().await?,
            caller,
            reach,
            now: store.clock.now(),
            tags: BTreeSet::new(),
            events: Vec::new(),
            jobs: Vec::new(),
            wakes_workers: false,
            announcements: Vec::new(),
            store,
        })
    }

    /// The time of this change: one for everything it writes.
    pub fn now(&self) -> DateTime<Utc> {
        self.now
    }

    /// Who makes it.
    pub fn actor(&self) -> Actor {
        self.caller.actor
    }

    /// Through which request.
    pub fn caller(&self) -> &Caller {
        &self.caller
    }

    /// Says who makes it from here on: whoever signs in is nobody before and a user after.
    pub(in crate::domain) fn act_as(&mut self, actor: Actor) {
        self.caller.actor = actor;
    }

    /// How far the permission for it reaches.
    pub fn reach(&self) -> Reach {
        self.reach
    }

    /// Whether every revision has to be approved before it goes live.
    pub fn review_required(&self) -> bool {
        self.store.review_required
    }

    /// Where webhooks may go.
    pub(in crate::domain) fn destinations(&self) -> &Destinations {
        &self.store.destinations
    }

    /// Which database it is made in.
    pub fn dialect(&self) -> Dialect {
        self.store.database.dialect()
    }

    /// Where domain code sends its statements.
    pub(in crate::domain) fn connection(&self) -> &DatabaseTransaction {
        &self.connection
    }

    /// Says that answers made from `tag` are out of date once this is committed.
    pub fn touch(&mut self, tag: CacheTag) {
        self.tags.insert(tag);
    }

    /// What answers were made from that are out of date, so far.
    pub(in crate::domain) fn tags(&self) -> &BTreeSet<CacheTag> {
        &self.tags
    }

    /// Adds a line to the audit log.
    pub fn record(&mut self, event: AuditEvent) {
        self.events.push(event);
    }

    /// Asks for a job that exists if and only if this change does.
    pub fn enqueue(&mut self, job: NewJob) {
        self.jobs.push(job);
    }

    /// The clock by which the queue tells its times.
    pub(in crate::domain) fn clock(&self) -> &Clock {
        &self.store.clock
    }

    /// Says that jobs which are there already may be due once this is committed.
    pub fn wake_workers(&mut self) {
        self.wakes_workers = true;
    }

    /// Tells the endpoints that want to know it, once this is committed.
    pub fn announce(&mut self, announcement: Announcement) {
        self.announcements.push(announcement);
    }

    /// Undoes the change, and is done when the database has.
    ///
    /// # Errors
    ///
    /// When the database does not answer; then nothing was written either.
    pub async fn roll_back(self) -> Result<()> {
        Ok(self.connection.rollback().await?)
    }

    /// Commits the change with its audit events, its webhooks and its jobs, then tells the rest of
    /// the process.
    ///
    /// # Errors
    ///
    /// When the database refuses; then nothing was written.
    pub async fn commit(mut self) -> Result<()> {
        if !self.events.is_empty() {
            audit::record(&self.connection, self.now, &self.caller, &self.events).await?;
        }
        let deliveries = webhook::write(&self, &self.announcements).await?;
        self.jobs.extend(deliveries);
        let wakes_workers = self.wakes_workers || !self.jobs.is_empty();
        if !self.jobs.is_empty() {
            let by = self.caller.actor.to_string();
            let clock = &self.store.clock;
            let jobs = std::mem::take(&mut self.jobs);
            queue::enqueue_for(&self.connection, clock, Some(&by), jobs).await?;
        }
        if !self.tags.is_empty() && self.dialect() == Dialect::Postgres {
            let tell = Statement::from_sql_and_values(
                self.connection.get_database_backend(),
                "SELECT pg_notify($1, $2)",
                [
                    tag_versions::CHANNEL.into(),
                    tag_versions::message(&self.tags).into(),
                ],
            );
            self.connection.execute_raw(tell).await?;
        }
        let Self {
            store:
                Store {
                    versions,
                    wake,
                    changes,
                    ..
                },
            connection,
            tags,
            events,
            ..
        } = self;
        let (versions, wake, changes) = (versions.clone(), wake.clone(), changes.clone());
        // In a task of its own: whoever waits for it may be gone before the database has answered,
        // and the tags have to be told all the same.
        let committed = tokio::spawn(async move {
            let committed = connection.commit().await;
            // A commit whose answer was lost may have happened.
            versions.bump(&tags);
            committed?;
            if wakes_workers {
                wake.workers();
            }
            if !(tags.is_empty() && events.is_empty()) {
                // Nobody listening is fine: the change is committed whoever hears of it.
                let _ = changes.send(Arc::new(Change { tags, events }));
            }
            Ok::<_, DbErr>(())
        });
        let committed = committed.await;
        Ok(committed.map_err(|error| DbErr::Custom(error.to_string()))??)
    }
}
