//! The schedules that the program comes with.

use crate::domain::{purge, score, search_index, status, view};
use crate::queue::schedule::BuiltIn;

/// All of them. A name stays the same from version to version: by it an operator's pause, line of
/// cron and zone are kept. One that is taken out here is removed when the program starts.
pub const BUILT_IN: &[BuiltIn] = &[
    BuiltIn {
        name: "count_views",
        kind: view::JOB_KIND,
        payload: "{}",
        cron: "* * * * *",
        time_zone: "UTC",
        purpose: "Adds the views of the last minute to the counts of posts.",
    },
    BuiltIn {
        name: "check_alarms",
        kind: status::JOB_KIND,
        payload: "{}",
        cron: "* * * * *",
        time_zone: "UTC",
        purpose: "Looks for what an operator should know, and tells webhook endpoints.",
    },
    BuiltIn {
        name: "purge",
        kind: purge::JOB_KIND,
        payload: "{}",
        cron: "15 3 * * *",
        time_zone: "UTC",
        purpose: "Deletes what nobody needs any more.",
    },
    BuiltIn {
        name: "renew_scores",
        kind: score::JOB_KIND,
        payload: "{}",
        cron: "45 3 * * *",
        time_zone: "UTC",
        purpose: "Assesses posts that changed, and lets the freshness of the others decay.",
    },
    BuiltIn {
        name: "repair_search",
        kind: search_index::JOB_KIND,
        payload: "{}",
        cron: "30 4 * * 0",
        time_zone: "UTC",
        purpose: "Looks whether search knows every content, and mends what is wrong.",
    },
];
