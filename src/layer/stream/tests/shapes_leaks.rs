//! Answers that say their reasoning where no well-meant server would.

use serde_json::Value;

use super::document;
use super::responses::Done;
use super::shapes::{Shape, withheld};

const SECRET: &str = "alpha bravo charlie foxtrot echo";

/// Completions, as documents and as chunks.
const COMPLETIONS: [&str; 22] = [
    r#"{"choices":[{"index":0,"text":"<think>SECRET</think>a"}]}"#,
    r#"{"choices":[{"index":0,"text":"<think>","text":"SECRET"}]}"#,
    r#"{"choices":[{"index":0,"text":["SECRET"]}]}"#,
    r#"{"choices":[{"index":0,"te\u0078t":"<think>SECRET"}]}"#,
    r#"{"choices":[{"index":0,"text":"a","reasoning":"SECRET"}]}"#,
    r#"{"choices":[{"index":0,"text":"a","reasoning_content":"SECRET"}]}"#,
    r#"{"choices":[{"index":0,"text":"a","content":"SECRET"}]}"#,
    r#"{"choices":[{"index":0,"text":"a","logprobs":{"tokens":["SECRET"]}}]}"#,
    r#"{"choices":[{"index":0,"text":"a","logprobs":{"top_logprobs":[{"SECRET":-1}]}}]}"#,
    r#"{"choices":[{"index":0,"text":"a","prompt_logprobs":[{"1":{"decoded_token":"SECRET"}}]}]}"#,
    r#"{"choices":[{"index":0,"text":"a","stop_reason":"SECRET"}]}"#,
    r#"{"choices":[{"index":0,"text":"a","message":{"reasoning":"SECRET"}}]}"#,
    r#"{"choices":[{"index":0,"message":{"content":"<think>SECRET</think>"}}]}"#,
    r#"{"choices":[{"index":0,"text":"a","thought":true},{"index":0,"text":"SECRET","thought":true}]}"#,
    r#"{"choices":[{"index":0,"text":"a"}],"content":"SECRET"}"#,
    r#"{"content":"<think>SECRET</think>a","stop":true}"#,
    r#"{"content":"a","reasoning_content":"SECRET","stop":true}"#,
    r#"{"content":"a","tokens":["SECRET"],"completion_probabilities":[{"content":"SECRET"}],"stop":true}"#,
    r#"{"content":"a","stop":"SECRET"}"#,
    r#"{"content":"a","stop":true,"stopping_word":"SECRET"}"#,
    r#"{"content":"a","generation_settings":{"prompt":"SECRET"},"prompt":"SECRET","stop":true}"#,
    r#"{"choices":[],"text":"SECRET","output":"SECRET"}"#,
];

/// Lines of a chat, and whole answers.
const OLLAMA: [&str; 27] = [
    r#"{"message":{"role":"assistant","content":"a","thinking":"SECRET"},"done":false}"#,
    r#"{"message":{"role":"assistant","content":"a","thinking":["SECRET"]},"done":false}"#,
    r#"{"message":{"role":"assistant","content":"a","thinking":"SECRET"},"done":false}"#,
    r#"{"message":{"role":"assistant","content":"a","Thinking":"SECRET"},"done":false}"#,
    r#"{"message":{"role":"assistant","content":"a","reasoning":"SECRET"},"done":false}"#,
    r#"{"message":{"role":"assistant","content":"<think>SECRET</think>a"},"done":false}"#,
    r#"{"message":{"role":"thinker","content":"SECRET"},"done":false}"#,
    r#"{"message":{"role":"assistant","content":"SECRET","thought":true},"done":false}"#,
    r#"{"message":{"role":"assistant","content":"SECRET"},"thought":true,"done":false}"#,
    r#"{"message":{"role":"assistant","content":"a"},"message":{"thinking":"SECRET"},"done":false}"#,
    r#"{"message":{"role":"assistant","content":"a"},"thinking":"SECRET","done":false}"#,
    r#"{"message":{"role":"assistant","content":"a"},"context":["SECRET"],"done":true}"#,
    r#"{"message":{"role":"assistant","content":"a"},"logprobs":[{"token":"SECRET"}],"done":false}"#,
    r#"{"message":{"role":"assistant","content":"a"},"done":false,"done_reason":"the SECRET"}"#,
    r#"{"message":{"role":"assistant","content":"a"},"done":"SECRET"}"#,
    r#"{"message":{"role":"assistant","content":"a"},"_debug_info":{"rendered_template":"SECRET"},"done":true}"#,
    r#"{"message":{"role":"assistant","content":"a","tool_calls":[{"function":{"index":0,"name":"f","arguments":{}},"thinking":"SECRET"}]},"done":false}"#,
    r#"{"message":{"role":"assistant","content":"a","tool_calls":[{"function":{"index":"the SECRET","name":"f"}}]},"done":false}"#,
    r#"{"message":{"role":"assistant","content":"a","images":["the SECRET"]},"done":false}"#,
    r#"{"message":"SECRET","done":false}"#,
    r#"{"created_at":"the SECRET","message":{"role":"assistant","content":"a"},"done":false}"#,
    r#"{"message":{"role":"assistant","content":"a"},"eval_count":"the SECRET","done":true}"#,
    r#"{"message":{"role":"assistant","content":"a"},"total_duration":"the SECRET","done":true}"#,
    r#"{"error":"SECRET"}"#,
    r#"{"error":{"message":"SECRET"}}"#,
    r#"{"remote_model":"the SECRET","message":{"role":"assistant","content":"a"},"done":false}"#,
    r#"{"choices":[{"delta":{"content":"SECRET"}}],"done":false}"#,
];

