//! What one event costs: splitting, scanning, rewriting.
//!
//! `cargo bench --bench wire`. The event is 462 bytes of a chat stream, as in the notes on other
//! decoders; figures are for 1,000 events.

#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a benchmark that cannot be set up must not run"
)]

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use divan::counter::{BytesCount, ItemsCount};
use divan::{Bencher, black_box};
use guilloche::countermeasure::watermark::Marks;
use guilloche::layer::{AtEnd, Decided, DefenseBuilder, DefenseLayer, End, Hook};
use guilloche::mark::keys::Keys;
use guilloche::policy::Policy;
use guilloche::risk::{AccountId, Assessment, Principal, Risk, RiskScore, Validity};
use guilloche::wire::chat::Chat;
use guilloche::wire::converse::Converse;
use guilloche::wire::framing::{Event, Framing, Splitter, Stated, Unframed};
use guilloche::wire::invoke::Invoke;
use guilloche::wire::{Protocol, Scan, Scanner};
use http::{HeaderValue, Request, Response};
use http_body::{Body, Frame};
use http_body_util::Full;
use tower::{Layer, Service};

const EVENTS: usize = 1000;

fn main() {
    divan::main();
}

/// An event of 462 bytes that holds `field` and a text that changes with `index`.
fn event(field: &str, index: usize) -> String {
    event_of(field, &format!(" word{:04}", index % 10_000))
}

fn event_of(field: &str, text: &str) -> String {
    let head = r#"data: {"id":"chatcmpl-0123456789abcdef0123456789abcdef","object":"chat.completion.chunk","created":1790000000,"model":"a-model-of-some-length-2026-08-01","service_tier":"default","system_fingerprint":"fp_44709d6fcb","choices":[{"index":0,"delta":{"#;
    let tail = r#"},"logprobs":null,"finish_reason":null}],"usage":null,"provider":"#;
    let start = format!("{head}\"{field}\":\"{text}\"{tail}\"");
    let filling = "x".repeat(462 - start.len() - 4);
    format!("{start}{filling}\"}}\n\n")
}

fn events(field: &str) -> Vec<Bytes> {
    (0..EVENTS).map(|index| Bytes::from(event(field, index))).collect()
}

#[divan::bench(args = [470, 1400, 65536])]
fn split(bencher: Bencher<'_, '_>, chunk: usize) {
    let stream = Bytes::from(events("content").concat());
    let chunks: Vec<Bytes> = stream.chunks(chunk).map(Bytes::copy_from_slice).collect();
    bencher.counter(ItemsCount::new(EVENTS)).bench(|| {
        let mut splitter = Splitter::new(Framing::Sse, 1 << 20);
        let mut blocks = 0;
        for chunk in &chunks {
            splitter.push(chunk.clone());
            while let Ok(Some(block)) = splitter.next_event() {
                blocks += usize::from(!black_box(block).is_empty());
            }
        }
        blocks
    });
}

#[divan::bench]
fn scan_without_template(bencher: Bencher<'_, '_>) {
    let events = events("content");
    bencher.counter(ItemsCount::new(EVENTS)).bench(|| {
        let mut scan = Scan::default();
        for event in &events {
            let payload = Event::parse(Framing::Sse, event).payload().unwrap_or_default();
            scan.clear();
            let _ = Protocol::scan_event(&Chat, None, black_box(&payload), &mut scan);
        }
        scan
    });
}

#[divan::bench]
fn scan_with_template(bencher: Bencher<'_, '_>) {
    let events = events("content");
    bencher.counter(ItemsCount::new(EVENTS)).bench(|| {
        let mut scanner = Scanner::new(&Chat);
        let mut scan = Scan::default();
        for event in &events {
            let payload = Event::parse(Framing::Sse, event).payload().unwrap_or_default();
            let _ = scanner.scan(Stated::default(), black_box(&payload), &mut scan);
        }
        scan
    });
}

