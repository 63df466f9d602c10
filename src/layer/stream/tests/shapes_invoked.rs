//! The same of what InvokeModel answers to prompts, in the forms of its vendors.

use serde_json::{Value, json};

/// Whose form it is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Invoked {
    Llama,
    Mistral,
    DeepSeek,
    Claude,
    Command,
    CommandR,
    Titan,
}

impl Invoked {
    /// What a request for a stream says.
    pub(super) fn asked(self) -> &'static str {
        match self {
            Self::Llama => r#"{"prompt":"x","max_gen_len":900}"#,
            Self::Mistral => r#"{"prompt":"x","max_tokens":900,"stop":["</s>"],"top_k":9}"#,
            Self::DeepSeek => r#"{"prompt":"x","max_tokens":900,"top_p":0.9}"#,
            Self::Claude => r#"{"prompt":"x","max_tokens_to_sample":900}"#,
            Self::Command => r#"{"prompt":"x","max_tokens":900,"k":9,"stream":true}"#,
            Self::CommandR => r#"{"message":"x","max_tokens":900}"#,
            Self::Titan => r#"{"inputText":"x","textGenerationConfig":{"maxTokenCount":900}}"#,
        }
    }

    pub(super) fn finishes(self) -> [&'static str; 2] {
        match self {
            Self::Llama | Self::Mistral | Self::DeepSeek => ["stop", "length"],
            Self::Claude => ["stop_sequence", "max_tokens"],
            Self::Command | Self::CommandR => ["COMPLETE", "MAX_TOKENS"],
            Self::Titan => ["FINISH", "LENGTH"],
        }
    }

    pub(super) fn samples(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::DeepSeek => &[("invoke_deepseek.json", "invoke_deepseek_stream.bin")],
            Self::CommandR => &[("invoke_command_r.json", "invoke_command_r_stream.bin")],
            Self::Titan => &[("invoke_titan.json", "invoke_titan_stream.bin")],
            _ => &[],
        }
    }

    pub(super) fn document(self, text: &str, finish: &str) -> Value {
        match self {
            Self::Command => json!({"id": "c1", "generations": [
                {"id": "g1", "text": text, "finish_reason": finish}]}),
            Self::CommandR => json!({"response_id": "r1", "generation_id": "g1", "text": text,
                "finish_reason": finish}),
            Self::Titan => json!({"inputTextTokenCount": 3, "results": [
                {"tokenCount": 9, "outputText": text, "completionReason": finish}]}),
            _ => self.event(text, Some(finish), text),
        }
    }

    /// What one event of a stream says; the last one says how it ends, and what Amazon has counted.
    pub(super) fn event(self, text: &str, finish: Option<&str>, whole: &str) -> Value {
        let mut event = match self {
            Self::Llama => json!({"generation": text, "prompt_token_count": 3,
                "generation_token_count": 9, "stop_reason": finish}),
            Self::Mistral => json!({"outputs": [{"text": text, "stop_reason": finish}]}),
            Self::DeepSeek => {
                json!({"choices": [{"index": 0, "text": text, "stop_reason": finish}]})
            }
            Self::Claude => json!({"type": "completion", "completion": text,
                "stop_reason": finish, "stop": null}),
            Self::Command if finish.is_some() => {
                json!({"is_finished": true, "finish_reason": finish})
            }
            Self::Command => json!({"text": text, "is_finished": false}),
            Self::CommandR if finish.is_some() => json!({"event_type": "stream-end",
                "is_finished": true, "finish_reason": finish, "response": {"response_id": "r1",
                "text": whole, "generation_id": "g1", "finish_reason": finish,
                "meta": {"api_version": {"version": "1"},
                    "billed_units": {"input_tokens": 3, "output_tokens": 9}}}}),
            Self::CommandR => {
                json!({"event_type": "text-generation", "is_finished": false, "text": text})
            }
            Self::Titan => json!({"index": 0, "outputText": text, "completionReason": finish,
                "inputTextTokenCount": 3, "totalOutputTextTokenCount": 9}),
        };
        if finish.is_some() {
            event["amazon-bedrock-invocationMetrics"] = metrics();
        }
        event
    }

    /// The text and the finish reason of an answer or of a piece of one.
    pub(super) fn read(self, value: &Value) -> (&Value, &Value) {
        match self {
            Self::Llama => (&value["generation"], &value["stop_reason"]),
            Self::Mistral => (&value["outputs"][0]["text"], &value["outputs"][0]["stop_reason"]),
            Self::DeepSeek => (&value["choices"][0]["text"], &value["choices"][0]["stop_reason"]),
            Self::Claude => (&value["completion"], &value["stop_reason"]),
            Self::Command if value["generations"].is_array() => {
                let said = &value["generations"][0];
                (&said["text"], &said["finish_reason"])
            }
            Self::Command | Self::CommandR => (&value["text"], &value["finish_reason"]),
            Self::Titan if value["results"].is_array() => {
                let said = &value["results"][0];
                (&said["outputText"], &said["completionReason"])
            }
            Self::Titan => (&value["outputText"], &value["completionReason"]),
        }
    }

    /// Answers that say their reasoning where no well-meant server would.
    pub(super) fn leaks(self) -> &'static [&'static str] {
        match self {
            Self::Llama => &[
                r#"{"generation":"<think>SECRET</think>a","stop_reason":"stop"}"#,
                r#"{"generation":"a","generation":"SECRET","thinking":true}"#,
                r#"{"generation":["SECRET"]}"#,
                r#"{"generation":{"text":"SECRET"}}"#,
                r#"{"generation":"SECRET","thought":true}"#,
                r#"{"generation":"a","reasoning":"SECRET"}"#,
                r#"{"generation":"a","stop_reason":"the SECRET"}"#,
                r#"{"generation":"a","prompt_token_count":"the SECRET"}"#,
                r#"{"generation":"a","choices":[{"message":{"content":"SECRET","reasoning":"SECRET"}}]}"#,
                r#"{"generation":"a","output":{"message":{"content":[{"text":"SECRET"}]}},"contentBlockDelta":{"delta":{"reasoningContent":{"text":"SECRET"}}}}"#,
                r#"{"generation":"a","amazon-bedrock-invocationMetrics":{"thoughts":"SECRET","inputTokenCount":"the SECRET","invocationLatency":["the SECRET"]}}"#,
                r#"{"generation":"a","amazon-bedrock-invocationMetrics":"SECRET"}"#,
            ],
            Self::Mistral => &[
                r#"{"outputs":[{"text":"<think>SECRET</think>a","stop_reason":"stop"}]}"#,
                r#"{"outputs":[{"text":"a","text":"<think>SECRET"}]}"#,
                r#"{"outputs":[{"text":"SECRET","thought":true}]}"#,
                r#"{"outputs":[{"text":"SECRET"}],"thought":true}"#,
                r#"{"outputs":[{"text":"a","reasoning":"SECRET"}]}"#,
                r#"{"outputs":[{"text":["SECRET"]}]}"#,
                r#"{"outputs":["SECRET"]}"#,
                r#"{"outputs":{"text":"SECRET"}}"#,
                r#"{"outputs":[{"text":"a"}],"outputs":[{"text":"<think>SECRET"}]}"#,
                r#"{"outputs":[{"text":"a","stop_reason":"the SECRET"}]}"#,
                r#"{"outputs":[{"text":"a"}],"generation":"<think>SECRET</think>"}"#,
                r#"{"outputs":[{"text":"a"},{"text":"<think>SECRET</think>b"}]}"#,
            ],
            Self::DeepSeek => &[
                r#"{"choices":[{"text":"<think>SECRET</think>a","stop_reason":"stop"}]}"#,
                r#"{"choices":[{"text":"a","reasoning_content":"SECRET"}]}"#,
                r#"{"choices":[{"text":"a","stop_reason":"the SECRET"}]}"#,
                r#"{"choices":[{"text":"a","message":{"content":"b","reasoning_content":"SECRET"}}]}"#,
                r#"{"choices":[{"message":{"content":"<think>SECRET</think>a"},"stop_reason":"stop"}]}"#,
                r#"{"choices":[{"text":"a"}],"text":"SECRET"}"#,
            ],
            Self::Claude => &[
                r#"{"completion":"<think>SECRET</think>a","stop_reason":"stop_sequence"}"#,
                r#"{"completion":"a","stop":"SECRET"}"#,
                r#"{"completion":"SECRET","type":"thinking"}"#,
                r#"{"completion":"a","log_id":"the SECRET","model":"the SECRET"}"#,
                r#"{"completion":"a","completion":"SECRET"}"#,
            ],
            Self::Command => &[
                r#"{"generations":[{"text":"<think>SECRET</think>a","finish_reason":"COMPLETE"}],"prompt":"SECRET"}"#,
                r#"{"generations":[{"text":"a","token_likelihoods":[{"token":"SECRET","likelihood":-1}],"likelihood":-2}]}"#,
                r#"{"text":"<think>SECRET</think>a","is_finished":false}"#,
                r#"{"text":"a","is_finished":"SECRET"}"#,
                r#"{"text":"a","thinking":"SECRET"}"#,
                r#"{"is_finished":true,"response":{"generations":[{"text":"SECRET"}]}}"#,
            ],
            Self::CommandR => &[
                r#"{"response_id":"r","text":"<think>SECRET</think>a","chat_history":[{"role":"CHATBOT","message":"SECRET"}],"prompt":"SECRET"}"#,
                r#"{"response_id":"r","text":"a","meta":{"thoughts":"SECRET","billed_units":{"output_tokens":"the SECRET"}}}"#,
                r#"{"response_id":"r","text":"a","citations":[{"start":0,"end":1,"text":"SECRET","document_ids":["the SECRET"]}]}"#,
                r#"{"response_id":"r","text":"a","tool_calls":[{"name":"f","parameters":{},"thought":"SECRET"}]}"#,
                r#"{"response_id":"r","text":"a","tool_calls":"SECRET","search_queries":[{"text":"SECRET"}]}"#,
                r#"{"response_id":"r","text":"a","text":"<think>SECRET"}"#,
                r#"{"event_type":"text-generation","text":"<think>SECRET</think>a","is_finished":false}"#,
                r#"{"event_type":"text-generation","text":"SECRET","thought":true}"#,
                r#"{"event_type":"stream-end","is_finished":true,"response":{"text":"<think>SECRET</think>a","chat_history":[{"message":"SECRET"}]}}"#,
                r#"{"event_type":"stream-end","is_finished":true,"response":"SECRET"}"#,
                r#"{"event_type":"the SECRET","text":"a"}"#,
            ],
            Self::Titan => &[
                r#"{"results":[{"outputText":"<think>SECRET</think>a","completionReason":"FINISH"}]}"#,
                r#"{"results":[{"outputText":"a","outputText":"<think>SECRET"}]}"#,
                r#"{"results":["SECRET"]}"#,
                r#"{"outputText":"<think>SECRET</think>a","index":0}"#,
                r#"{"outputText":"a","results":[{"outputText":"<think>SECRET</think>"}]}"#,
                r#"{"outputText":"a","completionReason":"the SECRET","inputTextTokenCount":"the SECRET"}"#,
                r#"{"embedding":["SECRET"],"outputText":"SECRET"}"#,
            ],
        }
    }

    /// Answers and pieces that say nothing but texts and what is known.
    pub(super) fn plain(self) -> &'static [&'static str] {
        match self {
            Self::Llama => &[
                r#"{"generation":"a","prompt_token_count":3,"generation_token_count":1,"stop_reason":null}"#,
                r#"{"generation":"","prompt_token_count":null,"generation_token_count":2,"stop_reason":"stop"}"#,
            ],
            Self::Mistral => &[
                r#"{"outputs":[{"text":"a","stop_reason":null}]}"#,
                r#"{"outputs":[{"text":"","stop_reason":"stop"}],"amazon-bedrock-invocationMetrics":{"inputTokenCount":9,"outputTokenCount":8,"cacheReadInputTokenCount":0,"cacheWriteInputTokenCount":0}}"#,
            ],
            Self::DeepSeek => &[
                r#"{"choices":[{"text":"a","stop_reason":null}]}"#,
                r#"{"choices":[{"text":"","stop_reason":"length"}]}"#,
            ],
            Self::Claude => &[
                r#"{"type":"completion","completion":"a","stop_reason":null,"stop":null}"#,
                r#"{"type":"completion","completion":"","stop_reason":"max_tokens","stop":null}"#,
            ],
            Self::Command => &[
                r#"{"text":"a","is_finished":false,"index":0}"#,
                r#"{"is_finished":true,"finish_reason":"COMPLETE","index":0}"#,
            ],
            Self::CommandR => &[
                r#"{"event_type":"text-generation","text":"a","is_finished":false}"#,
                r#"{"event_type":"tool-calls-generation","is_finished":false,"tool_calls":[{"name":"f","parameters":{"a":"any thing"}}]}"#,
                r#"{"event_type":"stream-end","is_finished":true,"finish_reason":"COMPLETE","response":{"response_id":"r","text":"a","generation_id":"g","meta":{"api_version":{"version":"1"},"billed_units":{"input_tokens":3,"output_tokens":1}}}}"#,
            ],
            Self::Titan => &[
                r#"{"outputText":"a","index":0,"totalOutputTextTokenCount":null,"completionReason":null,"inputTextTokenCount":3}"#,
                r#"{"outputText":"a","index":0,"totalOutputTextTokenCount":13,"completionReason":"FINISH","inputTextTokenCount":3}"#,
            ],
        }
    }
}

/// As Amazon's guide shows them.
fn metrics() -> Value {
    json!({"inputTokenCount": 9, "outputTokenCount": 128, "invocationLatency": 3569,
        "firstByteLatency": 2180})
}
