//! Requests of InvokeModel: whose body is read, and what is closed, lowered and refused of it.

use std::num::NonZeroU32;

use guilloche::policy::plan::{Downgrade, Plan, SideChannels};
use guilloche::wire::invoke::Invoke;
use guilloche::wire::{Protocol, Target};

use crate::support::{edited, enforced};

const PATH: &str = "/model/us.anthropic.big-v1%3A0/invoke";

fn applied(path: &str, body: &str) -> Option<(String, String)> {
    let mut settings = Downgrade::default();
    settings.models = vec![("big*".parse().unwrap(), "a.small-v1:0".to_owned())];
    settings.max_output_tokens = NonZeroU32::new(2000);
    let mut plan = Plan::default();
    plan.side_channels = enforced(SideChannels::default());
    plan.downgrade = enforced(settings);
    let request = Invoke.scan_request(Target::of(path), body.as_bytes()).ok()?;
    edited(&plan, &Invoke, &request, body).ok()
}

// Break it: read a body by what its model is called, or one of another vendor's as a chat.
#[test]
fn a_body_is_read_as_its_vendors_or_not_at_all() {
    let small = "/model/a.small-v1%3A0/invoke";
    for (body, left) in [
        (
            r#"{"anthropic_version":"bedrock-2023-05-31","max_tokens":9000,"messages":[],"anthropic_beta":["x"],"logprobs":true}"#,
            r#"{"anthropic_version":"bedrock-2023-05-31","max_tokens":2000,"messages":[],"anthropic_beta":["x"]}"#,
        ),
        (
            r#"{"messages":[{"role":"user","content":"x"}],"max_completion_tokens":9000,"logprobs":true}"#,
            r#"{"messages":[{"role":"user","content":"x"}],"max_completion_tokens":2000}"#,
        ),
        (
            r#"{"schemaVersion":"messages-v1","messages":[{"role":"user","content":[{"text":"x"}]}],"inferenceConfig":{"maxTokens":9000,"topK":9},"system":[],"extra":1}"#,
            r#"{"schemaVersion":"messages-v1","messages":[{"role":"user","content":[{"text":"x"}]}],"inferenceConfig":{"maxTokens":2000,"topK":9},"system":[]}"#,
        ),
        // As Amazon's guide to Nova writes it, which says nothing but what is asked.
        (
            r#"{"messages":[{"role":"user","content":[{"text":"x"}]}]}"#,
            r#"{"inferenceConfig":{"maxTokens":2000},"messages":[{"role":"user","content":[{"text":"x"}]}]}"#,
        ),
        (
            r#"{"prompt":"x","max_gen_len":9000,"temperature":0.5,"top_p":0.9}"#,
            r#"{"prompt":"x","max_gen_len":2000,"temperature":0.5,"top_p":0.9}"#,
        ),
        (r#"{"prompt":"x"}"#, r#"{"max_gen_len":2000,"prompt":"x"}"#),
    ] {
        assert_eq!(applied(PATH, body), Some((small.to_owned(), left.to_owned())));
        let streamed = format!("{PATH}-with-response-stream");
        let request = Invoke.scan_request(Target::of(&streamed), body.as_bytes()).unwrap();
        assert!(request.stream && request.ask_usage.is_none());
        assert_eq!(request.model_name(), Some("us.anthropic.big-v1:0"));
    }
    for body in [
        r#"{"inputText":"x"}"#,
        // What others than Meta have a prompt with.
        r#"{"prompt":"x","max_tokens":9}"#,
        r#"{"prompt":"x","max_gen_len":9,"max_tokens_to_sample":9}"#,
        r#"{"prompt":"x","inferenceConfig":{}}"#,
        r#"{"inferenceConfig":{}}"#,
        r#"{"message":"x"}"#,
        r#"{"messages":[],"prompt":"x"}"#,
        "[]",
        "",
    ] {
        assert_eq!(applied(PATH, body), None, "{body}");
    }
}
