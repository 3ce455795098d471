//! What a request sees, and how it reads.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use sea_orm::sea_query::SelectStatement;
use sea_orm::{QueryResult, Statement};

use super::error::Result;
use crate::foundation::cache_tag::CacheTag;
use crate::foundation::database::{Database, Dialect, StatementCount};

/// Which content of a post a request sees. It is the same for every nested field of a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Perspective {
    /// What is live; all that the public sees.
    #[default]
    Published,
    /// The newest content of every post that is not in the trash.
    Draft,
}

/// Reads for one request: through its perspective, counting its statements, and noting the tags
/// that tell when the answer is out of date.
#[derive(Debug)]
pub struct Reader {
    database: Database,
    perspective: Perspective,
    statements: StatementCount,
    tags: Mutex<BTreeSet<CacheTag>>,
}

impl Reader {
    /// A reader for one request.
    pub fn new(database: Database, perspective: Perspective) -> Self {
        Self {
            database,
            perspective,
            statements: StatementCount::default(),
            tags: Mutex::default(),
        }
    }

    /// What this request sees.
    pub fn perspective(&self) -> Perspective {
        self.perspective
    }

    /// What this request has cost so far.
    pub fn statements(&self) -> &StatementCount {
        &self.statements
    }

    /// Notes that the answer is made from `tag`.
    pub fn note(&self, tag: CacheTag) {
        self.note_all([tag]);
    }

    /// Notes that the answer is made from each of `tags`.
    pub fn note_all(&self, tags: impl IntoIterator<Item = CacheTag>) {
        let mut noted = self.tags.lock().unwrap_or_else(PoisonError::into_inner);
        noted.extend(tags);
    }

    /// Everything the answer is made from.
    pub fn tags(&self) -> BTreeSet<CacheTag> {
        self.tags
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    pub(in crate::domain) fn dialect(&self) -> Dialect {
        self.database.dialect()
    }

    pub(in crate::domain) async fn rows(
        &self,
        select: &SelectStatement,
    ) -> Result<Vec<QueryResult>> {
        self.rows_of(self.dialect().build(select)).await
    }

    pub(in crate::domain) async fn rows_of(
        &self,
        statement: Statement,
    ) -> Result<Vec<QueryResult>> {
        Ok(self.statements.query(&self.database, statement).await?)
    }
}
