//! Random secrets. Whoever holds one is let in by it; the database holds its hash alone.

use aws_lc_rs::error::Unspecified;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// 256 random bits in 43 letters that need no escaping in URLs and headers.
///
/// # Errors
///
/// When the machine has no randomness to give.
pub fn random_secret() -> Result<String, Unspecified> {
    let mut bytes = [0; 32];
    aws_lc_rs::rand::fill(&mut bytes)?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}
