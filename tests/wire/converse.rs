//! Requests of Converse: what is closed, lowered and refused of body and path, and what they repeat.

use std::num::NonZeroU32;

use guilloche::policy::plan::{Downgrade, Effort, Keep, Plan, Reasoning};
use guilloche::wire::converse::Converse;
use guilloche::wire::json::unescape;
use guilloche::wire::{Protocol, Refusal, Request, Said, Target, Use};

use crate::support::{closing, edited, enforced};

const PATH: &str = "/model/us.anthropic.big-v1%3A0/converse";

fn lowering(side_channels: bool) -> Plan {
    let mut settings = Downgrade::default();
    settings.models = vec![("big*".parse().unwrap(), "arn:aws:bedrock:x:1:y/small:0".to_owned())];
    settings.max_output_tokens = NonZeroU32::new(2000);
    settings.max_effort = Some(Effort::Low);
    settings.max_thinking_tokens = NonZeroU32::new(1500);
    let mut plan = if side_channels { closing() } else { Plan::default() };
    plan.downgrade = enforced(settings);
    plan
}

fn scan(target: &str, body: &str) -> Request {
    Converse.scan_request(Target::of(target), body.as_bytes()).unwrap()
}

fn applied(plan: &Plan, target: &str, body: &str) -> Result<(String, String), Refusal> {
    let request = scan(target, body);
    edited(plan, &Converse, &request, body)
}

fn closed(body: &str) -> String {
    applied(&closing(), PATH, body).unwrap().1
}

// Break it: always splice, or take a member off the allow-list.
#[test]
fn a_request_that_asks_for_nothing_too_much_goes_on_byte_for_byte() {
    for body in [
        r#" { "messages" : [{"role":"user","content":[{"text":"\ud83d"},{"image":{"format":"png","source":{"bytes":"AA=="}}},{"cachePoint":{"type":"default"}}]}], "system":[{"text":"x"}],"inferenceConfig":{"maxTokens":9,"temperature":1.10,"topP":0.9,"stopSequences":["x"]},"toolConfig":{"tools":[{"toolSpec":{"name":"f","inputSchema":{"json":{}}}}],"toolChoice":{"auto":{}}},"guardrailConfig":{"guardrailIdentifier":"g","guardrailVersion":"1","trace":"enabled"},"additionalModelRequestFields":{"thinking":{"type":"enabled","budget_tokens":1024},"top_k":5,"anthropic_beta":["a"]},"requestMetadata":{"a":"b c"},"performanceConfig":{"latency":"standard"},"serviceTier":{"type":"default"},"outputConfig":{"effort":"high"}}"#,
        r#"{"messages":[{"role":"user","content":[{"text":"x"}]}],"promptVariables":{"a":{"text":"b"}}}"#,
    ] {
        assert_eq!(closed(body), body);
    }
    assert_eq!(applied(&closing(), PATH, "{}").unwrap().0, PATH);
}

