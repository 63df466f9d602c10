//! Oracle: what SGLang's and vLLM's own code accepts (`tests/fixtures/servers`).

use std::num::NonZeroU8;

use guilloche::countermeasure::watermark::{Carrier, Sglang, VllmXargs};
use guilloche::wire::chat::Chat;
use guilloche::wire::messages::Messages;
use guilloche::wire::{Protocol, Target};
use serde_json::Value;

use crate::support::{ACCOUNT, carriers, chosen};

fn accepted() -> Value {
    serde_json::from_str(include_str!("../fixtures/servers/accepted.json")).unwrap()
}

fn cases(server: &str) -> Vec<Value> {
    accepted()[server]["cases"].as_array().unwrap().clone()
}

// Break it: rename a member of the object, or write the window as a string.
#[test]
fn sglang_marks_with_the_object_that_it_is_sent_and_refuses_what_probing_expects_it_to() {
    let of = |key: &str, window: u8| {
        let settings = Sglang { context_window: NonZeroU8::new(window).unwrap() };
        let value: Value = serde_json::from_str(&settings.value(key)).unwrap();
        let mut found = cases("sglang");
        found.retain(|case| case["value"] == value);
        let verdict = |enabled: bool| {
            let case = found.iter().find(|case| case["server_enabled"] == enabled).unwrap();
            case["accepted"] == true && case["marks"] == true
        };
        (verdict(true), verdict(false))
    };
    // With --enable-watermark, and without.
    assert_eq!(of("0123456789abcdef", 2), (true, false));
    assert_eq!(of("0", 2), (true, false));
    assert_eq!(of("no key", 2), (false, false));
    // Longer than the server's.
    assert_eq!(of("0123456789abcdef", 64), (false, false));
}

// Break it: strip `false` only.
#[test]
fn whatever_vllm_reads_as_an_opt_out_is_taken_out() {
    let mut out = 0;
    for case in cases("vllm").iter().filter(|case| case["member"] == "watermarking") {
        let messages = case["protocol"] == "messages";
        let protocol = if messages { &Messages as &dyn Protocol } else { &Chat };
        let body =
            format!(r#"{{"messages":[],"watermarking":{}}}"#, case["value"].as_str().unwrap());
        let (choice, left) = chosen(&carriers(&[Carrier::Vllm]), ACCOUNT, protocol, &body, &[]);
        assert_eq!((choice.stripped, left.as_str()), (1, r#"{"messages":[]}"#), "{body}");
        out += u32::from(case["accepted"] == true && case["reads"] == false);
    }
    assert!(out >= 12, "the oracle knows of {out} opt-outs");
}

// Break it: read numbers and switches more strictly than vLLM.
#[test]
fn what_vllm_reads_as_greedy_or_as_a_beam_search_is_read_so() {
    for case in cases("vllm").iter().filter(|case| case["accepted"] == true) {
        let body =
            format!(r#"{{"messages":[],{}:{}}}"#, case["member"], case["value"].as_str().unwrap());
        let generation = Chat.scan_request(Target::default(), body.as_bytes()).unwrap().generation;
        match case["member"].as_str().unwrap() {
            "temperature" => assert_eq!(generation.greedy, case["reads"] == 0.0, "{body}"),
            "use_beam_search" => assert_eq!(generation.beam, case["reads"] == true, "{body}"),
            _ => {}
        }
    }
}

// Break it: send what vLLM's type of `vllm_xargs` has no place for, or to a protocol without it.
#[test]
fn vllm_takes_the_members_that_carriers_add() {
    let ours = VllmXargs::default().members(2.0, (1 << 53) - 1);
    let ours = format!("{{{ours}}}");
    for (protocol, name) in [(&Chat as &dyn Protocol, "chat"), (&Messages, "messages")] {
        let mut cases = cases("vllm");
        cases.retain(|case| case["protocol"] == name && case["value"] == ours.as_str());
        assert_eq!(cases.len(), 1, "{ours}");
        assert_eq!(cases[0]["accepted"], true);
        let members = protocol.scan_request(Target::default(), b"{}").unwrap().sampler_members;
        for member in ["vllm_xargs", "watermarking", "logit_bias"] {
            let known = !accepted()["vllm"]["fields"][name][member].is_null();
            assert_eq!(members.contains(&member), known, "{name}: {member}");
        }
    }
}
