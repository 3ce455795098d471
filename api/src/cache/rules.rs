//! The rules in this process's memory, read again when one was changed.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::domain::cache_rule::RuleSet;
use crate::domain::error::Result;
use crate::domain::perspective::{Perspective, Reader};
use crate::domain::transaction::Store;
use crate::foundation::cache_tag::CacheTag;
use crate::foundation::tag_versions::{Moment, Places};

/// The rules, and the moment before they were read.
#[derive(Debug)]
pub(super) struct Rules {
    store: Store,
    /// What the rules are made from.
    places: Places,
    read: Mutex<Option<(Moment, Arc<RuleSet>)>>,
}

impl Rules {
    pub(super) fn new(store: Store) -> Self {
        Self {
            places: store.versions.places(&[CacheTag::List("cache_rule")]),
            store,
            read: Mutex::default(),
        }
    }

    /// The rules as they are now. While it can't be told whether they have changed, they are read each
    /// time.
    pub(super) async fn current(&self, trusted: bool) -> Result<Arc<RuleSet>> {
        let versions = &self.store.versions;
        let known = self.lock().clone();
        if let Some((read_at, rules)) = known
            && trusted
            && !versions.touched_since(read_at, &self.places)
        {
            return Ok(rules);
        }
        let read_at = versions.now();
        let reader = Reader::new(self.store.database.clone(), Perspective::Published);
        let rules = Arc::new(RuleSet::read(&reader).await?);
        let mut read = self.lock();
        // Whoever began later saw more.
        if read.as_ref().is_none_or(|(moment, _)| *moment <= read_at) {
            *read = Some((read_at, Arc::clone(&rules)));
        }
        Ok(rules)
    }

    fn lock(&self) -> MutexGuard<'_, Option<(Moment, Arc<RuleSet>)>> {
        self.read.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
