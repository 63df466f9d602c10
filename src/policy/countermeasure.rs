//! The countermeasures by name: what exemptions cover and reports list.

use serde::{Deserialize, Serialize};

use super::plan::{Measure, Mode, Plan};

/// One of the countermeasures a [`Plan`] may name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Countermeasure {
    /// [`Plan::refuse`]
    Refuse,
    /// [`Plan::rate`]
    Rate,
    /// [`Plan::downgrade`]
    Downgrade,
    /// [`Plan::side_channels`]
    SideChannels,
    /// [`Plan::reasoning`]
    Reasoning,
    /// [`Plan::watermark`]
    Watermark,
    /// [`Plan::pace`]
    Pace,
}

impl Countermeasure {
    /// Every countermeasure, in the order they are applied.
    pub const ALL: [Self; 7] = [
        Self::Refuse,
        Self::Rate,
        Self::Downgrade,
        Self::SideChannels,
        Self::Reasoning,
        Self::Watermark,
        Self::Pace,
    ];

    /// The name in policy files, audit records and metrics.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Refuse => "refuse",
            Self::Rate => "rate",
            Self::Downgrade => "downgrade",
            Self::SideChannels => "side_channels",
            Self::Reasoning => "reasoning",
            Self::Watermark => "watermark",
            Self::Pace => "pace",
        }
    }

    /// In which mode `plan` names this countermeasure, if it does.
    #[must_use]
    pub fn mode_in(self, plan: &Plan) -> Option<Mode> {
        fn mode<T>(measure: Option<&Measure<T>>) -> Option<Mode> {
            measure.map(|measure| measure.mode)
        }
        match self {
            Self::Refuse => mode(plan.refuse.as_ref()),
            Self::Rate => mode(plan.rate.as_ref()),
            Self::Downgrade => mode(plan.downgrade.as_ref()),
            Self::SideChannels => mode(plan.side_channels.as_ref()),
            Self::Reasoning => mode(plan.reasoning.as_ref()),
            Self::Watermark => mode(plan.watermark.as_ref()),
            Self::Pace => mode(plan.pace.as_ref()),
        }
    }

    fn remove_from(self, plan: &mut Plan) {
        match self {
            Self::Refuse => plan.refuse = None,
            Self::Rate => plan.rate = None,
            Self::Downgrade => plan.downgrade = None,
            Self::SideChannels => plan.side_channels = None,
            Self::Reasoning => plan.reasoning = None,
            Self::Watermark => plan.watermark = None,
            Self::Pace => plan.pace = None,
        }
    }
}

/// A set of countermeasures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Countermeasures(u32);

const _: () =
    assert!(Countermeasure::ALL.len() <= u32::BITS as usize, "a countermeasure has no bit");

impl Countermeasures {
    pub(super) const ALL: Self = Self(u32::MAX);

    pub(super) fn contains(self, countermeasure: Countermeasure) -> bool {
        self.0 & (1 << countermeasure as u32) != 0
    }

    pub(super) fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// `plan` without the countermeasures of this set.
    pub(super) fn removed_from(self, plan: &Plan) -> Plan {
        let mut plan = plan.clone();
        for countermeasure in Countermeasure::ALL {
            if self.contains(countermeasure) {
                countermeasure.remove_from(&mut plan);
            }
        }
        plan
    }

    /// Whether `plan` names none outside this set.
    pub(super) fn cover(self, plan: &Plan) -> bool {
        Countermeasure::ALL
            .into_iter()
            .all(|named| self.contains(named) || named.mode_in(plan).is_none())
    }

    /// Whether `plan` names any in this set.
    pub(super) fn touch(self, plan: &Plan) -> bool {
        Countermeasure::ALL
            .into_iter()
            .any(|named| self.contains(named) && named.mode_in(plan).is_some())
    }
}

impl FromIterator<Countermeasure> for Countermeasures {
    fn from_iter<I: IntoIterator<Item = Countermeasure>>(countermeasures: I) -> Self {
        Self(countermeasures.into_iter().fold(0, |set, named| set | 1 << named as u32))
    }
}
