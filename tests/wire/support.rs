//! Plans, and what they make of requests.

use guilloche::countermeasure::{RequestEdits, Tally};
use guilloche::policy::plan::{Measure, Mode, Plan, SideChannels};
use guilloche::wire::{Protocol, Refusal, Request};

pub(crate) fn enforced<T>(settings: T) -> Option<Measure<T>> {
    Some(Measure { mode: Mode::Enforce, settings })
}

/// Side channels are closed.
pub(crate) fn closing() -> Plan {
    closing_but(&[])
}

/// Side channels are closed, but for members of these names.
pub(crate) fn closing_but(allow: &[&str]) -> Plan {
    let mut settings = SideChannels::default();
    settings.allow = allow.iter().map(|&name| name.to_owned()).collect();
    let mut plan = Plan::default();
    plan.side_channels = enforced(settings);
    plan
}

/// The target and the body of a request as the plan has them sent on.
pub(crate) fn edited(
    plan: &Plan,
    protocol: &'static dyn Protocol,
    request: &Request,
    body: &str,
) -> Result<(String, String), Refusal> {
    let edits = RequestEdits::of(plan, protocol, request, None, &mut Tally::default())?.edits;
    let edited = edits.apply(&request.target, body.to_owned().into());
    let sent = String::from_utf8(edited.body.to_vec()).unwrap();
    Ok((edited.target.unwrap_or_else(|| request.target.as_str().to_owned()), sent))
}
