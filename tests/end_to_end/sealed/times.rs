//! What the times tell at which an answer goes out: of the reasoning that is sealed in it no more than when it
//! began and when it was over, over every carrier.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::unfold;
use guilloche::layer::DefenseLayer;
use guilloche::policy::Policy;
use guilloche::risk::{AccountId, Assessment, Principal, Risk, RiskScore, Validity};
use http::{Request, Response, StatusCode};
use http_body::Frame;
use http_body_util::{BodyExt, Full, StreamBody};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use tokio::time::{Instant, sleep_until};
use tower::{Layer, ServiceExt, service_fn};

use super::DIALECTS;
use super::dialect::{Asked, Said};

/// How long the upstream thinks: heartbeats go out meanwhile.
const THINKS: Duration = Duration::from_secs(50);

/// Longer than what a blob of one bucket holds is no thought here.
const LONGEST: usize = 150;

/// An answer of the upstream's, by when its parts come.
type Parts = VecDeque<(Duration, Bytes)>;

fn answer(form: (usize, bool), thought: &str) -> (&'static str, Vec<u8>) {
    DIALECTS[form.0].answer(&Said { thought, ..Said::in_turn(1) }, form.1)
}

/// An answer with a thought, most of which comes in so many pieces meanwhile, and the rest when it is over.
fn parts(form: (usize, bool), thought: &str, count: usize) -> (&'static str, Parts) {
    let (kind, bytes) = answer(form, thought);
    let same_up_to = |other: &str| {
        let (_, other) = answer(form, other);
        bytes.iter().zip(&other).take_while(|(one, other)| one == other).count()
    };
    let begins = same_up_to(&format!("#{thought}"));
    let over = same_up_to(&format!("{thought}########")).max(begins);
    let (before, bytes) = bytes.split_at(begins);
    let (meanwhile, rest) = bytes.split_at(over - begins);
    let mut parts = Parts::from([(Duration::ZERO, Bytes::copy_from_slice(before))]);
    for (index, piece) in meanwhile.chunks(meanwhile.len().div_ceil(count).max(1)).enumerate() {
        let at = THINKS.mul_f64((index + 1) as f64 / (count + 1) as f64);
        parts.push_back((at, Bytes::copy_from_slice(piece)));
    }
    parts.push_back((THINKS, Bytes::copy_from_slice(rest)));
    (kind, parts)
}

/// When a client gets how much.
async fn seen(
    layer: &DefenseLayer,
    (dialect, streamed): (usize, bool),
    (kind, parts): (&'static str, Parts),
) -> Vec<(Duration, usize)> {
    let dialect = DIALECTS[dialect];
    let history = [dialect.user("9 and 8?")];
    let asked =
        Asked { model: "m", streamed, history: &history, tools: &["add"], system: "Be brief." };
    let validity = Validity { issued: jiff::Timestamp::now(), ttl: Duration::from_secs(3600) };
    let risk = Risk::Known(RiskScore::new(0.9, validity).unwrap());
    let principal = Principal::of(AccountId::new("account").unwrap());
    let request = Request::post(dialect.path("m", streamed))
        .header("content-type", "application/json")
        .extension(Assessment { principal, risk })
        .body(Full::from(dialect.body(&asked).to_string()))
        .unwrap();
    let began = Instant::now();
    let upstream = service_fn(move |_| {
        let body = unfold(parts.clone(), move |mut parts| async move {
            let (at, bytes) = parts.pop_front()?;
            sleep_until(began + at).await;
            Some((Ok::<_, Infallible>(Frame::data(bytes)), parts))
        });
        let response = Response::builder().header("content-type", kind);
        std::future::ready(Ok::<_, Infallible>(
            response.body(StreamBody::new(Box::pin(body))).unwrap(),
        ))
    });
    let response = layer.layer(upstream).oneshot(request).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    let mut body = response.into_body();
    let mut seen = Vec::new();
    while let Some(frame) = body.frame().await {
        let length = frame.unwrap().data_ref().map_or(0, Bytes::len);
        seen.push((began.elapsed(), length));
    }
    seen
}

fn layer(in_strings: bool) -> DefenseLayer {
    let text = format!(
        "version = 1\nname = \"sealing\"\nmode = \"enforce\"\n[[grade]]\nname = \"sealed\"\nat = 0.5\n\
         reasoning = {{ keep = \"none\", seal = {{ bucket = 256, in_strings = {in_strings} }} }}\nside_channels = {{}}\n"
    );
    let policy = Policy::parse("sealing.toml", &text).unwrap();
    DefenseLayer::builder(policy).secret([7; 32]).build().unwrap()
}

// Break it: let the blob, an emptied event or a heartbeat out when a piece of the thought comes.
#[test]
fn when_what_goes_out_does_not_tell_how_long_a_thought_is() {
    let layers = [layer(false), layer(true)];
    let cases = (1..LONGEST, 1..LONGEST, 1..40_usize, 1..40_usize);
    let mut runner =
        TestRunner::new(Config { cases: 24, failure_persistence: None, ..Config::default() });
    let tried = runner.run(&cases, |(one, other, few, more)| {
        for form in (0..DIALECTS.len()).flat_map(|it| [(it, false), (it, true)]) {
            let dialect = DIALECTS[form.0];
            let layer = &layers[usize::from(dialect.in_strings())];
            let [one, other] = [(one, few), (other, more)].map(|(bytes, count)| {
                let thought = "so, if both barges come. ".chars().cycle().take(bytes);
                let parts = parts(form, &thought.collect::<String>(), count);
                let mut runtime = tokio::runtime::Builder::new_current_thread();
                let runtime = runtime.enable_time().start_paused(true).build().unwrap();
                runtime.block_on(seen(layer, form, parts))
            });
            prop_assert_eq!(one, other, "{} {:?}", dialect.name(), form);
        }
        Ok(())
    });
    tried.unwrap();
}
