//! Which members of a request a policy acts on, which open no way round, and which depend on what
//! they say.

use crate::wire::governed::OPTIONS;
use crate::wire::json::{Error, Kind, Reader};

/// A protocol's names of request members.
pub(in crate::wire) struct Lists {
    /// Members that the policy may act on.
    pub(in crate::wire) governed: &'static [&'static str],
    /// Members that open no way round, in lists of which others may be another protocol's.
    pub(in crate::wire) allowed: &'static [&'static [&'static str]],
    /// The object of the top level in which the protocol has its settings, if that has them, by all of its
    /// names.
    pub(in crate::wire) holders: &'static [&'static str],
    /// Settings in it that open no way round, besides those that are governed.
    pub(in crate::wire) settings: &'static [&'static str],
    /// A member `format` gives the answer its form.
    pub(in crate::wire) formed_by_format: bool,
    /// A request that does not say whether the answer is streamed gets a stream.
    pub(in crate::wire) streams_unasked: bool,
    /// A member that lists what the answer is to have besides, and what of that opens no way round.
    pub(in crate::wire) extras: Option<(&'static str, &'static [&'static str])>,
}

impl Lists {
    /// None of them.
    pub(in crate::wire) const NONE: Self = Self {
        governed: &[],
        allowed: &[],
        holders: &[],
        settings: &[],
        formed_by_format: false,
        streams_unasked: false,
        extras: None,
    };

    /// Whether requests of the protocol have a member of this name.
    pub(super) fn know(&self, name: &str) -> bool {
        self.governed.contains(&name) || self.allowed.iter().any(|allowed| allowed.contains(&name))
    }

    pub(super) fn govern(&self, name: &[u8]) -> bool {
        self.governed.iter().any(|governed| governed.as_bytes() == name)
    }

    /// Whether anything in an object is read: that of the protocol's own, or one that is read whatever
    /// the protocol.
    pub(super) fn reads(&self, holder: &str) -> bool {
        const ANY: [&str; 4] = [OPTIONS, "output_config", "reasoning", "thinking"];
        ANY.contains(&holder) || self.holders.contains(&holder)
    }

    /// Whether a member opens no way round, whatever it says or by what it says.
    pub(super) fn pass(&self, name: &str, value: &[u8]) -> bool {
        let extras = || self.extras_left(name, value).is_some_and(|(_, all)| all);
        self.know(name) || closes(name, value) || extras()
    }

    /// What is left of a member's value when all goes that opens a way round, if anything is.
    pub(super) fn narrowed(&self, name: &str, value: &[u8]) -> Option<Vec<u8>> {
        narrowed(name, value).or_else(|| self.extras_left(name, value).map(|(list, _)| list))
    }

    /// The same of the list of extras, and whether that is all of it.
    fn extras_left(&self, name: &str, value: &[u8]) -> Option<(Vec<u8>, bool)> {
        let (_, known) = self.extras.filter(|(extras, _)| *extras == name)?;
        let (mut list, mut all) = (Vec::new(), true);
        let read = Reader::new(value).document(|reader| {
            all &= reader.kind()? == Kind::Array;
            reader.elements(|reader, _| {
                let entry = reader.name()?;
                let keeps = entry.as_ref().is_some_and(|(_, it)| known.contains(&it.as_str()));
                all &= keeps;
                list.extend(entry.filter(|_| keeps).map(|(_, name)| format!("\"{name}\"")));
                Ok(())
            })
        });
        read.ok()?;
        Some((format!("[{}]", list.join(",")).into_bytes(), all))
    }
}

/// Switches that open a way round in one position and close it in the other: the position that
/// closes. It is kept, since whoever sets it wants less, and a server's own position may be the
/// other.
const CLOSED: [(&str, &str); 40] = [
    ("add_generation_prompt", "true"),
    ("background", "false"),
    ("continue_final_message", "false"),
    ("decoder_input_details", "false"),
    ("disable_reasoning", "true"),
    ("echo", "false"),
    ("enable_thinking", "false"),
    // As `thinking` and efforts do, which stay: without it some models stop thinking in silence.
    ("enable_thinking", "true"),
    ("include_reasoning", "false"),
    ("include_thoughts", "false"),
    ("logprobs", "false"),
    ("logprobs", "null"),
    ("n_probs", "0"),
    ("post_sampling_probs", "false"),
    ("prompt_logprobs", "null"),
    ("raw", "false"),
    ("raw", "null"),
    ("reasoning_budget", "0"),
    // Members of their own, which are read. Without it the reasoning may stand in the text.
    ("reasoning_format", "\"auto\""),
    ("reasoning_format", "\"deepseek\""),
    ("reasoning_format", "\"hidden\""),
    ("reasoning_format", "\"parsed\""),
    ("return_full_text", "false"),
    ("return_hidden_states", "false"),
    ("return_logprob", "false"),
    ("return_progress", "false"),
    ("return_token_ids", "false"),
    ("return_tokens", "false"),
    ("return_tokens_as_token_ids", "false"),
    ("separate_reasoning", "true"),
    ("skip_special_tokens", "true"),
    ("store", "false"),
    ("stream_reasoning", "false"),
    ("think", "\"none\""),
    ("think", "false"),
    ("think", "null"),
    ("thinking_budget", "0"),
    ("timings_per_token", "false"),
    // `0` is left out: some refuse it without `logprobs`, which goes.
    ("top_logprobs", "null"),
    ("use_beam_search", "false"),
];

/// Members in which servers and gateways take further ones.
const CONTAINERS: [&str; 4] = ["chat_template_kwargs", "extra_body", "google", "thinking_config"];

/// What turns reasoning off in one of them, or leaves out that of earlier turns.
const CLOSED_INSIDE: [(&str, &str); 9] = [
    ("clear_thinking", "true"),
    ("enable_thinking", "false"),
    ("include_reasoning", "false"),
    ("include_thoughts", "false"),
    ("reasoning_budget", "0"),
    ("reasoning_effort", "\"none\""),
    ("think", "false"),
    ("thinking", "false"),
    ("thinking_budget", "0"),
];

/// The arguments of a chat template.
const TEMPLATE: &str = "chat_template_kwargs";

/// What else bounds reasoning, or asks for it as a member of the top level may, in arguments of a
/// chat template.
const TEMPLATE_KEPT: [(&str, &str); 8] = [
    ("enable_thinking", "true"),
    ("reasoning_effort", "\"minimal\""),
    ("reasoning_effort", "\"low\""),
    ("reasoning_effort", "\"medium\""),
    ("reasoning_effort", "\"high\""),
    ("reasoning_effort", "\"xhigh\""),
    ("reasoning_effort", "\"max\""),
    ("thinking", "true"),
];

/// A cap on reasoning.
pub(in crate::wire) const BUDGET: &str = "thinking_budget";

/// Whether a value of [`BUDGET`] is a bound to every server: less than none is none to some.
pub(in crate::wire) fn is_budget(value: &[u8]) -> bool {
    value.len() <= 9 && value != b"0" && value.iter().all(u8::is_ascii_digit)
}

/// How deep they are looked into: `extra_body`, `google`, `thinking_config`.
const DEPTH: usize = 3;

/// What takes the place of a setting that opens a way round, or may: its position that closes, where it is
/// a switch, or nothing. Elsewhere a setting of that name may be a number.
pub(super) fn closed_setting(name: &str, value: &[u8]) -> &'static str {
    let is_switch = matches!(value, b"true" | b"false");
    let position = CLOSED.iter().find(|(known, _)| is_switch && *known == name);
    position.map_or("null", |(_, closed)| *closed)
}

