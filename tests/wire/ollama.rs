//! Requests of Ollama's own protocol: what is closed, lowered and refused of them, and what they repeat.

use std::num::NonZeroU32;

use guilloche::countermeasure::RequestEdits;
use guilloche::policy::plan::{Downgrade, Effort, Keep, Plan, Reasoning};
use guilloche::wire::json::unescape;
use guilloche::wire::ollama::Ollama;
use guilloche::wire::{Protocol, Refusal, Request, Said, ServerKind, Target, Use};

use crate::support::{closing_but, edited, enforced};

fn lowering(max_effort: Effort) -> Plan {
    let mut settings = Downgrade::default();
    settings.models = vec![("big*".parse().unwrap(), "small".to_owned())];
    settings.max_output_tokens = NonZeroU32::new(500);
    settings.max_effort = Some(max_effort);
    let mut plan = Plan::default();
    plan.downgrade = enforced(settings);
    plan
}

fn scan(body: &str) -> Request {
    Ollama.scan_request(Target::of("/api/chat"), body.as_bytes()).unwrap()
}

fn applied(plan: &Plan, body: &str) -> Result<String, Refusal> {
    let request = scan(body).addressed(ServerKind::Ollama);
    Ok(edited(plan, &Ollama, &request, body)?.1)
}

fn closed(body: &str) -> String {
    applied(&closing_but(&[]), body).unwrap()
}

// Break it: always splice, or take a member off the allow-list.
#[test]
fn a_request_that_asks_for_nothing_too_much_goes_on_byte_for_byte() {
    for body in [
        r#" { "model" : "m","messages":[{"role":"user","content":"\ud83d","images":["AA=="]}], "think":true,"format":{"type":"object"},"keep_alive":"5m","tools":[{"type":"function","function":{"name":"f"}}],"options":{"temperature":1.10,"stop":["\n"],"num_ctx":4096,"seed":7,"num_predict":9},"stream":false}"#,
        r#"{"model":"m","prompt":"x","system":"y","suffix":"z","think":"high","raw":null}"#,
        r#"{"model":"m"}"#,
    ] {
        assert_eq!(closed(body), body);
    }
}

