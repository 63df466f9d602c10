//! Sums by the day, in UTC.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::tally::Fates;

/// Days that are told apart: ten years. More are of a file that nobody's proxy wrote, and count in the
/// sums over all.
const MOST_DAYS: usize = 3_660;

const DAY: i64 = 86_400;

/// Requests by day and grade, and those without a record by day.
#[derive(Debug, Default)]
pub(super) struct Days {
    days: BTreeSet<i32>,
    pub(super) grades: BTreeMap<(i32, u8), Fates>,
    pub(super) passed: BTreeMap<i32, u64>,
    /// Requests of days past the most, without their days.
    pub(super) untold: u64,
}

impl Days {
    /// The number of a day since 1970.
    pub(super) fn day(time: Timestamp) -> i32 {
        // A timestamp has a few million days.
        i32::try_from(time.as_second().div_euclid(DAY)).unwrap_or_default()
    }

    /// Its date.
    pub(super) fn date(day: i32) -> Date {
        let time = Timestamp::from_second(i64::from(day) * DAY).unwrap_or_default();
        TimeZone::UTC.to_datetime(time).date()
    }

    pub(super) fn fates(&mut self, day: i32, grade: u8) -> Option<&mut Fates> {
        if !self.has(day) {
            self.untold += 1;
            return None;
        }
        Some(self.grades.entry((day, grade)).or_default())
    }

    pub(super) fn pass(&mut self, day: i32, requests: u64) {
        if self.has(day) {
            let passed = self.passed.entry(day).or_default();
            *passed = passed.saturating_add(requests);
        }
    }

    fn has(&mut self, day: i32) -> bool {
        if self.days.len() < MOST_DAYS {
            self.days.insert(day);
        }
        self.days.contains(&day)
    }

    /// All days that something is told of.
    pub(super) fn iter(&self) -> impl Iterator<Item = i32> + '_ {
        self.days.iter().copied()
    }
}
