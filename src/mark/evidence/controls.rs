//! Controls: tests that must find nothing. Where one finds something, no result is given.

use thiserror::Error;

use super::tail::LnP;
use super::test::Evidence;

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
        "the scores of decoy keys scatter {dispersion:.2} times as widely as they should: trials are not independent"
    )]
    Dispersion {
        /// Their deviation over that of the law.
        dispersion: f64,
    },
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

impl Evidence {
    /// Whether the law fits the decoys: between 0.9 and 1.1 of its deviation. With fewer than 1,000
    /// decoys this is not known, and the answer is yes.
    ///
    /// # Errors
    ///
    /// If they scatter otherwise.
    pub fn examine(&self) -> Result<(), Refusal> {
        let few = self.decoys.sorted().len() < 1_000;
        if few || (0.9..=1.1).contains(&self.dispersion) {
            Ok(())
        } else {
            Err(Refusal::Dispersion { dispersion: self.dispersion })
        }
    }
}
