//! `[secret]`: the deployment's key, and those that it had before; and keys that others are asked with.

use std::path::Path;

use http::HeaderValue;
use zeroize::Zeroizing;

use super::reader::Reader;
use super::setting::Paths;
use crate::secret::Secret;
use crate::upstream::own;

/// The secret, if there is one, and those before it, the newest first.
pub(super) fn read(reader: &mut Reader<'_>) -> (Option<Secret>, Vec<Secret>) {
    let key_file = reader.path("secret", "key_file");
    let key = reader.secret("secret", "key").map(Zeroizing::new);
    let previous: Option<Paths> = reader.optional("secret", "previous_key_files");
    let given = key.is_some() || key_file.is_some();
    let secret = match (key, key_file) {
        (Some(key), _) => parsed(reader, "key", Ok(key)),
        (None, Some(path)) => file(reader, "key_file", &path),
        (None, None) => None,
    };
    let Some(Paths(previous)) = previous else { return (secret, Vec::new()) };
    if !given {
        let message = "means nothing without the secret that came after them";
        reader.wrong("secret", "previous_key_files", message.to_owned());
        return (secret, Vec::new());
    }
    let mut secrets = Vec::new();
    for path in previous {
        let path = reader.resolved("secret.previous_key_files", path);
        secrets.extend(file(reader, "previous_key_files", &path));
    }
    (secret, secrets)
}

fn file(reader: &mut Reader<'_>, field: &str, path: &Path) -> Option<Secret> {
    reader.notice_mode("secret", field, path);
    let text = std::fs::read_to_string(path).map(Zeroizing::new);
    parsed(reader, field, text)
}

fn parsed(
    reader: &mut Reader<'_>,
    field: &str,
    text: std::io::Result<Zeroizing<String>>,
) -> Option<Secret> {
    let problem = match text {
        // The decoder of BLAKE3's own hash type is strict: 64 digits, nothing else.
        Ok(text) => match blake3::Hash::from_hex(text.trim()) {
            Ok(bytes) => return Some(Secret::new(*bytes.as_bytes())),
            Err(_) => "a key has 64 hexadecimal digits".to_owned(),
        },
        Err(error) => format!("cannot be read: {error}"),
    };
    reader.wrong("secret", field, problem);
    None
}

/// `authorization` with an API key, which stands in a variable or in a file of its own.
pub(super) fn credential(
    reader: &mut Reader<'_>,
    section: &'static str,
    key: &'static str,
    key_file: &'static str,
) -> Option<HeaderValue> {
    let path = reader.path(section, key_file);
    let given = reader.secret(section, key).map(Zeroizing::new);
    let (field, text) = match (given, path) {
        (Some(given), _) => (key, Ok(given)),
        (None, Some(path)) => {
            reader.notice_mode(section, key_file, &path);
            (key_file, std::fs::read_to_string(path).map(Zeroizing::new))
        }
        (None, None) => return None,
    };
    let problem = match text {
        Ok(text) if text.trim().is_empty() => "there is no key in it".to_owned(),
        Ok(text) => match own::bearer(&text) {
            Ok(value) => return Some(value),
            Err(_) => "an API key has printable ASCII characters on one line".to_owned(),
        },
        Err(error) => format!("cannot be read: {error}"),
    };
    reader.wrong(section, field, problem);
    None
}
