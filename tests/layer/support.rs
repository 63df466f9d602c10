//! Scripted bodies, a scripted inner service, and what the tests ask of the layer.

use std::collections::VecDeque;
use std::fmt;
use std::future::{Future, pending, poll_fn};
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
/// How every blob begins.
pub(crate) use guilloche::countermeasure::seal::PREFIX;

use guilloche::audit::{Applied, Counter, Record, Sink};
use guilloche::layer::{
    BodyError, Defense, DefenseBody, DefenseBuilder, DefenseLayer, RequestBody,
};
use guilloche::policy::{Countermeasure, Policy};
use guilloche::risk::{AccountId, Assessment, ClusterId, Principal, Risk, RiskScore, Validity};
use http::{HeaderMap, Request, Response, request};
use http_body::{Body, Frame, SizeHint};
use tokio::time::{Instant, Sleep, sleep};
use tower::{Layer, Service, ServiceExt};

pub(crate) const CHAT: &str = "/v1/chat/completions";
pub(crate) const MESSAGES: &str = "/v1/messages";
pub(crate) const RESPONSES: &str = "/v1/responses";
pub(crate) const GEMINI: &str = "/v1beta/models/m:streamGenerateContent?alt=sse";
pub(crate) const CONVERSE: &str = "/model/m/converse";
pub(crate) const OLLAMA: &str = "/api/chat";
pub(crate) const COHERE: &str = "/v2/chat";
pub(crate) const LLAMA_CPP: &str = "/completion";
pub(crate) const TGI: &str = "/generate";
pub(crate) const COMPLETIONS: &str = "/v1/completions";
pub(crate) const SECRET: [u8; 32] = [7; 32];

/// What a scripted body does when it is polled.
#[derive(Clone)]
pub(crate) enum Step {
    Data(Bytes),
    /// Nothing comes for so long.
    Wait(Duration),
    Trailers(HeaderMap),
    Fail,
    /// Nothing comes any more, and no end either.
    Hang,
}

pub(crate) fn data(bytes: impl AsRef<[u8]>) -> Step {
    Step::Data(Bytes::copy_from_slice(bytes.as_ref()))
}

pub(crate) fn wait(seconds: u64) -> Step {
    Step::Wait(Duration::from_secs(seconds))
}

pub(crate) fn trailers() -> HeaderMap {
    HeaderMap::from_iter([("x-request-id".parse().unwrap(), "abc".parse().unwrap())])
}

/// How far a scripted body has come.
#[derive(Debug, Default)]
pub(crate) struct Witness {
    given: AtomicUsize,
    dropped: AtomicBool,
}

impl Witness {
    /// Steps that were taken from it.
    pub(crate) fn given(&self) -> usize {
        self.given.load(Ordering::Relaxed)
    }

    pub(crate) fn is_dropped(&self) -> bool {
        self.dropped.load(Ordering::Relaxed)
    }
}

/// A body that follows a script.
pub(crate) struct Script {
    steps: VecDeque<Step>,
    sleep: Option<Pin<Box<Sleep>>>,
    /// Says its length, and that it has ended as soon as the script has.
    forthcoming: bool,
    ended: bool,
    witness: Arc<Witness>,
}

/// What a scripted body or service fails with.
#[derive(Debug, thiserror::Error)]
#[error("the script says so")]
pub(crate) struct Scripted;

impl Script {
    pub(crate) fn new(steps: impl IntoIterator<Item = Step>) -> Self {
        Self {
            steps: steps.into_iter().collect(),
            sleep: None,
            forthcoming: false,
            ended: false,
            witness: Arc::default(),
        }
    }

    /// One frame of known length, as most servers send a document.
    pub(crate) fn whole(bytes: impl AsRef<[u8]>) -> Self {
        let steps = Some(data(&bytes)).filter(|_| !bytes.as_ref().is_empty());
        let mut body = Self::new(steps);
        body.forthcoming = true;
        body
    }

