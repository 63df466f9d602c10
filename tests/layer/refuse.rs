//! Refusing outright, and the ways round that are refused to graded callers.

use guilloche::audit::{Counter, Outcome};
use guilloche::policy::Countermeasure;
use http::{Method, Request};

use super::support::*;

const REFUSE: &str = "refuse = { message = \"Not for you.\" }";

/// Fails when one of the three is another id.
#[tokio::test(start_paused = true)]
async fn a_refusal_names_its_decision_in_header_body_and_audit() {
    for (path, front, behind) in [
        (
            CHAT,
            r#"{"error":{"code":"request_refused","message":"Not for you. (decision "#,
            r#")","param":null,"type":"permission_error"}}"#,
        ),
        (
            MESSAGES,
            r#"{"error":{"message":"Not for you. (decision "#,
            r#")","type":"permission_error"},"type":"error"}"#,
        ),
    ] {
        let world = World::new(policy(REFUSE));
        // Not a byte of it is read.
        let body = Script::new([data(ASKS)]);
        let witness = body.witness();
        let answer = world.call(request(suspicious(), path, body)).await;
        assert_eq!(answer.status(), 403);
        assert_eq!(answer.headers()["x-should-retry"], "false");
        let id = answer.headers()["guilloche-decision"].to_str().unwrap().to_owned();
        assert!(id.starts_with("gd_"));
        // What the vendors' libraries show as the id of the request.
        let shown = if path == CHAT { "x-request-id" } else { "request-id" };
        assert_eq!(answer.headers()[shown], id);
        assert_eq!(read(answer.into_body()).await.text(), format!("{front}{id}{behind}"));
        assert_eq!(witness.given(), 0);
        assert!(world.upstream.seen().is_empty());
        let record = world.records.only();
        assert_eq!((record.decision.0, record.status), (id, Some(403)));
        assert_eq!(record.outcome, Outcome::Refused);
        assert_eq!(count(&record.applied, Countermeasure::Refuse, Counter::RequestsRefused), 1);
    }
}

fn to(method: Method, path: &str, score: f64) -> Request<Script> {
    let mut request = request(caller("alice", None, score), path, Script::whole("{}"));
    *request.method_mut() = method;
    request
}

/// Promise 8. Fails when `Policy::decide` or `Defense::call` lets one of them through.
#[tokio::test(start_paused = true)]
async fn unknown_routes_are_refused_to_graded_callers_only() {
    for (method, path) in [
        (Method::POST, "/v2/anything"),
        (Method::POST, "/v1/responses/compact"),
        (Method::GET, "/v1/chat/completions/chatcmpl-1"),
        (Method::POST, "/v1/chat%2Fcompletions"),
        (Method::POST, "/v2/models/m/generate"),
        (Method::GET, "/v1/realtime"),
        (Method::HEAD, CHAT),
        (Method::PUT, CHAT),
    ] {
        let world = World::new(policy(WITHHOLD));
        let answer = world.call(to(method.clone(), path, 0.9)).await;
        assert_eq!(answer.status(), 403, "{method} {path}");
        let record = world.records.only();
        assert_eq!(record.protocol, "unknown");
        assert_eq!(record.outcome, Outcome::Refused);
        world.exchange(to(method.clone(), path, 0.1), json("{}")).await;
        assert_eq!(world.upstream.seen().len(), 1, "{method} {path}");

        // What is known to lead round the policy is no unknown route.
        let known = path != "/v2/anything";
        for (mode, top) in [("enforce", "unknown_routes = \"pass\""), ("observe", "")] {
            let world = World::new(policy_with(mode, top, WITHHOLD));
            if known && mode == "enforce" {
                let answer = world.call(to(method.clone(), path, 0.9)).await;
                assert_eq!(answer.status(), 403, "{method} {path}");
                continue;
            }
            let read = world.exchange(to(method.clone(), path, 0.9), json("{}")).await;
            assert_eq!(read.text(), "{}", "{method} {path}");
            assert!(world.records.only().applied.is_empty());
        }
    }
}

/// Fails when the layer leaves it to the server to drop the body: over HTTP/2 some send it.
#[tokio::test(start_paused = true)]
async fn a_refusal_of_a_head_request_has_a_length_and_no_body() {
    let world = World::new(policy(REFUSE));
    let answer = world.call(asked_of_the_server(Method::HEAD, "/v1/responses", "")).await;
    assert_eq!(answer.status(), 403);
    assert_ne!(answer.headers()["content-length"], "0");
    assert!(http_body::Body::is_end_stream(answer.body()));
    assert_eq!(read(answer.into_body()).await.text(), "");
}

