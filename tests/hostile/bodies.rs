//! Request bodies that are not what they should be.

use bytes::Bytes;
use http::Request;
use http_body_util::Full;

use crate::client::{ask, is_error_of};
use crate::generated;
use crate::manifest::{Caller, Manifest, Scene, file};

/// The endpoints whose bodies say what they ask at the top.
const PATHS: [&str; 3] = ["/v1/chat/completions", "/v1/messages", "/v1/completions"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_that_cannot_be_read_is_passed_untouched_or_refused_clearly() {
    let mut scene = Scene::set().await;
    let mut wrong = Vec::new();
    for (name, case) in Manifest::read().body {
        let body =
            if case.generated { generated::body(&name) } else { file(&format!("bodies/{name}")) };
        for (caller, path) in
            Caller::BOTH.into_iter().flat_map(|caller| PATHS.map(|path| (caller, path)))
        {
            let label = format!("body.{name:?} ({caller:?}, {path})");
            let mut request = Request::post(format!("http://{}{path}", scene.proxy.address))
                .header("content-type", "application/json");
            if let Some(encoding) = &case.encoding {
                request = request.header("content-encoding", encoding);
            }
            if let Some(risk) = caller.risk() {
                request = request.header("guilloche-risk", risk);
            }
            let witness = scene.witness(&label).await;
            scene.upstream.take_seen();
            let got = ask(&scene.client, request.body(Full::new(body.clone())).unwrap()).await;
            witness.end(&label).await;
            let expected = if caller == Caller::Ordinary { case.ordinary } else { case.graded };
            let status = got.status.map_or(0, |status| status.as_u16());
            if status != expected {
                wrong.push(format!("{label}: {status} {}", got.text()));
                continue;
            }
            let seen = scene.upstream.take_seen();
            if status >= 400 {
                assert!(is_error_of(path, &got.text()), "{label}: {}", got.text());
                assert!(seen.is_empty(), "{label}: {seen:?}");
            } else {
                assert_eq!(seen.len(), 1, "{label}");
                let passed = Bytes::from(seen[0].body.clone());
                // Even a graded request keeps what it says, though some members may be taken out.
                if caller == Caller::Ordinary {
                    assert!(passed == body, "{label}");
                }
            }
            if caller == Caller::Graded {
                assert!(!got.text().contains("hidden-thought"), "{label}: {}", got.text());
            }
            scene.check(&label).await;
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
