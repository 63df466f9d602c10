//! The teacher as a [`tower_service::Service`]: routes, keys, limits.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::error::Error;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Buf, Bytes};
use http::{HeaderMap, HeaderValue, Method, Request, Response, header};
use http_body::Body;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use subtle::ConstantTimeEq;
use tower_service::Service;

use super::body::{Gauges, InFlight, Pace, TeacherBody};
use super::model::{Fault, Model};
use super::protocol::ordered::{Json, object};
use super::protocol::refusal::Refusal;
use super::protocol::responses::Kept;
use super::protocol::{
    chat, chat_request, messages, messages_request, responses, responses_request,
};
use super::signature::Signer;

mod vendors;

use vendors::{bedrock_model, gemini_method, vendor_of};

/// How many answers can be asked for again.
const KEPT: usize = 256;

/// How a [`Teacher`] behaves.
#[derive(Clone)]
pub struct Settings {
    /// Tokens written per second and stream; `None` or 0: as fast as the client reads.
    pub tokens_per_second: Option<f64>,
    /// Waited before the first token.
    pub first_token_delay: Duration,
    /// The key that clients must send, as `Authorization: Bearer` or `x-api-key`.
    pub api_key: Option<String>,
    /// What signatures of thinking blocks are derived from; not secret by default.
    pub signing_secret: Vec<u8>,
    /// Whether a thinking block is refused when the messages before it were changed.
    pub bind_prefix: bool,
    /// Longest request body in bytes; longer ones get 413.
    pub request_limit: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            tokens_per_second: None,
            first_token_delay: Duration::ZERO,
            api_key: None,
            signing_secret: b"teacher".to_vec(),
            bind_prefix: true,
            request_limit: 4 * 1024 * 1024,
        }
    }
}

/// Keys are not shown.
impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("tokens_per_second", &self.tokens_per_second)
            .field("first_token_delay", &self.first_token_delay)
            .field("has_api_key", &self.api_key.is_some())
            .field("bind_prefix", &self.bind_prefix)
            .field("request_limit", &self.request_limit)
            .finish_non_exhaustive()
    }
}

/// The embedded upstream. Clones share counters and settings.
#[derive(Clone, Debug)]
pub struct Teacher {
    settings: Arc<Settings>,
    signer: Signer,
    gauges: Arc<Gauges>,
    /// Answers that can be asked for again, the oldest first.
    kept: Arc<Mutex<VecDeque<Kept>>>,
}

impl Default for Teacher {
    fn default() -> Self {
        Self::new(Settings::default())
    }
}

