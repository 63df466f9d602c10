//! A unit as the register has it: as small as it can be, since there may be a million.

use jiff::Timestamp;

use super::New;
use super::part::Waiting;
use crate::audit::{Population, UnitName};

/// Bits that say in which part a unit is.
const PART_BITS: u32 = super::PARTS.trailing_zeros();

/// Where a unit is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(in crate::experiment) struct UnitAt(u32);

/// Arms, as a set; those who are held out count as one of their own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::experiment) struct Arms(u32);

/// What is kept of a unit, and of an account or a cluster that is a part of one. A request touches one
/// that is far away in memory, so it has a cache line of its own.
#[repr(align(64))]
pub(super) struct Member {
    pub(super) name: UnitName,
    /// Microseconds since the epoch.
    first_seen: i64,
    arms: Arms,
    /// The number of its arm; of those who are held out the largest there is.
    arm: u8,
    population: Option<Population>,
    /// The unit that it belongs to, or that has taken it in.
    into: Option<UnitAt>,
    /// What it met and has not been written yet.
    pub(super) waiting: Option<Box<Waiting>>,
}

/// What is known of a unit.
#[derive(Clone, Copy, Debug)]
pub(in crate::experiment) struct Known {
    pub(in crate::experiment) at: UnitAt,
    pub(in crate::experiment) name: UnitName,
    /// The arm that it is in; `None` if it is held out.
    pub(in crate::experiment) arm: Option<usize>,
    /// That arm, and those in which its parts were before they came together.
    pub(in crate::experiment) arms: Arms,
    pub(in crate::experiment) population: Option<Population>,
    pub(in crate::experiment) first_seen: Timestamp,
}

impl UnitAt {
    /// `None` where a part has more than can be counted.
    pub(super) fn new(part: usize, index: usize) -> Option<Self> {
        let index = u32::try_from(index).ok().filter(|it| it.leading_zeros() >= PART_BITS)?;
        Some(Self(index << PART_BITS | u32::try_from(part).ok()?))
    }

    /// The part that it is in.
    pub(in crate::experiment) fn part(self) -> usize {
        self.0 as usize & (super::PARTS - 1)
    }

    pub(super) fn index(self) -> usize {
        (self.0 >> PART_BITS) as usize
    }
}

impl Arms {
    /// The bit of those who are held out; experiments have fewer arms.
    const HELD_OUT: u32 = 1 << 31;

    fn of(arm: Option<usize>) -> Self {
        Self(arm.map_or(Self::HELD_OUT, |arm| 1 << (arm as u32 & 15)))
    }

    /// Whether there are several.
    pub(in crate::experiment) fn are_several(self) -> bool {
        self.0.count_ones() > 1
    }

    /// Their indexes; of those who are held out that of the control arm, whose policy they meet.
    pub(in crate::experiment) fn met(self) -> impl Iterator<Item = usize> {
        let arms = if self.0 & Self::HELD_OUT == 0 { self.0 } else { self.0 | 1 };
        (0..16).filter(move |arm| arms & 1 << arm != 0)
    }
}

impl Member {
    pub(super) fn new(name: UnitName, New { arm, population, now, .. }: New) -> Self {
        Self {
            name,
            first_seen: now.as_microsecond(),
            arms: Arms::of(arm),
            arm: arm.and_then(|arm| u8::try_from(arm).ok()).unwrap_or(u8::MAX),
            population,
            into: None,
            waiting: None,
        }
    }

    /// One that was never a unit by itself.
    pub(super) fn part_of(name: UnitName, unit: UnitAt) -> Self {
        Self {
            name,
            first_seen: 0,
            arms: Arms::default(),
            arm: u8::MAX,
            population: None,
            into: Some(unit),
            waiting: None,
        }
    }

    pub(super) fn known(&self, at: UnitAt) -> Known {
        let Self { name, first_seen, arms, arm, population, .. } = *self;
        let first_seen = Timestamp::from_microsecond(first_seen).unwrap_or_default();
        let arm = (arm != u8::MAX).then_some(usize::from(arm));
        Known { at, name, arm, arms, population, first_seen }
    }

    /// The unit that it belongs to, if it is none itself.
    pub(super) fn into(&self) -> Option<UnitAt> {
        self.into
    }

    /// Has it belong to a unit; whether it did not.
    pub(super) fn point(&mut self, unit: UnitAt) -> bool {
        self.into.replace(unit) != Some(unit)
    }

    /// Another takes it in, of so many arms.
    pub(super) fn give(&mut self, to: UnitAt, Arms(arms): Arms) {
        self.into = Some(to);
        self.arms.0 |= arms;
    }

    /// Notes the arms of what it takes in; whether it has become contaminated by them.
    pub(super) fn absorb(&mut self, Arms(others): Arms) -> bool {
        let was = self.arms.are_several();
        self.arms.0 |= others;
        !was && self.arms.are_several()
    }
}
