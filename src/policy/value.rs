//! Values as a policy file spells them: quotas, durations, dates, names; and where they stand.

use std::num::NonZeroU64;
use std::ops::Range;
use std::time::Duration;

#[cfg(feature = "experiments")]
use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Deserializer, de};
use toml::Spanned;

use super::plan::{Effort, Quota};

/// A value and the bytes of the file it was read from, so that a complaint can name its line.
#[derive(Clone, Debug)]
pub(crate) struct At<T> {
    pub(crate) value: T,
    pub(crate) span: Range<usize>,
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for At<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned = Spanned::<T>::deserialize(deserializer)?;
        let span = spanned.span();
        Ok(Self { value: spanned.into_inner(), span })
    }
}

/// `"60 per minute"`, `"200_000 per 5 minutes, burst 10_000"`. Without a burst, the amount of one
/// whole period may come at once.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct QuotaText(pub(super) Quota);

#[derive(Debug, thiserror::Error)]
#[error(
    "{text:?} is not a quota: {reason}; write `<amount> per <period>` or `<amount> per <period>, \
     burst <amount>`, as in \"60 per minute, burst 10\""
)]
pub(super) struct QuotaError {
    text: String,
    reason: &'static str,
}

impl TryFrom<String> for QuotaText {
    type Error = QuotaError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        match quota(&text) {
            Ok(quota) => Ok(Self(quota)),
            Err(reason) => Err(QuotaError { text, reason }),
        }
    }
}

fn quota(text: &str) -> Result<Quota, &'static str> {
    let (rate, burst) = match text.split_once(',') {
        Some((rate, burst)) => (rate, Some(burst)),
        None => (text, None),
    };
    let mut words = rate.split_whitespace();
    let amount = amount(words.next().unwrap_or_default())?;
    if words.next() != Some("per") {
        return Err("`per` does not follow the amount");
    }
    let (count, unit) = match (words.next(), words.next(), words.next()) {
        (Some(unit), None, _) => (1, unit),
        (Some(count), Some(unit), None) => (self::amount(count)?.get(), unit),
        _ => return Err("`per` is followed by one period"),
    };
    let seconds: u64 = match unit.strip_suffix('s').unwrap_or(unit) {
        "second" => 1,
        "minute" => 60,
        "hour" => 60 * 60,
        "day" => 24 * 60 * 60,
        _ => return Err("the period is counted in seconds, minutes, hours or days"),
    };
    let seconds = count.checked_mul(seconds).filter(|seconds| *seconds <= MAX_PERIOD_SECONDS);
    let period = Duration::from_secs(seconds.ok_or("the period is longer than 31 days")?);
    let burst = match burst.map(|burst| burst.trim().strip_prefix("burst ")) {
        None => amount,
        Some(Some(burst)) => self::amount(burst.trim())?,
        Some(None) => return Err("only `burst <amount>` may follow the comma"),
    };
    Ok(Quota { amount, period, burst })
}

/// Longer periods are billing, not rates; they would also keep state of callers long gone.
const MAX_PERIOD_SECONDS: u64 = 31 * 24 * 60 * 60;

fn amount(text: &str) -> Result<NonZeroU64, &'static str> {
    const NOT_AN_AMOUNT: &str = "an amount is a whole number from 1, as 60 or 200_000";
    if !text.starts_with(|first: char| first.is_ascii_digit()) {
        return Err(NOT_AN_AMOUNT);
    }
    text.replace('_', "").parse().map_err(|_| NOT_AN_AMOUNT)
}

/// A quota as policy files write it, for reports.
#[must_use]
pub fn quota_text(quota: &Quota) -> String {
    let seconds = quota.period.as_secs();
    let (count, unit) = [(86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second")]
        .into_iter()
        .find_map(|(size, unit)| {
            (seconds >= size && seconds % size == 0).then_some((seconds / size, unit))
        })
        .unwrap_or((seconds, "second"));
    let period = if count == 1 { unit.to_owned() } else { format!("{count} {unit}s") };
    if quota.burst == quota.amount {
        format!("{} per {period}", quota.amount)
    } else {
        format!("{} per {period}, burst {}", quota.amount, quota.burst)
    }
}

/// `"200ms"`, `"1.5s"`, `"2s"`.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct DurationText(pub(crate) Duration);

#[derive(Debug, thiserror::Error)]
#[error("{text:?} is not a duration; write it as in \"200ms\" or \"1.5s\"")]
pub(crate) struct DurationError {
    text: String,
    source: jiff::Error,
}

impl TryFrom<String> for DurationText {
    type Error = DurationError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        match jiff::fmt::friendly::SpanParser::new().parse_unsigned_duration(&text) {
            Ok(duration) => Ok(Self(duration)),
            Err(source) => Err(DurationError { text, source }),
        }
    }
}

/// A TOML date without a time: `2027-01-31`.
#[derive(Clone, Copy, Debug)]
pub(super) struct DateValue(pub(super) Date);

impl<'de> Deserialize<'de> for DateValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = toml::value::Datetime::deserialize(deserializer)?;
        let (Some(date), None, None) = (value.date, value.time, value.offset) else {
            return Err(de::Error::custom(format_args!(
                "{value} is not a plain date; write it as in 2027-01-31"
            )));
        };
        let number = |part: u8| i8::try_from(part).map_err(de::Error::custom);
        let year = i16::try_from(date.year).map_err(de::Error::custom)?;
        Date::new(year, number(date.month)?, number(date.day)?).map(Self).map_err(de::Error::custom)
    }
}

/// A TOML date, which is its first moment in UTC, or a date and time with its offset.
#[cfg(feature = "experiments")]
#[derive(Clone, Copy, Debug)]
pub(crate) struct TimeValue(pub(crate) Timestamp);

