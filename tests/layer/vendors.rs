//! Protocols of one vendor's own, through the whole layer: what is asked of the upstream, what becomes of its
//! answer, and in whose words a request is refused.

use http::HeaderValue;

use super::support::*;

const PATHS: [&str; 5] = [
    COMPLETIONS,
    OLLAMA,
    "/api/generate",
    "/v1beta/models/m:generateContent",
    "/v1beta/models/m:streamGenerateContent?alt=sse",
];

fn asks(path: &str) -> &'static str {
    match path {
        COMPLETIONS => r#"{"model":"m","prompt":"q"}"#,
        OLLAMA => r#"{"model":"m","messages":[{"role":"user","content":"q"}]}"#,
        "/api/generate" => r#"{"model":"m","prompt":"q"}"#,
        _ => r#"{"contents":[{"parts":[{"text":"q"}]}]}"#,
    }
}

/// Fails when a path is in no table, or an error has another vendor's shape.
#[tokio::test(start_paused = true)]
async fn a_refusal_has_the_shape_of_its_protocol() {
    for path in PATHS {
        let world = World::new(policy("refuse = { message = \"Not for you.\" }"));
        let answer = world.call(request(suspicious(), path, Script::whole(asks(path)))).await;
        assert_eq!(answer.status(), 403, "{path}");
        let text = read(answer.into_body()).await.text();
        let front = match path {
            COMPLETIONS => r#"{"error":{"code":"request_refused","message":"Not for you. ("#,
            path if path.starts_with("/api/") => r#"{"error":"Not for you. (decision gd_"#,
            _ => r#"{"error":{"code":403,"message":"Not for you. (decision gd_"#,
        };
        assert!(text.starts_with(front), "{path}: {text}");
    }
}

/// Fails when a query, or a field of the head, still leaves out what flags a thought.
#[tokio::test(start_paused = true)]
async fn nothing_of_a_request_leaves_out_what_flags_a_thought() {
    let world = World::new(policy(WITHHOLD));
    let path = "/v1beta/models/m:generateContent";
    let asked = format!("{path}?$fields=candidates.content.parts.text&key=k");
    let mut asked = request(suspicious(), &asked, Script::whole(asks(path)));
    let mask = HeaderValue::from_static("candidates.content.parts.text");
    asked.headers_mut().insert("x-goog-fieldmask", mask);
    let answer = json(
        r#"{"candidates":[{"content":{"parts":[{"text":"secret","thought":true},{"text":"a"}],"role":"model"},"finishReason":"STOP"}]}"#,
    );
    let read = world.exchange(asked, answer).await;
    assert!(!read.text().contains("secret") && read.text().contains(r#"{"text":"a"}"#));
    let seen = world.upstream.seen().remove(0);
    assert_eq!(seen.head.uri, format!("{path}?key=k").as_str());
    assert!(!seen.head.headers.contains_key("x-goog-fieldmask"));
    assert_eq!(world.records.only().protocol, "gemini");
}

/// Fails when a stream that nobody asked for is read as a document.
#[tokio::test(start_paused = true)]
async fn lines_that_come_unasked_are_read_as_they_come() {
    let world = World::new(policy(WITHHOLD));
    let lines = [
        r#"{"model":"m","message":{"role":"assistant","content":"","thinking":"secret"},"done":false}"#,
        r#"{"model":"m","message":{"role":"assistant","content":"a"},"done":false}"#,
        r#"{"model":"m","message":{"role":"assistant","content":""},"done":true,"done_reason":"stop"}"#,
    ];
    let mut answer = stream(lines.map(|line| data(format!("{line}\n"))));
    let kind = HeaderValue::from_static("application/x-ndjson");
    answer.headers_mut().insert("content-type", kind);
    let asked = request(suspicious(), OLLAMA, Script::whole(asks(OLLAMA)));
    let read = world.exchange(asked, answer).await;
    assert_eq!(read.text(), format!("{}\n{}\n", lines[1], lines[2]));
    let record = world.records.only();
    assert!(record.protocol == "ollama" && record.stream);
}
