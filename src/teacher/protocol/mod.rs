//! The protocols: how requests are read and how output is written.

pub(crate) mod chat;
pub(crate) mod chat_request;
pub(crate) mod completions;
pub(crate) mod converse;
pub(crate) mod field;
pub(crate) mod gemini;
pub(crate) mod messages;
pub(crate) mod messages_request;
pub(crate) mod ollama;
pub(crate) mod ordered;
pub(crate) mod refusal;
pub(crate) mod responses;
pub(crate) mod responses_request;

use serde_json::Value;

/// Puts a member into an object.
fn put(object: &mut Value, name: &str, value: Value) {
    if let Some(members) = object.as_object_mut() {
        members.insert(name.to_owned(), value);
    }
}
