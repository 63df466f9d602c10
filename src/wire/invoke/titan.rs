//! Amazon's Titan: a text, and what goes on from it (Amazon Bedrock user guide, "Amazon Titan Text models").

use crate::wire::completions::history;
use crate::wire::json::Error;
use crate::wire::request::{Lists, Prompts, Request, SettingPlace};
use crate::wire::{Said, Target};

/// What a request has beside its text.
pub(super) const MEMBERS: [&str; 1] = ["textGenerationConfig"];

const LISTS: Lists = Lists {
    governed: &["inputText", "textGenerationConfig"],
    holders: &["textGenerationConfig"],
    settings: &["maxTokenCount", "stopSequences", "temperature", "topP"],
    ..Lists::NONE
};

pub(super) fn scan_request(target: Target, body: &[u8]) -> Result<Request, Error> {
    let request = Request {
        target,
        output_cap_place: SettingPlace::Member(&["textGenerationConfig", "maxTokenCount"]),
        usage_in_stream: true,
        prompts: Some(Prompts::default()),
        ..Request::default()
    };
    let mut request = request.read(body, &LISTS, |request, reader, name| match name {
        b"inputText" => {
            request.prompts = Some(Prompts::read(reader)?);
            Ok(())
        }
        _ => reader.pass(),
    })?;
    request.prompts.iter_mut().for_each(|prompts| prompts.ask_each(1));
    Ok(request)
}

pub(super) fn scan_history(body: &[u8], each: &mut dyn FnMut(Said)) -> Result<(), Error> {
    history::scan(body, &["inputText"], each)
}
