//! Requests of text-generation-inference's own protocol, and of SGLang's on the same path: what is closed, lowered
//! and refused of them.

use std::num::NonZeroU32;

use guilloche::countermeasure::RequestEdits;
use guilloche::policy::plan::{Downgrade, Keep, Plan, Reasoning};
use guilloche::wire::tgi::Tgi;
use guilloche::wire::{Protocol, ProtocolId, Refusal, Request, ServerKind, Target, Use};

use crate::support::{closing_but, edited, enforced};

fn lowering() -> Plan {
    let mut settings = Downgrade::default();
    settings.max_output_tokens = NonZeroU32::new(500);
    let mut plan = Plan::default();
    plan.downgrade = enforced(settings);
    plan
}

fn scan(body: &str) -> Request {
    Tgi.scan_request(Target::of("/generate"), body.as_bytes()).unwrap()
}

fn applied(plan: &Plan, body: &str) -> Result<String, Refusal> {
    let request = scan(body).addressed(ServerKind::Tgi);
    Ok(edited(plan, &Tgi, &request, body)?.1)
}

// Break it: look for the end of a path.
#[test]
fn only_whole_paths_are_its_endpoints() {
    for path in ["/", "/generate", "/generate_stream"] {
        assert_eq!(ProtocolId::of_path(path), Some(ProtocolId::Tgi), "{path}");
    }
    for path in ["/v2/models/m/generate", "/v2/models/m/generate_stream", "/x/", "/v1/generate"] {
        assert_eq!(ProtocolId::of_path(path), None, "{path}");
    }
    assert_eq!(ProtocolId::of_path("/api/generate"), Some(ProtocolId::Ollama));
    let streams =
        |path, body: &str| Tgi.scan_request(Target::of(path), body.as_bytes()).unwrap().stream;
    assert!(streams("/generate_stream", "{}") && streams("/", r#"{"stream":true}"#));
    assert!(!streams("/generate", "{}") && !streams("/", "{}"));
}

// Break it: always splice, or take a setting off the allow-list.
#[test]
fn a_request_that_asks_for_nothing_too_much_goes_on_byte_for_byte() {
    for body in [
        r#" { "inputs" : "\ud83d x","parameters":{"max_new_tokens":20,"best_of":1,"details":true,"decoder_input_details":false,"do_sample":true,"return_full_text":false,"stop":["a"],"temperature":1.10,"top_n_tokens":null,"typical_p":0.95,"seed":null,"grammar":null},"stream":false}"#,
        r#"{"inputs":"x"}"#,
        r#"{"text":"x","sampling_params":{"max_new_tokens":9,"n":1,"skip_special_tokens":true,"stop":null},"return_logprob":false,"stream":true}"#,
    ] {
        assert_eq!(applied(&closing_but(&[]), body).unwrap(), body);
    }
}

// Break it: put null where a server takes that for no, or for a wrong type.
#[test]
fn what_opens_a_way_round_is_closed() {
    for (open, left) in [
        (r#""decoder_input_details":true"#, r#""decoder_input_details":false"#),
        (r#""return_full_text":true"#, r#""return_full_text":false"#),
        (r#""top_n_tokens":5"#, r#""top_n_tokens":null"#),
        (r#""adapter_id":"big""#, r#""adapter_id":null"#),
        (r#""of_next_year":1"#, r#""of_next_year":null"#),
        (r#""best_of":4"#, r#""best_of":1"#),
    ] {
        let body = |it: &str| format!(r#"{{"inputs":"x","parameters":{{{it}}}}}"#);
        assert_eq!(applied(&closing_but(&[]), &body(open)).unwrap(), body(left));
    }
    for (open, left) in [
        (r#""skip_special_tokens":false"#, r#""skip_special_tokens":true"#),
        (r#""n":4"#, r#""n":1"#),
    ] {
        let body = |it: &str| format!(r#"{{"text":"x","sampling_params":{{{it}}}}}"#);
        assert_eq!(applied(&closing_but(&[]), &body(open)).unwrap(), body(left));
    }
    let body = r#"{"text":"x","return_logprob":true,"return_hidden_states":true,"lora_path":"l"}"#;
    assert_eq!(applied(&closing_but(&[]), body).unwrap(), r#"{"text":"x"}"#);
    let kept = r#"{"inputs":"x","parameters":{"top_n_tokens":5}}"#;
    assert_eq!(applied(&closing_but(&["top_n_tokens"]), kept).unwrap(), kept);
}

// Break it: add a cap where the server that is asked does not read it.
#[test]
fn the_cap_is_lowered_where_the_server_reads_it() {
    for (body, left) in [
        (
            r#"{"inputs":"x","parameters":{"max_new_tokens":9000}}"#,
            r#"{"inputs":"x","parameters":{"max_new_tokens":500}}"#,
        ),
        (
            r#"{"inputs":"x","parameters":{"top_k":1}}"#,
            r#"{"inputs":"x","parameters":{"max_new_tokens":500,"top_k":1}}"#,
        ),
        (r#"{"inputs":"x"}"#, r#"{"parameters":{"max_new_tokens":500},"inputs":"x"}"#),
        (
            r#"{"inputs":"x","parameters":null}"#,
            r#"{"inputs":"x","parameters":{"max_new_tokens":500}}"#,
        ),
        (
            r#"{"inputs":"x","max_new_tokens":9000}"#,
            r#"{"parameters":{"max_new_tokens":500},"inputs":"x"}"#,
        ),
        (r#"{"text":"x"}"#, r#"{"sampling_params":{"max_new_tokens":500},"text":"x"}"#),
        (
            r#"{"text":"x","sampling_params":{"max_new_tokens":9000}}"#,
            r#"{"text":"x","sampling_params":{"max_new_tokens":500}}"#,
        ),
    ] {
        assert_eq!(applied(&lowering(), body).unwrap(), left);
    }
    let asked = scan(r#"{"inputs":"x","parameters":{"max_new_tokens":70,"best_of":2}}"#);
    assert_eq!(RequestEdits::output_cap(&Plan::default(), &asked), Some(140));
}

// Break it: read both halves as one request.
#[test]
fn a_request_that_two_servers_read_differently_is_refused() {
    for body in [
        r#"{"inputs":"x","sampling_params":{"max_new_tokens":1}}"#,
        r#"{"text":"x","parameters":{"max_new_tokens":1}}"#,
        r#"{"inputs":"x","text":"y"}"#,
        r#"{"inputs":"x","inputs":"y"}"#,
        r#"{"inputs":"x","parameters":{},"Parameters":{}}"#,
        r#"{"inputs":"x","parameters":{"max_new_tokens":1,"Max_New_Tokens":9}}"#,
        r#"{"text":["x","y"],"sampling_params":[{"max_new_tokens":1},{}]}"#,
    ] {
        for plan in [closing_but(&[]), lowering()] {
            assert!(applied(&plan, body).is_err(), "{body}");
        }
    }
}

// Break it: take what nobody can read for no prompt.
#[test]
fn a_prompt_that_nobody_can_read_is_refused_where_reasoning_is_withheld() {
    let mut withholding = closing_but(&[]);
    withholding.reasoning = enforced(Reasoning::new(Keep::None));
    for (body, read) in [
        (r#"{"inputs":"x"}"#, true),
        (r#"{"inputs":[1,2]}"#, false),
        (r#"{"text":["x","y"]}"#, false),
    ] {
        assert_eq!(applied(&withholding, body).is_ok(), read, "{body}");
    }
    // Without them there is no prompt at all.
    let tokens = r#"{"input_ids":[1,2],"sampling_params":{}}"#;
    assert_eq!(applied(&withholding, tokens).unwrap(), r#"{"sampling_params":{}}"#);
}

#[test]
fn what_is_read_by_a_program_is_known() {
    let used = |settings: &str| {
        let request = scan(&format!(r#"{{"inputs":"x","parameters":{{{settings}}}}}"#));
        [Use::Structured, Use::Echoed].map(|it| request.generation.used(&[it], &[]))
    };
    assert_eq!(used(r#""grammar":{"type":"json","value":{}}"#), [true, false]);
    assert_eq!(used(r#""grammar":null,"return_full_text":true"#), [false, true]);
    let stops = scan(r#"{"inputs":"x","parameters":{"stop":["</think>","END"]}}"#);
    assert_eq!((stops.stops.len(), stops.steers_tags), (2, true));
}
