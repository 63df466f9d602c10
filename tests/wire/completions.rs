//! Requests for legacy completions: what is closed, lowered and refused of them, and what they repeat.

use std::num::NonZeroU32;

use guilloche::countermeasure::RequestEdits;
use guilloche::policy::plan::{Downgrade, Effort, Keep, Plan, Reasoning, SideChannels};
use guilloche::wire::completions::Completions;
use guilloche::wire::json::unescape;
use guilloche::wire::{Protocol, Refusal, Request, Said, ServerKind, Target, Use};

use crate::support::{closing, edited, enforced};

fn withholding() -> Plan {
    let mut plan = closing();
    plan.reasoning = enforced(Reasoning::new(Keep::None));
    plan
}

fn lowering() -> Plan {
    let mut settings = Downgrade::default();
    settings.models = vec![("big*".parse().unwrap(), "small".to_owned())];
    settings.max_output_tokens = NonZeroU32::new(500);
    settings.max_effort = Some(Effort::Low);
    let mut plan = closing();
    plan.downgrade = enforced(settings);
    plan
}

fn scan(body: &str) -> Request {
    Completions.scan_request(Target::of("/v1/completions"), body.as_bytes()).unwrap()
}

fn applied(plan: &Plan, server: ServerKind, body: &str) -> Result<String, Refusal> {
    let request = scan(body).addressed(server);
    Ok(edited(plan, &Completions, &request, body)?.1)
}

fn closed(body: &str) -> String {
    applied(&closing(), ServerKind::Custom, body).unwrap()
}

// Break it: always splice, or take a member off the allow-list.
#[test]
fn a_request_that_asks_for_nothing_too_much_goes_on_byte_for_byte() {
    for body in [
        r#" { "model" : "m","prompt":"def f(\ud83d","suffix":"\n", "temperature":1.10,"max_tokens":9,"n":1,"echo":false,"logprobs":null,"stop":["\n"],"stream":true,"seed":7,"stream_options":{"include_usage":true}}"#,
        r#"{"model":"m","prompt":[1,2,3]}"#,
        r#"{"model":"m"}"#,
    ] {
        assert_eq!(closed(body), body);
    }
}

