//! Which arms the lines of a unit name, and from when on they are several.

use super::part::earlier;

/// The two arms that lines name first, each with the first period in which they do. Of more than two no
/// more need be known, and the order of lines does not matter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Named([Option<(u16, Option<u8>)>; 2]);

impl Named {
    /// A line of a period names an arm, or none.
    pub(super) fn add(&mut self, period: u16, arm: Option<u8>) {
        let [first, second] = self.0;
        let of_arm = |it: &(u16, Option<u8>)| it.1 == arm;
        let known = [first, second].into_iter().flatten().find(of_arm).map(|it| it.0);
        let new = (earlier(known, Some(period)).unwrap_or(period), arm);
        let mut others = [first, second].into_iter().flatten().filter(|it| !of_arm(it));
        let mut all = [Some(new), others.next(), others.next()];
        // What is not there comes last.
        all.sort_unstable_by_key(|it| (it.is_none(), *it));
        let [first, second, _] = all;
        self.0 = [first, second];
    }

    /// Adds what lines of another shard name.
    pub(super) fn merge(&mut self, other: Self) {
        other.0.into_iter().flatten().for_each(|(period, arm)| self.add(period, arm));
    }

    /// The period from which on they are several.
    pub(super) fn several_in(&self) -> Option<u16> {
        let [_, second] = self.0;
        second.map(|(period, _)| period)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn arms_are_several_from_the_first_line_of_the_second_on_in_whatever_order_lines_come(
            lines in prop::collection::vec((0_u16..6, prop::option::of(0_u8..3)), 0..12),
            cut in any::<prop::sample::Index>(),
        ) {
            let cut = cut.index(lines.len() + 1);
            let mut parts = [Named::default(), Named::default()];
            for (place, (period, arm)) in lines.iter().enumerate().rev() {
                parts[usize::from(place < cut)].add(*period, *arm);
            }
            let [mut named, other] = parts;
            named.merge(other);
            let first = |wanted: Option<u8>| {
                lines.iter().filter(|(_, arm)| *arm == wanted).map(|(period, _)| *period).min()
            };
            let mut firsts: Vec<u16> =
                [None, Some(0), Some(1), Some(2)].into_iter().filter_map(first).collect();
            firsts.sort_unstable();
            prop_assert_eq!(named.several_in(), firsts.get(1).copied());
        }
    }
}