/// Messages of a ConverseStream, a word in each, with the filling that hides how long it is.
fn messages(framing: Framing) -> Vec<Bytes> {
    const FILLING: &str = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    let message = |index: usize| {
        let filling = FILLING.get(..1 + index * 7 % FILLING.len()).unwrap_or_default();
        let payload = match framing {
            Framing::AwsChunks => format!(
                r#"{{"type":"content_block_delta","index":0,"delta":{{"type":"text_delta","text":" word{index:04}"}}}}"#
            ),
            _ => format!(
                r#"{{"contentBlockIndex":0,"delta":{{"text":" word{index:04}"}},"p":"{filling}"}}"#
            ),
        };
        let kind = Some("contentBlockDelta");
        framing.frame(&Unframed { kind, payload: payload.into_bytes(), is_error: false }).into()
    };
    (0..EVENTS).map(message).collect()
}

/// What it costs to verify messages, to look into them and to find their texts.
#[divan::bench(args = [Framing::AwsEventStream, Framing::AwsChunks])]
fn event_stream(bencher: Bencher<'_, '_>, framing: Framing) {
    let messages = messages(framing);
    let protocol: &'static dyn Protocol =
        if framing == Framing::AwsChunks { &Invoke } else { &Converse };
    let bytes: usize = messages.iter().map(Bytes::len).sum();
    bencher.counter(BytesCount::new(bytes)).bench(|| {
        let mut splitter = Splitter::new(framing, 1 << 20);
        let (mut scanner, mut scan) = (Scanner::new(protocol), Scan::default());
        let mut texts = 0;
        for message in &messages {
            splitter.push(message.clone());
            while let Ok(Some(raw)) = splitter.next_event() {
                let event = Event::parse(framing, &raw);
                let payload = event.payload().unwrap_or_default();
                let _ = scanner.scan(event.stated(), black_box(&payload), &mut scan);
                texts += scan.channels.len();
            }
        }
        texts
    });
}

/// Events of English, a word and a space each, as a model streams them.
fn spoken() -> Vec<Bytes> {
    const TEXT: &str = "It's one of the tools that you can use. For example, it does not need any \
        help. However, it is important to note that they are big, and you do not have to use all \
        of them. In addition, there is a way to do that. For instance, you cannot start until it \
        is done. ";
    let words = TEXT.split_inclusive(' ').cycle().take(EVENTS);
    words.map(|word| Bytes::from(event_of("content", word))).collect()
}

/// Yields each event as a frame of its own, as a stream in real time does.
struct Frames(std::vec::IntoIter<Bytes>);

impl Body for Frames {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        Poll::Ready(self.0.next().map(|event| Ok(Frame::data(event))))
    }
}

/// Answers every request with the same events.
#[derive(Clone)]
struct Replay(Arc<Vec<Bytes>>);

impl<B> Service<Request<B>> for Replay {
    type Response = Response<Frames>;
    type Error = std::convert::Infallible;
    type Future = std::future::Ready<Result<Response<Frames>, Self::Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<B>) -> Self::Future {
        let mut response = Response::new(Frames((*self.0).clone().into_iter()));
        let content_type = HeaderValue::from_static("text/event-stream");
        response.headers_mut().insert("content-type", content_type);
        std::future::ready(Ok(response))
    }
}

fn request(score: f64) -> Request<Full<Bytes>> {
    let validity = Validity { issued: jiff::Timestamp::now(), ttl: Duration::from_secs(3600) };
    let assessment = Assessment {
        principal: Principal::of(AccountId::new("account-1").expect("an id")),
        risk: Risk::Known(RiskScore::new(score, validity).expect("a score")),
    };
    let body = Bytes::from_static(br#"{"model":"m","messages":[],"stream":true}"#);
    Request::post("/v1/chat/completions")
        .extension(assessment)
        .body(Full::new(body))
        .expect("a request")
}

fn builder(plan: &str) -> DefenseBuilder {
    let ladder =
        "version = 1\nname = \"bench\"\nmode = \"enforce\"\n[[grade]]\nname = \"g\"\nat = 0.5\n";
    let policy = Policy::parse("bench.toml", &format!("{ladder}{plan}")).expect("a policy");
    let keys = Keys::from_master(&[7; 32], jiff::Timestamp::UNIX_EPOCH);
    DefenseLayer::builder(policy).marks(Marks::new(keys))
}

fn layer(plan: &str) -> DefenseLayer {
    builder(plan).build().expect("randomness")
}

fn answer<S>(service: S, score: f64) -> S::Response
where
    S: Service<Request<Full<Bytes>>, Error = std::convert::Infallible>,
{
    answer_to(service, request(score))
}

fn answer_to<S>(mut service: S, request: Request<Full<Bytes>>) -> S::Response
where
    S: Service<Request<Full<Bytes>>, Error = std::convert::Infallible>,
{
    let mut future = pin!(service.call(request));
    match future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(Ok(response)) => response,
        _ => panic!("the service answers at once"),
    }
}

