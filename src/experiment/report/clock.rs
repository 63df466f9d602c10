//! In what time a report tells: days of an experiment of weeks, minutes of a demonstration.

use jiff::Timestamp;

use crate::experiment::analysis::Report;
use crate::page::words::signed;

/// Time since an experiment's start.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    start: Timestamp,
    whole: f64,
    unit: Unit,
}

#[derive(Clone, Copy, Debug)]
struct Unit {
    nanoseconds: f64,
    axis: &'static str,
    up_to: &'static str,
}

/// From the longest on.
const UNITS: [Unit; 3] = [
    Unit { nanoseconds: 86_400e9, axis: "days since the start", up_to: "Up to day" },
    Unit { nanoseconds: 3_600e9, axis: "hours since the start", up_to: "Up to hour" },
    Unit { nanoseconds: 60e9, axis: "minutes since the start", up_to: "Up to minute" },
];

const SECONDS: Unit =
    Unit { nanoseconds: 1e9, axis: "seconds since the start", up_to: "Up to second" };

/// An experiment has at least so many of its unit, if there is one so short.
const LEAST: f64 = 3.0;

impl Clock {
    pub(super) fn of(report: &Report) -> Self {
        let whole = (report.end.as_nanosecond() - report.start.as_nanosecond()) as f64;
        let fits = |unit: &Unit| whole >= unit.nanoseconds * LEAST;
        let unit = UNITS.into_iter().find(fits).unwrap_or(SECONDS);
        Self { start: report.start, whole: whole / unit.nanoseconds, unit }
    }

    /// A moment.
    pub(super) fn at(self, time: Timestamp) -> f64 {
        (time.as_nanosecond() - self.start.as_nanosecond()) as f64 / self.unit.nanoseconds
    }

    /// The end of each of so many periods.
    pub(super) fn ends(self, periods: usize) -> Vec<f64> {
        (1..=periods).map(|period| self.whole * period as f64 / periods.max(1) as f64).collect()
    }

    /// What stands at an axis of time.
    pub(super) fn axis(self) -> &'static str {
        self.unit.axis
    }

    /// What stands above a column of [`Self::ends`].
    pub(super) fn up_to(self) -> &'static str {
        self.unit.up_to
    }

    /// A tick of an axis that ends at `last`.
    pub(super) fn tick(last: f64) -> impl Fn(f64) -> String {
        move |time| signed(time, usize::from(last < 5.0))
    }
}
