//! Heads of messages: what has to change when a body does.
//!
//! Decided once per message, when its head passes.

use http::header::{
    ACCEPT_ENCODING, ACCEPT_RANGES, AUTHORIZATION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE,
    CONTENT_TYPE, ETAG, EXPECT, HeaderMap, HeaderName, HeaderValue, TRANSFER_ENCODING, UPGRADE,
};
use http::{Method, StatusCode, Uri, request, response};

use crate::wire::framing::Framing;
use crate::wire::{Protocol, remove_fields, words};

/// Digests of a representation or its content (RFC 9530, RFC 3230, RFC 1864). They no longer hold
/// once a byte has changed.
const DIGESTS: [HeaderName; 4] = [
    HeaderName::from_static("content-digest"),
    HeaderName::from_static("repr-digest"),
    HeaderName::from_static("digest"),
    HeaderName::from_static("content-md5"),
];

/// How a response can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Readable {
    /// As a stream of events, framed so.
    Events(Framing),
    /// As one JSON document.
    Document,
    /// It has no body.
    NoBody,
    /// It carries no answer but an error, or leads elsewhere.
    Error,
    /// Not at all: compressed all the same, a range, another type.
    Opaque,
}

/// Whether a request's body is compressed, so that it cannot be read.
pub(super) fn is_compressed(headers: &HeaderMap) -> bool {
    let mut encodings = headers.get_all(CONTENT_ENCODING).iter();
    encodings.any(|encoding| {
        let encoding = encoding.as_bytes().trim_ascii();
        !encoding.is_empty() && !encoding.eq_ignore_ascii_case(b"identity")
    })
}

/// Whether a request may be read by its server as another text than here: its head names a charset that is not UTF-8
/// or a part of it, or says two things of what its body is.
pub(super) fn has_other_charset(headers: &HeaderMap) -> bool {
    let mut types = headers.get_all(CONTENT_TYPE).iter();
    let first = types.next().map(HeaderValue::as_bytes).unwrap_or_default();
    types.any(|other| other.as_bytes() != first) || names_other_charset(first)
}

fn names_other_charset(content_type: &[u8]) -> bool {
    // Hyphens and underscores are left out, as by what looks encodings up (UTS #22, section 1.4).
    const SAME: [&[u8]; 3] = [b"utf8", b"usascii", b"ascii"];
    // Of two types in one field some take the first, others the last.
    let parameters = content_type.split(|byte| matches!(byte, b';' | b',')).map(<[u8]>::trim_ascii);
    parameters
        .filter(|it| it.get(..7).is_some_and(|name| name.eq_ignore_ascii_case(b"charset")))
        .any(|parameter| {
            let value = parameter.get(7..).unwrap_or_default().trim_ascii_start();
            let value = value.strip_prefix(b"=").map(<[u8]>::trim_ascii);
            let quoted =
                |mark: &[u8]| value.and_then(|it| it.strip_prefix(mark)?.strip_suffix(mark));
            let charset = quoted(b"\"").or(quoted(b"'")).or(value).unwrap_or_default();
            let charset = charset.iter().filter(|byte| !matches!(byte, b'-' | b'_'));
            let charset = charset.map(u8::to_ascii_lowercase);
            !SAME.iter().any(|same| charset.clone().eq(same.iter().copied()))
        })
}

/// Whether a request can be read for its conversation, by its head.
pub(super) fn can_be_read(headers: &HeaderMap, cap: usize) -> bool {
    let length = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok());
    let length: Option<usize> = length.and_then(|length| length.parse().ok());
    let readable = !is_compressed(headers) && !has_other_charset(headers);
    readable && length.is_none_or(|length| length <= cap)
}

/// Whether a request is signed by its client in the way of AWS, so that nothing of it can be changed: by a field
/// of its head, or in its query.
pub(super) fn is_signed(head: &request::Parts) -> bool {
    let scheme = |value: &HeaderValue| {
        let value = value.as_bytes().trim_ascii_start();
        value.get(..5).is_some_and(|scheme| scheme.eq_ignore_ascii_case(b"AWS4-"))
    };
    let query = head.uri.query().unwrap_or_default().to_ascii_lowercase();
    head.headers.get_all(AUTHORIZATION).iter().any(scheme) || query.contains("x-amz-signature=")
}