// Break it: leave what goes to the model alone, or let a client name members of its answer.
#[test]
fn what_opens_a_way_round_is_taken_out() {
    for (body, left) in [
        (
            r#"{"messages":[],"additionalModelResponseFieldPaths":["/content","/stop_sequence"]}"#,
            r#"{"messages":[]}"#,
        ),
        (
            r#"{"additionalModelRequestFields":{"logprobs":true,"top_k":5,"include_reasoning":true,"of_next_year":{"a":1}}}"#,
            r#"{"additionalModelRequestFields":{"logprobs":null,"top_k":5,"include_reasoning":null,"of_next_year":null}}"#,
        ),
        (
            r#"{"inferenceConfig":{"maxTokens":9,"of_next_year":1}}"#,
            r#"{"inferenceConfig":{"maxTokens":9,"of_next_year":null}}"#,
        ),
        (
            r#"{"additionalModelRequestFields":{"inferenceConfig":{"topK":1,"logprobs":1}}}"#,
            r#"{"additionalModelRequestFields":{"inferenceConfig":{"topK":1,"logprobs":null}}}"#,
        ),
        (r#"{"messages":[],"of_next_year":1}"#, r#"{"messages":[]}"#),
    ] {
        assert_eq!(closed(body), left);
    }
}

// Break it: take the first of two.
#[test]
fn what_is_said_twice_or_in_another_case_is_refused() {
    for body in [
        r#"{"messages":[],"messages":[]}"#,
        r#"{"Messages":[]}"#,
        r#"{"inferenceConfig":{"maxTokens":1,"maxTokens":9}}"#,
        r#"{"inferenceConfig":{"maxtokens":9}}"#,
        r#"{"inferenceConfig":{},"inferenceConfig":{}}"#,
        r#"{"additionalModelRequestFields":{},"additionalmodelrequestfields":{}}"#,
        r#"{"additionalModelRequestFields":{"thinking":{},"thinking":{}}}"#,
        r#"{"additionalModelRequestFields":{"Thinking":{"type":"enabled"}}}"#,
        r#"{"additionalModelRequestFields":{"max_tokens":1,"Max_Tokens":9}}"#,
        r#"{"additionalModelRequestFields":{"inferenceConfig":{"maxTokens":1,"maxTokens":9}}}"#,
        r#"{"outputConfig":{"effort":"low","effort":"high"}}"#,
    ] {
        assert!(applied(&closing(), PATH, body).is_err(), "{body}");
    }
}

// Break it: put the cap at the top or beside the model's own settings, or a slash into the path.
#[test]
fn model_cap_and_budget_are_lowered_where_they_stand() {
    for (target, sent) in [
        (PATH, "/model/arn%3Aaws%3Abedrock%3Ax%3A1%3Ay%2Fsmall%3A0/converse"),
        (
            "/up/model/arn:aws:bedrock:x:1:inference-profile%2fus.anthropic.big/converse-stream?a=1",
            "/up/model/arn%3Aaws%3Abedrock%3Ax%3A1%3Ay%2Fsmall%3A0/converse-stream?a=1",
        ),
        ("/model/other/converse", "/model/other/converse"),
    ] {
        for (body, left) in [
            (r#"{"messages":[]}"#, r#"{"inferenceConfig":{"maxTokens":2000},"messages":[]}"#),
            (r#"{"inferenceConfig":null}"#, r#"{"inferenceConfig":{"maxTokens":2000}}"#),
            (
                r#"{"additionalModelRequestFields":{"top_k":1},"inferenceConfig":{"topP":1}}"#,
                r#"{"additionalModelRequestFields":{"top_k":1},"inferenceConfig":{"maxTokens":2000,"topP":1}}"#,
            ),
            (
                r#"{"inferenceConfig":{"maxTokens":9000},"additionalModelRequestFields":{"thinking":{"type":"enabled","budget_tokens":8000}}}"#,
                r#"{"inferenceConfig":{"maxTokens":2000},"additionalModelRequestFields":{"thinking":{"type":"enabled","budget_tokens":1500}}}"#,
            ),
            (
                r#"{"inferenceConfig":{"maxTokens":900},"additionalModelRequestFields":{"reasoning_config":{"type":"enabled","budget_tokens":8000}}}"#,
                r#"{"inferenceConfig":{"maxTokens":900},"additionalModelRequestFields":{"reasoning_config":{"type":"disabled"}}}"#,
            ),
            (
                r#"{"inferenceConfig":{"maxTokens":9},"additionalModelRequestFields":{"max_tokens":9000,"textGenerationConfig":{"maxTokenCount":8000},"reasoning_effort":"high","reasoningConfig":{"type":"enabled","maxReasoningEffort":"high"},"output_config":{"effort":"max"}}}"#,
                r#"{"inferenceConfig":{"maxTokens":9},"additionalModelRequestFields":{"max_tokens":2000,"textGenerationConfig":{"maxTokenCount":2000},"reasoning_effort":"low","reasoningConfig":{"type":"enabled","maxReasoningEffort":"low"},"output_config":{"effort":"low"}}}"#,
            ),
            (
                r#"{"inferenceConfig":{"maxTokens":9},"outputConfig":{"effort":"high"}}"#,
                r#"{"inferenceConfig":{"maxTokens":9},"outputConfig":{"effort":"low"}}"#,
            ),
            (
                r#"{"inferenceConfig":{"maxTokens":9},"additionalModelRequestFields":{"thinking":{"type":"adaptive"}}}"#,
                r#"{"outputConfig":{"effort":"low"},"inferenceConfig":{"maxTokens":9},"additionalModelRequestFields":{"thinking":{"type":"adaptive"}}}"#,
            ),
            (
                r#"{"inferenceConfig":{"maxTokens":9},"additionalModelRequestFields":{"model":"big","fallbacks":[]}}"#,
                r#"{"inferenceConfig":{"maxTokens":9},"additionalModelRequestFields":{"model":null,"fallbacks":null}}"#,
            ),
        ] {
            for side_channels in [false, true] {
                let told = applied(&lowering(side_channels), target, body).unwrap();
                assert_eq!(told, (sent.to_owned(), left.to_owned()), "{body}");
            }
        }
    }
    let stream = |target| scan(target, "{}").stream;
    assert!(!stream(PATH) && stream("/model/m/converse-stream"));
    assert_eq!(scan(PATH, r#"{"model":"other"}"#).model_name(), Some("us.anthropic.big-v1:0"));
}

// Break it: compare the name as it stands.
#[test]
fn a_model_is_known_in_whatever_region_and_by_whatever_profile_it_is_asked() {
    let pattern: guilloche::policy::Pattern = "claude-big-*".parse().unwrap();
    for model in [
        "anthropic.claude-big-4-v1:0",
        "us.anthropic.claude-big-4-v1:0",
        "global.anthropic.claude-big-4-v1:0",
        "us-gov.anthropic.claude-big-4-v1:0",
        "arn:aws:bedrock:us-east-1::foundation-model/anthropic.claude-big-4-v1:0",
        "arn:aws:bedrock:us-east-1:1:inference-profile/apac.anthropic.claude-big-4-v1:0",
    ] {
        assert!(pattern.covers_model(model), "{model}");
    }
    assert!(!pattern.covers_model("us.anthropic.claude-small-4-v1:0"));
}

// Break it: ask the upstream to show what was thought.
#[test]
fn the_upstream_can_be_asked_to_keep_what_is_thought_to_itself() {
    let mut plan = Plan::default();
    let mut settings = Reasoning::new(Keep::None);
    settings.ask_upstream = true;
    plan.reasoning = enforced(settings);
    let body =
        r#"{"additionalModelRequestFields":{"thinking":{"type":"enabled","budget_tokens":1024}}}"#;
    let sent = applied(&plan, PATH, body).unwrap().1;
    let asked = r#"{"additionalModelRequestFields":{"thinking":{"display":"omitted","type":"enabled","budget_tokens":1024}}}"#;
    assert_eq!(sent, asked);
}

// Break it: take a part without a type for no text.
#[test]
fn words_put_into_the_models_mouth_are_refused() {
    let user = r#"{"role":"user","content":[{"text":"x"}]}"#;
    for last in [
        r#"{"role":"assistant","content":[{"text":"<think>"}]}"#,
        r#"{"role":"assistant","content":[]}"#,
        r#"{"role":"assistant","content":[{"text":"a"}]},{"role":"user","content":[{"text":""}]}"#,
        r#"{"role":"assistant","content":[{"reasoningContent":{"reasoningText":{"text":"a"}}}]}"#,
    ] {
        let body = format!(r#"{{"messages":[{user},{last}]}}"#);
        assert!(applied(&closing(), PATH, &body).is_err(), "{last}");
    }
    for last in [
        user,
        r#"{"role":"assistant","content":[{"toolUse":{"toolUseId":"t","name":"f","input":{}}}]},{"role":"user","content":[{"toolResult":{"toolUseId":"t","content":[{"text":""}]}}]}"#,
    ] {
        let body = format!(r#"{{"messages":[{user},{last}]}}"#);
        assert!(applied(&closing(), PATH, &body).is_ok(), "{last}");
    }
}

#[test]
fn what_is_read_by_a_program_is_known() {
    let used = |body: &str| {
        [Use::Structured, Use::Called].map(|it| scan(PATH, body).generation.used(&[it], &[]))
    };
    let schema = r#"{"outputConfig":{"textFormat":{"type":"json_schema","structure":{}}}}"#;
    assert_eq!(used(schema), [true, false]);
    let tools = |choice| {
        format!(
            r#"{{"toolConfig":{{"toolChoice":{{"{choice}":{{}}}},"tools":[{{"toolSpec":{{}}}}]}}}}"#
        )
    };
    assert_eq!(used(&tools("any")), [false, true]);
    assert_eq!(used(&tools("auto")), [false, false]);
    let signed = |reasoning: &str| {
        let body = format!(
            r#"{{"messages":[{{"role":"assistant","content":[{{"reasoningContent":{reasoning}}}]}}]}}"#
        );
        scan(PATH, &body).signed_history
    };
    assert!(signed(r#"{"reasoningText":{"text":"","signature":"QUJD"}}"#));
    assert!(signed(r#"{"redactedContent":"QUJD"}"#));
    assert!(!signed(r#"{"reasoningText":{"text":"x"}}"#));
}

// Break it: take reasoning that comes back for the answer.
#[test]
fn what_the_model_said_before_is_found() {
    let body = br#"{"messages":[{"role":"user","content":[{"text":"one"}]},{"content":[{"reasoningContent":{"reasoningText":{"text":"no"}}},{"text":"first"},{"citationsContent":{"content":[{"text":"second"}],"citations":[{"title":"no"}]}},{"toolUse":{"toolUseId":"t1","name":"f","input":{"text":"no"}}}],"role":"assistant"},{"role":"user","content":[{"toolResult":{"toolUseId":"t1","content":[{"text":"no"}]}}]}]}"#;
    let mut found = Vec::new();
    Converse
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
    assert_eq!(found, ["one", "-", "model: first", "model: second", "-", "t1", "-"]);
}
