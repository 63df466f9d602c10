//! What may be changed in a request.

use crate::wire::chat::request::messages;
use crate::wire::json::{Error, Kind, Reader};
use crate::wire::member_names::MODEL;
use crate::wire::request::{AskedEffort, Lists, Prompts, Request, SettingPlace, Thinking};
use crate::wire::target::Target;

const LISTS: Lists = Lists {
    governed: &["model", "messages", "prompt", "stream", "think", "options"],
    // Left out on purpose, because each re-opens a way round: raw and template, by which a caller writes the
    // model's template; context, in which nobody can read what was said; logprobs and top_logprobs.
    allowed: &[&[
        "format",
        "images",
        "keep_alive",
        "shift",
        "suffix",
        "system",
        "tools",
        "truncate",
    ]],
    holders: &["options"],
    settings: &[
        "draft_num_predict",
        "f16_kv",
        "frequency_penalty",
        "low_vram",
        "main_gpu",
        "min_p",
        "mirostat",
        "mirostat_eta",
        "mirostat_tau",
        "num_batch",
        "num_ctx",
        "num_gpu",
        "num_keep",
        "num_predict",
        "num_thread",
        "numa",
        "penalize_newline",
        "presence_penalty",
        "repeat_last_n",
        "repeat_penalty",
        "seed",
        "stop",
        "temperature",
        "tfs_z",
        "top_k",
        "top_p",
        "typical_p",
        "use_mlock",
        "use_mmap",
    ],
    formed_by_format: true,
    streams_unasked: true,
    ..Lists::NONE
};

/// How much the model is to think, as it is spelled here: some efforts have no name of their own.
const EFFORTS: [(&str, &str); 3] =
    [("none", "false"), ("minimal", "\"low\""), ("xhigh", "\"high\"")];

pub(super) fn scan(target: Target, body: &[u8]) -> Result<Request, Error> {
    let request = Request {
        target,
        model_place: SettingPlace::Member(&[MODEL]),
        output_cap_place: SettingPlace::Member(&["options", "num_predict"]),
        usage_in_stream: true,
        stream: true,
        ..Request::default()
    };
    let (mut prompt, mut raw) = (None, None);
    let mut request = request.read(body, &LISTS, |request, reader, name| match name {
        b"messages" => messages(reader, request),
        b"prompt" => {
            prompt = reader.name()?.map(|(_, text)| text);
            Ok(())
        }
        b"raw" => {
            let value = reader.skip()?;
            let off: [&[u8]; 2] = [b"false", b"null"];
            let on = !off.contains(&body.get(value).unwrap_or_default());
            raw = on.then_some(request.members.spans.len());
            Ok(())
        }
        b"think" => think(reader, request),
        _ => reader.pass(),
    })?;
    // Without a template the prompt is all that the model sees.
    request.prompts = raw.map(|raw| Prompts::of_raw(prompt, raw));
    Ok(request)
}

/// Whether the model is to think, or how much.
fn think(reader: &mut Reader<'_>, request: &mut Request) -> Result<(), Error> {
    if reader.kind()? == Kind::String {
        let effort = AskedEffort::read(reader)?;
        request.efforts.push(AskedEffort { spellings: &EFFORTS, ..effort });
        return Ok(());
    }
    let span = reader.skip()?;
    let off = (reader.bytes().get(span.clone()) == Some(b"true")).then_some("false");
    request.thinking.push(Thinking { span, budget: None, off, seal: None, adaptive: false });
    Ok(())
}
