//! Members of requests by which servers say more than an answer, each asked for on every protocol that knows it:
//! where the policy closes it, and where it reaches the server as it was asked and the server answers with all
//! that it has.

use guilloche::wire::{ProtocolId, ServerKind, Verdict};
use http::Method;
use serde_json::{Value, json};

use super::planted::Planted;
use super::{Hunt, Withheld, example};

/// What a request asks for, beside what it must have.
type Flag = (&'static str, Value);

/// Members of Chat Completions and of what is spoken like them.
fn of_chat() -> Vec<Flag> {
    vec![
        ("logprobs", json!(true)),
        ("top_logprobs", json!(20)),
        ("prompt_logprobs", json!(1)),
        ("return_token_ids", json!(true)),
        ("return_tokens_as_token_ids", json!(true)),
        ("return_hidden_states", json!(true)),
        ("return_routed_experts", json!(true)),
        ("echo", json!(true)),
        ("include_reasoning", json!(true)),
        ("include_obfuscation", json!(true)),
        (
            "stream_options",
            json!({"include_usage": true, "continuous_usage_stats": true, "include_obfuscation": true}),
        ),
        ("separate_reasoning", json!(false)),
        ("stream_reasoning", json!(true)),
        ("reasoning_format", json!("none")),
        ("reasoning", json!({"effort": "high", "exclude": false})),
        ("skip_special_tokens", json!(false)),
        ("spaces_between_special_tokens", json!(true)),
        ("chat_template", json!("{{ messages }}")),
        ("chat_template_kwargs", json!({"enable_thinking": true})),
        ("add_generation_prompt", json!(false)),
        ("preserved_tokens", json!(["<think>"])),
        ("verbose", json!(true)),
        ("timings_per_token", json!(true)),
        ("return_progress", json!(true)),
        ("store", json!(true)),
        ("n", json!(1)),
        ("transforms", json!(["middle-out"])),
        ("extra_body", json!({"return_token_ids": true})),
    ]
}

/// The members of each protocol that open something.
fn flags(protocol: ProtocolId) -> Vec<Flag> {
    match protocol {
        ProtocolId::Chat => of_chat(),
        ProtocolId::Completions => {
            let mut flags = of_chat();
            flags.retain(|(name, _)| *name != "logprobs");
            let own = [
                ("logprobs", json!(5)),
                ("best_of", json!(1)),
                ("suffix", json!("x")),
                ("n_probs", json!(5)),
            ];
            flags.extend(own);
            flags
        }
        ProtocolId::Responses => vec![
            ("include", json!(["reasoning.encrypted_content", "message.output_text.logprobs"])),
            ("top_logprobs", json!(20)),
            ("reasoning", json!({"effort": "high", "summary": "detailed"})),
            ("stream_options", json!({"include_obfuscation": true})),
            ("enable_response_messages", json!(true)),
            ("background", json!(true)),
            ("store", json!(true)),
            ("include_reasoning", json!(true)),
        ],
        ProtocolId::Messages => vec![
            ("thinking", json!({"type": "enabled", "budget_tokens": 50, "display": "summarized"})),
            ("output_config", json!({"effort": "max"})),
            ("chat_template_kwargs", json!({"enable_thinking": true})),
            ("return_token_ids", json!(true)),
        ],
        ProtocolId::Ollama => vec![
            ("think", json!(true)),
            ("logprobs", json!(true)),
            ("top_logprobs", json!(5)),
            ("raw", json!(true)),
            ("template", json!("{{ .Prompt }}")),
            ("context", json!([1, 2])),
            ("_debug_render_only", json!(true)),
        ],
        ProtocolId::Gemini => vec![(
            "generationConfig",
            json!({"responseLogprobs": true, "logprobs": 5, "candidateCount": 1,
                "thinkingConfig": {"includeThoughts": true, "thinkingBudget": -1}}),
        )],
        ProtocolId::Converse => vec![
            ("additionalModelResponseFieldPaths", json!(["/thinking", "/logprobs"])),
            (
                "additionalModelRequestFields",
                json!({"thinking": {"type": "enabled", "budget_tokens": 50}}),
            ),
            ("guardrailConfig", json!({"trace": "enabled_full"})),
        ],
        ProtocolId::Invoke => vec![
            ("thinking", json!({"type": "enabled", "budget_tokens": 50})),
            ("return_likelihoods", json!("ALL")),
            ("return_prompt", json!(true)),
            ("logprobs", json!(5)),
        ],
        ProtocolId::LlamaCpp => vec![
            ("n_probs", json!(10)),
            ("post_sampling_probs", json!(true)),
            ("return_tokens", json!(true)),
            ("response_fields", json!(["content", "generation_settings/prompt"])),
            ("timings_per_token", json!(true)),
            ("return_progress", json!(true)),
            ("preserved_tokens", json!(["<think>"])),
            ("n_cmpl", json!(1)),
        ],
        ProtocolId::Tgi => vec![
            (
                "parameters",
                json!({"details": true, "decoder_input_details": true, "return_full_text": true,
                    "top_n_tokens": 5, "best_of": 1}),
            ),
            ("return_logprob", json!(true)),
            ("return_hidden_states", json!(true)),
            ("top_logprobs_num", json!(5)),
            ("return_text_in_logprobs", json!(true)),
        ],
        ProtocolId::Cohere => vec![
            ("logprobs", json!(true)),
            ("raw_prompting", json!(true)),
            ("thinking", json!({"type": "enabled", "token_budget": 50})),
            ("return_prompt", json!(true)),
        ],
        other => panic!("nobody knows what {} is asked for", other.name()),
    }
}

/// What a request must have.
fn least(protocol: ProtocolId) -> Value {
    match protocol {
        ProtocolId::Completions | ProtocolId::LlamaCpp => json!({"model": "m", "prompt": "x"}),
        ProtocolId::Responses => json!({"model": "m", "input": "x"}),
        ProtocolId::Gemini => json!({"contents": [{"role": "user", "parts": [{"text": "x"}]}]}),
        ProtocolId::Converse => json!({"messages": [{"role": "user", "content": [{"text": "x"}]}]}),
        ProtocolId::Invoke => {
            json!({"max_tokens": 100, "messages": [{"role": "user", "content": "x"}]})
        }
        ProtocolId::Tgi => json!({"inputs": "x"}),
        _ => {
            json!({"model": "m", "max_tokens": 100, "messages": [{"role": "user", "content": "x"}]})
        }
    }
}

/// A document and a stream in which the reasoning stands in members, and the same in the text.
fn some(all: Vec<Planted>) -> Vec<String> {
    let mut names: Vec<String> = all.into_iter().map(|it| it.name).collect();
    names.retain(|name| !name.contains("sglang"));
    let inline = |name: &String| name.contains(", think,");
    let (mut own, in_text): (Vec<_>, Vec<_>) = names.into_iter().partition(|name| !inline(name));
    own.truncate(4);
    own.into_iter().chain(in_text.into_iter().take(2)).collect()
}

/// How many flags reach the server as they were asked.
async fn hunt(withheld: Withheld) -> usize {
    let mut hunt = Hunt::before(ServerKind::Custom, withheld).await;
    let (mut reached, mut asked) = (0, 0);
    for listed in ServerKind::Custom.routes() {
        let Verdict::Read(protocol) = listed.verdict else { continue };
        let path = example(&listed, "/v1");
        let mut all = least(protocol);
        for (name, value) in flags(protocol) {
            all[name] = value;
        }
        let mut bodies: Vec<(&str, Value)> = vec![("all of them", all)];
        for (name, value) in flags(protocol) {
            let mut body = least(protocol);
            body[name] = value;
            bodies.push((name, body));
        }
        for (flag, body) in bodies {
            for case in some(withheld.answers(protocol)) {
                hunt.upstream.take_seen();
                hunt.ask_for(&Method::POST, &path, &case, &body.to_string()).await;
                asked += 1;
                let seen = hunt.upstream.take_seen();
                let sent =
                    seen.first().and_then(|it| serde_json::from_slice::<Value>(&it.body).ok());
                reached += usize::from(
                    sent.is_some_and(|sent| sent[flag] == body[flag] && !body[flag].is_null()),
                );
            }
        }
        hunt.upstream.settled().await;
    }
    let (_, told) = hunt.end().await;
    assert!(told.is_empty(), "{} of {asked} tell:\n{}", told.len(), told.join("\n"));
    reached
}

// Break it: let log-probabilities through where only the reasoning is withheld.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_of_it_comes_whatever_a_request_asks_for_besides() {
    let gone = hunt(Withheld::Gone).await;
    let alone = hunt(Withheld::Alone).await;
    hunt(Withheld::Sealed).await;
    // What is asked for is closed where that is the policy, and is put to the server where it is not.
    assert!(gone < alone, "{gone} and {alone} reach the server");
}
