//! Upstreams that misbehave.

use std::sync::Arc;

use bytes::Bytes;
use http::Request;
use http_body_util::Full;

use crate::client::{Got, KEPT, ask, is_error_of};
use crate::generated;
use crate::manifest::{Caller, End, Manifest, Scene, counted, file};
use crate::upstream::Answer;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broken_answer_is_passed_untouched_or_ends_in_a_clear_error() {
    let mut scene = Scene::set().await;
    let mut wrong = Vec::new();
    for (name, case) in Manifest::read().answer {
        let answer: Answer = if case.generated {
            generated::answer(&name)
        } else {
            let bytes = file(&format!("answers/{name}.http"));
            Arc::new(move || Box::new(std::iter::once(bytes.clone())))
        };
        scene.upstream.answers(&name, answer);
        let usual = if case.messages { "/v1/messages" } else { "/v1/chat/completions" };
        let path = case.path.as_deref().unwrap_or(usual);
        // What the upstream would have told the client itself is the oracle.
        let direct = play(&scene, &name, &scene.upstream.address, path, None).await;
        let mut complaints = Vec::new();
        scene.upstream.settled().await;
        for caller in Caller::BOTH {
            let label = format!("answer.{name} ({caller:?})");
            let witness = scene.witness(&label).await;
            let got = play(&scene, &name, &scene.proxy.address, path, caller.risk()).await;
            witness.end(&label).await;
            let expected = if caller == Caller::Ordinary { case.ordinary } else { case.graded };
            let found = end(&got, &direct, path);
            if found != Some(expected) {
                let (status, text) = (got.status, got.text());
                complaints.push(format!("{label}: {found:?} {status:?}\n{text:.300}"));
            }
            if caller == Caller::Ordinary && found == Some(expected) && expected != End::Refused {
                assert_eq!(got.status, direct.status, "{label}");
                assert_eq!(got.complete, direct.complete, "{label}");
                if got.complete && (got.length, got.hash) != (direct.length, direct.hash) {
                    let (length, whole) = (got.length, direct.length);
                    complaints
                        .push(format!("{label}: {length} bytes instead of {whole}, or others"));
                } else {
                    // How much came before the break depends on who noticed it first.
                    let common = got.kept.len().min(direct.kept.len());
                    assert_eq!(got.kept[..common], direct.kept[..common], "{label}");
                }
            }
            if case.untouched && (got.length, got.hash) != (direct.length, direct.hash) {
                let (length, whole) = (got.length, direct.length);
                complaints.push(format!("{label}: {length} bytes instead of {whole}, or others"));
            }
            if caller == Caller::Graded && got.text().contains("hidden-thought") {
                complaints.push(format!("{label}: the reasoning is shown\n{:.600}", got.text()));
            }
            let answered = caller == Caller::Graded && expected == End::Complete;
            let short = direct.length < KEPT && direct.text().contains("visible-answer");
            if answered && short && !got.text().contains("visible-answer") {
                complaints.push(format!("{label}: the answer is lost\n{:.600}", got.text()));
            }
            scene.check(&label).await;
        }
        wrong.extend(counted(&name, case.open.as_deref(), complaints));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn end(got: &Got, direct: &Got, path: &str) -> Option<End> {
    let own = got.status.is_some_and(|status| status == 502) && got.status != direct.status;
    match (got.status, got.complete) {
        (Some(_), true) if own => is_error_of(path, &got.text()).then_some(End::Refused),
        (Some(_), true) => Some(End::Complete),
        (Some(_), false) => Some(End::Broken),
        // An error that came before the head had left: the client's library raises as well.
        (None, _) => direct.status.is_some().then_some(End::Broken),
    }
}

async fn play(scene: &Scene, case: &str, address: &str, path: &str, risk: Option<String>) -> Got {
    let mut request = Request::post(format!("http://{address}{path}")).header("x-case", case);
    if let Some(risk) = risk {
        request = request.header("guilloche-risk", risk);
    }
    let body = match path {
        "/v1/completions" => r#"{"model":"m","max_tokens":100,"stream":true,"prompt":"x"}"#,
        path if path.contains("/models/") => {
            r#"{"contents":[{"parts":[{"text":"x"}]}],"generationConfig":{"maxOutputTokens":100}}"#
        }
        "/api/generate" => r#"{"model":"m","prompt":"x"}"#,
        "/completion" | "/infill" => r#"{"model":"m","prompt":"x","n_predict":100,"stream":true}"#,
        "/" | "/generate" | "/generate_stream" => r#"{"model":"m","inputs":"x"}"#,
        path if path.starts_with("/model/") => {
            r#"{"messages":[{"role":"user","content":[{"text":"x"}]}]}"#
        }
        _ => r#"{"model":"m","max_tokens":100,"stream":true,"messages":[]}"#,
    };
    let body = Bytes::from_static(body.as_bytes());
    ask(&scene.client, request.body(Full::new(body)).unwrap()).await
}
