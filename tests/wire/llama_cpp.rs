//! Requests of llama.cpp's own protocol: what is closed, lowered and refused of them, and what they repeat.

use std::num::NonZeroU32;

use guilloche::countermeasure::RequestEdits;
use guilloche::policy::plan::{Downgrade, Keep, Plan, Reasoning};
use guilloche::wire::llama_cpp::LlamaCpp;
use guilloche::wire::{Protocol, Refusal, Request, Said, ServerKind, Target, Use};

use crate::support::{closing_but, edited, enforced};

fn lowering() -> Plan {
    let mut settings = Downgrade::default();
    settings.models = vec![("big*".parse().unwrap(), "small".to_owned())];
    settings.max_output_tokens = NonZeroU32::new(500);
    let mut plan = Plan::default();
    plan.downgrade = enforced(settings);
    plan
}

fn scan(body: &str) -> Request {
    LlamaCpp.scan_request(Target::of("/completion"), body.as_bytes()).unwrap()
}

fn applied(plan: &Plan, body: &str) -> Result<String, Refusal> {
    let request = scan(body).addressed(ServerKind::LlamaCpp);
    Ok(edited(plan, &LlamaCpp, &request, body)?.1)
}

// Break it: always splice, or take a member off the allow-list.
#[test]
fn a_request_that_asks_for_nothing_too_much_goes_on_byte_for_byte() {
    for body in [
        r#" { "prompt" : "\ud83d x","n_predict": 128,"temperature":1.10,"stop":["\n"],"cache_prompt":true,"id_slot":-1,"n_probs":0,"return_tokens":false,"timings_per_token":false,"return_progress":false,"samplers":["top_k"],"n_keep":5,"t_max_predict_ms":0,"stream":true}"#,
        r#"{"input_prefix":"a","input_suffix":"b","input_extra":[{"filename":"f","text":"t"}],"prompt":""}"#,
        r#"{"prompt":{"prompt_string":"<__media__> x","multimodal_data":["AA=="]}}"#,
        r#"{"prompt":[12,34]}"#,
    ] {
        assert_eq!(applied(&closing_but(&[]), body).unwrap(), body);
    }
}

// Break it: allow one of them.
#[test]
fn what_opens_a_way_round_is_taken_out() {
    for open in [
        r#""n_probs":5"#,
        r#""post_sampling_probs":true"#,
        r#""return_tokens":true"#,
        r#""timings_per_token":true"#,
        r#""return_progress":true"#,
        r#""response_fields":["content","prompt"]"#,
        r#""lora":[{"id":0,"scale":1.0}]"#,
        r#""of_next_year":1"#,
    ] {
        let body = format!(r#"{{"prompt":"x",{open}}}"#);
        assert_eq!(applied(&closing_but(&[]), &body).unwrap(), r#"{"prompt":"x"}"#);
    }
    let kept = r#"{"prompt":"x","n_probs":5}"#;
    assert_eq!(applied(&closing_but(&["n_probs"]), kept).unwrap(), kept);
    let several = r#"{"prompt":"x","n_cmpl":9}"#;
    assert_eq!(applied(&closing_but(&[]), several).unwrap(), r#"{"prompt":"x","n_cmpl":1}"#);
}

// Break it: match names as they are written, or forget the second name of the cap.
#[test]
fn model_and_cap_are_lowered_where_the_server_reads_them() {
    for (body, left) in [
        (r#"{"model":"big","n_predict":9000}"#, r#"{"model":"small","n_predict":500}"#),
        (r#"{"model":"m","n_predict":-1}"#, r#"{"model":"m","n_predict":500}"#),
        (r#"{"model":"m","max_tokens":9000}"#, r#"{"model":"m","max_tokens":500}"#),
        (
            r#"{"model":"m","n_predict":70,"max_tokens":9000}"#,
            r#"{"model":"m","n_predict":70,"max_tokens":500}"#,
        ),
        (r#"{"model":"m"}"#, r#"{"n_predict":500,"model":"m"}"#),
        (r#"{"model":"m","num_predict":9}"#, r#"{"n_predict":500,"model":"m"}"#),
        (r#"{"n_predict":9}"#, r#"{"model":"small","n_predict":9}"#),
    ] {
        assert_eq!(applied(&lowering(), body).unwrap(), left);
    }
    for body in [
        r#"{"n_predict":1,"n_predict":9}"#,
        r#"{"N_Predict":9}"#,
        r#"{"prompt":"a","prompt":"b"}"#,
        r#"{"Stream":true}"#,
    ] {
        assert!(applied(&lowering(), body).is_err(), "{body}");
    }
    let asked = scan(r#"{"prompt":"x","n_predict":70,"n_cmpl":3}"#);
    assert_eq!(RequestEdits::output_cap(&Plan::default(), &asked), Some(210));
}

// Break it: count the choices of all prompts together, or take an object for no prompt.
#[test]
fn what_cannot_be_read_of_a_prompt_is_refused_where_reasoning_is_withheld() {
    let mut withholding = closing_but(&[]);
    withholding.reasoning = enforced(Reasoning::new(Keep::None));
    for (prompt, read) in [
        (r#""x""#, true),
        (r#"{"prompt_string":"x"}"#, true),
        (r#"{"prompt_string":"x","prompt_string":"y"}"#, false),
        (r#"{"other":"x"}"#, false),
        ("[1,2]", false),
        (r#"[1,"x"]"#, false),
        (r#"["x","y"]"#, false),
    ] {
        let body = format!(r#"{{"prompt":{prompt}}}"#);
        assert_eq!(applied(&withholding, &body).is_ok(), read, "{prompt}");
    }
}

#[test]
fn what_is_read_by_a_program_is_known() {
    let used = |body: &str| {
        let uses = [Use::Structured, Use::Probabilities];
        uses.map(|it| scan(body).generation.used(&[it], &[]))
    };
    assert_eq!(used(r#"{"json_schema":{},"n_probs":0}"#), [true, false]);
    assert_eq!(used(r#"{"grammar":"","n_probs":3}"#), [false, true]);
    let stops = scan(r#"{"stop":["</think>","END"]}"#);
    assert_eq!((stops.stops.len(), stops.steers_tags), (2, true));
}

#[test]
fn prompts_are_what_the_caller_said() {
    let body = br#"{"prompt":["one","two"],"input_prefix":"three"}"#;
    let mut found = Vec::new();
    LlamaCpp
        .scan_history(body, &mut |said| match said {
            Said::Other(text) => found.push(String::from_utf8_lossy(&body[text.span]).into_owned()),
            Said::Answer(_) => panic!("nobody knows what of a prompt is the model's"),
            Said::End => found.push("-".to_owned()),
        })
        .unwrap();
    assert_eq!(found, ["one", "two", "-", "three", "-"]);
}
