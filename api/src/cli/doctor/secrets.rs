//! Whether secrets are kept from others on the machine.

use std::fs::Metadata;
use std::io::ErrorKind;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use chrono::TimeDelta;
use url::Url;

use super::Given;
use crate::cli::Failure;
use crate::config::Config;
use crate::domain::doctor::{Finding, some_of};
use crate::domain::signing_key::SigningKeys;
use crate::foundation::clock::Clock;

/// How old the key that signs may become.
const KEY_AGE: TimeDelta = TimeDelta::days(365);

/// Whether a password is where others can read it, and whether others can change the settings.
pub(super) fn settings_file(given: &Given) -> Result<Finding, Failure> {
    if given.database_url.as_deref().is_some_and(holds_password) {
        return Ok(Finding::warn(
            "the password of the database is an argument: everybody on the machine sees it",
            "give it by ALPHANODE_DATABASE_URL",
        ));
    }
    let file = given.file.display();
    let Some(metadata) = there(&given.file)? else {
        return Ok(Finding::skip(format!("there is no {file}")));
    };
    let mode = permissions(&metadata);
    if mode & 0o022 != 0 {
        return Ok(Finding::fail(
            format!(
                "others may write {file} ({mode:04o}), and so choose the database and the keys"
            ),
            format!("chmod go-w {file}"),
        ));
    }
    let text = std::fs::read_to_string(&given.file)?;
    if mode & 0o044 != 0 && text.lines().any(holds_password) {
        return Ok(Finding::fail(
            format!(
                "{file} holds the password of the database, and others may read it ({mode:04o})"
            ),
            format!("chmod 600 {file}, or give it by ALPHANODE_DATABASE_URL"),
        ));
    }
    Ok(Finding::ok(format!(
        "{file} ({mode:04o}) gives nothing away"
    )))
}

/// Whether a text has a URL with a password in it.
fn holds_password(text: &str) -> bool {
    let Some(start) = text.find("postgres") else {
        return false;
    };
    let url = text[start..].split(['"', '\'', ' ']).next();
    let url = url.and_then(|url| Url::parse(url).ok());
    url.is_some_and(|url| {
        url.password().is_some() || url.query_pairs().any(|(name, _)| name == "password")
    })
}

/// Whether nobody else on the machine can read the keys that sign tokens, or put theirs there.
pub(super) fn keys_directory(config: &Config) -> Result<Finding, Failure> {
    let directory = &config.keys_directory;
    let name = directory.display();
    let Some(metadata) = there(directory)? else {
        return Ok(Finding::skip(format!(
            "there is no {name} yet; the first `alphanode serve` makes it"
        )));
    };
    let mut odd = Vec::new();
    let mut look = |path: &Path, metadata: &Metadata| {
        let mode = permissions(metadata);
        let uid = rustix::process::geteuid().as_raw();
        if mode & 0o077 != 0 {
            odd.push(format!("{} is {mode:04o}", path.display()));
        }
        if metadata.uid() != uid && uid != 0 {
            odd.push(format!(
                "{} belongs to user {}",
                path.display(),
                metadata.uid()
            ));
        }
    };
    look(directory, &metadata);
    for entry in std::fs::read_dir(directory)? {
        let entry = entry?;
        look(&entry.path(), &entry.metadata()?);
    }
    Ok(match odd.is_empty() {
        true => Finding::ok(format!("{name} is for its owner alone")),
        false => Finding::fail(
            some_of(&odd),
            format!(
                "chmod -R go= {name}, as the user that runs the server; then `alphanode keys rotate`"
            ),
        ),
    })
}

/// Whether the key that signs tokens is renewed from time to time.
pub(super) fn signing_key(config: &Config, clock: &Clock) -> Result<Finding, Failure> {
    let keys = SigningKeys::new(&config.keys_directory, clock.clone());
    let Some(signs) = keys.list()?.into_iter().next() else {
        return Ok(Finding::skip(
            "there is none yet; the first `alphanode serve` makes it",
        ));
    };
    let age = clock.now() - signs.created_at;
    let found = format!("{} signs, {} days old", signs.id, age.num_days());
    Ok(match age > KEY_AGE {
        true => Finding::warn(
            found,
            "`alphanode keys rotate`; nobody has to sign in again",
        ),
        false => Finding::ok(found),
    })
}

/// What the machine says of a file, if there is one.
pub(super) fn there(path: &Path) -> Result<Option<Metadata>, Failure> {
    match std::fs::metadata(path) {
        Ok(metadata) => Ok(Some(metadata)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(format!("{}: {error}", path.display()).into()),
    }
}

/// Who may do what with a file.
pub(super) fn permissions(metadata: &Metadata) -> u32 {
    metadata.permissions().mode() & 0o7777
}
