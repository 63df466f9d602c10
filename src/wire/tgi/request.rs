//! What may be changed in a request.

use crate::wire::Use;
use crate::wire::generation::says;
use crate::wire::json::{Error, Kind, Reader};
use crate::wire::member_names::MODEL;
use crate::wire::request::{Lists, Prompts, Request, SettingPlace};
use crate::wire::target::Target;

/// Members of SGLang's form, in which `text` stands for `inputs` and `sampling_params` for `parameters`.
const OF_SGLANG: [&[u8]; 4] = [b"text", b"input_ids", b"input_embeds", b"sampling_params"];

const LISTS: Lists = Lists {
    governed: &["model", "inputs", "text", "stream", "parameters", "sampling_params"],
    // Left out on purpose, of SGLang's: input_ids and input_embeds, which nobody can read; return_logprob and
    // what belongs to it, return_hidden_states, lora_path, session_params, custom_logit_processor.
    allowed: &[&["audio_data", "image_data", "rid", "video_data"]],
    holders: &["parameters", "sampling_params"],
    // Left out on purpose: adapter_id, which makes another model of the one that is asked;
    // decoder_input_details, return_full_text, top_n_tokens; of SGLang's skip_special_tokens, no_stop_trim,
    // custom_params.
    settings: &[
        "best_of",
        "details",
        "do_sample",
        "ebnf",
        "frequency_penalty",
        "grammar",
        "ignore_eos",
        "json_schema",
        "logit_bias",
        "max_new_tokens",
        "min_new_tokens",
        "min_p",
        "n",
        "presence_penalty",
        "regex",
        "repetition_penalty",
        "sampling_seed",
        "seed",
        "spaces_between_special_tokens",
        "stop",
        "stop_regex",
        "stop_token_ids",
        "structural_tag",
        "temperature",
        "top_k",
        "top_p",
        "truncate",
        "typical_p",
        "watermark",
    ],
    ..Lists::NONE
};

pub(super) fn scan(target: Target, body: &[u8]) -> Result<Request, Error> {
    let request = Request {
        target,
        // None is named, as a server has one; routers and SGLang's server read it.
        model_place: SettingPlace::Member(&[MODEL]),
        output_cap_place: SettingPlace::Member(&["parameters", "max_new_tokens"]),
        usage_in_stream: true,
        prompts: Some(Prompts::default()),
        ..Request::default()
    };
    let (mut own, mut of_sglang, mut each) = (false, false, 1);
    let mut request = request.read(body, &LISTS, |request, reader, name| {
        of_sglang |= OF_SGLANG.contains(&name);
        own |= matches!(name, b"inputs" | b"parameters");
        match name {
            b"inputs" | b"text" => {
                request.prompts = Some(Prompts::read(reader)?);
                Ok(())
            }
            b"parameters" | b"sampling_params" => settings(reader, &mut each, request),
            _ => reader.pass(),
        }
    })?;
    if own && of_sglang {
        // Each server would read the half of it that is its own.
        request.ambiguous = Some("parameters".to_owned());
    }
    if of_sglang && request.output_cap_place.is_outer("parameters") {
        request.output_cap_place = SettingPlace::Member(&["sampling_params", "max_new_tokens"]);
    }
    request.prompts.iter_mut().for_each(|prompts| prompts.ask_each(each));
    Ok(request)
}

fn settings(reader: &mut Reader<'_>, each: &mut u64, request: &mut Request) -> Result<(), Error> {
    let member = request.members.spans.len();
    // A list of settings for each of several texts: nobody lowers a cap in each of them.
    if reader.kind()? == Kind::Array {
        request.ambiguous = Some("sampling_params".to_owned());
    }
    reader.members(|reader, key| match &*key.name() {
        name @ (b"best_of" | b"n") => {
            let asked = reader.capped_number()?;
            if let Some((_, asked)) = asked.as_ref().filter(|_| name == b"n") {
                *each = *asked;
            }
            request.choices.extend(asked);
            Ok(())
        }
        b"return_full_text" => {
            let on = reader.bytes().get(reader.skip()?) == Some(b"true");
            request.generation.uses.extend(on.then_some((member, Use::Echoed)));
            Ok(())
        }
        b"details" | b"top_n_tokens" | b"decoder_input_details" => reader.pass(),
        b"grammar" | b"json_schema" | b"regex" | b"ebnf" | b"structural_tag" => {
            let given = says(reader)?;
            request.generation.uses.extend(given.then_some((member, Use::Structured)));
            Ok(())
        }
        _ => reader.pass(),
    })
}
