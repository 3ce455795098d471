//! The keys that sign tokens (Ed25519), one a file of a directory that all nodes share. The newest
//! signs, all of them verify, and a token names its key, so that keys change without anybody having
//! to sign in again.

mod directory;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};

use chrono::{DateTime, TimeDelta, Utc};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode_header};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::error::{Error, Result};
use crate::foundation::clock::Clock;
use directory::Directory;

/// The longest that a token is good for. A key is needed for so long after it signed its last.
pub const LONGEST_LIFE: TimeDelta = TimeDelta::days(30);

/// Who signs: all tokens say it.
const ISSUER: &str = "alphanode";

/// What a kind of token says.
pub trait Claims: Serialize + DeserializeOwned {
    /// The kind, in the token's header, so that none passes for another.
    const TYPE: &'static str;
    /// What the holder of one that is no longer good should do.
    const REMEDY: &'static str;
}

/// The claims with what every token says.
#[derive(Serialize, Deserialize)]
struct Body<C> {
    iss: String,
    iat: i64,
    exp: i64,
    #[serde(flatten)]
    claims: C,
}

/// What a token that is good says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verified<C> {
    /// Its claims.
    pub claims: C,
    /// Until when it is good.
    pub expires_at: DateTime<Utc>,
}

/// The keys of a directory. Clones share what was read of it.
#[derive(Clone, Debug)]
pub struct SigningKeys {
    directory: Arc<Directory>,
    clock: Clock,
    known: Arc<RwLock<Arc<KnownKeys>>>,
}

/// Keys by their ids, the newest last.
type KnownKeys = BTreeMap<String, Arc<SigningKey>>;

#[derive(Debug)]
struct SigningKey {
    sign: EncodingKey,
    verify: DecodingKey,
}

/// A key, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyDescription {
    /// Its id: the name of its file without the ending, and the `kid` of its tokens.
    pub id: String,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When the last token that it may have signed expires; absent for the key that signs now.
    pub needed_until: Option<DateTime<Utc>>,
}

/// What a rotation did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rotation {
    /// The id of the key that signs from now on.
    pub added: String,
    /// The ids of keys that no token can need any more.
    pub removed: Vec<String>,
}

/// The kind that a token says it is of. Only its signature tells whether that is true.
pub fn kind_of(token: &str) -> Option<String> {
    decode_header(token).ok()?.typ
}

impl SigningKeys {
    /// The keys of a directory, which is read when it is first needed.
    pub fn new(directory: impl Into<PathBuf>, clock: Clock) -> Self {
        Self {
            directory: Arc::new(Directory(directory.into())),
            clock,
            known: Arc::default(),
        }
    }

    /// Reads the directory, and makes the first key when there is none.
    ///
    /// # Errors
    ///
    /// When the directory can't be made, read or written.
    pub fn prepare(&self) -> Result<()> {
        self.newest().map(|_| ())
    }

    /// A token that says `claims` until `expires_at`.
    ///
    /// # Errors
    ///
    /// When it would outlive [`LONGEST_LIFE`], or the keys can't be read.
    pub fn sign<C: Claims>(&self, claims: C, expires_at: DateTime<Utc>) -> Result<String> {
        let now = self.clock.now();
        if expires_at - now > LONGEST_LIFE {
            return Err(Error::Internal("a token would outlive its key".into()));
        }
        let (id, key) = self.newest()?;
        let mut header = Header::new(Algorithm::EdDSA);
        header.typ = Some(C::TYPE.to_owned());
        header.kid = Some(id);
        let body = Body {
            iss: ISSUER.to_owned(),
            iat: now.timestamp(),
            exp: expires_at.timestamp(),
            claims,
        };
        jsonwebtoken::encode(&header, &body, &key.sign)
            .map_err(|error| Error::Internal(format!("signing a token: {error}")))
    }