/// Frames a request whose body was read and now has `length` bytes.
pub(super) fn frame_request(headers: &mut HeaderMap, length: usize) {
    // Two framings of one message are two messages to somebody (RFC 9112, section 6.1).
    headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
    // The body has been read already, so the client was told to go on.
    remove_fields(headers, &[TRANSFER_ENCODING, EXPECT]);
}

/// Fields by which some frameworks take another method or path than the request line's. What was
/// decided holds for those that the layer has seen.
const OVERRIDES: [HeaderName; 5] = [
    HeaderName::from_static("x-http-method"),
    HeaderName::from_static("x-http-method-override"),
    HeaderName::from_static("x-method-override"),
    HeaderName::from_static("x-original-url"),
    HeaderName::from_static("x-rewrite-url"),
];

/// Leaves members of an answer out, as parameters of Google's queries do: what flags a thought could be one.
const FIELD_MASK: HeaderName = HeaderName::from_static("x-goog-fieldmask");

/// Prepares a request that a plan is applied to.
pub(super) fn rewrite_request(headers: &mut HeaderMap) {
    // A protocol switched to would not pass through here.
    remove_fields(headers, &[FIELD_MASK, UPGRADE]);
    remove_fields(headers, &OVERRIDES);
    drop_digests(headers);
}

/// Beginnings of the names of fields that gateways take orders from.
const GATEWAYS: [&str; 4] = ["cf-aig-", "helicone-", "x-litellm-", "x-portkey-"];

/// What is in the names of their fields that choose a model, or a server that has others.
const CHOOSING: [&str; 10] = [
    "config",
    "custom-host",
    "deployment",
    "fallback",
    "override",
    "provider-url",
    "retry",
    "route",
    "tags",
    "target",
];

/// Fields whose values say nothing of models to a router, and without which a request fails.
const STAYING: [&str; 18] = [
    "api-key",
    "authorization",
    "cache-control",
    "connection",
    "cookie",
    "date",
    "expect",
    "forwarded",
    "host",
    "origin",
    "proxy-authorization",
    "referer",
    "te",
    "transfer-encoding",
    "user-agent",
    "via",
    "x-api-key",
    "x-goog-api-key",
];

/// Takes the fields out by which gateways choose a model, the body saying another: those of known
/// gateways, whatever has a model or a fallback in its name, and whatever says a word that `names`
/// one that is replaced.
pub(super) fn drop_model_choice(headers: &mut HeaderMap, names: impl Fn(&str) -> bool) {
    let chooses = |(name, value): &(&HeaderName, &HeaderValue)| {
        let name = name.as_str();
        let stays =
            STAYING.contains(&name) || name.starts_with("accept") || name.starts_with("content-");
        if !stays && words(&String::from_utf8_lossy(value.as_bytes())).any(&names) {
            return true;
        }
        let gateway = GATEWAYS.iter().any(|gateway| name.starts_with(gateway));
        let chooses = gateway && CHOOSING.iter().any(|choosing| name.contains(choosing));
        chooses || has(name, b"model") || has(name, b"fallback")
    };
    // A name with several values may come more than once.
    let chosen: Vec<HeaderName> =
        headers.iter().filter(chooses).map(|(name, _)| name.clone()).collect();
    chosen.iter().for_each(|name| drop(headers.remove(name)));
}

/// Whether a short text has a part: less than a search costs to begin.
fn has<const LENGTH: usize>(text: &str, part: &[u8; LENGTH]) -> bool {
    text.as_bytes().windows(LENGTH).any(|window| window == part)
}

/// Has a request go to another target of the same origin; whether it can.
pub(super) fn redirect(uri: &mut Uri, target: &str) -> bool {
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = target.parse().ok();
    let redirected = parts.path_and_query.is_some().then(|| Uri::from_parts(parts).ok()).flatten();
    redirected.map(|redirected| *uri = redirected).is_some()
}