// Break it: allow what Chat's list leaves out.
#[test]
fn what_opens_a_way_round_is_taken_out() {
    for (body, left) in [
        (r#"{"prompt":"x","logprobs":5}"#, r#"{"prompt":"x"}"#),
        (r#"{"prompt":"x","echo":true,"logprobs":0}"#, r#"{"prompt":"x"}"#),
        (r#"{"prompt":"x","n":4,"best_of":9}"#, r#"{"prompt":"x","n":1,"best_of":1}"#),
        (r#"{"prompt":"x","prompt_embeds":"AA=="}"#, r#"{"prompt":"x"}"#),
        (r#"{"prompt":"x","prompt_logprobs":1,"return_token_ids":true}"#, r#"{"prompt":"x"}"#),
        (r#"{"prompt":"x","n_probs":5,"response_fields":["tokens"]}"#, r#"{"prompt":"x"}"#),
        (r#"{"prompt":"x","messages":[{"role":"user","content":"y"}]}"#, r#"{"prompt":"x"}"#),
        (r#"{"prompt":"x","of_next_year":1}"#, r#"{"prompt":"x"}"#),
    ] {
        assert_eq!(closed(body), left);
    }
    for twice in [r#"{"prompt":"a","prompt":"b"}"#, r#"{"prompt":"a","Prompt":"b"}"#] {
        assert!(applied(&closing(), ServerKind::Custom, twice).is_err(), "{twice}");
    }
}

// Break it: put the cap where chat completions of the vendor have it.
#[test]
fn model_and_cap_are_lowered_in_place_or_added_whatever_the_server() {
    for server in [ServerKind::OpenAi, ServerKind::Vllm, ServerKind::LlamaCpp] {
        for (body, left) in [
            (
                r#"{"model":"big-1","prompt":"x","max_tokens":9000}"#,
                r#"{"model":"small","prompt":"x","max_tokens":500}"#,
            ),
            (
                r#"{"model":"other","prompt":"x"}"#,
                r#"{"max_tokens":500,"model":"other","prompt":"x"}"#,
            ),
            (
                r#"{"model":"big","prompt":"x","max_tokens":9,"n_predict":9000,"max_completion_tokens":9000}"#,
                r#"{"model":"small","prompt":"x","max_tokens":9}"#,
            ),
        ] {
            assert_eq!(applied(&lowering(), server, body).unwrap(), left);
        }
    }
}

// Break it: count choices by `n` alone.
#[test]
fn a_batch_of_prompts_counts_as_so_many_choices() {
    let batch = r#"{"model":"m","prompt":["a","b","c"],"n":2,"max_tokens":10}"#;
    assert_eq!(RequestEdits::output_cap(&Plan::default(), &scan(batch)), Some(60));
    assert!(applied(&closing(), ServerKind::Vllm, batch).is_err());
    let mut wide = closing();
    let mut settings = SideChannels::default();
    settings.max_choices = NonZeroU32::new(3).unwrap();
    wide.side_channels = enforced(settings);
    assert!(applied(&wide, ServerKind::Vllm, batch).is_ok());
    assert!(applied(&closing(), ServerKind::Vllm, r#"{"prompt":["a"]}"#).is_ok());
}

// Break it: take tokens for a text that opens nothing.
#[test]
fn a_prompt_that_cannot_be_read_is_refused_where_reasoning_is_withheld() {
    for prompt in ["[1,2]", "[[1],[2]]", r#"["a",[1]]"#, "{}", "1"] {
        let body = format!(r#"{{"model":"m","prompt":{prompt}}}"#);
        let refusal = applied(&withholding(), ServerKind::Vllm, &body).unwrap_err();
        assert!(refusal.message.contains("prompt"), "{refusal:?}");
    }
    for prompt in [r#""x <think>""#, r#"["a"]"#, "null", "[]"] {
        let body = format!(r#"{{"model":"m","prompt":{prompt}}}"#);
        assert!(applied(&withholding(), ServerKind::Vllm, &body).is_ok(), "{prompt}");
    }
}

#[test]
fn what_is_read_by_a_program_is_known() {
    let used = |body: &str| {
        let uses = [Use::Structured, Use::Probabilities, Use::Echoed];
        uses.map(|it| scan(body).generation.used(&[it], &[]))
    };
    assert_eq!(used(r#"{"guided_json":{"type":"object"}}"#), [true, false, false]);
    assert_eq!(used(r#"{"logprobs":1,"echo":true}"#), [false, true, true]);
    assert_eq!(used(r#"{"logprobs":0,"echo":false}"#), [false; 3]);
}

#[test]
fn a_stream_is_asked_for_its_usage_as_chat_completions_are() {
    let ask = |body: &str| scan(body).ask_usage.is_some();
    assert!(ask(r#"{"stream":true}"#));
    assert!(!ask(r#"{"stream":true,"stream_options":{"include_usage":true}}"#) && !ask("{}"));
}

// Break it: take what stands in a prompt for the model's.
#[test]
fn prompts_are_the_callers_whatever_they_repeat() {
    let mut found = Vec::new();
    let body = br#"{"model":"m","prompt":["one","two",[3]],"suffix":"no"}"#;
    Completions
        .scan_history(body, &mut |said| {
            found.push(match said {
                Said::Other(text) => unescape(body.get(text.span).unwrap()).unwrap().into_owned(),
                other => format!("{other:?}"),
            });
        })
        .unwrap();
    assert_eq!(found, ["one", "two", "End"]);
    assert!(Completions.scan_history(b"[]", &mut |_| {}).is_err());
}
