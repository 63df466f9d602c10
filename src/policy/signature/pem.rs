//! Keys in text (RFC 7468), as much as a key of 32 bytes needs: one line of Base64 and none before it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

/// `der` between the lines of its label.
pub(super) fn encode(label: &str, der: &[u8]) -> Zeroizing<String> {
    let body = Zeroizing::new(STANDARD.encode(der));
    Zeroizing::new(format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", *body))
}

/// What stands between the lines of a label; nothing else may stand in the text.
pub(super) fn decode(label: &str, text: &str) -> Option<Zeroizing<Vec<u8>>> {
    let text = text.trim_ascii();
    let body = text.strip_prefix(format!("-----BEGIN {label}-----").as_str())?;
    let body = body.strip_suffix(format!("-----END {label}-----").as_str())?;
    STANDARD.decode(body.trim_ascii()).ok().map(Zeroizing::new)
}
