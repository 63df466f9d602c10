//! The embedded upstream: a small rule-based model that really solves arithmetic word problems.
//!
//! It is the default upstream of the demo, the tests and the distillation lab. [`Teacher`] is a
//! [`tower_service::Service`] that speaks Chat Completions (`/v1/chat/completions`, and with Mistral's agents `/v1/agents/completions`), Messages
//! (`/v1/messages`, `/v1/messages/count_tokens`), Responses (`/v1/responses`, of which it keeps the
//! last 256 to be read again), legacy Completions (`/v1/completions`), Ollama's own protocol (`/api/chat`,
//! `/api/generate`, `/api/tags`), Gemini (`/v1beta/models/MODEL:generateContent`,
//! `:streamGenerateContent`, `:countTokens`), Amazon Bedrock's Converse (`/model/MODEL/converse`,
//! `/converse-stream`) and InvokeModel (`/invoke`, `/invoke-with-response-stream`), llama.cpp's own protocol (`/completion`, `/infill`), that of text-generation-inference
//! (`/generate`, `/generate_stream`, `/`) and Cohere's Chat (`/v2/chat`), whole and streamed, without a socket or
//! a task.
//! The same request always gives the same bytes.
//!
//! Models: `teacher-large` is always right or says that it does not understand; `teacher-small` does
//! chains of three steps at most. A suffix chooses how reasoning is written in Chat Completions:
//! none (`reasoning_content`), `:reasoning`, `:think`, `:think-open`, `:details`, `:mistral`, `:plain`.
//! `teacher-error-429`, `-500`, `-529`, `-midstream`, `-cut`, `-gzip` and `-stall` act out failures.
//!
//! ```
//! use guilloche::teacher::{Teacher, final_answer, problem::Number};
//! use http_body_util::{BodyExt, Full};
//! use tower::ServiceExt;
//!
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! let question = r#"{"model": "teacher-large", "messages": [{"role": "user",
//!     "content": "Maria has 12 apples and buys 5 more. How many apples does she have?"}]}"#;
//! let request = http::Request::post("/v1/chat/completions").body(Full::<bytes::Bytes>::from(question)).unwrap();
//! let response = Teacher::default().oneshot(request).await.unwrap();
//! let body = response.into_body().collect().await.unwrap().to_bytes();
//! let document: serde_json::Value = serde_json::from_slice(&body).unwrap();
//! let answer = document["choices"][0]["message"]["content"].as_str().unwrap();
//! assert_eq!(final_answer(answer), Some(Number::whole(17)));
//! # });
//! ```

mod ask;
mod body;
mod completion;
mod gzip;
mod model;
mod output;
pub mod problem;
mod prose;
mod protocol;
mod service;
mod signature;
mod tokens;
mod tools;
pub mod wording;

pub use body::{Dropped, TeacherBody};
pub use model::Dialect;
pub use service::{Settings, Teacher};

/// A user message on Messages that contains this gets its reasoning as `redacted_thinking`.
pub const REDACT_MARKER: &str = protocol::messages_request::REDACT_MARKER;

/// The number that an answer of the teacher states at its end.
///
/// ```
/// use guilloche::teacher::{final_answer, problem::Number};
///
/// assert_eq!(final_answer("Let's see.\n\n**Answer: 3 apples**"), Some(Number::whole(3)));
/// assert_eq!(final_answer("I can't say."), None);
/// ```
#[must_use]
pub fn final_answer(text: &str) -> Option<problem::Number> {
    prose::final_answer_of(text)
}
