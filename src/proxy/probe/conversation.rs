//! Short requests to the upstream, and what it answers.

use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderValue, Method, Request, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use serde_json::{Map, Value, json};
use tokio::time::timeout;
use tower_service::Service;

use crate::secret::opaque_debug;
use crate::upstream::{BoxError, Upstream};

/// For one request, its answer included. A model may have to be loaded first.
const PATIENCE: Duration = Duration::from_secs(60);

/// Bytes of an answer. Metrics are the longest.
const LONGEST_ANSWER: usize = 8 << 20;

/// What the model is asked: anything that has many answers.
const PROMPT: &str = "Write a few words.";

/// The upstream, and what has been learned of it.
#[derive(Debug)]
pub(super) struct Conversation {
    upstream: Upstream,
    /// `authorization`.
    credential: Option<HeaderValue>,
    /// What stands before the paths of the API, and the model's name.
    learned: Option<(&'static str, Option<String>)>,
}

/// What the upstream said.
pub(super) enum Said {
    /// The model's words, of the answer and of its reasoning.
    Text(String),
    /// It would not: the request was wrong.
    Refused(StatusCode),
}

opaque_debug!(Said);

/// The upstream could not be asked: it may work later.
#[derive(Debug)]
pub(super) struct NotNow(pub(super) String);

impl Conversation {
    pub(super) fn new(upstream: Upstream, credential: Option<HeaderValue>) -> Self {
        Self { upstream, credential, learned: None }
    }

    /// That it answers with a status which is no answer.
    fn unexpected(&self, what: &str, status: StatusCode) -> NotNow {
        let denied = matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN);
        let advice = match &self.credential {
            None if denied => ": it wants an API key; name one in marks.probe_key_file",
            Some(_) if denied => ": it does not take the API key of marks.probe_key_file",
            _ => "",
        };
        NotNow(format!("it answers {what}with status {status}{advice}"))
    }

    /// Has the model say at most `tokens` tokens. `members` are added to the request.
    pub(super) async fn say(&mut self, tokens: u32, members: Value) -> Result<Said, NotNow> {
        let (prefix, model) = self.learn().await?;
        let mut body = Map::new();
        if let Some(model) = model {
            body.insert("model".to_owned(), model.into());
        }
        body.insert("messages".to_owned(), json!([{"role": "user", "content": PROMPT}]));
        body.insert("max_tokens".to_owned(), tokens.into());
        if let Value::Object(members) = members {
            body.extend(members);
        }
        let path = format!("{prefix}/chat/completions");
        let (status, answer) =
            self.exchange(Method::POST, &path, Value::Object(body).to_string()).await?;
        match status.as_u16() {
            200..=299 => match words(&answer) {
                Some(words) => Ok(Said::Text(words)),
                None => Err(NotNow("its answer is no chat completion".to_owned())),
            },
            400 | 422 => Ok(Said::Refused(status)),
            _ => Err(self.unexpected("", status)),
        }
    }

    /// What the upstream's metrics say; `None` if it shows none.
    pub(super) async fn metrics(&mut self) -> Result<Option<Bytes>, NotNow> {
        let (status, answer) = self.exchange(Method::GET, "/metrics", String::new()).await?;
        Ok(status.is_success().then_some(answer))
    }

    /// Finds where the API is and which model it offers.
    async fn learn(&mut self) -> Result<(&'static str, Option<String>), NotNow> {
        if let Some(learned) = &self.learned {
            return Ok(learned.clone());
        }
        let mut learned = ("/v1", None);
        // The base URL of the upstream may hold the version.
        for prefix in ["/v1", ""] {
            let path = format!("{prefix}/models");
            let (status, answer) = self.exchange(Method::GET, &path, String::new()).await?;
            if status.is_success() {
                let models: Value = serde_json::from_slice(&answer).unwrap_or_default();
                let model = models.pointer("/data/0/id").and_then(Value::as_str);
                learned = (prefix, model.map(str::to_owned));
                break;
            }
            if status != StatusCode::NOT_FOUND {
                return Err(self.unexpected(&format!("{path} "), status));
            }
        }
        self.learned = Some(learned.clone());
        Ok(learned)
    }

    async fn exchange(
        &mut self,
        method: Method,
        path: &str,
        body: String,
    ) -> Result<(StatusCode, Bytes), NotNow> {
        let body = Full::new(Bytes::from(body));
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(CONTENT_TYPE, "application/json")
            .header(ACCEPT, "*/*")
            .body(body)
            .map_err(|error| NotNow(error.to_string()))?;
        if let Some(credential) = &self.credential {
            request.headers_mut().insert(AUTHORIZATION, credential.clone());
        }
        let answering = async {
            let response = self.upstream.call(request).await?;
            let status = response.status();
            let body = Limited::new(response.into_body(), LONGEST_ANSWER).collect().await?;
            Ok::<_, BoxError>((status, body.to_bytes()))
        };
        match timeout(PATIENCE, answering).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => Err(NotNow(error.to_string())),
            Err(_) => Err(NotNow("it takes too long to answer".to_owned())),
        }
    }
}

/// The words of a chat completion, its reasoning first.
fn words(answer: &[u8]) -> Option<String> {
    let answer: Value = serde_json::from_slice(answer).ok()?;
    let message = answer.pointer("/choices/0/message")?.as_object()?;
    let names = ["reasoning_content", "reasoning", "content"];
    Some(names.iter().filter_map(|name| message.get(*name)?.as_str()).collect())
}
