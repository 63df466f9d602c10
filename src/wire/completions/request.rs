//! What may be changed in a request for a completion.

use crate::wire::chat::request::{ALLOWED, ask_usage, stream_options};
use crate::wire::json::Error;
use crate::wire::member_names::MODEL;
use crate::wire::request::{Lists, Request, SettingPlace};
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
        ..Request::default()
    };
    let mut usage_edit = None;
    let counts = |name: &[u8]| name == b"n";
    let mut request =
        request.read_prompted(body, &LISTS, counts, |request, reader, name| match name {
            b"stream_options" => {
                usage_edit = Some(stream_options(reader, request)?);
                Ok(())
            }
            b"best_of" => {
                request.choices.extend(reader.capped_number()?);
                Ok(())
            }
            _ => reader.pass(),
        })?;
    ask_usage(&mut request, usage_edit);
    Ok(request)
}
