//! Names of members that rooms above speak of without reading JSON.

/// Names of members that servers take or send, sorted.
pub(crate) const KNOWN: [&str; 103] = [
    "$fields",
    "__verbose",
    "adapter_id",
    "add_generation_prompt",
    "allowed_token_ids",
    "annotations",
    "avgLogprobs",
    "background",
    "bad_words",
    "best_of",
    "best_of_sequences",
    "bytes",
    "chat_template",
    "chat_template_kwargs",
    "citations",
    "completion_probabilities",
    "container",
    "content",
    "context",
    "context_management",
    "continue_final_message",
    "custom_logit_processor",
    "data",
    "debug",
    "decoder_input_details",
    "details",
    "echo",
    "extra_args",
    "extra_body",
    "fields",
    "finishMessage",
    "generation_settings",
    "groundingMetadata",
    "guided_decoding_backend",
    "hidden_states",
    "include_reasoning",
    "include_stop_str_in_output",
    "internal_content",
    "kv_transfer_params",
    "logit_processors",
    "logits_processors",
    "logprob_start_len",
    "logprob_token_ids",
    "logprobs",
    "logprobsResult",
    "lora",
    "lora_path",
    "matched_stop",
    "mcp_servers",
    "message",
    "meta_info",
    "n",
    "n_probs",
    "no_stop_trim",
    "output_ids",
    "perf_metrics",
    "post_sampling_probs",
    "prefill",
    "prompt",
    "prompt_embeds",
    "prompt_logprobs",
    "prompt_progress",
    "prompt_text",
    "prompt_token_ids",
    "raw",
    "reasoning_format",
    "responseLogprobs",
    "response_fields",
    "return_full_text",
    "return_hidden_states",
    "return_logprob",
    "return_meta_info",
    "return_progress",
    "return_prompt_text",
    "return_prompt_token_ids",
    "return_routed_experts",
    "return_text_in_logprobs",
    "return_token_ids",
    "return_tokens",
    "return_tokens_as_token_ids",
    "routed_experts",
    "separate_reasoning",
    "session_params",
    "sglext",
    "skip_special_tokens",
    "spaces_between_special_tokens",
    "stop_reason",
    "store",
    "stream_reasoning",
    "template",
    "time_info",
    "timings",
    "timings_per_token",
    "token_ids",
    "tokens",
    "top_logprobs",
    "top_logprobs_num",
    "top_n_tokens",
    "top_tokens",
    "truncate_prompt_tokens",
    "use_beam_search",
    "verbose",
    "vllm_xargs",
];

/// The member that names the model.
pub(crate) const MODEL: &str = "model";

/// The member that asks for several choices.
pub(crate) const CHOICES: &str = "n";

/// The setting that has the answer begin with its prompt, where that stands inside of others.
pub(crate) const ECHO: &str = "return_full_text";

/// What says at which text an answer ended.
pub(crate) const STOP: &str = "stop_reason";

/// Members of a response that repeat its text token by token, beside it.
const REPEATING: [&str; 12] = [
    "completion_probabilities",
    "internal_content",
    "logprobs",
    "logprobsResult",
    "output_ids",
    "output_token_ids_logprobs",
    "output_token_logprobs",
    "output_top_logprobs",
    "token_ids",
    "tokens",
    "top_logprobs",
    "top_tokens",
];

/// The number of a token, where a text comes in tokens.
pub(crate) const TOKEN: &str = "id";

/// The member that repeats a whole conversation in tokens, when its text is out.
pub(crate) const CONTEXT: &str = "context";

/// Whether a member of this name repeats the text beside it token by token.
pub(crate) fn repeats_text(name: &str) -> bool {
    REPEATING.contains(&name)
}

/// Whether a member of this name says which model answers.
pub(crate) fn names_model(name: &str) -> bool {
    name == MODEL
}
