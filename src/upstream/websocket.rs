//! Upgrades to WebSocket (RFC 9110, section 7.8), the one protocol that is upgraded to.

use std::time::Duration;

use http::header::{CONNECTION, UPGRADE};
use http::{HeaderMap, HeaderValue};
use hyper::upgrade::OnUpgrade;
use tokio::time::Instant;

/// Says that the connection is to become, or becomes, a WebSocket.
pub(crate) fn announce(headers: &mut HeaderMap) {
    headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
}

/// The upstream's side of a tunnel, as the upstream's answer carries it in its extensions.
#[derive(Clone, Debug)]
pub(crate) struct Switched {
    pub(crate) upstream: OnUpgrade,
    pub(crate) idle_timeout: Duration,
    pub(crate) total_due: Instant,
}
