//! Filters by a single value. Every test that is given must hold.

use async_graphql::{ID, InputObject};
use chrono::{DateTime, Utc};

use super::post::Difficulty;
use super::time::check_time;
use crate::domain::error::{Error, Result};
use crate::domain::post::{self, Test};
use crate::graphql::node_id::NodeType;

/// Tests on a text. Every test that is given must hold; upper and lower case differ.
#[derive(Clone, Debug, Default, InputObject)]
pub struct StringFilter {
    /// It is exactly this.
    pub eq: Option<String>,
    /// It is not this; an absent value is not this either.
    pub ne: Option<String>,
    /// It is one of these.
    #[graphql(name = "in")]
    pub one_of: Option<Vec<String>>,
    /// It sorts after this, compared byte by byte.
    pub gt: Option<String>,
    /// It is this or sorts after it.
    pub gte: Option<String>,
    /// It sorts before this.
    pub lt: Option<String>,
    /// It is this or sorts before it.
    pub lte: Option<String>,
    /// It begins with this.
    pub starts_with: Option<String>,
    /// Whether it is absent.
    pub is_null: Option<bool>,
}

/// Tests on a text that is also indexed word by word. Every test that is given must hold.
#[derive(Clone, Debug, Default, InputObject)]
pub struct TextFilter {
    /// It is exactly this.
    pub eq: Option<String>,
    /// It is not this.
    pub ne: Option<String>,
    /// It is one of these.
    #[graphql(name = "in")]
    pub one_of: Option<Vec<String>>,
    /// It sorts after this, compared byte by byte.
    pub gt: Option<String>,
    /// It is this or sorts after it.
    pub gte: Option<String>,
    /// It sorts before this.
    pub lt: Option<String>,
    /// It is this or sorts before it.
    pub lte: Option<String>,
    /// It begins with this.
    pub starts_with: Option<String>,
    /// It contains these words, in any order and form; words in quotation marks follow each other.
    /// Whole words through the search index, not parts of words.
    pub contains: Option<String>,
}

/// Tests on a whole number. Every test that is given must hold.
#[derive(Clone, Debug, Default, InputObject)]
pub struct IntFilter {
    /// It is this.
    pub eq: Option<i64>,
    /// It is not this; an absent value is not this either.
    pub ne: Option<i64>,
    /// It is one of these.
    #[graphql(name = "in")]
    pub one_of: Option<Vec<i64>>,
    /// It is larger.
    pub gt: Option<i64>,
    /// It is this or larger.
    pub gte: Option<i64>,
    /// It is smaller.
    pub lt: Option<i64>,
    /// It is this or smaller.
    pub lte: Option<i64>,
    /// Whether it is absent.
    pub is_null: Option<bool>,
}

/// Tests on a time. Every test that is given must hold.
#[derive(Clone, Debug, Default, InputObject)]
pub struct TimeFilter {
    /// It is this very moment.
    pub eq: Option<DateTime<Utc>>,
    /// It is not this moment.
    pub ne: Option<DateTime<Utc>>,
    /// It is one of these moments.
    #[graphql(name = "in")]
    pub one_of: Option<Vec<DateTime<Utc>>>,
    /// It is later.
    pub gt: Option<DateTime<Utc>>,
    /// It is this moment or later.
    pub gte: Option<DateTime<Utc>>,
    /// It is earlier.
    pub lt: Option<DateTime<Utc>>,
    /// It is this moment or earlier.
    pub lte: Option<DateTime<Utc>>,
}

/// Tests on an id. Every test that is given must hold.
#[derive(Clone, Debug, Default, InputObject)]
pub struct IdFilter {
    /// It is this.
    pub eq: Option<ID>,
    /// It is not this.
    pub ne: Option<ID>,
    /// It is one of these.
    #[graphql(name = "in")]
    pub one_of: Option<Vec<ID>>,
}

/// Tests on a difficulty. Every test that is given must hold.
#[derive(Clone, Debug, Default, InputObject)]
pub struct DifficultyFilter {
    /// It is this.
    pub eq: Option<Difficulty>,
    /// It is not this; an absent one is not this either.
    pub ne: Option<Difficulty>,
    /// It is one of these.
    #[graphql(name = "in")]
    pub one_of: Option<Vec<Difficulty>>,
    /// Whether it is absent.
    pub is_null: Option<bool>,
}

