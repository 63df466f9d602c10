//! The head of the page: its style, and a policy that allows no other.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use super::markup::Markup;

const STYLE: &str = include_str!("style.css");

/// Nothing is loaded, nothing runs, and the only style is the one with this digest.
pub(crate) fn head(page: &mut Markup) {
    let digest = STANDARD.encode(Sha256::digest(STYLE.as_bytes()));
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    );
    page.empty("meta", &[("http-equiv", "Content-Security-Policy"), ("content", &policy)]);
    for (name, content) in [
        ("viewport", "width=device-width, initial-scale=1"),
        ("color-scheme", "light dark"),
        ("referrer", "no-referrer"),
        ("robots", "noindex"),
    ] {
        page.empty("meta", &[("name", name), ("content", content)]);
    }
    // No `<` or `&` stands in it, so that a parser of XML reads the same style as one of HTML.
    page.raw("<style>").raw(STYLE).raw("</style>\n");
}