fn read<B: Body<Data = Bytes>>(body: B) -> usize {
    let mut body = pin!(body);
    let mut context = Context::from_waker(Waker::noop());
    let mut bytes = 0;
    while let Poll::Ready(Some(Ok(frame))) = body.as_mut().poll_frame(&mut context) {
        bytes += frame.data_ref().map_or(0, Bytes::len);
    }
    bytes
}

/// Whole streams through the layer, per event: what is withheld, what is kept though it is read,
/// what is shortened, English that is read and English that is marked, and the floor: the same body
/// without the layer.
#[divan::bench(args = [
    "floor", "pass", "withheld", "nothing to edit", "shortened", "spoken, nothing to edit",
    "spoken, marked",
])]
fn stream(bencher: Bencher<'_, '_>, case: &str) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
    let runtime = runtime.expect("a runtime");
    let _entered = runtime.enter();
    let withhold = "side_channels = {}\nreasoning = { keep = \"none\" }\n";
    let shorten = "reasoning = { keep = { share = 0.5 }, signed = \"seal\" }\n";
    let (field, plan, score) = match case {
        "withheld" => ("reasoning_content", withhold, 0.9),
        "shortened" => ("reasoning_content", shorten, 0.9),
        "nothing to edit" => ("content", withhold, 0.9),
        "spoken, nothing to edit" => ("content", withhold, 0.9),
        "spoken, marked" => ("content", "side_channels = {}\nwatermark = {}\n", 0.9),
        _ => ("content", withhold, 0.1),
    };
    let spoken = case.starts_with("spoken").then(spoken);
    let replay = Replay(Arc::new(spoken.unwrap_or_else(|| events(field))));
    let layer = layer(plan);
    let bencher = bencher.counter(ItemsCount::new(EVENTS));
    if case == "floor" {
        bencher.with_inputs(|| answer(replay.clone(), score).into_body()).bench_values(read);
    } else {
        let defended = layer.layer(replay);
        bencher.with_inputs(|| answer(defended.clone(), score).into_body()).bench_values(read);
    }
}

/// Counts what was decided, and how it ended.
#[derive(Debug, Default)]
struct Counting {
    decided: AtomicU64,
    ended: Arc<AtomicU64>,
}

struct Ended(Arc<AtomicU64>);

impl Hook for Counting {
    fn decided(&self, _: &Decided<'_>) -> Option<Box<dyn AtEnd>> {
        self.decided.fetch_add(1, Ordering::Relaxed);
        Some(Box::new(Ended(Arc::clone(&self.ended))))
    }
}

impl AtEnd for Ended {
    fn ended(self: Box<Self>, end: &End) {
        self.0.fetch_add(u64::from(end.status.is_some()), Ordering::Relaxed);
    }
}

/// A request and its answer's head, untouched, with and without the layer, and with a hook that is told
/// of the decision and the end.
#[divan::bench(args = ["floor", "pass", "counted"])]
fn request_of_an_ordinary_caller(bencher: Bencher<'_, '_>, case: &str) {
    let replay = Replay(Arc::new(Vec::new()));
    if case == "floor" {
        bencher
            .with_inputs(|| (replay.clone(), request(0.1)))
            .bench_values(|(service, request)| read(answer_to(service, request).into_body()));
    } else {
        let mut builder = builder("reasoning = { keep = \"none\" }\n");
        if case == "counted" {
            builder = builder.hook(Arc::new(Counting::default()));
        }
        let defended = builder.build().expect("randomness").layer(replay);
        bencher
            .with_inputs(|| (defended.clone(), request(0.1)))
            .bench_values(|(service, request)| read(answer_to(service, request).into_body()));
    }
}
