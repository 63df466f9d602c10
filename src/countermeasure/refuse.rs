//! Refusing outright, in the protocol's own error shape.

use crate::policy::plan::Refuse;
use crate::wire::{Refusal, RefusalKind};

/// The refusal that a plan asks for. The decision id lets support find the record without telling
/// the caller a score.
#[must_use]
pub fn refusal(settings: &Refuse, decision: &str) -> Refusal {
    let message = format!("{} (decision {decision})", settings.message);
    Refusal { kind: RefusalKind::Refused, message }
}
