//! What may be changed in a chat request.

use crate::wire::json::{Edit, Error, Kind, Reader};
use crate::wire::member_names::MODEL;
use crate::wire::prefill::{self, LastMessage};
use crate::wire::request::lists::is_budget;
use crate::wire::request::{AskedEffort, EffortSaid, Lists, Request, SettingPlace, Thinking};
use crate::wire::target::Target;

/// Members that open no way round, which servers take in other protocols of completions, too.
// Left out on purpose, because each re-opens a way round unless it is off: logprobs, top_logprobs,
// prompt_logprobs, echo, return_token_ids, return_tokens_as_token_ids, return_hidden_states,
// skip_special_tokens, include_reasoning, separate_reasoning, stream_reasoning,
// reasoning_format, chat_template, chat_template_kwargs, add_generation_prompt,
// continue_final_message, store; models, because a list of fallbacks goes round the model map;
// preserved_tokens, which brings raw tags back.
pub(in crate::wire) const ALLOWED: [&str; 95] = [
    "agent_id",
    "allowed_token_ids",
    "audio",
    "bad_words",
    "cache_prompt",
    "cache_salt",
    "citation_options",
    "do_sample",
    "documents",
    "dry_allowed_length",
    "dry_base",
    "dry_multiplier",
    "dry_penalty_last_n",
    "dry_sequence_breakers",
    "dynatemp_exponent",
    "dynatemp_range",
    "ebnf",
    "enable_search",
    "format",
    "frequency_penalty",
    "function_call",
    "functions",
    "grammar",
    "grammar_lazy",
    "grammar_triggers",
    "grounding",
    "guided_choice",
    "guided_decoding_backend",
    "guided_grammar",
    "guided_json",
    "guided_regex",
    "guided_whitespace_pattern",
    "ignore_eos",
    "json_schema",
    "keep_alive",
    "length_penalty",
    "logit_bias",
    "metadata",
    "min_p",
    "min_tokens",
    "mirostat",
    "mirostat_eta",
    "mirostat_tau",
    "modalities",
    "n_keep",
    "no_repeat_ngram_size",
    "options",
    "parallel_tool_calls",
    "plugins",
    "prediction",
    "presence_penalty",
    "priority",
    "prompt_cache_key",
    "prompt_cache_retention",
    "prompt_mode",
    "provider",
    "random_seed",
    "regex",
    "repeat_last_n",
    "repeat_penalty",
    "repetition_penalty",
    "request_id",
    "response_format",
    "safe_prompt",
    "safety_identifier",
    "samplers",
    "search_domain_filter",
    "search_mode",
    "search_parameters",
    "seed",
    "service_tier",
    "session_id",
    "stop",
    "stop_token_ids",
    "structural_tag",
    "structured_outputs",
    "temperature",
    "tfs_z",
    "tool_choice",
    "tool_stream",
    "tools",
    "top_a",
    "top_k",
    "top_n_sigma",
    "top_p",
    "transforms",
    "truncate_prompt_tokens",
    "typical_p",
    "usage",
    "user",
    "verbosity",
    "web_search",
    "web_search_options",
    "xtc_probability",
    "xtc_threshold",
];

/// Members that a policy acts on, and those that no allow-list is needed for.
const LISTS: Lists = Lists {
    governed: &[
        "model",
        "messages",
        "stream",
        "stream_options",
        "n",
        "best_of",
        "max_tokens",
        "max_completion_tokens",
        "reasoning_effort",
        "reasoning",
        "thinking",
        "thinking_token_budget",
    ],
    allowed: &[&ALLOWED],
    ..Lists::NONE
};

pub(super) fn scan(target: Target, body: &[u8]) -> Result<Request, Error> {
    let request = Request {
        target,
        model_place: SettingPlace::Member(&[MODEL]),
        effort_place: SettingPlace::Member(&["reasoning_effort"]),
        sampler_members: &["logit_bias", "vllm_xargs", "watermark", "watermarking"],
        ..Request::default()
    };
    let mut usage_edit = None;
    let mut request = request.read(body, &LISTS, |request, reader, name| match name {
        b"messages" => messages(reader, request),
        b"stream_options" => {
            usage_edit = Some(stream_options(reader, request)?);
            Ok(())
        }
        b"n" | b"best_of" => {
            request.choices.extend(reader.capped_number()?);
            Ok(())
        }
        b"reasoning_effort" => {
            let member = Some(request.members.spans.len());
            request.efforts.push(AskedEffort { member, ..AskedEffort::read(reader)? });
            Ok(())
        }
        b"reasoning" => reasoning(reader, request),
        b"thinking" => {
            // No server of this protocol signs what it seals.
            let thinking = Thinking::read(reader, "budget_tokens")?;
            request.thinking.extend(thinking.map(|it| Thinking { seal: None, ..it }));
            Ok(())
        }
        b"thinking_budget" => {
            let budget = reader
                .capped_number()?
                .filter(|(span, _)| is_budget(body.get(span.clone()).unwrap_or_default()));
            request.thinking.extend(Thinking::of_budget(budget));
            Ok(())
        }
        b"thinking_token_budget" => {
            let budget = reader.capped_number()?;
            request.thinking.extend(Thinking::of_budget(budget));
            Ok(())
        }
        _ => reader.pass(),
    })?;
    ask_usage(&mut request, usage_edit);
    Ok(request)
}

