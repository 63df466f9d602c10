//! Requests of Gemini: what is closed, lowered and refused of body, path and query, and what they repeat.

use std::num::NonZeroU32;

use guilloche::policy::plan::{Downgrade, Effort, Plan};
use guilloche::wire::gemini::Gemini;
use guilloche::wire::json::unescape;
use guilloche::wire::{Protocol, Refusal, Request, Said, Target, Use};

use crate::support::{closing, edited, enforced};

const PATH: &str = "/v1beta/models/big:generateContent";

fn lowering(side_channels: bool) -> Plan {
    let mut settings = Downgrade::default();
    settings.models = vec![("big*".parse().unwrap(), "small".to_owned())];
    settings.max_output_tokens = NonZeroU32::new(500);
    settings.max_effort = Some(Effort::Low);
    settings.max_thinking_tokens = NonZeroU32::new(100);
    let mut plan = if side_channels { closing() } else { Plan::default() };
    plan.downgrade = enforced(settings);
    plan
}

fn scan(target: &str, body: &str) -> Request {
    Gemini.scan_request(Target::of(target), body.as_bytes()).unwrap()
}

fn applied(plan: &Plan, target: &str, body: &str) -> Result<(String, String), Refusal> {
    let request = scan(target, body);
    edited(plan, &Gemini, &request, body)
}

fn closed(body: &str) -> String {
    applied(&closing(), PATH, body).unwrap().1
}

// Break it: always splice, or take a member off the allow-list.
#[test]
fn a_request_that_asks_for_nothing_too_much_goes_on_byte_for_byte() {
    for body in [
        r#" { "contents" : [{"role":"user","parts":[{"text":"\ud83d"},{"inlineData":{"mimeType":"image/png","data":"AA=="}}]}], "systemInstruction":{"parts":[{"text":"x"}]},"tools":[{"functionDeclarations":[{"name":"f"}]},{"googleSearch":{}}],"toolConfig":{"functionCallingConfig":{"mode":"AUTO"}},"safetySettings":[],"generationConfig":{"temperature":1.10,"topP":0.9,"maxOutputTokens":9,"candidateCount":1,"stopSequences":["x"],"thinkingConfig":{"includeThoughts":true,"thinkingBudget":-1},"responseMimeType":"text/plain"}}"#,
        r#"{"contents":[{"parts":[{"text":"x"}]}],"system_instruction":{"parts":{"text":"x"}},"generation_config":{"max_output_tokens":9,"top_k":1}}"#,
    ] {
        assert_eq!(closed(body), body);
    }
    for target in [
        PATH.to_owned(),
        "/v1beta/models/big:streamGenerateContent?alt=sse".to_owned(),
        format!("{PATH}?key=AIza&alt=json&prettyPrint=false"),
    ] {
        assert_eq!(applied(&closing(), &target, "{}").unwrap().0, target);
    }
}

