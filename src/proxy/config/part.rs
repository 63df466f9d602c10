//! A part of a configuration, for whoever needs no more of it.

use std::collections::BTreeMap;
use std::path::Path;

use super::error::{ConfigError, ConfigErrors};
use super::reader::Reader;
use super::unreadable::{CONFIGURATION, reason};

/// What `read` reads of the file at `path`, whatever is wrong with the rest of it.
pub(super) fn part<T>(
    path: &Path,
    environment: &BTreeMap<String, String>,
    read: impl FnOnce(&mut Reader<'_>) -> T,
) -> Result<T, ConfigErrors> {
    let name = path.display().to_string();
    let text = text(path)?;
    let mut reader = Reader::new(&name, &text, environment);
    let part = read(&mut reader);
    reader.finish_part()?;
    Ok(part)
}

/// The text of a configuration.
pub(super) fn text(path: &Path) -> Result<String, ConfigErrors> {
    std::fs::read_to_string(path).map_err(|error| {
        let (place, message) = (path.display().to_string(), reason(&error, CONFIGURATION));
        ConfigErrors(vec![ConfigError { place, field: None, message }])
    })
}