    /// The claims of a token that one of the keys has signed, that is of this kind, and that has not
    /// expired.
    ///
    /// # Errors
    ///
    /// [`Error::BadCredential`] otherwise, with what to do.
    pub fn verify<C: Claims>(&self, token: &str) -> Result<Verified<C>> {
        let bad = |what: &str| Error::BadCredential(format!("the token {what}; {}", C::REMEDY));
        let invalid = || bad("is not one that this server has signed");
        let header = decode_header(token).map_err(|_| invalid())?;
        let id = header.kid.ok_or_else(invalid)?;
        let key = self.find(&id)?.ok_or_else(invalid)?;
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.set_required_spec_claims(&["exp", "iss"]);
        validation.set_issuer(&[ISSUER]);
        // By our clock, below.
        validation.validate_exp = false;
        let token = jsonwebtoken::decode::<Body<C>>(token, &key.verify, &validation);
        let token = token.map_err(|_| invalid())?;
        if token.header.typ.as_deref() != Some(C::TYPE) {
            return Err(bad("is of another kind"));
        }
        let expires_at = DateTime::from_timestamp(token.claims.exp, 0).ok_or_else(invalid)?;
        if expires_at <= self.clock.now() {
            return Err(bad("has expired"));
        }
        Ok(Verified {
            claims: token.claims.claims,
            expires_at,
        })
    }

    /// Adds a key, which signs from now on, and removes those that no token can need any more.
    ///
    /// # Errors
    ///
    /// When the directory can't be read or written.
    pub fn rotate(&self) -> Result<Rotation> {
        let added = self.directory.add(self.clock.now())?;
        let mut removed = Vec::new();
        for key in self.list()? {
            if key
                .needed_until
                .is_some_and(|until| until < self.clock.now())
            {
                self.directory.remove(&key.id)?;
                removed.push(key.id);
            }
        }
        Ok(Rotation { added, removed })
    }

    /// Every key, the newest first.
    ///
    /// # Errors
    ///
    /// When the directory can't be read.
    pub fn list(&self) -> Result<Vec<KeyDescription>> {
        let mut keys = Vec::new();
        let mut followed_by: Option<DateTime<Utc>> = None;
        for id in self.directory.ids()?.into_iter().rev() {
            let created_at = directory::created_at(&id)?;
            keys.push(KeyDescription {
                id,
                created_at,
                needed_until: followed_by.map(|time| time + LONGEST_LIFE),
            });
            followed_by = Some(created_at);
        }
        Ok(keys)
    }

    fn newest(&self) -> Result<(String, Arc<SigningKey>)> {
        self.read()?;
        if self.known().is_empty() {
            self.directory.add(self.clock.now())?;
            self.read()?;
        }
        let known = self.known();
        let newest = known.last_key_value();
        let newest = newest.map(|(id, key)| (id.clone(), Arc::clone(key)));
        newest.ok_or_else(|| Error::Internal("the directory of keys stays empty".into()))
    }

    /// A key by its id. One that is not known may be new: another node has made it.
    fn find(&self, id: &str) -> Result<Option<Arc<SigningKey>>> {
        if let Some(key) = self.known().get(id) {
            return Ok(Some(Arc::clone(key)));
        }
        self.read()?;
        Ok(self.known().get(id).cloned())
    }

    /// Makes what is known what is in the directory: one look at its names, and at new files.
    fn read(&self) -> Result<()> {
        let known = self.known();
        let ids = self.directory.ids()?;
        if ids.iter().eq(known.keys()) {
            return Ok(());
        }
        let mut keys = BTreeMap::new();
        for id in ids {
            let key = match known.get(&id) {
                Some(key) => Arc::clone(key),
                None => Arc::new(self.directory.read(&id)?),
            };
            keys.insert(id, key);
        }
        *self.known.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(keys);
        Ok(())
    }

    fn known(&self) -> Arc<KnownKeys> {
        Arc::clone(&self.known.read().unwrap_or_else(PoisonError::into_inner))
    }
}
