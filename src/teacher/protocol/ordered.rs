//! JSON objects whose keys keep the order a vendor writes them in (`serde_json` sorts its maps).

use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};
use serde_json::Value;

/// A JSON value with ordered objects.
#[derive(Clone, Debug)]
pub(crate) enum Json {
    Leaf(Value),
    List(Vec<Json>),
    Object(Vec<(&'static str, Json)>),
}

impl Json {
    pub(crate) fn text(&self) -> String {
        // Only maps with keys that are no strings fail to serialize; there are none here.
        serde_json::to_string(self).unwrap_or_default()
    }
}

impl Serialize for Json {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Leaf(value) => value.serialize(serializer),
            Self::List(list) => {
                let mut sequence = serializer.serialize_seq(Some(list.len()))?;
                for entry in list {
                    sequence.serialize_element(entry)?;
                }
                sequence.end()
            }
            Self::Object(fields) => {
                let mut map = serializer.serialize_map(Some(fields.len()))?;
                for (key, value) in fields {
                    map.serialize_entry(key, value)?;
                }
                map.end()
            }
        }
    }
}

/// An ordered object: `object! { "id" => id, "choices" => list }`.
macro_rules! object {
    ($($key:literal => $value:expr),* $(,)?) => {
        $crate::teacher::protocol::ordered::Json::Object(vec![
            $(($key, $crate::teacher::protocol::ordered::Json::from_field($value))),*
        ])
    };
}
pub(crate) use object;

/// What may stand as a field's value.
pub(crate) trait Field {
    fn into_json(self) -> Json;
}

impl Field for Json {
    fn into_json(self) -> Json {
        self
    }
}

impl Field for Vec<Json> {
    fn into_json(self) -> Json {
        Json::List(self)
    }
}

impl Field for &String {
    fn into_json(self) -> Json {
        Json::Leaf(self.as_str().into())
    }
}

macro_rules! leaf_fields {
    ($($kind:ty),*) => { $(impl Field for $kind { fn into_json(self) -> Json { Json::Leaf(self.into()) } })* };
}
leaf_fields!(&str, String, u64, u32, f64, bool, usize, Value, Option<String>, Vec<u8>, Vec<u32>);

impl Json {
    pub(crate) fn from_field(value: impl Field) -> Self {
        value.into_json()
    }

    /// JSON `null`.
    pub(crate) fn null() -> Self {
        Self::Leaf(Value::Null)
    }
}
