//! The numbers of a stream's events, where it numbers them.
//!
//! Clients resume a stream behind a number, so that what goes out has to be numbered without gaps or
//! repeats: an event that is put in moves all behind it by one, and one that is left out moves them back.
//! What the upstream leaves out itself stays out.

/// How far the events of one stream have moved.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sequence {
    /// How many more have gone out than came.
    moved: i64,
    /// The number of the event that is read, or that of the next one.
    next: Option<u64>,
}

impl Sequence {
    /// An event with this number is read: what is put in stands before it.
    pub(super) fn read(&mut self, number: u64) {
        self.next = Some(number);
    }

    /// It has been read: what is put in from now on stands behind it. `stays` unless it is left out.
    pub(super) fn pass(&mut self, number: u64, stays: bool) {
        self.next = Some(number.saturating_add(1));
        self.moved -= i64::from(!stays);
    }

    /// The number that an event goes out with, if it is another than its own.
    pub(super) fn moved(&self, number: u64) -> Option<u64> {
        (self.moved != 0).then(|| number.saturating_add_signed(self.moved))
    }

    /// The number of an event that is put in.
    pub(super) fn put_in(&mut self) -> Option<u64> {
        let number = self.next?.saturating_add_signed(self.moved);
        self.moved += 1;
        Some(number)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Oracle: the places in what went out, counted from the first number.
        // Break it: move what goes out before an event by that one, or forget one that is left out.
        #[test]
        fn numbers_run_on_wherever_events_are_put_in_or_left_out(
            first in 0..1000_u64,
            script in proptest::collection::vec((0..3_u32, any::<bool>(), any::<bool>(), 0..3_u32), 0..40),
        ) {
            let (mut sequence, mut out, mut number) = (Sequence::default(), Vec::new(), first);
            for (before, numbered, stays, behind) in script {
                if numbered {
                    sequence.read(number);
                }
                out.extend((0..before).filter_map(|_| sequence.put_in()));
                if numbered {
                    out.extend(stays.then(|| sequence.moved(number).unwrap_or(number)));
                    sequence.pass(number, stays);
                    number += 1;
                }
                out.extend((0..behind).filter_map(|_| sequence.put_in()));
            }
            let expected: Vec<u64> = (first..).take(out.len()).collect();
            prop_assert_eq!(out, expected);
        }
    }
}
