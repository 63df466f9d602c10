//! The randomization test: what the difference would be if the same units with the same values had
//! been assigned otherwise.
//!
//! Under the hypothesis that no unit is changed by its arm, it errs exactly as often as it says,
//! with any number of units and any tails: its only assumption is the assignment, which is ours.
//! The statistic is studentized (Welch's t), so that for more units it also errs as often as it says
//! where only the means of the arms agree (Chung and Romano 2013).

mod assignments;
mod choices;
mod interval;
mod statistic;

pub use assignments::Assignments;
use choices::combinations;
pub use interval::randomization_interval;
use statistic::{Test, center};

use super::error::{StatsError, finite};
use super::level::Alternative;

/// What the randomization test found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Randomization {
    /// Share of assignments at least as extreme as the one that was made; with draws
    /// `(1 + extreme) / (1 + draws)`, which is no less honest (Phipson and Smyth 2010).
    pub p_value: f64,
    /// The smallest p-value that so many units could have given. If it is above α, no effect
    /// whatever could be shown.
    pub least_attainable: f64,
    /// Assignments that the p-value counts.
    pub assignments: u64,
    /// Whether these are all there are.
    pub exact: bool,
}

/// Tests whether the arm changes any unit's value. One value per unit, in any order; all units had
/// the same chance of each arm.
///
/// # Errors
///
/// Fewer than two units in an arm, values that are not finite or all the same, no draws.
///
/// ```
/// use guilloche::stats::{Alternative, Assignments, randomization_test};
///
/// // Three against three: one assignment in ten is at least this extreme, and none is more so.
/// let assignments = Assignments::seeded([0; 32]);
/// let (control, treated) = ([1.0, 2.0, 3.0], [7.0, 8.0, 9.0]);
/// let found = randomization_test(&control, &treated, Alternative::TwoSided, &assignments)?;
/// assert_eq!((found.p_value, found.least_attainable), (0.1, 0.1));
/// # Ok::<(), guilloche::stats::StatsError>(())
/// ```
pub fn randomization_test(
    control: &[f64],
    treated: &[f64],
    alternative: Alternative,
    assignments: &Assignments,
) -> Result<Randomization, StatsError> {
    let smaller = control.len().min(treated.len());
    if smaller < 2 {
        let method = "the randomization test";
        return Err(StatsError::TooFewUnits { method, needed: 2, found: smaller as u64 });
    }
    let mut values = Vec::with_capacity(control.len() + treated.len());
    // The smaller arm comes first. Where that is the control arm, the difference changes its sign.
    let (first, second, alternative) = if treated.len() <= control.len() {
        (treated, control, alternative)
    } else {
        (control, treated, alternative.swapped())
    };
    for arm in [first, second] {
        let from = values.len();
        for value in arm {
            values.push(finite("a unit's value", *value)?);
        }
        // Neither draws nor sums depend on the order in which units were read.
        if let Some(arm) = values.get_mut(from..) {
            arm.sort_unstable_by(f64::total_cmp);
        }
    }
    let scale = center(&mut values)?;
    let test = Test { first: smaller, alternative, scale };
    let observed = test.statistic(&values);
    let all = combinations(values.len() as u64, smaller as u64);
    // Two-sided, an even split and its mirror image are equally extreme.
    let mirrored = alternative == Alternative::TwoSided && values.len() == 2 * smaller;
    let least = all.map_or(0.0, |all| if mirrored { 2.0 } else { 1.0 } / all as f64);
    match all.filter(|all| *all <= u64::from(assignments.enumerate_at_most)) {
        Some(all) => {
            let extreme = test.count_all(&values, observed);
            Ok(Randomization {
                p_value: extreme as f64 / all as f64,
                least_attainable: least,
                assignments: all,
                exact: true,
            })
        }
        None if assignments.draws == 0 => Err(StatsError::OutOfRange {
            name: "the number of draws",
            range: "at least 1",
            value: 0.0,
        }),
        None => {
            let draws = f64::from(assignments.draws);
            let extreme = test.count_drawn(&mut values, observed, assignments);
            Ok(Randomization {
                p_value: (extreme as f64 + 1.0) / (draws + 1.0),
                least_attainable: least.max(1.0 / (draws + 1.0)),
                assignments: u64::from(assignments.draws),
                exact: false,
            })
        }
    }
}
