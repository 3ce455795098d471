//! `alphanode keys`: the keys that sign tokens.

use std::io::Write;
use std::process::ExitCode;

use clap::Subcommand;

use super::Failure;
use crate::config::Config;
use crate::domain::signing_key::SigningKeys;
use crate::foundation::clock::Clock;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Add a key, which signs from now on, and remove those that no token can need any more; nobody
    /// has to sign in again
    Rotate,
    /// List the keys, the one that signs first
    List,
}

pub(super) fn run(config: &Config, arguments: &Arguments) -> Result<ExitCode, Failure> {
    let keys = SigningKeys::new(&config.keys_directory, Clock::system());
    let mut out = std::io::stdout();
    match arguments.action {
        Action::Rotate => {
            let rotation = keys.rotate()?;
            writeln!(out, "added {}", rotation.added)?;
            for id in rotation.removed {
                writeln!(out, "removed {id}")?;
            }
        }
        Action::List => {
            for key in keys.list()? {
                let state = match key.needed_until {
                    None => "signs".to_owned(),
                    Some(until) => format!("verifies until {}", until.format("%Y-%m-%d")),
                };
                writeln!(out, "{} {state}", key.id)?;
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}