/// The same of a completion.
const GENERATE: [&str; 8] = [
    r#"{"response":"a","thinking":"SECRET","done":false}"#,
    r#"{"response":"<think>SECRET</think>a","done":false}"#,
    r#"{"response":["SECRET"],"done":false}"#,
    r#"{"response":"a","response":"SECRET","done":false}"#,
    r#"{"response":"SECRET","thought":true,"done":false}"#,
    r#"{"response":"a","context":["SECRET"],"done":true}"#,
    r#"{"response":"a","tool_calls":[{"thinking":"SECRET"}],"done":false}"#,
    r#"{"response":"a","prompt":"SECRET","reasoning":"SECRET","done":true}"#,
];

/// Chunks of Google's, and whole answers.
const GEMINI: [&str; 27] = [
    r#"{"candidates":[{"content":{"parts":[{"text":"SECRET","thought":true},{"text":"a"}]}}]}"#,
    r#"{"candidates":[{"content":{"parts":[{"thought":true,"text":"SECRET"}]}}]}"#,
    r#"{"candidates":[{"content":{"parts":[{"text":"SECRET","thought":"true"}]}}]}"#,
    r#"{"candidates":[{"content":{"parts":[{"text":"SECRET","th\u006fught":true}]}}]}"#,
    r#"{"candidates":[{"content":{"parts":[{"text":"SECRET","thought":true,"thought":false}]}}]}"#,
    r#"{"candidates":[{"content":{"parts":[{"text":"a","text":"SECRET","thought":true}]}}]}"#,
    r#"{"candidates":[{"content":{"parts":[{"text":"<think>SECRET</think>a"}]}}]}"#,
    r#"{"candidates":[{"content":{"parts":[{"text":["SECRET"]}]}}]}"#,
    r#"{"candidates":[{"content":{"parts":[{"reasoning":"SECRET"}]}}]}"#,
    r#"{"candidates":[{"content":{"parts":["SECRET"]}}]}"#,
    r#"{"candidates":[{"content":{"parts":"SECRET"}}]}"#,
    r#"{"candidates":[{"content":{"parts":[{"text":"a","thoughtSignature":"the SECRET"}]}}]}"#,
    r#"{"candidates":[{"content":{"parts":[{"text":"a"}],"parts":[{"text":"SECRET","thought":true}]}}]}"#,
    r#"{"candidates":[{"content":{"parts":[{"text":"SECRET"}],"role":"thinking"}}]}"#,
    r#"{"candidates":[{"content":{"parts":[{"text":"SECRET"}]},"thought":true}]}"#,
    r#"{"candidates":[{"content":"SECRET"}]}"#,
    r#"{"candidates":[{"content":{"parts":[{"text":"a"}]},"finishMessage":"SECRET"}]}"#,
    r#"{"candidates":[{"content":{"parts":[{"text":"a"}]},"finishReason":"the SECRET"}]}"#,
    r#"{"candidates":[{"content":{"parts":[{"text":"a"}]},"logprobsResult":{"chosenCandidates":[{"token":"SECRET"}]}}]}"#,
    r#"{"candidates":[{"content":{"parts":[{"text":"a"}]},"groundingMetadata":{"groundingSupports":[{"segment":{"text":"SECRET"}}]}}]}"#,
    r#"{"candidates":[{"content":{"parts":[{"text":"a"}]},"groundingMetadata":{"thoughts":"SECRET"}}]}"#,
    r#"{"candidates":[{"content":{"parts":[{"functionCall":{"name":"f","args":{},"thought":"SECRET"}}]}}]}"#,
    r#"{"candidates":[{"content":{"parts":[{"text":"a"}]}}],"candidates":[{"content":{"parts":[{"text":"SECRET","thought":true}]}}]}"#,
    r#"{"candidates":[{"content":{"parts":[{"text":"a"}]}}],"promptFeedback":{"blockReasonMessage":"the SECRET"}}"#,
    r#"{"candidates":[{"content":{"parts":[{"text":"a"}]}}],"usageMetadata":{"thoughts":"the SECRET"}}"#,
    r#"{"error":{"code":500,"message":"SECRET","status":"INTERNAL","details":[{"detail":"SECRET"}]}}"#,
    r#"{"candidates":"SECRET"}"#,
];