impl Teacher {
    /// A teacher that behaves as set.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        let signer = Signer::new(&settings.signing_secret, settings.bind_prefix);
        Self { settings: Arc::new(settings), signer, gauges: Arc::default(), kept: Arc::default() }
    }

    /// Requests whose response was read to its end, acted-out failures included.
    #[must_use]
    pub fn served(&self) -> usize {
        self.gauges.served.load(Ordering::Relaxed)
    }

    /// Requests being read, computed or answered.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.gauges.in_flight.load(Ordering::Relaxed)
    }

    /// Streams that are neither finished nor dropped.
    #[must_use]
    pub fn open_streams(&self) -> usize {
        self.gauges.open_streams.load(Ordering::Relaxed)
    }

    /// Requests that were dropped before the end of their response.
    #[must_use]
    pub fn cancelled(&self) -> usize {
        self.gauges.cancelled.load(Ordering::Relaxed)
    }

    fn pace(&self) -> Pace {
        let per_token = self
            .settings
            .tokens_per_second
            .filter(|rate| *rate > 0.0)
            .and_then(|rate| Duration::try_from_secs_f64(1.0 / rate).ok())
            .unwrap_or_default();
        Pace { first_token: self.settings.first_token_delay, per_token }
    }

    fn authorized(&self, headers: &HeaderMap) -> bool {
        let Some(key) = &self.settings.api_key else { return true };
        let bearer = headers
            .get(header::AUTHORIZATION)
            .and_then(|value| value.as_bytes().strip_prefix(b"Bearer "));
        let named = headers.get("x-api-key").or(headers.get("x-goog-api-key"));
        let given = named.map(HeaderValue::as_bytes).or(bearer);
        given.is_some_and(|given| bool::from(given.ct_eq(key.as_bytes())))
    }

    async fn answer<B>(self, request: Request<B>) -> Response<TeacherBody>
    where
        B: Body,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        let guard = InFlight::new(Arc::clone(&self.gauges));
        let (parts, body) = request.into_parts();
        let path = parts.uri.path().to_owned();
        let vendor = vendor_of(&path);
        let query = parts.uri.query().unwrap_or_default();
        let asked = (&parts.method, path.as_str(), query);
        let response = match self.route(asked, &parts.headers, body).await {
            Ok(response) => response,
            Err(refusal) => refusal.response(vendor, "req_teacher"),
        };
        response.map(|body| body.guarded(guard))
    }

    async fn route<B>(
        &self,
        (method, path, query): (&Method, &str, &str),
        headers: &HeaderMap,
        body: B,
    ) -> Result<Response<TeacherBody>, Refusal>
    where
        B: Body,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        if !self.authorized(headers) {
            return Err(Refusal::Unauthorized);
        }
        if let Some(asked) = path.strip_prefix("/v1/responses/") {
            return self.stored(method, asked, query);
        }
        if let Some(asked) = gemini_method(path).filter(|_| *method == Method::POST) {
            return self.gemini(asked, query, body).await;
        }
        if let Some((model, asked)) = bedrock_model(path).filter(|_| *method == Method::POST) {
            let body = self.whole(body).await?;
            return match asked {
                "converse" | "converse-stream" => {
                    self.converse(&body, &model, asked == "converse-stream").await
                }
                "invoke" => self.invoke(&body, &model, false).await,
                "invoke-with-response-stream" => self.invoke(&body, &model, true).await,
                _ => Err(Refusal::UnknownPath),
            };
        }
        let wanted = match path {
            "/v1/chat/completions"
            | "/v1/agents/completions"
            | "/v1/completions"
            | "/v1/fim/completions"
            | "/api/chat"
            | "/api/generate"
            | "/v2/chat"
            | "/completion"
            | "/infill"
            | "/generate"
            | "/generate_stream"
            | "/"
            | "/v1/responses"
            | "/v1/messages"
            | "/v1/messages/count_tokens" => Method::POST,
            "/v1/models" | "/v1beta/models" | "/api/tags" => Method::GET,
            _ => return Err(Refusal::UnknownPath),
        };
        if *method != wanted {
            return Err(Refusal::WrongMethod);
        }
        if path == "/v1/models" {
            return Ok(json(models().text()));
        }
        if path == "/v1beta/models" {
            let entry = |name: String| object! { "name" => format!("models/{name}") };
            let models: Vec<Json> = Model::names().into_iter().map(entry).collect();
            return Ok(json(object! { "models" => models }.text()));
        }
        if path == "/api/tags" {
            let entry = |name: String| object! { "name" => &name, "model" => &name };
            let models: Vec<Json> = Model::names().into_iter().map(entry).collect();
            return Ok(json(object! { "models" => models }.text()));
        }
        let body = self.whole(body).await?;
        match path {
            "/v1/chat/completions" | "/v1/agents/completions" => self.chat(&body).await,
            "/v1/completions" | "/v1/fim/completions" => {
                self.completions(&body, path == "/v1/fim/completions").await
            }
            "/api/chat" | "/api/generate" => self.ollama(&body, path == "/api/generate").await,
            "/v2/chat" => self.cohere(&body).await,
            "/completion" | "/infill" => self.llama_cpp(&body, path == "/infill").await,
            "/generate" | "/generate_stream" | "/" => self.tgi(&body, path).await,
            "/v1/messages" => self.messages(&body).await,
            "/v1/responses" => self.responses(&body).await,
            _ => {
                let request = messages_request::read(&body, &self.signer, true)?;
                Ok(json(object! { "input_tokens" => request.ask.prompt_tokens() }.text()))
            }
        }
    }

    async fn chat(&self, body: &Bytes) -> Result<Response<TeacherBody>, Refusal> {
        let request = chat_request::read(body)?;
        let fault = fault(&request.ask.model, request.stream)?;
        let streamed = request.stream;
        let reply = chat::Reply::new(request, self.signer.clone());
        if streamed {
            return Ok(stream(TeacherBody::chat(chat::Stream::new(reply), self.pace()), fault));
        }
        self.wait(reply.tokens()).await;
        Ok(with_fault(json(reply.document().text()), fault))
    }

    /// All of a request's body.
    async fn whole<B>(&self, body: B) -> Result<Bytes, Refusal>
    where
        B: Body,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        match Limited::new(body, self.settings.request_limit).collect().await {
            Ok(body) => Ok(body.to_bytes()),
            Err(error) if error.is::<LengthLimitError>() => Err(Refusal::TooLarge),
            Err(_) => Err(Refusal::Malformed),
        }
    }

    async fn messages(&self, body: &Bytes) -> Result<Response<TeacherBody>, Refusal> {
        let request = messages_request::read(body, &self.signer, false)?;
        let fault = fault(&request.ask.model, request.stream)?;
        let streamed = request.stream;
        let reply = messages::Reply::new(request, self.signer.clone());
        let id = HeaderValue::from_str(&reply.request_id()).ok();
        let mut response = if streamed {
            stream(TeacherBody::messages(messages::Stream::new(reply), self.pace()), fault)
        } else {
            self.wait(reply.tokens()).await;
            with_fault(json(reply.document().text()), fault)
        };
        if let Some(id) = id {
            response.headers_mut().insert("request-id", id);
        }
        Ok(response)
    }

    async fn responses(&self, body: &Bytes) -> Result<Response<TeacherBody>, Refusal> {
        let turns = |id: &str| self.find(id).map(|kept| kept.turns);
        let request = responses_request::read(body, turns)?;
        let fault = fault(&request.ask.model, request.stream)?;
        let streamed = request.stream;
        let reply = responses::Reply::new(request, self.signer.clone());
        if reply.request.store {
            self.keep(reply.kept());
        }
        if streamed {
            let events = responses::sent(reply.events());
            let body = TeacherBody::ready(events, responses::error(), self.pace());
            return Ok(stream(body, fault));
        }
        self.wait(reply.tokens()).await;
        Ok(with_fault(json(reply.document().to_string()), fault))
    }

    /// An answer that is asked for again.
    fn stored(
        &self,
        method: &Method,
        asked: &str,
        query: &str,
    ) -> Result<Response<TeacherBody>, Refusal> {
        let (id, part) = asked.split_once('/').unwrap_or((asked, ""));
        let kept = self.find(id).ok_or(Refusal::UnknownPath)?;
        match (method.as_str(), part) {
            ("GET", "") if query.split('&').any(|it| it == "stream=true") => {
                let after = query.split('&').find_map(|it| it.strip_prefix("starting_after="));
                let from = after.and_then(|it| it.parse::<usize>().ok()).map_or(0, |it| it + 1);
                let events = kept.events.into_iter().skip(from).map(|event| (event, 0));
                let events = responses::sent(events);
                Ok(stream(TeacherBody::ready(events, responses::error(), Pace::default()), None))
            }
            ("GET", "") | ("POST", "cancel") => Ok(json(kept.document.to_string())),
            ("GET", "input_items") => Ok(json(kept.input_list().to_string())),
            ("DELETE", "") => {
                self.answers().retain(|it| it.id != id);
                let gone = object! { "id" => id, "object" => "response", "deleted" => true };
                Ok(json(gone.text()))
            }
            _ => Err(Refusal::WrongMethod),
        }
    }

    fn find(&self, id: &str) -> Option<Kept> {
        self.answers().iter().find(|it| it.id == id).cloned()
    }

    fn keep(&self, kept: Kept) {
        let mut answers = self.answers();
        answers.retain(|it| it.id != kept.id);
        if answers.len() == KEPT {
            answers.pop_front();
        }
        answers.push_back(kept);
    }

    fn answers(&self) -> MutexGuard<'_, VecDeque<Kept>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A whole document is sent when its last token is there.
    async fn wait(&self, tokens: u64) {
        let time = self.pace().whole(tokens);
        if !time.is_zero() {
            tokio::time::sleep(time).await;
        }
    }
}

