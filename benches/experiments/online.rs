//! What an experiment adds to a request to which nothing is done, and what a million units take.

use std::convert::Infallible;
use std::hint::black_box;
use std::sync::Arc;

use bytes::Bytes;
use guilloche::experiment::{Experiment, Experiments, RunSettings};
use guilloche::layer::{Defense, DefenseLayer};
use guilloche::policy::Policy;
use guilloche::risk::{AccountId, Assessment, Principal, Risk, RiskScore, Validity};
use guilloche::secret::Secret;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use tokio::time::Instant;
use tower::{Layer, Service, service_fn};

const POLICY: &str = "version = 1\nname = \"p\"\nmode = \"enforce\"\n\
    [[grade]]\nname = \"g\"\nat = 0.5\nreasoning = { keep = \"none\" }\n";

const EXPERIMENT: &str = "version = 1\nname = \"e\"\nsalt = \"s\"\nstart = 2026-01-01\nend = 2100-01-01\n\
    [[arm]]\nname = \"a\"\npolicy = \"a\"\ncontrol = true\n[[arm]]\nname = \"b\"\npolicy = \"b\"\n\
    [[metric]]\nname = \"reasoning_tokens\"\nrole = \"success\"\nbetter = \"lower\"\nscale = \"log\"\n\
    [[metric]]\nname = \"refused_share\"\nrole = \"guardrail\"\nbetter = \"lower\"\nmargin = 0.05\n";

const ROUNDS: usize = 40;

fn policy(name: &str) -> Policy {
    let more = if name == "b" { "side_channels = { max_choices = 1 }\n" } else { "" };
    Policy::parse(name, &format!("{POLICY}{more}")).unwrap()
}

fn experiments() -> Arc<Experiments> {
    let experiment = Experiment::parse("e.toml", EXPERIMENT, |name| Ok(policy(name))).unwrap();
    let settings = RunSettings::default();
    Arc::new(Experiments::begin(vec![experiment], &Secret::new([7; 32]), &settings).unwrap())
}

fn caller(number: usize) -> Assessment {
    let validity =
        Validity { issued: jiff::Timestamp::now(), ttl: std::time::Duration::from_secs(86_400) };
    Assessment {
        principal: Principal::of(AccountId::new(&format!("account-{number}")).unwrap()),
        risk: Risk::Known(RiskScore::new(0.1, validity).unwrap()),
    }
}

type Answer = std::future::Ready<Result<Response<Full<Bytes>>, Infallible>>;

/// Sends a request of each caller and reads its answer.
async fn ask<S>(mut service: Defense<S>, callers: &[Assessment], requests: usize)
where
    S: Service<
            Request<guilloche::layer::RequestBody<Full<Bytes>>>,
            Response = Response<Full<Bytes>>,
            Error = Infallible,
            Future = Answer,
        > + Clone,
{
    let body = Bytes::from_static(b"{\"model\":\"m\",\"messages\":[]}");
    for number in 0..requests {
        let request = Request::post("/v1/chat/completions")
            .extension(callers[number % callers.len()].clone())
            .body(Full::new(body.clone()))
            .unwrap();
        std::future::poll_fn(|context| service.poll_ready(context)).await.unwrap();
        let answer = service.call(request).await.unwrap();
        black_box(answer.into_body().collect().await.unwrap());
    }
}

fn resident() -> u64 {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = text.split(' ').nth(1).and_then(|it| it.parse::<u64>().ok());
    pages.unwrap_or(0) * 4096
}

pub(crate) fn study() {
    let repetitions = std::env::var("GUILLOCHE_REPETITIONS").ok();
    let requests = repetitions.and_then(|it| it.parse().ok()).unwrap_or(50_000);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let server = service_fn(|_| {
        std::future::ready(Ok::<_, Infallible>(Response::new(Full::new(Bytes::from_static(b"{}")))))
    });
    let bare = DefenseLayer::builder(policy("a")).secret([7; 32]).build().unwrap();
    let run = DefenseLayer::builder(policy("a"))
        .secret([7; 32])
        .experiments(experiments())
        .build()
        .unwrap();
    // Where few ask, what is known of them stays near the processor.
    for count in [1_000, 10_000] {
        let callers: Vec<_> = (0..count).map(caller).collect();
        let mut times = [Vec::new(), Vec::new()];
        for _ in 0..ROUNDS {
            for (layer, times) in [&bare, &run].into_iter().zip(&mut times) {
                let started = Instant::now();
                runtime.block_on(ask(layer.layer(server), &callers, requests));
                times.push(started.elapsed().as_secs_f64() / requests as f64 * 1e9);
            }
        }
        let [bare, run] = times.map(|times| times.into_iter().fold(f64::INFINITY, f64::min));
        println!(
            "A request to which nothing is done, through the layer alone, of {count} callers in turn: \
             {bare:.0} ns without an experiment, {run:.0} ns with one of two arms: {:+.0} ns (least of \
             {ROUNDS} rounds of {requests}).",
            run - bare
        );
    }

    let experiments = experiments();
    let layer = DefenseLayer::builder(policy("a"))
        .secret([7; 32])
        .experiments(Arc::clone(&experiments))
        .build()
        .unwrap();
    let before = resident();
    let mut known = 0;
    for part in 0..1_000 {
        let callers: Vec<_> = (part * 1_000..(part + 1) * 1_000).map(caller).collect();
        runtime.block_on(ask(layer.layer(server), &callers, callers.len()));
        known += callers.len();
    }
    let megabytes = |bytes: u64| bytes as f64 / 1e6;
    let held = resident() - before;
    println!("{known} units, all with sums that wait: {:.0} MB.", megabytes(held));
    let started = Instant::now();
    experiments.settle(jiff::Timestamp::now());
    println!("To settle: {:.0} ms.", started.elapsed().as_secs_f64() * 1e3);
}
