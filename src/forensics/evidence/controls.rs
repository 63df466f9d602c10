//! Controls: tests that must find nothing. Where one finds something, no result is given.

use thiserror::Error;

use super::decoys::DecoyScores;
use super::tail::LnP;

/// A test whose hypothesis is known to be true.
#[derive(Clone, Debug, PartialEq)]
pub struct Control {
    /// What was tested: unmarked text, another model, ids that were never issued.
    pub name: String,
    /// What came out.
    pub ln_p: LnP,
}

/// Why a result is not given.
#[derive(Clone, Debug, Error, PartialEq)]
pub enum Refusal {
    /// A control found a mark where there is none.
    #[error(
        "the control {name:?} found a mark where there is none (p = {p:.1e}): the setup is at fault, not the suspect"
    )]
    Control {
        /// Which.
        name: String,
        /// Its p-value.
        p: f64,
    },
    /// The decoys do not scatter as the law says.
    #[error(
        "the scores of decoy keys scatter {dispersion:.3} times as widely as they should, which is more than {band:.3} from 1: trials are not independent"
    )]
    Dispersion {
        /// Their deviation over that of the law.
        dispersion: f64,
        /// How far from 1 so many decoys may be.
        band: f64,
    },
    /// The decoys do not scatter about the law's mean.
    #[error(
        "the scores of decoy keys have a mean of {mean:.3} deviations, which is more than {band:.3} from 0: the law does not hold"
    )]
    Mean {
        /// Their mean, in deviations of the law.
        mean: f64,
        /// How far from 0 so many decoys may be.
        band: f64,
    },
    /// There are too few decoys to tell whether the law holds.
    #[error("{0} decoy keys do not tell whether the law holds; at least {LEAST_DECOYS} do")]
    FewDecoys(usize),
    /// There was no control.
    #[error("there is no control: unmarked text, another model, or ids that were never issued")]
    NoControl,
}

/// A p-value below which a control has found something. It is not adjusted for the number of
/// controls: whoever adds controls must not make it harder for each to refuse.
pub const CONTROL_LEVEL: f64 = 1e-3;

/// Whether a result may be given, by what its controls say.
///
/// # Errors
///
/// The reason why not.
pub fn examine(controls: &[Control]) -> Result<(), Refusal> {
    if controls.is_empty() {
        return Err(Refusal::NoControl);
    }
    let worst = controls.iter().min_by(|left, right| left.ln_p.total_cmp(&right.ln_p));
    match worst {
        Some(Control { name, ln_p }) if *ln_p < CONTROL_LEVEL.ln() => {
            Err(Refusal::Control { name: name.clone(), p: ln_p.exp() })
        }
        _ => Ok(()),
    }
}

/// Fewer decoys than this do not tell whether the law holds.
pub const LEAST_DECOYS: usize = 1_000;

/// So many standard errors the decoys may be off.
const BAND: f64 = 4.0;

impl DecoyScores {
    /// Whether standardized scores scatter as they must: a mean within `4 / √K` of 0, and a
    /// deviation within `4 / √(2K)` of 1. A law whose tails are heavier than the normal law's (few
    /// sites) has deviations that vary more; their band is then wider by the decoys' own kurtosis,
    /// `4 √((κ - 1) / 4K)`, for κ up to 9, that of a single exponential.
    ///
    /// # Errors
    ///
    /// If they scatter otherwise, or are too few to tell.
    pub fn examine(&self) -> Result<(), Refusal> {
        let number = self.sorted().len();
        if number < LEAST_DECOYS {
            return Err(Refusal::FewDecoys(number));
        }
        let (count, mean, dispersion) = (number as f64, self.mean(), self.deviation());
        let band = BAND / count.sqrt();
        if mean.is_nan() || mean.abs() > band {
            return Err(Refusal::Mean { mean, band });
        }
        let band = BAND * ((self.kurtosis().clamp(3.0, 9.0) - 1.0) / (4.0 * count)).sqrt();
        if (1.0 - band..=1.0 + band).contains(&dispersion) {
            Ok(())
        } else {
            Err(Refusal::Dispersion { dispersion, band })
        }
    }
}