/// Says how the stream can be asked for its usage, `options` being what makes it state that where the
/// request has options.
pub(in crate::wire) fn ask_usage(request: &mut Request, options: Option<Edit>) {
    let ask = request.stream && !request.usage_in_stream;
    request.ask_usage = ask.then(|| {
        let inserted = || request.insert("stream_options", r#"{"include_usage":true}"#, 0);
        options.unwrap_or_else(inserted)
    });
}

/// What makes a stream with these options state its usage.
pub(in crate::wire) fn stream_options(
    reader: &mut Reader<'_>,
    request: &mut Request,
) -> Result<Edit, Error> {
    let body = reader.bytes();
    let object = reader.kind()? == Kind::Object;
    let inside = reader.position() + 1;
    let (mut empty, mut asked) = (true, None);
    let span = reader.spanned(|reader| {
        reader.members(|reader, key| {
            empty = false;
            let value = reader.skip()?;
            if key.is("include_usage") {
                // The last one counts.
                request.usage_in_stream = body.get(value.clone()) == Some(b"true");
                asked = Some(value);
            }
            Ok(())
        })
    })?;
    Ok(match asked {
        Some(value) => Edit::literal(value, "true"),
        None if object => {
            let comma = if empty { "" } else { "," };
            let with = format!("\"include_usage\":true{comma}").into_bytes();
            Edit { span: inside..inside, with }
        }
        None => Edit::literal(span, r#"{"include_usage":true}"#),
    })
}

/// `reasoning: {effort, max_tokens, …}` as OpenRouter and Ollama take it.
fn reasoning(reader: &mut Reader<'_>, request: &mut Request) -> Result<(), Error> {
    if reader.kind()? != Kind::Object {
        request.efforts.push(AskedEffort {
            wrapped: true,
            place: EffortSaid::Reasoning,
            ..AskedEffort::read(reader)?
        });
        return Ok(());
    }
    let body = reader.bytes();
    let at = reader.position() + 1;
    let (mut budget, mut off, mut empty) = (None, false, true);
    let before = request.efforts.len();
    let span = reader.spanned(|reader| {
        reader.members(|reader, key| {
            empty = false;
            match &*key.name() {
                b"effort" => {
                    let place = EffortSaid::Reasoning;
                    request.efforts.push(AskedEffort { place, ..AskedEffort::read(reader)? });
                }
                b"max_tokens" => budget = reader.capped_number()?,
                b"enabled" => off |= body.get(reader.skip()?) == Some(b"false"),
                _ => reader.pass()?,
            }
            Ok(())
        })
    })?;
    if off || budget.is_some() {
        request.effort_said = true;
    } else if request.efforts.len() == before {
        request.reasoning_place = SettingPlace::Inside { at, empty, names: &["effort"] };
    }
    if let Some(thinking) = Thinking::of_budget(budget) {
        request.thinking.push(Thinking { span, ..thinking });
    }
    Ok(())
}

/// Whether the last message is the assistant's own, to be continued, and whether one is signed.
pub(in crate::wire) fn messages(
    reader: &mut Reader<'_>,
    request: &mut Request,
) -> Result<(), Error> {
    let Request { prefilled, prefilled_if_hoisted, signed_history, .. } = request;
    let mut last = LastMessage::default();
    reader.elements(|reader, _| {
        let mut message = prefill::Message::default();
        reader.members(|reader, key| {
            if key.is("reasoning_details") || key.is("thinking_blocks") {
                *signed_history |= is_signed(&mut Reader::at(reader.bytes(), reader.position()))?;
            }
            message.read(reader, &key.name())
        })?;
        last.followed_by(message);
        Ok(())
    })?;
    *prefilled |= last.is_prefilled();
    *prefilled_if_hoisted |= last.is_prefilled_if_hoisted();
    Ok(())
}

/// Whether one of the entries of `reasoning_details` or `thinking_blocks` is signed or sealed.
fn is_signed(reader: &mut Reader<'_>) -> Result<bool, Error> {
    let mut signed = false;
    reader.elements(|reader, _| {
        reader.members(|reader, key| {
            let carries = matches!(&*key.name(), b"signature" | b"data");
            signed |= carries && reader.kind()? == Kind::String;
            reader.pass()
        })
    })?;
    Ok(signed)
}
