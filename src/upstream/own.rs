//! Requests of our own, that no client's request stands behind.

use std::path::PathBuf;
use std::time::Duration;

use http::header::InvalidHeaderValue;
use http::{HeaderValue, Uri};
use zeroize::Zeroizing;

use super::Settings;
use crate::wire::ServerKind;

/// For a connection alone.
const CONNECTING: Duration = Duration::from_secs(10);

/// `authorization` with an API key.
///
/// # Errors
/// When the key cannot stand in a header field.
pub(crate) fn bearer(key: &str) -> Result<HeaderValue, InvalidHeaderValue> {
    secret(&Zeroizing::new(format!("Bearer {}", key.trim())))
}

/// A header field's value that is not shown.
///
/// # Errors
/// When it cannot stand in a header field.
pub(crate) fn secret(text: &str) -> Result<HeaderValue, InvalidHeaderValue> {
    let mut value = HeaderValue::from_str(text)?;
    value.set_sensitive(true);
    Ok(value)
}

/// Settings for a few requests to a server; `None` if the address is none of a server, or holds a
/// name and password.
pub(crate) fn settings(
    url: Uri,
    ca_file: Option<PathBuf>,
    timeout: Duration,
    connections: usize,
) -> Option<Settings> {
    let authority = url.authority()?;
    if !matches!(url.scheme_str(), Some("http" | "https")) || authority.as_str().contains('@') {
        return None;
    }
    Some(Settings {
        url,
        kind: ServerKind::default(),
        ca_file,
        connect_timeout: timeout.min(CONNECTING),
        first_byte_timeout: timeout,
        idle_timeout: timeout,
        total_timeout: timeout,
        max_idle_connections: connections,
        http2: false,
    })
}
