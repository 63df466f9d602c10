//! Answers with the sentence as their reasoning: every protocol, every dialect, and every place beside
//! the text that is known to repeat it.

use bytes::Bytes;
use guilloche::wire::ProtocolId;
use guilloche::wire::framing::{Framing, Unframed};
use serde_json::{Value, json};

use super::secret::{SENTENCE, TOKENS, gzipped};

mod others;

/// What the caller may read.
pub(super) const ANSWER: &str = "twelve apples";

/// An answer as it stands on the wire.
#[derive(Clone)]
pub(super) struct Planted {
    pub(super) name: String,
    pub(super) bytes: Bytes,
}

pub(super) fn planted(name: &str, media_type: &str, body: &str) -> Planted {
    let token = TOKENS[0];
    // A body without a length may have trailers.
    let bytes = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: {media_type}\r\nx-reasoning: {SENTENCE}\r\n\
         x-tokens: {token}\r\nserver-timing: think;desc=\"{SENTENCE}\"\r\ntransfer-encoding: chunked\r\n\r\n\
         {:x}\r\n{body}\r\n0\r\nx-thought: {SENTENCE}\r\n\r\n",
        body.len()
    );
    Planted { name: name.to_owned(), bytes: bytes.into() }
}

pub(super) fn document(name: &str, body: &Value) -> Planted {
    planted(&format!("{name}, a document"), "application/json", &body.to_string())
}

/// A document that the server compresses although it was asked not to.
pub(super) fn compressed(protocol: ProtocolId) -> Vec<Planted> {
    let body = json!({"reasoning": SENTENCE, "answer": ANSWER}).to_string();
    let whole = gzipped(body.as_bytes());
    let declared = |name: &str, field: &str| {
        let head = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n{field}content-length: {}\r\n\r\n",
            whole.len()
        );
        let bytes = [head.as_bytes(), &whole].concat();
        Planted { name: format!("{}, {name}", protocol.name()), bytes: bytes.into() }
    };
    vec![
        declared("compressed", "content-encoding: gzip\r\n"),
        declared("compressed in silence", ""),
        declared("compressed twice by its words", "content-encoding: identity, gzip\r\n"),
    ]
}

/// Events of one object each, in the form of SSE.
pub(super) fn events<'e>(
    name: &str,
    events: impl IntoIterator<Item = (&'e str, Value)>,
    end: &str,
) -> Planted {
    let mut body: String = events
        .into_iter()
        .map(|(event, data)| match event {
            "" => format!("data: {data}\n\n"),
            event => format!("event: {event}\ndata: {data}\n\n"),
        })
        .collect();
    body.push_str(end);
    planted(&format!("{name}, a stream"), "text/event-stream", &body)
}

/// The answers of a protocol.
///
/// Its servers sign or encrypt their reasoning with `signature`.
pub(super) fn answers(protocol: ProtocolId, signature: &str) -> Vec<Planted> {
    match protocol {
        ProtocolId::Chat => chat(signature),
        ProtocolId::Completions => completions(),
        ProtocolId::Messages => messages(signature),
        ProtocolId::Responses => responses(signature),
        ProtocolId::Ollama => ollama(),
        ProtocolId::Gemini => gemini(signature),
        ProtocolId::Converse => others::converse(signature),
        ProtocolId::Invoke => others::invoke(signature),
        ProtocolId::LlamaCpp => others::llama_cpp(),
        ProtocolId::Tgi => others::tgi(),
        ProtocolId::Cohere => others::cohere(),
        other => panic!("nothing is planted in answers of {}", other.name()),
    }
}