/// Events of Amazon's, and whole answers.
const CONVERSE: [&str; 46] = [
    r#"{"contentBlockIndex":0,"delta":{"reasoningContent":{"text":"SECRET"}}}"#,
    r#"{"delta":{"reasoningContent":{"text":"SECRET"}},"contentBlockIndex":0}"#,
    r#"{"contentBlockIndex":0,"delta":{"reasoningContent":{"te\u0078t":"SECRET"}}}"#,
    r#"{"contentBlockIndex":0,"delta":{"reasoningContent":{"reasoningText":{"text":"SECRET"}}}}"#,
    r#"{"contentBlockIndex":0,"delta":{"reasoningContent":{"text":["SECRET"]}}}"#,
    r#"{"contentBlockIndex":0,"delta":{"reasoningContent":"SECRET"}}"#,
    r#"{"contentBlockIndex":0,"delta":{"reasoningContent":{"signature":"the SECRET"}}}"#,
    r#"{"contentBlockIndex":0,"delta":{"reasoningContent":{"redactedContent":"the SECRET"}}}"#,
    r#"{"contentBlockIndex":0,"delta":{"reasoningContent":{"thoughts":"SECRET"}}}"#,
    r#"{"contentBlockIndex":0,"delta":{"text":"<think>SECRET</think>a"}}"#,
    r#"{"contentBlockIndex":0,"delta":{"text":"a","text":"<think>SECRET"}}"#,
    r#"{"contentBlockIndex":0,"delta":{"text":"SECRET","type":"thinking"}}"#,
    r#"{"contentBlockIndex":0,"delta":{"text":"SECRET","thought":true}}"#,
    r#"{"contentBlockIndex":0,"delta":{"text":{"a":"SECRET"}}}"#,
    r#"{"contentBlockIndex":0,"delta":{"thinking":"SECRET"}}"#,
    r#"{"contentBlockIndex":0,"delta":"SECRET"}"#,
    r#"{"contentBlockIndex":0,"delta":{"text":"a"},"delta":{"text":"<think>SECRET"}}"#,
    r#"{"contentBlockIndex":"the SECRET","delta":{"text":"a"}}"#,
    r#"{"contentBlockIndex":0,"delta":{"text":"a"},"p":"the SECRET"}"#,
    r#"{"contentBlockIndex":0,"delta":{"text":"a"},"reasoning":"SECRET"}"#,
    r#"{"contentBlockIndex":0,"delta":{"citation":{"thoughts":"SECRET"}}}"#,
    r#"{"contentBlockIndex":0,"delta":{"citation":{"location":{"web":{"url":"the SECRET"}}}}}"#,
    r#"{"contentBlockIndex":0,"delta":{"image":{"error":{"message":"the SECRET"}}}}"#,
    r#"{"contentBlockIndex":0,"start":{"reasoningContent":{"text":"SECRET"}}}"#,
    r#"{"contentBlockIndex":0,"start":{"text":"SECRET"}}"#,
    r#"{"contentBlockIndex":0,"start":{"toolUse":{"toolUseId":"t","name":"f","thinking":"SECRET"}}}"#,
    r#"{"contentBlockIndex":0,"thinking":"SECRET"}"#,
    r#"{"role":"the SECRET"}"#,
    r#"{"stopReason":"the SECRET"}"#,
    r#"{"stopReason":"end_turn","additionalModelResponseFields":{"content":[{"thinking":"SECRET"}]}}"#,
    r#"{"usage":{"outputTokens":1,"thoughts":"SECRET"},"metrics":{"latencyMs":1}}"#,
    r#"{"usage":{"outputTokens":"the SECRET"},"metrics":{"latencyMs":"the SECRET"}}"#,
    r#"{"usage":{"outputTokens":1},"metrics":{"thoughts":"SECRET"},"serviceTier":{"type":"the SECRET"}}"#,
    r#"{"usage":{"outputTokens":1},"trace":{"guardrail":{"modelOutput":["SECRET"]}}}"#,
    r#"{"usage":{"outputTokens":1},"trace":{"guardrail":{"actionReason":"the SECRET"}}}"#,
    r#"{"usage":{"outputTokens":1},"trace":{"guardrail":{"outputAssessments":{"g":[{"automatedReasoningPolicy":{"findings":[{"valid":{"translation":{"claims":[{"naturalLanguage":"SECRET"}]}}}]}}]}}}}"#,
    r#"{"usage":{"outputTokens":1},"trace":{"guardrail":{"outputAssessments":{"g":[{"wordPolicy":{"customWords":[{"match":"the SECRET"}]}}]}}}}"#,
    r#"{"usage":{"outputTokens":1},"trace":{"guardrail":{"inputAssessment":{"the SECRET":{}}}}}"#,
    r#"{"usage":{"outputTokens":1},"trace":{"promptRouter":{"invokedModelId":"the SECRET"}}}"#,
    r#"{"output":{"message":{"role":"assistant","content":[{"reasoningContent":{"reasoningText":{"text":"SECRET","signature":"QUJD"}}},{"text":"a"}]}}}"#,
    r#"{"output":{"message":{"role":"assistant","content":[{"text":"SECRET","reasoningContent":{"reasoningText":{"text":"SECRET"}},"type":"thinking"}]}}}"#,
    r#"{"output":{"message":{"role":"assistant","content":[{"citationsContent":{"content":[{"text":"<think>SECRET</think>a"}],"citations":[{"thoughts":"SECRET"}]}}]}}}"#,
    r#"{"output":{"message":{"role":"assistant","content":"SECRET"}}}"#,
    r#"{"output":{"message":{"role":"assistant","content":[{"document":{"name":"the SECRET","source":{"text":"the SECRET"}}}]}}}"#,
    r#"{"output":{"message":{"role":"assistant","content":[{"text":"a"}]},"reasoning":"SECRET"}}"#,
    r#"{"output":{"message":"SECRET"},"message":"SECRET","additionalModelResponseFields":"SECRET"}"#,
];

