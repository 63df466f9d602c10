//! Promise 9: what only a detector may say.

use std::sync::Arc;
use std::time::Duration;

use guilloche::risk::{
    Assessment, Context, RiskClaim, RiskScore, SignedHeader, Signer, SigningKey, Validity,
};
use http::{HeaderMap, Request};

use super::support::*;

const THOUGHT: &str = r#"{"choices":[{"message":{"reasoning_content":"r","content":"4"}}]}"#;
const CLEAN: &str = r#"account="saint", score=0.0, issued=@1, ttl=1"#;

fn forged() -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in [
        ("guilloche-risk", CLEAN),
        ("guilloche-risk", CLEAN),
        ("guilloche-decision", "gd_0"),
        ("guilloche-decision-id", "gd_0"),
        ("signature-input", "theirs=(\"@method\");x=\"a, guilloche=b\" ,  guilloche=();alg=\"x\""),
        ("signature-input", "other=();p=\"\\\"\""),
        ("signature", "guilloche=:AA==:"),
        ("signature", "theirs=:AQ==:,guilloche=:AA==:"),
    ] {
        headers.append(name, value.parse().unwrap());
    }
    headers
}

/// What is left of [`forged`]: other parties' signatures, byte for byte.
fn left(headers: &HeaderMap) {
    let mut names: Vec<&str> = headers.keys().map(|name| name.as_str()).collect();
    names.retain(|name| !["accept-encoding", "content-length"].contains(name));
    names.sort_unstable();
    assert_eq!(names, ["signature", "signature-input"]);
    let lines = |name: &str| -> Vec<_> { headers.get_all(name).iter().cloned().collect() };
    assert_eq!(
        lines("signature-input"),
        ["theirs=(\"@method\");x=\"a, guilloche=b\"", "other=();p=\"\\\"\""]
    );
    assert_eq!(lines("signature"), ["theirs=:AQ==:"]);
}

/// Fails when `Defense::call` strips after it has decided to pass, or strips less.
#[tokio::test(start_paused = true)]
async fn forged_headers_neither_arrive_nor_change_the_decision_of_an_extension() {
    for (score, out) in [(0.9, THOUGHT.replace("\"r\"", "\"\"")), (0.1, THOUGHT.to_owned())] {
        let world = World::new(policy(WITHHOLD));
        let mut request = request(caller("alice", None, score), CHAT, Script::whole(ASKS));
        request.headers_mut().extend(forged());
        assert_eq!(world.exchange(request, json(THOUGHT)).await.text(), out);
        left(&world.upstream.seen()[0].head.headers);
    }
}

/// Nothing behind the layer sees a score. Fails when the extension is left in the request.
#[tokio::test(start_paused = true)]
async fn an_assessment_in_the_extensions_does_not_reach_the_inner_service() {
    let world = World::new(policy(WITHHOLD));
    for request in [chat(), request(caller("bob", None, 0.1), CHAT, Script::whole(ASKS))] {
        world.exchange(request, json(THOUGHT)).await;
        let seen = world.upstream.seen().remove(0);
        assert!(seen.head.extensions.get::<Assessment>().is_none());
    }
}

fn signed_world(key: &SigningKey) -> World {
    let source = SignedHeader::new(Context::new(Arc::default()).unwrap(), vec![key.clone()]);
    World::with(policy(WITHHOLD), |builder| builder.risk(source))
}

fn plain() -> Request<Script> {
    Request::post(CHAT).body(Script::whole(ASKS)).unwrap()
}

fn sign(request: &mut Request<Script>, key: &SigningKey, score: f64) {
    let now = jiff::Timestamp::now();
    let validity = Validity { issued: now, ttl: Duration::from_secs(300) };
    let principal = caller("alice", None, score).principal;
    let claim = RiskClaim::new(principal, RiskScore::new(score, validity).unwrap());
    let signer = Signer::new(key.clone());
    let fields = signer.sign(&claim, request.method(), request.uri().path(), now).unwrap();
    fields.apply(request.headers_mut()).unwrap();
}

/// Fails when the signature is not asked for.
#[tokio::test(start_paused = true)]
async fn only_the_detectors_signature_is_believed() {
    let key = SigningKey::new("2026", &[1; 32]).unwrap();
    let other = SigningKey::new("2026", &[2; 32]).unwrap();

    let world = signed_world(&key);
    let mut believed = plain();
    sign(&mut believed, &key, 0.9);
    assert_ne!(world.exchange(believed, json(THOUGHT)).await.text(), THOUGHT);
    assert!(world.upstream.seen()[0].head.headers.get("guilloche-risk").is_none());

    let world = signed_world(&key);
    let mut spoofed = plain();
    sign(&mut spoofed, &other, 0.9);
    // A request's own extension counts for nothing here.
    spoofed.extensions_mut().insert(suspicious());
    assert_eq!(world.exchange(spoofed, json(THOUGHT)).await.text(), THOUGHT);
    let mut unsigned = plain();
    unsigned.headers_mut().extend(forged());
    assert_eq!(world.exchange(unsigned, json(THOUGHT)).await.text(), THOUGHT);
    let seen = world.upstream.seen();
    assert!(seen[0].head.headers.keys().all(|name| !name.as_str().contains("signature")));
    left(&seen[1].head.headers);
    assert!(world.records.all().is_empty());
    let reports = format!("{:?}", world.layer.handle().reports());
    assert!(reports.contains('1'), "{reports}");
}
