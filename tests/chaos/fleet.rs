//! Processes that are killed and started again.

use std::net::{SocketAddr, TcpListener};
use std::ops::Range;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tempfile::TempDir;

use super::Scale;
use crate::support::program;

/// What all is over in, however often it is killed.
const PATIENCE: Duration = Duration::from_secs(900);

/// A server and a worker over one database, in processes of their own.
pub(super) struct Fleet {
    /// Where the server listens, whenever it is up.
    pub(super) address: SocketAddr,
    /// Processes that were killed.
    pub(super) kills: usize,
    nodes: [Node; 2],
    random: ChaCha8Rng,
    _keys: TempDir,
}

impl Fleet {
    /// Starts them over the database that `url` leads to. The server has a worker inside too.
    pub(super) fn start(url: &str) -> Self {
        let keys = tempfile::tempdir().unwrap();
        let address = free_address();
        let listen = address.to_string();
        let keys_directory = keys.path().join("keys");
        let nodes = [&["serve", "--listen", &listen][..], &["worker"]];
        let nodes = nodes.map(|arguments| Node::start(arguments, url, &keys_directory));
        Self {
            address,
            kills: 0,
            nodes,
            random: ChaCha8Rng::seed_from_u64(11),
            _keys: keys,
        }
    }

    /// Kills one after the other, with a pause of so many milliseconds between two kills, until it
    /// was done `kills` times; then waits. Ends when `done`.
    pub(super) async fn torment(
        &mut self,
        kills: usize,
        pause: Range<u64>,
        done: impl AsyncFn() -> bool,
    ) {
        let started = Instant::now();
        loop {
            let pause = self.random.random_range(pause.clone());
            tokio::time::sleep(Duration::from_millis(pause)).await;
            if done().await {
                return;
            }
            if self.kills < kills {
                let unlucky = self.random.random_range(0..self.nodes.len());
                self.nodes[unlucky].kill_and_start_again();
                self.kills += 1;
            }
            assert!(started.elapsed() < PATIENCE, "it hangs");
        }
    }
}

/// Where a server can listen, after each kill again.
pub(super) fn free_address() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap()
}

/// A process; dropping it is `kill -9`.
pub(super) struct Node {
    command: Command,
    process: Child,
}

impl Node {
    pub(super) fn start(arguments: &[&str], database_url: &str, keys_directory: &Path) -> Self {
        let mut command = Command::new(program());
        command
            .args(arguments)
            .env("ALPHANODE_DATABASE_URL", database_url)
            .env("ALPHANODE_KEYS_DIRECTORY", keys_directory)
            .env(
                "ALPHANODE_JOB_LEASE_SECONDS",
                Scale::of_this_run().lease.to_string(),
            )
            .env("ALPHANODE_WEBHOOK_ALLOWED_HOSTS", "127.0.0.1")
            // One client sends more than any that is not a test.
            .env("ALPHANODE_RATE_LIMIT_POINTS_PER_MINUTE", "0")
            .env("ALPHANODE_RATE_LIMIT_POINTS_PER_MINUTE_SIGNED_IN", "0")
            .current_dir(keys_directory.parent().unwrap())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let process = command.spawn().unwrap();
        Self { command, process }
    }

    pub(super) fn kill_and_start_again(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
        self.process = self.command.spawn().unwrap();
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
