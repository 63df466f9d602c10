//! What is refused, how streams are paced, and how they fail.

use std::pin::pin;
use std::time::Duration;

use guilloche::teacher::{Settings, Teacher};
use http::{Request, StatusCode};
use http_body::Body;
use http_body_util::{BodyExt, Full};
use serde_json::{Value, json};
use tokio::time::Instant;
use tower::ServiceExt;

use crate::{CHAIN, bytes, chat, document, message, send};

#[tokio::test]
async fn wrong_requests_are_refused_in_the_vendors_shape() {
    let teacher = Teacher::new(Settings { request_limit: 2_000, ..Settings::default() });
    let cases = [
        (
            "/v1/chat/completions",
            json!({"messages": [{"role": "user", "content": "x"}]}),
            400,
            "model",
        ),
        (
            "/v1/chat/completions",
            json!({"model": "gpt-9", "messages": [{"role": "user", "content": "x"}]}),
            404,
            "gpt-9",
        ),
        ("/v1/chat/completions", json!({"model": "teacher-large"}), 400, "messages"),
        (
            "/v1/chat/completions",
            json!({"model": "teacher-large", "messages": []}),
            400,
            "messages",
        ),
        (
            "/v1/chat/completions",
            json!({"model": "teacher-large", "messages": [{"role": "robot", "content": "x"}]}),
            400,
            "Invalid value",
        ),
        (
            "/v1/chat/completions",
            json!({"model": "teacher-large", "n": 100, "messages": [{"role": "user", "content": "x"}]}),
            400,
            "'n'",
        ),
        ("/v1/chat/completions", chat("teacher-large", &"x".repeat(3_000)), 413, "size"),
        ("/v1/chat/completions", chat("teacher-error-429", "x"), 429, "Rate limit"),
        (
            "/v1/messages",
            json!({"model": "teacher-large", "messages": [{"role": "user", "content": "x"}]}),
            400,
            "max_tokens: Field required",
        ),
        (
            "/v1/messages",
            json!({"model": "teacher-large", "max_tokens": 9, "messages": [{"role": "system", "content": "x"}]}),
            400,
            "system",
        ),
        ("/v1/messages", message("gpt-9", "x"), 404, "gpt-9"),
        ("/v1/messages", message("teacher-error-529", "x"), 529, "Overloaded"),
        ("/v1/nothing", json!({}), 404, "URL"),
    ];
    for (path, body, status, says) in cases {
        let response = send(&teacher, path, &body).await;
        assert_eq!(response.status().as_u16(), status, "{path} {body}");
        let error: Value = serde_json::from_slice(&bytes(response).await).unwrap();
        assert!(error["error"]["message"].as_str().unwrap().contains(says), "{error}");
        assert_eq!(error["type"] == "error", path.starts_with("/v1/messages"));
    }
    let request =
        Request::post("/v1/chat/completions").body(Full::<bytes::Bytes>::from("{nope")).unwrap();
    assert_eq!(teacher.clone().oneshot(request).await.unwrap().status(), StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_required_key_is_required() {
    let teacher =
        Teacher::new(Settings { api_key: Some("sesame".to_owned()), ..Settings::default() });
    assert_eq!(
        send(&teacher, "/v1/messages", &message("teacher-large", "Hi")).await.status(),
        StatusCode::UNAUTHORIZED
    );
    for (name, value, status) in [
        ("authorization", "Bearer sesame", 200),
        ("x-api-key", "sesame", 200),
        ("x-api-key", "sesam", 401),
    ] {
        let request = Request::post("/v1/chat/completions")
            .header(name, value)
            .body(Full::<bytes::Bytes>::from(chat("teacher-large", "Hi").to_string()))
            .unwrap();
        assert_eq!(teacher.clone().oneshot(request).await.unwrap().status().as_u16(), status);
    }
    assert!(
        !format!("{:?}", Settings { api_key: Some("sesame".to_owned()), ..Settings::default() })
            .contains("sesame")
    );
}

#[tokio::test(start_paused = true)]
async fn a_stream_is_paced_and_ends_when_its_body_is_dropped() {
    let teacher = Teacher::new(Settings {
        tokens_per_second: Some(10.0),
        first_token_delay: Duration::from_secs(2),
        ..Settings::default()
    });
    let mut request = chat("teacher-large", CHAIN);
    request["stream"] = json!(true);
    let started = Instant::now();
    let mut body = send(&teacher, "/v1/chat/completions", &request).await.into_body();
    assert_eq!((teacher.open_streams(), teacher.in_flight()), (1, 1));
    body.frame().await.unwrap().unwrap();
    assert_eq!(started.elapsed(), Duration::from_secs(2));
    body.frame().await.unwrap().unwrap();
    assert!(started.elapsed() > Duration::from_secs(2));
    drop(body);
    assert_eq!(
        (teacher.open_streams(), teacher.in_flight(), teacher.cancelled(), teacher.served()),
        (0, 0, 1, 0)
    );

    let whole = document(&teacher, "/v1/chat/completions", &chat("teacher-large", CHAIN)).await;
    let tokens = whole["usage"]["completion_tokens"].as_f64().unwrap();
    let started = Instant::now();
    request["stream"] = json!(true);
    bytes(send(&teacher, "/v1/chat/completions", &request).await).await;
    let expected = 2.0 + tokens / 10.0;
    assert!(
        (started.elapsed().as_secs_f64() - expected).abs() < 1.0,
        "{:?} for {tokens} tokens",
        started.elapsed()
    );
    assert_eq!(teacher.served(), 2);
}

#[tokio::test(start_paused = true)]
async fn failures_are_acted_out_in_mid_stream() {
    let teacher = Teacher::default();
    for path in ["/v1/chat/completions", "/v1/messages"] {
        let mut request = message("teacher-error-midstream", CHAIN);
        request["stream"] = json!(true);
        let text = String::from_utf8(bytes(send(&teacher, path, &request).await).await).unwrap();
        assert!(
            text.contains("\"error\":{")
                && !text.contains("message_stop")
                && !text.contains("\"finish_reason\":\"stop\"")
        );

        request["model"] = json!("teacher-error-cut");
        for streamed in [true, false] {
            request["stream"] = json!(streamed);
            let body = send(&teacher, path, &request).await.into_body();
            assert!(body.collect().await.is_err());
        }

        request["model"] = json!("teacher-error-stall");
        request["stream"] = json!(true);
        let body = send(&teacher, path, &request).await.into_body();
        let mut reading = pin!(body.collect());
        assert!(tokio::time::timeout(Duration::from_secs(86_400), &mut reading).await.is_err());

        request["model"] = json!("teacher-error-gzip");
        let response = send(&teacher, path, &request).await;
        assert_eq!(response.headers()["content-encoding"], "gzip");
        assert_eq!(bytes(response).await[..3], [0x1f, 0x8b, 8]);
    }
    assert_eq!(teacher.open_streams(), 0);
}

#[tokio::test]
async fn a_whole_document_states_its_length() {
    let response =
        send(&Teacher::default(), "/v1/chat/completions", &chat("teacher-large", "Hi")).await;
    let exact = response.body().size_hint().exact().unwrap();
    assert_eq!(exact, bytes(response).await.len() as u64);
}

#[tokio::test]
async fn counting_tokens_agrees_with_usage() {
    let teacher = Teacher::default();
    let whole = document(&teacher, "/v1/messages", &message("teacher-large", CHAIN)).await;
    let counted =
        document(&teacher, "/v1/messages/count_tokens", &message("teacher-large", CHAIN)).await;
    assert_eq!(counted["input_tokens"], whole["usage"]["input_tokens"]);
}
