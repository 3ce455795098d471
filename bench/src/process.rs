//! Servers under test: processes on loopback that end with their owner.

use std::collections::BTreeMap;
use std::fs::{File, read_to_string};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::Serialize;

use crate::baseline::Kept;
use crate::client::{self, Call, Connection, Round};
use crate::{Arguments, Result, load};

/// A server that runs.
pub struct Server {
    pub address: SocketAddr,
    child: Child,
}

impl Server {
    /// Starts alphanode on a database, without workers.
    pub fn alphanode(database: &load::Database, folder: &Path) -> Result<Self> {
        let address = free_address()?;
        let mut command = alphanode()?;
        command
            .args(["serve", "--no-worker", "--listen", &address.to_string()])
            .args(["--database-url", &database.url])
            // One client asks more than any in the world does.
            .env("ALPHANODE_RATE_LIMIT_POINTS_PER_MINUTE", "0")
            .env("ALPHANODE_RATE_LIMIT_POINTS_PER_MINUTE_SIGNED_IN", "0");
        Self::start(command, address, &database.log("alphanode", folder))
    }

    /// Starts this program as one of the servers that bound alphanode.
    pub fn baseline(name: &str, argument: &str, log: &Path) -> Result<Self> {
        let address = free_address()?;
        let mut command = Command::new(std::env::current_exe()?);
        command
            .env_clear()
            .args([name, &address.to_string(), argument]);
        Self::start(command, address, log)
    }

    /// Starts this program as a server that has these answers in memory, by their paths.
    pub fn bytes(
        name: &str,
        answers: &BTreeMap<String, Kept>,
        database: &load::Database,
        arguments: &Arguments,
    ) -> Result<Self> {
        let file = arguments.folder.join(format!("{name}.json"));
        std::fs::write(&file, serde_json::to_vec(answers)?)?;
        let log = database.log(name, &arguments.folder);
        Self::baseline("bytes", &file.to_string_lossy(), &log)
    }

    fn start(mut command: Command, address: SocketAddr, log: &Path) -> Result<Self> {
        let log = File::create(log)?;
        let child = command
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()?;
        Ok(Self { address, child })
    }

    /// Waits for the answer to a request, and says how long it took since now.
    pub async fn first_answer(&self, request: &[u8]) -> Result<Duration> {
        let started = Instant::now();
        self.first_connection().await?.ask(request).await?;
        Ok(started.elapsed())
    }

    /// Waits until it listens.
    pub async fn first_connection(&self) -> Result<Connection> {
        let started = Instant::now();
        loop {
            if let Ok(connection) = Connection::open(self.address).await {
                return Ok(connection);
            }
            if started.elapsed() > Duration::from_secs(30) {
                return Err("a server does not start; its log says why".into());
            }
            tokio::time::sleep(Duration::from_micros(500)).await;
        }
    }

    /// Asks it for a round, as long and over as many connections as the arguments say.
    pub async fn round(&self, calls: &Arc<[Call]>, arguments: &Arguments) -> Result<Round> {
        let duration = Duration::from_secs_f64(arguments.seconds);
        let meter = Meter::start(self)?;
        let mut round = client::round(self.address, calls, arguments.connections, duration).await?;
        round.spent = meter.read(round.latencies.len())?;
        Ok(round)
    }

    /// Memory it holds, in bytes.
    pub fn memory(&self) -> Result<u64> {
        let status = read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find(|line| line.starts_with("VmRSS:"));
        let kilobytes = line.and_then(|line| line.split_whitespace().nth(1));
        Ok(kilobytes.ok_or("no VmRSS in /proc")?.parse::<u64>()? * 1024)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Processor time that was spent.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Spent {
    /// By the server for one request, in microseconds.
    pub server_us: f64,
    /// By the load generator, as a part of one core. One that is close to 1 could not have asked more
    /// often, and hides how much quicker a server is than another.
    pub generator: f64,
}

/// Measures the processor time that a server and the load generator spend from its start on.
pub struct Meter<'server> {
    server: &'server Server,
    started: Instant,
    before: [Duration; 2],
}

impl<'server> Meter<'server> {
    pub fn start(server: &'server Server) -> Result<Self> {
        Ok(Self {
            server,
            started: Instant::now(),
            before: Self::times(server)?,
        })
    }

    /// What was spent on so many requests.
    pub fn read(self, requests: u64) -> Result<Spent> {
        let [server, generator] = Self::times(self.server)?;
        let server = (server - self.before[0]).as_secs_f64();
        let generator = (generator - self.before[1]).as_secs_f64();
        Ok(Spent {
            server_us: server * 1e6 / requests as f64,
            generator: generator / self.started.elapsed().as_secs_f64(),
        })
    }

    fn times(server: &Server) -> Result<[Duration; 2]> {
        let own = std::process::id();
        Ok([processor_time(server.child.id())?, processor_time(own)?])
    }
}

/// Processor time that a process has used so far, to a hundredth of a second.
fn processor_time(process: u32) -> Result<Duration> {
    let text = read_to_string(format!("/proc/{process}/stat"))?;
    // The name, in brackets, may hold spaces.
    let fields = text.rsplit_once(')').ok_or("no name in /proc")?.1;
    let mut fields = fields.split_whitespace().skip(11);
    let mut next = || -> Result<u64> { Ok(fields.next().ok_or("a short /proc")?.parse()?) };
    // Linux counts in hundredths of a second here, on every machine.
    Ok(Duration::from_millis(10 * (next()? + next()?)))
}

/// The program beside this one, away from settings that are not meant for it.
pub fn alphanode() -> Result<Command> {
    let path: PathBuf = std::env::current_exe()?.with_file_name("alphanode");
    let mut command = Command::new(path);
    command.env_clear();
    Ok(command)
}

fn free_address() -> Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}
