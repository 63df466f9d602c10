//! Protocols of one vendor's own, through the whole layer: what is asked of the upstream, what becomes of its
//! answer, and in whose words a request is refused.

use guilloche::wire::framing::{Framing, Unframed};
use http::{HeaderValue, Response};

use super::support::*;

const PATHS: [&str; 13] = [
    COMPLETIONS,
    OLLAMA,
    "/api/generate",
    "/v1beta/models/m:generateContent",
    "/v1beta/models/m:streamGenerateContent?alt=sse",
    CONVERSE,
    "/model/m/converse-stream",
    COHERE,
    LLAMA_CPP,
    "/infill",
    TGI,
    "/generate_stream",
    "/model/m/invoke",
];

fn asks(path: &str) -> &'static str {
    match path {
        COMPLETIONS => r#"{"model":"m","prompt":"q"}"#,
        OLLAMA | COHERE => r#"{"model":"m","messages":[{"role":"user","content":"q"}]}"#,
        "/api/generate" => r#"{"model":"m","prompt":"q"}"#,
        path if path.starts_with("/model/") => {
            r#"{"messages":[{"role":"user","content":[{"text":"q"}]}]}"#
        }
        LLAMA_CPP | "/infill" => r#"{"prompt":"q"}"#,
        TGI | "/generate_stream" => r#"{"inputs":"q"}"#,
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
        let named = answer.headers().get("x-amzn-errortype").cloned();
        let amazon = path.starts_with("/model/");
        assert_eq!(named.is_some_and(|it| it == "AccessDeniedException"), amazon, "{path}");
        let text = read(answer.into_body()).await.text();
        let front = match path {
            COMPLETIONS => r#"{"error":{"code":"request_refused","message":"Not for you. ("#,
            COHERE => r#"{"message":"Not for you. (decision gd_"#,
            _ if amazon => r#"{"message":"Not for you. (decision gd_"#,
            path if path.starts_with("/api/") || path.starts_with(TGI) => {
                r#"{"error":"Not for you. (decision gd_"#
            }
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

fn message(kind: &'static str, payload: &str, is_error: bool) -> Vec<u8> {
    let payload = payload.as_bytes().to_vec();
    Framing::AwsEventStream.frame(&Unframed { kind: Some(kind), payload, is_error })
}

fn event_stream(steps: impl IntoIterator<Item = Step>) -> Response<Script> {
    let mut answer = stream(steps);
    let kind = HeaderValue::from_static("application/vnd.amazon.eventstream");
    answer.headers_mut().insert("content-type", kind);
    answer
}

const ANSWER: &str = r#"{"contentBlockIndex":1,"delta":{"text":"visible"}}"#;
const THOUGHT: &str = r#"{"contentBlockIndex":0,"delta":{"reasoningContent":{"text":"secret"}}}"#;

async fn converse(steps: impl IntoIterator<Item = Step>) -> Read {
    let world = World::new(policy(WITHHOLD));
    let path = "/model/m/converse-stream";
    let asked = request(suspicious(), path, Script::whole(asks(path)));
    world.exchange(asked, event_stream(steps)).await
}

/// Fails when a checksum is not verified, what is left of a message is taken for nothing, or a stream that cannot
/// be read on ends as if it was whole.
#[tokio::test(start_paused = true)]
async fn a_message_that_is_broken_never_ends_clean_and_tells_nothing() {
    let (first, thought) =
        (message("contentBlockDelta", ANSWER, false), message("contentBlockDelta", THOUGHT, false));
    for at in 0..thought.len() {
        let mut broken = thought.clone();
        broken[at] ^= 1;
        for cut in [0, at, thought.len()] {
            let (front, rest) = broken.split_at(cut);
            let read = converse([data(&first), data(front), data(rest)]).await;
            assert!(read.failed, "{at}: a clean end");
            let text = String::from_utf8_lossy(&read.frames.concat()).into_owned();
            assert!(text.contains("visible") && !text.contains("secret"), "{at}: {text}");
            assert!(text.contains("internalServerException"), "{at}: {text}");
        }
    }
    for end in 1..thought.len() {
        let read = converse([data(&first), data(&thought[..end])]).await;
        let text = String::from_utf8_lossy(&read.frames.concat()).into_owned();
        assert!(read.failed && !text.contains("secret"), "{end}: {text}");
    }
}

/// Fails when an exception passes with what it says, is left out, or one without a payload counts as silence.
#[tokio::test(start_paused = true)]
async fn an_exception_in_a_stream_is_told_in_fixed_words() {
    let first = message("contentBlockDelta", ANSWER, false);
    for (kind, payload) in [
        ("throttlingException", r#"{"message":"secret"}"#),
        (
            "modelStreamErrorException",
            r#"{"message":"secret","originalMessage":"secret","originalStatusCode":500}"#,
        ),
        ("internalServerException", "{}"),
        ("internalServerException", ""),
    ] {
        let read = converse([data(&first), data(message(kind, payload, true))]).await;
        let text = String::from_utf8_lossy(&read.frames.concat()).into_owned();
        assert!(text.contains("visible") && !text.contains("secret"), "{text}");
        assert!(text.contains(kind) && text.contains("exception"), "{kind}: {text}");
    }
}

const SIGNED: &str = "AWS4-HMAC-SHA256 Credential=AKID/20261130/us-east-1/bedrock/aws4_request, SignedHeaders=host;x-amz-date, Signature=00";
const LOWERED: &str = "downgrade = { max_output_tokens = 9 }";

/// What becomes of a signed request, of which this is added to the target: the status, and what the service was asked.
async fn signed(world: &World, added: &str, body: &str) -> (u16, Option<String>) {
    let path = format!("{CONVERSE}{added}");
    let mut asked = request(suspicious(), &path, Script::whole(body));
    if added.is_empty() {
        asked.headers_mut().insert("authorization", HeaderValue::from_static(SIGNED));
    }
    let told = r#"{"output":{"message":{"role":"assistant","content":[{"reasoningContent":{"reasoningText":{"text":"secret"}}},{"text":"visible"}]}},"stopReason":"end_turn"}"#;
    world.upstream.answer(json(told));
    let answer = world.call(asked).await;
    let status = answer.status().as_u16();
    let text = read(answer.into_body()).await.text();
    assert_eq!(text.contains("visible"), status == 200, "{text}");
    assert!(!text.contains("secret") || text == told, "{text}");
    let seen = world.upstream.seen().pop().map(|seen| seen.text());
    (status, seen)
}

/// Fails when a request that AWS would compare with its signature is changed, or passes although a plan has to
/// change it.
#[tokio::test(start_paused = true)]
async fn a_signed_request_goes_on_as_it_came_or_not_at_all() {
    let plain = r#" {"messages":[{"role":"user","content":[{"text":"q"}]}] ,"inferenceConfig":{"maxTokens":7}}"#;
    let opens = r#"{"messages":[{"role":"user","content":[{"text":"q"}]}],"additionalModelResponseFieldPaths":["/content"]}"#;
    let long = r#"{"messages":[{"role":"user","content":[{"text":"q"}]}],"inferenceConfig":{"maxTokens":70}}"#;
    for added in ["", "?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Signature=00"] {
        for (grade, body, passes) in [
            (WITHHOLD, plain, true),
            (WITHHOLD, opens, false),
            (LOWERED, plain, true),
            (LOWERED, long, false),
        ] {
            let world = World::new(policy(grade));
            let (status, seen) = signed(&world, added, body).await;
            if passes {
                assert_eq!((status, seen.as_deref()), (200, Some(body)), "{grade}");
            } else {
                assert_eq!((status, seen), (400, None), "{grade} {body}");
            }
            // Who signs anew may change all of it.
            let world = World::with(policy(grade), |builder| builder.signs_anew(true));
            let (status, seen) = signed(&world, added, body).await;
            assert_eq!((status, seen.as_deref() == Some(body)), (200, passes), "{grade} {body}");
        }
    }
}