/// Failures before the first byte; the others happen in the body.
fn fault(model: &Model, streamed: bool) -> Result<Option<Fault>, Refusal> {
    match model.fault {
        Some(Fault::RateLimited) => Err(Refusal::RateLimited),
        Some(Fault::ServerError) => Err(Refusal::ServerError),
        Some(Fault::Overloaded) => Err(Refusal::Overloaded),
        Some(Fault::MidStream) if !streamed => Err(Refusal::ServerError),
        other => Ok(other),
    }
}

fn json(text: String) -> Response<TeacherBody> {
    let mut response = Response::new(TeacherBody::whole(text));
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

fn stream(body: TeacherBody, fault: Option<Fault>) -> Response<TeacherBody> {
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers
        .insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream; charset=utf-8"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    with_fault(response, fault)
}

fn with_fault(mut response: Response<TeacherBody>, fault: Option<Fault>) -> Response<TeacherBody> {
    if fault == Some(Fault::Gzip) {
        response.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    response.map(|body| body.with_fault(fault))
}

fn models() -> Json {
    let entry = |name: String| object! { "id" => name, "object" => "model", "created" => 1_790_000_000_u64, "owned_by" => "guilloche" };
    object! { "object" => "list", "data" => Model::names().into_iter().map(entry).collect::<Vec<_>>() }
}

impl<B> Service<Request<B>> for Teacher
where
    B: Body + Send + 'static,
    B::Data: Buf + Send,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    type Response = Response<TeacherBody>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<TeacherBody>, Infallible>> + Send>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let answer = self.clone().answer(request);
        Box::pin(async move { Ok(answer.await) })
    }
}
