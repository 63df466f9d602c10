//! Endpoints that are busy, broken, hostile or hang.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use guilloche::ask::{AskError, Ended, Failure};
use http::header::{AUTHORIZATION, LOCATION, RETRY_AFTER};
use http_body_util::BodyExt;
use serde_json::Value;

use crate::support::{Directory, completion, endpoint, questions, response, run, settings};

fn counter() -> (Arc<AtomicU64>, Arc<AtomicU64>) {
    let counter = Arc::new(AtomicU64::new(0));
    (Arc::clone(&counter), counter)
}

#[tokio::test]
async fn a_busy_endpoint_is_asked_again_and_costs_nothing_meanwhile() {
    let directory = Directory::new("busy");
    let (served, counted) = counter();
    let address = endpoint(move |_| {
        let number = counted.fetch_add(1, Ordering::Relaxed);
        async move {
            match number % 3 {
                0 => {
                    let mut busy = response(429, "slow down");
                    busy.headers_mut().insert(RETRY_AFTER, http::HeaderValue::from_static("0"));
                    busy
                }
                1 => response(503, "overloaded"),
                _ => completion("answer", 10),
            }
        }
    })
    .await;
    let mut settings = settings(address, &directory);
    settings.concurrency = 1;
    let report = run(&settings, questions(4)).await.unwrap();
    assert_eq!((report.ended, report.answered, report.requests), (Ended::Done, 4, 12));
    assert_eq!(served.load(Ordering::Relaxed), 12);
    assert_eq!(report.spent.total(), 4 * 20);
}

#[tokio::test]
async fn a_prompt_is_given_up_after_its_attempts_and_asked_again_by_another_run() {
    let directory = Directory::new("given_up");
    let (served, counted) = counter();
    let address = endpoint(move |_| {
        let number = counted.fetch_add(1, Ordering::Relaxed);
        async move { if number < 3 { response(429, "") } else { completion("answer", 10) } }
    })
    .await;
    let mut settings = settings(address, &directory);
    settings.concurrency = 1;
    let report = run(&settings, questions(2)).await.unwrap();
    assert_eq!((report.answered, report.given_up["status 429"]), (1, 1));
    let again = run(&settings, questions(2)).await.unwrap();
    assert_eq!((again.answered_before, again.answered), (1, 1));
    assert_eq!(served.load(Ordering::Relaxed), 5);
}

