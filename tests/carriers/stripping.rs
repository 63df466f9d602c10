//! What a client says of marks does not reach the upstream, however it is spelled.

use guilloche::countermeasure::watermark::Carrier;
use guilloche::countermeasure::watermark::Carrier::{Lexical, Sglang, Vllm};
use guilloche::wire::chat::Chat;
use guilloche::wire::messages::Messages;
use guilloche::wire::{Protocol, Target};

use crate::support::{ACCOUNT, carriers, chosen};

fn stripped(order: &[Carrier], body: &str) -> (u64, String) {
    let (choice, out) = chosen(&carriers(order), ACCOUNT, &Chat, body, &[]);
    (choice.stripped, out)
}

// Break it: look at the top level only, compare names as they are spelled, or strip for one
// carrier only.
#[test]
fn every_spelling_and_place_of_an_opt_out_is_taken_out() {
    let cases = [
        (r#"{"messages":[],"watermarking":false}"#, r#"{"messages":[]}"#, 1),
        (r#"{"watermarking": "no" , "messages":[]}"#, r#"{"messages":[]}"#, 1),
        (r#"{"water\u006darking":0,"messages":[]}"#, r#"{"messages":[]}"#, 1),
        (
            "{\"WaterMar\u{212a}ing\":false,\"messages\":[],\"watermark\":{\"enabled\":false}}",
            r#"{"messages":[]}"#,
            2,
        ),
        (r#"{"a":1,"watermark":true,"b":2,"watermark":{}}"#, r#"{"a":1,"b":2}"#, 2),
        (
            r#"{"messages":[],"extra_body":{"x":1.50,"watermarking":false, "y":2}}"#,
            r#"{"messages":[],"extra_body":{"x":1.50,"y":2}}"#,
            1,
        ),
        (
            r#"{"messages":[],"Extra_Body":{"vllm_xargs":{"DELTA":0},"options":{"watermark":1}}}"#,
            r#"{"messages":[],"Extra_Body":{"vllm_xargs":{},"options":{}}}"#,
            2,
        ),
        (
            r#"{"parameters":{"watermark":false,"top_n":5},"messages":[]}"#,
            r#"{"parameters":{"top_n":5},"messages":[]}"#,
            1,
        ),
        (
            r#"{"messages":[],"vllm_xargs":{"hash_key":1,"gamma":1,"k":2,"seeding_scheme":"x"}}"#,
            r#"{"messages":[],"vllm_xargs":{"k":2}}"#,
            3,
        ),
        (
            r#"{"messages":[],"extra_args":{"delta":0},"vllm_xargs":{"delta":0},"vllm_xargs":{"delta":0}}"#,
            r#"{"messages":[],"extra_args":{},"vllm_xargs":{},"vllm_xargs":{}}"#,
            3,
        ),
    ];
    for (body, expected, count) in cases {
        for order in [&[Lexical][..], &[Vllm, Lexical], &[]] {
            assert_eq!(stripped(order, body), (count, expected.to_owned()), "{body}");
        }
    }
}

// Break it: let samplers pass that prefer what is less likely, or take out those that are off.
#[test]
fn a_sampler_that_works_against_marks_goes_where_a_text_is_marked() {
    for (body, expected) in [
        (r#"{"messages":[],"typical_p":0.2}"#, r#"{"messages":[]}"#),
        (
            r#"{"messages":[],"Xtc_Probability":"0.5","xtc_threshold":0.1}"#,
            r#"{"messages":[],"xtc_threshold":0.1}"#,
        ),
        (
            r#"{"messages":[],"typical_p":1.0,"xtc_probability":0}"#,
            r#"{"messages":[],"typical_p":1.0,"xtc_probability":0}"#,
        ),
    ] {
        assert_eq!(stripped(&[Vllm, Lexical], body).1, expected);
    }
}

// Break it: strip members of any name, anywhere.
#[test]
fn what_is_no_setting_of_a_mark_stays_byte_for_byte() {
    for body in [
        r#"{ "messages":[{"role":"user","content":"x","watermark":true}], "gamma" : 1.0 }"#,
        r#"{"messages":[],"metadata":{"watermark":false},"logit_bias":{"1":1.0e0}}"#,
        r#"{"messages":[],"tools":[{"vllm_xargs":{"delta":0}}],"watermarks":1}"#,
        r#"{"messages":[],"extra_body":{ "delta":0 , "x":{"watermark":1}}}"#,
        r#"{"messages":[],"extra_body":"watermarking","options":[{"watermark":1}],"vllm_xargs":7}"#,
    ] {
        assert_eq!(stripped(&[Lexical], body), (0, body.to_owned()));
    }
}

// Break it: leave the client's own object beside ours: Python reads the last of two.
#[test]
fn a_clients_key_gives_way_to_ours() {
    let body = r#"{"watermark":{"key":"0"},"messages":[],"WATERMARK":{"enabled":false}}"#;
    let (choice, out) = chosen(&carriers(&[Sglang]), ACCOUNT, &Chat, body, &[]);
    assert_eq!((choice.carrier, choice.stripped), (Some(Sglang), 2));
    assert_eq!(out.matches("atermark").count(), 1, "{out}");
    assert!(serde_json::from_str::<serde_json::Value>(&out).is_ok(), "{out}");
}

// Break it: note every member of every object inside: memory many times the body's.
#[test]
fn objects_with_thousands_of_members_or_great_depth_are_bounded() {
    let many = |count: usize| {
        let members: Vec<String> = (0..count).map(|index| format!("\"k{index}\":0")).collect();
        members.join(",")
    };
    for protocol in [&Chat as &dyn Protocol, &Messages] {
        let body = format!(r#"{{"messages":[],"extra_body":{{{}}}}}"#, many(1000));
        assert!(protocol.scan_request(Target::default(), body.as_bytes()).is_ok());
        let body = format!(
            r#"{{"messages":[],"extra_body":{{{}}},"options":{{{}}}}}"#,
            many(600),
            many(600)
        );
        assert!(protocol.scan_request(Target::default(), body.as_bytes()).is_err());
        let deep = format!("{}1{}", "{\"options\":".repeat(5_000), "}".repeat(5_000));
        assert!(protocol.scan_request(Target::default(), deep.as_bytes()).is_ok());
    }
    // A bias as long as a vocabulary is passed on, and not merged with.
    let body = format!(r#"{{"messages":[],"logit_bias":{{{}}}}}"#, many(100_000));
    let (choice, out) =
        chosen(&carriers(&[Carrier::LogitBias, Lexical]), ACCOUNT, &Chat, &body, &[]);
    assert_eq!((choice.carrier, out), (Some(Lexical), body));
}