/// Whether a setting stands in the position that closes.
pub(super) fn is_closed(name: &str, value: &[u8]) -> bool {
    value == b"null" || is_in(&CLOSED, name.as_bytes(), value)
}

fn is_in(table: &[(&str, &str)], name: &[u8], value: &[u8]) -> bool {
    table.iter().any(|(known, said)| known.as_bytes() == name && said.as_bytes() == value)
}

/// Whether a member of this name closes a way round by its value. Only the plain spelling of it
/// does: what a server makes of `"false"` or `0.0` is not known.
fn closes(name: &str, value: &[u8]) -> bool {
    let all = || ClosingPart::of(name, value, DEPTH).is_ok_and(|part| part.is_all);
    is_in(&CLOSED, name.as_bytes(), value)
        || name == BUDGET && is_budget(value)
        || is_container(name) && all()
}

/// What is left of a member's value when all goes that does not turn reasoning off or bound it, if
/// anything is: without that the model would reason.
fn narrowed(name: &str, value: &[u8]) -> Option<Vec<u8>> {
    // Asked first: to see what is left, the value is read through.
    let part = is_container(name).then(|| ClosingPart::of(name, value, DEPTH).ok()).flatten()?;
    (part.object != b"{}").then_some(part.object)
}

/// Whether a member of the top level holds others.
fn is_container(name: &str) -> bool {
    matches!(name, "chat_template_kwargs" | "extra_body")
}

