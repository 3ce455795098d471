//! Taking views in, and writing those of a second at once.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::mem;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::NaiveDate;
use entity::{post, post_content, post_view};
use sea_orm::sea_query::OnConflict;
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QuerySelect};
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::first_open_day;
use super::visitor::{Network, Salt, Visitor};
use crate::domain::actor::Actor;
use crate::domain::error::Result;
use crate::domain::permission::Action;
use crate::domain::slug::MAXIMUM_SLUG_LENGTH;
use crate::domain::transaction::{Store, Transaction};

/// How often views are written.
const FLUSH_EVERY: Duration = Duration::from_secs(1);

/// Views that wait at most: with three parameters each they fit into one statement. More than so
/// many a second are dropped.
const MOST_WAITING: usize = 10_000;

/// Views of one network that wait at most, so that nobody can take the room of all others: views of
/// posts that there are not wait as well. The people of a school look at less within a second.
const MOST_WAITING_OF_A_NETWORK: usize = 100;

/// What was looked at, as the site knows it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ViewedPost {
    /// The post with this key.
    Id(i64),
    /// The live post with this slug.
    Slug(String),
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct View {
    day: NaiveDate,
    post: ViewedPost,
    visitor: Visitor,
}

/// The views that wait. They never are more than fit, in all and of each network.
#[derive(Default)]
struct Waiting {
    views: HashSet<View>,
    of_networks: HashMap<Network, usize>,
}

impl Waiting {
    /// Lets a view wait; false when there is no room for it. One that waits already takes none.
    fn add(&mut self, view: View) -> bool {
        if self.views.contains(&view) {
            return true;
        }
        if self.views.len() >= MOST_WAITING {
            return false;
        }
        let of_network = self.of_networks.entry(view.visitor.network()).or_default();
        if *of_network >= MOST_WAITING_OF_A_NETWORK {
            return false;
        }
        *of_network += 1;
        self.views.insert(view)
    }
}

/// Takes views in. Clones share what waits.
#[derive(Clone)]
pub struct Views(Arc<Shared>);

struct Shared {
    store: Store,
    waiting: Mutex<Waiting>,
    /// Held while views are written, so that they are written one batch after the other.
    salt: tokio::sync::Mutex<Option<Salt>>,
    dropped: AtomicU64,
}

impl Views {
    /// Views of the posts of a store.
    pub fn new(store: Store) -> Self {
        Self(Arc::new(Shared {
            store,
            waiting: Mutex::default(),
            salt: tokio::sync::Mutex::default(),
            dropped: AtomicU64::new(0),
        }))
    }

    /// Takes a view in, without asking the database. Only the public counts: who works on the site
    /// looks at its posts as well. Answers false for them, for robots, and when too many views wait
    /// already, in all or of the visitor's network; never whether there is such a post.
    pub fn record(&self, actor: Actor, post: ViewedPost, visitor: Visitor) -> bool {
        if actor != Actor::Anonymous || visitor.is_robot() {
            return false;
        }
        if matches!(&post, ViewedPost::Slug(slug) if !is_slug(slug)) {
            return true; // There is nothing to count.
        }
        let day = self.0.store.clock.now().date_naive();
        let view = View { day, post, visitor };
        let fits = self.waiting().add(view);
        if !fits {
            self.drop_some(1);
        }
        fits
    }

    /// How many views were dropped since the program began, because too many waited or their day
    /// was over before they could be written.
    pub fn dropped(&self) -> u64 {
        self.0.dropped.load(Ordering::Relaxed)
    }

    /// Writes the views that wait, and answers how many rows they made: those of posts that are
    /// live, each visitor once a day. When it fails they wait on.
    ///
    /// # Errors
    ///
    /// Those of the database.
    pub async fn flush(&self) -> Result<u64> {
        let mut salt = self.0.salt.lock().await;
        let taken = mem::take(&mut *self.waiting());
        let written = self.write(&mut salt, &taken.views).await;
        if written.is_err() {
            // Those that came in meanwhile stand behind.
            let mut waiting = self.waiting();
            let later = mem::replace(&mut *waiting, taken).views;
            let all = later.len();
            let fitting = later.into_iter().map(|view| waiting.add(view));
            let fitting = fitting.filter(|fits| *fits).count();
            self.drop_some(all - fitting);
        }
        written
    }

