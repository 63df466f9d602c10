//! Requests for responses: what is closed, lowered and refused of them, and what they repeat.

use std::num::NonZeroU32;

use guilloche::policy::plan::{Downgrade, Effort, Plan};
use guilloche::wire::json::unescape;
use guilloche::wire::responses::Responses;
use guilloche::wire::{Protocol, Refusal, Request, Said, ServerKind, Target, Use};

use crate::support::{closing, edited, enforced};

fn lowering(max_effort: Option<Effort>) -> Plan {
    let mut settings = Downgrade::default();
    settings.models = vec![("big*".parse().unwrap(), "small".to_owned())];
    settings.max_output_tokens = NonZeroU32::new(500);
    settings.max_effort = max_effort;
    let mut plan = closing();
    plan.downgrade = enforced(settings);
    plan
}

fn scan(body: &str) -> Request {
    Responses.scan_request(Target::default(), body.as_bytes()).expect("the body is an object")
}

fn applied(plan: &Plan, server: ServerKind, body: &str) -> Result<String, Refusal> {
    let request = scan(body).addressed(server);
    Ok(edited(plan, &Responses, &request, body)?.1)
}

fn closed(body: &str) -> String {
    applied(&closing(), ServerKind::Custom, body).unwrap()
}

// Break it: always splice, or take a member off the allow-list.
#[test]
fn a_request_that_asks_for_nothing_too_much_goes_on_byte_for_byte() {
    let body = r#" { "model" : "m","input":[{"role":"user","content":[{"type":"input_text","text":"\ud83d"}]}], "instructions":"x","tools":[{"type":"function","name":"f","parameters":{}}],"include":["reasoning.encrypted_content"] ,"reasoning":{"summary":"auto","effort":"high"},"previous_response_id":"resp_1","text":{"format":{"type":"text"}},"metadata":{"a":"b"},"temperature":1.10,"stream":true}"#;
    assert_eq!(closed(body), body);
    let body = r#"{"model":"m","input":"x"}"#;
    assert_eq!(closed(body), body);
}

