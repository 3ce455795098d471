//! A small HTTP/1.1 client: kept-alive connections, requests made beforehand, and no more reading
//! of an answer than finding its end. It runs on the cores that the servers want too, so it has to
//! be cheap.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use memchr::memmem;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::Result;
use crate::process::Spent;

/// No round asks more often than this, however quick the answers are.
const REQUESTS: u64 = 2_000_000;

/// The longest wait for one answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// A request, and what is known of its answer.
#[derive(Clone, Debug)]
pub struct Call {
    pub request: Vec<u8>,
    pub status: u16,
    /// Of the body.
    pub length: usize,
}

/// What a round measured.
pub struct Round {
    pub per_second: f64,
    /// Microseconds from sending a request to having its whole answer.
    pub latencies: Histogram<u64>,
    /// Answers that came from the cache, of all.
    pub hits: f64,
    pub spent: Spent,
}

/// One kept-alive connection.
pub struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

/// A whole answer.
#[derive(Clone, Copy, Debug)]
pub struct Answer<'connection> {
    pub status: u16,
    /// From the first line to the last header, without the empty line.
    pub head: &'connection [u8],
    pub body: &'connection [u8],
}

impl Answer<'_> {
    /// The value of a header, whose name is given in lower case as the servers write it.
    pub fn header(&self, name: &str) -> Option<&str> {
        let head = std::str::from_utf8(self.head).ok()?;
        let lines = head.split("\r\n").skip(1);
        let mut lines = lines.filter_map(|line| line.split_once(": "));
        lines
            .find(|(found, _)| *found == name)
            .map(|(_, value)| value)
    }

    /// Whether the cache answered.
    pub fn is_hit(&self) -> bool {
        memmem::find(self.head, b"\r\nx-cache: HIT").is_some()
    }
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
        let answer = self.answer(request).await?;
        match answer.status {
            200 => Ok(answer.body),
            _ => Err(format!("a server answered {}", start_of(answer.head)).into()),
        }
    }

    /// Sends a request and reads its answer, whatever its status.
    ///
    /// # Errors
    ///
    /// When the answer can't be read or takes too long.
    pub async fn answer(&mut self, request: &[u8]) -> Result<Answer<'_>> {
        match tokio::time::timeout(PATIENCE, self.exchange(request)).await {
            Ok(answer) => answer,
            Err(_) => Err("an answer took too long".into()),
        }
    }

    /// The same without a limit of time, which costs a timer.
    async fn exchange(&mut self, request: &[u8]) -> Result<Answer<'_>> {
        self.stream.write_all(request).await?;
        self.buffer.clear();
        let mut head = None;
        let (status, end, length) = loop {
            if self.stream.read_buf(&mut self.buffer).await? == 0 {
                return Err("the server closed a connection".into());
            }
            if head.is_none() {
                head = read_head(&self.buffer)?;
            }
            if let Some((status, end, length)) = head
                && self.buffer.len() >= end + 4 + length
            {
                break (status, end, length);
            }
        };
        Ok(Answer {
            status,
            head: &self.buffer[..end],
            body: &self.buffer[end + 4..end + 4 + length],
        })
    }
}

/// The status, where the head ends, and how long the body is, once the whole head is there.
fn read_head(buffer: &[u8]) -> Result<Option<(u16, usize, usize)>> {
    let Some(end) = memmem::find(buffer, b"\r\n\r\n") else {
        return Ok(None);
    };
    let head = &buffer[..end];
    let status = head.get(9..12).map(std::str::from_utf8);
    let status: u16 = status.ok_or("an answer has no status")??.parse()?;
    if status == 304 {
        return Ok(Some((status, end, 0)));
    }
    const LENGTH: &[u8] = b"\r\ncontent-length: ";
    let found = memmem::find(head, LENGTH).ok_or("an answer has no Content-Length")?;
    let digits = head[found + LENGTH.len()..]
        .iter()
        .take_while(|byte| byte.is_ascii_digit());
    let length = digits.fold(0, |length, digit| 10 * length + usize::from(digit - b'0'));
    Ok(Some((status, end, length)))
}

/// The beginning of what a server said, for people.
fn start_of(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    text.chars().take(300).collect()
}

/// Asks for a while over several connections, each of which takes one of `calls` at random. What the
/// server spends on it is left to whoever knows the server.
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
        let asking = async move {
            let mut connection = Connection::open(address).await?;
            let mut latencies = Histogram::<u64>::new_with_max(60_000_000, 3)?;
            let mut state = 0x9E37_79B9_7F4A_7C15_u64.wrapping_mul(number as u64 + 1);
            let mut hits: u64 = 0;
            for _ in 0..share {
                let call = &calls[next(&mut state) as usize % calls.len()];
                let asked = Instant::now();
                let answer = connection.exchange(&call.request).await?;
                let answered = Instant::now();
                if (answer.status, answer.body.len()) != (call.status, call.length) {
                    let start = start_of(answer.head) + &start_of(answer.body);
                    return Err(format!("an answer differs from the first: {start}").into());
                }
                hits += u64::from(answer.is_hit());
                latencies.saturating_record((answered - asked).as_micros() as u64);
                if answered - started >= duration {
                    break;
                }
            }
            crate::Result::Ok((latencies, hits))
        };
        tasks.spawn(tokio::time::timeout(duration + PATIENCE, asking));
    }
    let mut latencies = Histogram::<u64>::new_with_max(60_000_000, 3)?;
    let mut hits = 0;
    while let Some(ended) = tasks.join_next().await {
        let (of_connection, its_hits) = ended???;
        latencies.add(of_connection)?;
        hits += its_hits;
    }
    Ok(Round {
        per_second: latencies.len() as f64 / started.elapsed().as_secs_f64(),
        hits: hits as f64 / latencies.len() as f64,
        latencies,
        spent: Spent::default(),
    })
}

/// The next random number (xorshift): the same every run.
fn next(state: &mut u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state
}