/// Cohere's events, and whole messages.
const COHERE: [&str; 30] = [
    r#"{"message":{"role":"assistant","content":[{"type":"thinking","thinking":"SECRET"},{"type":"text","text":"a"}]}}"#,
    r#"{"message":{"content":[{"type":"thinking","text":"SECRET"}]}}"#,
    r#"{"message":{"content":[{"text":"SECRET"}]}}"#,
    r#"{"message":{"content":[{"type":"text","text":"<think>SECRET</think>a"}]}}"#,
    r#"{"message":{"content":[{"type":"text","text":"SECRET","thought":true}]}}"#,
    r#"{"message":{"content":[{"type":"text","text":"a","signature":"SECRET"}]}}"#,
    r#"{"message":{"content":["SECRET"]}}"#,
    r#"{"message":{"content":"SECRET"}}"#,
    r#"{"message":{"content":{"type":"text","text":"SECRET"}}}"#,
    r#"{"message":{"content":[{"type":"text","text":"a"}],"tool_plan":"SECRET"}}"#,
    r#"{"message":{"content":[{"type":"text","text":"a"}],"content":[{"type":"thinking","thinking":"SECRET"}]}}"#,
    r#"{"message":{"content":[{"type":"text","text":"a"}],"reasoning":"SECRET"}}"#,
    r#"{"message":{"content":[{"type":"text","text":"a"}],"citations":[{"start":0,"end":1,"text":"SECRET","content_index":0}]}}"#,
    r#"{"message":{"content":[{"type":"text","text":"a"}],"citations":[{"start":0,"end":1,"text":"SECRET","type":"PLAN"}]}}"#,
    r#"{"message":{"content":[{"type":"text","text":"a"}],"citations":[{"start":0,"end":1,"thinking":"SECRET"}]}}"#,
    r#"{"message":{"tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":"{}"},"plan":"SECRET"}]}}"#,
    r#"{"message":{"content":[{"type":"text","text":"a"}]},"logprobs":[{"text":"SECRET","token_ids":[1]}]}"#,
    r#"{"message":{"content":[{"type":"text","text":"a"}]},"finish_reason":"the SECRET"}"#,
    r#"{"message":"SECRET"}"#,
    r#"{"type":"content-start","index":0,"delta":{"message":{"content":{"type":"thinking","thinking":"SECRET"}}}}"#,
    r#"{"type":"content-start","index":0,"delta":{"message":{"content":{"type":"thinking","text":"SECRET"}}}}"#,
    r#"{"type":"content-delta","index":0,"delta":{"message":{"content":{"thinking":"SECRET"}}}}"#,
    r#"{"type":"content-delta","index":0,"delta":{"message":{"content":{"text":"a"}}},"logprobs":{"text":"SECRET"}}"#,
    r#"{"type":"content-whisper","index":0,"delta":{"message":{"content":{"text":"SECRET"}}}}"#,
    r#"{"type":"content-delta","index":0,"delta":{"message":{"content":"SECRET"},"text":"SECRET"}}"#,
    r#"{"type":"tool-plan-delta","delta":{"message":{"tool_plan":"SECRET"}}}"#,
    r#"{"type":"citation-start","index":0,"delta":{"message":{"citations":{"start":0,"end":1,"text":"SECRET","type":"THINKING_CONTENT"}}}}"#,
    r#"{"type":"debug","prompt":"SECRET"}"#,
    r#"{"type":"message-end","delta":{"finish_reason":"ERROR","error":"SECRET"}}"#,
    r#"{"type":"message-end","delta":{"finish_reason":"COMPLETE","usage":{"note":"SECRET","tokens":{"note":"SECRET"}}}}"#,
];