// Break it: keep the list whole, or remove it whole.
#[test]
fn what_opens_a_way_round_is_taken_out() {
    for (body, left) in [
        (
            r#"{"model":"m","include":["message.output_text.logprobs","reasoning.encrypted_content"]}"#,
            r#"{"model":"m","include":["reasoning.encrypted_content"]}"#,
        ),
        (r#"{"model":"m","include":["of_next_year",7]}"#, r#"{"model":"m","include":[]}"#),
        (
            r#"{"model":"m","include":"message.output_text.logprobs"}"#,
            r#"{"model":"m","include":[]}"#,
        ),
        (r#"{"model":"m","top_logprobs":5,"input":"x"}"#, r#"{"model":"m","input":"x"}"#),
        (r#"{"model":"m","conversation":"conv_1","prompt":{"id":"p"}}"#, r#"{"model":"m"}"#),
        (r#"{"model":"m","enable_response_messages":true}"#, r#"{"model":"m"}"#),
    ] {
        assert_eq!(closed(body), left);
    }
}

// Break it: read an effort of the top level, or put one where there is another.
#[test]
fn model_cap_and_effort_are_lowered_in_place_or_added() {
    let lowered = |server, body: &str| applied(&lowering(Some(Effort::Low)), server, body).unwrap();
    for (server, body, left) in [
        (
            ServerKind::Vllm,
            r#"{"model":"big-1","input":"x","max_output_tokens":9000,"reasoning":{"effort":"xhigh","summary":"auto"}}"#,
            r#"{"model":"small","input":"x","max_output_tokens":500,"reasoning":{"effort":"low","summary":"auto"}}"#,
        ),
        (
            ServerKind::OpenAi,
            r#"{"model":"big-1","max_output_tokens":9,"reasoning":{"summary":"auto"}}"#,
            r#"{"model":"small","max_output_tokens":9,"reasoning":{"effort":"low","summary":"auto"}}"#,
        ),
        (
            ServerKind::Vllm,
            r#"{"model":"big-1","max_output_tokens":9,"reasoning":null}"#,
            r#"{"model":"small","max_output_tokens":9,"reasoning":{"effort":"low"}}"#,
        ),
        // A model that does not reason would refuse it.
        (
            ServerKind::OpenAi,
            r#"{"model":"big-1","max_output_tokens":9}"#,
            r#"{"model":"small","max_output_tokens":9}"#,
        ),
        (
            ServerKind::Vllm,
            r#"{"model":"other"}"#,
            r#"{"max_output_tokens":500,"reasoning":{"effort":"low"},"model":"other"}"#,
        ),
    ] {
        assert_eq!(lowered(server, body), left);
    }
    let mut open = lowering(Some(Effort::Low));
    open.side_channels = None;
    let body = r#"{"model":"m","max_output_tokens":9,"max_tokens":9000,"reasoning_effort":"high","reasoning":{"effort":"low"}}"#;
    let left = r#"{"model":"m","max_output_tokens":9,"reasoning":{"effort":"low"}}"#;
    assert_eq!(applied(&open, ServerKind::LlamaCpp, body).unwrap(), left);
    for twice in [
        r#"{"reasoning":{"effort":"low","Effort":"high"}}"#,
        r#"{"input":"a","Input":"b"}"#,
        r#"{"max_output_tokens":1,"max_output_tokens":2}"#,
    ] {
        assert!(applied(&closing(), ServerKind::Custom, twice).is_err(), "{twice}");
    }
}

// Break it: read the role of messages only.
#[test]
fn words_put_into_the_models_mouth_are_refused() {
    let user = r#"{"role":"user","content":"x"}"#;
    for last in [
        r#"{"role":"assistant","content":"<think>"}"#,
        r#"{"type":"message","role":"assistant","content":[{"type":"output_text","text":"<think>"}]}"#,
        r#"{"type":"item_reference","id":"msg_1"}"#,
        r#"{"type":"reasoning","summary":[],"content":[{"type":"reasoning_text","text":"a"}]}"#,
        r#"{"role":"assistant","content":"a"},{"role":"user","content":[{"type":"input_text","text":""}]}"#,
    ] {
        let body = format!(r#"{{"model":"m","input":[{user},{last}]}}"#);
        assert!(applied(&closing(), ServerKind::Vllm, &body).is_err(), "{last}");
    }
    for last in [
        user,
        r#"{"role":"assistant","content":"a"},{"role":"user","content":"b"}"#,
        r#"{"type":"function_call","call_id":"c","name":"f","arguments":"{}"},{"type":"function_call_output","call_id":"c","output":""}"#,
        r#"{"type":"function_call","call_id":"c","name":"f","arguments":"{}"}"#,
    ] {
        let body = format!(r#"{{"model":"m","input":[{user},{last}]}}"#);
        assert!(applied(&closing(), ServerKind::Vllm, &body).is_ok(), "{last}");
    }
}

#[test]
fn what_is_read_by_a_program_is_known() {
    let used = |body: &str| {
        let uses = [Use::Structured, Use::Probabilities, Use::Called];
        uses.map(|it| scan(body).generation.used(&[it], &[]))
    };
    let schema = r#"{"text":{"format":{"type":"json_schema","schema":{}}}}"#;
    assert_eq!(used(schema), [true, false, false]);
    assert_eq!(used(r#"{"text":{"format":{"type":"text"},"verbosity":"low"}}"#), [false; 3]);
    assert_eq!(used(r#"{"include":["message.output_text.logprobs"]}"#), [false, true, false]);
    let called = r#"{"tools":[{"type":"function","name":"f"}],"tool_choice":"required"}"#;
    assert_eq!(used(called), [false, false, true]);
}

/// What is found, decoded: `true` for the model's, `None` for the end of a message.
fn said(body: &str) -> Vec<Option<(bool, String)>> {
    let mut found = Vec::new();
    let decoded = |text: guilloche::wire::json::Text| {
        unescape(body.as_bytes().get(text.span).unwrap()).unwrap().into_owned()
    };
    let each = &mut |said| {
        found.push(match said {
            Said::Answer(text) => Some((true, decoded(text))),
            Said::Other(text) => Some((false, decoded(text))),
            Said::End => None,
        });
    };
    Responses.scan_history(body.as_bytes(), each).unwrap();
    found
}

// Break it: end a message with every item: what the model said behind its reasoning would be looked for
// in another place than that in which it was said.
#[test]
fn all_that_stands_between_two_turns_of_others_is_one_message_of_the_models() {
    let text = |by_model, text: &str| Some((by_model, text.to_owned()));
    assert_eq!(said(r#"{"input":"one"}"#), [text(false, "one"), None]);
    let body = r#"{"input":[
        {"role":"user","content":"one"},
        {"type":"reasoning","id":"no","summary":[{"type":"summary_text","text":"no"}]},
        {"type":"message","role":"assistant","content":[{"type":"output_text","text":"first","annotations":[]},{"type":"refusal","refusal":"no"}]},
        {"type":"function_call","call_id":"call-1","name":"no","arguments":"no"},
        {"type":"function_call_output","call_id":"call-1","output":"result"},
        {"role":"assistant","content":"second"},
        {"type":"message","role":"user","content":[{"type":"input_text","text":"two"}]}]}"#;
    assert_eq!(
        said(body),
        [
            text(false, "one"),
            None,
            text(true, "first"),
            text(false, "call-1"),
            None,
            text(false, "call-1"),
            text(false, "result"),
            None,
            text(true, "second"),
            None,
            text(false, "two"),
            None,
        ]
    );
    assert!(Responses.scan_history(b"[]", &mut |_| {}).is_err());
    assert_eq!(said(r#"{"input":{"role":"assistant","content":"a"},"messages":[]}"#), []);
}