/// The tests of a filter, in any order: the ones every filter has.
struct Tests<T> {
    eq: Option<T>,
    ne: Option<T>,
    one_of: Option<Vec<T>>,
    gt: Option<T>,
    gte: Option<T>,
    lt: Option<T>,
    lte: Option<T>,
    starts_with: Option<T>,
    is_null: Option<bool>,
}

impl<T> Tests<T> {
    fn into_vec(self) -> Vec<Test<T>> {
        [
            self.eq.map(Test::Equal),
            self.ne.map(Test::NotEqual),
            self.one_of.map(Test::In),
            self.gt.map(Test::Greater),
            self.gte.map(Test::GreaterOrEqual),
            self.lt.map(Test::Less),
            self.lte.map(Test::LessOrEqual),
            self.starts_with.map(Test::StartsWith),
            self.is_null.map(Test::IsNull),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

impl StringFilter {
    pub(super) fn tests(self) -> Vec<Test<String>> {
        Tests {
            eq: self.eq,
            ne: self.ne,
            one_of: self.one_of,
            gt: self.gt,
            gte: self.gte,
            lt: self.lt,
            lte: self.lte,
            starts_with: self.starts_with,
            is_null: self.is_null,
        }
        .into_vec()
    }
}

impl TextFilter {
    /// The tests, and the words it must contain.
    pub(super) fn tests(self) -> (Vec<Test<String>>, Option<String>) {
        let tests = Tests {
            eq: self.eq,
            ne: self.ne,
            one_of: self.one_of,
            gt: self.gt,
            gte: self.gte,
            lt: self.lt,
            lte: self.lte,
            starts_with: self.starts_with,
            is_null: None,
        };
        (tests.into_vec(), self.contains)
    }
}

impl IntFilter {
    pub(super) fn tests(self) -> Vec<Test<i64>> {
        Tests {
            eq: self.eq,
            ne: self.ne,
            one_of: self.one_of,
            gt: self.gt,
            gte: self.gte,
            lt: self.lt,
            lte: self.lte,
            starts_with: None,
            is_null: self.is_null,
        }
        .into_vec()
    }
}

impl TimeFilter {
    pub(super) fn tests(self) -> Result<Vec<Test<DateTime<Utc>>>> {
        let given = [self.eq, self.ne, self.gt, self.gte, self.lt, self.lte];
        let listed = self.one_of.iter().flatten();
        for time in given.iter().flatten().chain(listed) {
            check_time(time).map_err(Error::BadArgument)?;
        }
        let tests = Tests {
            eq: self.eq,
            ne: self.ne,
            one_of: self.one_of,
            gt: self.gt,
            gte: self.gte,
            lt: self.lt,
            lte: self.lte,
            starts_with: None,
            is_null: None,
        };
        Ok(tests.into_vec())
    }
}

impl IdFilter {
    pub(super) fn tests(self, of: NodeType) -> Result<Vec<Test<i64>>> {
        let mut tests = Vec::new();
        if let Some(id) = self.eq {
            tests.push(Test::Equal(of.key(&id)?));
        }
        if let Some(id) = self.ne {
            tests.push(Test::NotEqual(of.key(&id)?));
        }
        if let Some(ids) = self.one_of {
            let keys: Result<Vec<i64>> = ids.iter().map(|id| of.key(id)).collect();
            tests.push(Test::In(keys?));
        }
        Ok(tests)
    }
}

impl DifficultyFilter {
    pub(super) fn tests(self) -> Vec<Test<post::Difficulty>> {
        let level = post::Difficulty::from;
        Tests {
            eq: self.eq.map(level),
            ne: self.ne.map(level),
            one_of: self
                .one_of
                .map(|levels| levels.into_iter().map(level).collect()),
            gt: None,
            gte: None,
            lt: None,
            lte: None,
            starts_with: None,
            is_null: self.is_null,
        }
        .into_vec()
    }
}
