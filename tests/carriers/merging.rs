//! What a carrier adds beside the caller's own settings: the caller's stay, byte for byte.

use guilloche::countermeasure::watermark::Carrier::{Lexical, LogitBias, VllmXargs};
use guilloche::countermeasure::watermark::{
    CarrierSetting, Carriers, KeyOf, MarkTerms, VllmXargs as Xargs,
};
use guilloche::wire::chat::Chat;
use serde_json::{Value, json};

use crate::support::{ACCOUNT, chat, chosen, keys, setting};

fn bias(body: &str) -> String {
    chat(&[LogitBias], body).1
}

// Break it: leave a comma too many, write the numbers anew, or go over the server's limit.
#[test]
fn a_bias_is_merged_with_the_callers_who_wins() {
    assert_eq!(
        bias(r#"{"messages":[]}"#),
        r#"{"logit_bias":{"100":1.5,"101":-1.5,"102":1.5,"103":-1.5,"104":1.5,"105":-1.5},"messages":[]}"#
    );
    // Two of six places are the caller's, and one of the two pairs would touch its token.
    assert_eq!(
        bias(r#"{"messages":[],"logit_bias":{ "0101" : -1.00e2, "7":5 } }"#),
        r#"{"messages":[],"logit_bias":{"102":1.5,"103":-1.5, "0101" : -1.00e2, "7":5 } }"#
    );
    assert_eq!(
        bias(r#"{"messages":[],"logit_bias":{}}"#),
        r#"{"messages":[],"logit_bias":{"100":1.5,"101":-1.5,"102":1.5,"103":-1.5,"104":1.5,"105":-1.5}}"#
    );
    let null = bias(r#"{"messages":[],"logit_bias": null }"#);
    assert!(null.starts_with(r#"{"messages":[],"logit_bias": {"100":1.5,"#), "{null}");
}

// Break it: merge into what is no object of tokens, or into one of two members of the same name.
#[test]
fn a_bias_that_cannot_be_merged_falls_to_the_next_carrier() {
    for own in [
        r#""logit_bias":[[100,5]]"#,
        r#""logit_bias":"x""#,
        r#""logit_bias":{},"logit_bias":{}"#,
        r#""Logit_Bias":{}"#,
        r#""logit_bias":{"1":1,"2":1,"3":1,"4":1,"5":1}"#,
        r#""n":2"#,
    ] {
        let body = format!(r#"{{"messages":[],{own}}}"#);
        assert_eq!(chat(&[LogitBias, Lexical], &body), (Some(Lexical), body.clone()), "{body}");
    }
}

// Break it: forget the strength, or that greedy requests are often measurements.
#[test]
fn a_bias_follows_the_strength_and_is_gentle_where_the_most_likely_token_is_taken() {
    let most = |strength: f64, members: &str| {
        let marked = MarkTerms { strength, ..ACCOUNT };
        let body = format!(r#"{{"messages":[]{members}}}"#);
        let carriers = Carriers::new(vec![setting(LogitBias)]);
        let (_, out) = chosen(&carriers, marked, &Chat, &body, &[]);
        let out: Value = serde_json::from_str(&out).unwrap();
        out["logit_bias"]["100"].as_f64().unwrap()
    };
    assert_eq!(most(0.5, ""), 0.75);
    assert_eq!(most(1.0, r#","temperature":0"#), 0.5);
    assert_eq!(most(0.25, r#","temperature":0"#), 0.375);
}

fn xargs(settings: Xargs, marked: MarkTerms<'_>, body: &str) -> String {
    let carriers = Carriers::new(vec![CarrierSetting::VllmXargs(settings)]);
    chosen(&carriers, marked, &Chat, body, &[]).1
}

// Break it: keep the caller's own settings of the mark, or drop its other arguments.
#[test]
fn a_plugins_settings_stand_beside_the_callers_other_arguments() {
    let key = Xargs::default().hash_key(&keys(), ACCOUNT);
    let ours = format!(
        r#""gamma":0.25,"delta":2,"hash_key":{key},"seeding_scheme":"gpu-fused-selfhash-fullvocab""#
    );
    for (own, expected) in [
        ("", format!(r#"{{"vllm_xargs":{{{ours}}},"messages":[]}}"#)),
        (
            r#","vllm_xargs":{"delta": 0.0, "mine":1.0e3 }"#,
            format!(r#"{{"messages":[],"vllm_xargs":{{{ours},"mine":1.0e3 }}}}"#),
        ),
        (
            r#","vllm_xargs":{"mine":[1,"a"],"gamma":1,"hash_key":1}"#,
            format!(r#"{{"messages":[],"vllm_xargs":{{{ours},"mine":[1,"a"]}}}}"#),
        ),
        (r#","vllm_xargs":{"delta":0}"#, format!(r#"{{"messages":[],"vllm_xargs":{{{ours}}}}}"#)),
        (r#","vllm_xargs":null"#, format!(r#"{{"messages":[],"vllm_xargs":{{{ours}}}}}"#)),
    ] {
        let body = format!(r#"{{"messages":[]{own}}}"#);
        assert_eq!(xargs(Xargs::default(), ACCOUNT, &body), expected);
    }
    let two = r#"{"messages":[],"vllm_xargs":{"delta":0},"vllm_xargs":{}}"#;
    assert_eq!(chat(&[VllmXargs, Lexical], two).0, Some(Lexical));
}

// Break it: give every account a key of its own by default, or a number that readers round.
#[test]
fn a_plugins_key_is_the_deployments_unless_it_keeps_keys_apart() {
    let mut other = ACCOUNT;
    other.recipient.account = "acct-18";
    let shared = Xargs::default();
    assert_eq!(shared.hash_key(&keys(), ACCOUNT), shared.hash_key(&keys(), other));
    let apart = Xargs { key_of: KeyOf::Principal, ..shared };
    assert_ne!(apart.hash_key(&keys(), ACCOUNT), apart.hash_key(&keys(), other));
    assert!(apart.hash_key(&keys(), other) < 1 << 53);
    let out = xargs(apart, ACCOUNT, r#"{"messages":[]}"#);
    let out: Value = serde_json::from_str(&out).unwrap();
    assert_ne!(out["vllm_xargs"]["hash_key"], json!(15_485_863));
}