    pub(crate) fn witness(&self) -> Arc<Witness> {
        Arc::clone(&self.witness)
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        self.witness.dropped.store(true, Ordering::Relaxed);
    }
}

impl fmt::Debug for Script {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Script")
    }
}

impl Body for Script {
    type Data = Bytes;
    type Error = Scripted;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Scripted>>> {
        assert!(!self.ended, "polled after its end");
        loop {
            if let Some(sleep) = &mut self.sleep {
                ready!(sleep.as_mut().poll(context));
                self.sleep = None;
            }
            let step = self.steps.pop_front();
            self.witness.given.fetch_add(1, Ordering::Relaxed);
            return Poll::Ready(match step {
                None => {
                    self.ended = true;
                    None
                }
                Some(Step::Data(bytes)) => Some(Ok(Frame::data(bytes))),
                Some(Step::Trailers(trailers)) => Some(Ok(Frame::trailers(trailers))),
                Some(Step::Fail) => {
                    self.ended = true;
                    Some(Err(Scripted))
                }
                Some(Step::Wait(time)) => {
                    self.sleep = Some(Box::pin(sleep(time)));
                    continue;
                }
                Some(Step::Hang) => {
                    self.steps.push_front(Step::Hang);
                    return Poll::Pending;
                }
            });
        }
    }

    fn is_end_stream(&self) -> bool {
        self.ended || self.forthcoming && self.steps.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        if !self.forthcoming {
            return SizeHint::default();
        }
        let lengths = self.steps.iter().map(|step| match step {
            Step::Data(bytes) => bytes.len() as u64,
            _ => 0,
        });
        SizeHint::with_exact(lengths.sum())
    }
}

/// What the inner service was asked.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) head: request::Parts,
    pub(crate) frames: Vec<Bytes>,
    pub(crate) trailers: Option<HeaderMap>,
    pub(crate) length: SizeHint,
    /// The body failed.
    pub(crate) failed: bool,
}

impl Seen {
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.frames.concat()).unwrap()
    }
}

/// How the inner service answers.
#[derive(Debug)]
pub(crate) enum Reply {
    Answer(Response<Script>),
    Fail,
    /// Not at all.
    Hang,
}

/// The inner service. Its clones answer from one list, and only when they were polled ready.
#[derive(Debug, Default)]
pub(crate) struct Upstream {
    shared: Arc<UpstreamState>,
    ready: bool,
}

#[derive(Debug, Default)]
struct UpstreamState {
    replies: Mutex<VecDeque<Reply>>,
    seen: Mutex<Vec<Seen>>,
}

impl Clone for Upstream {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared), ready: false }
    }
}

impl Upstream {
    pub(crate) fn reply(&self, reply: Reply) {
        self.shared.replies.lock().unwrap().push_back(reply);
    }

    pub(crate) fn answer(&self, response: Response<Script>) -> Arc<Witness> {
        let witness = response.body().witness();
        self.reply(Reply::Answer(response));
        witness
    }

    /// What it has been asked since the last time.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        std::mem::take(&mut *self.shared.seen.lock().unwrap())
    }
}

impl Service<Request<RequestBody<Script>>> for Upstream {
    type Response = Response<Script>;
    type Error = Scripted;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Script>, Scripted>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Scripted>> {
        self.ready = true;
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<RequestBody<Script>>) -> Self::Future {
        assert!(std::mem::take(&mut self.ready), "called without having been ready");
        let shared = Arc::clone(&self.shared);
        Box::pin(async move {
            let (head, body) = request.into_parts();
            let length = body.size_hint();
            let Read { frames, trailers, failed, .. } = read(body).await;
            shared.seen.lock().unwrap().push(Seen { head, frames, trailers, length, failed });
            let reply = shared.replies.lock().unwrap().pop_front();
            match reply.expect("no reply is scripted") {
                Reply::Answer(response) => Ok(response),
                Reply::Fail => Err(Scripted),
                Reply::Hang => pending().await,
            }
        })
    }
}

