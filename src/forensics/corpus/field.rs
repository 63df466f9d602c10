//! Paths into a record: `output`, `response.body`, `choices.0.message.content`.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

/// Where the text of a record stands: names of members and numbers of elements, with dots between.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldPath(Vec<String>);

/// A path is empty, or has an empty step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a field is a name, or names and numbers with dots between")]
pub struct FieldPathError;

impl FromStr for FieldPath {
    type Err = FieldPathError;

    fn from_str(text: &str) -> Result<Self, FieldPathError> {
        let steps: Vec<String> = text.split('.').map(str::to_owned).collect();
        if steps.iter().any(String::is_empty) { Err(FieldPathError) } else { Ok(Self(steps)) }
    }
}

impl fmt::Display for FieldPath {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0.join("."))
    }
}

impl FieldPath {
    /// The value it leads to, if there is one.
    pub(super) fn resolve<'a>(&self, value: &'a RawValue) -> Option<&'a RawValue> {
        self.0.iter().try_fold(value, |value, step| {
            let mut deserializer = serde_json::Deserializer::from_str(value.get());
            match value.get().as_bytes().first() {
                Some(b'{') => {
                    deserializer.deserialize_map(Step { name: step, number: None }).ok()?
                }
                Some(b'[') => {
                    let number = Some(step.parse().ok()?);
                    deserializer.deserialize_seq(Step { name: step, number }).ok()?
                }
                _ => None,
            }
        })
    }
}

/// One step: keeps the one value that it is looking for.
struct Step<'s> {
    name: &'s str,
    number: Option<usize>,
}

impl<'a> Visitor<'a> for Step<'_> {
    type Value = Option<&'a RawValue>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object or a list")
    }

    fn visit_map<A: MapAccess<'a>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut found = None;
        while let Some(Name(name)) = map.next_key()? {
            if name == self.name {
                found = Some(map.next_value()?);
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(found)
    }

    fn visit_seq<A: SeqAccess<'a>>(self, mut sequence: A) -> Result<Self::Value, A::Error> {
        let mut found = None;
        let mut place = 0;
        while let Some(value) = sequence.next_element::<&RawValue>()? {
            if Some(place) == self.number {
                found = Some(value);
            }
            place += 1;
        }
        Ok(found)
    }
}

/// A string that is borrowed where it has no escapes.
#[derive(serde::Deserialize)]
#[serde(transparent)]
pub(super) struct Name<'a>(#[serde(borrow)] pub(super) Cow<'a, str>);
