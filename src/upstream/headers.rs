//! Header fields that belong to one connection and must not cross a proxy.

use http::HeaderMap;
use http::header::{
    CONNECTION, CONTENT_LENGTH, HeaderName, HeaderValue, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION,
    TE, TRANSFER_ENCODING, UPGRADE,
};

use crate::wire::remove_fields;

/// RFC 9110 section 7.6.1, with the two that predate it. `Trailer` is none of them: it says which fields
/// come behind a body, and those pass.
const HOP_BY_HOP: [HeaderName; 8] = [
    CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    PROXY_AUTHENTICATE,
    PROXY_AUTHORIZATION,
    TE,
    TRANSFER_ENCODING,
    UPGRADE,
];

/// Removes the hop-by-hop fields, those that `Connection` names included, and a length that a
/// transfer coding overrides: passed on, it would cut the body off without anyone noticing
/// (RFC 9112 section 6.3). All others stay as they are, in their order.
pub(super) fn strip_hop_by_hop(headers: &mut HeaderMap) {
    if !headers.keys().any(is_hop_by_hop) {
        return;
    }
    if headers.contains_key(TRANSFER_ENCODING) {
        headers.remove(CONTENT_LENGTH);
    }
    let named: Vec<HeaderName> = headers
        .get_all(CONNECTION)
        .iter()
        .flat_map(|value| value.as_bytes().split(|byte| *byte == b','))
        .filter_map(|name| HeaderName::from_bytes(name.trim_ascii()).ok())
        .collect();
    remove_fields(headers, &HOP_BY_HOP);
    // A client names as many as it likes, so each is looked up.
    named.iter().for_each(|name| drop(headers.remove(name)));
}

/// Whether a client takes trailers (RFC 9110 section 10.1.4).
pub(super) fn takes_trailers(headers: &HeaderMap) -> bool {
    let mut codings =
        headers.get_all(TE).iter().flat_map(|value| value.as_bytes().split(|byte| *byte == b','));
    codings.any(|coding| coding.trim_ascii().eq_ignore_ascii_case(b"trailers"))
}

/// Says that trailers are taken on this connection, too. HTTP/2 knows no fields of its connections.
pub(super) fn take_trailers(headers: &mut HeaderMap, http2: bool) {
    headers.insert(TE, HeaderValue::from_static("trailers"));
    if !http2 {
        headers.insert(CONNECTION, HeaderValue::from_static("te"));
    }
}

/// Whether a field is one of those, by its text: so it is compared with none of them in most cases.
fn is_hop_by_hop(name: &HeaderName) -> bool {
    matches!(
        name.as_str(),
        "connection"
            | "keep-alive"
            | "proxy-connection"
            | "proxy-authenticate"
            | "proxy-authorization"
            | "te"
            | "transfer-encoding"
            | "upgrade"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_known_by_its_text() {
        assert!(HOP_BY_HOP.iter().all(is_hop_by_hop));
        assert!(!is_hop_by_hop(&CONTENT_LENGTH));
    }

    #[test]
    fn fields_of_the_connection_go_and_all_others_stay() {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("connection", "close, X-Session , "),
            ("connection", "upgrade"),
            ("x-session", "1"),
            ("keep-alive", "timeout=5"),
            ("te", "gzip , Trailers"),
            ("upgrade", "websocket"),
            ("proxy-authorization", "secret"),
            ("transfer-encoding", "chunked"),
            ("content-length", "5"),
            ("x-kept", "a"),
            ("x-kept", "b"),
            ("trailer", "x-end"),
        ] {
            headers.append(HeaderName::from_static(name), value.parse().unwrap());
        }
        assert!(takes_trailers(&headers));
        strip_hop_by_hop(&mut headers);
        assert!(!takes_trailers(&headers));
        let left: Vec<_> =
            headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
        let kept = [("x-kept", "a"), ("x-kept", "b"), ("trailer", "x-end")];
        assert_eq!(left, kept.map(|(name, value)| (name, value.as_bytes())));
    }
}
