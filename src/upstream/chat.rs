//! Chat completions that are asked for by ourselves, each answered whole.

use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Request, StatusCode, Uri};
use http_body_util::{BodyExt, Full, Limited};
use serde::Deserialize;
use serde_json::Value;
use tower_service::Service;

use super::{TlsError, Upstream, UpstreamError, own};
use crate::secret::opaque_debug;

/// The most bytes of the head of an answer.
const MAX_HEAD_BYTES: u32 = 64 << 10;

opaque_debug!(ChatClient, ChatError, Completion);

/// An OpenAI-compatible endpoint. Clones share its connections.
#[derive(Clone)]
pub(crate) struct ChatClient {
    upstream: Upstream,
    path: String,
    authorization: Option<HeaderValue>,
}

/// Why there is no completion.
pub(crate) enum ChatError {
    /// The address cannot be asked.
    Address,
    /// The exchange did not come to an end.
    Exchange(UpstreamError),
    /// Another status than success, with its head and what it says, as far as that was read.
    Status { status: StatusCode, headers: Box<HeaderMap>, body: Bytes },
    /// The answer is longer than what is read.
    TooLarge,
    /// It is no completion.
    Garbage(&'static str),
}

/// What is read of a completion: its first choice.
pub(crate) struct Completion {
    /// Empty where there is none.
    pub(crate) text: String,
    /// In a member of its own, if it says anything.
    pub(crate) reasoning: Option<String>,
    pub(crate) finish_reason: Option<String>,
    pub(crate) usage: Option<Usage>,
}

/// Tokens, as the endpoint counts them.
#[derive(Clone, Copy, Debug, Deserialize)]
pub(crate) struct Usage {
    #[serde(rename = "prompt_tokens")]
    pub(crate) input: u64,
    #[serde(rename = "completion_tokens")]
    pub(crate) output: u64,
}

impl ChatClient {
    /// A client of the endpoint at `url`, be that its host, its version or the whole address; `None`
    /// if it is none, or has a password in it. No exchange takes longer than `timeout`.
    ///
    /// # Errors
    /// When certificates cannot be read.
    pub(crate) fn new(
        url: &Uri,
        ca_file: Option<PathBuf>,
        timeout: Duration,
        connections: usize,
        authorization: Option<HeaderValue>,
    ) -> Result<Option<Self>, TlsError> {
        let base = url.scheme_str().zip(url.authority()).and_then(|(scheme, authority)| {
            let base = Uri::builder().scheme(scheme).authority(authority.clone());
            base.path_and_query("/").build().ok()
        });
        let settings = base.and_then(|base| own::settings(base, ca_file, timeout, connections));
        let Some(settings) = settings else { return Ok(None) };
        let upstream = Upstream::new(&settings, MAX_HEAD_BYTES)?;
        Ok(Some(Self { upstream, path: path(url), authorization }))
    }

    /// Asks once, for what `body` says, and reads up to so many bytes of the answer.
    pub(crate) async fn complete(
        mut self,
        body: &Value,
        most: usize,
    ) -> Result<Completion, ChatError> {
        let mut request = Request::post(&self.path).header(CONTENT_TYPE, "application/json");
        if let Some(key) = &self.authorization {
            request = request.header(AUTHORIZATION, key.clone());
        }
        let request = request
            .body(Full::new(Bytes::from(body.to_string())))
            .map_err(|_| ChatError::Address)?;
        let response = self.upstream.call(request).await.map_err(ChatError::Exchange)?;
        let (head, body) = response.into_parts();
        let body = match Limited::new(body, most).collect().await {
            Ok(body) => Ok(body.to_bytes()),
            Err(error) => Err(match error.downcast::<UpstreamError>() {
                Ok(error) => ChatError::Exchange(*error),
                Err(_) => ChatError::TooLarge,
            }),
        };
        if head.status.is_success() {
            return read(&body?);
        }
        let (status, headers) = (head.status, Box::new(head.headers));
        Err(ChatError::Status { status, headers, body: body.unwrap_or_default() })
    }
}

/// Where chat completions are, given the endpoint's address.
fn path(url: &Uri) -> String {
    let (path, query) = (url.path().trim_end_matches('/'), url.query());
    let version = |segment: &str| {
        let number = segment.strip_prefix('v');
        number.is_some_and(|number| number.starts_with(|digit: char| digit.is_ascii_digit()))
    };
    let whole = if path.ends_with("/chat/completions") {
        path.to_owned()
    } else if path.rsplit('/').next().is_some_and(version) {
        format!("{path}/chat/completions")
    } else {
        format!("{path}/v1/chat/completions")
    };
    query.map_or(whole.clone(), |query| format!("{whole}?{query}"))
}

#[derive(Deserialize)]
struct Document {
    choices: Vec<Choice>,
    #[serde(default)]
    usage: Option<Usage>,
}

#[derive(Deserialize)]
struct Choice {
    message: Message,
    #[serde(default)]
    finish_reason: Option<String>,
}

#[derive(Deserialize)]
struct Message {
    #[serde(default)]
    content: Option<String>,
    #[serde(default, alias = "reasoning_content")]
    reasoning: Option<String>,
}

fn read(body: &[u8]) -> Result<Completion, ChatError> {
    let document = serde_json::from_slice(body);
    let Document { choices, usage } = document.map_err(|_| ChatError::Garbage("not its JSON"))?;
    let Some(Choice { message, finish_reason }) = choices.into_iter().next() else {
        return Err(ChatError::Garbage("no choice"));
    };
    let reasoning = message.reasoning.filter(|text| !text.trim().is_empty());
    let text = message.content.unwrap_or_default();
    Ok(Completion { text, reasoning, finish_reason, usage })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_endpoint_is_found_below_the_address() {
        for (url, expected) in [
            ("https://a.example", "/v1/chat/completions"),
            ("https://a.example/", "/v1/chat/completions"),
            ("https://a.example/v1/", "/v1/chat/completions"),
            ("https://a.example/api/v3", "/api/v3/chat/completions"),
            ("https://a.example/openai", "/openai/v1/chat/completions"),
            ("https://a.example/x/chat/completions?v=2", "/x/chat/completions?v=2"),
        ] {
            assert_eq!(path(&url.parse().unwrap()), expected, "{url}");
        }
    }

    #[test]
    fn what_is_no_completion_says_why() {
        for (body, what) in [("<html>", "not its JSON"), (r#"{"choices": []}"#, "no choice")] {
            let Err(ChatError::Garbage(found)) = read(body.as_bytes()) else { panic!("{body}") };
            assert_eq!(found, what);
        }
        for body in [
            r#"{"choices": [{"message": {"content": null}}]}"#,
            r#"{"choices": [{"message": {"content": "", "reasoning": " "}}]}"#,
        ] {
            let Ok(completion) = read(body.as_bytes()) else { panic!("{body}") };
            assert!(completion.text.is_empty() && completion.reasoning.is_none());
        }
    }
}
