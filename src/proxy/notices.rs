//! What is not wrong with a configuration, and yet not what someone who sets up a defense is likely
//! to want. Told once, at the start and by `--check`.

use super::config::Config;
use crate::policy::{Policy, Reach};
use crate::risk::settings::Trust;

pub(super) fn notices(config: &Config, policy: &Policy) -> Vec<String> {
    let mut notices = Vec::new();
    if let Some(idle) = idle(config, policy) {
        notices.push(format!("NOTHING IS GRADED: {idle}"));
    } else if policy.reach() == Reach::Records && config.audit.is_none() {
        notices.push(format!(
            "the policy {} only observes, and there is no [audit] file: what it would do is counted \
             in the metrics and recorded nowhere",
            policy.name
        ));
    }
    let trust = config.risk.as_ref().map(|risk| risk.trust);
    let address = config.listen.address;
    if trust == Some(Trust::Peer) && !address.ip().is_loopback() {
        notices.push(format!(
            "trust = \"peer\" believes the risk header of whoever can reach {address}: a caller may \
             choose their own score and account, unless nobody but the detector can connect"
        ));
    }
    notices.extend(config.notices.iter().cloned());
    notices
}

/// Why every caller gets the upstream's bytes, if so it is.
fn idle(config: &Config, policy: &Policy) -> Option<String> {
    let Some(file) = &config.policy else {
        return Some("there is no [policy] file; every answer passes untouched".to_owned());
    };
    if policy.reach() == Reach::Nothing {
        return Some(format!("no grade of {} names a countermeasure", file.display()));
    }
    match config.risk.as_ref().map(|risk| risk.trust) {
        None => Some(
            "there is a [policy] and no [risk], so that every caller's risk is unknown; trust = \
             \"signature\" or \"peer\" there says whose word is taken"
                .to_owned(),
        ),
        Some(Trust::Extension) => Some(
            "trust = \"extension\" takes a detector in the same process, and `serve` has none"
                .to_owned(),
        ),
        Some(Trust::Signature | Trust::Peer) => None,
    }
}
