//! `[secret]`: the deployment's key, and those that it had before; and keys that others are asked with.

use std::path::Path;

use http::HeaderValue;
use zeroize::Zeroizing;

use super::reader::Reader;
use super::setting::Paths;
use super::unreadable::{API_KEY, KEY, unreadable};
use crate::secret::Secret;
use crate::upstream::own;

/// The secret, if there is one, and those before it, the newest first.
pub(super) fn read(reader: &mut Reader<'_>) -> (Option<Secret>, Vec<Secret>) {
    let key_file = reader.path("secret", "key_file");
    let key = reader.secret("secret", "key").map(Zeroizing::new);
    let previous: Option<Paths> = reader.optional("secret", "previous_key_files");
    let given = key.is_some() || key_file.is_some();
    let secret = match (key, key_file) {
        (Some(key), _) => parsed(reader, "key", &key),
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
    match std::fs::read_to_string(path).map(Zeroizing::new) {
        Ok(text) => parsed(reader, field, &text),
        Err(error) => {
            reader.wrong("secret", field, unreadable(path, &error, KEY));
            None
        }
    }
}

fn parsed(reader: &mut Reader<'_>, field: &str, text: &str) -> Option<Secret> {
    // The decoder of BLAKE3's own hash type is strict: 64 digits, nothing else.
    match blake3::Hash::from_hex(text.trim()) {
        Ok(bytes) => Some(Secret::new(*bytes.as_bytes())),
        Err(_) => {
            let problem = "a key has 64 hexadecimal digits (`openssl rand -hex 32` makes one)";
            reader.wrong("secret", field, problem.to_owned());
            None
        }
    }
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
        (Some(given), _) => (key, given),
        (None, Some(path)) => {
            reader.notice_mode(section, key_file, &path);
            let text = std::fs::read_to_string(&path).map(Zeroizing::new);
            let unread =
                |error| reader.wrong(section, key_file, unreadable(&path, &error, API_KEY));
            (key_file, text.map_err(unread).ok()?)
        }
        (None, None) => return None,
    };
    if text.trim().is_empty() {
        reader.wrong(section, field, "there is no key in it".to_owned());
        return None;
    }
    let problem = |_| "an API key has printable ASCII characters on one line".to_owned();
    own::bearer(&text).map_err(|error| reader.wrong(section, field, problem(error))).ok()
}
