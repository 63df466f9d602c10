//! Meta's Llama: a prompt, and the text that goes on from it, whole or in pieces (Amazon Bedrock user guide,
//! "Meta Llama models").

use crate::wire::completions::history;
use crate::wire::json::{Error, Kind as JsonKind, Reader, Text};
use crate::wire::request::{Lists, Prompts, SettingPlace};
use crate::wire::scan::{Close, Kind, Lane, Scan, Slot, is_cut_short};
use crate::wire::thought::{members, think};
use crate::wire::{Request, Said, Target, usage};

/// The members of a request beside its prompt.
pub(super) const MEMBERS: [&str; 4] = ["images", "max_gen_len", "temperature", "top_p"];

const LISTS: Lists = Lists {
    governed: &["prompt", "max_gen_len"],
    allowed: &[&["images", "temperature", "top_p"]],
    ..Lists::NONE
};

pub(super) fn scan_request(target: Target, body: &[u8]) -> Result<Request, Error> {
    let request = Request {
        target,
        output_cap_place: SettingPlace::Member(&["max_gen_len"]),
        usage_in_stream: true,
        prompts: Some(Prompts::default()),
        ..Request::default()
    };
    let mut request = request.read(body, &LISTS, |request, reader, name| match name {
        b"prompt" => {
            request.prompts = Some(Prompts::read(reader)?);
            Ok(())
        }
        _ => reader.pass(),
    })?;
    request.prompts.iter_mut().for_each(|prompts| prompts.ask_each(1));
    Ok(request)
}

pub(super) fn scan_history(body: &[u8], each: &mut dyn FnMut(Said)) -> Result<(), Error> {
    history::scan(body, &["prompt"], each)
}

/// Finds what an answer has, which is `whole` or a piece of a stream.
pub(super) fn scan(bytes: &[u8], whole: bool, scan: &mut Scan) -> Result<(), Error> {
    let (mut ended, mut cut_short, mut said) = (whole, false, false);
    Reader::new(bytes).document(|reader| {
        if reader.kind()? != JsonKind::Object {
            return Err(reader.expected("an object"));
        }
        let thought = members(reader, scan, |reader, name, _, scan| match name {
            name @ b"generation" => {
                if scan.expects(JsonKind::String, reader, name)? {
                    if let Some(Text { span, .. }) = reader.text()? {
                        said = true;
                        scan.text(Lane::new(0, Slot::Answer), Kind::Answer, span);
                    }
                }
                Ok(())
            }
            name @ b"stop_reason" => {
                let reason = scan.identifier(reader, name)?;
                if let Some(reason) = reason.and_then(|span| reader.bytes().get(span)) {
                    (ended, scan.says_more) = (true, true);
                    cut_short = is_cut_short(reason);
                }
                Ok(())
            }
            name @ b"prompt_token_count" => usage::input(reader, name, scan),
            name @ b"generation_token_count" => usage::output(reader, name, scan),
            name => scan.leak(reader, name),
        })?;
        if thought.says() {
            think(&mut scan.channels);
        }
        Ok(())
    })?;
    if ended {
        scan.unrepeatable = true;
        scan.closes.push(Close::of(0, false, cut_short));
    }
    scan.says_more |= !said;
    scan.unrepeatable |= !said;
    Ok(())
}
