//! The status page: the same that `/status` tells, for people.
//!
//! One document that loads nothing from elsewhere, asks this listener and no other, and gives no
//! orders. What it shows comes from policies and files and may be hostile: the script makes text of
//! it, never markup, and the policy that is sent with it lets no other script run.

use std::sync::LazyLock;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderName, HeaderValue, Response};
use http_body_util::Full;
use sha2::{Digest, Sha256};

const DOCUMENT: &str = include_str!("status.html");
const STYLE: &str = include_str!("status.css");
const SCRIPT: [&str; 3] =
    [include_str!("plots.js"), include_str!("tables.js"), include_str!("status.js")];

/// Where the document has its style, and where its script.
const STYLE_HERE: &str = "/* style */";
const SCRIPT_HERE: &str = "/* script */";

/// The document, and what a browser may do with it.
struct Page {
    document: Bytes,
    policy: HeaderValue,
}

static PAGE: LazyLock<Page> = LazyLock::new(|| {
    let script = SCRIPT.concat();
    let document = DOCUMENT.replace(STYLE_HERE, STYLE).replace(SCRIPT_HERE, &script);
    let digest = |text: &str| STANDARD.encode(Sha256::digest(text.as_bytes()));
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{}'; script-src 'sha256-{}'; connect-src 'self'; \
         img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        digest(STYLE),
        digest(&script)
    );
    // Base64 and our own words are visible ASCII.
    let policy = HeaderValue::from_str(&policy);
    let nothing = HeaderValue::from_static("default-src 'none'");
    Page { document: document.into(), policy: policy.unwrap_or(nothing) }
});

/// The page.
pub(super) fn answer() -> Response<Full<Bytes>> {
    let Page { document, policy } = &*PAGE;
    let mut response = Response::new(Full::new(document.clone()));
    let headers = response.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, policy.clone());
    for (name, value) in [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (CACHE_CONTROL, "no-store"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "no-referrer"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_document_has_one_style_and_one_script_and_nothing_from_elsewhere() {
        let Page { document, policy } = &*PAGE;
        let document = std::str::from_utf8(document).unwrap();
        assert!(!document.contains(STYLE_HERE) && !document.contains(SCRIPT_HERE));
        for (tag, times) in [("<style>", 1), ("<script>", 1), ("<script", 1), (" style=", 0)] {
            assert_eq!(document.matches(tag).count(), times, "{tag}");
        }
        // The namespace of SVG is no address that is asked.
        let addresses = document.matches("http").count();
        assert_eq!(addresses, document.matches("http://www.w3.org/2000/svg").count());
        for markup in ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("] {
            assert!(!document.contains(markup), "{markup}");
        }
        assert!(policy.to_str().unwrap().contains("script-src 'sha256-"));
    }
}
