//! Which members of requests and answers were closed.
//!
//! The audit says so, and a member's name is whatever a client or an upstream wrote. So only names
//! that servers are known to use are told, from the table here; all others are one: `other`.

use std::fmt;

/// Names of members that servers take or send, sorted.
const KNOWN: [&str; 85] = [
    "__verbose",
    "add_generation_prompt",
    "allowed_token_ids",
    "annotations",
    "background",
    "bad_words",
    "best_of",
    "bytes",
    "chat_template",
    "chat_template_kwargs",
    "citations",
    "completion_probabilities",
    "container",
    "content",
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
    "generation_settings",
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
    "lora_path",
    "matched_stop",
    "mcp_servers",
    "message",
    "meta_info",
    "n",
    "n_probs",
    "no_stop_trim",
    "perf_metrics",
    "post_sampling_probs",
    "prompt",
    "prompt_embeds",
    "prompt_logprobs",
    "prompt_text",
    "prompt_token_ids",
    "raw",
    "reasoning_format",
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
    "time_info",
    "timings",
    "timings_per_token",
    "token_ids",
    "tokens",
    "top_logprobs",
    "top_logprobs_num",
    "top_n_tokens",
    "truncate_prompt_tokens",
    "use_beam_search",
    "verbose",
    "vllm_xargs",
];

/// What every name that is not in the table is called.
const OTHER: &str = "other";

/// A set of names out of the table: of one size, however many members a request invents.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct ClosedMembers(u128);

impl ClosedMembers {
    /// Adds a name.
    pub fn add(&mut self, name: &str) {
        let place = KNOWN.binary_search(&name).unwrap_or(KNOWN.len());
        self.0 |= 1 << place;
    }

    /// The names, sorted; `other` last.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        let names = KNOWN.into_iter().chain([OTHER]).enumerate();
        names.filter(move |(place, _)| self.0 & 1 << place != 0).map(|(_, name)| name)
    }
}

impl fmt::Debug for ClosedMembers {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_set().entries(self.names()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_has_room() {
        assert!(KNOWN.is_sorted() && KNOWN.len() < 128);
        assert!(!KNOWN.contains(&OTHER));
    }

    #[test]
    fn only_names_of_the_table_are_told() {
        let mut closed = ClosedMembers::default();
        for name in ["top_logprobs", "my secret prompt", "LOGPROBS", "", "echo", "echo"] {
            closed.add(name);
        }
        assert_eq!(closed.names().collect::<Vec<_>>(), ["echo", "top_logprobs", "other"]);
        for name in KNOWN {
            let mut one = ClosedMembers::default();
            one.add(name);
            assert_eq!(one.names().collect::<Vec<_>>(), [name]);
        }
    }
}
