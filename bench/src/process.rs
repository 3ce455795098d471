//! Servers under test: processes on loopback that end with their owner.

use std::fs::{File, read_to_string};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::client::Connection;
use crate::{Result, load};

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
            .args(["--database-url", &database.url]);
        Self::start(command, address, &database.log("alphanode", folder))
    }

    /// Starts this program as one of the servers that bound alphanode.
    pub fn baseline(name: &str, argument: &str, log: &Path) -> Result<Self> {
        let address = free_address()?;
        let mut command = Command::new(std::env::current_exe()?);
        command.args([name, &address.to_string(), argument]);
        Self::start(command, address, log)
    }

    fn start(mut command: Command, address: SocketAddr, log: &Path) -> Result<Self> {
        let log = File::create(log)?;
        let child = command
            .env_clear()
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
