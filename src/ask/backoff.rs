//! When to try again.

use std::time::Duration;

use http::HeaderMap;
use http::header::RETRY_AFTER;
use jiff::Timestamp;

/// No wait is longer, whatever the endpoint asks for.
const LONGEST: Duration = Duration::from_secs(600);

/// The wait before the attempt behind `attempts`: what the endpoint asked for, but never less than
/// `first`, doubled with each attempt, and between half and all of it by `share`, so that requests
/// which failed together do not come back together.
pub(super) fn wait(
    first: Duration,
    attempts: u32,
    share: u8,
    asked_for: Option<Duration>,
) -> Duration {
    let doubled = first.saturating_mul(1 << attempts.saturating_sub(1).min(16));
    let own = doubled.min(LONGEST / 10).mul_f64(0.5 + f64::from(share) / 510.0);
    asked_for.unwrap_or(Duration::ZERO).clamp(own, LONGEST)
}

/// `Retry-After` (RFC 9110, 10.2.3): seconds, or a date.
pub(super) fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let value = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = value.parse::<f64>() {
        return Duration::try_from_secs_f64(seconds).ok();
    }
    let then = jiff::fmt::rfc2822::parse(value).ok()?.timestamp();
    Some(Duration::try_from(then.duration_since(now)).unwrap_or(Duration::ZERO))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn waits_double_and_are_spread_and_bounded() {
        let waits: Vec<Duration> =
            (1..=4).map(|attempts| wait(SECOND, attempts, 255, None)).collect();
        assert_eq!(waits, [SECOND, 2 * SECOND, 4 * SECOND, 8 * SECOND]);
        assert_eq!(wait(SECOND, 1, 0, None), SECOND / 2);
        assert_eq!(wait(SECOND, u32::MAX, 255, None), LONGEST / 10);
    }

    #[test]
    fn an_endpoint_that_asks_for_patience_gets_it_within_bounds() {
        assert_eq!(wait(SECOND, 1, 0, Some(7 * SECOND)), 7 * SECOND);
        assert_eq!(wait(SECOND, 3, 255, Some(SECOND)), 4 * SECOND);
        assert_eq!(wait(SECOND, 1, 0, Some(Duration::MAX)), LONGEST);
    }

    #[test]
    fn retry_after_is_read_in_both_forms() {
        let now = Timestamp::from_second(1_000_000_000).unwrap();
        let read = |value: &'static str| {
            let value = http::HeaderValue::from_static(value);
            retry_after(&HeaderMap::from_iter([(RETRY_AFTER, value)]), now)
        };
        assert_eq!(read("3"), Some(3 * SECOND));
        assert_eq!(read("0.5"), Some(SECOND / 2));
        assert_eq!(read("Sun, 09 Sep 2001 01:47:10 GMT"), Some(30 * SECOND));
        assert_eq!(read("Sun, 09 Sep 2001 01:46:10 GMT"), Some(Duration::ZERO));
        for nonsense in ["", "soon", "-1", "NaN", "1e400"] {
            assert_eq!(read(nonsense), None, "{nonsense}");
        }
    }
}
