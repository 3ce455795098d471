//! The program as a process that serves a database.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, ExitStatus, Stdio};

use tempfile::TempDir;
use tokio::task::spawn_blocking;

use super::{TestDatabase, program};

/// `alphanode serve`, without workers; killed when this is dropped.
pub struct Serving {
    /// Where it listens.
    pub address: SocketAddr,
    process: Child,
    _keys: TempDir,
}

impl Serving {
    /// Starts it; answers when it listens.
    pub fn start(database: &TestDatabase) -> Self {
        let keys = tempfile::tempdir().unwrap();
        let mut process = Command::new(program())
            .env("ALPHANODE_KEYS_DIRECTORY", keys.path().join("keys"))
            .args(["serve", "--no-worker", "--listen", "127.0.0.1:0"])
            .args(["--database-url", database.url()])
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = BufReader::new(process.stderr.take().unwrap()).lines();
        let api = said.next().unwrap().unwrap();
        let address = api.split("http://").nth(1).unwrap();
        let address = address.strip_suffix("/graphql").unwrap().parse().unwrap();
        // It must not wait until somebody reads what it says.
        std::thread::spawn(move || said.count());
        Self {
            address,
            process,
            _keys: keys,
        }
    }

    /// Tells it to stop, as an operator does.
    pub fn tell_to_stop(&self) {
        let told = Command::new("kill")
            .args(["-TERM", &self.process.id().to_string()])
            .status();
        assert!(told.unwrap().success());
    }

    /// Waits until it has stopped.
    pub async fn stopped(mut self) -> ExitStatus {
        let wait = move || {
            let serving = &mut self;
            serving.process.wait().unwrap()
        };
        spawn_blocking(wait).await.unwrap()
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
