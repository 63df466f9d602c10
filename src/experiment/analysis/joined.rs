//! Units that have become parts of others while an experiment ran.
//!
//! The detector links accounts late: by then each may be a unit of its own, in either arm. They are one
//! adversary, and count as one unit, that of the one that was seen first; otherwise a cluster of 400
//! accounts would pass for 400 witnesses that know nothing of each other. If their arms differ the unit is
//! contaminated.

use std::collections::HashMap;

use super::part::{Key, Unit, earlier, key};
use super::units::Units;
use crate::audit::UnitName;

/// Which unit each part has come to, and what those met that have parts.
#[derive(Debug, Default)]
pub(super) struct Joined {
    whole: HashMap<UnitName, UnitName>,
    units: HashMap<Key, Unit>,
}

impl Joined {
    /// From pairs of a part and the unit that has taken it in, in any order, as they were known after so
    /// many periods.
    pub(super) fn of<'p>(
        units: &Units,
        pairs: impl IntoIterator<Item = &'p (UnitName, UnitName)>,
    ) -> Self {
        let mut roots = Roots::default();
        pairs.into_iter().for_each(|(part, unit)| roots.unite(*part, *unit));
        let mut groups: HashMap<UnitName, Vec<UnitName>> = HashMap::new();
        for name in roots.names() {
            groups.entry(roots.root(name)).or_default().push(name);
        }
        let mut joined = Self::default();
        for mut names in groups.into_values() {
            // Who was seen first, and of two at one moment always the same.
            let seen = |name: &UnitName| {
                let unit = units.unit(key(*name, None));
                unit.map(|unit| unit.first_seen)
            };
            names.sort_unstable();
            names.retain(|name| seen(name).is_some());
            names.sort_by_key(seen);
            let Some((first, parts)) = names.split_first() else { continue };
            let mut whole: Option<Unit> = None;
            for name in std::iter::once(first).chain(parts) {
                let Some(part) = units.unit(key(*name, None)) else { continue };
                match &mut whole {
                    None => whole = Some(part.clone()),
                    Some(whole) => {
                        // That they are linked was known.
                        let linked = (whole.arm != part.arm).then_some(0);
                        let of_part = earlier(part.contaminated_in, linked);
                        whole.contaminated_in = earlier(whole.contaminated_in, of_part);
                        let several = part.named.several_in();
                        let is_first = whole
                            .named
                            .several_in()
                            .is_none_or(|own| several.is_some_and(|several| several < own));
                        if is_first {
                            whole.named = part.named;
                        }
                        units.add_rows(whole, part);
                    }
                }
                joined.whole.insert(*name, *first);
            }
            joined.units.extend(whole.map(|whole| (key(*first, None), whole)));
        }
        joined
    }

    /// The unit that a unit has become a part of, or itself.
    pub(super) fn whole(&self, name: UnitName) -> UnitName {
        self.whole.get(&name).copied().unwrap_or(name)
    }

    /// All units, those that have parts with what these met, in no order.
    pub(super) fn iter<'a>(
        &'a self,
        units: &'a Units,
    ) -> impl Iterator<Item = (&'a Key, &'a Unit)> {
        let alone = units.iter().filter(|((name, _), _)| !self.whole.contains_key(name));
        alone.chain(&self.units)
    }

    /// How many units are parts of others.
    pub(super) fn parts(&self) -> u64 {
        (self.whole.len() - self.units.len()) as u64
    }
}

/// Sets of names that belong together (union by chains that are shortened as they are followed).
#[derive(Default)]
struct Roots(HashMap<UnitName, UnitName>);

impl Roots {
    fn unite(&mut self, one: UnitName, other: UnitName) {
        let (one, other) = (self.root(one), self.root(other));
        let root = one.min(other);
        self.0.insert(one, root);
        self.0.insert(other, root);
    }

    fn root(&mut self, name: UnitName) -> UnitName {
        let mut root = name;
        while let Some(next) = self.0.get(&root).copied().filter(|next| *next != root) {
            root = next;
        }
        let mut at = name;
        while let Some(next) = self.0.get(&at).copied().filter(|next| *next != at) {
            self.0.insert(at, root);
            at = next;
        }
        root
    }

    fn names(&self) -> Vec<UnitName> {
        self.0.keys().copied().collect()
    }
}
