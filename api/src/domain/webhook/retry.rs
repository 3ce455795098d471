//! When a delivery that failed is tried again.

use std::time::Duration;

use chrono::{DateTime, Utc};

/// How long to wait after the first, second, … failed attempt; after the last there is none. They
/// add up to a little more than a day.
const WAITS: [Duration; 7] = [
    Duration::from_secs(5),
    Duration::from_secs(5 * 60),
    Duration::from_secs(30 * 60),
    Duration::from_secs(2 * 3_600),
    Duration::from_secs(5 * 3_600),
    Duration::from_secs(10 * 3_600),
    Duration::from_secs(10 * 3_600),
];

/// The longest that a receiver can have us wait.
const LONGEST: Duration = Duration::from_secs(10 * 3_600);

/// How long to wait after `attempts` attempts that failed; none when that was the last. A receiver
/// may ask for more patience, and up to a fifth is added so that deliveries which failed together
/// don't come back together. What is added depends on the delivery alone.
pub(super) fn wait(
    attempts: i32,
    retry_after: Option<&str>,
    now: DateTime<Utc>,
    delivery_id: i64,
) -> Option<Duration> {
    let index = usize::try_from(attempts).ok()?.checked_sub(1)?;
    let planned = *WAITS.get(index)?;
    let asked = retry_after.and_then(|text| read_retry_after(text, now));
    let wait = asked.unwrap_or_default().min(LONGEST).max(planned);
    Some(wait.mul_f64(1.0 + spread(delivery_id) / 5.0))
}

/// Reads the header `Retry-After`: seconds, or a date.
fn read_retry_after(text: &str, now: DateTime<Utc>) -> Option<Duration> {
    let text = text.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = DateTime::parse_from_rfc2822(text).ok()?;
    (date.to_utc() - now).to_std().ok()
}

/// A number from 0 to 1 that is far from that of the next delivery.
fn spread(delivery_id: i64) -> f64 {
    const GOLDEN: u32 = 0x9E37_79B9;
    let scattered = (delivery_id as u32).wrapping_mul(GOLDEN);
    f64::from(scattered) / f64::from(u32::MAX)
}
