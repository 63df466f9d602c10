//! Bodies that are a prompt, and go on from it: those of Meta's Llama, of Mistral and DeepSeek, of Cohere's Command and
//! of Anthropic before Messages (Amazon Bedrock user guide, "Inference request parameters and response fields").

use crate::wire::completions::history;
use crate::wire::json::Error;
use crate::wire::request::{Lists, Request, SettingPlace};
use crate::wire::{Said, Target};

/// Whose prompt it is.
#[derive(Debug)]
pub(super) struct Form {
    /// What the ids of its models have in them.
    pub(super) vendors: &'static [&'static str],
    /// What a request has beside the prompt.
    pub(super) members: &'static [&'static str],
    /// The cap on the output.
    cap: &'static [&'static str],
}

const CLAUDE: Form = Form {
    vendors: &["anthropic"],
    members: &[
        "anthropic_version",
        "max_tokens_to_sample",
        "stop_sequences",
        "temperature",
        "top_k",
        "top_p",
    ],
    cap: &["max_tokens_to_sample"],
};

const LLAMA: Form = Form {
    vendors: &["meta"],
    members: &["images", "max_gen_len", "temperature", "top_p"],
    cap: &["max_gen_len"],
};

const MISTRAL: Form = Form {
    vendors: &["mistral", "deepseek"],
    members: &["max_tokens", "stop", "temperature", "top_k", "top_p"],
    cap: &["max_tokens"],
};

const COMMAND: Form = Form {
    vendors: &["cohere"],
    members: &[
        "k",
        "logit_bias",
        "max_tokens",
        "num_generations",
        "p",
        "return_likelihoods",
        "stop_sequences",
        "stream",
        "temperature",
        "truncate",
    ],
    cap: &["max_tokens"],
};

/// All of them, those that are asked most first: bodies may be of several.
pub(super) static FORMS: [Form; 4] = [LLAMA, MISTRAL, CLAUDE, COMMAND];

const LISTS: Lists = Lists {
    governed: &["prompt", "max_gen_len", "max_tokens", "max_tokens_to_sample", "num_generations"],
    // Left out on purpose: return_likelihoods, which says the text again token by token.
    allowed: &[&[
        "anthropic_version",
        "images",
        "k",
        "logit_bias",
        "p",
        "stop",
        "stop_sequences",
        "stream",
        "temperature",
        "top_k",
        "top_p",
        "truncate",
    ]],
    ..Lists::NONE
};

pub(super) fn scan_request(form: &Form, target: Target, body: &[u8]) -> Result<Request, Error> {
    let request = Request {
        target,
        output_cap_place: SettingPlace::Member(form.cap),
        usage_in_stream: true,
        ..Request::default()
    };
    let counts = |name: &[u8]| name == b"num_generations";
    request.read_prompted(body, &LISTS, counts, |_, reader, _| reader.pass())
}

pub(super) fn scan_history(body: &[u8], each: &mut dyn FnMut(Said)) -> Result<(), Error> {
    history::scan(body, &["prompt"], each)
}