/// Keeps the records it is given.
#[derive(Debug, Default)]
pub(crate) struct Records(Mutex<Vec<Record>>);

impl Records {
    pub(crate) fn all(&self) -> Vec<Record> {
        self.0.lock().unwrap().clone()
    }

    /// The one record that there is.
    pub(crate) fn only(&self) -> Record {
        let all = self.all();
        assert_eq!(all.len(), 1, "{all:?}");
        all[0].clone()
    }
}

impl Sink for Records {
    fn record(&self, record: Record) {
        self.0.lock().unwrap().push(record);
    }
}

/// How often a countermeasure did something, as a list of a record has it.
pub(crate) fn count(list: &[Applied], countermeasure: Countermeasure, counter: Counter) -> u64 {
    let rows = list.iter().filter(|applied| applied.countermeasure == countermeasure);
    rows.map(|applied| applied.counts.get(counter)).sum()
}

/// A policy of one grade, reached at 0.5.
pub(crate) fn policy(grade: &str) -> Policy {
    policy_with("enforce", "", grade)
}

pub(crate) fn policy_with(mode: &str, top: &str, grade: &str) -> Policy {
    let text = format!(
        "version = 1\nname = \"test\"\nmode = \"{mode}\"\n{top}\n\
         [[grade]]\nname = \"graded\"\nat = 0.5\n{grade}\n"
    );
    Policy::parse("test.toml", &text).unwrap_or_else(|error| panic!("{error:?}\n{text}"))
}

/// The layer around the scripted service.
pub(crate) struct World {
    pub(crate) layer: DefenseLayer,
    pub(crate) defended: Defense<Upstream>,
    pub(crate) upstream: Upstream,
    pub(crate) records: Arc<Records>,
}

pub(crate) type Answer = Response<DefenseBody<Script>>;

impl World {
    pub(crate) fn new(policy: Policy) -> Self {
        Self::with(policy, |builder| builder)
    }

    pub(crate) fn with(
        policy: Policy,
        build: impl FnOnce(DefenseBuilder) -> DefenseBuilder,
    ) -> Self {
        let records = Arc::new(Records::default());
        let sink: Arc<dyn Sink> = Arc::clone(&records) as Arc<dyn Sink>;
        let layer =
            build(DefenseLayer::builder(policy).audit(sink).secret(SECRET)).build().unwrap();
        let upstream = Upstream::default();
        Self { defended: layer.layer(upstream.clone()), layer, upstream, records }
    }

    pub(crate) async fn call(&self, request: Request<Script>) -> Answer {
        self.defended.clone().oneshot(request).await.unwrap()
    }

    /// Sends a request and reads the answer as a server does.
    pub(crate) async fn exchange(
        &self,
        request: Request<Script>,
        answer: Response<Script>,
    ) -> Read {
        self.upstream.answer(answer);
        read(self.call(request).await.into_body()).await
    }
}

/// What was read of a body, and when.
#[derive(Debug, Default)]
pub(crate) struct Read {
    pub(crate) frames: Vec<Bytes>,
    pub(crate) times: Vec<Duration>,
    pub(crate) trailers: Option<HeaderMap>,
    pub(crate) failed: bool,
}

impl Read {
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.frames.concat()).unwrap()
    }
}

/// Reads a body as a server does: it asks no more once the body says that it has ended, has failed,
/// or has given its trailers; then the body is dropped.
pub(crate) async fn read<B: Body<Data = Bytes>>(body: B) -> Read {
    let start = Instant::now();
    let mut body = pin!(body);
    let mut read = Read::default();
    while !body.is_end_stream() {
        match poll_fn(|context| body.as_mut().poll_frame(context)).await {
            None => break,
            Some(Err(_)) => {
                read.failed = true;
                break;
            }
            Some(Ok(frame)) => match frame.into_data() {
                Ok(bytes) => {
                    read.frames.push(bytes);
                    read.times.push(start.elapsed());
                }
                Err(frame) => {
                    read.trailers = frame.into_trailers().ok();
                    break;
                }
            },
        }
    }
    read
}

