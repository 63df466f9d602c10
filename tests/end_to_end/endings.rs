//! Promises 5 and 6: who leaves, and what the others see of it.

use http_body_util::BodyExt;

use crate::process::{Directory, Served, repository, risk, soon};
use crate::scene::{Question, client, records, slow_model};

/// The risk of one who is untouched, and of one whose reasoning is withheld.
const SCORES: [f64; 2] = [0.0, 0.3];

async fn proxy(upstream: &str, more: &[(&str, &str)]) -> Served {
    let policy = repository("policies/strict.toml").display().to_string();
    let mut all = vec![("RISK_TRUST", "peer"), ("POLICY_FILE", policy.as_str())];
    all.extend_from_slice(more);
    Served::start(upstream, &all).await
}

async fn until(condition: impl Fn() -> bool) {
    soon(async {
        while !condition() {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

/// An answer of the slow model's that has begun, over each version of HTTP and for each caller.
async fn begun(proxy: &Served, http2: bool, score: f64, messages: bool) -> hyper::body::Incoming {
    let question = Question::new(messages, "teacher-large", true);
    let risk = risk("acct-1", score);
    let client = client(http2);
    let response = question.send(&client, &proxy.address, &[("guilloche-risk", &risk)]).await;
    assert_eq!(response.status(), 200);
    let mut body = response.into_body();
    soon(body.frame()).await.unwrap().unwrap();
    body
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_leaves_ends_the_work_of_the_model() {
    for upstream_http2 in ["false", "true"] {
        let (teacher, upstream) = slow_model().await;
        let proxy = proxy(&upstream, &[("UPSTREAM_HTTP2", upstream_http2)]).await;
        let mut left = 0;
        for http2 in [false, true] {
            for score in SCORES {
                let body = begun(&proxy, http2, score, false).await;
                assert_eq!(teacher.open_streams(), 1);
                drop(body);
                left += 1;
                until(|| teacher.open_streams() == 0).await;
                assert_eq!((teacher.cancelled(), teacher.served()), (left, 0), "{http2} {score}");
            }
        }
        let ended = "guilloche_stream_ends_total{outcome=\"cancelled\"}";
        soon(async { while proxy.metric(ended).await < 4.0 {} }).await;
        assert_eq!(proxy.metric("guilloche_in_flight").await, 0.0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_model_that_breaks_off_is_an_error_and_never_a_short_success() {
    // One that takes its time: what it says before it breaks off is on its way by then.
    let (_, upstream) = slow_model().await;
    let proxy = proxy(&upstream, &[]).await;
    let mut asked = Vec::new();
    for http2 in [false, true] {
        let client = client(http2);
        for score in SCORES {
            for (messages, stream) in [(false, false), (false, true), (true, false), (true, true)] {
                let question = Question::new(messages, "teacher-error-cut", stream);
                let label = format!("{http2} {score} {question:?}");
                let request =
                    http::Request::post(format!("http://{}{}", proxy.address, question.path()))
                        .header("guilloche-risk", risk("acct-1", score))
                        .body(http_body_util::Full::from(question.body().to_string()))
                        .unwrap();
                let client = client.clone();
                asked.push(tokio::spawn(async move {
                    // An answer that breaks before its head has left may be a 502, or no answer.
                    let Ok(response) = soon(client.request(request)).await else { return 0.0 };
                    let status = response.status();
                    let body = soon(response.into_body().collect()).await;
                    assert!(body.is_err() || status == 502, "{label}: {status} {body:?}");
                    if body.is_err() { 1.0 } else { 0.0 }
                }));
            }
        }
    }
    let mut broken = 0.0;
    for answer in asked {
        broken += answer.await.unwrap();
    }
    let ended = "guilloche_stream_ends_total{outcome=\"upstream_error\"}";
    soon(async { while proxy.metric(ended).await < broken {} }).await;
    // The streams of Chat Completions, at least, had begun: the first events of Messages take no
    // time.
    assert!(broken >= 4.0, "{broken}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_proxy_that_is_killed_leaves_errors_and_no_short_answers() {
    let (teacher, upstream) = slow_model().await;
    let proxy = proxy(&upstream, &[]).await;
    let mut bodies = Vec::new();
    for http2 in [false, true] {
        for score in SCORES {
            bodies.push((format!("{http2} {score}"), begun(&proxy, http2, score, true).await));
        }
    }
    proxy.signal("KILL").await;
    for (label, body) in bodies {
        let rest = soon(body.collect()).await;
        assert!(rest.is_err(), "{label}: {rest:?}");
    }
    assert!(!proxy.ended().await.0.success());
    until(|| teacher.open_streams() == 0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_proxy_that_is_told_to_stop_lets_streams_come_to_their_end() {
    let (teacher, upstream) = slow_model().await;
    let directory = Directory::new();
    let audit = directory.path("audit.jsonl").display().to_string();
    let more = [("AUDIT_FILE", audit.as_str()), ("SECRET_KEY", &"7".repeat(64))];
    let proxy = proxy(&upstream, &more).await;
    let mut bodies = Vec::new();
    for http2 in [false, true] {
        for score in SCORES {
            bodies.push((format!("{http2} {score}"), begun(&proxy, http2, score, true).await));
        }
    }
    proxy.signal("TERM").await;
    for (label, body) in bodies {
        let rest = soon(body.collect()).await.expect(&label).to_bytes();
        assert!(rest.ends_with(b"\"message_stop\"}\n\n"), "{label}: {rest:?}");
    }
    let (status, messages) = proxy.ended().await;
    assert!(status.success(), "{messages}");
    assert_eq!(teacher.served(), 4);
    // The last records are written before it goes.
    assert_eq!(records(&audit).len(), 2);
}
