//! Risk headers that a client has made up, kept, copied or bloated.

use bytes::Bytes;
use guilloche::risk::{Signer, SigningKey};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request};
use http_body_util::Full;
use jiff::{SignedDuration, Timestamp};

use crate::client::{ask, client};
use crate::process::{Directory, Served, claim, repository};
use crate::upstream::{PLAIN, Upstream};

const PATH: &str = "/v1/chat/completions";

fn key(byte: u8) -> SigningKey {
    SigningKey::new("2026-11", &[byte; 32]).unwrap()
}

/// The fields of a good header: score 1, which is refused wherever it is believed.
fn good(account: &str, path: &str, key: SigningKey, at: Timestamp) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let mut claim = claim(account, None, 1.0);
    claim.validity.issued = at;
    let signed = Signer::new(key).sign(&claim, &Method::POST, path, at).unwrap();
    signed.apply(&mut headers).unwrap();
    headers
}

fn changed(name: &'static str, change: impl Fn(&str) -> String) -> HeaderMap {
    let mut headers = good("acct-1", PATH, key(7), Timestamp::now());
    let value = change(headers[name].to_str().unwrap());
    headers.insert(HeaderName::from_static(name), HeaderValue::from_str(&value).unwrap());
    headers
}

fn now() -> Timestamp {
    Timestamp::now()
}

/// A way to spoof, and the reason under which it is counted.
fn spoofs() -> Vec<(&'static str, HeaderMap, &'static str)> {
    let mut unsigned = good("acct-1", PATH, key(7), now());
    unsigned.remove("signature");
    let mut other_case = HeaderMap::new();
    other_case.insert("x-guilloche-risk", HeaderValue::from_static("account=\"a\""));
    let hour = SignedDuration::from_hours(1);
    vec![
        ("none at all", HeaderMap::new(), "absent"),
        ("a name of its own", other_case, "absent"),
        ("no signature", unsigned, "unsigned"),
        ("another key", good("acct-1", PATH, key(8), now()), "bad_signature"),
        ("another path's", good("acct-1", "/v1/messages", key(7), now()), "bad_signature"),
        (
            "another account",
            changed("guilloche-risk", |it| it.replace("acct-1", "acct-2")),
            "bad_signature",
        ),
        (
            "another score",
            changed("guilloche-risk", |it| it.replace("score=1.0", "score=0.0")),
            "bad_signature",
        ),
        (
            "an unknown key",
            changed("signature-input", |it| it.replace("2026-11", "2020-01")),
            "unknown_key",
        ),
        (
            "another tag",
            changed("signature-input", |it| it.replace("tag=\"guilloche", "tag=\"other")),
            "untrusted",
        ),
        (
            "fewer components",
            changed("signature-input", |it| it.replace(" \"@path\"", "")),
            "untrusted",
        ),
        ("an hour old", good("acct-1", PATH, key(7), now() - hour), "expired"),
        ("an hour early", good("acct-1", PATH, key(7), now() + hour), "from_future"),
        (
            "a bloated one",
            changed("guilloche-risk", |it| format!("{it}, a=\"{}\"", "a".repeat(5000))),
            "too_large",
        ),
        ("no dictionary", changed("guilloche-risk", |_| "((((((".to_owned()), "bad_signature"),
        (
            "no signature-input",
            changed("signature-input", |_| "guilloche=((((".to_owned()),
            "malformed",
        ),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_risk_header_that_cannot_be_believed_is_unknown_counted_and_stripped() {
    let directory = Directory::new();
    let file = directory.write("risk.key", &"07".repeat(32));
    let keys = format!("[{{ id = \"2026-11\", file = \"{file}\" }}]");
    let policy = repository("policies/strict.toml").display().to_string();
    let upstream = Upstream::start().await;
    let more = [("RISK_TRUST", "signature"), ("RISK_KEYS", &keys), ("POLICY_FILE", &policy)];
    let proxy = Served::start(&upstream.address, &more).await;
    let client = client();
    let send = async |headers: HeaderMap| {
        let body = Bytes::from_static(br#"{"model":"m","messages":[]}"#);
        let mut request = Request::post(format!("http://{}{PATH}", proxy.address));
        request.headers_mut().unwrap().extend(headers);
        ask(&client, request.body(Full::new(body)).unwrap()).await
    };
    // The real one is believed, so that what follows is no accident.
    let refused = send(good("acct-1", PATH, key(7), now())).await;
    assert_eq!(refused.status.unwrap(), 403, "{}", refused.text());
    assert!(upstream.take_seen().is_empty());
    // And is not lost to what stands beside it, whoever wrote that.
    let mut twice = good("acct-1", PATH, key(7), now());
    let second = good("acct-2", PATH, key(8), now());
    for name in ["guilloche-risk", "signature-input", "signature"] {
        twice.append(name, second[name].clone());
    }
    assert_eq!(send(twice).await.status.unwrap(), 403);
    let mut copied = good("acct-1", PATH, key(7), now());
    copied.insert("authorization", HeaderValue::from_static("Bearer another-callers-key"));
    let told = send(copied).await;
    assert_eq!(told.status.unwrap(), 400, "{}", told.text());
    assert!(told.text().contains("credentials"), "{}", told.text());
    assert!(upstream.take_seen().is_empty());
    for (spoof, headers, reason) in spoofs() {
        let metric = format!("guilloche_risk_unknown_total{{reason=\"{reason}\"}}");
        let before = proxy.metric(&metric).await;
        let mut sent = headers;
        sent.insert("guilloche-decision", HeaderValue::from_static("gd_made_up"));
        let got = send(sent).await;
        assert_eq!(got.status.unwrap(), 200, "{spoof}");
        // Unknown is not punished.
        assert_eq!(got.text(), PLAIN, "{spoof}");
        assert_eq!(proxy.metric(&metric).await, before + 1.0, "{spoof}");
        let seen = upstream.take_seen();
        let ours = |name: &str| name.starts_with("guilloche") || name.starts_with("signature");
        let left = seen[0].fields.iter().find(|(name, _)| ours(name));
        assert_eq!(left, None, "{spoof}");
    }
    let messages = proxy.messages();
    assert!(!messages.contains("acct-1") && !messages.contains("another-callers-key"));
    // One warning for each reason and interval, not one for each request.
    let warnings = messages.lines().filter(|line| line.contains("bad_signature")).count();
    assert_eq!(warnings, 1, "{messages}");
}
