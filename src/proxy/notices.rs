//! What is not wrong with a configuration, and yet not what someone who sets up a defense is likely
//! to want. Told once, at the start and by `--check`.

use super::config::Config;
use crate::policy::{Policy, Reach};
use crate::risk::settings::Trust;
use crate::wire::{CarriesSealed, ProtocolId, ServerKind};

/// `policies` are all that may decide, the configured one first.
pub(super) fn notices(config: &Config, policies: &[&Policy]) -> Vec<String> {
    let mut notices = Vec::new();
    let reach = policies.iter().map(|policy| policy.reach()).max().unwrap_or(Reach::Nothing);
    if let Some(idle) = idle(config, reach) {
        notices.push(format!("NOTHING IS GRADED: {idle}"));
    } else if reach == Reach::Records && config.audit.is_none() {
        let names: Vec<&str> = policies
            .iter()
            .filter(|policy| policy.reach() == Reach::Records)
            .map(|policy| policy.name.as_str())
            .collect();
        notices.push(format!(
            "the policy {} only observes, and there is no [audit] file: what it would do is counted \
             in the metrics and recorded nowhere",
            names.join(", ")
        ));
    }
    if config.experiments.is_some() && config.audit.is_none() {
        notices.push(
            "there are [experiments] and no [audit] file: what units meet is watched by the \
             guardrails and recorded nowhere, so that nothing can be reported"
                .to_owned(),
        );
    }
    if config.upstream.url.path().trim_end_matches('/').ends_with("/v1") {
        notices.push(format!(
            "upstream.url ends in /v1, and so does what clients' paths begin with: a request for \
             /v1/models would go to {}/v1/models",
            config.upstream.url.path().trim_end_matches('/')
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
    if config.secret.is_none() && policies.iter().any(|policy| policy.seals()) {
        notices.push(
            "reasoning is sealed, and there is no [secret]: what this process has sealed opens nowhere \
             else, and not after a restart"
                .to_owned(),
        );
    }
    notices.extend(unsealed(config.upstream.kind, policies));
    if config.upstream.kind == ServerKind::Bedrock && config.signer.is_none() {
        let mut changing: Vec<&str> =
            policies.iter().flat_map(|policy| policy.changes_requests()).collect();
        changing.sort_unstable();
        changing.dedup();
        if !changing.is_empty() {
            notices.push(format!(
                "requests are not signed anew, as there are no credentials under [upstream]: one that its \
                 client has signed is refused where it would have to be changed for {}",
                changing.join(", ")
            ));
        }
    }
    notices.extend(config.notices.iter().cloned());
    notices
}

/// Over which of the protocols that a server speaks nothing carries what is sealed, so that it is missing at the
/// next turn.
fn unsealed(kind: ServerKind, policies: &[&Policy]) -> Vec<String> {
    let among = |sought: &[CarriesSealed], in_strings: bool| {
        let governed = |id: &&ProtocolId| {
            let seals = |policy: &&Policy| {
                policy.scope.covers_protocol(**id) && policy.seals_outside_strings(in_strings)
            };
            policies.iter().any(seals)
        };
        let spoken = kind.speaks().iter().filter(governed);
        let names = spoken
            .filter(|id| sought.contains(&id.features().carries_sealed))
            .map(|id| id.name())
            .collect::<Vec<_>>();
        Some(names.join(", ")).filter(|names| !names.is_empty())
    };
    let strings = [CarriesSealed::WhereSigned, CarriesSealed::InStrings];
    let strings = among(&strings, false).map(|names| {
        format!(
            "reasoning is sealed, and over {names} strings of reasoning that the upstream has not signed are \
             withheld without a blob: `seal = {{ in_strings = true }}` has one take their place, for \
             clients that send it back"
        )
    });
    let nowhere = among(&[CarriesSealed::Nowhere], true).map(|names| {
        format!(
            "reasoning is sealed, and nothing that clients send back over {names} has room for it: there it is \
             withheld, and missing at the next turn"
        )
    });
    strings.into_iter().chain(nowhere).collect()
}

/// Why every caller gets the upstream's bytes, if so it is.
fn idle(config: &Config, reach: Reach) -> Option<String> {
    let what = match (&config.policy, &config.experiments) {
        (None, None) => {
            return Some("there is no [policy] file; every answer passes untouched".to_owned());
        }
        (Some(file), None) => file.display().to_string(),
        (None, Some(_)) => "the arms".to_owned(),
        (Some(file), Some(_)) => format!("{} and of the arms", file.display()),
    };
    if reach == Reach::Nothing {
        return Some(format!("no grade of {what} names a countermeasure"));
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
