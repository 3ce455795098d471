//! The secrets that messages are signed with.

use std::fmt;

use aws_lc_rs::error::Unspecified;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// How every secret begins, so that one that leaks is recognised.
const PREFIX: &str = "whsec_";

/// A secret that the server shares with a receiver. It is stored as it is, for the server has to
/// sign with it; it is shown once, and neither logged nor told again.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// A new one of 256 random bits.
    ///
    /// # Errors
    ///
    /// When the machine has no randomness to give.
    pub fn random() -> Result<Self, Unspecified> {
        let mut bytes = [0; 32];
        aws_lc_rs::rand::fill(&mut bytes)?;
        Ok(Self(format!("{PREFIX}{}", STANDARD.encode(bytes))))
    }

    /// One as people and the database write it.
    pub fn from_text(text: String) -> Self {
        Self(text)
    }

    /// The text, for whoever may see it.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// The key that it stands for; none when it is no secret of ours.
    pub(super) fn key(&self) -> Option<Vec<u8>> {
        STANDARD.decode(self.0.strip_prefix(PREFIX)?).ok()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Secret(…)")
    }
}
