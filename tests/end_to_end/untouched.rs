//! Promise 1: a caller below the first grade gets the upstream's bytes.

use guilloche::teacher::Settings;

use crate::process::{Served, repository, risk};
use crate::scene::{Question, client, model};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn below_the_first_grade_every_answer_is_the_upstreams_byte_for_byte() {
    let (_, upstream) = model(Settings::default()).await;
    let policy = repository("policies/strict.toml").display().to_string();
    let more = [("RISK_TRUST", "peer"), ("POLICY_FILE", policy.as_str())];
    let proxy = Served::start(&upstream, &more).await;
    let low = risk("acct-1", 0.05);
    let callers: [&[(&str, &str)]; 2] = [&[], &[("guilloche-risk", &low)]];
    for http2 in [false, true] {
        let client = client(http2);
        for question in Question::all() {
            let direct = question.ask(&client, &upstream, &[]).await;
            for fields in callers {
                let got = question.ask(&client, &proxy.address, fields).await;
                assert_eq!(got.status, direct.status, "{question:?}");
                assert!(got.bytes() == direct.bytes(), "{question:?} {fields:?}");
                let kept = |headers: &http::HeaderMap| {
                    let mut headers = headers.clone();
                    headers.remove("date");
                    headers
                };
                assert_eq!(kept(&got.headers), kept(&direct.headers), "{question:?}");
            }
        }
    }
    // Errors of the upstream's are its own as well; to whoever reasoning is withheld from, they are
    // told in fixed words.
    let client = client(false);
    for name in ["teacher-error-429", "teacher-error-500", "teacher-error-529", "no-such-model"] {
        for (messages, score) in [(false, 0.05), (true, 0.05), (false, 0.3), (true, 0.3)] {
            let question = Question::new(messages, name, false);
            let direct = question.ask(&client, &upstream, &[]).await;
            let risk = risk("acct-1", score);
            let got = question.ask(&client, &proxy.address, &[("guilloche-risk", &risk)]).await;
            let told = |body: &[u8]| {
                let mut error: serde_json::Value = serde_json::from_slice(body).unwrap();
                error["error"]["message"].take().as_str().map(|_| error.to_string())
            };
            assert_eq!(got.status, direct.status, "{question:?}");
            assert_eq!(told(got.bytes()), told(direct.bytes()), "{question:?}");
            assert!(got.bytes() == direct.bytes() || score > 0.1, "{question:?}");
        }
    }
}
