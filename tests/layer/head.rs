//! Heads of messages: what changes with a body, and what does not.

use guilloche::audit::Outcome;
use http::{Response, StatusCode};
use http_body::Body;

use super::support::*;

const VALIDATORS: [(&str, &str); 7] = [
    ("etag", "\"e\""),
    ("accept-ranges", "bytes"),
    ("content-digest", "sha-256=:AA==:"),
    ("repr-digest", "sha-256=:AA==:"),
    ("digest", "sha-256=AA=="),
    ("content-md5", "AA=="),
    ("x-request-id", "r"),
];

const THOUGHT: &str = r#"{"choices":[{"message":{"reasoning_content":"2 and 2","content":"4"}}]}"#;

fn with_validators(mut response: Response<Script>) -> Response<Script> {
    for (name, value) in VALIDATORS {
        response.headers_mut().insert(name, value.parse().unwrap());
    }
    response
}

/// Fails when `head::rewrite_response` leaves one of them.
#[tokio::test(start_paused = true)]
async fn a_rewritten_body_loses_its_validators_and_digests_and_has_a_length_of_its_own() {
    let world = World::new(policy(WITHHOLD));
    let length = THOUGHT.replace("2 and 2", "").len() as u64;
    let document = (json(THOUGHT), Some(length));
    for (answer, length) in [document, (stream([data(thinks("a")), data(DONE)]), None)] {
        world.upstream.answer(with_validators(answer));
        let answer = world.call(chat()).await;
        let told = answer.headers().get("content-length").cloned();
        assert_eq!(told, length.map(http::HeaderValue::from));
        assert_eq!(answer.body().size_hint().exact(), None);
        let names = answer.headers().keys().map(|name| name.as_str());
        let names: Vec<_> = names.filter(|name| *name != "content-length").collect();
        assert_eq!(names, ["content-type", "x-request-id"]);
    }
}

