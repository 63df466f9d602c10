//! Servers that heed carriers, ignore them or refuse them, and what is found out of each.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Json;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::{Prober, Unproven};
use crate::countermeasure::watermark::{
    Carrier, CarrierSetting, Carriers, Entries, LogitBias, Proof, Sglang, VllmXargs,
};
use crate::mark::cell::MarkKey;
use crate::proxy::Config;
use crate::upstream::Upstream;

/// The tokens 7 and 8.
#[derive(Debug)]
struct Pair;

impl Entries for Pair {
    fn entries(&self, _: &MarkKey, delta: f64, _: usize) -> Vec<(u32, f64)> {
        vec![(7, delta), (8, -delta)]
    }
}

fn every_carrier() -> Vec<CarrierSetting> {
    vec![
        CarrierSetting::Sglang(Sglang::default()),
        CarrierSetting::Vllm,
        CarrierSetting::VllmXargs(VllmXargs::default()),
        CarrierSetting::LogitBias(LogitBias { pairs: Arc::new(Pair), entries: 300, delta: 1.0 }),
        CarrierSetting::Lexical,
    ]
}

/// What a server says to a chat request: its words, or that it refuses it.
type Server = fn(&Value) -> Result<String, StatusCode>;

/// A server whose API is below `prefix`, and whose metrics say `metrics`.
async fn serve(prefix: &'static str, metrics: &'static str, server: Server) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let answer = move |request: Request| async move {
        let path = request.uri().path().to_owned();
        let body = request.into_body().collect().await.unwrap().to_bytes();
        if path == "/metrics" {
            return metrics.into_response();
        }
        match path.strip_prefix(prefix) {
            Some("/models") => Json(json!({"data": [{"id": "the-model"}]})).into_response(),
            Some("/chat/completions") => {
                let body: Value = serde_json::from_slice(&body).unwrap();
                assert_eq!(body["model"], "the-model");
                assert!(body["max_tokens"].as_u64().unwrap() <= 16);
                match server(&body) {
                    Ok(words) => {
                        Json(json!({"choices": [{"message": {"content": words}}]})).into_response()
                    }
                    Err(status) => status.into_response(),
                }
            }
            _ => StatusCode::NOT_FOUND.into_response(),
        }
    };
    tokio::spawn(async move {
        axum::serve(listener, axum::Router::new().fallback(answer)).await.unwrap();
    });
    address
}

fn upstream(address: SocketAddr) -> Upstream {
    let text = format!("[upstream]\nurl = \"http://{address}\"\n");
    let config = Config::parse("test.toml", &text, &BTreeMap::new()).unwrap();
    Upstream::new(&config.upstream, 65_536).unwrap()
}

/// What is known of each carrier after one trial.
async fn tried(address: SocketAddr) -> [Proof; 5] {
    let carriers = Carriers::new(every_carrier());
    let mut prober = Prober::new(upstream(address), None, &carriers).unwrap();
    assert_eq!(carriers.proofs().get(Carrier::Sglang), Proof::Open);
    let _ = prober.open().await;
    Carrier::ALL.map(|carrier| carriers.proofs().get(carrier))
}

fn plain(_: &Value) -> Result<String, StatusCode> {
    Ok("I see a few words".to_owned())
}

// Break it: take silence for knowledge.
#[tokio::test]
async fn a_server_that_ignores_what_it_does_not_know_carries_nothing() {
    use Proof::{Assumed, Fails};
    let address = serve("/v1", "", plain).await;
    assert_eq!(tried(address).await, [Fails, Fails, Fails, Fails, Assumed]);
}

// Break it: take any refusal for knowledge.
#[tokio::test]
async fn a_server_that_refuses_what_it_does_not_know_carries_nothing() {
    use Proof::{Assumed, Fails};
    let address = serve("/v1", "", |body| {
        let known = ["model", "messages", "max_tokens", "temperature"];
        let strange = body.as_object().unwrap().keys().any(|name| !known.contains(&name.as_str()));
        if strange { Err(StatusCode::BAD_REQUEST) } else { plain(body) }
    })
    .await;
    assert_eq!(tried(address).await, [Fails, Fails, Fails, Fails, Assumed]);
}

// Break it: send the key elsewhere, or one that SGLang does not take.
#[tokio::test]
async fn sglang_is_known_by_the_keys_that_it_refuses() {
    let address = serve("/v1", "", |body| match body["watermark"]["key"].as_str() {
        // As `parse_watermark_key` of sglang 0.5.23.
        Some(key) if key.len() > 16 || key.bytes().any(|byte| !byte.is_ascii_hexdigit()) => {
            Err(StatusCode::BAD_REQUEST)
        }
        _ => plain(body),
    })
    .await;
    assert_eq!(tried(address).await[0], Proof::Works);
    // Started without --enable-watermark it refuses every key.
    let address = serve("/v1", "", |body| match body.get("watermark") {
        Some(_) => Err(StatusCode::BAD_REQUEST),
        None => plain(body),
    })
    .await;
    assert_eq!(tried(address).await[0], Proof::Fails);
}

