//! `[log]`: how the proxy's own messages are written.

use super::reader::Reader;
use super::setting::Setting;

/// The form of the proxy's own messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum LogFormat {
    /// A line for people.
    #[default]
    Text,
    /// A line of JSON: `timestamp`, `level`, `target`, `message`, and what the message is about.
    Json,
}

impl Setting for LogFormat {
    const EXPECTED: &'static str = "\"text\" or \"json\"";

    fn read(text: &str) -> Option<Self> {
        match text {
            "text" => Some(Self::Text),
            "json" => Some(Self::Json),
            _ => None,
        }
    }
}

pub(super) fn read(reader: &mut Reader<'_>) -> LogFormat {
    reader.or("log", "format", LogFormat::default())
}
