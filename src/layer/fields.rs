//! Which fields of a response's head and trailers a guarded caller gets.
//!
//! A server may put anything into its fields: the model that answered, tokens used, times, parts of
//! the text. From whoever text is withheld, channels are closed or the model's name is hidden gets
//! the fields that clients work with, and no others. A redirect's target is not among them, since
//! it leads past the layer.

use http::header::{HeaderMap, HeaderName, HeaderValue};

use crate::countermeasure::{Renamed, ResponseEdits};

/// Fields of HTTP itself, of browsers and of the connection. None of them tells of models or tokens.
const STANDARD: [&str; 29] = [
    "accept-ranges",
    "age",
    "allow",
    "alt-svc",
    "cache-control",
    "connection",
    "content-encoding",
    "content-language",
    "content-length",
    "content-range",
    "content-security-policy",
    "content-type",
    "date",
    "etag",
    "expires",
    "keep-alive",
    "last-modified",
    "permissions-policy",
    "pragma",
    "referrer-policy",
    "server",
    "set-cookie",
    "strict-transport-security",
    "transfer-encoding",
    "vary",
    "via",
    "www-authenticate",
    "x-content-type-options",
    "x-frame-options",
];

/// Fields by which clients and their operators find a request again, retry and keep limits.
const KNOWN: [&str; 28] = [
    "anthropic-organization-id",
    "anthropic-workspace-id",
    "apim-request-id",
    "cf-cache-status",
    "cf-ray",
    "content-digest",
    "content-md5",
    "correlation-id",
    "digest",
    "fly-request-id",
    "openai-organization",
    "openai-version",
    "repr-digest",
    "request-id",
    "retry-after-ms",
    "traceparent",
    "x-amz-cf-id",
    "x-amzn-errortype",
    "x-amzn-requestid",
    "x-amzn-trace-id",
    "x-cloud-trace-context",
    "x-correlation-id",
    "x-generation-id",
    "x-ms-request-id",
    "x-request-id",
    "x-should-retry",
    "x-trace-id",
    "x-vercel-id",
];

/// What such fields begin with.
const KNOWN_PREFIXES: [&str; 5] =
    ["access-control-", "anthropic-ratelimit-", "ratelimit", "x-ratelimit-", "retry-after"];

/// The longest value of a known field that is no standard one.
const VALUE: usize = 256;

/// The longest value of a standard field.
const STANDARD_VALUE: usize = 4096;

/// Leaves of a head's or a trailer's fields what this response's caller may see, in their order.
pub(super) fn guard(edits: &ResponseEdits, fields: &mut HeaderMap) {
    if !edits.guards() {
        return;
    }
    // Most have nothing that is not to be seen, and are not put together anew.
    let stays = |name: &HeaderName, value: &HeaderValue| {
        kept(edits, name.as_str(), value.clone()).is_some_and(|left| left == *value)
    };
    if fields.iter().all(|(name, value)| stays(name, value)) {
        return;
    }
    let all = std::mem::take(fields);
    let mut name = None;
    for (next, value) in all {
        name = next.or(name);
        let Some(name) = &name else { continue };
        if let Some(value) = kept(edits, name.as_str(), value) {
            fields.append(HeaderName::clone(name), value);
        }
    }
}

fn kept(edits: &ResponseEdits, name: &str, value: HeaderValue) -> Option<HeaderValue> {
    let standard = STANDARD.contains(&name);
    if let Some(allow) = edits.allowed_leaks() {
        if !allow.iter().any(|allowed| allowed.eq_ignore_ascii_case(name))
            && !fits(name, standard, &value)
        {
            return None;
        }
    }
    let value = match edits.renamed() {
        Some(renamed) => without_model(renamed, (name, standard), value)?,
        None => value,
    };
    match edits.rounded_to() {
        Some(step) if !standard && name.contains("token") => {
            without_count(u64::from(step.get()), name, value)
        }
        _ => Some(value),
    }
}

/// Whether a field is one that clients work with, and its value one that such a field has.
fn fits(name: &str, standard: bool, value: &HeaderValue) -> bool {
    if standard {
        return value.len() <= STANDARD_VALUE;
    }
    let unbroken = || value.len() <= VALUE && value.as_bytes().iter().all(u8::is_ascii_graphic);
    let listed = || value.len() <= VALUE && value.to_str().is_ok();
    match name {
        _ if name.starts_with("access-control-") => value.len() <= STANDARD_VALUE,
        // A date, or a list.
        "retry-after" => retry_after(value),
        "ratelimit" | "ratelimit-policy" => listed(),
        _ if KNOWN.contains(&name) => unbroken(),
        _ => KNOWN_PREFIXES.iter().any(|prefix| name.starts_with(prefix)) && unbroken(),
    }
}

/// Seconds, or a date of HTTP's.
fn retry_after(value: &HeaderValue) -> bool {
    let value = value.as_bytes();
    let seconds = value.iter().all(|byte| byte.is_ascii_digit() || *byte == b'.');
    value.len() <= 16 && seconds || value.len() <= 32 && value.ends_with(b" GMT")
}

/// The field with the name of the model that was asked for in place of the one that answered.
fn without_model(
    renamed: &Renamed,
    (name, standard): (&str, bool),
    value: HeaderValue,
) -> Option<HeaderValue> {
    let Ok(text) = value.to_str() else {
        // Nobody can say that the name is not in it.
        return None;
    };
    let shown = renamed.shown(text);
    let names_model = || ["model", "engine", "deployment"].iter().any(|it| name.contains(it));
    if !standard && names_model() {
        // It may name the model in another way.
        return (shown == renamed.to).then(|| HeaderValue::from_str(&shown).ok()).flatten();
    }
    if shown == text { Some(value) } else { HeaderValue::from_str(&shown).ok() }
}

/// The field of a limit on tokens, from one of which to the next nobody can subtract.
fn without_count(step: u64, name: &str, value: HeaderValue) -> Option<HeaderValue> {
    if name.contains("reset") {
        return None;
    }
    if !name.contains("remaining") && !name.contains("used") {
        return Some(value);
    }
    let count: u64 = value.to_str().ok()?.parse().ok()?;
    Some(HeaderValue::from(count / step * step))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_standard_field_tells_of_models_or_tokens() {
        let telling = ["model", "engine", "deployment", "token"];
        assert!(!STANDARD.iter().any(|name| telling.iter().any(|it| name.contains(it))));
    }
}
