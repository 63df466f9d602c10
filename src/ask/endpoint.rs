//! One request, and what comes back.

use std::time::Duration;

use http::{StatusCode, Uri};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::backoff::retry_after;
use super::prompt::Prompt;
use super::spending::Tokens;
use super::{AskError, Settings};
use crate::secret::opaque_debug;
use crate::upstream::chat::{ChatClient, ChatError, Completion, Usage};
use crate::upstream::{UpstreamError, own};

/// The longest answer that is read, in bytes.
const MAX_ANSWER_BYTES: usize = 8 << 20;

/// Characters of an endpoint's own words that an error shows.
const SHOWN_CHARACTERS: usize = 200;

/// Why a prompt was not answered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Failure {
    /// Another status than success.
    #[error("status {status}{}{said}", if said.is_empty() { "" } else { ": " })]
    Status {
        /// The status.
        status: u16,
        /// What the endpoint says, shortened.
        said: String,
    },
    /// The exchange did not come to an end.
    #[error("{0}")]
    Exchange(String),
    /// The answer is not a chat completion, is too large, or has no text.
    #[error("the answer is no chat completion: {0}")]
    Garbage(&'static str),
}

/// What to do about a failure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Trouble {
    pub(super) failure: Failure,
    /// Whether the request may have cost something all the same.
    pub(super) charged: bool,
    pub(super) then: Then,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Then {
    /// Another attempt may succeed; after this time, if the endpoint said so.
    Retry(Option<Duration>),
    /// This prompt will not be answered.
    GiveUp,
    /// No prompt will be.
    Stop,
}

/// An answer.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) text: String,
    pub(super) reasoning: Option<String>,
    pub(super) finish_reason: Option<String>,
    /// What the endpoint says that it cost.
    pub(super) usage: Option<Tokens>,
}

opaque_debug!(Answer);

/// The endpoint. Clones share its connections.
#[derive(Clone)]
pub(super) struct Endpoint {
    client: ChatClient,
    model: String,
    temperature: f64,
    max_tokens: u32,
}

impl Endpoint {
    pub(super) fn new(settings: &Settings) -> Result<Self, AskError> {
        let Settings { url, ca_file, api_key, timeout, concurrency, .. } = settings;
        let authorization = api_key.as_ref().map(|key| own::bearer(key)).transpose();
        let authorization = authorization.map_err(|_| AskError::ApiKey)?;
        let client = ChatClient::new(url, ca_file.clone(), *timeout, *concurrency, authorization)?;
        Ok(Self {
            client: client.ok_or_else(|| AskError::Address(without_user(url)))?,
            model: settings.model.clone(),
            temperature: settings.temperature,
            max_tokens: settings.max_tokens,
        })
    }

    /// Asks once.
    pub(super) async fn ask(self, prompt: &Prompt) -> Result<Answer, Trouble> {
        let body = json!({
            "model": self.model,
            "messages": prompt.messages(),
            "max_tokens": self.max_tokens,
            "temperature": self.temperature,
            "stream": false,
        });
        match self.client.complete(&body, MAX_ANSWER_BYTES).await {
            Ok(completion) => answer(completion),
            Err(ChatError::Address) => Err(garbage("the address", false)),
            Err(ChatError::Exchange(error)) => Err(broken_off(error)),
            Err(ChatError::TooLarge) => Err(garbage("too large", true)),
            Err(ChatError::Garbage(what)) => Err(garbage(what, true)),
            Err(ChatError::Status { status, headers, body }) => {
                // What the refusal says matters less than that it is one.
                let after = retry_after(&headers, Timestamp::now());
                Err(refusal(status, said(&body), after))
            }
        }
    }
}

/// An address without the name and password that it should not have.
fn without_user(url: &Uri) -> Uri {
    let text = url.to_string();
    let Some((_, rest)) = text.split_once('@') else { return url.clone() };
    format!("{}://{rest}", url.scheme_str().unwrap_or("https")).parse().unwrap_or_default()
}

