//! What tests stand on.

pub mod cache_rule;
mod database;
pub mod editing;
mod editor;
pub mod importing;
pub mod operator;
pub mod perspective;
pub mod port;
mod postgres;
mod program;
mod proxy;
pub mod reading;
pub mod release;
mod server;
mod serving;
pub mod socket;
mod sqlite;
mod store;
mod token;
pub mod transfer;
pub mod webhook;

pub use database::{Backend, TestDatabase};
pub use editor::Editor;
pub use program::{command, number, program};
pub use proxy::Proxy;
pub use server::{Answer, TestServer, TestUser, new_post, note};
pub use serving::Serving;
pub use store::TestStore;
pub use token::api_token;

use std::{fs, time::UNIX_EPOCH};

/// Changes whenever this test binary does, and so whenever a migration does: it names the migrated
/// databases that tests copy.
fn fingerprint() -> String {
    let binary = std::env::current_exe().expect("the test binary has a path");
    let metadata = fs::metadata(&binary).expect("the test binary can be read");
    let modified = metadata
        .modified()
        .expect("files have a time")
        .duration_since(UNIX_EPOCH)
        .expect("the test binary is younger than 1970");
    format!("{:x}_{:x}", modified.as_nanos(), metadata.len())
}
