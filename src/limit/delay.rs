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

#[cfg(test)]
mod tests {
    use super::*;

    const MIN: Duration = Duration::from_millis(200);
    const MAX: Duration = Duration::from_millis(1200);

    fn delay(key: u8, principal: u32, day: i64) -> Duration {
        let subject = Subject::derive(&[7; 32], "account", &principal.to_le_bytes());
        first_token_delay(&[key; 32], subject, day, MIN, MAX)
    }

    /// The Kolmogorov–Smirnov distance from the uniform distribution, times the root of n, which
    /// exceeds 1.95 once in 1000 uniform samples (Smirnov 1948).
    fn distance_from_uniform(delays: impl Iterator<Item = Duration>) -> f64 {
        let range = (MAX - MIN).as_secs_f64();
        let mut shares: Vec<f64> =
            delays.map(|delay| (delay - MIN).as_secs_f64() / range).collect();
        shares.sort_by(f64::total_cmp);
        let n = shares.len() as f64;
        let gaps = shares.iter().enumerate().map(|(rank, share)| {
            let rank = rank as f64;
            (share - rank / n).abs().max((share - (rank + 1.0) / n).abs())
        });
        gaps.fold(0.0, f64::max) * n.sqrt()
    }

    #[test]
    fn delays_are_uniform_over_principals_and_over_days() {
        assert!(distance_from_uniform((0..10_000).map(|n| delay(1, n, 20_000))) < 1.95);
        assert!(distance_from_uniform((0..10_000).map(|n| delay(1, 0, n))) < 1.95);
        assert!(distance_from_uniform((0..10_000).map(|n| delay(1, n % 100, 20_000))) > 1.95);
    }

    #[test]
    fn a_delay_depends_on_principal_day_and_key_and_on_nothing_else() {
        let base = delay(1, 0, 20_000);
        assert_eq!(base, delay(1, 0, 20_000));
        for other in [delay(2, 0, 20_000), delay(1, 1, 20_000), delay(1, 0, 20_001)] {
            assert_ne!(base, other);
        }
    }

    #[test]
    fn bounds_that_meet_or_cross_give_the_minimum() {
        let subject = Subject::from_hash(1);
        assert_eq!(first_token_delay(&[1; 32], subject, 1, MIN, MIN), MIN);
        assert_eq!(first_token_delay(&[1; 32], subject, 1, MAX, MIN), MAX);
    }
}
