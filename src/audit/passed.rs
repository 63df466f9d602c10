//! Those of whom there is no record.
//!
//! Callers to whom nothing is done leave none, so that an audit alone does not tell whether the callers
//! whom it names are many or few. A [`Passed`] says how many requests there were besides, and of nobody.

use std::borrow::Cow;
use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Requests that ended without a record since the line before of the same process: nothing was decided
/// about them, as their callers reach no grade or they ask for nothing that a policy governs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Passed {
    /// The end of the time that is counted.
    pub time: Timestamp,
    /// Its beginning.
    pub since: Timestamp,
    /// How many, by the protocol of their path; `other` for paths of none.
    pub requests: BTreeMap<Cow<'static, str>, u64>,
    /// How many requests came without a score that may be relied on, by reason; those that have a
    /// record among them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub unknown: BTreeMap<Cow<'static, str>, u64>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::Line;

    #[test]
    fn the_json_form_is_the_documented_one() {
        let passed = Passed {
            time: Timestamp::from_second(1_800_000_060).unwrap(),
            since: Timestamp::from_second(1_800_000_000).unwrap(),
            requests: BTreeMap::from([("chat".into(), 40), ("other".into(), 2)]),
            unknown: BTreeMap::from([("absent".into(), 3)]),
        };
        let line = Line::Passed(Box::new(passed));
        let expected = r#"{"passed":{"time":"2027-01-15T08:01:00Z","since":"2027-01-15T08:00:00Z","requests":{"chat":40,"other":2},"unknown":{"absent":3}}}"#;
        assert_eq!(serde_json::to_string(&line).unwrap(), expected);
        assert_eq!(serde_json::from_str::<Line>(expected).unwrap(), line);
    }
}
