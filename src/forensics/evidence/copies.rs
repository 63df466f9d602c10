//! Whether a text holds marked answers as they were sent: the test of canary cells.
//!
//! At a canary cell whose two uniforms lead to different variants, each place of a text has either the canary's
//! variant or the ordinary one. A copy has the canary's in passages of active groups, and the ordinary one
//! in all others. Whoever learned or forged does not know which groups are active: given his text, the
//! cells and all uniforms, they are any 13 of the 64 with the same probability. So with `S_g` the places of
//! group `g` that have the canary's variant less those that have the ordinary one,
//!
//! ```text
//! p = |{A : |A| = 13, Σ_{g ∈ A} S_g >= Σ_{g active} S_g}| / C(64, 13)
//! ```
//!
//! is exact, whatever the text: it is counted, in integers.

use super::{LawWeights, LnP, Strengths};
use crate::forensics::detect::LawCounts;
use crate::mark::cell::{Cell, MarkKey, Roles};
use crate::mark::law::{
    ACTIVE_GROUPS, Canaries, PASSAGE_GROUPS, canary_uniform, coin, is_canary, threshold, uniform,
};

/// Places of a text at which the canary's variant differs from the ordinary one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Differing {
    /// Those that have the canary's.
    pub canary: u64,
    /// Those that have the ordinary one.
    pub ordinary: u64,
}

impl Differing {
    fn all(self) -> i64 {
        i64::try_from(self.canary.saturating_add(self.ordinary)).unwrap_or(i64::MAX)
    }

    fn balance(self) -> i64 {
        let number = |count| i64::try_from(count).unwrap_or(i64::MAX);
        number(self.canary) - number(self.ordinary)
    }

    fn add(&mut self, more: Self) {
        self.canary = self.canary.saturating_add(more.canary);
        self.ordinary = self.ordinary.saturating_add(more.ordinary);
    }
}

/// Whether a text holds answers as they were sent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CopyEvidence {
    /// In passages of active groups.
    pub active: Differing,
    /// In those of other groups.
    pub others: Differing,
    /// The p-value, exact.
    pub ln_p: LnP,
    /// What it would be if all these places were as they were sent: the least that so many can show.
    pub ln_p_of_copy: LnP,
}

impl CopyEvidence {
    /// Tests counts of an epoch with canaries for the key of a deployment. Cells that no answer carried at
    /// the strengths that were issued have no part in it.
    #[must_use]
    pub fn new(
        counts: &LawCounts,
        key: &MarkKey,
        canaries: &Canaries,
        roles: &Roles,
        strengths: &Strengths,
    ) -> Self {
        // A stream for each keeps all in rising order.
        let (mut usual, mut coins, mut canary) = (key.stream(), key.stream(), canaries.stream());
        let mut groups = vec![Differing::default(); usize::from(PASSAGE_GROUPS)];
        for (cell, log_odds, passage, [zeros, ones]) in counts.in_passages() {
            let cell = Cell::from_number(cell);
            if !is_canary(roles, cell)
                || LawWeights::carried(strengths, coin(&mut coins, cell)) <= 0.0
            {
                continue;
            }
            let threshold = threshold(log_odds);
            let here = canary_uniform(&mut canary, cell) < threshold;
            if here == (uniform(&mut usual, cell) < threshold) {
                continue;
            }
            let (of_canary, ordinary) = if here { (ones, zeros) } else { (zeros, ones) };
            if let Some(group) = groups.get_mut(usize::from(passage)) {
                group.add(Differing { canary: of_canary.into(), ordinary: ordinary.into() });
            }
        }
        Self::of_groups(&groups, |group| canaries.is_active(group))
    }

    /// Of the places of each group.
    #[must_use]
    pub fn of_groups(groups: &[Differing], is_active: impl Fn(u8) -> bool) -> Self {
        let (mut active, mut others) = (Differing::default(), Differing::default());
        let (mut found, mut copied) = (Vec::new(), Vec::new());
        for (number, group) in (0..PASSAGE_GROUPS).zip(groups) {
            let is_active = is_active(number);
            if is_active { &mut active } else { &mut others }.add(*group);
            found.push((group.balance(), is_active));
            copied.push((if is_active { group.all() } else { -group.all() }, is_active));
        }
        let [ln_p, ln_p_of_copy] = [found, copied].map(|values| ln_p(&values));
        Self { active, others, ln_p, ln_p_of_copy }
    }
}

/// Values beyond these are drawn to them in proportion, so that the sums are few. It is done without a look at which
/// groups are active: the p-value stays exact for what is left.
const MOST: i64 = 1_000;

/// The probability that as many groups as are active, drawn at random, have at least their sum.
fn ln_p(groups: &[(i64, bool)]) -> LnP {
    let most = groups.iter().map(|(value, _)| value.saturating_abs()).max().unwrap_or(0);
    let step = most.saturating_add(MOST - 1) / MOST;
    let scaled = |value: i64| match step {
        0 | 1 => value,
        step => value.saturating_abs().saturating_add(step / 2) / step * value.signum(),
    };
    let values: Vec<i64> = groups.iter().map(|(value, _)| scaled(*value)).collect();
    let sum = groups.iter().zip(&values).filter(|((_, active), _)| *active);
    let (size, sum) = sum.fold((0, 0), |(size, sum), (_, value)| (size + 1, sum + value));
    ln_share_of_subsets(&values, size, sum)
}

/// The share of the subsets of so many values that have at least this sum. There are at most C(64, 13) of
/// them, and numbers of 64 bits hold that.
fn ln_share_of_subsets(values: &[i64], size: usize, sum: i64) -> LnP {
    debug_assert!(values.len() <= usize::from(PASSAGE_GROUPS) && size <= ACTIVE_GROUPS);
    let least = values.iter().copied().min().unwrap_or(0);
    let index = |value: i64| usize::try_from(value).unwrap_or(0);
    let mut above: Vec<usize> = values.iter().map(|value| index(value - least)).collect();
    above.sort_unstable();
    let width = above.iter().rev().take(size).sum::<usize>() + 1;
    // The number of subsets by their size and by what their sum is above the least.
    let mut ways = vec![vec![0_u64; width]; size + 1];
    if let Some(none) = ways.first_mut().and_then(|sums| sums.first_mut()) {
        *none = 1;
    }
    for value in above {
        for taken in (0..size).rev() {
            let Some((fewer, more)) = ways.split_at_mut_checked(taken + 1) else { continue };
            let (Some(fewer), Some(more)) = (fewer.last(), more.first_mut()) else { continue };
            for (with, without) in more.iter_mut().skip(value).zip(fewer) {
                *with += without;
            }
        }
    }
    let sums = ways.last().map(Vec::as_slice).unwrap_or_default();
    let reached = sum - least * i64::try_from(size).unwrap_or(0);
    let reaching: u64 = sums.iter().skip(index(reached.max(0))).sum();
    (reaching as f64 / sums.iter().sum::<u64>() as f64).ln()
}
