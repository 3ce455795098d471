//! The domain over a database of its own, with a clock that stands still.

use alphanode::domain::transaction::Store;
use alphanode::foundation::{
    clock::Clock,
    database::{Database, DatabaseOptions},
};
use alphanode::queue::{Handler, Worker};
use chrono::{TimeZone, Utc};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::{Backend, TestDatabase};

/// A store over a migrated database, at noon of the first of June 2026 until its clock is moved.
pub struct TestStore {
    pub store: Store,
    /// Gone with it.
    pub database: TestDatabase,
}

impl TestStore {
    /// `None` as [`TestDatabase::create`] answers it.
    pub async fn create(backend: Backend) -> Option<Self> {
        let database = TestDatabase::create(backend).await?;
        let noon = Utc.with_ymd_and_hms(2026, 6, 1, 12, 0, 0).unwrap();
        let opened = Database::open(&DatabaseOptions::new(database.url()))
            .await
            .expect("the database opens");
        Some(Self {
            store: Store::new(opened, Clock::set_to(noon)),
            database,
        })
    }

    /// Where it is, for a program.
    pub fn url(&self) -> &str {
        self.database.url()
    }

    /// A worker on its queue.
    pub fn worker(&self, name: &str, handlers: Vec<Handler>) -> Worker {
        let Store {
            database,
            clock,
            wake,
            ..
        } = &self.store;
        Worker::new(
            name,
            database.clone(),
            clock.clone(),
            wake.clone(),
            handlers,
            ChaCha8Rng::seed_from_u64(1),
        )
    }
}
