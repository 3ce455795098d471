//! Signatures of messages, by the Standard Webhooks specification.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::secret::Secret;
use crate::domain::error::{Error, Result};

/// The value of the header `webhook-signature`: a signature by each secret, so that a receiver that
/// knows any of them can tell that the message is ours. `timestamp` is in seconds since 1970.
///
/// # Errors
///
/// When a secret is none of ours.
pub fn sign(secrets: &[Secret], message_id: &str, timestamp: i64, body: &str) -> Result<String> {
    let mut signatures = Vec::with_capacity(secrets.len());
    for secret in secrets {
        let unusable = || Error::Internal("a webhook secret can't be used".into());
        let key = secret.key().ok_or_else(unusable)?;
        let mut mac = Hmac::<Sha256>::new_from_slice(&key).map_err(|_| unusable())?;
        mac.update(format!("{message_id}.{timestamp}.{body}").as_bytes());
        let signature = STANDARD.encode(mac.finalize().into_bytes());
        signatures.push(format!("v1,{signature}"));
    }
    Ok(signatures.join(" "))
}
