//! The time of an experiment, cut into periods that end where its planned looks do.

use jiff::Timestamp;
use serde::Serialize;

use crate::experiment::Experiment;

/// Periods of an experiment, so that memory is bounded by its units.
const MOST_PERIODS: u32 = 30;

/// Days of a time before an experiment, so that memory is bounded by units there too. What is older
/// counts with the first.
const MOST_DAYS: u16 = 2_000;

/// Nanoseconds of a day.
const DAY: i128 = 86_400_000_000_000;

/// When an experiment begins, how long its periods are, and how often it may be looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Calendar {
    start: Timestamp,
    /// In nanoseconds.
    length: i128,
    periods: u16,
    looks: u32,
}

/// How far an experiment has come. A result is that of the last planned look: what came since is not
/// looked at, so that reading a report more often than planned changes nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Look {
    /// Its number, from 1; 0 before the first.
    pub number: u32,
    /// How many are planned.
    pub planned: u32,
    /// Up to when is looked.
    pub until: Timestamp,
    /// When the next is, if this is not the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<Timestamp>,
    /// Periods that count.
    #[serde(skip)]
    pub(super) periods: u16,
}

impl Calendar {
    /// That of an experiment: at most thirty periods, of which as many as possible between two looks.
    #[must_use]
    pub fn of(experiment: &Experiment) -> Self {
        let Experiment { start, end, looks, .. } = experiment;
        let looks = (*looks).max(1);
        let periods =
            if looks <= MOST_PERIODS { MOST_PERIODS / looks * looks } else { MOST_PERIODS };
        let whole = (end.as_nanosecond() - start.as_nanosecond()).max(i128::from(periods));
        let length = whole.div_euclid(i128::from(periods));
        Self { start: *start, length, periods: periods as u16, looks }
    }

    /// Days about the start of an experiment, in UTC: that of a time before it.
    #[must_use]
    pub(super) fn days(experiment: &Experiment) -> Self {
        let day = experiment.start.as_nanosecond().div_euclid(DAY);
        let first = (day - i128::from(MOST_DAYS / 2)) * DAY;
        let start = Timestamp::from_nanosecond(first).unwrap_or(Timestamp::MIN);
        Self { start, length: DAY, periods: MOST_DAYS, looks: 1 }
    }

    /// How many periods there are.
    #[must_use]
    pub fn periods(&self) -> u16 {
        self.periods
    }

    /// The period in which a moment lies, from 0. A moment at its end belongs to a period, since sums
    /// are written at the end of what they sum up; and one behind the last to the last, since nothing
    /// is summed up that comes then.
    pub(super) fn period(&self, time: Timestamp) -> u16 {
        let since = time.as_nanosecond() - self.start.as_nanosecond() - 1;
        let last = self.periods.saturating_sub(1);
        u16::try_from(since.max(0).div_euclid(self.length)).unwrap_or(last).min(last)
    }

    /// Until when everything is known, if something is known of this moment: sums are written every
    /// minute, but not where nobody came.
    pub(super) fn known_until(&self, seen: Timestamp) -> Timestamp {
        Timestamp::from_nanosecond(seen.as_nanosecond() + self.length / 24).unwrap_or(seen)
    }

    /// When so many periods have passed.
    pub(super) fn after(&self, periods: u16) -> Timestamp {
        let nanoseconds = self.start.as_nanosecond() + self.length * i128::from(periods);
        Timestamp::from_nanosecond(nanoseconds).unwrap_or(Timestamp::MAX)
    }

    /// The last planned look at or before `now`.
    pub(super) fn look(&self, now: Timestamp) -> Look {
        let since = (now.as_nanosecond() - self.start.as_nanosecond()).max(0);
        let passed = since.div_euclid(self.length).min(i128::from(self.periods)) as u16;
        let number_after = |periods: u16| {
            // At most 1000 times 30.
            (u64::from(periods) * u64::from(self.looks) / u64::from(self.periods)) as u32
        };
        let number = number_after(passed);
        // The first moment of that number.
        let first = |number: u32| {
            let periods = u64::from(number) * u64::from(self.periods);
            periods.div_ceil(u64::from(self.looks)) as u16
        };
        let (periods, until) = match number {
            // What there is, to be seen and not to be judged.
            0 => (self.periods, now),
            number => (first(number), self.after(first(number))),
        };
        let next = (number < self.looks).then(|| self.after(first(number + 1).max(passed + 1)));
        Look { number, planned: self.looks, until, next, periods }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn calendar(looks: u32) -> Calendar {
        let periods =
            if looks <= MOST_PERIODS { MOST_PERIODS / looks * looks } else { MOST_PERIODS };
        let start = Timestamp::UNIX_EPOCH + jiff::SignedDuration::from_hours(48);
        Calendar { start, length: DAY, periods: periods as u16, looks }
    }

    #[test]
    fn a_period_has_what_was_summed_up_until_its_end() {
        let calendar = calendar(4);
        assert_eq!(calendar.periods(), 28);
        let at = |hours| calendar.start + jiff::SignedDuration::from_hours(hours);
        let periods = [-5, 0, 24, 25, 28 * 24, 28 * 24 + 1].map(|hours| calendar.period(at(hours)));
        assert_eq!(periods, [0, 0, 0, 1, 27, 27]);
    }

    #[test]
    fn between_two_looks_the_earlier_counts_and_before_the_first_none() {
        let calendar = calendar(4);
        let at =
            |hours: i64| calendar.look(calendar.start + jiff::SignedDuration::from_hours(hours));
        let seen = |look: Look| (look.number, look.periods, look.next.is_some());
        assert_eq!(seen(at(-3)), (0, 28, true));
        assert_eq!(seen(at(7 * 24 - 1)), (0, 28, true));
        assert_eq!(seen(at(7 * 24)), (1, 7, true));
        assert_eq!(seen(at(13 * 24)), (1, 7, true));
        assert_eq!(seen(at(28 * 24)), (4, 28, false));
        assert_eq!(seen(at(99 * 24)), (4, 28, false));
        assert_eq!(at(0).next, Some(calendar.after(7)));
    }

    #[test]
    fn more_looks_than_periods_are_looked_at_where_periods_end() {
        let calendar = calendar(100);
        let look = calendar.look(calendar.after(3));
        assert_eq!((look.number, look.periods), (10, 3));
        assert_eq!(look.next, Some(calendar.after(4)));
        assert_eq!(calendar.look(calendar.after(30)).number, 100);
    }
}