/// What turns reasoning off, or bounds it, in a value that holds members.
struct ClosingPart {
    /// An object of nothing else.
    object: Vec<u8>,
    /// There is nothing else.
    is_all: bool,
}

impl ClosingPart {
    fn of(container: &str, value: &[u8], depth: usize) -> Result<Self, Error> {
        let keeps = |name: &[u8], said: &[u8]| {
            is_in(&CLOSED_INSIDE, name, said)
                || container == TEMPLATE
                    && (is_in(&TEMPLATE_KEPT, name, said)
                        || name == BUDGET.as_bytes() && is_budget(said))
        };
        let mut part = Self { object: b"{".to_vec(), is_all: true };
        Reader::new(value).document(|reader| {
            part.is_all &= reader.kind()? == Kind::Object;
            reader.members(|reader, key| {
                let span = reader.skip()?;
                let said = value.get(span.clone()).unwrap_or_default();
                let inside = CONTAINERS.into_iter().find(|name| depth > 1 && key.is(name));
                let kept = if let Some(inside) = inside {
                    let inside = Self::of(inside, said, depth - 1)?;
                    part.is_all &= inside.is_all;
                    Some(inside.object).filter(|object| object != b"{}")
                } else {
                    let keeps = keeps(&key.name(), said);
                    part.is_all &= keeps;
                    keeps.then(|| said.to_vec())
                };
                if let Some(kept) = kept {
                    if part.object.len() > 1 {
                        part.object.push(b',');
                    }
                    let named = value.get(key.start..span.start).unwrap_or_default();
                    part.object.extend_from_slice(named);
                    part.object.extend(kept);
                }
                Ok(())
            })
        })?;
        part.object.push(b'}');
        Ok(part)
    }
}

/// Members, known from servers or gateways, that set a model, a cap or an effort beside the
/// protocol's own: what a downgrade governs, it has to govern alone.
const OVERRIDES: [&str; 30] = [
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
    "max_completion_tokens",
    "max_gen_toks",
    "max_length",
    "max_new_tokens",
    "max_output_tokens",
    "max_thinking_tokens",
    "max_tokens",
    "models",
    "n_predict",
    "num_predict",
    "parameters",
    "reasoning_budget",
    "reasoning_effort",
    "route",
    "sampling_params",
    "think",
    "thinking",
    "thinking_budget",
    "thinking_config",
    "thinking_token_budget",
];

/// What of them says no more than that there is to be no reasoning. A budget of none, or an effort
/// of none, is not among them: beside what a downgrade sets, some take either for none said.
const NO_OVERRIDES: [(&str, &str); 4] = [
    ("enable_thinking", "false"),
    ("include_thoughts", "false"),
    ("think", "\"none\""),
    ("think", "false"),
];

/// Arguments of chat templates of which the same is true.
const TEMPLATE_SWITCHES: [(&str, &str); 3] =
    [("clear_thinking", "true"), ("enable_thinking", "false"), ("thinking", "false")];

/// Whether a member, its name in folded case, sets what a downgrade governs.
pub(in crate::wire) fn overrides(folded: &str, value: &[u8]) -> bool {
    let off = match folded {
        "chat_template_kwargs" => switches_off(value),
        _ => is_in(&NO_OVERRIDES, folded.as_bytes(), value),
    };
    OVERRIDES.contains(&folded) && !off
}

