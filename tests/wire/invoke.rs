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
    ] {
        assert_eq!(applied(PATH, body), Some((small.to_owned(), left.to_owned())));
        let streamed = format!("{PATH}-with-response-stream");
        let request = Invoke.scan_request(Target::of(&streamed), body.as_bytes()).unwrap();
        assert!(request.stream && request.ask_usage.is_none());
        assert_eq!(request.model_name(), Some("us.anthropic.big-v1:0"));
    }
    for body in [
        r#"{"prompt":"x","max_gen_len":9}"#,
        r#"{"inputText":"x"}"#,
        r#"{"schemaVersion":"messages-v1","messages":[]}"#,
        r#"{"messages":[],"inferenceConfig":{}}"#,
        r#"{"message":"x"}"#,
        r#"{"messages":[],"prompt":"x"}"#,
        "[]",
        "",
    ] {
        assert_eq!(applied(PATH, body), None, "{body}");
    }
}
