//! The delay before a first token: steady for a principal, so that averaging does not remove it.

use std::time::Duration;

use super::Subject;
use super::gcra::nanos;

/// The delay of a subject on a day, uniform over `[min, max]` in nanoseconds.
///
/// The same key, subject and day always give the same delay: a caller that repeats a request
/// learns nothing about the load behind it and cannot average the delay away. Without the key it
/// cannot be predicted. `day` counts UTC days since 1970-01-01. When `max` is below `min`, the
/// delay is `min`.
///
/// ```
/// use std::time::Duration;
/// use guilloche::limit::{Subject, first_token_delay};
///
/// let key = [7; 32];
/// let subject = Subject::derive(&key, "account", b"alice");
/// let (min, max) = (Duration::from_millis(200), Duration::from_millis(900));
/// let delay = first_token_delay(&key, subject, 20_000, min, max);
/// assert!(delay >= min && delay <= max);
/// assert_eq!(delay, first_token_delay(&key, subject, 20_000, min, max));
/// ```
#[must_use]
pub fn first_token_delay(
    key: &[u8; 32],
    subject: Subject,
    day: i64,
    min: Duration,
    max: Duration,
) -> Duration {
    let mut hasher = blake3::Hasher::new_keyed(key);
    hasher.update(b"guilloche first-token delay");
    hasher.update(&subject.to_le_bytes());
    hasher.update(&day.to_le_bytes());
    let mut hash = [0; 8];
    hasher.finalize_xof().fill(&mut hash);

    // Multiply and shift instead of a remainder: the bias is below 2^-64 times the range.
    let values = u128::from(nanos(max.saturating_sub(min))) + 1;
    let offset = (u128::from(u64::from_le_bytes(hash)) * values) >> 64;
    min.saturating_add(Duration::from_nanos(u64::try_from(offset).unwrap_or(u64::MAX)))
}
