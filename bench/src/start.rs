//! A process on its own: how soon it answers, and what it holds before anybody asks for much.

use std::time::{Duration, Instant};

use serde::Serialize;
use serde_json::json;

use crate::load::Database;
use crate::operation::graphql;
use crate::process::Server;
use crate::{Arguments, Result, say};

const STARTS: usize = 7;

/// Memory is read when everything that start-up does has been done.
const REST: Duration = Duration::from_secs(2);

#[derive(Clone, Copy, Debug, Serialize)]
pub struct Start {
    /// From starting the process to having its first answer, the median.
    pub first_answer_ms: f64,
    /// Resident memory some moments later.
    pub memory_at_rest: u64,
}

pub async fn measure(database: &Database, arguments: &Arguments) -> Result<Start> {
    say("starting it");
    let request = graphql("{ posts(first: 1) { nodes { title } } }", &json!({}));
    let mut times = Vec::new();
    let mut memory_at_rest = 0;
    for number in 1..=STARTS {
        let started = Instant::now();
        let server = Server::alphanode(database, &arguments.folder)?;
        server.first_answer(&request).await?;
        times.push(started.elapsed().as_secs_f64() * 1_000.0);
        if number == STARTS {
            tokio::time::sleep(REST).await;
            memory_at_rest = server.memory()?;
        }
    }
    Ok(Start {
        first_answer_ms: median(times),
        memory_at_rest,
    })
}

/// The middle value; of an even number, the larger of the two.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