/// What is only counted or slowed down keeps its bytes, and its head: a head that loses them would
/// tell a caller its grade. Fails when `Exchange::answer` rewrites every head whose body it reads.
#[tokio::test(start_paused = true)]
async fn a_document_that_is_only_counted_or_slowed_down_keeps_its_head() {
    for plan in [
        "pace = { tokens_per_second = 100 }",
        "rate = { account = { output_tokens = \"1000 per day\" } }",
    ] {
        let world = World::new(policy(plan));
        let request = request(suspicious(), CHAT, Script::whole(r#"{"model":"m"}"#));
        let sent = with_validators(json(THOUGHT));
        let headers = sent.headers().clone();
        world.upstream.answer(sent);
        let answer = world.call(request).await;
        assert_eq!(answer.headers(), &headers);
        assert_eq!(read(answer.into_body()).await.text(), THOUGHT);
    }
}

/// Fails when the head is rewritten before it is known whether the body is.
#[tokio::test(start_paused = true)]
async fn a_body_that_is_not_rewritten_keeps_them() {
    let world = World::new(policy("downgrade = { max_output_tokens = 9 }"));
    for _ in 0..2 {
        world.upstream.answer(with_validators(json(THOUGHT)));
        let answer = world.call(chat()).await;
        for (name, value) in VALIDATORS {
            assert_eq!(answer.headers()[name], value);
        }
        assert_eq!(answer.headers()["content-length"], THOUGHT.len().to_string());
        assert_eq!(answer.body().size_hint().exact(), Some(THOUGHT.len() as u64));
    }
}

/// Fails when `head::rewrite_request` is left out.
#[tokio::test(start_paused = true)]
async fn the_upstream_of_an_answer_that_is_read_is_asked_for_no_compression_and_no_upgrade() {
    for plan in [
        WITHHOLD,
        "pace = { tokens_per_second = 100 }",
        "rate = { account = { output_tokens = \"1000 per day\" } }",
    ] {
        let world = World::new(policy(plan));
        let mut request = chat();
        for (name, value) in [
            ("accept-encoding", "gzip, br"),
            ("upgrade", "websocket"),
            ("transfer-encoding", "chunked"),
            ("expect", "100-continue"),
            ("content-digest", "sha-256=:AA==:"),
        ] {
            request.headers_mut().insert(name, value.parse().unwrap());
        }
        world.exchange(request, json("{}")).await;
        let seen = world.upstream.seen().remove(0);
        let length = seen.frames.concat().len();
        let headers = &seen.head.headers;
        let names: Vec<_> = headers.keys().map(|name| name.as_str()).collect();
        assert_eq!(names, ["accept-encoding", "content-length"], "{plan}");
        assert_eq!(headers["accept-encoding"], "identity");
        assert_eq!(headers["content-length"], length.to_string());
        assert_eq!(seen.length.exact(), Some(length as u64));
    }
}

/// A chunked request whose answer is not read: one framing only, and no digest of another body.
#[tokio::test(start_paused = true)]
async fn a_request_that_was_read_has_one_length_and_no_stale_digest() {
    let world = World::new(policy("downgrade = { max_output_tokens = 9 }"));
    let mut request = chat();
    for (name, value) in [
        ("accept-encoding", "gzip, br"),
        ("transfer-encoding", "chunked"),
        ("expect", "100-continue"),
        ("upgrade", "websocket"),
        ("content-digest", "sha-256=:AA==:"),
    ] {
        request.headers_mut().insert(name, value.parse().unwrap());
    }
    world.exchange(request, json("{}")).await;
    let seen = world.upstream.seen().remove(0);
    let headers = &seen.head.headers;
    let names: Vec<_> = headers.keys().map(|name| name.as_str()).collect();
    assert_eq!(names, ["accept-encoding", "content-length"]);
    assert_eq!(headers["accept-encoding"], "gzip, br");
    assert_eq!(headers["content-length"], seen.frames.concat().len().to_string());
}

/// Fails when `head::readable` takes one of them for an answer.
#[tokio::test(start_paused = true)]
async fn what_carries_no_answer_is_passed() {
    // From whom nothing is withheld, errors are passed too.
    let plans = [(WITHHOLD, &[204, 304][..]), ("watermark = {}", &[204, 304, 400, 401, 429, 500])];
    for (plan, statuses) in plans {
        for status in statuses {
            let world = World::new(policy(plan));
            let body = if *status < 400 { "" } else { THOUGHT };
            let mut answer = with_validators(json(body));
            *answer.status_mut() = StatusCode::from_u16(*status).unwrap();
            let headers = answer.headers().clone();
            world.upstream.answer(answer);
            let answer = world.call(chat()).await;
            assert_eq!((answer.status().as_u16(), answer.headers()), (*status, &headers));
            assert_eq!(read(answer.into_body()).await.text(), body, "{status}");
            let record = world.records.only();
            assert_eq!((record.outcome, record.status), (Outcome::Complete, Some(*status)));
            assert!(record.applied.is_empty());
        }
    }
}

fn opaque_answers() -> Vec<Response<Script>> {
    let typed = |name: &str, value: &str| {
        let mut answer = json(THOUGHT);
        answer
            .headers_mut()
            .insert(http::HeaderName::from_bytes(name.as_bytes()).unwrap(), value.parse().unwrap());
        answer
    };
    let mut partial = json(THOUGHT);
    *partial.status_mut() = StatusCode::PARTIAL_CONTENT;
    let mut untyped = json(THOUGHT);
    untyped.headers_mut().remove("content-type");
    vec![
        partial,
        untyped,
        typed("content-range", "bytes 0-9/20"),
        typed("content-encoding", "gzip"),
        typed("content-encoding", "identity, br"),
        typed("content-type", "text/plain"),
        typed("content-type", "application/jsonx"),
        typed("content-type", "application/x-ndjson"),
        typed("content-type", ""),
    ]
}

/// Fails when `head::readable` does not know one of them, or `Exchange::answer` does not obey
/// `on_opaque`.
#[tokio::test(start_paused = true)]
async fn an_answer_that_cannot_be_read_is_refused_in_the_protocols_shape() {
    for (path, shape) in [
        (
            CHAT,
            r#"{"error":{"code":"bad_gateway","message":"the upstream's answer cannot be read (decision ID)","param":null,"type":"server_error"}}"#,
        ),
        (
            MESSAGES,
            r#"{"error":{"message":"the upstream's answer cannot be read (decision ID)","type":"api_error"},"type":"error"}"#,
        ),
    ] {
        for answer in opaque_answers() {
            let world = World::new(policy(WITHHOLD));
            let witness = world.upstream.answer(answer);
            let answer = world.call(request(suspicious(), path, Script::whole(ASKS))).await;
            assert_eq!(answer.status(), 502);
            assert_eq!(answer.headers()["content-type"], "application/json");
            let record = world.records.only();
            let shape = shape.replace("ID", &record.decision.0);
            assert_eq!(answer.headers()["content-length"], shape.len().to_string());
            assert_eq!(answer.headers()["guilloche-decision"], record.decision.0);
            assert!(witness.is_dropped());
            assert_eq!(read(answer.into_body()).await.text(), shape);
            assert_eq!((record.outcome, record.status), (Outcome::UpstreamError, Some(502)));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_cannot_be_read_is_passed_where_the_policy_says_so() {
    for answer in opaque_answers() {
        let headers = answer.headers().clone();
        let world = World::new(policy_with("enforce", "on_opaque = \"pass\"", WITHHOLD));
        world.upstream.answer(answer);
        let answer = world.call(chat()).await;
        assert_eq!(answer.headers(), &headers);
        assert_eq!(read(answer.into_body()).await.text(), THOUGHT);
        assert!(world.records.only().applied.is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn media_types_are_read_whatever_their_case_and_parameters() {
    let world = World::new(policy(WITHHOLD));
    for media_type in
        ["Application/JSON; charset=utf-8", "application/problem+json", " application/json "]
    {
        let mut answer = json(THOUGHT);
        answer.headers_mut().insert("content-type", media_type.parse().unwrap());
        answer.headers_mut().insert("content-encoding", "Identity".parse().unwrap());
        let read = world.exchange(chat(), answer).await;
        assert_eq!(read.text(), THOUGHT.replace("2 and 2", ""), "{media_type}");
    }
    let mut answer = stream([data(thinks("a") + &says("b"))]);
    let media_type = "text/Event-Stream;charset=utf-8".parse().unwrap();
    answer.headers_mut().insert("content-type", media_type);
    assert_eq!(world.exchange(chat(), answer).await.text(), says("b"));
}
