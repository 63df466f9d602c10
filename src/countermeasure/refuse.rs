//! Refusing outright, in the protocol's own error shape.

use crate::policy::plan::Refuse;
use crate::wire::{Refusal, RefusalKind};

/// The refusal that a plan asks for.
#[must_use]
pub fn refusal(settings: &Refuse) -> Refusal {
    Refusal { kind: RefusalKind::Refused, message: settings.message.clone() }
}
