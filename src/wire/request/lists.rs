//! Which members of a request a policy acts on, which open no way round, and which depend on what
//! they say.

use crate::wire::json::{Kind, Reader};

/// A protocol's names of request members.
pub(in crate::wire) struct Lists {
    /// Members that the policy may act on.
    pub(in crate::wire) governed: &'static [&'static str],
    /// Members that open no way round.
    pub(in crate::wire) allowed: &'static [&'static str],
}

impl Lists {
    pub(super) fn govern(&self, name: &[u8]) -> bool {
        self.governed.iter().any(|governed| governed.as_bytes() == name)
    }

    /// Whether a member opens no way round, whatever it says or by what it says.
    pub(super) fn pass(&self, name: &str, value: &[u8]) -> bool {
        self.governed.contains(&name) || self.allowed.contains(&name) || closes(name, value)
    }
}

/// Switches that open a way round in one position and close it in the other: the position that
/// closes. It is kept, since whoever sets it wants less, and a server's own position may be the
/// other.
const CLOSED: [(&str, &str); 15] = [
    ("add_generation_prompt", "true"),
    ("continue_final_message", "false"),
    ("echo", "false"),
    ("enable_thinking", "false"),
    ("include_reasoning", "false"),
    ("include_thoughts", "false"),
    ("logprobs", "false"),
    ("reasoning_format", "\"hidden\""),
    ("return_hidden_states", "false"),
    ("return_token_ids", "false"),
    ("return_tokens_as_token_ids", "false"),
    ("skip_special_tokens", "true"),
    ("store", "false"),
    ("think", "false"),
    ("think", "\"none\""),
];

/// Arguments of chat templates that turn reasoning off where they are `false`.
const TEMPLATE_SWITCHES: [&str; 2] = ["enable_thinking", "thinking"];

/// Whether a member of this name closes a way round by its value. Only the plain spelling of it
/// does: what a server makes of `"false"` or `0.0` is not known.
fn closes(name: &str, value: &[u8]) -> bool {
    if name == "chat_template_kwargs" {
        return switches_off(value);
    }
    CLOSED.iter().any(|(known, closed)| *known == name && closed.as_bytes() == value)
}

/// Whether arguments of a chat template do nothing but turn reasoning off.
fn switches_off(value: &[u8]) -> bool {
    let mut off = true;
    let read = Reader::new(value).document(|reader| {
        off &= reader.kind()? == Kind::Object;
        reader.members(|reader, key| {
            let known = TEMPLATE_SWITCHES.iter().any(|name| key.is(name));
            let span = reader.skip()?;
            off &= known && value.get(span) == Some(b"false");
            Ok(())
        })
    });
    read.is_ok() && off
}

/// Members, known from servers or gateways, that set a model, a cap or an effort beside the
/// protocol's own: what a downgrade governs, it has to govern alone.
const OVERRIDES: [&str; 25] = [
    "budget_tokens",
    "chat_template_kwargs",
    "effort",
    "enable_thinking",
    "extra_body",
    "fallbacks",
    "generation_config",
    "generationconfig",
    "google",
    "include_thoughts",
    "max_gen_toks",
    "max_length",
    "max_new_tokens",
    "max_output_tokens",
    "max_thinking_tokens",
    "models",
    "n_predict",
    "num_predict",
    "parameters",
    "reasoning_budget",
    "route",
    "sampling_params",
    "think",
    "thinking_budget",
    "thinking_config",
];

/// Whether a member, its name in folded case, sets what a downgrade governs.
pub(super) fn overrides(folded: &str, value: &[u8]) -> bool {
    OVERRIDES.contains(&folded) && !closes(folded, value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_switch_is_kept_in_the_position_that_closes_and_in_no_other() {
        for (name, value, kept) in [
            ("enable_thinking", "false", true),
            ("enable_thinking", "true", false),
            ("enable_thinking", "\"false\"", false),
            ("include_reasoning", "false", true),
            ("separate_reasoning", "false", false),
            ("skip_special_tokens", "false", false),
            ("reasoning_format", "\"hidden\"", true),
            ("reasoning_format", "\"raw\"", false),
            ("chat_template_kwargs", "{\"enable_thinking\": false}", true),
            ("chat_template_kwargs", "{\"thinking\":false,\"enable_thinking\":false}", true),
            ("chat_template_kwargs", "{\"enable_thinking\":false,\"x\":1}", false),
            ("chat_template_kwargs", "{\"enable_thinking\":true}", false),
            ("chat_template_kwargs", "\"x\"", false),
        ] {
            assert_eq!(closes(name, value.as_bytes()), kept, "{name}: {value}");
        }
    }
}
