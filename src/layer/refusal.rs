//! Refusals in the words of the layer.

use super::error::BodyError;
use crate::wire::{Refusal, RefusalKind};

/// A request body over the cap; in the words of the proxy, which says the same to those who have
/// reached no grade.
pub(super) fn too_large() -> Refusal {
    let message = "The request body is too large.".to_owned();
    Refusal { kind: RefusalKind::TooLarge, message }
}

/// A request body that took too long.
pub(crate) fn too_slow() -> Refusal {
    let message = "the request body took too long".to_owned();
    Refusal { kind: RefusalKind::TooSlow, message }
}

/// A WebSocket of a caller for whom something is done: nothing reads what it carries. Clients that
/// know of the status ask again without.
pub(super) fn without_websocket() -> Refusal {
    let message = "a WebSocket cannot be opened here; ask without one".to_owned();
    Refusal { kind: RefusalKind::Upgrade, message }
}

/// There is no room for the request or its answer.
pub(super) fn overloaded() -> Refusal {
    let message = "too many requests are being read at once; try again".to_owned();
    Refusal { kind: RefusalKind::Overloaded, message }
}

/// What a client is told of an answer that failed.
pub(super) fn refusal(error: &BodyError) -> Refusal {
    if error.is_overload() {
        return overloaded();
    }
    let kind =
        if error.is_upstream() { RefusalKind::UpstreamFailed } else { RefusalKind::Unreadable };
    Refusal { kind, message: "the upstream failed in the middle of its answer".to_owned() }
}