fn garbage(what: &'static str, charged: bool) -> Trouble {
    Trouble { failure: Failure::Garbage(what), charged, then: Then::GiveUp }
}

fn broken_off(error: UpstreamError) -> Trouble {
    let sent = !matches!(error, UpstreamError::Connect(_) | UpstreamError::ConnectTimeout);
    Trouble {
        failure: Failure::Exchange(error.to_string()),
        charged: sent,
        then: Then::Retry(None),
    }
}

fn refusal(status: StatusCode, said: String, after: Option<Duration>) -> Trouble {
    let (charged, then) = match status.as_u16() {
        // Turned away at the door.
        429 | 503 => (false, Then::Retry(after)),
        408 | 409 | 425 | 500.. => (true, Then::Retry(after)),
        401 | 403 | 404 | 405 => (false, Then::Stop),
        400..=499 => (false, Then::GiveUp),
        // A redirection would send the prompts and the key elsewhere.
        _ => (false, Then::Stop),
    };
    Trouble { failure: Failure::Status { status: status.as_u16(), said }, charged, then }
}

/// The message of an error in JSON, or the beginning of any other text.
fn said(body: &[u8]) -> String {
    let value: Value = serde_json::from_slice(body).unwrap_or_default();
    let message = value
        .pointer("/error/message")
        .or_else(|| value.pointer("/message"))
        .or_else(|| value.pointer("/error"))
        .and_then(Value::as_str);
    let text = message.map_or_else(|| String::from_utf8_lossy(body).into_owned(), str::to_owned);
    let printable = text.chars().map(|letter| if letter.is_control() { ' ' } else { letter });
    printable.take(SHOWN_CHARACTERS).collect::<String>().trim().to_owned()
}

fn answer(completion: Completion) -> Result<Answer, Trouble> {
    let Completion { text, reasoning, finish_reason, usage } = completion;
    if text.trim().is_empty() && reasoning.is_none() {
        return Err(garbage("no text", true));
    }
    let usage = usage.map(|Usage { input, output }| Tokens { input, output });
    Ok(Answer { text, reasoning, finish_reason, usage })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_in_an_address_is_not_shown() {
        let shown = without_user(&"https://me:secret@a.example/v1".parse().unwrap()).to_string();
        assert!(!shown.contains("secret"), "{shown}");
    }

    #[test]
    fn only_what_may_pass_is_tried_again_and_only_what_was_turned_away_is_free() {
        let of = |status: u16| {
            let Trouble { charged, then, .. } =
                refusal(StatusCode::from_u16(status).unwrap(), String::new(), None);
            (charged, then)
        };
        assert_eq!(of(429), (false, Then::Retry(None)));
        assert_eq!(of(503), (false, Then::Retry(None)));
        assert_eq!(of(500), (true, Then::Retry(None)));
        assert_eq!(of(504), (true, Then::Retry(None)));
        assert_eq!(of(400), (false, Then::GiveUp));
        assert_eq!(of(401), (false, Then::Stop));
        assert_eq!(of(302), (false, Then::Stop));
    }

    #[test]
    fn what_an_endpoint_says_is_shortened_and_printable() {
        assert_eq!(
            said(br#"{"error": {"message": "no such\u001b[31m model"}}"#),
            "no such [31m model"
        );
        assert_eq!(said(br#"{"error": "plain"}"#), "plain");
        assert_eq!(said("é".repeat(1_000).as_bytes()).chars().count(), SHOWN_CHARACTERS);
        assert_eq!(said(&[0xff, 0, 10]), "\u{fffd}");
    }

    #[test]
    fn an_answer_without_text_is_none() {
        for text in ["", " "] {
            let completion = Completion {
                text: text.to_owned(),
                reasoning: None,
                finish_reason: None,
                usage: None,
            };
            assert_eq!(answer(completion).unwrap_err(), garbage("no text", true));
        }
    }
}
