//! Requests of Cohere's Chat: what is closed, lowered and refused of them, and what they repeat.

use std::num::NonZeroU32;

use guilloche::policy::plan::{Downgrade, Effort, Plan};
use guilloche::wire::cohere::Cohere;
use guilloche::wire::{Protocol, Refusal, Request, Said, Target, Use};

use crate::support::{closing_but, edited, enforced};

fn lowering() -> Plan {
    let mut settings = Downgrade::default();
    settings.models = vec![("big*".parse().unwrap(), "small".to_owned())];
    settings.max_output_tokens = NonZeroU32::new(5000);
    settings.max_thinking_tokens = NonZeroU32::new(2000);
    let mut plan = Plan::default();
    plan.downgrade = enforced(settings);
    plan
}

fn scan(body: &str) -> Request {
    Cohere.scan_request(Target::of("/v2/chat"), body.as_bytes()).unwrap()
}

fn applied(plan: &Plan, body: &str) -> Result<String, Refusal> {
    let request = scan(body);
    Ok(edited(plan, &Cohere, &request, body)?.1)
}

// Break it: always splice, or take a member off the allow-list.
#[test]
fn a_request_that_asks_for_nothing_too_much_goes_on_byte_for_byte() {
    for body in [
        r#" { "model" : "m","messages":[{"role":"user","content":[{"type":"text","text":"\ud83d"}]}],"documents":[{"id":"d","data":{"a":"b"}}],"citation_options":{"mode":"FAST"},"response_format":{"type":"text"},"safety_mode":"OFF","max_tokens":9,"stop_sequences":["a"],"temperature":1.10,"seed":7,"frequency_penalty":0.1,"presence_penalty":0.1,"k":5,"p":0.5,"logprobs":false,"tools":[],"strict_tools":true,"tool_choice":"REQUIRED","thinking":{"type":"enabled","token_budget":90},"priority":0,"stream":true}"#,
        r#"{"model":"m","messages":[]}"#,
    ] {
        assert_eq!(applied(&closing_but(&[]), body).unwrap(), body);
    }
}

#[test]
fn what_opens_a_way_round_is_taken_out() {
    for open in [r#""logprobs":true"#, r#""raw_prompting":true"#, r#""of_next_year":1"#] {
        let body = format!(r#"{{"model":"m",{open}}}"#);
        assert_eq!(applied(&closing_but(&[]), &body).unwrap(), r#"{"model":"m"}"#);
    }
    let kept = r#"{"model":"m","logprobs":true}"#;
    assert_eq!(applied(&closing_but(&["logprobs"]), kept).unwrap(), kept);
    for body in [
        r#"{"model":"a","model":"b"}"#,
        r#"{"Thinking":{}}"#,
        r#"{"thinking":{"token_budget":1,"token_budget":9000}}"#,
        r#"{"thinking":{"Token_Budget":9000}}"#,
    ] {
        assert!(applied(&closing_but(&[]), body).is_err(), "{body}");
    }
    let prefilled = r#"{"messages":[{"role":"user","content":"x"},{"role":"assistant","content":[{"type":"thinking","thinking":"so"}]}]}"#;
    assert!(applied(&closing_but(&[]), prefilled).is_err());
}

// Break it: look for the budget under another vendor's name.
#[test]
fn model_cap_and_thinking_are_lowered() {
    for (body, left) in [
        (
            r#"{"model":"big","max_tokens":9000,"thinking":{"type":"enabled","token_budget":9000}}"#,
            r#"{"model":"small","max_tokens":5000,"thinking":{"type":"enabled","token_budget":2000}}"#,
        ),
        (
            r#"{"model":"m","thinking":{"type":"disabled"}}"#,
            r#"{"max_tokens":5000,"model":"m","thinking":{"type":"disabled"}}"#,
        ),
        (r#"{"model":"m"}"#, r#"{"max_tokens":5000,"model":"m"}"#),
    ] {
        assert_eq!(applied(&lowering(), body).unwrap(), left);
    }
    let mut settings = Downgrade::default();
    settings.max_effort = Some(Effort::None);
    let mut plan = Plan::default();
    plan.downgrade = enforced(settings);
    let thinks = r#"{"model":"m","thinking":{"type":"enabled"}}"#;
    let left = r#"{"model":"m","thinking":{"type":"disabled"}}"#;
    assert_eq!(applied(&plan, thinks).unwrap(), left);
}

#[test]
fn what_is_read_by_a_program_is_known() {
    let used = |more: &str| {
        let request = scan(&format!(r#"{{"model":"m","tools":[{{}}],{more}}}"#));
        let uses = [Use::Structured, Use::Called, Use::Probabilities];
        uses.map(|it| request.generation.used(&[it], &[]))
    };
    assert_eq!(used(r#""response_format":{"type":"json_object"}"#), [true, false, false]);
    assert_eq!(used(r#""tool_choice":"REQUIRED""#), [false, true, false]);
    assert_eq!(used(r#""tool_choice":"NONE","logprobs":true"#), [false, false, true]);
    let stops = scan(r#"{"stop_sequences":["</think>","END"]}"#);
    assert_eq!((stops.stops.len(), stops.steers_tags), (2, true));
}

// Break it: take a thought for a text, or a result for what the model said.
#[test]
fn what_the_model_said_before_is_found() {
    let body = br#"{"messages":[{"role":"user","content":"one"},{"role":"assistant","content":[{"type":"thinking","thinking":"no"},{"type":"text","text":"first"}],"tool_plan":"no"},{"role":"tool","tool_call_id":"f","content":"x"}]}"#;
    let mut found = Vec::new();
    let text = |text: guilloche::wire::json::Text| {
        String::from_utf8_lossy(body.get(text.span).unwrap()).into_owned()
    };
    Cohere
        .scan_history(body, &mut |said| {
            found.push(match said {
                Said::Answer(said) => format!("model: {}", text(said)),
                Said::Other(said) => text(said),
                Said::End => "-".to_owned(),
            });
        })
        .unwrap();
    assert_eq!(found, ["one", "-", "model: first", "-", "f", "x", "-"]);
}
