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
    let metrics = json!({"outputTokenCount": 9, "thought": SENTENCE});
    named.push(chunk(&json!({"metadata": {}, "amazon-bedrock-invocationMetrics": metrics})));
    found.extend([document("invoke, nova", &whole), binary("invoke, nova", &named)]);
    found.extend(jamba(&chunk));
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
    for (name, text) in inline().into_iter().take(3) {
        for (vendor, whole, pieces) in texts(&text, &metrics) {
            let name = format!("invoke, {vendor}, {name}");
            found.extend([document(&name, &whole), binary(&name, &pieces.each_ref().map(chunk))]);
        }
    }
    found
}

/// The form of Chat Completions, as Jamba's bodies have it, with what else servers of that form say.
fn jamba(chunk: &dyn Fn(&Value) -> (&'static str, Value)) -> Vec<Planted> {
    let dialects = [
        ("reasoning_content", json!({"reasoning_content": SENTENCE, "content": ANSWER})),
        ("think", json!({"content": format!("<think>{SENTENCE}</think>{ANSWER}")})),
    ];
    let mut found = Vec::new();
    for (name, mut said) in dialects {
        said["role"] = json!("assistant");
        let whole = |object: &str, mut choice: Value| {
            choice["index"] = json!(0);
            choice["logprobs"] = json!({"content": [{"token": SENTENCE, "logprob": -1}]});
            json!({"id": "chatcmpl-1", "object": object, "created": 1, "model": "jamba", "choices": [choice],
                "meta": {"thought": SENTENCE}, "token_ids": TOKENS,
                "usage": {"prompt_tokens": 5, "completion_tokens": 9, "total_tokens": 14}})
        };
        let name = format!("invoke, jamba, {name}");
        let message = json!({"message": said, "finish_reason": "stop"});
        found.push(document(&name, &whole("chat.completion", message)));
        let pieces = [
            whole("chat.completion.chunk", json!({"delta": said, "finish_reason": null})),
            whole("chat.completion.chunk", json!({"delta": {}, "finish_reason": "stop"})),
        ];
        found.push(binary(&name, &pieces.each_ref().map(chunk)));
    }
    found
}

/// A text in the forms of vendors that are asked with a prompt: whole, and as the two events of a stream.
fn texts(text: &str, metrics: &Value) -> Vec<(&'static str, Value, [Value; 2])> {
    let listed = |list: &str, name: &str, reason: &str, text: &str, said: Value| {
        json!({list: [{name: text, reason: said, "thinking": SENTENCE, "logprobs": [SENTENCE],
            "token_likelihoods": [{"token": SENTENCE, "likelihood": TOKENS[0]}]}],
            "prompt": SENTENCE, "amazon-bedrock-invocationMetrics": metrics})
    };
    let mistral = |text: &str, said| listed("outputs", "text", "stop_reason", text, said);
    let deepseek = |text: &str, said| listed("choices", "text", "stop_reason", text, said);
    let claude = |text: &str, said: Value| json!({"completion": text, "stop_reason": said, "stop": SENTENCE, "log_id": SENTENCE});
    let titan = |text: &str, said: Value| {
        json!({"outputText": text, "index": 0, "completionReason": said, "reasoning": SENTENCE,
            "totalOutputTextTokenCount": TOKENS[0]})
    };
    let again = json!({"response_id": "r", "text": text, "finish_reason": "COMPLETE",
        "chat_history": [{"role": "CHATBOT", "message": SENTENCE}], "prompt": SENTENCE,
        "meta": {"thoughts": SENTENCE}});
    let piece = |name: &str| json!({"event_type": name, "text": text, "is_finished": false});
    let ends = json!({"event_type": "stream-end", "is_finished": true, "response": again});
    let both = |of: &dyn Fn(&str, Value) -> Value| [of(text, Value::Null), of("", json!("stop"))];
    vec![
        ("mistral", mistral(text, json!("stop")), both(&mistral)),
        ("deepseek", deepseek(text, json!("stop")), both(&deepseek)),
        ("claude", claude(text, json!("stop_sequence")), both(&claude)),
        (
            "command",
            listed("generations", "text", "finish_reason", text, json!("COMPLETE")),
            [
                json!({"text": text, "is_finished": false, "likelihood": TOKENS[0]}),
                json!({"is_finished": true, "finish_reason": "COMPLETE", "prompt": SENTENCE}),
            ],
        ),
        ("command r", again.clone(), [piece("text-generation"), ends]),
        (
            "titan",
            listed("results", "outputText", "completionReason", text, json!("FINISH")),
            both(&titan),
        ),
    ]
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
            "best_of_sequences": [{"generated_text": text, "finish_reason": "length"}]});
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
        found.extend(sglang(&name, &text));
    }
    found
}

/// SGLang's form, whose pieces say all so far.
fn sglang(name: &str, text: &str) -> Vec<Planted> {
    let so_far = |text: &str, finish: Value| {
        json!({"text": text, "output_ids": TOKENS, "meta_info": {"id": "g1", "finish_reason": finish,
            "prompt_tokens": 5, "completion_tokens": 9, "hidden_states": [TOKENS],
            "output_token_logprobs": [[-1, TOKENS[0], SENTENCE]],
            "input_token_logprobs": [[-1, TOKENS[1], SENTENCE]]}})
    };
    let stops = json!({"type": "stop", "matched": TOKENS[0]});
    let name = format!("{name}, sglang");
    let ends = (1..=text.len()).filter(|end| text.is_char_boundary(*end));
    let grown = ends.step_by(7).map(|end| ("", so_far(text.get(..end).unwrap(), Value::Null)));
    let stream: Vec<_> = grown.chain([("", so_far(text, stops.clone()))]).collect();
    vec![document(&name, &so_far(text, stops)), events(&name, stream, "data: [DONE]\n\n")]
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
