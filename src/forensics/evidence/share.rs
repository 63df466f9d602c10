//! In what share of its choices a text follows a key, with an interval that holds for small texts and
//! for large ones.
//!
//! At a choice `x` stands, where the key has `f`. If a share `q` of choices follows the key and the others
//! are made by habit, with the probability `b` of the second variant, then `x − b` is `q (f − b)` on average. Under a
//! random key `f` has the mean `p'`, whatever the text, and so with weights `v` of the text alone
//!
//! ```text
//! q = Σ v (f − p') (x − b) / Σ v (f − p') (f − b)
//! ```
//!
//! is 1 on a text that follows the key everywhere, and its numerator is 0 on average on one that does not
//! know the key, whether or not `b` is right. `b` must not depend on what stands at the choice itself, or the share
//! would be drawn to 0: it is worked out from the other cells.
//!
//! The interval has every share `q` whose residue `Σ v (f − p') (x − b − q (f − b))` is no further from 0
//! than chance leaves it, by any of three variances: of choices that are independent given `q`; between cells, whose
//! habits differ; and between cells and groups of documents together, some of which may follow the key more than others.

use super::effect::Effect;
use crate::forensics::detect::GROUPS;

/// Choices of one cell, with one threshold and in one group of documents.
#[derive(Clone, Copy, Debug)]
pub(super) struct Choices {
    /// Its cell. All of a cell stand together.
    pub(super) cell: u32,
    /// The group of documents.
    pub(super) group: usize,
    /// How often the first and the second variant stand there.
    pub(super) stand: [f64; 2],
    /// `b`: how often the second would by habit, told from other cells.
    pub(super) usual: f64,
    /// `p'`: how often a random key has the second.
    pub(super) drawn: f64,
    /// `f`: whether this key has the second.
    pub(super) follows: bool,
    /// `v`.
    pub(super) weight: f64,
}

/// Numerator and denominator of a share.
type Ratio = (f64, f64);

/// `c0 + c1 q + c2 q²`.
#[derive(Clone, Copy, Debug, Default)]
struct Quadratic([f64; 3]);

impl Quadratic {
    /// `Σ (a − q d)²`.
    fn of_residues<'a>(ratios: impl Iterator<Item = &'a Ratio>) -> Self {
        ratios.fold(Self::default(), |sum, (a, d)| sum.plus(Self([a * a, -2.0 * a * d, d * d])))
    }

    fn plus(self, Self([a, b, c]): Self) -> Self {
        let Self([x, y, z]) = self;
        Self([x + a, y + b, z + c])
    }

    fn times(self, factor: f64) -> Self {
        Self(self.0.map(|coefficient| coefficient * factor))
    }

    /// The variance of independent choices: `Σ n v² (f − p')² μ (1 − μ)` with `μ = b + q (f − b)`.
    fn of_choices(choices: &[Choices]) -> Self {
        choices.iter().fold(Self::default(), |sum, choice| {
            let Choices { stand: [zeros, ones], usual, drawn, follows, weight, .. } = choice;
            // How often habit alone has what the key has.
            let agrees = if *follows { *usual } else { 1.0 - usual };
            let surprise = if *follows { 1.0 - drawn } else { *drawn };
            let scale = (zeros + ones) * (weight * surprise).powi(2) * (1.0 - agrees);
            let own = Self([agrees, 1.0 - 2.0 * agrees, agrees - 1.0]);
            sum.plus(own.times(scale))
        })
    }

    /// Where it is not positive, around `inside`: to the left and to the right, or as far as the bounds.
    fn not_positive_around(self, inside: f64, (low, high): (f64, f64)) -> (f64, f64) {
        let at = |q: f64| {
            let Self([a, b, c]) = self;
            a + q * (b + q * c)
        };
        let end = |outside: f64| {
            let (mut inside, mut outside) = (inside, outside);
            if at(outside) <= 0.0 {
                return outside;
            }
            for _ in 0..60 {
                let middle = f64::midpoint(inside, outside);
                if at(middle) <= 0.0 { inside = middle } else { outside = middle }
            }
            outside
        };
        (end(low), end(high))
    }
}

/// Student's 97.5th percentile, by Cornish and Fisher's expansion; within 1 % from three degrees on.
fn student(degrees: f64) -> f64 {
    let (z, n) = (1.959_964_f64, degrees.max(2.0));
    let (first, second) = (z * z * z + z, 5.0 * z.powi(5) + 16.0 * z.powi(3) + 3.0 * z);
    let third = 3.0 * z.powi(7) + 19.0 * z.powi(5) + 17.0 * z.powi(3) - 15.0 * z;
    z + first / (4.0 * n) + second / (96.0 * n * n) + third / (384.0 * n * n * n)
}

/// As how many equal ones these exposures count.
fn effective<'a>(ratios: impl Iterator<Item = &'a Ratio>) -> f64 {
    let (sum, squares) =
        ratios.fold((0.0, 0.0), |(sum, squares), (_, d)| (sum + d, squares + d * d));
    if squares > 0.0 { sum * sum / squares } else { 0.0 }
}

impl Effect {
    /// The share of choices in which a text follows a key; none where it has no choice.
    pub(super) fn of_choices(choices: &[Choices]) -> Option<Self> {
        let mut groups = vec![(0.0, 0.0); usize::from(GROUPS)];
        let (mut cells, mut both): (Vec<Ratio>, Vec<Ratio>) = (Vec::new(), Vec::new());
        for cell in choices.chunk_by(|left, right| left.cell == right.cell) {
            let mut of_cell = vec![(0.0, 0.0); usize::from(GROUPS)];
            for Choices { group, stand: [zeros, ones], usual, drawn, follows, weight, .. } in cell {
                let followed = f64::from(u8::from(*follows));
                let sites = zeros + ones;
                let surprise = weight * (followed - drawn);
                let score = surprise * (ones - sites * usual);
                let exposure = surprise * sites * (followed - usual);
                for sums in [of_cell.get_mut(*group), groups.get_mut(*group)].into_iter().flatten()
                {
                    *sums = (sums.0 + score, sums.1 + exposure);
                }
            }
            cells.push(of_cell.iter().fold((0.0, 0.0), |sum, one| (sum.0 + one.0, sum.1 + one.1)));
            both.extend(of_cell.iter().filter(|(_, exposure)| *exposure > 0.0));
        }
        let (score, exposure) =
            cells.iter().fold((0.0, 0.0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
        if exposure <= 0.0 {
            return None;
        }
        let estimate = score / exposure;
        let (by_cell, by_group) =
            (student(effective(cells.iter()) - 1.0), student(effective(groups.iter()) - 1.0));
        let between_cells = Quadratic::of_residues(cells.iter());
        let between_both = between_cells
            .plus(Quadratic::of_residues(groups.iter()))
            .plus(Quadratic::of_residues(both.iter()).times(-1.0));
        let variances = [
            (student(effective(cells.iter())), Quadratic::of_choices(choices)),
            (by_cell, between_cells),
            (by_cell.max(by_group), between_both),
        ];
        let residue = Quadratic::of_residues([(score, exposure)].iter());
        let (mut low, mut high) = (estimate, estimate);
        for (times, variance) in variances {
            let outside = residue.plus(variance.times(-times * times));
            let bounds = (estimate.min(-1.0), estimate.max(1.0));
            let (left, right) = outside.not_positive_around(estimate, bounds);
            (low, high) = (low.min(left), high.max(right));
        }
        Some(Self { estimate, low, high })
    }
}