/// Events of one object each, in the form of Amazon's event streams.
pub(super) fn binary(name: &str, events: &[(&'static str, Value)]) -> Planted {
    let mut body = Vec::new();
    for (kind, payload) in events {
        let payload = payload.to_string().into_bytes();
        let event = Unframed { kind: Some(kind), payload, is_error: false };
        body.extend(Framing::AwsEventStream.frame(&event));
    }
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/vnd.amazon.eventstream\r\n\
                x-reasoning: SENTENCE\r\n";
    let head = head.replace("SENTENCE", SENTENCE);
    let mut bytes = format!("{head}content-length: {}\r\n\r\n", body.len()).into_bytes();
    bytes.extend_from_slice(&body);
    Planted { name: format!("{name}, a stream"), bytes: bytes.into() }
}

/// Texts that say the sentence as reasoning, in the markups that models are known to write.
pub(super) fn inline() -> Vec<(&'static str, String)> {
    let marked = |open: &str, close: &str| format!("{open}\n{SENTENCE}\n{close}\n\n{ANSWER}");
    vec![
        ("think", marked("<think>", "</think>")),
        ("think in capitals", marked("<THINK>", "</THINK>")),
        ("thinking", marked("<thinking>", "</thinking>")),
        ("reasoning", marked("<reasoning>", "</reasoning>")),
        ("thought", marked("<thought>", "</thought>")),
        ("rstar", marked("<reason>", "</reason>")),
        ("seed", marked("<seed:think>", "</seed:think>")),
        ("mistral", marked("[THINK]", "[/THINK]")),
        ("kimi", marked("◁think▷", "◁/think▷")),
        ("nested", marked("<think>a<think>b</think>", "</think>")),
        ("repeated", format!("{}{}", marked("<think>", "</think>"), marked("<think>", "</think>"))),
        (
            "harmony",
            format!(
                "<|channel|>analysis<|message|>{SENTENCE}<|end|><|start|>assistant<|channel|>final<|message|>{ANSWER}"
            ),
        ),
        (
            "command",
            format!(
                "<|START_THINKING|>{SENTENCE}<|END_THINKING|><|START_RESPONSE|>{ANSWER}<|END_RESPONSE|>"
            ),
        ),
        ("gemma", format!("<|channel>thought\n{SENTENCE}<channel|>{ANSWER}")),
        ("openthinker", marked("<|begin_of_thought|>", "<|end_of_thought|>")),
        ("deepseek's bars", marked("<｜begin▁of▁think｜>", "<｜end▁of▁think｜>")),
        ("plamo", marked("<|plamo:begin_think:plamo|>", "<|plamo:end_think:plamo|>")),
        ("s1", format!("<|im_start|>think\n{SENTENCE}\n<|im_start|>answer\n{ANSWER}")),
        ("hyperclova", format!("/think\n{SENTENCE}<|im_end|>\n<|im_start|>assistant\n{ANSWER}")),
        (
            "apriel",
            format!(
                "Here are my reasoning steps:\n{SENTENCE}\n[BEGIN FINAL RESPONSE]\n{ANSWER}\n[END FINAL RESPONSE]"
            ),
        ),
        (
            "open webui",
            marked(
                "<details type=\"reasoning\" done=\"true\" duration=\"3\">\n<summary>Thought for 3 seconds</summary>",
                "</details>",
            ),
        ),
        ("apertus", marked("<|inner_prefix|>", "<|inner_suffix|>")),
        ("medgemma", format!("<unused94>thought\n{SENTENCE}<unused95>{ANSWER}")),
        ("solar", format!("<|think|>{SENTENCE}<|end|><|begin|>assistant<|content|>{ANSWER}")),
        ("harmony without its tokens", format!("analysis{SENTENCE}assistantfinal{ANSWER}")),
        (
            "granite",
            format!("Here is my thought process:\n{SENTENCE}\nHere is my response:\n{ANSWER}"),
        ),
    ]
}

fn logprobs() -> Value {
    let token = json!({"token": SENTENCE, "logprob": -0.1, "bytes": SENTENCE.as_bytes(),
        "top_logprobs": [{"token": SENTENCE, "logprob": -0.1, "bytes": null}]});
    json!({"content": [token], "refusal": null})
}

fn chat(signature: &str) -> Vec<Planted> {
    let mut dialects = vec![
        ("reasoning_content", json!({"reasoning_content": SENTENCE, "content": ANSWER})),
        ("reasoning", json!({"reasoning": SENTENCE, "content": ANSWER})),
        ("thinking", json!({"thinking": SENTENCE, "content": ANSWER})),
        (
            "reasoning_details",
            json!({"content": ANSWER, "reasoning_details": [
                {"type": "reasoning.text", "text": SENTENCE, "signature": signature},
                {"type": "reasoning.summary", "summary": SENTENCE},
                {"type": "reasoning.encrypted", "data": signature}]}),
        ),
        (
            "thinking_blocks",
            json!({"content": ANSWER, "thinking_blocks": [{"type": "thinking", "thinking": SENTENCE, "signature": signature},
                    {"type": "redacted_thinking", "data": signature}],
                "provider_specific_fields": {"reasoning_content": SENTENCE}}),
        ),
        (
            "chunks",
            json!({"content": [{"type": "thinking", "thinking": [{"type": "text", "text": SENTENCE}]},
                {"type": "text", "text": ANSWER}]}),
        ),
        ("a member of next year", json!({"content": ANSWER, "inner_voice": {"text": SENTENCE}})),
    ];
    dialects.extend(inline().into_iter().map(|(name, text)| (name, json!({ "content": text }))));
    let beside = json!({"prompt_token_ids": TOKENS, "kv_transfer_params": {"text": SENTENCE},
        "service": {"debug": SENTENCE}});
    let mut found = Vec::new();
    for (name, mut message) in dialects {
        let whole = |object: &str, mut choice: Value| {
            let mut members = beside.clone();
            choice["index"] = json!(0);
            choice["logprobs"] = logprobs();
            choice["token_ids"] = json!(TOKENS);
            choice["hidden_states"] = json!(TOKENS);
            for (name, value) in [
                ("id", json!("chatcmpl-1")),
                ("object", json!(object)),
                ("created", json!(1)),
                ("model", json!("m")),
                ("choices", json!([choice])),
                (
                    "usage",
                    json!({"prompt_tokens": 5, "completion_tokens": 9, "total_tokens": 14,
                    "completion_tokens_details": {"reasoning_tokens": 7, "text": SENTENCE}}),
                ),
            ] {
                members[name] = value;
            }
            members
        };
        message["role"] = json!("assistant");
        found.push(document(
            &format!("chat, {name}"),
            &whole("chat.completion", json!({"message": message, "finish_reason": "stop"})),
        ));
        // The text comes in pieces, and is repeated whole where it ends, as some servers do.
        let mut chunks = Vec::new();
        match message["content"].as_str() {
            Some(text) if text != ANSWER => {
                let letters: Vec<char> = text.chars().collect();
                chunks.extend(letters.chunks(5).map(|piece| {
                    let piece: String = piece.iter().collect();
                    whole(
                        "chat.completion.chunk",
                        json!({"delta": {"content": piece}, "finish_reason": null}),
                    )
                }));
            }
            _ => chunks.push(whole(
                "chat.completion.chunk",
                json!({"delta": message, "finish_reason": null}),
            )),
        }
        let last = json!({"delta": {}, "message": message, "finish_reason": "stop"});
        chunks.push(whole("chat.completion.chunk", last.clone()));
        chunks.push(whole("chat.completion.chunk", last));
        let named = chunks.into_iter().map(|chunk| ("", chunk));
        found.push(events(&format!("chat, {name}"), named, "data: [DONE]\n\n"));
    }
    found
}

fn completions() -> Vec<Planted> {
    let mut found = Vec::new();
    for (name, text) in inline() {
        let whole = |text: &str| {
            json!({"id": "cmpl-1", "object": "text_completion", "created": 1, "model": "m",
                "choices": [{"index": 0, "text": text, "finish_reason": "stop", "token_ids": TOKENS,
                    "prompt_logprobs": [null, {"17": {"logprob": -1, "decoded_token": SENTENCE}}],
                    "logprobs": {"tokens": [SENTENCE], "text_offset": [0], "token_logprobs": [-1],
                        "top_logprobs": [{SENTENCE: -1}]}}],
                "usage": {"prompt_tokens": 5, "completion_tokens": 9, "total_tokens": 14}})
        };
        found.push(document(&format!("completions, {name}"), &whole(&text)));
        found.push(events(
            &format!("completions, {name}"),
            [("", whole(&text))],
            "data: [DONE]\n\n",
        ));
    }
    found
}

fn messages(signature: &str) -> Vec<Planted> {
    let (message, stream) = message(signature);
    vec![document("messages", &message), events("messages", stream, "")]
}

/// A message, and the events in which it is streamed.
pub(super) fn message(signature: &str) -> (Value, Vec<(&'static str, Value)>) {
    let blocks = [
        json!({"type": "thinking", "thinking": SENTENCE, "signature": signature}),
        json!({"type": "redacted_thinking", "data": signature}),
        json!({"type": "inner_voice", "inner_voice": SENTENCE}),
        json!({"type": "text", "text": format!("<think>{SENTENCE}</think>{ANSWER}")}),
    ];
    let usage = json!({"input_tokens": 5, "output_tokens": 9, "thinking": SENTENCE});
    let message = json!({"id": "msg_1", "type": "message", "role": "assistant", "model": "m",
        "content": blocks, "stop_reason": "end_turn", "stop_sequence": null, "usage": usage,
        "thoughts": SENTENCE, "container": {"id": "c", "text": SENTENCE}});
    let mut started = message.clone();
    started["content"] = json!([]);
    let mut stream = vec![("message_start", json!({"type": "message_start", "message": started}))];
    for (index, block) in blocks.iter().enumerate() {
        let delta = match block["type"].as_str() {
            Some("thinking") => json!({"type": "thinking_delta", "thinking": SENTENCE,
                "estimated_tokens": TOKENS[0]}),
            Some("text") => json!({"type": "text_delta", "text": block["text"]}),
            _ => json!({"type": "inner_delta", "inner_voice": SENTENCE}),
        };
        let signed = json!({"type": "signature_delta", "signature": signature});
        stream.push((
            "content_block_start",
            json!({"type": "content_block_start", "index": index, "content_block": block}),
        ));
        for delta in [delta, signed] {
            stream.push((
                "content_block_delta",
                json!({"type": "content_block_delta", "index": index, "delta": delta}),
            ));
        }
        stream.push(("content_block_stop", json!({"type": "content_block_stop", "index": index})));
    }
    stream.push((
        "message_delta",
        json!({"type": "message_delta", "delta": {"stop_reason": "end_turn", "thought": SENTENCE}, "usage": usage}),
    ));
    stream.push(("message_stop", json!({"type": "message_stop", "text": SENTENCE})));
    (message, stream)
}

fn responses(signature: &str) -> Vec<Planted> {
    let reasoning = json!({"id": "rs_1", "type": "reasoning", "status": "completed",
        "summary": [{"type": "summary_text", "text": SENTENCE}],
        "content": [{"type": "reasoning_text", "text": SENTENCE}],
        "encrypted_content": signature});
    let part = json!({"type": "output_text", "text": ANSWER, "annotations": [], "logprobs": [
        {"token": SENTENCE, "logprob": -0.1, "bytes": SENTENCE.as_bytes(), "top_logprobs": []}]});
    let message = json!({"id": "msg_1", "type": "message", "role": "assistant",
        "status": "completed", "content": [part]});
    let response = |status: &str, output: Value| {
        json!({"id": "resp_1", "object": "response", "created_at": 1, "status": status, "model": "m",
            "output": output, "error": null, "incomplete_details": null, "instructions": null,
            "metadata": {}, "parallel_tool_calls": true, "temperature": 1, "tool_choice": "auto",
            "tools": [], "top_p": 1, "output_text": SENTENCE, "input_messages": [SENTENCE],
            "output_messages": [{"channel": "analysis", "content": SENTENCE}],
            "output_token_ids": TOKENS,
            "usage": {"input_tokens": 5, "output_tokens": 9, "total_tokens": 14,
                "output_tokens_details": {"reasoning_tokens": 7}}})
    };
    let at = |index: usize, id: &str, more: Value| {
        let mut event = json!({"output_index": index, "item_id": id, "content_index": 0});
        event.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        event
    };
    let whole = response("completed", json!([reasoning, message]));
    let stream = [
        ("response.created", json!({"response": response("in_progress", json!([]))})),
        ("response.output_item.added", at(0, "rs_1", json!({"item": reasoning}))),
        (
            "response.reasoning_summary_part.added",
            at(
                0,
                "rs_1",
                json!({"summary_index": 0, "part": {"type": "summary_text", "text": SENTENCE}}),
            ),
        ),
        (
            "response.reasoning_summary_text.delta",
            at(0, "rs_1", json!({"summary_index": 0, "delta": SENTENCE})),
        ),
        (
            "response.reasoning_summary_text.done",
            at(0, "rs_1", json!({"summary_index": 0, "text": SENTENCE})),
        ),
        (
            "response.reasoning_part.added",
            at(0, "rs_1", json!({"part": {"type": "reasoning_text", "text": SENTENCE}})),
        ),
        ("response.reasoning_text.delta", at(0, "rs_1", json!({"delta": SENTENCE}))),
        ("response.reasoning_text.done", at(0, "rs_1", json!({"text": SENTENCE}))),
        (
            "response.reasoning_part.done",
            at(0, "rs_1", json!({"part": {"type": "reasoning_text", "text": SENTENCE}})),
        ),
        ("response.inner_voice.delta", at(0, "rs_1", json!({"delta": SENTENCE}))),
        ("response.output_item.done", at(0, "rs_1", json!({"item": reasoning}))),
        (
            "response.output_item.added",
            at(
                1,
                "msg_1",
                json!({"item": {"id": "msg_1", "type": "message", "role": "assistant", "status": "in_progress", "content": []}}),
            ),
        ),
        (
            "response.content_part.added",
            at(1, "msg_1", json!({"part": {"type": "output_text", "text": "", "annotations": []}})),
        ),
        (
            "response.output_text.delta",
            at(1, "msg_1", json!({"delta": ANSWER, "logprobs": part["logprobs"]})),
        ),
        (
            "response.output_text.done",
            at(1, "msg_1", json!({"text": ANSWER, "logprobs": part["logprobs"]})),
        ),
        ("response.content_part.done", at(1, "msg_1", json!({"part": part}))),
        ("response.output_item.done", at(1, "msg_1", json!({"item": message}))),
        ("response.completed", json!({"response": whole})),
    ];
    let numbered = stream.into_iter().enumerate().map(|(number, (name, mut event))| {
        event["type"] = json!(name);
        event["sequence_number"] = json!(number);
        (name, event)
    });
    vec![document("responses", &whole), events("responses", numbered, "")]
}

fn ollama() -> Vec<Planted> {
    let done = json!({"model": "m", "created_at": "2026-01-01T00:00:00Z", "done": true,
        "done_reason": "stop", "context": TOKENS, "remote_host": SENTENCE, "eval_count": 9,
        "prompt_eval_count": 5, "logprobs": [{"token": SENTENCE, "logprob": -1}]});
    let with = |of: &Value, more: &Value| {
        let mut of = of.clone();
        of.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        of
    };
    let mut found = Vec::new();
    for (name, more) in [
        (
            "chat",
            json!({"message": {"role": "assistant", "content": ANSWER, "thinking": SENTENCE}}),
        ),
        ("generate", json!({"response": ANSWER, "thinking": SENTENCE})),
        (
            "inline",
            json!({"message": {"role": "assistant", "content": format!("<think>{SENTENCE}</think>{ANSWER}")}}),
        ),
    ] {
        let whole = with(&done, &more);
        found.push(document(&format!("ollama, {name}"), &whole));
        let mut piece = with(&whole, &json!({"done": false}));
        piece.as_object_mut().unwrap().remove("done_reason");
        let name = format!("ollama, {name}, lines");
        found.push(planted(&name, "application/x-ndjson", &format!("{piece}\n{done}\n")));
    }
    found
}

fn gemini(signature: &str) -> Vec<Planted> {
    let whole = json!({"candidates": [{"index": 0, "finishReason": "STOP", "avgLogprobs": -0.1,
        "content": {"role": "model", "parts": [
            {"text": SENTENCE, "thought": true, "thoughtSignature": signature},
            {"text": ANSWER, "thoughtSignature": signature},
            {"innerVoice": SENTENCE}]},
        "logprobsResult": {"chosenCandidates": [{"token": SENTENCE, "tokenId": TOKENS[0], "logProbability": -1}]}}],
        "usageMetadata": {"promptTokenCount": 5, "candidatesTokenCount": 9, "totalTokenCount": 14,
            "thoughtsTokenCount": 7},
        "thoughts": SENTENCE, "modelVersion": "m", "responseId": "r"});
    vec![
        document("gemini", &whole),
        events("gemini", [("", whole.clone()), ("", whole.clone())], ""),
        planted("gemini, an array", "application/json", &format!("[{whole},\r\n{whole}]")),
    ]
}
