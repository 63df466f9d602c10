//! What an audit tells: who was touched, by what, and what it cost those who were to be spared.
//!
//! [`Sums`] takes what [`look`] makes of each entry, in any order; [`Sums::conclude`] makes the [`Review`]
//! of them, and [`page`] a page of that. Sums over requests are exact. Of principals so many are kept that
//! some sixty megabytes suffice however many there are; past that, counts of principals are those of a
//! sample of a known share, and [`Review::kept`] says so.
//!
#![doc = include_str!("../../docs/audit.md")]

mod conclude;
mod days;
mod fold;
mod look;
mod notes;
mod page;
mod report;
mod sample;
mod tally;

use jiff::Timestamp;

use crate::audit::reader::FileRead;
use crate::audit::{Entry, Line, Passed};
pub use crate::page::Run;

pub use look::{Kind, Seen};
pub use page::page;
pub use report::{
    Became, Count, Day, DayGrade, Form, Group, Kept, Measured, PassedRequests, PolicyRequests,
    Review, Side, Sizes, Spared, Touched, Unspared,
};

/// From when until when entries count: from `since` on, and before `until`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    /// The first moment; from the beginning without it.
    pub since: Option<Timestamp>,
    /// The first moment that is outside again; to the end without it.
    pub until: Option<Timestamp>,
}

/// What an entry tells.
#[derive(Debug)]
pub enum Told {
    /// A decided request.
    Request(Box<Seen>),
    /// Requests that have left no record.
    Passed(Box<Passed>),
    /// It is outside of the time that is asked about.
    Outside,
    /// Nothing that a review is about.
    Nothing,
}

/// Sums of what was told, in any order.
#[derive(Debug, Default)]
pub struct Sums(Box<tally::Tally>);

/// What an entry tells, if it is within the span.
#[must_use]
pub fn look(entry: Entry, span: Span) -> Told {
    let (time, told) = match entry {
        Entry::Record(record) => (record.time, Told::Request(Box::new(Seen::of(*record)))),
        Entry::Line(Line::Passed(passed)) => (passed.time, Told::Passed(passed)),
        Entry::Line(_) => return Told::Nothing,
    };
    if span.holds(time) { told } else { Told::Outside }
}

impl Span {
    /// Whether a moment is within.
    #[must_use]
    pub fn holds(&self, time: Timestamp) -> bool {
        self.since.is_none_or(|since| since <= time) && self.until.is_none_or(|until| time < until)
    }
}

impl Sums {
    /// Adds what an entry tells.
    pub fn add(&mut self, told: Told) {
        match told {
            Told::Request(seen) => self.0.add(*seen),
            Told::Passed(passed) => self.0.pass(&passed),
            Told::Outside => self.0.outside += 1,
            Told::Nothing => {}
        }
    }

    /// What they come to.
    #[must_use]
    pub fn conclude(&self, span: Span, files: Vec<FileRead>) -> Review {
        conclude::conclude(&self.0, span, files)
    }
}
