//! A small HTTP/1.1 client: kept-alive connections, requests made beforehand, and no more reading
//! of an answer than finding its end. It runs on the cores that the servers want too, so it has to
//! be cheap.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::Result;

/// No round asks more often than this, however quick the answers are.
const REQUESTS: u64 = 2_000_000;

/// The longest wait for one answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// A request, and how long the body of its answer is.
#[derive(Clone, Debug)]
pub struct Call {
    pub request: Vec<u8>,
    pub length: usize,
}

/// What a round measured.
pub struct Round {
    pub per_second: f64,
    /// Microseconds from sending a request to having its whole answer.
    pub latencies: Histogram<u64>,
}

/// One kept-alive connection.
pub struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    pub async fn open(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            buffer: Vec::with_capacity(64 * 1024),
        })
    }

    /// Sends a request and reads the body of its answer.
    ///
    /// # Errors
    ///
    /// When the answer is not `200 OK` with a `Content-Length`, or takes too long.
    pub async fn ask(&mut self, request: &[u8]) -> Result<&[u8]> {
        match tokio::time::timeout(PATIENCE, self.exchange(request)).await {
            Ok(body) => {
                let start = body?;
                Ok(&self.buffer[start..])
            }
            Err(_) => Err("an answer took too long".into()),
        }
    }

    /// Answers where the body begins.
    async fn exchange(&mut self, request: &[u8]) -> Result<usize> {
        self.stream.write_all(request).await?;
        self.buffer.clear();
        let mut end = None;
        loop {
            if self.stream.read_buf(&mut self.buffer).await? == 0 {
                return Err("the server closed a connection".into());
            }
            if end.is_none() {
                end = head_end(&self.buffer)?;
            }
            if let Some((start, length)) = end
                && self.buffer.len() >= start + length
            {
                return Ok(start);
            }
        }
    }
}

/// Where the body begins and how long it is, once the whole head is there.
fn head_end(buffer: &[u8]) -> Result<Option<(usize, usize)>> {
    let Some(end) = buffer.windows(4).position(|bytes| bytes == b"\r\n\r\n") else {
        return Ok(None);
    };
    let head = std::str::from_utf8(&buffer[..end])?;
    let mut lines = head.split("\r\n");
    let status = lines.next().unwrap_or_default();
    if !status.starts_with("HTTP/1.1 200 ") {
        return Err(format!("a server answered {status}").into());
    }
    let length = lines
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .ok_or("an answer has no Content-Length")?
        .1;
    Ok(Some((end + 4, length.trim().parse()?)))
}

/// Asks for a while over several connections, each of which takes one of `calls` at random.
pub async fn round(
    address: SocketAddr,
    calls: &Arc<[Call]>,
    connections: usize,
    duration: Duration,
) -> Result<Round> {
    let mut tasks = JoinSet::new();
    let started = Instant::now();
    for number in 0..connections {
        let calls = Arc::clone(calls);
        let share = REQUESTS / connections as u64;
        tasks.spawn(async move {
            let mut connection = Connection::open(address).await?;
            let mut latencies = Histogram::<u64>::new_with_max(60_000_000, 3)?;
            let mut state = 0x9E37_79B9_7F4A_7C15_u64.wrapping_mul(number as u64 + 1);
            for _ in 0..share {
                let call = &calls[next(&mut state) as usize % calls.len()];
                let asked = Instant::now();
                let body = connection.ask(&call.request).await?;
                let answered = Instant::now();
                if body.len() != call.length {
                    let text = String::from_utf8_lossy(body);
                    let start: String = text.chars().take(300).collect();
                    return Err(format!("an answer differs from the first: {start}").into());
                }
                latencies.saturating_record((answered - asked).as_micros() as u64);
                if answered - started >= duration {
                    break;
                }
            }
            crate::Result::Ok(latencies)
        });
    }
    let mut latencies = Histogram::<u64>::new_with_max(60_000_000, 3)?;
    while let Some(ended) = tasks.join_next().await {
        latencies.add(ended??)?;
    }
    Ok(Round {
        per_second: latencies.len() as f64 / started.elapsed().as_secs_f64(),
        latencies,
    })
}

/// The next random number (xorshift): the same every run.
fn next(state: &mut u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state
}