/// Whether arguments of a chat template do nothing but turn reasoning off.
fn switches_off(value: &[u8]) -> bool {
    let mut off = true;
    let read = Reader::new(value).document(|reader| {
        off &= reader.kind()? == Kind::Object;
        reader.members(|reader, key| {
            let span = reader.skip()?;
            off &= is_in(&TEMPLATE_SWITCHES, &key.name(), value.get(span).unwrap_or_default());
            Ok(())
        })
    });
    read.is_ok() && off
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_switch_is_kept_in_the_position_that_closes_and_in_no_other() {
        for (name, value, kept) in [
            ("enable_thinking", "false", true),
            ("enable_thinking", "true", true),
            ("enable_thinking", "\"false\"", false),
            ("include_reasoning", "false", true),
            ("separate_reasoning", "true", true),
            ("separate_reasoning", "false", false),
            ("skip_special_tokens", "false", false),
            ("skip_special_tokens", "null", false),
            ("reasoning_format", "\"hidden\"", true),
            ("reasoning_format", "\"parsed\"", true),
            ("reasoning_format", "\"raw\"", false),
            ("reasoning_format", "\"none\"", false),
            ("thinking_budget", "0", true),
            ("thinking_budget", "-1", false),
            ("thinking_budget", "100", true),
            ("thinking_budget", "1e9", false),
            ("thinking_budget", "\"100\"", false),
            ("chat_template_kwargs", "{\"enable_thinking\": false}", true),
            ("chat_template_kwargs", "{\"thinking\":false,\"enable_thinking\":false}", true),
            ("chat_template_kwargs", "{\"enable_thinking\":false,\"x\":1}", false),
            ("chat_template_kwargs", "{\"enable_thinking\":true,\"thinking_budget\":9}", true),
            ("chat_template_kwargs", "{\"reasoning_effort\":\"low\"}", true),
            ("chat_template_kwargs", "{\"reasoning_effort\":\"x\"}", false),
            ("extra_body", "{\"enable_thinking\":true}", false),
            ("chat_template_kwargs", "\"x\"", false),
            ("extra_body", "{\"google\":{\"thinking_config\":{\"thinking_budget\":0}}}", true),
            ("extra_body", "{\"google\":{\"thinking_config\":{\"thinking_budget\":1}}}", false),
            ("extra_body", "{\"google\":7}", false),
            ("extra_body", "{\"extra_body\":{\"google\":{\"google\":{}}}}", false),
        ] {
            assert_eq!(closes(name, value.as_bytes()), kept, "{name}: {value}");
        }
    }

    #[test]
    fn what_turns_reasoning_off_is_kept_of_a_member_that_holds_more() {
        for (name, value, left) in [
            (
                "chat_template_kwargs",
                r#"{"x":1, "enable_thinking" : false}"#,
                Some(r#"{"enable_thinking" : false}"#),
            ),
            (
                "extra_body",
                r#"{"model":"big","chat_template_kwargs":{"thinking":false,"y":[]},"think":false}"#,
                Some(r#"{"chat_template_kwargs":{"thinking":false},"think":false}"#),
            ),
            (
                "chat_template_kwargs",
                r#"{"enable_thinking":1,"enable_th\u0069nking":false}"#,
                Some(r#"{"enable_th\u0069nking":false}"#),
            ),
            ("chat_template_kwargs", r#"{"enable_thinking":1}"#, None),
            ("chat_template_kwargs", "[]", None),
            ("extra_body", r#"{"google":{"thinking_config":{"x":1}}}"#, None),
            ("options", r#"{"think":false}"#, None),
        ] {
            let left = left.map(str::to_owned);
            let told = narrowed(name, value.as_bytes());
            assert_eq!(told.map(|told| String::from_utf8(told).unwrap()), left, "{value}");
        }
    }

    #[test]
    fn a_downgrade_governs_alone_whatever_turns_reasoning_off() {
        for (name, value, set) in [
            ("thinking_budget", "0", true),
            ("think", "null", true),
            ("think", "false", false),
            ("extra_body", r#"{"enable_thinking":false}"#, true),
            ("chat_template_kwargs", r#"{"reasoning_effort":"none"}"#, true),
            ("chat_template_kwargs", r#"{"enable_thinking":false}"#, false),
            ("temperature", "1", false),
        ] {
            assert_eq!(overrides(name, value.as_bytes()), set, "{name}: {value}");
        }
    }
}
