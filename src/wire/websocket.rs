//! Requests to go on as a WebSocket (RFC 9110, section 7.8; RFC 6455).

use http::header::{CONNECTION, UPGRADE};
use http::{Method, Version, request};

/// Whether a request asks for a WebSocket, which can only be done over HTTP/1.1.
pub(crate) fn asks_for_websocket(head: &request::Parts) -> bool {
    let names = |name, token: &str| {
        let values = head.headers.get_all(name).into_iter();
        let mut tokens = values
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(',').map(str::trim));
        tokens.any(|named| named.eq_ignore_ascii_case(token))
    };
    head.method == Method::GET
        && head.version == Version::HTTP_11
        && names(CONNECTION, "upgrade")
        && names(UPGRADE, "websocket")
}
