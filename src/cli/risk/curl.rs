//! The command that asks the proxy with a signed header.

use http::{Method, Uri};
use serde_json::json;

use super::super::Failure;
use crate::risk::SignedFields;
use crate::wire::{ProtocolId, Route, ServerKind, error_protocol, route};

/// The request that the header was signed for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked<'a> {
    /// Where the proxy listens.
    pub(super) url: &'a Uri,
    pub(super) method: &'a Method,
    pub(super) path: &'a str,
    pub(super) model: &'a str,
    /// The variable of the shell that holds the caller's API key.
    pub(super) api_key_variable: Option<&'a str>,
}

/// A command for a shell, whole and ready to run.
pub(super) fn command(fields: &SignedFields, asked: &Asked<'_>) -> Result<String, Failure> {
    let Asked { url, method, path, model, api_key_variable } = asked;
    let url = url.to_string();
    let mut words =
        vec![format!("curl {}", quoted(&format!("{}{path}", url.trim_end_matches('/'))))];
    words.extend(
        fields.entries().map(|(name, value)| format!("-H {}", quoted(&format!("{name}: {value}")))),
    );
    let protocol = error_protocol(path).id();
    let is_messages = protocol == ProtocolId::Messages;
    if let Some(variable) = api_key_variable {
        let field = match protocol {
            ProtocolId::Messages => "x-api-key: ",
            ProtocolId::Gemini => "x-goog-api-key: ",
            _ => "authorization: Bearer ",
        };
        words.push(format!("-H \"{field}${variable}\""));
    }
    match route(ServerKind::Custom, method, path, false) {
        Route::Protocol(asked) => {
            const QUESTION: &str =
                "Maria has 12 apples and buys 5 more. How many apples does she have?";
            let said = json!([{"role": "user", "content": QUESTION}]);
            let mut body = match asked {
                ProtocolId::Gemini => {
                    json!({"contents": [{"role": "user", "parts": [{"text": QUESTION}]}]})
                }
                ProtocolId::Converse => {
                    json!({"messages": [{"role": "user", "content": [{"text": QUESTION}]}]})
                }
                ProtocolId::Invoke => json!({"anthropic_version": "bedrock-2023-05-31",
                    "max_tokens": 1024, "messages": said}),
                ProtocolId::Completions => json!({"model": model, "prompt": QUESTION}),
                ProtocolId::Ollama if path.ends_with("/generate") => {
                    json!({"model": model, "prompt": QUESTION})
                }
                ProtocolId::LlamaCpp => json!({"prompt": QUESTION}),
                ProtocolId::Tgi => json!({"inputs": QUESTION}),
                ProtocolId::Responses => json!({"model": model, "input": said}),
                ProtocolId::Chat
                | ProtocolId::Messages
                | ProtocolId::Ollama
                | ProtocolId::Cohere => json!({"model": model, "messages": said}),
            };
            if let (true, Some(body)) = (is_messages, body.as_object_mut()) {
                body.insert("max_tokens".to_owned(), json!(1024));
                words.push("-H 'anthropic-version: 2023-06-01'".to_owned());
            }
            words.push("-H 'content-type: application/json'".to_owned());
            words.push(format!("-d {}", quoted(&serde_json::to_string(&body)?)));
        }
        _ if **method == Method::GET => {}
        _ => words.push(format!("-X {method}")),
    }
    Ok(words.join(" \\\n    "))
}

/// A word for a shell, as it stands.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}