/// The next frame of an answer's body.
pub(crate) async fn next(answer: &mut Answer) -> Option<Result<Frame<Bytes>, BodyError>> {
    let mut body = Pin::new(answer.body_mut());
    poll_fn(|context| body.as_mut().poll_frame(context)).await
}

/// The text of the next frame of an answer's body.
pub(crate) async fn next_text(answer: &mut Answer) -> String {
    let frame = next(answer).await.unwrap().unwrap();
    String::from_utf8(frame.into_data().unwrap().to_vec()).unwrap()
}

/// A caller as a detector describes it.
pub(crate) fn caller(account: &str, cluster: Option<&str>, score: f64) -> Assessment {
    let validity = Validity { issued: jiff::Timestamp::now(), ttl: Duration::from_secs(3600) };
    let mut principal = Principal::of(AccountId::new(account).unwrap());
    principal.cluster = cluster.map(|cluster| ClusterId::new(cluster).unwrap());
    Assessment { principal, risk: Risk::Known(RiskScore::new(score, validity).unwrap()) }
}

pub(crate) fn suspicious() -> Assessment {
    caller("alice", Some("hydra"), 0.9)
}

pub(crate) fn request(caller: Assessment, path: &str, body: Script) -> Request<Script> {
    Request::post(path).extension(caller).body(body).unwrap()
}

pub(crate) const ASKS: &str = r#"{"model":"m","messages":[],"stream":true}"#;

/// A suspicious caller's chat request.
pub(crate) fn chat() -> Request<Script> {
    request(suspicious(), CHAT, Script::whole(ASKS))
}

/// A suspicious caller's Messages request.
pub(crate) fn messages() -> Request<Script> {
    request(suspicious(), MESSAGES, Script::whole(ASKS))
}

pub(crate) fn json(body: impl AsRef<[u8]>) -> Response<Script> {
    let response = Response::builder().header("content-type", "application/json");
    let response = response.header("content-length", body.as_ref().len());
    response.body(Script::whole(body)).unwrap()
}

pub(crate) fn stream(steps: impl IntoIterator<Item = Step>) -> Response<Script> {
    let response = Response::builder().header("content-type", "text/event-stream");
    response.body(Script::new(steps)).unwrap()
}

/// A chat stream's event whose delta has these members.
pub(crate) fn delta(members: &str) -> String {
    format!(
        "data: {{\"id\":\"c\",\"choices\":[{{\"index\":0,\"delta\":{{{members}}},\
         \"finish_reason\":null}}]}}\n\n"
    )
}

/// An event of the answer.
pub(crate) fn says(text: &str) -> String {
    delta(&format!("\"content\":\"{text}\""))
}

/// An event of the reasoning.
pub(crate) fn thinks(text: &str) -> String {
    delta(&format!("\"reasoning_content\":\"{text}\""))
}

pub(crate) const STOP: &str = "data: {\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{},\
                        \"finish_reason\":\"stop\"}]}\n\n";
pub(crate) const DONE: &str = "data: [DONE]\n\n";

pub(crate) fn usage(input: u64, output: u64, reasoning: u64) -> String {
    format!(
        "data: {{\"id\":\"c\",\"choices\":[],\"usage\":{{\"prompt_tokens\":{input},\
         \"completion_tokens\":{output},\"completion_tokens_details\":{{\
         \"reasoning_tokens\":{reasoning}}}}}}}\n\n"
    )
}

/// A Messages stream's event.
pub(crate) fn event(name: &str, members: &str) -> String {
    format!("event: {name}\ndata: {{\"type\":\"{name}\"{members}}}\n\n")
}

pub(crate) const WITHHOLD: &str = "reasoning = { keep = \"none\" }";