/// llama.cpp's events, and whole answers.
const LLAMA_CPP: [&str; 20] = [
    r#"{"content":"<think>SECRET</think>a","stop":true}"#,
    r#"{"content":"a","content":"<think>SECRET","stop":false}"#,
    r#"{"content":["SECRET"],"stop":false}"#,
    r#"{"cont\u0065nt":"<think>SECRET","stop":false}"#,
    r#"{"content":"a","tokens":["SECRET"],"stop":false}"#,
    r#"{"content":"a","tokens":{"SECRET":1},"stop":false}"#,
    r#"{"content":"a","completion_probabilities":[{"token":"SECRET","top_logprobs":[{"token":"SECRET"}]}],"stop":false}"#,
    r#"{"content":"a","completion_probabilities":"SECRET","stop":false}"#,
    r#"{"content":"a","prompt":"SECRET","generation_settings":{"grammar":"SECRET"},"stop":true}"#,
    r#"{"content":"a","generation_settings/prompt":"SECRET","stop":true}"#,
    r#"{"content":"a","stop":true,"stopping_word":"SECRET"}"#,
    r#"{"content":"a","stop":"SECRET"}"#,
    r#"{"content":"a","stop":true,"stop_type":"the SECRET"}"#,
    r#"{"content":"a","reasoning_content":"SECRET","stop":false}"#,
    r#"{"content":"SECRET","thought":true,"stop":false}"#,
    r#"{"content":"a","timings":{"note":"the SECRET"},"tokens_cached":"the SECRET","stop":true}"#,
    r#"{"content":"a","prompt_progress":{"note":"SECRET"},"stop":false}"#,
    r#"{"content":"a","__verbose":{"content":"SECRET"},"stop":true}"#,
    r#"{"text":"SECRET","response":"SECRET","stop":true}"#,
    r#"{"error":{"code":500,"message":"SECRET","type":"server_error","n_ctx":"SECRET"}}"#,
];

