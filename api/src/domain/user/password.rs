//! Passwords: what they must be, and how they are hashed (argon2id).

use std::sync::Arc;

use argon2::password_hash::phc::PasswordHash;
use argon2::{
    ARGON2ID_IDENT, Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version,
};
use tokio::sync::Semaphore;
use unicode_normalization::UnicodeNormalization;

use crate::domain::error::{Error, Problem, Result};
use crate::domain::slug::name_key;

/// The shortest password, in characters.
const SHORTEST: usize = 12;

/// The longest password, in characters.
const LONGEST: usize = 200;

/// What OWASP's password storage cheat sheet recommends for argon2id: memory in KiB, passes, lanes.
const COST: (u32, u32, u32) = (19_456, 2, 1);

/// The hash of 256 random bits that nobody kept. A password that has none of its own to be compared
/// with is compared with this, so that it takes as long.
const DECOY: &str = "$argon2id$v=19$m=19456,t=2,p=1$ZGVjb3kgb2Ygbm9ib2R5IQ$\
                     Q9R3kUEdOGHJ1P4Ew4x0zZkqT1oQ2iS7gXbWmVd5yLc";

/// Whether a password is the right one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is not.
    Wrong,
    /// It is.
    Right,
    /// It is, but its hash was made with other parameters than those of today.
    RightByOldHash,
}

/// Hashes passwords, on threads of their own and only so many at once: each takes 19 MiB and all
/// that a core has.
#[derive(Clone, Debug)]
pub struct Passwords {
    slots: Arc<Semaphore>,
}

impl Passwords {
    /// At most `at_once` at a time, others wait.
    pub fn new(at_once: usize) -> Self {
        Self {
            slots: Arc::new(Semaphore::new(at_once)),
        }
    }

    /// The hash of a password.
    ///
    /// # Errors
    ///
    /// When there is no memory or no randomness for it.
    pub async fn hash(&self, password: String) -> Result<String> {
        self.run(move || hash(&password)).await?
    }

    /// Compares a password with a hash. It takes as long when there is no hash; then it is wrong.
    ///
    /// # Errors
    ///
    /// When there is no memory for it, or the hash can't be read.
    pub async fn verify(&self, password: String, hash: Option<String>) -> Result<Verdict> {
        self.run(move || verify(&password, hash.as_deref())).await?
    }

    async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
        let failed = |error: String| Error::Internal(format!("hashing a password: {error}"));
        let slot = Arc::clone(&self.slots).acquire_owned().await;
        let slot = slot.map_err(|error| failed(error.to_string()))?;
        let work = tokio::task::spawn_blocking(move || {
            let result = work();
            // Held by the work, not by whoever waits for it and may give up.
            drop(slot);
            result
        });
        work.await.map_err(|error| failed(error.to_string()))
    }
}

/// Checks a password that somebody wants to have. `field` is the input field it came in.
pub fn check(password: &str, email: &str, name: &str, field: &str) -> Option<Problem> {
    let length = password.chars().count();
    let message = if length < SHORTEST {
        format!("give at least {SHORTEST} characters; a few words are easiest to remember")
    } else if length > LONGEST {
        format!("give at most {LONGEST} characters")
    } else if [email, name].map(name_key).contains(&name_key(password)) {
        "is your address or your name, and the first that anybody would try".to_owned()
    } else {
        return None;
    };
    Some(Problem::invalid(field, message))
}

fn hash(password: &str) -> Result<String> {
    let hash: PasswordHash = argon2()?
        .hash_password(spelled(password).as_bytes())
        .map_err(|error| Error::Internal(format!("hashing a password: {error}")))?;
    Ok(hash.to_string())
}

fn verify(password: &str, hash: Option<&str>) -> Result<Verdict> {
    let unreadable = |error: &dyn std::fmt::Display| {
        Error::Internal(format!("the hash of a password can't be read: {error}"))
    };
    let parsed = PasswordHash::new(hash.unwrap_or(DECOY)).map_err(|error| unreadable(&error))?;
    let argon2 = argon2()?;
    let result = argon2.verify_password(spelled(password).as_bytes(), &parsed);
    match result {
        Err(argon2::password_hash::Error::PasswordInvalid) => Ok(Verdict::Wrong),
        Err(error) => Err(unreadable(&error)),
        Ok(()) if hash.is_none() => Ok(Verdict::Wrong),
        Ok(()) => {
            let cost = Params::try_from(&parsed).map_err(|error| unreadable(&error))?;
            let cost = (cost.m_cost(), cost.t_cost(), cost.p_cost());
            let current = parsed.algorithm == ARGON2ID_IDENT && cost == COST;
            Ok(match current {
                true => Verdict::Right,
                false => Verdict::RightByOldHash,
            })
        }
    }
}

fn argon2() -> Result<Argon2<'static>> {
    let (memory, passes, lanes) = COST;
    let params = Params::new(memory, passes, lanes, None)
        .map_err(|error| Error::Internal(format!("the cost of passwords: {error}")))?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

/// The password as it is whichever way the keyboard composes its letters.
fn spelled(password: &str) -> String {
    password.nfc().collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by it")]
mod tests {
    use super::*;

    #[test]
    fn a_hash_is_right_for_its_password_alone() {
        let made = hash("correct horse battery").unwrap();
        assert!(
            made.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
            "{made}"
        );
        assert_eq!(
            verify("correct horse battery", Some(&made)).unwrap(),
            Verdict::Right
        );
        assert_eq!(
            verify("correct horse batter", Some(&made)).unwrap(),
            Verdict::Wrong
        );
        let (composed, decomposed) = (
            "caf\u{e9} caf\u{e9} caf\u{e9}",
            "cafe\u{301} cafe\u{301} cafe\u{301}",
        );
        let made = hash(composed).unwrap();
        assert_eq!(verify(decomposed, Some(&made)).unwrap(), Verdict::Right);
    }

    #[test]
    fn the_decoy_costs_what_a_hash_costs_and_is_never_right() {
        let decoy = PasswordHash::new(DECOY).unwrap();
        let hash = PasswordHash::new(&hash("anything at all").unwrap()).unwrap();
        assert_eq!(decoy.algorithm, hash.algorithm);
        assert_eq!(decoy.version, hash.version);
        assert_eq!(decoy.params, hash.params);
        assert_eq!(decoy.hash.unwrap().len(), hash.hash.unwrap().len());
        assert_eq!(decoy.salt.unwrap().len(), hash.salt.unwrap().len());
        assert_eq!(verify("anything at all", None).unwrap(), Verdict::Wrong);
    }

    #[test]
    fn a_hash_of_other_parameters_is_told_apart() {
        let cheap = Argon2::new(
            Algorithm::Argon2id,
            Version::V0x13,
            Params::new(64, 1, 1, None).unwrap(),
        );
        let old: PasswordHash = cheap.hash_password(b"correct horse battery").unwrap();
        let verdict = verify("correct horse battery", Some(&old.to_string()));
        assert_eq!(verdict.unwrap(), Verdict::RightByOldHash);
    }

    #[test]
    fn a_password_must_be_long_and_not_the_first_guess() {
        let problem = |password: &str| {
            let problem = check(password, "ada@example.org", "Ada King Lovelace", "password");
            problem.map(|problem| problem.message)
        };
        assert!(problem("elevenchars").unwrap().contains("at least 12"));
        assert!(problem(&"x".repeat(201)).unwrap().contains("at most 200"));
        assert!(problem("ADA@example.org").unwrap().contains("first"));
        assert!(problem("Ada King Lovelace").unwrap().contains("first"));
        assert_eq!(problem("twelve chars"), None);
    }
}