#[cfg(feature = "experiments")]
impl<'de> Deserialize<'de> for TimeValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = toml::value::Datetime::deserialize(deserializer)?;
        let text = match (value.date, value.time, value.offset) {
            (Some(date), None, None) => format!("{date}T00:00:00Z"),
            (Some(_), Some(_), Some(_)) => value.to_string(),
            _ => {
                return Err(de::Error::custom(format_args!(
                    "{value} is no moment; write it as in 2027-01-31 or 2027-01-31T08:00:00Z"
                )));
            }
        };
        text.parse().map(Self).map_err(de::Error::custom)
    }
}

/// One of [`Effort`]'s names.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct EffortName(pub(super) Effort);

#[derive(Debug, thiserror::Error)]
#[error("{0:?} is not an effort; the efforts are {names}", names = effort_names())]
pub(super) struct EffortError(String);

fn effort_names() -> String {
    Effort::ALL.map(|effort| format!("\"{}\"", effort.name())).join(", ")
}

impl TryFrom<String> for EffortName {
    type Error = EffortError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Effort::from_name(&text).map(Self).ok_or(EffortError(text))
    }
}

#[cfg(feature = "schema")]
mod schema {
    use std::borrow::Cow;

    use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

    #[cfg(feature = "experiments")]
    use super::TimeValue;
    use super::{At, DateValue, DurationText, Effort, EffortName, QuotaText};
    use crate::policy::Pattern;

    impl<T: JsonSchema> JsonSchema for At<T> {
        fn inline_schema() -> bool {
            T::inline_schema()
        }

        fn schema_name() -> Cow<'static, str> {
            T::schema_name()
        }

        fn schema_id() -> Cow<'static, str> {
            T::schema_id()
        }

        fn json_schema(generator: &mut SchemaGenerator) -> Schema {
            T::json_schema(generator)
        }
    }

    /// A schema of a value that is written as a string or a name.
    macro_rules! value_schema {
        ($type:ty, $name:literal, $schema:expr) => {
            impl JsonSchema for $type {
                fn schema_name() -> Cow<'static, str> {
                    $name.into()
                }

                fn json_schema(_: &mut SchemaGenerator) -> Schema {
                    $schema
                }
            }
        };
    }

    value_schema!(
        QuotaText,
        "Quota",
        json_schema!({
            "description": "Units per period; without a burst, one whole period's amount may come at once.",
            "examples": ["60 per minute", "200_000 per 5 minutes, burst 10_000"],
            "pattern": "^\\s*[0-9][0-9_]*\\s+per\\s+([0-9][0-9_]*\\s+)?(second|minute|hour|day)s?\\s*(,\\s*burst\\s+[0-9][0-9_]*\\s*)?$",
            "type": "string",
        })
    );
    value_schema!(
        DurationText,
        "Duration",
        json_schema!({
            "description": "A duration with its unit.",
            "examples": ["200ms", "1.5s"],
            "type": "string",
        })
    );
    value_schema!(
        DateValue,
        "Date",
        json_schema!({
            "description": "A TOML date, written without quotes.",
            "examples": ["2027-01-31"],
            "format": "date",
            "type": "string",
        })
    );
    #[cfg(feature = "experiments")]
    value_schema!(
        TimeValue,
        "Time",
        json_schema!({
            "description": "A TOML date, in UTC, or a date and time with its offset, written without quotes.",
            "examples": ["2027-01-31", "2027-01-31T08:00:00Z"],
            "type": "string",
        })
    );
    value_schema!(
        EffortName,
        "Effort",
        json_schema!({
            "description": "Reasoning effort, weakest first.",
            "enum": Effort::ALL.map(Effort::name),
        })
    );
    value_schema!(
        Pattern,
        "Pattern",
        json_schema!({
            "description": "A literal name, or a prefix that ends in `*`.",
            "examples": ["gpt-5-mini", "gpt-5*", "*"],
            "pattern": "^([^*]+\\*?|\\*)$",
            "type": "string",
        })
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<Quota, String> {
        QuotaText::try_from(text.to_owned()).map(|quota| quota.0).map_err(|error| error.to_string())
    }

    #[test]
    fn a_quota_reads_as_it_is_written() {
        for (text, amount, seconds, burst) in [
            ("60 per minute", 60, 60, 60),
            ("60 per minute, burst 10", 60, 60, 10),
            ("200_000 per 5 minutes", 200_000, 300, 200_000),
            ("1 per day,burst 3", 1, 86_400, 3),
        ] {
            let quota = parsed(text).unwrap();
            assert_eq!(
                (quota.amount.get(), quota.period.as_secs(), quota.burst.get()),
                (amount, seconds, burst),
                "{text}"
            );
            assert_eq!(parsed(&quota_text(&quota)), Ok(quota), "{text} survives being written");
        }
    }

    #[test]
    fn what_is_not_a_quota_says_why() {
        for (text, reason) in [
            ("", "whole number from 1"),
            ("0 per minute", "whole number from 1"),
            ("-3 per minute", "whole number from 1"),
            ("+3 per minute", "whole number from 1"),
            ("60", "`per` does not follow"),
            ("60/minute", "whole number from 1"),
            ("60 per", "one period"),
            ("60 per fortnight", "seconds, minutes, hours or days"),
            ("60 per 32 days", "31 days"),
            ("60 per 18446744073709551615 days", "31 days"),
            ("60 per minute, peak 10", "burst <amount>"),
            ("60 per minute, burst 0", "whole number from 1"),
            ("60 per minute sharp", "whole number from 1"),
        ] {
            let message = parsed(text).unwrap_err();
            assert!(message.contains(reason), "{text}: {message}");
        }
    }
}
