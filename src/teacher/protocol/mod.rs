//! The protocols: how requests are read and how output is written.

pub(crate) mod chat;
pub(crate) mod chat_request;
pub(crate) mod cohere;
pub(crate) mod completions;
pub(crate) mod converse;
pub(crate) mod field;
pub(crate) mod gemini;
pub(crate) mod llama_cpp;
pub(crate) mod messages;
pub(crate) mod messages_request;
pub(crate) mod ollama;
pub(crate) mod ordered;
pub(crate) mod prompted;
pub(crate) mod refusal;
pub(crate) mod responses;
pub(crate) mod responses_request;
pub(crate) mod tgi;
