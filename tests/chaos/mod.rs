//! Killed and unharmed: real processes over one database, killed by SIGKILL at random moments while
//! they import, publish what is due, deliver webhooks and answer from their caches; and the database
//! killed, or out of reach, under them.
//!
//! `make chaos` runs it at its full size; as a part of the other tests it is short. Both say how
//! often they killed. The random numbers have a seed; when the kills strike is up to the machine.

mod client;
mod consistency;
mod deliveries;
mod fleet;
mod imports;
mod outage;
mod publications;
mod receiver;

use std::time::Duration;

/// How much a run takes on.
struct Scale {
    /// Documents of the import.
    documents: u64,
    /// Posts that are published.
    posts: usize,
    /// Processes that are killed, in each test.
    kills: usize,
    /// How long readers watch what writers publish. Everything that can happen to a node happens to it
    /// once, however short this is.
    watch: Duration,
    /// How long the database is away, when it is.
    outage: Duration,
    /// How often the database server itself is killed. Other tests use it too unless they run by
    /// themselves.
    crashes: usize,
    /// Seconds after which what a killed process held is taken over. Two processes that write to one
    /// SQLite file wait for each other, and a long run is to prove that nothing else is in its way.
    lease: u64,
}

impl Scale {
    fn of_this_run() -> Self {
        match std::env::var("ALPHANODE_CHAOS").as_deref() {
            Ok("full") => Self {
                documents: 20_000,
                posts: 1_000,
                kills: 50,
                watch: Duration::from_secs(600),
                outage: Duration::from_secs(10),
                crashes: 5,
                lease: 5,
            },
            Ok(other) => panic!("ALPHANODE_CHAOS is `{other}`; it can be `full`"),
            Err(_) => Self {
                documents: 400,
                posts: 40,
                kills: 5,
                watch: Duration::from_secs(30),
                outage: Duration::from_secs(2),
                crashes: 0,
                lease: 1,
            },
        }
    }
}
