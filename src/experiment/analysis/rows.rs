//! What one unit met, period by period, in as few bytes as the numbers need.
//!
//! A million units with thirty periods each are thirty million rows, and most numbers in them are
//! small. A row is the number of its period, the length of the rest, and every sum, each as a LEB128
//! number: some ten bytes.

/// The sums of a row, as many as are kept; the rest is zero.
pub(super) type Sums = [u64; MOST_SUMS];

/// Sums of a row.
pub(super) const MOST_SUMS: usize = 14;

/// Bytes of a `u64` in sevenths.
const MOST_BYTES: usize = 10;

/// Bytes that are asked for at least when there is no room: doubling would leave half of it empty.
const STEP: usize = 24;

/// Rows in the order of their periods.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Rows(Vec<u8>);

impl Rows {
    /// Adds to the sums of a period, of which so many are kept.
    pub(super) fn add(&mut self, period: u16, kept: usize, met: &Sums) {
        let mut at = 0;
        let mut sums = *met;
        let mut end = self.0.len();
        while let Some(row) = self.row(at) {
            if row.period == period {
                let own = row.sums();
                sums.iter_mut().zip(own).for_each(|(sum, own)| *sum = sum.saturating_add(own));
                end = row.end;
                break;
            }
            if row.period > period {
                end = at;
                break;
            }
            at = row.end;
        }
        let mut written = [0; (1 + MOST_SUMS) * MOST_BYTES];
        let length = write(&mut written, period, sums.get(..kept).unwrap_or(&sums));
        let written = written.get(..length).unwrap_or_default();
        let needed = length.saturating_sub(end - at);
        if self.0.capacity() - self.0.len() < needed {
            self.0.reserve_exact(needed.max(STEP));
        }
        self.0.splice(at..end, written.iter().copied());
    }

    /// Adds the rows of another part.
    pub(super) fn merge(&mut self, other: &Self, kept: usize) {
        other.iter().for_each(|(period, sums)| self.add(period, kept, &sums));
    }

    /// Every period with its sums.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u16, Sums)> + '_ {
        let mut at = 0;
        std::iter::from_fn(move || {
            let row = self.row(at)?;
            at = row.end;
            Some((row.period, row.sums()))
        })
    }

    /// The row that begins at a byte.
    fn row(&self, at: usize) -> Option<Row<'_>> {
        let bytes = self.0.get(at..)?;
        let mut rest = bytes;
        let period = u16::try_from(number(&mut rest)?).ok()?;
        let length = usize::try_from(number(&mut rest)?).ok()?;
        let sums = rest.get(..length)?;
        Some(Row { period, sums, end: at + (bytes.len() - rest.len()) + length })
    }
}

struct Row<'a> {
    period: u16,
    sums: &'a [u8],
    /// Where the next begins.
    end: usize,
}

impl Row<'_> {
    fn sums(&self) -> Sums {
        let mut rest = self.sums;
        let mut sums = Sums::default();
        for sum in &mut sums {
            let Some(number) = number(&mut rest) else { break };
            *sum = number;
        }
        sums
    }
}

/// Writes a row, and says how long it is.
fn write(row: &mut [u8], period: u16, sums: &[u64]) -> usize {
    let width = |number: u64| (64 - (number | 1).leading_zeros() as usize).div_ceil(7);
    let length: usize = sums.iter().map(|sum| width(*sum)).sum();
    let head = [u64::from(period), length as u64];
    let mut free = row.iter_mut();
    let mut written = 0;
    for number in head.iter().chain(sums) {
        let mut left = *number;
        for last in (0..width(*number)).rev() {
            if let Some(byte) = free.next() {
                // Seven bits, and whether more follow.
                *byte = (left & 0x7f) as u8 | if last > 0 { 0x80 } else { 0 };
                left >>= 7;
                written += 1;
            }
        }
    }
    written
}

/// Takes the next number.
fn number(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..MOST_BYTES as u32).map(|place| place * 7) {
        let (first, rest) = bytes.split_first()?;
        *bytes = rest;
        number |= u64::from(first & 0x7f) << shift;
        if first & 0x80 == 0 {
            break;
        }
    }
    Some(number)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn rows_are_those_of_a_map_whatever_is_added_in_whatever_order(
            added in prop::collection::vec(
                (prop_oneof![0_u16..40, any::<u16>()], prop::collection::vec(
                    prop_oneof![Just(0), 0_u64..300, any::<u64>()], 5)),
                0..60,
            ),
        ) {
            let mut rows = [Rows::default(), Rows::default()];
            let mut oracle: BTreeMap<u16, Sums> = BTreeMap::new();
            for (number, (period, sums)) in added.iter().enumerate() {
                let mut met = Sums::default();
                met[..5].copy_from_slice(sums);
                rows[number % 2].add(*period, 5, &met);
                let own = oracle.entry(*period).or_default();
                own.iter_mut().zip(met).for_each(|(own, met)| *own = own.saturating_add(met));
            }
            let [mut one, other] = rows;
            one.merge(&other, 5);
            prop_assert!(one.iter().eq(oracle));
        }
    }

    #[test]
    fn a_row_of_small_numbers_has_a_byte_for_each() {
        let mut rows = Rows::default();
        let mut sums = Sums::default();
        sums[0] = 100;
        rows.add(7, 6, &sums);
        assert_eq!(rows.0.len(), 8);
        sums[1] = u64::MAX;
        rows.add(7, 14, &sums);
        assert_eq!(
            rows.0,
            [7, 24, 200, 1, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1]
                .into_iter()
                .chain([0; 12])
                .collect::<Vec<u8>>()
        );
    }
}
