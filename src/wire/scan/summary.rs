//! Where a summary of the reasoning goes, in protocols that keep summaries apart from it.

use crate::secret::opaque_debug;
use crate::wire::framing::Unframed;
use crate::wire::json::escape;

/// A place for the summary of the reasoning of an item.
#[derive(Clone, PartialEq, Eq)]
pub struct SummaryPlace {
    /// The item.
    pub group: u32,
    /// Where the summary goes.
    pub at: SummaryAt,
}

/// Where a summary goes.
#[derive(Clone, PartialEq, Eq)]
pub enum SummaryAt {
    /// Into a list that is empty, behind its bracket, as an entry.
    List {
        /// Where.
        at: usize,
        /// What stands before the text, which is a string of JSON.
        before: &'static str,
        /// And behind it.
        after: &'static str,
    },
    /// Into events of its own, before this one.
    Events(Vec<SummaryEvent>),
}

/// An event that says a summary, or that it begins or ends.
#[derive(Clone, PartialEq, Eq)]
pub struct SummaryEvent {
    /// What it is called, beside its JSON and in it.
    pub kind: &'static str,
    /// Its JSON between its type and its text, which is a string.
    pub before: String,
    /// Its JSON behind that.
    pub after: &'static str,
    /// It says the text; else nothing yet.
    pub says: bool,
}

opaque_debug!(SummaryPlace, SummaryAt, SummaryEvent);

impl SummaryEvent {
    /// The event that says this text, with this number where events are numbered.
    #[must_use]
    pub fn saying(&self, text: &str, number: Option<u64>) -> Unframed {
        let Self { kind, before, after, says } = self;
        let number = number.map_or_else(String::new, |it| format!(",\"sequence_number\":{it}"));
        let text = if *says { text } else { "" };
        let payload = around(&format!("{{\"type\":\"{kind}\"{number}{before}"), text, after);
        Unframed { kind: Some(kind), payload, is_error: false }
    }
}

/// A text as a string of JSON, with this around it.
pub(crate) fn around(before: &str, text: &str, after: &str) -> Vec<u8> {
    let mut json = before.as_bytes().to_vec();
    json.push(b'"');
    escape(text, &mut json);
    json.push(b'"');
    json.extend_from_slice(after.as_bytes());
    json
}