/// Tokens of text-generation-inference, and whole answers.
const TGI: [&str; 22] = [
    r#"{"token":{"id":1,"text":"<think>SECRET</think>","special":false},"generated_text":null}"#,
    r#"{"token":{"id":1,"text":"<think>SECRET</think>","special":true},"generated_text":null}"#,
    r#"{"token":{"id":1,"text":"the SECRET","special":true},"generated_text":"a"}"#,
    r#"{"token":{"id":1,"text":"<think>","text":"SECRET"},"generated_text":null}"#,
    r#"{"token":{"id":1,"text":["SECRET"]},"generated_text":null}"#,
    r#"{"token":{"id":"the SECRET","text":"a","logprob":"the SECRET"},"generated_text":null}"#,
    r#"{"token":{"id":1,"text":"a","bytes":"SECRET"},"generated_text":null}"#,
    r#"{"token":{"id":1,"text":"SECRET","thought":true},"generated_text":null}"#,
    r#"{"token":"SECRET","generated_text":null}"#,
    r#"{"token":{"id":1,"text":"a"},"top_tokens":[{"text":"SECRET"}],"generated_text":null}"#,
    r#"{"token":{"id":1,"text":"a"},"index":"the SECRET","generated_text":null}"#,
    r#"{"generated_text":"<think>SECRET</think>a"}"#,
    r#"{"generated_text":"a","generated_text":"<think>SECRET"}"#,
    r#"{"generated_text":["SECRET"]}"#,
    r#"{"generated_text":"a","details":{"tokens":[{"text":"SECRET"}],"prefill":[{"text":"SECRET"}],"top_tokens":[[{"text":"SECRET"}]]}}"#,
    r#"{"generated_text":"a","details":{"best_of_sequences":[{"generated_text":"<think>SECRET</think>b","tokens":[{"text":"SECRET"}]}]}}"#,
    r#"{"generated_text":"a","details":{"best_of_sequences":["SECRET"]}}"#,
    r#"{"generated_text":"a","details":{"finish_reason":"the SECRET","note":"SECRET"}}"#,
    r#"{"generated_text":"a","details":"SECRET"}"#,
    r#"{"generated_text":"a","reasoning":"SECRET","reasoning_content":"SECRET"}"#,
    r#"{"error":"SECRET","error_type":"the SECRET"}"#,
    r#"{"text_output":"SECRET","outputs":[{"data":["SECRET"]}]}"#,
];

/// The same of SGLang's.
const SGLANG: [&str; 12] = [
    r#"{"text":"<think>SECRET</think>a","meta_info":{"finish_reason":{"type":"stop"}}}"#,
    r#"{"text":["<think>SECRET</think>a","a"]}"#,
    r#"{"text":"a","text":"<think>SECRET"}"#,
    r#"{"text":{"a":"SECRET"}}"#,
    r#"{"text":"a","output_ids":["SECRET"]}"#,
    r#"{"text":"a","meta_info":{"output_token_logprobs":[[-1,7,"SECRET"]],"output_top_logprobs":[[[-1,7,"SECRET"]]]}}"#,
    r#"{"text":"a","meta_info":{"hidden_states":["SECRET"],"id":"the SECRET"}}"#,
    r#"{"text":"a","meta_info":{"finish_reason":{"type":"stop","matched":"SECRET"}}}"#,
    r#"{"text":"a","meta_info":{"finish_reason":{"type":"abort","message":"SECRET"}}}"#,
    r#"{"text":"a","meta_info":"SECRET"}"#,
    r#"{"text":"a","reasoning_text":"SECRET"}"#,
    r#"{"meta_info":{},"error":{"message":"SECRET"}}"#,
];

fn events(shape: Shape) -> &'static [&'static str] {
    match shape {
        Shape::Completions => &COMPLETIONS,
        Shape::OllamaChat | Shape::OllamaInline => &OLLAMA,
        Shape::OllamaGenerate => &GENERATE,
        Shape::Gemini | Shape::GeminiArray | Shape::GeminiInline => &GEMINI,
        Shape::Converse | Shape::ConverseInline | Shape::Nova => &CONVERSE,
        Shape::Invoked(form) => form.leaks(),
        Shape::LlamaCpp => &LLAMA_CPP,
        Shape::Cohere | Shape::CohereInline => &COHERE,
        Shape::Tgi => &TGI,
        Shape::Sglang => &SGLANG,
    }
}

fn tells(out: &[u8]) -> bool {
    let text = String::from_utf8_lossy(out).replace("\\u0020", " ");
    SECRET.split(' ').any(|word| text.contains(word))
}

