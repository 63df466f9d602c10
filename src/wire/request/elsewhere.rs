//! A protocol of tests, whose requests say elsewhere what others say at the top of their bodies: the
//! model and whether the answer is streamed in the path, as Google's and Amazon's do, and the cap in an
//! object inside.

use std::ops::Range;

use super::{AskedEffort, EffortSaid, Lists, Request, SettingPlace};
use crate::wire::json::{Error, Reader};
use crate::wire::protocol_id::Endpoint;
use crate::wire::target::Target;

const ENDPOINTS: [Endpoint; 4] = [
    Endpoint::told(":generateContent", false),
    Endpoint::told(":streamGenerateContent", true),
    Endpoint::told("/converse", false),
    Endpoint::told("/converse-stream", true),
];

const LISTS: Lists = Lists {
    governed: &["generationConfig"],
    allowed: &[&["contents"]],
    holders: &["generationConfig"],
    settings: &["x"],
    ..Lists::NONE
};

pub(crate) fn scan(target: &str, body: &str) -> Result<Request, Error> {
    let endpoint = |path: &str| ENDPOINTS.iter().find(|it| path.ends_with(it.path));
    let request = Request {
        target: Target::at(endpoint, http::Method::POST, target),
        output_cap_place: SettingPlace::Member(&["generationConfig", "maxOutputTokens"]),
        effort_place: SettingPlace::Member(&[
            "generationConfig",
            "thinkingConfig",
            "thinkingLevel",
        ]),
        ..Request::default()
    };
    request.read(body.as_bytes(), &LISTS, |request, reader, name| match name {
        b"generationConfig" => config(reader, request),
        _ => reader.pass(),
    })
}

fn config(reader: &mut Reader<'_>, request: &mut Request) -> Result<(), Error> {
    reader.kind()?;
    let (at, mut empty) = (reader.position() + 1, true);
    reader.members(|reader, key| {
        empty = false;
        if !key.is("thinkingConfig") {
            return reader.pass();
        }
        reader.members(|reader, _| {
            let place = EffortSaid::Plain;
            request.efforts.push(AskedEffort { place, ..AskedEffort::read(reader)? });
            Ok(())
        })
    })?;
    let names = &["thinkingConfig", "thinkingLevel"];
    request.effort_place = SettingPlace::Inside { at, empty, names };
    Ok(())
}

#[test]
fn a_request_says_where_it_says_what_it_asks() {
    use crate::wire::Place;

    let stands = |text: &str, span: &Range<usize>| text.get(span.clone()).unwrap().to_owned();
    for (target, model, spelled, verb) in [
        ("/v1beta/models/big:generateContent", "big", "big", ":generateContent"),
        ("/v1/models/big:streamGenerateContent?alt=sse", "big", "big", ":streamGenerateContent"),
        ("/model/a.big-v2%3A0/converse-stream", "a.big-v2:0", "a.big-v2%3A0", "/converse-stream"),
        ("/model/big/converse", "big", "big", "/converse"),
    ] {
        let body = r#"{"contents":[],"stream":"x","generationConfig":{"maxOutputTokens": 7}}"#;
        let request = scan(target, body).unwrap();
        assert_eq!(request.model_names(), [model]);
        let Place::Path(span) = &request.models[0].place else { panic!("{target}") };
        assert_eq!(stands(target, span), spelled);
        let Some(Place::Path(span)) = &request.stream_place else { panic!("{target}") };
        assert_eq!(stands(target, span), verb);
        assert_eq!(request.stream, verb.contains("tream"));
        let Place::Body(span) = &request.output_caps[0].place else { panic!("{target}") };
        assert_eq!(stands(body, span), "7");
    }
    let nowhere = scan("/v1/x", "{}").unwrap();
    assert!(nowhere.models.is_empty() && nowhere.stream_place.is_none());
    assert!(nowhere.output_caps.is_empty());
    let twice = r#"{"generationConfig":{"maxOutputTokens":7,"maxoutputtokens":9}}"#;
    assert_eq!(scan("/", twice).unwrap().ambiguous.unwrap(), "generationConfig.maxOutputTokens");
}
