//! Promise 12 for `opened_by_template`: what a client calls the model does not open its reasoning.

use serde_json::{Value, json};

use super::support::*;

const POLICY: &str =
    "reasoning = { keep = \"none\", opened_by_template = [\"deepseek-r1*\"], signed = \"seal\" }";
const TRACE: &str = "The zebra thought.\nAnd zebra again.\n</think>\n\nIt is 12.";
const TWICE: &str =
    "The zebra shows </think> once.\n```\n</think>\n```\nAnd zebra.\n</think>\n\nIt is 12.";
const LEFT: &str = "</think>\n\nIt is 12.";

/// Asks for `asked` by `path`; the upstream calls its model `answering`, and says `pieces`.
async fn told(
    path: &str,
    asked: &str,
    answering: &Value,
    pieces: &[&str],
    streams: bool,
) -> String {
    let world = World::new(policy(POLICY));
    let messages = path.ends_with("/messages");
    let answer = match (messages, streams) {
        (false, false) => json(
            json!({"model": answering, "choices": [{"index": 0,
            "message": {"content": pieces.concat()}, "finish_reason": "stop"}]})
            .to_string(),
        ),
        (true, false) => json(
            json!({"type": "message", "model": answering, "stop_reason": "end_turn",
            "content": [{"type": "text", "text": pieces.concat()}]})
            .to_string(),
        ),
        (false, true) => stream([data(chat(answering, pieces))]),
        (true, true) => stream([data(blocks(answering, pieces))]),
    };
    let body = format!(r#"{{"messages":[],"stream":{streams}{asked}}}"#);
    let asks = request(suspicious(), path, Script::whole(body));
    let text = world.exchange(asks, answer).await.text();
    let said = |value: &Value| {
        ["/choices/0/message/content", "/choices/0/delta/content", "/content/0/text", "/delta/text"]
            .into_iter()
            .filter_map(|place| value.pointer(place).and_then(Value::as_str).map(str::to_owned))
            .collect::<String>()
    };
    let values = text
        .lines()
        .filter_map(|line| serde_json::from_str(line.strip_prefix("data: ").unwrap_or(line)).ok());
    values.map(|value: Value| said(&value)).collect()
}

fn chat(answering: &Value, pieces: &[&str]) -> String {
    let chunk = |delta: Value, finish: Value| {
        let choice = json!({"index": 0, "delta": delta, "finish_reason": finish});
        format!("data: {}\n\n", json!({"id": "c", "model": answering, "choices": [choice]}))
    };
    let mut all = chunk(json!({"role": "assistant", "content": ""}), Value::Null);
    for piece in pieces {
        all += &chunk(json!({"content": piece}), Value::Null);
    }
    all + &chunk(json!({}), json!("stop")) + "data: [DONE]\n\n"
}

fn blocks(answering: &Value, pieces: &[&str]) -> String {
    let event = |value: Value| {
        format!("event: {}\ndata: {value}\n\n", value["type"].as_str().unwrap_or_default())
    };
    let mut all = event(json!({"type": "message_start",
        "message": {"type": "message", "model": answering, "content": []}}));
    all += &event(json!({"type": "content_block_start", "index": 0,
        "content_block": {"type": "text", "text": ""}}));
    for piece in pieces {
        all += &event(json!({"type": "content_block_delta", "index": 0,
            "delta": {"type": "text_delta", "text": piece}}));
    }
    all += &event(json!({"type": "content_block_stop", "index": 0}));
    all += &event(json!({"type": "message_delta", "delta": {"stop_reason": "end_turn"}}));
    all + &event(json!({"type": "message_stop"}))
}

fn pieces(text: &str) -> Vec<&str> {
    text.split_inclusive(' ').collect()
}

// Break it: look at what was asked for only, or at the answer's name once a text has begun.
#[tokio::test(start_paused = true)]
async fn the_model_that_the_answer_names_tells_whose_template_it_is() {
    for asked in ["default", "x", "deepseek_r1", "ft:deepseek-r1:org", "openrouter/auto"] {
        let asked = format!(",\"model\":\"{asked}\"");
        for name in
            ["deepseek-r1", "DeepSeek-R1:free", "/models/DeepSeek-R1-Q4.gguf", "DeepSeek-R1 Q4"]
        {
            for (path, streams) in
                [(CHAT, false), (CHAT, true), (MESSAGES, false), (MESSAGES, true)]
            {
                let text = told(path, &asked, &json!(name), &pieces(TRACE), streams).await;
                assert_eq!(text, LEFT, "{asked} {name} {path} {streams}");
            }
        }
    }
}

// Break it: take the body's name alone where the path has another.
#[tokio::test(start_paused = true)]
async fn so_does_any_name_that_the_request_has() {
    for path in [
        "/openai/deployments/deepseek-r1/chat/completions",
        "/openai/deployments/other/chat/completions?x=deepseek-r1",
        "/upstream/deepseek-r1/v1/chat/completions",
        "/v1/chat/completions?model=deepseek-r1",
    ] {
        let text = told(path, ",\"model\":\"x\"", &json!("x"), &pieces(TRACE), true).await;
        assert_eq!(text, LEFT, "{path}");
    }
    let path = "/openai/deployments/other/chat/completions";
    let asked = ",\"model\":\"deepseek-r1\"";
    assert_eq!(told(path, asked, &json!("x"), &pieces(TRACE), true).await, LEFT);
}

// Break it: read a text from its beginning only.
#[tokio::test(start_paused = true)]
async fn a_text_that_is_there_as_a_whole_is_reasoning_up_to_a_closing_that_nothing_opened() {
    let asked = ",\"model\":\"x\"";
    for text in
        [TRACE, "The zebra thought.</think>\n\nIt is 12.", "The zebra.\n[/THINK]\nIt is 12.", TWICE]
    {
        for (path, streams) in [(CHAT, false), (CHAT, true), (MESSAGES, false), (MESSAGES, true)] {
            let told = told(path, asked, &json!("x"), &[text], streams).await;
            assert!(
                !told.contains("zebra") && told.ends_with("It is 12."),
                "{path} {streams}: {told}"
            );
        }
    }
    // Beside reasoning in a member of its own, too: what a server's parser has left of it.
    let world = World::new(policy(POLICY));
    let answer = json!({"choices": [{"message": {"reasoning_content": "The", "content": TRACE}}]});
    let asks = request(suspicious(), CHAT, Script::whole(r#"{"model":"x","messages":[]}"#));
    let text = world.exchange(asks, json(answer.to_string())).await.text();
    assert!(!text.contains("zebra") && text.contains("It is 12."), "{text}");
}

// Break it: take every closing for one.
#[tokio::test(start_paused = true)]
async fn an_answer_that_speaks_of_a_closing_comes_whole() {
    for text in [
        "The tag </think> ends the section; then comes the answer.",
        "End it with `</think>`.\n\n```\n</think>\n```\nIt is 12.",
        "Write:\n\n<details>\n<summary>a</summary>\n</details>\n",
        "It is 12.<|end|>",
    ] {
        for (path, streams) in [(CHAT, false), (CHAT, true), (MESSAGES, false), (MESSAGES, true)] {
            let told = told(path, ",\"model\":\"x\"", &json!("x"), &[text], streams).await;
            assert_eq!(told, text, "{path} {streams}");
        }
    }
}
