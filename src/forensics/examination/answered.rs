//! Whether a scheme has a control that could have shown something.
//!
//! Ids that were never issued and decoy keys have no habits, and they are scored on the suspect's
//! own text. So they show that the law holds, and not that the setup finds nothing in text that
//! has no mark: only such a text does.

use super::scheme::SchemeTests;
use super::verdict::{ControlKind, Unanswered};
use crate::forensics::evidence::{CONTROL_LEVEL, LnP};
use crate::forensics::tracing::ACCUSATION_LEVEL;

/// No text of fewer sites is a control.
const LEAST_SITES: u64 = 100;

/// Why this scheme is not answered, if it is not: where it has no text control, or none with as
/// many sites as would have shown what the suspect shows.
pub(super) fn unanswered(scheme: &SchemeTests) -> Option<Unanswered> {
    let needed = needed(scheme);
    let texts = scheme.controls.iter().filter(|control| control.kind == ControlKind::Text);
    let most = texts.map(|control| control.material.as_ref().map_or(0, |read| read.sites)).max();
    let reason = match most {
        Some(most) if most >= needed => return None,
        Some(most) => format!(
            "no text control has {needed} sites, in which a lean like the suspect's would have \
             been found (the largest has {most})"
        ),
        None => "there is no text that cannot be marked as a control".to_owned(),
    };
    Some(Unanswered { scheme: scheme.material.scheme.clone(), reason })
}

/// So many sites that a control which leans to a key as the suspect does would be refused. The
/// logarithm of a bound grows with the number of sites; so this share of the suspect's is
/// `ln 0.001 / ln p`, at most one half where something is found.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "between 0 and the number of sites"
)]
fn needed(scheme: &SchemeTests) -> u64 {
    let deployments = scheme.deployments.iter().filter_map(|test| test.evidence.as_ref());
    let ids =
        scheme.clusters.iter().chain(&scheme.arms).chain(&scheme.accounts).map(|score| score.ln_p);
    let strongest: LnP = deployments.map(|test| test.evidence.ln_p).chain(ids).fold(0.0, f64::min);
    let share =
        if strongest < ACCUSATION_LEVEL.ln() { CONTROL_LEVEL.ln() / strongest } else { 0.0 };
    ((scheme.material.sites as f64 * share).ceil() as u64).max(LEAST_SITES)
}
