//! Times and durations, as arguments have them.

use jiff::{SignedDuration, Timestamp};

/// A time with its zone.
pub(super) fn time(text: &str) -> Result<Timestamp, String> {
    text.parse().map_err(|_| {
        "expected a time with its zone, such as 2026-11-30T08:00:00Z or 2026-11-30T09:00:00+01:00"
            .to_owned()
    })
}

/// A duration from 0 up.
pub(super) fn duration(text: &str) -> Result<SignedDuration, String> {
    match text.parse::<SignedDuration>() {
        Ok(duration) if !duration.is_negative() => Ok(duration),
        _ => Err("expected a duration from 0 up, such as 300s, 90m or 24h".to_owned()),
    }
}
