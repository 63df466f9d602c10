//! Requests that are answered by the layer because they cannot be read.

use guilloche::audit::Outcome;
use guilloche::layer::Caps;

use super::support::*;

fn shape(path: &str, kind: &str, code: &str, message: &str) -> String {
    if path == CHAT {
        format!(
            r#"{{"error":{{"code":"{code}","message":"{message} (decision ID)","param":null,"type":"invalid_request_error"}}}}"#
        )
    } else {
        format!(
            r#"{{"error":{{"message":"{message} (decision ID)","type":"{kind}"}},"type":"error"}}"#
        )
    }
}

async fn refused(world: &World, request: http::Request<Script>, status: u16, shape: &str) {
    let witness = request.body().witness();
    let answer = world.call(request).await;
    assert_eq!(answer.status(), status);
    assert!(witness.is_dropped());
    let decision = answer.headers()["guilloche-decision"].to_str().unwrap().to_owned();
    assert!(!answer.headers().contains_key("x-should-retry"));
    assert_eq!(read(answer.into_body()).await.text(), shape.replace("ID", &decision));
    assert!(world.upstream.seen().is_empty());
    let record = world.records.all().pop().unwrap();
    assert_eq!((record.outcome, record.status), (Outcome::Refused, Some(status)));
    assert_eq!(record.decision.0, decision);
    assert!(record.applied.is_empty(), "{:?}", record.applied);
}

// Break it: read every body as UTF-8, whatever its server makes of it.
#[tokio::test(start_paused = true)]
async fn a_body_in_another_charset_is_refused_with_415_and_passes_below_the_first_grade() {
    let types = [
        &["application/json; charset=utf-7"][..],
        &["application/json;Charset=\"UTF-16\""],
        &["application/json", "application/json; charset=utf-32"],
    ];
    for path in [CHAT, MESSAGES] {
        for types in types {
            let world = World::new(policy(WITHHOLD));
            let asks = |caller| {
                let mut request = request(caller, path, Script::whole(ASKS));
                for it in types {
                    request.headers_mut().append("content-type", it.parse().unwrap());
                }
                request
            };
            let message = "request bodies are accepted in UTF-8 only, with one content type";
            let shape = shape(path, "invalid_request_error", "unsupported_encoding", message);
            refused(&world, asks(suspicious()), 415, &shape).await;
            let passed = world.exchange(asks(caller("a", None, 0.1)), json("{}")).await;
            assert_eq!(passed.text(), "{}");
        }
        let world = World::new(policy(WITHHOLD));
        let mut request = request(suspicious(), path, Script::whole(ASKS));
        let plain = "application/json; charset=UTF-8".parse().unwrap();
        request.headers_mut().insert("content-type", plain);
        world.exchange(request, json("{}")).await;
        assert!(!world.upstream.seen().is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn a_compressed_request_is_refused_with_415() {
    let world = World::new(policy(WITHHOLD));
    for path in [CHAT, MESSAGES] {
        for encoding in ["gzip", "identity, gzip", "zstd"] {
            let mut request = request(suspicious(), path, Script::whole(ASKS));
            request.headers_mut().insert("content-encoding", encoding.parse().unwrap());
            let message = "compressed request bodies are not accepted";
            let shape = shape(path, "invalid_request_error", "unsupported_encoding", message);
            refused(&world, request, 415, &shape).await;
        }
    }
    let mut request = chat();
    request.headers_mut().insert("content-encoding", "identity".parse().unwrap());
    world.exchange(request, json("{}")).await;
    assert_eq!(world.upstream.seen().len(), 1);
}

/// Fails when `collect` counts frames only, or `refuse_by_head` does not look at the length.
#[tokio::test(start_paused = true)]
async fn a_request_over_the_cap_is_refused_with_413_by_its_length_and_by_counting() {
    let caps = Caps { request_body: ASKS.len(), ..Caps::default() };
    let world = World::with(policy(WITHHOLD), |builder| builder.caps(caps));
    for path in [CHAT, MESSAGES] {
        let shape =
            shape(path, "request_too_large", "request_too_large", "The request body is too large.");
        let counted = Script::new([data(ASKS), data(" "), Step::Hang]);
        refused(&world, request(suspicious(), path, counted), 413, &shape).await;

        let mut stated = request(suspicious(), path, Script::new([Step::Hang]));
        let length = (ASKS.len() + 1).to_string();
        stated.headers_mut().insert("content-length", length.parse().unwrap());
        refused(&world, stated, 413, &shape).await;
    }
    // The cap itself is not over it.
    let just = request(suspicious(), CHAT, Script::new([data(""), data(ASKS), data("")]));
    world.exchange(just, json("{}")).await;
    assert_eq!(world.upstream.seen()[0].text(), ASKS);
}

#[tokio::test(start_paused = true)]
async fn a_request_that_is_not_json_is_refused_with_400() {
    let world = World::new(policy(WITHHOLD));
    for path in [CHAT, MESSAGES] {
        for body in ["", "{\"model\":\"secret", "[]", "{} {}", "\"secret\""] {
            let answer = world.call(request(suspicious(), path, Script::whole(body))).await;
            assert_eq!(answer.status(), 400, "{body}");
            let text = read(answer.into_body()).await.text();
            assert!(text.contains("invalid_request_error") && !text.contains("secret"), "{text}");
        }
        let broken = request(suspicious(), path, Script::new([data("{"), Step::Fail]));
        let shape = shape(
            path,
            "invalid_request_error",
            "invalid_body",
            "the request body could not be read",
        );
        refused(&world, broken, 400, &shape).await;
    }
}

/// Servers disagree on which of them counts. Fails when `RequestEdits::apply` leaves out
/// `ambiguous`.
#[tokio::test(start_paused = true)]
async fn a_request_that_names_a_governed_member_twice_is_refused_with_400() {
    let world = World::new(policy(
        "reasoning = { keep = \"none\" }\n\
         rate = { account = { input_tokens = \"1000 per day\", requests = \"1000 per day\" } }",
    ));
    for path in [CHAT, MESSAGES] {
        for body in [
            r#"{"model":"m","model":"n"}"#,
            r#"{"model":"m","MODEL":"n"}"#,
            r#"{"Model":"m"}"#,
            r#"{"model":"m","mod\u0065l":"n"}"#,
        ] {
            let message = "the request names `model` more than once";
            let shape = shape(path, "invalid_request_error", "invalid_body", message);
            let body = Script::whole(body);
            let answer = world.call(request(suspicious(), path, body)).await;
            assert_eq!(answer.status(), 400);
            let decision = answer.headers()["guilloche-decision"].to_str().unwrap().to_owned();
            assert_eq!(read(answer.into_body()).await.text(), shape.replace("ID", &decision));
        }
    }
    assert!(world.upstream.seen().is_empty());
}
