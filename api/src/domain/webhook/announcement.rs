//! What changes announce. An announcement says no more than the change knows anyway, so that it
//! costs next to nothing while there is no endpoint; the rest is read when there is one.

use chrono::{DateTime, Utc};

use crate::domain::taxonomy::Taxonomy;

/// Something that endpoints may want to know of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Announcement {
    /// Something about a post, which the transaction has locked.
    Post {
        /// The post.
        post_id: i64,
        /// What.
        change: PostChange,
    },
    /// A release, which the transaction has locked, has shipped or was rolled back.
    Release {
        /// The release.
        release_id: i64,
        /// What it is called.
        name: String,
        /// Whether it was rolled back.
        rolled_back: bool,
    },
    /// Something about a word.
    Term(TermChange),
    /// A job was given up.
    DeadJob(DeadJob),
    /// An alarm is raised, or over.
    Alarm(AlarmChange),
    /// The test button of an endpoint.
    Test {
        /// The endpoint.
        endpoint_id: i64,
    },
}

/// What happened to a post. Contents are named by their keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PostChange {
    /// Other content is live, or none any more, or some for the first time.
    Switched {
        /// What was live.
        from: Option<i64>,
        /// What is live.
        to: Option<i64>,
    },
    /// Its current score, which the public sees, is another one.
    Scored {
        /// What is live.
        live: i64,
    },
    /// Its dates or its redirects, which an import brings, are others.
    Amended {
        /// What is live.
        live: i64,
    },
    /// It was put into the trash.
    Trashed {
        /// What was live before.
        live: Option<i64>,
        /// Its newest content.
        head: i64,
    },
}

/// What happened to a word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TermChange {
    /// Which words.
    pub taxonomy: Taxonomy,
    /// Which one.
    pub term_id: i64,
    /// A verb in the past: `created`, `updated`, `merged`, `deleted`.
    pub action: &'static str,
    /// Its name as it is, or was.
    pub name: String,
    /// Its slug as it is, or was.
    pub slug: String,
    /// The slug that it had before, if that was another.
    pub old_slug: Option<String>,
    /// The word that took its place.
    pub successor: Option<i64>,
}

/// A job that was given up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadJob {
    /// The `webhook-id`, the same each time that it is announced.
    pub message_id: String,
    /// Its key.
    pub job_id: i64,
    /// Its kind.
    pub kind: String,
    /// Attempts that were made.
    pub attempts: i32,
    /// Why the last of them failed.
    pub error: Option<String>,
}

/// An alarm that is raised, or over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlarmChange {
    /// What, for programs.
    pub code: String,
    /// What, and what to do about it, for people, as it was when it was raised.
    pub message: String,
    /// Since when it was so.
    pub since: DateTime<Utc>,
    /// Whether it is over.
    pub is_over: bool,
}
