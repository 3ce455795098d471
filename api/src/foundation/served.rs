//! A request that was answered, as whatever counts requests sees it.

use std::time::Duration;

/// What became of a request in the response cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CacheOutcome {
    /// It was answered by what was kept.
    Hit,
    /// So it was, by what is past its age and is being made anew.
    Stale,
    /// It was answered anew, and the answer kept.
    Miss,
    /// The cache was left out.
    Bypass,
}

impl CacheOutcome {
    /// The word in `X-Cache` and in the log.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Hit => "HIT",
            Self::Stale => "STALE",
            Self::Miss => "MISS",
            Self::Bypass => "BYPASS",
        }
    }
}

/// A request that was answered.
#[derive(Clone, Copy, Debug)]
pub struct Served<'request> {
    /// The route that it took, as the router has it.
    pub route: &'request str,
    /// The name of the operation, where it has one.
    pub operation: Option<&'request str>,
    /// The status of the answer.
    pub status: u16,
    /// How long it took.
    pub duration: Duration,
    /// What became of it in the response cache; none of what has nothing to do with that.
    pub cache: Option<CacheOutcome>,
    /// Statements that the database ran.
    pub statements: u32,
    /// How long it waited for them.
    pub database_time: Duration,
    /// The code of the first error.
    pub error: Option<&'request str>,
}

/// Whose fault it is that a request was not answered as it was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The caller asked for what there is not, or may not have.
    Caller,
    /// Ours: it failed, took too long, or there was too much to do.
    Server,
}

/// Codes of errors that are ours though the answer has the status 200.
const OURS: [&str; 4] = [
    "INTERNAL_SERVER_ERROR",
    "QUERY_TOO_SLOW",
    "REQUEST_TIMEOUT",
    "TRY_AGAIN",
];

impl Served<'_> {
    /// Whose fault it is that it was not answered as it was asked; none when it was.
    pub fn fault(&self) -> Option<Fault> {
        match self.error {
            _ if self.status >= 500 => Some(Fault::Server),
            Some(code) if OURS.contains(&code) => Some(Fault::Server),
            Some(_) => Some(Fault::Caller),
            None if self.status >= 400 => Some(Fault::Caller),
            None => None,
        }
    }

    /// Whether somebody waited for it who reads or edits: not the probes of machines, not a file
    /// that takes as long as it is large, not a connection that stays.
    pub fn is_awaited(&self) -> bool {
        matches!(self.route, "/graphql" | "/{feed}")
    }
}
