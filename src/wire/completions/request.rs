//! What may be changed in a request for a completion.

use crate::wire::chat::request::{ALLOWED, ask_usage, stream_options};
use crate::wire::json::Error;
use crate::wire::member_names::MODEL;
use crate::wire::request::lists::steers;
use crate::wire::request::{Lists, Prompts, Request, SettingPlace};
use crate::wire::target::Target;

const LISTS: Lists = Lists {
    governed: &["model", "prompt", "stream", "stream_options", "n", "best_of", "max_tokens"],
    // Left out on purpose, besides what chat leaves out: prompt_embeds, which nobody can read;
    // response_fields, by which llama.cpp renames what it says; n_predict, which caps for it alone.
    allowed: &[&ALLOWED, &["suffix"]],
    ..Lists::NONE
};

pub(super) fn scan(target: Target, body: &[u8]) -> Result<Request, Error> {
    let request = Request {
        target,
        model_place: SettingPlace::Member(&[MODEL]),
        output_cap_place: SettingPlace::Member(&["max_tokens"]),
        sampler_members: &["logit_bias", "vllm_xargs", "watermark", "watermarking"],
        prompts: Some(Prompts::default()),
        ..Request::default()
    };
    let (mut usage_edit, mut each) = (None, 1);
    let mut request = request.read(body, &LISTS, |request, reader, name| match name {
        b"prompt" => {
            request.prompts = Some(Prompts::read(reader)?);
            Ok(())
        }
        b"stream_options" => {
            usage_edit = Some(stream_options(reader, request)?);
            Ok(())
        }
        name @ (b"n" | b"best_of") => {
            let asked = reader.capped_number()?;
            if let Some((_, asked)) = asked.as_ref().filter(|_| name == b"n") {
                each = *asked;
            }
            request.choices.extend(asked);
            Ok(())
        }
        name if steers(name) => request.steered(name, reader),
        _ => reader.pass(),
    })?;
    request.prompts.iter_mut().for_each(|prompts| prompts.ask_each(each));
    ask_usage(&mut request, usage_edit);
    Ok(request)
}