fn asked_of_the_server(method: Method, path: &str, body: &str) -> Request<Script> {
    let mut request = request(caller("alice", None, 1.0), path, Script::whole(body));
    request.headers_mut().insert("guilloche-risk", "account=\"x\"".parse().unwrap());
    *request.method_mut() = method;
    request
}

#[tokio::test(start_paused = true)]
async fn questions_about_the_server_are_passed_to_everyone() {
    let world = World::new(policy(REFUSE));
    for (method, path) in [
        (Method::GET, "/v1/models"),
        (Method::GET, "/api/v1/models"),
        (Method::GET, "/v1/models/org/name"),
        (Method::GET, "/v1/models/org%2Fname"),
        (Method::GET, "/health"),
        (Method::OPTIONS, CHAT),
    ] {
        let request = asked_of_the_server(method, path, "");
        assert_eq!(world.exchange(request, json("{}")).await.text(), "{}");
        assert!(world.upstream.seen()[0].head.headers.is_empty());
    }
    assert!(world.records.all().is_empty());
}

/// Fails when `route` takes any of them for what it would be without a body.
#[tokio::test(start_paused = true)]
async fn a_question_about_the_server_that_has_a_body_is_refused_and_recorded() {
    for (method, path) in [
        (Method::OPTIONS, CHAT),
        (Method::OPTIONS, "/v1/responses"),
        (Method::GET, "/v1/models"),
        (Method::GET, "/health"),
    ] {
        let world = World::new(policy(REFUSE));
        let whole = asked_of_the_server(method.clone(), path, ASKS);
        let mut announced = asked_of_the_server(method.clone(), path, "");
        announced.headers_mut().insert("transfer-encoding", "chunked".parse().unwrap());
        for request in [whole, announced] {
            assert_eq!(world.call(request).await.status(), 403, "{method} {path}");
        }
        assert_eq!(world.records.all().len(), 2);
        assert!(world.upstream.seen().is_empty());
    }
}

const NO_TEXT: [&str; 4] = [
    "/v1/embeddings",
    "/openai/deployments/e/embeddings",
    "/v1/moderations",
    "/anthropic/v1/messages/count_tokens",
];

/// Fails when `decide_without_text` leaves the grade's refusal out, or is not asked.
#[tokio::test(start_paused = true)]
async fn what_answers_without_text_is_refused_to_the_refused_and_recorded() {
    for path in NO_TEXT {
        let world = World::new(policy(REFUSE));
        let answer = world.call(asked_of_the_server(Method::POST, path, "{}")).await;
        assert_eq!(answer.status(), 403, "{path}");
        assert_eq!(world.records.only().outcome, Outcome::Refused);

        let pass = "no_text_routes = \"pass\"";
        for world in [
            World::new(policy_with("enforce", pass, REFUSE)),
            World::new(policy_with("observe", "", REFUSE)),
        ] {
            let read =
                world.exchange(asked_of_the_server(Method::POST, path, "{}"), json("{}")).await;
            assert_eq!(read.text(), "{}", "{path}");
        }
    }
}

/// Fails when the limits are asked for text only, or the answer of such a path is edited.
#[tokio::test(start_paused = true)]
async fn what_answers_without_text_counts_against_the_rate_and_keeps_its_answer() {
    let world = World::new(policy(&format!(
        "{WITHHOLD}\nrate = {{ account = {{ requests = \"2 per hour\", input_tokens = \"99 per hour\" }} }}"
    )));
    let answer = r#"{"choices":[{"message":{"reasoning_content":"r"}}]}"#;
    for _ in 0..2 {
        let request = asked_of_the_server(Method::POST, NO_TEXT[0], "{\"input\": \"abcd\"}");
        assert_eq!(world.exchange(request, json(answer)).await.text(), answer);
        assert_eq!(world.upstream.seen()[0].text(), "{\"input\": \"abcd\"}");
    }
    let denied = world.call(asked_of_the_server(Method::POST, NO_TEXT[1], "{}")).await;
    assert_eq!(denied.status(), 429);
    let records = world.records.all();
    let tokens = count(&records[0].applied, Countermeasure::Rate, Counter::TokensIn);
    assert_eq!((records.len(), tokens), (3, 5));
}
