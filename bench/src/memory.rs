//! Memory under mixed load with connections that come and go: it must stay flat.

use std::time::Duration;

use serde::Serialize;

use crate::load::{Database, Kind};
use crate::mixed::{Site, Traffic};
use crate::start::median;
use crate::{Arguments, Result, say};

/// Requests after which a connection ends.
const LIFETIMES: std::ops::Range<u32> = 1..200;

/// Memory is read so often.
const EVERY: Duration = Duration::from_secs(1);

/// Parts that a run is cut into. The first ones warm up: caches fill, and the allocator finds its size.
const PARTS: usize = 10;
const WARM_UP: usize = 2;

#[derive(Clone, Debug, Serialize)]
pub struct Memory {
    pub database: Kind,
    pub minutes: f64,
    /// Resident memory in bytes, the median of each part of the run.
    pub parts: Vec<f64>,
    pub traffic: Traffic,
}

impl Memory {
    /// What the memory of the largest part after the warm-up is of that of the first one after it.
    pub fn growth(&self) -> f64 {
        let parts = &self.parts[WARM_UP.min(self.parts.len())..];
        let largest = parts.iter().copied().fold(f64::NAN, f64::max);
        parts.first().map_or(f64::NAN, |first| largest / first)
    }
}

pub async fn measure(database: &Database, arguments: &Arguments) -> Result<Memory> {
    say("copying the database");
    let copy = database.copy().await?;
    let memory = run(&copy, arguments).await;
    copy.remove().await?;
    memory
}

async fn run(database: &Database, arguments: &Arguments) -> Result<Memory> {
    let mut site = Site::open(database, arguments).await?;
    let server = site.server.clone();
    let duration = Duration::from_secs_f64(60.0 * arguments.minutes);
    say(&format!("mixed load for {} minutes", arguments.minutes));
    let mut samples = Vec::new();
    let sampling = async {
        loop {
            tokio::time::sleep(EVERY).await;
            match server.memory() {
                Ok(bytes) => samples.push(bytes as f64),
                Err(error) => return error,
            }
        }
    };
    let traffic = tokio::select! {
        traffic = site.visit(duration, Some(LIFETIMES)) => traffic?,
        error = sampling => return Err(error),
    };
    if samples.len() < PARTS {
        return Err("that is too short to say anything of memory".into());
    }
    let size = samples.len().div_ceil(PARTS);
    let parts = samples.chunks(size).map(|part| median(part.to_vec()));
    Ok(Memory {
        database: database.kind,
        minutes: arguments.minutes,
        parts: parts.collect(),
        traffic,
    })
}