    /// Writes views about every second until `stop`, and then those that wait.
    pub async fn run(self, stop: CancellationToken) {
        let mut ticks = interval(FLUSH_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut told = 0;
        let mut is_failing = false;
        while stop.run_until_cancelled(ticks.tick()).await.is_some() {
            // Once, not every second until the database is back.
            match self.flush().await {
                Err(error) if !is_failing => {
                    tracing::warn!(%error, "views wait, because they can't be written");
                    is_failing = true;
                }
                Ok(written) if is_failing => {
                    tracing::info!(written, "views are written again");
                    is_failing = false;
                }
                _ => {}
            }
            let dropped = self.dropped();
            if dropped > told {
                let views = dropped - told;
                tracing::warn!(views, "views were dropped, because too many waited");
                told = dropped;
            }
        }
        if let Err(error) = self.flush().await {
            tracing::warn!(%error, "the last views could not be written");
        }
    }

    async fn write(&self, salt: &mut Option<Salt>, views: &HashSet<View>) -> Result<u64> {
        if views.is_empty() {
            return Ok(0);
        }
        let live = Live::of(&self.0.store, views).await?;
        let open = first_open_day(self.0.store.clock.now());
        let mut days: BTreeMap<NaiveDate, Vec<(i64, &Visitor)>> = BTreeMap::new();
        for view in views {
            if let Some(post_id) = live.find(&view.post) {
                let day = days.entry(view.day).or_default();
                day.push((post_id, &view.visitor));
            }
        }
        let mut written = 0;
        for (day, views) in days {
            if day < open {
                // Its hashes are gone, so nobody could tell whether these count already.
                self.drop_some(views.len());
                continue;
            }
            written += self.write_day(salt, day, &views).await?;
        }
        Ok(written)
    }

    async fn write_day(
        &self,
        known: &mut Option<Salt>,
        day: NaiveDate,
        views: &[(i64, &Visitor)],
    ) -> Result<u64> {
        let transaction =
            Transaction::begin(&self.0.store, Actor::Anonymous, Action::RecordView).await?;
        let salt = match known.take().filter(|salt| salt.day == day) {
            Some(salt) => salt,
            None => Salt::of(&transaction, day).await?,
        };
        let hashed = views.iter();
        // In one order, so that two nodes never wait for each other.
        let rows: BTreeSet<(i64, i64)> = hashed
            .map(|(post_id, visitor)| (*post_id, visitor.hash(&salt, *post_id)))
            .collect();
        let rows = rows
            .into_iter()
            .map(|(post_id, visitor)| post_view::ActiveModel {
                day: Set(day),
                post_id: Set(post_id),
                visitor: Set(visitor),
                ..Default::default()
            });
        use post_view::Column::{Day, PostId, Visitor};
        let written = post_view::Entity::insert_many(rows)
            .on_conflict(
                OnConflict::columns([Day, PostId, Visitor])
                    .do_nothing()
                    .to_owned(),
            )
            .exec_without_returning(transaction.connection())
            .await?;
        transaction.commit().await?;
        *known = Some(salt);
        Ok(written)
    }

    fn waiting(&self) -> std::sync::MutexGuard<'_, Waiting> {
        let waiting = self.0.waiting.lock();
        waiting.unwrap_or_else(PoisonError::into_inner)
    }

    fn drop_some(&self, views: usize) {
        let views = u64::try_from(views).unwrap_or(u64::MAX);
        self.0.dropped.fetch_add(views, Ordering::Relaxed);
    }
}

/// Whether a post could have such a slug. What no database takes must not be in the way of others.
fn is_slug(slug: &str) -> bool {
    slug.len() <= MAXIMUM_SLUG_LENGTH && !slug.contains('\0')
}

/// Which of the posts that were looked at the public can see.
struct Live {
    ids: HashSet<i64>,
    slugs: HashMap<String, i64>,
}

impl Live {
    async fn of(store: &Store, views: &HashSet<View>) -> Result<Self> {
        let mut ids = HashSet::new();
        let mut slugs = HashSet::new();
        for view in views {
            match &view.post {
                ViewedPost::Id(id) => {
                    ids.insert(*id);
                }
                ViewedPost::Slug(slug) => {
                    slugs.insert(slug.as_str());
                }
            }
        }
        let reader = store.database.reader();
        let mut live = Self {
            ids: HashSet::new(),
            slugs: HashMap::new(),
        };
        if !ids.is_empty() {
            let found: Vec<i64> = post::Entity::find()
                .filter(post::Column::Id.is_in(ids))
                .filter(post::Column::LiveContent.is_not_null())
                .select_only()
                .column(post::Column::Id)
                .into_tuple()
                .all(reader)
                .await?;
            live.ids.extend(found);
        }
        if !slugs.is_empty() {
            let found: Vec<(String, i64)> = post_content::Entity::find()
                .filter(post_content::Column::Slug.is_in(slugs))
                .filter(post_content::Column::PublishedAt.is_not_null())
                .select_only()
                .columns([post_content::Column::Slug, post_content::Column::PostId])
                .into_tuple()
                .all(reader)
                .await?;
            live.slugs.extend(found);
        }
        Ok(live)
    }

    fn find(&self, post: &ViewedPost) -> Option<i64> {
        match post {
            ViewedPost::Id(id) => self.ids.get(id).copied(),
            ViewedPost::Slug(slug) => self.slugs.get(slug).copied(),
        }
    }
}
