//! From when until when: `--since` and `--until`.

use clap::Args;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::super::Failure;
use crate::review::Span;

/// A part of the time that files cover.
#[derive(Debug, Args)]
pub(super) struct Asked {
    /// Entries from this moment on: a time (RFC 3339), a day (UTC), or how long ago: 90m, 24h, 7d.
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    since: Option<String>,
    /// Entries before this moment.
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    until: Option<String>,
}

impl Asked {
    pub(super) fn span(&self) -> Result<Span, Failure> {
        let now = Timestamp::now();
        let moment = |option: &str, text: &Option<String>| {
            let Some(text) = text else { return Ok(None) };
            let wrong = || {
                format!(
                    "{option}: `{text}` is no time, such as 2026-11-30T08:00:00Z, no day, such as \
                     2026-11-30, and no duration, such as 24h or 7d"
                )
            };
            moment(text, now).map(Some).ok_or_else(wrong)
        };
        let span =
            Span { since: moment("--since", &self.since)?, until: moment("--until", &self.until)? };
        if span.since.zip(span.until).is_some_and(|(since, until)| since >= until) {
            return Err("--since is not before --until: no entry is between them".into());
        }
        Ok(span)
    }
}

fn moment(text: &str, now: Timestamp) -> Option<Timestamp> {
    let text = text.trim();
    if let Some(ago) = ago(text) {
        return now.checked_sub(ago).ok();
    }
    let day = || text.parse::<Date>().ok()?.to_zoned(TimeZone::UTC).ok();
    text.parse().ok().or_else(|| day().map(|day| day.timestamp()))
}

/// A duration: a whole number and a unit.
fn ago(text: &str) -> Option<SignedDuration> {
    let at = text.find(|it: char| !it.is_ascii_digit())?;
    let (number, unit) = text.split_at_checked(at)?;
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        "w" => 604_800,
        _ => return None,
    };
    number.parse::<i64>().ok()?.checked_mul(seconds).map(SignedDuration::from_secs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_a_time_a_day_or_some_time_ago() {
        let now: Timestamp = "2026-11-30T12:00:00Z".parse().unwrap();
        for (text, expected) in [
            ("2026-11-30T08:00:00+02:00", "2026-11-30T06:00:00Z"),
            ("2026-11-30", "2026-11-30T00:00:00Z"),
            ("90m", "2026-11-30T10:30:00Z"),
            ("7d", "2026-11-23T12:00:00Z"),
        ] {
            assert_eq!(moment(text, now).map(|it| it.to_string()), Some(expected.to_owned()));
        }
        for text in ["", "7", "d", "-7d", "7 d", "yesterday", "99999999999999999999d", "2026-13-01"]
        {
            assert_eq!(moment(text, now), None, "{text}");
        }
    }
}
