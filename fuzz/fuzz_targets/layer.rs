//! The whole layer on any bytes from an upstream, or from a client: no panic and an end in every protocol and
//! framing; the same answer however its bytes are cut; the very same bytes for callers that no grade is for.
#![no_main]

use std::convert::Infallible;
use std::future::{Future, Ready, ready};
use std::pin::{Pin, pin};
use std::sync::LazyLock;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use guilloche::countermeasure::watermark::Marks;
use guilloche::layer::DefenseLayer;
use guilloche::mark::keys::Keys;
use guilloche::policy::Policy;
use guilloche::risk::{AccountId, Assessment, Principal, Risk, RiskScore, Validity};
use guilloche::wire::framing::{Framing, Unframed};
use http::{Request, Response};
use http_body::{Body, Frame};
use libfuzzer_sys::fuzz_target;
use tokio::runtime::{Builder, Runtime};
use tower_layer::Layer;
use tower_service::Service;

/// A path of each protocol's, and of each of its framings, with a request that asks for a stream where the
/// path does not.
const ASKED: [(&str, &str); 18] = [
    ("/v1/chat/completions", r#"{"model":"qwq-32b","messages":[],"stream":true}"#),
    ("/v1/messages", r#"{"model":"m","messages":[],"max_tokens":9,"stream":true}"#),
    ("/v1/responses", r#"{"model":"m","input":"x","stream":true}"#),
    ("/v1/completions", r#"{"model":"m","prompt":"x","stream":true}"#),
    ("/api/chat", r#"{"model":"m","messages":[]}"#),
    ("/api/generate", r#"{"model":"m","prompt":"x"}"#),
    ("/v1beta/models/m:streamGenerateContent?alt=sse", r#"{"contents":[]}"#),
    ("/v1beta/models/m:streamGenerateContent", r#"{"contents":[]}"#),
    ("/v1beta/models/m:generateContent", r#"{"contents":[]}"#),
    ("/model/m/converse-stream", r#"{"messages":[]}"#),
    ("/model/m/converse", r#"{"messages":[]}"#),
    ("/model/anthropic.m/invoke-with-response-stream", r#"{"messages":[],"max_tokens":9}"#),
    ("/model/meta.llama3/invoke-with-response-stream", r#"{"prompt":"x"}"#),
    ("/model/ai21.jamba/invoke", r#"{"messages":[]}"#),
    ("/completion", r#"{"prompt":"x","stream":true}"#),
    ("/generate_stream", r#"{"inputs":"x"}"#),
    ("/", r#"{"inputs":"x","stream":true}"#),
    ("/v2/chat", r#"{"model":"m","messages":[],"stream":true}"#),
];

const MEDIA_TYPES: [&str; 4] = [
    "text/event-stream",
    "application/json",
    "application/x-ndjson",
    "application/vnd.amazon.eventstream",
];

/// What is done to answers; all but the sealed ones are the same each time.
const GRADES: [&str; 6] = [
    "reasoning = { keep = \"none\" }\nside_channels = {}",
    "reasoning = { keep = { words = 5 }, signed = \"seal\" }\nside_channels = {}",
    "reasoning = { keep = \"conclusion\", signed = \"seal\", round_usage = 64 }",
    "watermark = {}",
    "watermark = {}\nreasoning = { keep = { share = 0.5 }, signed = \"seal\" }\nside_channels = {}",
    "reasoning = { keep = \"none\", seal = { bucket = 256 } }\nside_channels = {}",
];

static LAYERS: LazyLock<Vec<DefenseLayer>> = LazyLock::new(|| {
    let layer = |grade: &&str| {
        let text = format!(
            "version = 1\nname = \"fuzz\"\nmode = \"enforce\"\n[[grade]]\nname = \"g\"\nat = 0.5\n{grade}\n"
        );
        let policy = Policy::parse("fuzz.toml", &text).unwrap();
        let marks = Marks::new(Keys::from_master(&[9; 32], jiff::Timestamp::UNIX_EPOCH));
        DefenseLayer::builder(policy).marks(marks).secret([7; 32]).build().unwrap()
    };
    GRADES.iter().map(layer).collect()
});

static RUNTIME: LazyLock<Runtime> =
    LazyLock::new(|| Builder::new_current_thread().enable_time().build().unwrap());

/// A body that comes in pieces.
struct Pieces(std::vec::IntoIter<Bytes>);

fn pieces(bytes: &[u8], size: usize) -> Pieces {
    Pieces(bytes.chunks(size).map(Bytes::copy_from_slice).collect::<Vec<_>>().into_iter())
}

impl Body for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.0.next().map(|bytes| Ok(Frame::data(bytes))))
    }
}

/// What comes of a body, and whether it failed.
fn read<B: Body<Data = Bytes>>(body: B) -> (Vec<u8>, bool) {
    let mut body = pin!(body);
    let mut context = Context::from_waker(Waker::noop());
    let mut out = Vec::new();
    for _ in 0..1 << 20 {
        match body.as_mut().poll_frame(&mut context) {
            Poll::Ready(None) => return (out, false),
            Poll::Ready(Some(Err(_))) => return (out, true),
            Poll::Ready(Some(Ok(frame))) => {
                out.extend(frame.into_data().into_iter().flatten());
            }
            // Long work is done in turns.
            Poll::Pending => {}
        }
    }
    panic!("the body does not end");
}

/// Reads a request and answers with these bytes.
#[derive(Clone)]
struct Upstream<'a> {
    media_type: &'static str,
    answer: &'a [u8],
    size: usize,
    /// What it was asked.
    asked: &'a std::cell::RefCell<Option<Vec<u8>>>,
}

impl<B: Body<Data = Bytes>> Service<Request<B>> for Upstream<'_> {
    type Response = Response<Pieces>;
    type Error = Infallible;
    type Future = Ready<Result<Response<Pieces>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let (body, failed) = read(request.into_body());
        self.asked.replace((!failed).then_some(body));
        let response = Response::builder().header("content-type", self.media_type);
        ready(Ok(response.body(pieces(self.answer, self.size)).unwrap()))
    }
}

/// One exchange: what the client is told, whether that failed, and what the upstream was asked.
struct Exchange<'a> {
    layer: &'a DefenseLayer,
    path: &'a str,
    request: &'a [u8],
    media_type: &'static str,
    answer: &'a [u8],
    score: f64,
}

type Ended = ((Vec<u8>, bool), Option<Vec<u8>>);

impl Exchange<'_> {
    fn run(&self, size: usize) -> Ended {
        let asked = std::cell::RefCell::new(None);
        let Self { media_type, answer, .. } = *self;
        let upstream = Upstream { media_type, answer, size, asked: &asked };
        let validity = Validity { issued: jiff::Timestamp::now(), ttl: Duration::from_secs(3600) };
        let principal = Principal::of(AccountId::new("a").unwrap());
        let risk = Risk::Known(RiskScore::new(self.score, validity).unwrap());
        let request = Request::post(self.path)
            .header("content-type", "application/json")
            .extension(Assessment { principal, risk })
            .body(pieces(self.request, size))
            .unwrap();
        let mut service = self.layer.layer(upstream);
        let mut future = pin!(service.call(request));
        let mut context = Context::from_waker(Waker::noop());
        for _ in 0..1 << 20 {
            if let Poll::Ready(response) = future.as_mut().poll(&mut context) {
                let told = read(response.unwrap().into_body());
                return (told, asked.take());
            }
        }
        panic!("no answer comes");
    }
}

fuzz_target!(|data: &[u8]| {
    let Some((&[which, how, cut], data)) = data.split_first_chunk() else { return };
    let _entered = RUNTIME.enter();
    let (path, asks) = ASKED[usize::from(which) % ASKED.len()];
    let layer = usize::from(how >> 4) % LAYERS.len();
    let media_type = MEDIA_TYPES[usize::from(how % 4)];
    let is_request = how & 8 != 0;
    // Chance finds no checksum: payloads in whole messages.
    let mut framed = Vec::new();
    if media_type.ends_with("eventstream") && !is_request {
        let chunks = path.contains("/invoke");
        for line in data.split(|byte| *byte == b'\n') {
            let (kind, payload) = match line.iter().position(|byte| *byte == b'|') {
                _ if chunks => ("chunk", line),
                Some(at) if line.starts_with(b"contentBlockStart") => {
                    ("contentBlockStart", &line[at + 1..])
                }
                Some(at) if line.starts_with(b"contentBlockStop") => {
                    ("contentBlockStop", &line[at + 1..])
                }
                Some(at) if line.starts_with(b"messageStart") => ("messageStart", &line[at + 1..]),
                Some(at) if line.starts_with(b"messageStop") => ("messageStop", &line[at + 1..]),
                Some(at) if line.starts_with(b"metadata") => ("metadata", &line[at + 1..]),
                Some(at) => ("contentBlockDelta", &line[at + 1..]),
                None => ("contentBlockDelta", line),
            };
            let message = Unframed { kind: Some(kind), payload: payload.to_vec(), is_error: false };
            let framing = if chunks { Framing::AwsChunks } else { Framing::AwsEventStream };
            framed.extend(framing.frame(&message));
        }
    }
    let answer: &[u8] = match () {
        () if is_request => b"{}",
        () if framed.is_empty() => data,
        () => &framed,
    };
    let request = if is_request { data } else { asks.as_bytes() };
    let exchange =
        Exchange { layer: &LAYERS[layer], path, request, media_type, answer, score: 0.9 };
    let whole = exchange.run(usize::MAX);
    let pieces = exchange.run(usize::from(cut % 32) + 1);
    if GRADES[layer].contains("seal") {
        // A nonce is drawn for each; the size of what is sealed is the same.
        assert_eq!(whole.0.0.len(), pieces.0.0.len());
    } else {
        assert_eq!(lossy(&whole.0.0), lossy(&pieces.0.0));
    }
    assert_eq!((whole.0.1, &whole.1), (pieces.0.1, &pieces.1));
    // Callers below the first grade have the upstream's bytes, and it has theirs.
    let untouched = Exchange { score: 0.1, ..exchange }.run(usize::from(cut) + 1);
    assert_eq!(untouched, ((answer.to_vec(), false), Some(request.to_vec())));
});

/// As a text, without the names of decisions, each of which has its own.
fn lossy(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let mut parts = text.split("(decision gd_");
    let first = parts.next().unwrap_or_default().to_owned();
    parts
        .fold(first, |text, part| text + part.trim_start_matches(|it: char| it.is_ascii_hexdigit()))
}