// Break it: pass a member that no list knows, or read a text as the answer whatever says that it is none.
#[test]
fn no_event_and_no_document_tells_reasoning_that_is_withheld() {
    for shape in super::shapes::SHAPES {
        for event in events(shape) {
            let from = event.replace("SECRET", SECRET);
            let parsed: Result<Value, _> = serde_json::from_str(&from);
            assert!(parsed.is_ok(), "{from}");
            // Two members of one name are read by nobody.
            if let Ok(out) = document(shape.protocol(), shape.edits(withheld()), from.as_bytes()) {
                assert!(!tells(&out), "{shape:?} {from}\n{}", String::from_utf8_lossy(&out));
                serde_json::from_slice::<Value>(&out).unwrap();
            }
            let from = shape.framed_texts(&[from.clone(), from]);
            for cut in [1, 7, from.len()] {
                let edits = shape.edits(withheld());
                let chunks = from.chunks(cut);
                let out = super::framed_stream(shape.protocol(), shape.framing(), edits, chunks);
                let out = out.unwrap_or_default();
                assert!(!tells(&out), "{shape:?} {event}\n{}", String::from_utf8_lossy(&out));
            }
        }
    }
}

// Break it: close what is nothing.
#[test]
fn what_says_nothing_is_left_as_it_came() {
    for shape in super::shapes::SHAPES {
        let events: &[&str] = match shape {
            Shape::Completions => &[
                r#"{"id":"c","choices":[{"index":0,"text":"a","logprobs":null,"finish_reason":null,"stop_reason":null,"prompt_logprobs":null}],"usage":null}"#,
                r#"{"index":0,"content":"a","tokens":null,"stop":false,"id_slot":-1}"#,
            ],
            Shape::OllamaChat | Shape::OllamaInline => &[
                r#"{"model":"m","created_at":"2026-11-30T10:00:00.1Z","message":{"role":"assistant","content":"a","tool_calls":[{"id":"call_1","function":{"index":0,"name":"f","arguments":{"a":"any thing"}}}]},"done":false}"#,
                r#"{"model":"m","remote_model":"n","remote_host":"https://ollama.com:443","created_at":"2026-11-30T10:00:00.1Z","message":{"role":"assistant","content":""},"done":true,"done_reason":"stop","total_duration":5191566416,"load_duration":2154458,"prompt_eval_count":21,"prompt_eval_duration":383809000,"eval_count":40,"eval_duration":4799921000}"#,
            ],
            Shape::Gemini | Shape::GeminiArray | Shape::GeminiInline => &[
                r#"{"candidates":[{"content":{"parts":[{"text":"a"},{"functionCall":{"id":"c1","name":"f","args":{"a":"any thing"}},"thoughtSignature":"QUJD"}],"role":"model"},"index":0,"safetyRatings":[{"category":"HARM_CATEGORY_HATE_SPEECH","probability":"NEGLIGIBLE","blocked":false}]}],"usageMetadata":{"promptTokenCount":21,"thoughtsTokenCount":24,"totalTokenCount":45,"promptTokensDetails":[{"modality":"TEXT","tokenCount":21}],"trafficType":"ON_DEMAND"},"modelVersion":"g","responseId":"r"}"#,
                r#"{"candidates":[{"content":{"parts":[{"executableCode":{"language":"PYTHON","code":"print(1) # a b"}},{"codeExecutionResult":{"outcome":"OUTCOME_OK","output":"1 and more"}},{"inlineData":{"mimeType":"image/png","data":"AAAA"}}],"role":"model"},"finishReason":"STOP","index":0,"citationMetadata":{"citations":[{"startIndex":1,"endIndex":2,"uri":"https://a.b/c d","title":"A b"}]},"groundingMetadata":{"webSearchQueries":["a b"],"groundingChunks":[{"web":{"uri":"u","title":"A b"}}],"searchEntryPoint":{"renderedContent":"<b>a b</b>"}}}],"modelVersion":"g"}"#,
            ],
            Shape::Invoked(form) => form.plain(),
            Shape::Converse | Shape::ConverseInline | Shape::Nova => &[
                r#"{"role":"assistant"}"#,
                r#"{"contentBlockIndex":0,"delta":{"text":"a"}}"#,
                r#"{"contentBlockIndex":0,"delta":{"citation":{"title":"A b","source":"a b","sourceContent":[{"text":"as it says"}],"location":{"documentChar":{"documentIndex":0,"start":1,"end":900}}}}}"#,
                r#"{"contentBlockIndex":1,"start":{"toolUse":{"toolUseId":"tooluse_a-B","name":"f"}}}"#,
                r#"{"contentBlockIndex":1,"delta":{"toolUse":{"input":"{\"a\": \"any thing\"}"}}}"#,
                r#"{"contentBlockIndex":2,"delta":{"reasoningContent":{"signature":"QUJD"}}}"#,
                r#"{"contentBlockIndex":2}"#,
                r#"{"stopReason":"tool_use","additionalModelResponseFields":null}"#,
                r#"{"usage":{"inputTokens":21,"outputTokens":9,"totalTokens":30,"cacheReadInputTokens":0,"cacheDetails":[{"ttl":"5m","inputTokens":3}]},"metrics":{"latencyMs":921},"serviceTier":{"type":"default"},"performanceConfig":{"latency":"standard"},"trace":{"guardrail":{"inputAssessment":{"g1":{"topicPolicy":{"topics":[{"name":"Fiduciary","type":"DENY","action":"BLOCKED"}]},"invocationMetrics":{"guardrailProcessingLatency":321,"guardrailCoverage":{"textCharacters":{"guarded":19,"total":19}}}}}}}}"#,
            ],
            Shape::LlamaCpp => &[
                r#"{"index":0,"content":"a","tokens":[],"stop":false,"id_slot":-1,"tokens_predicted":1,"tokens_evaluated":3}"#,
                r#"{"index":0,"content":"","tokens":[],"id_slot":0,"stop":true,"model":"m","tokens_predicted":1,"tokens_evaluated":3,"has_new_line":false,"truncated":false,"stop_type":"eos","stopping_word":"","tokens_cached":4,"timings":{"prompt_n":3,"prompt_ms":61.5}}"#,
            ],
            Shape::Tgi => &[
                r#"{"token":{"text":"a","special":false},"generated_text":null,"details":null}"#,
                r#"{"generated_text":"a","details":{"finish_reason":"eos_token","generated_tokens":1,"seed":8432,"prefill":[],"tokens":[]}}"#,
            ],
            Shape::Cohere | Shape::CohereInline => &[
                r#"{"id":"c","type":"message-start","delta":{"message":{"role":"assistant","content":[],"tool_plan":"","tool_calls":[],"citations":[]}}}"#,
                r#"{"type":"tool-call-start","index":0,"delta":{"message":{"tool_calls":{"id":"f_8x","type":"function","function":{"name":"f","arguments":""}}}}}"#,
                r#"{"type":"tool-call-delta","index":0,"delta":{"message":{"tool_calls":{"function":{"arguments":"{\"a\":\"any thing\"}"}}}}}"#,
                r#"{"type":"tool-call-end","index":0}"#,
                r#"{"type":"content-start","index":0,"delta":{"message":{"content":{"type":"text","text":""}}}}"#,
                r#"{"type":"content-end","index":0}"#,
                r#"{"type":"message-end","id":"c","delta":{"finish_reason":"COMPLETE","usage":{"billed_units":{"input_tokens":3,"output_tokens":9},"tokens":{"input_tokens":500,"output_tokens":9},"cached_tokens":480}}}"#,
            ],
            Shape::Sglang => &[
                r#"{"text":"a","output_ids":[],"meta_info":{"id":"g","finish_reason":null,"prompt_tokens":3,"completion_tokens":1,"cached_tokens":0,"e2e_latency":0.5}}"#,
            ],
            Shape::OllamaGenerate => &[
                r#"{"model":"m","created_at":"2026-11-30T10:00:00.1Z","response":"a","done":false}"#,
                r#"{"model":"m","created_at":"2026-11-30T10:00:00.1Z","response":"","done":true,"done_reason":"load"}"#,
            ],
        };
        for event in events {
            let from = shape.framed_texts(&[(*event).to_owned()]);
            assert_eq!(shape.streamed(withheld(), &from, 9), from, "{shape:?} {event}");
            assert_eq!(shape.streamed(Done::default(), &from, 9), from, "{shape:?} {event}");
        }
    }
}

/// What of the last line tells how much was thought: all tokens again, and how long they took.
// Break it: list a member.
#[test]
fn the_last_line_tells_nothing_of_what_was_withheld() {
    let shape = Shape::OllamaGenerate;
    let last = r#"{"response":"a","done":true,"done_reason":"stop","context":[900001,900002],"logprobs":[{"token":"x","bytes":[900003]}]}"#;
    let from = shape.framed_texts(&[last.to_owned()]);
    let out = String::from_utf8(shape.streamed(withheld(), &from, 9)).unwrap();
    assert!(!out.contains("90000"), "{out}");
    let last: Value = serde_json::from_str(out.trim_end()).unwrap();
    assert_eq!((&last["context"], &last["done"]), (&Value::Null, &Value::Bool(true)));
}
