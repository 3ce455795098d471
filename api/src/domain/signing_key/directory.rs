//! The directory of signing keys: each file is a private key in PKCS#8, named by when it was made.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use chrono::{DateTime, NaiveDateTime, Utc};
use jsonwebtoken::{DecodingKey, EncodingKey};

use super::SigningKey;
use crate::domain::error::{Error, Result};
use crate::foundation::secret::random_secret;

/// How the name of a file ends.
const ENDING: &str = "pk8";

/// How a name begins: it sorts by time.
const TIME: &str = "%Y%m%dT%H%M%S%.6fZ";

/// A directory that only its owner can look into.
#[derive(Debug)]
pub(super) struct Directory(pub(super) PathBuf);

impl Directory {
    /// The ids of all keys, the oldest first. A directory that is not there yet has none.
    pub(super) fn ids(&self) -> Result<Vec<String>> {
        let entries = match fs::read_dir(&self.0) {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(failed("read", &self.0, &error)),
        };
        let mut ids = Vec::new();
        for entry in entries {
            let path = entry
                .map_err(|error| failed("read", &self.0, &error))?
                .path();
            let name = path.file_stem().and_then(|name| name.to_str());
            if let Some(name) = name
                && path.extension().is_some_and(|ending| ending == ENDING)
            {
                ids.push(name.to_owned());
            }
        }
        ids.sort_unstable();
        Ok(ids)
    }

    /// Reads a key.
    pub(super) fn read(&self, id: &str) -> Result<SigningKey> {
        let path = self.path(id);
        let bytes = fs::read(&path).map_err(|error| failed("read", &path, &error))?;
        let pair = Ed25519KeyPair::from_pkcs8(&bytes).map_err(|error| {
            Error::Internal(format!("{}: no signing key: {error}", path.display()))
        })?;
        Ok(SigningKey {
            sign: EncodingKey::from_ed_der(&bytes),
            verify: DecodingKey::from_ed_der(pair.public_key().as_ref()),
        })
    }

    /// Makes a key, and answers its id. The file takes its name when it is whole, so that nobody
    /// reads half of it.
    pub(super) fn add(&self, now: DateTime<Utc>) -> Result<String> {
        let mut builder = DirBuilder::new();
        builder.recursive(true).mode(0o700);
        builder
            .create(&self.0)
            .map_err(|error| failed("make", &self.0, &error))?;
        let key = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new())?;
        let id = format!("{}-{}", now.format(TIME), &random_secret()?[..8]);
        let unfinished = self.0.join(format!("{id}.new"));
        let path = self.path(&id);
        let write = || {
            let mut options = OpenOptions::new();
            let mut file = options
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(&unfinished)?;
            file.write_all(key.as_ref())?;
            file.sync_all()?;
            fs::rename(&unfinished, &path)
        };
        write().map_err(|error: std::io::Error| failed("write", &path, &error))?;
        Ok(id)
    }

    /// Removes a key.
    pub(super) fn remove(&self, id: &str) -> Result<()> {
        let path = self.path(id);
        fs::remove_file(&path).map_err(|error| failed("remove", &path, &error))
    }

    fn path(&self, id: &str) -> PathBuf {
        self.0.join(format!("{id}.{ENDING}"))
    }
}

/// When the key with this id was made.
pub(super) fn created_at(id: &str) -> Result<DateTime<Utc>> {
    let time = NaiveDateTime::parse_and_remainder(id, TIME);
    let (time, _) = time
        .map_err(|_| Error::Internal(format!("{id}.{ENDING} is not named by when it was made")))?;
    Ok(time.and_utc())
}

fn failed(verb: &str, path: &Path, error: &std::io::Error) -> Error {
    Error::Internal(format!("can't {verb} {}: {error}", path.display()))
}