/// Prepares a request whose answer will be read: it must not be compressed (RFC 9110, section
/// 12.5.3).
pub(super) fn ask_for_plain_answer(headers: &mut HeaderMap) {
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
}

/// How the response to a request of this method can be read. The type of the response decides, not
/// what the client accepts: clients ask for JSON and get streams.
pub(super) fn readable(
    method: &Method,
    head: &response::Parts,
    protocol: Option<&dyn Protocol>,
    streamed: bool,
) -> Readable {
    let no_body = *method == Method::HEAD
        || matches!(head.status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
    if no_body {
        return Readable::NoBody;
    }
    if !head.status.is_success() {
        return Readable::Error;
    }
    if is_partial(head) || is_compressed(&head.headers) {
        return Readable::Opaque;
    }
    let media_type = media_type(&head.headers);
    let streams = protocol.map_or(&[][..], |it| it.features().streams);
    match Framing::of_answer(&media_type, streams, streamed) {
        Some(Framing::Document) => Readable::Document,
        Some(framing) => Readable::Events(framing),
        None => Readable::Opaque,
    }
}

/// Whether it is a part of a representation, which cannot be understood without the rest (RFC 9110,
/// section 14).
pub(super) fn is_partial(head: &response::Parts) -> bool {
    head.status == StatusCode::PARTIAL_CONTENT || head.headers.contains_key(CONTENT_RANGE)
}

/// Whether the body of an error can be read.
pub(super) fn is_plain_json(headers: &HeaderMap) -> bool {
    !is_compressed(headers)
        && Framing::of_media_type(&media_type(headers)) == Some(Framing::Document)
}

fn media_type(headers: &HeaderMap) -> Vec<u8> {
    let content_type = headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes);
    let media_type = content_type.unwrap_or_default().split(|byte| *byte == b';').next();
    media_type.unwrap_or_default().trim_ascii().to_ascii_lowercase()
}

/// Prepares the head of a response whose body is rewritten. `Cache-Control: no-transform` is not
/// obeyed: the operator of the origin has asked for the change.
pub(super) fn rewrite_response(headers: &mut HeaderMap) {
    // A length that no longer holds truncates the body silently on HTTP/1.1. Ranges and validators are those
    // of the unchanged representation.
    remove_fields(headers, &[CONTENT_LENGTH, ACCEPT_RANGES, ETAG]);
    drop_digests(headers);
}

/// Removes what no longer holds of a rewritten body, from a head or from trailers.
pub(super) fn drop_digests(fields: &mut HeaderMap) {
    remove_fields(fields, &DIGESTS);
}

#[cfg(test)]
mod tests {
    use super::*;

    // Break it: look for the parameter in one spelling only, or at the first field only.
    #[test]
    fn a_body_is_read_in_the_charset_in_which_its_server_reads_it() {
        let other = |types: &[&str]| {
            let mut headers = HeaderMap::new();
            types.iter().for_each(|it| {
                headers.append(CONTENT_TYPE, it.parse().unwrap());
            });
            has_other_charset(&headers)
        };
        for types in [
            &[][..],
            &["application/json"],
            &["application/json; charset=utf-8"],
            &["application/json;charset=\"UTF-8\""],
            &["application/json; charset = utf8; x=y"],
            &["application/json; Charset=US-ASCII"],
            &["application/json; charset='utf-8'"],
            &["application/json; charset=UTF_8"],
            &["application/json", "application/json"],
        ] {
            assert!(!other(types), "{types:?}");
        }
        for types in [
            &["application/json; charset=utf-7"][..],
            &["application/json;CHARSET=\"utf-16\""],
            &["application/json; charset=utf-8; charset=utf-16le"],
            &["application/json; charset*=utf-16"],
            &["application/json; charset="],
            &["application/json; charset"],
            &["application/json, text/plain;charset=utf-32"],
            &["application/json; charset=iso-8859-1"],
            &["application/json", "application/json; charset=utf-7"],
            &["application/json; charset='utf-16'"],
            &["application/json; charset=utf_8_sig"],
            &["application/json", "text/plain"],
            &["application/json; charset=utf-7", "application/json; charset=utf-7"],
        ] {
            assert!(other(types), "{types:?}");
        }
    }
}