// Break it: leave settings inside alone, or know one spelling of a name.
#[test]
fn what_opens_a_way_round_is_taken_out() {
    for (body, left) in [
        (
            r#"{"generationConfig":{"responseLogprobs":true,"logprobs":5,"topK":1}}"#,
            r#"{"generationConfig":{"responseLogprobs":null,"logprobs":null,"topK":1}}"#,
        ),
        (
            r#"{"generation_config":{"response_logprobs":true,"of_next_year":[1]}}"#,
            r#"{"generation_config":{"response_logprobs":null,"of_next_year":null}}"#,
        ),
        (
            r#"{"generationConfig":{"candidateCount":8}}"#,
            r#"{"generationConfig":{"candidateCount":1}}"#,
        ),
        (
            r#"{"generation_config":{"candidate_count":8}}"#,
            r#"{"generation_config":{"candidate_count":1}}"#,
        ),
        (r#"{"contents":[],"of_next_year":1}"#, r#"{"contents":[]}"#),
    ] {
        assert_eq!(closed(body), left);
    }
}

// Break it: know the parameters by what is documented to choose members.
#[test]
fn a_query_leaves_nothing_of_an_answer_out() {
    for (query, left) in [
        ("?fields=candidates.content.parts.text", ""),
        ("?$fields=candidates(content(parts(text)))&alt=sse", "?alt=sse"),
        ("?alt=sse&%24fields=x", "?alt=sse"),
        ("?alt=sse&FIELDS=x&key=k", "?alt=sse&key=k"),
        ("?$httpHeaders=x-goog-fieldmask:x", ""),
        ("?$req=%7B%7D&$ct=application/json", ""),
        ("?callback=f", ""),
        ("?key=k", "?key=k"),
    ] {
        let target = format!("{PATH}{query}");
        let (sent, _) = applied(&closing(), &target, "{}").unwrap();
        assert_eq!(sent, format!("{PATH}{left}"), "{query}");
    }
    // What two countermeasures take out goes once.
    let target = format!("{PATH}?model=other&alt=sse&fields=x");
    let (sent, _) = applied(&lowering(true), &target, "{}").unwrap();
    assert_eq!(sent, "/v1beta/models/small:generateContent?alt=sse");
}

// Break it: take the first of two.
#[test]
fn what_is_said_in_two_spellings_is_refused() {
    for body in [
        r#"{"generationConfig":{},"generation_config":{"maxOutputTokens":9}}"#,
        r#"{"generationConfig":{"maxOutputTokens":1,"max_output_tokens":9}}"#,
        r#"{"generationConfig":{"candidateCount":1,"candidate_count":9}}"#,
        r#"{"generationConfig":{"thinkingConfig":{},"thinking_config":{"thinkingBudget":9}}}"#,
        r#"{"generationConfig":{"thinkingConfig":{"thinkingBudget":0,"thinking_budget":9}}}"#,
        r#"{"contents":[],"contents":[]}"#,
        r#"{"Contents":[]}"#,
    ] {
        assert!(applied(&closing(), PATH, body).is_err(), "{body}");
    }
}

// Break it: put the cap at the top, or forget the router that asks another model.
#[test]
fn model_cap_and_budget_are_lowered_where_they_stand() {
    for (target, sent) in [
        (PATH, "/v1beta/models/small:generateContent"),
        (
            "/v1/projects/p/locations/l/publishers/google/models/big-2:streamGenerateContent?alt=sse",
            "/v1/projects/p/locations/l/publishers/google/models/small:streamGenerateContent?alt=sse",
        ),
        ("/v1beta/models/other:generateContent", "/v1beta/models/other:generateContent"),
    ] {
        for (body, left) in [
            (r#"{"contents":[]}"#, r#"{"generationConfig":{"maxOutputTokens":500},"contents":[]}"#),
            (r#"{"generationConfig":null}"#, r#"{"generationConfig":{"maxOutputTokens":500}}"#),
            (
                r#"{"generationConfig":{"maxOutputTokens":9000,"thinkingConfig":{"thinkingBudget":-1}}}"#,
                r#"{"generationConfig":{"maxOutputTokens":500,"thinkingConfig":{"thinkingBudget":100}}}"#,
            ),
            (
                r#"{"generation_config":{"max_output_tokens":9000,"thinking_config":{"thinking_level":"HIGH"}}}"#,
                r#"{"generation_config":{"max_output_tokens":500,"thinking_config":{"thinking_level":"low"}}}"#,
            ),
            (
                r#"{"generation_config":{"topK":1}}"#,
                r#"{"generation_config":{"maxOutputTokens":500,"topK":1}}"#,
            ),
            (
                r#"{"generationConfig":{"maxOutputTokens":9,"routingConfig":{"manualMode":{"modelName":"big"}}}}"#,
                r#"{"generationConfig":{"maxOutputTokens":9,"routingConfig":null}}"#,
            ),
        ] {
            for side_channels in [false, true] {
                let told = applied(&lowering(side_channels), target, body).unwrap();
                assert_eq!(told, (sent.to_owned(), left.to_owned()));
            }
        }
    }
    let stream = |target| scan(target, "{}").stream;
    assert!(!stream(PATH) && stream("/v1beta/models/big:streamGenerateContent"));
    let named = scan(PATH, r#"{"model":"models/other"}"#);
    assert_eq!(named.model_name(), Some("big"));
}

// Break it: take a part without a type for no text.
#[test]
fn words_put_into_the_models_mouth_are_refused() {
    let user = r#"{"role":"user","parts":[{"text":"x"}]}"#;
    for last in [
        r#"{"role":"model","parts":[{"text":"<think>"}]}"#,
        r#"{"role":"model","parts":[]}"#,
        r#"{"role":"model","parts":[{"text":"a"}]},{"role":"user","parts":[{"text":""}]}"#,
    ] {
        let body = format!(r#"{{"contents":[{user},{last}]}}"#);
        assert!(applied(&closing(), PATH, &body).is_err(), "{last}");
    }
    for last in [
        user,
        r#"{"role":"model","parts":[{"text":"a"}]},{"parts":[{"text":"b"}]}"#,
        r#"{"role":"model","parts":[{"functionCall":{"name":"f","args":{}}}]},{"role":"user","parts":[{"functionResponse":{"name":"f","response":{}}}]}"#,
    ] {
        let body = format!(r#"{{"contents":[{user},{last}]}}"#);
        assert!(applied(&closing(), PATH, &body).is_ok(), "{last}");
    }
    let alone = r#"{"contents":{"role":"model","parts":[{"text":"<think>"}]}}"#;
    assert!(applied(&closing(), PATH, alone).is_err());
}

#[test]
fn what_is_read_by_a_program_is_known() {
    let used = |body: &str| {
        let uses = [Use::Structured, Use::Spoken, Use::Called];
        uses.map(|it| scan(PATH, body).generation.used(&[it], &[]))
    };
    let json = r#"{"generationConfig":{"responseMimeType":"application/json"}}"#;
    assert_eq!(used(json), [true, false, false]);
    assert_eq!(
        used(r#"{"generation_config":{"response_schema":{"type":"OBJECT"}}}"#),
        [true, false, false]
    );
    assert_eq!(used(r#"{"generation_config":{"response_schema":{}}}"#), [false; 3]);
    assert_eq!(used(r#"{"generationConfig":{"responseMimeType":"text/plain"}}"#), [false; 3]);
    assert_eq!(
        used(r#"{"generationConfig":{"responseModalities":["AUDIO"]}}"#),
        [false, true, false]
    );
    let called = r#"{"tools":[{"functionDeclarations":[]}],"toolConfig":{"functionCallingConfig":{"mode":"ANY"}}}"#;
    assert_eq!(used(called), [false, false, true]);
    // That it says its probabilities does not keep an answer from being marked: they are closed.
    let probable = r#"{"generationConfig":{"responseLogprobs":true}}"#;
    assert!(!scan(PATH, probable).generation.used(&[Use::Probabilities], &[]));
}

// Break it: take a thought that comes back for the answer.
#[test]
fn what_the_model_said_before_is_found() {
    let body = br#"{"contents":[{"parts":[{"text":"one"}]},{"role":"model","parts":[{"text":"no","thought":true},{"text":"first"},{"functionCall":{"name":"f","args":{"text":"no"}}}]},{"role":"user","parts":[{"functionResponse":{"name":"f","response":{"text":"no"}}}]}]}"#;
    let mut found = Vec::new();
    Gemini
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
    assert_eq!(found, ["one", "-", "model: first", "-", "f", "-"]);
}
