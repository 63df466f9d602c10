//! The answers of Converse, llama.cpp, text-generation-inference and Cohere.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::{ANSWER, Planted, binary, document, events, inline, message};
use crate::leaks::secret::{SENTENCE, TOKENS};

pub(super) fn converse(signature: &str) -> Vec<Planted> {
    let (whole, stream) = conversed(signature);
    vec![document("converse", &whole), binary("converse", &stream)]
}

/// A message of Converse's, and the events in which it is streamed.
fn conversed(signature: &str) -> (Value, Vec<(&'static str, Value)>) {
    let usage =
        json!({"inputTokens": 5, "outputTokens": 9, "totalTokens": 14, "thought": SENTENCE});
    let reasoning = json!({"reasoningText": {"text": SENTENCE, "signature": signature}});
    let whole = json!({"output": {"message": {"role": "assistant", "content": [
            {"reasoningContent": reasoning},
            {"reasoningContent": {"redactedContent": signature}},
            {"text": ANSWER},
            {"innerVoice": {"text": SENTENCE}}]}},
        "stopReason": "end_turn", "usage": usage, "metrics": {"latencyMs": 1, "thought": SENTENCE},
        "additionalModelResponseFields": {"reasoning": SENTENCE},
        "trace": {"promptRouter": {"invokedModelId": "m", "why": SENTENCE}}});
    let delta = |index: usize, delta: Value| {
        ("contentBlockDelta", json!({"contentBlockIndex": index, "delta": delta, "p": SENTENCE}))
    };
    let stream = vec![
        ("messageStart", json!({"role": "assistant", "p": SENTENCE})),
        delta(0, json!({"reasoningContent": {"text": SENTENCE}})),
        delta(0, json!({"reasoningContent": {"signature": signature}})),
        ("contentBlockStop", json!({"contentBlockIndex": 0})),
        delta(1, json!({"reasoningContent": {"redactedContent": signature}})),
        ("contentBlockStop", json!({"contentBlockIndex": 1})),
        delta(2, json!({"text": ANSWER})),
        delta(2, json!({"innerVoice": SENTENCE})),
        ("contentBlockStop", json!({"contentBlockIndex": 2})),
        ("innerVoice", json!({"text": SENTENCE})),
        (
            "messageStop",
            json!({"stopReason": "end_turn",
            "additionalModelResponseFields": {"reasoning": SENTENCE}}),
        ),
        (
            "metadata",
            json!({"usage": usage, "metrics": {"latencyMs": 1}, "trace": {"x": SENTENCE}}),
        ),
    ];
    (whole, stream)
}

/// The events of vendors, each in base64.
pub(super) fn invoke(signature: &str) -> Vec<Planted> {
    let (message, events) = message(signature);
    let chunk = |event: &Value| {
        let bytes = STANDARD.encode(event.to_string());
        ("chunk", json!({ "bytes": bytes, "p": SENTENCE }))
    };
    let chunks: Vec<(&'static str, Value)> = events.iter().map(|(_, event)| chunk(event)).collect();
    let mut found = vec![document("invoke", &message), binary("invoke", &chunks)];
    let (whole, events) = conversed(signature);
    let mut named: Vec<_> =
        events.iter().map(|(kind, event)| chunk(&json!({*kind: event}))).collect();
    let metrics = json!({"outputTokenCount": TOKENS[0], "thought": SENTENCE});
    named.push(chunk(&json!({"metadata": {}, "amazon-bedrock-invocationMetrics": metrics})));
    found.extend([document("invoke, nova", &whole), binary("invoke, nova", &named)]);
    for (name, text) in inline() {
        let piece = |text: &str, reason: Value| {
            json!({"generation": text, "prompt_token_count": 5, "generation_token_count": 9,
                "stop_reason": reason, "logits": [SENTENCE], "amazon-bedrock-invocationMetrics": metrics})
        };
        let name = format!("invoke, llama, {name}");
        found.push(document(&name, &piece(&text, json!("stop"))));
        let events = [piece(&text, Value::Null), piece("", json!("stop"))];
        found.push(binary(&name, &events.each_ref().map(chunk)));
    }
    found
}

/// Texts in the markup that a model writes: the servers' own protocols have no field for reasoning.
pub(super) fn llama_cpp() -> Vec<Planted> {
    let mut found = Vec::new();
    for (name, text) in inline() {
        let probability = json!({"id": TOKENS[0], "token": SENTENCE, "bytes": SENTENCE.as_bytes(),
            "logprob": -1, "top_logprobs": [{"id": TOKENS[1], "token": SENTENCE, "logprob": -1}]});
        let whole = json!({"index": 0, "content": text, "tokens": TOKENS, "stop": true, "model": "m",
            "id_slot": 0, "tokens_predicted": 9, "tokens_evaluated": 5, "prompt": SENTENCE,
            "generation_settings": {"grammar": SENTENCE}, "stop_type": "eos",
            "completion_probabilities": [probability], "timings": {"predicted_n": 9}});
        let name = format!("llama_cpp, {name}");
        found.push(document(&name, &whole));
        let mut piece = whole.clone();
        piece["stop"] = json!(false);
        let mut last = whole;
        last["content"] = json!("");
        found.push(events(&name, [("", piece), ("", last)], ""));
    }
    found
}

pub(super) fn tgi() -> Vec<Planted> {
    let mut found = Vec::new();
    for (name, text) in inline() {
        let token =
            |text: &str| json!({"id": TOKENS[0], "text": text, "logprob": -1, "special": false});
        let details = json!({"finish_reason": "eos_token", "generated_tokens": 9, "seed": 1,
            "prefill": [token(SENTENCE)], "tokens": [token(SENTENCE)],
            "top_tokens": [[token(SENTENCE)]],
            "best_of_sequences": [{"generated_text": SENTENCE, "finish_reason": "length"}]});
        let name = format!("tgi, {name}");
        found.push(document(&name, &json!({"generated_text": text, "details": details})));
        let event = |text: &str, generated: Value| {
            (
                "",
                json!({"index": 1, "token": token(text), "top_tokens": [token(SENTENCE)],
                "generated_text": generated, "details": details}),
            )
        };
        let both = [event(&text, Value::Null), event("", json!(text))];
        found.push(events(&name, both, ""));
    }
    found
}

pub(super) fn cohere() -> Vec<Planted> {
    let logprobs = json!({"text": SENTENCE, "token_ids": TOKENS, "logprobs": [-1]});
    let usage = json!({"billed_units": {"input_tokens": 5, "output_tokens": 9},
        "tokens": {"input_tokens": 5, "output_tokens": 9}, "thought": SENTENCE});
    let whole = json!({"id": "c", "finish_reason": "COMPLETE", "prompt": SENTENCE,
        "message": {"role": "assistant", "tool_plan": SENTENCE, "content": [
            {"type": "thinking", "thinking": SENTENCE},
            {"type": "text", "text": ANSWER},
            {"type": "inner_voice", "inner_voice": SENTENCE}]},
        "usage": usage, "logprobs": [logprobs]});
    let delta = |kind: &'static str, index: usize, message: Value| {
        (
            kind,
            json!({"type": kind, "index": index, "delta": {"message": message},
            "logprobs": logprobs}),
        )
    };
    let stream = [
        (
            "message-start",
            json!({"type": "message-start", "id": "c", "prompt": SENTENCE,
            "delta": {"message": {"role": "assistant", "tool_plan": SENTENCE, "content": []}}}),
        ),
        delta("tool-plan-delta", 0, json!({"tool_plan": SENTENCE})),
        delta("content-start", 0, json!({"content": {"type": "thinking", "thinking": SENTENCE}})),
        delta("content-delta", 0, json!({"content": {"thinking": SENTENCE}})),
        ("content-end", json!({"type": "content-end", "index": 0})),
        delta("content-start", 1, json!({"content": {"type": "text", "text": ""}})),
        delta("content-delta", 1, json!({"content": {"text": ANSWER}})),
        ("content-end", json!({"type": "content-end", "index": 1})),
        delta("inner-voice", 2, json!({"inner_voice": SENTENCE})),
        ("debug", json!({"type": "debug", "prompt": SENTENCE})),
        (
            "message-end",
            json!({"type": "message-end", "id": "c",
            "delta": {"finish_reason": "COMPLETE", "usage": usage, "error": SENTENCE}}),
        ),
    ];
    vec![document("cohere", &whole), events("cohere", stream, "")]
}