// Break it: take the member for the mark; an engine without one has the member too.
#[tokio::test]
async fn vllm_is_known_by_the_type_of_its_switch_and_by_its_metrics() {
    let typed: Server = |body| match body.get("watermarking") {
        Some(Value::String(_)) => Err(StatusCode::BAD_REQUEST),
        _ => plain(body),
    };
    let metrics = "# TYPE vllm:watermark_requests counter\nvllm:watermark_requests_total 0.0\n";
    assert_eq!(tried(serve("/v1", metrics, typed).await).await[1], Proof::Works);
    assert_eq!(tried(serve("/v1", "vllm:other 1\n", typed).await).await[1], Proof::Fails);
    assert_eq!(tried(serve("/v1", metrics, plain).await).await[1], Proof::Fails);
}

// Break it: take a model that never says the same for one that is marked.
#[tokio::test]
async fn a_plugin_is_known_by_what_its_greatest_bias_changes() {
    let address = serve("/v1", "", |body| {
        let delta = body["vllm_xargs"]["delta"].as_f64().unwrap_or(0.0);
        Ok(if delta > 10.0 { "green words only" } else { "any words" }.to_owned())
    })
    .await;
    assert_eq!(tried(address).await[2], Proof::Works);
    let address = serve("/v1", "", |_| {
        use std::sync::atomic::{AtomicU32, Ordering};
        static SAID: AtomicU32 = AtomicU32::new(0);
        Ok(format!("answer {}", SAID.fetch_add(1, Ordering::Relaxed)))
    })
    .await;
    assert_eq!(tried(address).await[2], Proof::Open);
}

// Break it: bias both tokens at once, or ask at another path than the API's.
#[tokio::test]
async fn a_bias_is_known_by_the_one_token_that_is_said() {
    // The base URL of this one holds the version.
    let address = serve("", "", |body| {
        let words = ["use", "utilize"];
        let token = [7, 8].into_iter().position(|id| body["logit_bias"][id.to_string()] == 100);
        Ok(token.map_or_else(|| "as it likes".to_owned(), |token| [words[token]; 4].join(" ")))
    })
    .await;
    assert_eq!(tried(address).await[3], Proof::Works);
}

// Break it: give an upstream up that is only not there yet.
#[tokio::test]
async fn an_upstream_that_cannot_be_asked_is_asked_again() {
    use Proof::{Assumed, Open};
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    assert_eq!(tried(closed).await, [Open, Open, Open, Open, Assumed]);
    let unauthorized = serve("/v1", "", |_| Err(StatusCode::UNAUTHORIZED)).await;
    assert_eq!(tried(unauthorized).await, [Open, Open, Open, Open, Assumed]);
}

// Break it: start although the carrier is ignored.
#[tokio::test]
async fn what_is_required_and_does_not_work_is_an_error_that_says_why() {
    let order = vec![CarrierSetting::Sglang(Sglang::default()), CarrierSetting::Lexical];
    let prober = Prober::new(upstream(serve("/v1", "", plain).await), None, &Carriers::new(order));
    let error: Unproven = prober.unwrap().require().await.unwrap_err();
    assert_eq!(error.carrier, Carrier::Sglang);
    assert!(error.to_string().contains("does not read it"), "{error}");
}

#[tokio::test]
async fn where_only_words_are_changed_there_is_nothing_to_try() {
    let address = SocketAddr::from(([127, 0, 0, 1], 9));
    assert!(Prober::new(upstream(address), None, &Carriers::default()).is_none());
}

/// A server that answers nobody without its API key.
async fn guarded() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let answer = |request: Request| async move {
        let given = request.headers().get("authorization").map(|value| value.as_bytes().to_vec());
        if given.as_deref() != Some(b"Bearer sk-trial") {
            return StatusCode::UNAUTHORIZED.into_response();
        }
        Json(json!({"data": [], "choices": [{"message": {"content": "A few."}}]})).into_response()
    };
    tokio::spawn(async move {
        axum::serve(listener, axum::Router::new().fallback(answer)).await.unwrap();
    });
    address
}

// Break it: send no credential, or say of a server that wants one only that it fails.
#[tokio::test]
async fn a_server_that_wants_a_key_is_asked_with_one_or_the_operator_is_told() {
    let carriers = Carriers::new(every_carrier());
    let address = guarded().await;
    for (key, said) in [
        (None, "it wants an API key; name one in marks.probe_key_file"),
        (Some("Bearer sk-other"), "it does not take the API key of marks.probe_key_file"),
    ] {
        let key = key.map(|key| key.parse().unwrap());
        let mut prober = Prober::new(upstream(address), key, &carriers).unwrap();
        let (_, reason) = prober.open().await.unwrap();
        assert!(reason.contains(said) && !reason.contains("sk-"), "{reason}");
        assert_eq!(carriers.proofs().get(Carrier::Sglang), Proof::Open);
    }
    let key = Some("Bearer sk-trial".parse().unwrap());
    let mut prober = Prober::new(upstream(address), key, &carriers).unwrap();
    assert!(prober.open().await.is_none());
    assert_eq!(carriers.proofs().get(Carrier::Sglang), Proof::Fails);
}
