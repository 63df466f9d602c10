//! What may be changed in a request.

use crate::wire::chat::request::ALLOWED;
use crate::wire::json::Error;
use crate::wire::member_names::MODEL;
use crate::wire::request::{Lists, Request, SettingPlace};
use crate::wire::target::Target;

const LISTS: Lists = Lists {
    governed: &["model", "prompt", "stream", "n_predict", "max_tokens", "n_cmpl", "n"],
    // Left out on purpose, besides what chat leaves out: n_probs and post_sampling_probs, return_tokens,
    // timings_per_token and return_progress; response_fields, by which what is said gets another name; lora,
    // which makes another model of the one that is asked.
    allowed: &[
        &ALLOWED,
        &[
            "id_slot",
            "input_extra",
            "input_prefix",
            "input_suffix",
            "min_keep",
            "n_cache_reuse",
            "n_indent",
            "sse_ping_interval",
            "t_max_predict_ms",
        ],
    ],
    ..Lists::NONE
};

pub(super) fn scan(target: Target, body: &[u8]) -> Result<Request, Error> {
    let request = Request {
        target,
        model_place: SettingPlace::Member(&[MODEL]),
        output_cap_place: SettingPlace::Member(&["n_predict"]),
        sampler_members: &["logit_bias"],
        usage_in_stream: true,
        ..Request::default()
    };
    // Before the answer stands what is between a prefix and a suffix, and the prompt last.
    let counts = |name: &[u8]| matches!(name, b"n_cmpl" | b"n");
    request.read_prompted(body, &LISTS, counts, |_, reader, _| reader.pass())
}
