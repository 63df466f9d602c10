//! The plan's mode, spelled as policies spell it.

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serializer};

use super::{Mode, mode_name};

pub(super) fn serialize<S: Serializer>(mode: &Mode, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(mode_name(*mode))
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Mode, D::Error> {
    let name = String::deserialize(from)?;
    [Mode::Observe, Mode::Enforce]
        .into_iter()
        .find(|mode| mode_name(*mode) == name)
        .ok_or_else(|| D::Error::unknown_variant(&name, &["observe", "enforce"]))
}