// Break it: allow `raw` or `context`; leave settings inside alone.
#[test]
fn what_opens_a_way_round_is_taken_out() {
    for (body, left) in [
        (r#"{"prompt":"x","raw":true,"template":"{{ .Prompt }}"}"#, r#"{"prompt":"x"}"#),
        (r#"{"prompt":"x","context":[1,2,3]}"#, r#"{"prompt":"x"}"#),
        (r#"{"messages":[],"logprobs":true,"top_logprobs":5}"#, r#"{"messages":[]}"#),
        (r#"{"messages":[],"_debug_render_only":true,"of_next_year":1}"#, r#"{"messages":[]}"#),
        (
            r#"{"options":{"top_k":1,"logits_all":true,"of_next_year":{"a":[]},"stop":null}}"#,
            r#"{"options":{"top_k":1,"logits_all":null,"of_next_year":null,"stop":null}}"#,
        ),
    ] {
        assert_eq!(closed(body), left);
    }
    let plan = closing_but(&["logits_all", "raw"]);
    let body = r#"{"prompt":"x","raw":true,"options":{"logits_all":true}}"#;
    assert_eq!(applied(&plan, body).unwrap(), body);
}

// Break it: match names as they are written.
#[test]
fn what_is_said_twice_or_in_another_case_is_refused() {
    for body in [
        r#"{"Model":"a"}"#,
        r#"{"model":"a","model":"b"}"#,
        r#"{"think":false,"THINK":true}"#,
        r#"{"options":{},"Options":{"num_predict":1}}"#,
        r#"{"options":{"num_predict":1,"num_predict":9}}"#,
        r#"{"options":{"Num_Predict":9}}"#,
        r#"{"Stream":false}"#,
    ] {
        assert!(applied(&closing_but(&[]), body).is_err(), "{body}");
    }
}

// Break it: take what is not said for no, as other protocols do.
#[test]
fn a_stream_comes_unasked() {
    for (body, stream) in [
        (r#"{"model":"m"}"#, true),
        (r#"{"model":"m","stream":true}"#, true),
        (r#"{"model":"m","stream":null}"#, true),
        (r#"{"model":"m","stream":false}"#, false),
    ] {
        assert_eq!(scan(body).stream, stream, "{body}");
    }
}

// Break it: take a cap that the server does not read for one; add one at the top.
#[test]
fn model_and_cap_are_lowered_where_the_server_reads_them() {
    for (body, left) in [
        (
            r#"{"model":"big:8b","options":{"num_predict":9000}}"#,
            r#"{"model":"small","options":{"num_predict":500}}"#,
        ),
        (
            r#"{"model":"library/big","options":{"num_predict":-1}}"#,
            r#"{"model":"small","options":{"num_predict":500}}"#,
        ),
        (
            r#"{"model":"m","options":{"max_tokens":9,"top_k":1}}"#,
            r#"{"model":"m","options":{"num_predict":500,"max_tokens":9,"top_k":1}}"#,
        ),
        (r#"{"model":"m","options":{}}"#, r#"{"model":"m","options":{"num_predict":500}}"#),
        (r#"{"model":"m","options":null}"#, r#"{"model":"m","options":{"num_predict":500}}"#),
        (
            r#"{"model":"m","max_tokens":9,"num_predict":9}"#,
            r#"{"options":{"num_predict":500},"model":"m"}"#,
        ),
    ] {
        assert_eq!(applied(&lowering(Effort::High), body).unwrap(), left);
    }
    let asked = scan(r#"{"model":"m","options":{"max_tokens":9,"num_predict":70}}"#);
    assert_eq!(RequestEdits::output_cap(&Plan::default(), &asked), Some(70));
}

// Break it: spell an effort as another protocol does.
#[test]
fn thinking_is_lowered_in_the_words_of_the_server() {
    for (most, body, left) in [
        (Effort::Low, r#"{"think":"high"}"#, r#"{"think":"low"}"#),
        (Effort::Minimal, r#"{"think":"high"}"#, r#"{"think":"low"}"#),
        (Effort::Medium, r#"{"think":"low"}"#, r#"{"think":"low"}"#),
        (Effort::None, r#"{"think":"max"}"#, r#"{"think":false}"#),
        (Effort::None, r#"{"think":true}"#, r#"{"think":false}"#),
        (Effort::Low, r#"{"think":true}"#, r#"{"think":true}"#),
        (Effort::None, r#"{"think":false}"#, r#"{"think":false}"#),
    ] {
        let more = r#","model":"m","options":{"num_predict":1}}"#;
        let (body, left) = [body, left].map(|it| it.replace('}', more)).into();
        assert_eq!(applied(&lowering(most), &body).unwrap(), left, "{most:?}");
    }
}

// Break it: read the content of messages only.
#[test]
fn words_put_into_the_models_mouth_are_refused() {
    let user = r#"{"role":"user","content":"x"}"#;
    for last in [
        r#"{"role":"assistant","content":"<think>"}"#,
        r#"{"role":"assistant","content":"","thinking":"so"}"#,
        r#"{"role":"assistant","thinking":"so","tool_calls":[{"function":{"name":"f"}}]}"#,
        r#"{"role":"assistant","content":"a"},{"role":"user","content":""}"#,
    ] {
        let body = format!(r#"{{"model":"m","messages":[{user},{last}]}}"#);
        assert!(applied(&closing_but(&[]), &body).is_err(), "{last}");
    }
    for last in [
        user,
        r#"{"role":"assistant","content":"a","thinking":"so"},{"role":"user","content":"b"}"#,
        r#"{"role":"assistant","content":"a"},{"role":"user","content":"","images":["AA=="]}"#,
        r#"{"role":"assistant","tool_calls":[{"function":{"name":"f"}}]},{"role":"tool","tool_name":"f","content":""}"#,
    ] {
        let body = format!(r#"{{"model":"m","messages":[{user},{last}]}}"#);
        assert!(applied(&closing_but(&[]), &body).is_ok(), "{last}");
    }
}

// Break it: take a prompt that a template puts a turn around for all that the model sees.
#[test]
fn only_a_raw_prompt_leads_into_its_answer() {
    let withholding = |allow: &[&str]| {
        let mut plan = closing_but(allow);
        plan.reasoning = enforced(Reasoning::new(Keep::None));
        plan
    };
    let raw = r#"{"prompt":[1,2],"raw":true}"#;
    assert!(applied(&withholding(&["raw"]), raw).is_err());
    assert!(applied(&withholding(&[]), raw).is_ok(), "it is not raw any more");
    assert!(scan(r#"{"prompt":"x"}"#).prompts.is_none());
    assert!(scan(r#"{"prompt":"x","raw":false}"#).prompts.is_none());
    assert!(scan(r#"{"prompt":"x","raw":true}"#).prompts.unwrap().are_read());
}

#[test]
fn what_is_read_by_a_program_is_known() {
    let used = |body: &str| {
        let uses = [Use::Structured, Use::Probabilities];
        uses.map(|it| scan(body).generation.used(&[it], &[]))
    };
    assert_eq!(used(r#"{"format":"json"}"#), [true, false]);
    assert_eq!(used(r#"{"format":"","logprobs":true}"#), [false, true]);
    let stops = scan(r#"{"options":{"stop":["</think>","END"]}}"#);
    assert_eq!((stops.stops.len(), stops.steers_tags), (2, true));
}

// Break it: tell a result from others by its content alone.
#[test]
fn what_the_model_said_before_is_found() {
    let body = br#"{"messages":[{"role":"user","content":"one"},{"role":"assistant","content":"first","thinking":"no"},{"role":"tool","tool_name":"f","content":"x"}]}"#;
    let mut found = Vec::new();
    Ollama
        .scan_history(body, &mut |said| {
            let text = |text: guilloche::wire::json::Text| {
                unescape(body.get(text.span).unwrap()).unwrap().into_owned()
            };
            found.push(match said {
                Said::Answer(said) => format!("model: {}", text(said)),
                Said::Other(said) => text(said),
                Said::End => "-".to_owned(),
            });
        })
        .unwrap();
    assert_eq!(found, ["one", "-", "model: first", "-", "f", "x", "-"]);
}
