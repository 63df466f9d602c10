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
        // What the vendor of the model in the path has.
        (r#"{"prompt":"x"}"#, r#"{"max_tokens_to_sample":2000,"prompt":"x"}"#),
        (
            r#"{"prompt":"x","max_tokens":9000,"stop":["a"],"temperature":0.5,"top_p":0.9,"top_k":50}"#,
            r#"{"prompt":"x","max_tokens":2000,"stop":["a"],"temperature":0.5,"top_p":0.9,"top_k":50}"#,
        ),
        (
            r#"{"prompt":"x","top_k":50,"stop":[]}"#,
            r#"{"max_tokens":2000,"prompt":"x","top_k":50,"stop":[]}"#,
        ),
        (
            r#"{"prompt":"x","max_tokens_to_sample":9000,"stop_sequences":["a"]}"#,
            r#"{"prompt":"x","max_tokens_to_sample":2000,"stop_sequences":["a"]}"#,
        ),
        (
            r#"{"anthropic_version":"bedrock-2023-05-31","prompt":"x"}"#,
            r#"{"max_tokens_to_sample":2000,"anthropic_version":"bedrock-2023-05-31","prompt":"x"}"#,
        ),
        (
            r#"{"prompt":"x","k":9,"num_generations":5,"return_likelihoods":"ALL","stream":true}"#,
            r#"{"max_tokens":2000,"prompt":"x","k":9,"num_generations":1,"stream":true}"#,
        ),
        (
            r#"{"inputText":"x","textGenerationConfig":{"maxTokenCount":9000,"topP":0.9,"logits":true}}"#,
            r#"{"inputText":"x","textGenerationConfig":{"maxTokenCount":2000,"topP":0.9,"logits":null}}"#,
        ),
        (
            r#"{"inputText":"x"}"#,
            r#"{"textGenerationConfig":{"maxTokenCount":2000},"inputText":"x"}"#,
        ),
        (
            r#"{"message":"x","chat_history":[{"role":"CHATBOT","message":"a"}],"return_prompt":true,"raw_prompting":true,"k":9}"#,
            r#"{"max_tokens":2000,"message":"x","chat_history":[{"role":"CHATBOT","message":"a"}],"k":9}"#,
        ),
    ] {
        assert_eq!(applied(PATH, body), Some((small.to_owned(), left.to_owned())));
        let streamed = format!("{PATH}-with-response-stream");
        let request = Invoke.scan_request(Target::of(&streamed), body.as_bytes()).unwrap();
        assert!(request.stream && request.ask_usage.is_none());
        assert_eq!(request.model_name(), Some("us.anthropic.big-v1:0"));
    }
    for body in [
        // Of embeddings, of images, of AI21's Jurassic.
        r#"{"inputText":"x","dimensions":256}"#,
        r#"{"texts":["x"],"input_type":"search_document"}"#,
        r#"{"prompt":"x","aspect_ratio":"1:1"}"#,
        r#"{"prompt":"x","maxTokens":9}"#,
        // What no vendor has beside each other.
        r#"{"prompt":"x","max_gen_len":9,"max_tokens_to_sample":9}"#,
        r#"{"prompt":"x","max_gen_len":9,"max_tokens":9}"#,
        r#"{"prompt":"x","inputText":"x"}"#,
        r#"{"message":"x","prompt":"x"}"#,
        r#"{"message":"x","logprobs":true}"#,
        r#"{"prompt":"x","inferenceConfig":{}}"#,
        r#"{"inferenceConfig":{}}"#,
        r#"{"messages":[],"prompt":"x"}"#,
        "[]",
        "",
    ] {
        assert_eq!(applied(PATH, body), None, "{body}");
    }
}

// Break it: take the first vendor whose body it could be.
#[test]
fn a_prompt_that_several_vendors_could_be_asked_with_is_capped_as_its_models_vendor_has_it() {
    let capped = |model: &str| {
        let path = format!("/model/{model}/invoke");
        let mut settings = Downgrade::default();
        settings.max_output_tokens = NonZeroU32::new(2000);
        let mut plan = Plan::default();
        plan.downgrade = enforced(settings);
        let body = r#"{"prompt":"x","temperature":0.5}"#;
        let request = Invoke.scan_request(Target::of(&path), body.as_bytes()).unwrap();
        edited(&plan, &Invoke, &request, body).unwrap().1
    };
    for (model, cap) in [
        ("us.meta.llama4-scout-17b-instruct-v1%3A0", "max_gen_len"),
        ("mistral.mistral-large-2402-v1%3A0", "max_tokens"),
        ("us.deepseek.r1-v1%3A0", "max_tokens"),
        ("cohere.command-text-v14", "max_tokens"),
        ("anthropic.claude-v2%3A1", "max_tokens_to_sample"),
        ("my-own", "max_gen_len"),
    ] {
        let expected = format!(r#"{{"{cap}":2000,"prompt":"x","temperature":0.5}}"#);
        assert_eq!(capped(model), expected, "{model}");
    }
    let path = Target::of("/model/amazon.titan-embed-text-v2%3A0/invoke");
    assert!(Invoke.scan_request(path, br#"{"inputText":"x"}"#).is_err());
}