#[tokio::test]
async fn garbage_is_given_up_and_counted_as_paid_for() {
    let directory = Directory::new("garbage");
    let (_, counted) = counter();
    let address = endpoint(move |_| {
        let number = counted.fetch_add(1, Ordering::Relaxed);
        async move {
            match number {
                0 => response(200, "<html>hello</html>"),
                1 => response(200, r#"{"choices": []}"#),
                2 => response(200, "x".repeat(9 << 20)),
                3 => response(200, r#"{"choices": [{"message": {"content": 7}}]}"#),
                4 => response(200, [0xff, 0xfe, 0].repeat(100)),
                _ => completion("answer", 10),
            }
        }
    })
    .await;
    let mut settings = settings(address, &directory);
    settings.concurrency = 1;
    let report = run(&settings, questions(6)).await.unwrap();
    assert_eq!((report.answered, report.requests), (1, 6));
    let garbage =
        |what: &str| report.given_up[&format!("the answer is no chat completion: {what}")];
    assert_eq!((garbage("not its JSON"), garbage("no choice"), garbage("too large")), (3, 1, 1));
    assert_eq!(report.spent.output, 5 * 500 + 10);
    assert_eq!(directory.lines().len(), 1);
}

#[tokio::test]
async fn an_endpoint_that_hangs_is_left_in_time_and_counted_as_paid_for() {
    let directory = Directory::new("hangs");
    let (_, counted) = counter();
    let address = endpoint(move |_| {
        let number = counted.fetch_add(1, Ordering::Relaxed);
        async move {
            if number == 0 {
                std::future::pending::<()>().await;
            }
            completion("answer", 10)
        }
    })
    .await;
    let mut settings = settings(address, &directory);
    (settings.concurrency, settings.timeout) = (1, Duration::from_millis(300));
    let report = run(&settings, questions(1)).await.unwrap();
    assert_eq!((report.answered, report.requests), (1, 2));
    assert_eq!(report.spent.output, 500 + 10);
}

#[tokio::test]
async fn a_refusal_ends_the_run_and_the_key_is_sent_and_never_shown() {
    let directory = Directory::new("refused");
    let address = endpoint(|request| async move {
        let key = request.headers()[AUTHORIZATION].to_str().unwrap().to_owned();
        assert_eq!(key, "Bearer sk-secret");
        response(401, r#"{"error": {"message": "this key has expired"}}"#)
    })
    .await;
    let mut settings = settings(address, &directory);
    settings.api_key = Some("sk-secret".to_owned().into());
    assert!(!format!("{settings:?}").contains("secret"));
    let error = run(&settings, questions(50)).await.unwrap_err();
    assert_eq!(error.to_string(), "the endpoint refuses: status 401: this key has expired");
}

#[tokio::test]
async fn a_redirection_is_not_followed() {
    let directory = Directory::new("redirected");
    let (served, counted) = counter();
    let elsewhere = endpoint(move |_| {
        counted.fetch_add(1, Ordering::Relaxed);
        async { completion("answer", 1) }
    })
    .await;
    let address = endpoint(move |_| async move {
        let mut moved = response(307, "");
        let there = format!("http://{elsewhere}/v1/chat/completions");
        moved.headers_mut().insert(LOCATION, there.parse().unwrap());
        moved
    })
    .await;
    let error = run(&settings(address, &directory), questions(1)).await.unwrap_err();
    assert!(matches!(error, AskError::Refused(Failure::Status { status: 307, .. })), "{error}");
    assert_eq!(served.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn an_endpoint_that_answers_nothing_is_not_asked_everything() {
    let directory = Directory::new("hopeless");
    let (served, counted) = counter();
    let address = endpoint(move |_| {
        counted.fetch_add(1, Ordering::Relaxed);
        async { response(400, r#"{"message": "max_tokens is not supported"}"#) }
    })
    .await;
    let error = run(&settings(address, &directory), questions(500)).await.unwrap_err();
    let said = error.to_string();
    assert!(said.ends_with("status 400: max_tokens is not supported"), "{said}");
    assert!(served.load(Ordering::Relaxed) <= 10);
}

#[tokio::test]
async fn nobody_at_the_address_is_an_error_that_says_so() {
    let directory = Directory::new("nobody");
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let error = run(&settings(address, &directory), questions(20)).await.unwrap_err();
    assert!(error.to_string().contains("the upstream cannot be reached"), "{error}");
    let mut settings = settings(address, &directory);
    settings.url = "http://me:secret@a.example/v1".parse().unwrap();
    let error = run(&settings, questions(1)).await.unwrap_err().to_string();
    assert!(error.starts_with("http://") && !error.contains("secret"), "{error}");
}

#[tokio::test]
async fn the_request_says_what_was_set() {
    let directory = Directory::new("request");
    let address = endpoint(|request| async move {
        assert_eq!(request.uri().path(), "/v1/chat/completions");
        let body = request.into_body().collect().await.unwrap().to_bytes();
        let body: Value = serde_json::from_slice(&body).unwrap();
        completion(&body.to_string(), 10)
    })
    .await;
    run(&settings(address, &directory), questions(1)).await.unwrap();
    let sent: Value =
        serde_json::from_str(directory.lines()[0]["answer"].as_str().unwrap()).unwrap();
    assert_eq!(sent["model"], "teacher-large");
    assert_eq!(sent["temperature"], 1.0);
    assert_eq!(sent["max_tokens"], 500);
    assert_eq!(sent["messages"][0]["role"], "user");
}
