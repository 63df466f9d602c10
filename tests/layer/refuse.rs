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
        (Method::POST, "/v1/responses"),
        (Method::GET, "/v1/responses/resp_1"),
        (Method::POST, "/v1/chat%2Fcompletions"),
        (Method::POST, "/generate"),
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

        for (mode, top) in [("enforce", "unknown_routes = \"pass\""), ("observe", "")] {
            let world = World::new(policy_with(mode, top, WITHHOLD));
            let read = world.exchange(to(method.clone(), path, 0.9), json("{}")).await;
            assert_eq!(read.text(), "{}", "{method} {path}");
            assert!(world.records.only().applied.is_empty());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn routes_without_text_are_passed_to_everyone() {
    let world = World::new(policy(REFUSE));
    for (method, path) in [
        (Method::GET, "/v1/models"),
        (Method::GET, "/health"),
        (Method::POST, "/v1/embeddings"),
        (Method::POST, "/v1/messages/count_tokens"),
        (Method::OPTIONS, CHAT),
    ] {
        let mut request = to(method, path, 1.0);
        request.headers_mut().insert("guilloche-risk", "account=\"x\"".parse().unwrap());
        assert_eq!(world.exchange(request, json("{}")).await.text(), "{}");
        assert!(world.upstream.seen()[0].head.headers.is_empty());
    }
    assert!(world.records.all().is_empty());
}
