//! How far clocks may be apart, as a configuration says it.

use std::fmt;
use std::time::Duration;

use jiff::fmt::friendly::SpanParser;
use serde::Deserializer;
use serde::de::{Error, Unexpected, Visitor};

/// A duration with its unit, or a number of seconds.
pub(super) fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    deserializer.deserialize_any(Skew)
}

struct Skew;

impl Visitor<'_> for Skew {
    type Value = Duration;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a duration with its unit, such as \"30s\", or a number of seconds")
    }

    fn visit_i64<E: Error>(self, seconds: i64) -> Result<Duration, E> {
        let seconds = u64::try_from(seconds);
        seconds.map(Duration::from_secs).map_err(|_| E::custom("clock_skew is below zero"))
    }

    fn visit_u64<E: Error>(self, seconds: u64) -> Result<Duration, E> {
        Ok(Duration::from_secs(seconds))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Duration, E> {
        let read = SpanParser::new().parse_unsigned_duration(text);
        read.map_err(|_| E::invalid_value(Unexpected::Str(text), &self))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use crate::risk::RiskSettings;

    #[test]
    fn a_skew_is_a_duration_or_a_number_of_seconds() {
        let skew = |text: &str| {
            let settings = toml::from_str(&format!("trust = \"peer\"\n{text}"));
            settings.map(|settings: RiskSettings| settings.clock_skew)
        };
        for (text, seconds) in [
            ("", 30),
            ("clock_skew = 7", 7),
            ("clock_skew = \"7s\"", 7),
            ("clock_skew = \"2m\"", 120),
        ] {
            assert_eq!(skew(text).unwrap(), Duration::from_secs(seconds), "{text}");
        }
        for text in ["-1", "\"soon\"", "\"30\"", "true", "1.5"] {
            assert!(skew(&format!("clock_skew = {text}")).is_err(), "{text}");
        }
    }
}
