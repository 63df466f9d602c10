//! A request as a harvester would send it, and what a plan makes of it.

use bytes::Bytes;
use serde::Serialize;
use serde_json::json;

use crate::countermeasure::{RequestEdits, Tally};
use crate::policy::Plan;
use crate::policy::plan::enforced;
use crate::wire::{ProtocolId, Target};

/// A sample request before and after its countermeasures: the layer's own work, not a description.
#[derive(Debug, Serialize)]
pub(super) struct Sample {
    pub(super) before: String,
    /// What the upstream gets; `None` if it is not asked.
    pub(super) after: Option<String>,
}

impl Sample {
    /// What `plan` makes of a request for `model`.
    pub(super) fn of(plan: &Plan, model: &str, protocol: ProtocolId) -> Self {
        let messages = json!([{"role": "user", "content": "Think step by step: …"}]);
        let wire = protocol.codec();
        let request = match protocol {
            ProtocolId::Chat => json!({
                "model": model, "messages": messages, "stream": true, "n": 4,
                "logprobs": true, "reasoning_effort": "high",
            }),
            ProtocolId::Messages => json!({
                "model": model, "messages": messages, "stream": true, "max_tokens": 16_000,
                "thinking": {"type": "enabled", "budget_tokens": 8_000},
            }),
            ProtocolId::Responses => json!({
                "model": model, "input": messages, "stream": true, "top_logprobs": 5,
                "reasoning": {"effort": "high", "summary": "detailed"},
            }),
            ProtocolId::Completions => json!({
                "model": model, "prompt": "Think step by step: …", "stream": true, "n": 4,
                "logprobs": 5, "echo": true,
            }),
            ProtocolId::Gemini => json!({
                "contents": [{"role": "user", "parts": [{"text": "Think step by step: …"}]}],
                "generationConfig": {
                    "candidateCount": 4, "responseLogprobs": true, "maxOutputTokens": 16_000,
                    "thinkingConfig": {"includeThoughts": true, "thinkingBudget": 8_000},
                },
            }),
            ProtocolId::Converse => json!({
                "messages": [{"role": "user", "content": [{"text": "Think step by step: …"}]}],
                "inferenceConfig": {"maxTokens": 16_000},
                "additionalModelRequestFields": {
                    "thinking": {"type": "enabled", "budget_tokens": 8_000}, "logprobs": true,
                },
                "additionalModelResponseFieldPaths": ["/content"],
            }),
            ProtocolId::Cohere => json!({
                "model": model, "messages": messages, "max_tokens": 16_000, "logprobs": true,
                "thinking": {"type": "enabled", "token_budget": 8_000},
            }),
            ProtocolId::LlamaCpp => json!({
                "prompt": "Think step by step: …", "n_predict": 16_000, "n_cmpl": 4, "n_probs": 5,
                "return_tokens": true, "stream": true,
            }),
            ProtocolId::Tgi => json!({
                "inputs": "Think step by step: …", "parameters": {
                    "max_new_tokens": 16_000, "best_of": 4, "details": true, "top_n_tokens": 5,
                    "decoder_input_details": true,
                },
            }),
            ProtocolId::Invoke => json!({
                "anthropic_version": "bedrock-2023-05-31", "messages": messages,
                "max_tokens": 16_000, "thinking": {"type": "enabled", "budget_tokens": 8_000},
            }),
            ProtocolId::Ollama => json!({
                "model": model, "messages": messages, "think": "high", "logprobs": true,
                "options": {"num_predict": 16_000},
            }),
        };
        let before = request.to_string();
        let after = if enforced(&plan.refuse).is_some() {
            None
        } else {
            let body = Bytes::from(before.clone());
            let scanned = wire.scan_request(Target::default(), &body).ok();
            scanned.and_then(|scanned| {
                let counts = &mut Tally::default();
                let edits = RequestEdits::of(plan, wire, &scanned, None, counts).ok()?.edits;
                let body = edits.apply(&scanned.target, body).body;
                Some(String::from_utf8_lossy(&body).into_owned())
            })
        };
        Self { before, after }
    }
}
