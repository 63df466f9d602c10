//! Which carrier marks which response.

use guilloche::countermeasure::watermark::Carrier::{
    self, Lexical, LogitBias, Sglang, Vllm, VllmXargs,
};
use guilloche::countermeasure::watermark::{MarkTerms, Proof};
use guilloche::mark::keys::Recipient;
use guilloche::wire::chat::Chat;
use guilloche::wire::messages::Messages;
use guilloche::wire::{ProtocolId, ServerKind, Target};

use crate::support::{ACCOUNT, carriers, chat, chosen, hex, keys};

/// A chat request with further members.
fn with(members: &str) -> String {
    format!(r#"{{"messages":[],{members}}}"#)
}

fn carrier(order: &[Carrier], members: &str) -> Option<Carrier> {
    chat(order, &with(members)).0
}

// Break it: derive the account's key for a linked account, or leave the epoch out.
#[test]
fn sglang_gets_the_key_of_the_account_and_of_the_cluster_once_it_is_linked() {
    let body = r#"{ "messages" : [], "temperature":1.10 }"#;
    let (carrier, out) = chat(&[Sglang, Lexical], body);
    assert_eq!(carrier, Some(Sglang));
    let hex = hex();
    let expected = format!(
        r#"{{"watermark":{{"enabled":true,"key":"{hex}","context_window":2}}, "messages" : [], "temperature":1.10 }}"#
    );
    assert_eq!(out, expected);

    let recipient = Recipient { cluster: Some("ring-3"), ..ACCOUNT.recipient };
    let linked = MarkTerms { recipient, epoch: 4, ..ACCOUNT };
    let (_, out) = chosen(&carriers(&[Sglang]), linked, &Chat, body, &[]);
    let other = keys().engine_key(4, recipient).hex().to_string();
    assert!(out.contains(&other) && other != hex);
}

// Break it: let an engine's mark stand for a greedy answer, or give several choices one key.
#[test]
fn what_an_engine_cannot_mark_falls_to_the_next_carrier() {
    let order = [Sglang, Lexical];
    for members in [
        r#""temperature":0"#,
        r#""temperature":0.0,"seed":1"#,
        r#""temperature":"0""#,
        r#""Temperature":0e7"#,
        r#""temperature":1,"temperature":1e-9"#,
        r#""top_k":1"#,
        r#""use_beam_search":true"#,
        r#""n":2"#,
        r#""best_of":"4""#,
    ] {
        assert_eq!(carrier(&order, members), Some(Lexical), "{members}");
    }
    for members in [r#""temperature":0.7"#, r#""temperature":null,"n":1"#, r#""top_k":20"#] {
        assert_eq!(carrier(&order, members), Some(Sglang), "{members}");
    }
    // What nothing can mark is left unmarked, and the choice says so.
    assert_eq!(carrier(&[Sglang], r#""n":2"#), None);
}

// Break it: add something for vLLM, or take a beam search for marked.
#[test]
fn vllm_marks_by_itself_what_is_neither_greedy_nor_a_beam_search() {
    let body = with(r#""n":4,"logprobs":true,"response_format":{"type":"json_object"}"#);
    assert_eq!(chat(&[Vllm, Lexical], &body), (Some(Vllm), body));
    assert_eq!(carrier(&[Vllm, Lexical], r#""temperature":0.0"#), Some(Lexical));
    assert_eq!(carrier(&[Vllm, Lexical], r#""use_beam_search":true"#), Some(Lexical));
}

// Break it: forget one of these members; each is how some server asks for such an answer.
#[test]
fn an_answer_that_a_program_reads_is_neither_edited_nor_biased() {
    let uses = [
        r#""response_format":{"type":"json_object"}"#,
        r#""response_format":{"type":"json_schema","json_schema":{}}"#,
        r#""Response_Format":{"type":"grammar"}"#,
        r#""guided_json":{"type":"object"}"#,
        r#""guided_regex":"a+""#,
        r#""guided_choice":["a"]"#,
        r#""guided_grammar":"root ::= x""#,
        r#""structured_outputs":{"json":{"type":"object"}}"#,
        r#""regex":"a+""#,
        r#""ebnf":"root ::= x""#,
        r#""grammar":"root ::= x""#,
        r#""json_schema":{}"#,
        r#""prediction":{"type":"content","content":"x"}"#,
        r#""logprobs":true"#,
        r#""logprobs":true,"top_logprobs":0"#,
        r#""top_logprobs":5"#,
        r#""prompt_logprobs":1"#,
        r#""echo":true"#,
        r#""tools":[{}],"tool_choice":"required""#,
        r#""tools":[{}],"tool_choice":{"type":"function","function":{"name":"f"}}"#,
        r#""functions":[{}],"function_call":{"name":"f"}"#,
    ];
    for members in uses {
        assert_eq!(
            carrier(&[LogitBias, VllmXargs, Lexical], members),
            match members {
                // The text after the echo is the model's own.
                _ if members.contains("echo") => Some(VllmXargs),
                _ => None,
            },
            "{members}"
        );
    }
    for members in [
        r#""response_format":{"type":"text"}"#,
        r#""response_format":null"#,
        r#""guided_json":null"#,
        r#""logprobs":false,"top_logprobs":0,"echo":false"#,
        r#""logprobs":0,"echo":"No""#,
        r#""modalities":["text"]"#,
        r#""response_format":{}"#,
        r#""response_format":{"type":"TEXT"}"#,
        r#""response_format":{"type":"prose"}"#,
        r#""response_format":"json""#,
        r#""guided_json":{}"#,
        r#""guided_json":{ }"#,
        r#""guided_choice":[""]"#,
        r#""structured_outputs":{"json":null,"regex":""}"#,
        r#""prediction":{}"#,
        // Ollama's own endpoints read it.
        r#""format":"json""#,
        r#""tool_choice":"none""#,
        r#""tool_choice":"required""#,
        r#""tools":[],"tool_choice":"auto""#,
    ] {
        assert_eq!(carrier(&[LogitBias, Lexical], members), Some(LogitBias), "{members}");
    }
    // The engine draws from what a grammar allows as the model would.
    assert_eq!(carrier(&[Sglang], r#""guided_json":{"type":"object"}"#), Some(Sglang));
    assert_eq!(carrier(&[Sglang], r#""logprobs":true"#), None);
    // A text that is spoken comes as a transcript, which is left alone; what stands beside it is none.
    let spoken = r#""modalities":["text","audio"]"#;
    assert_eq!(carrier(&[LogitBias, Lexical], spoken), Some(Lexical));
}

// Break it: count a member in every protocol, or for every server, because one of them has it.
#[test]
fn what_a_server_passes_over_turns_no_mark_off() {
    use ProtocolId::Completions;
    use ProtocolId::{Chat, Cohere, Gemini, Messages, Ollama, Responses};
    use ServerKind::{Anthropic, Custom, LlamaCpp, Ollama as OllamaServer, OpenAi, Vllm};
    let marked = |id: ProtocolId, server: ServerKind, body: &str| {
        let request = id.codec().scan_request(Target::default(), body.as_bytes()).unwrap();
        let carriers = carriers(&[Lexical]);
        let choice = carriers.choose(&keys(), ACCOUNT, &request.addressed(server), &[]);
        choice.carrier.is_some()
    };
    for (id, body, reading, passing) in [
        (
            Chat,
            r#"{"response_format":{"type":"json_object"}}"#,
            &[Custom, OpenAi, Vllm][..],
            &[][..],
        ),
        (Chat, r#"{"guided_regex":"a+"}"#, &[Custom, Vllm], &[OpenAi, LlamaCpp]),
        (Chat, r#"{"grammar":"root ::= x"}"#, &[Custom, LlamaCpp], &[OpenAi, Vllm]),
        (Chat, r#"{"prediction":{"type":"content","content":"x"}}"#, &[OpenAi], &[Custom, Vllm]),
        (Chat, r#"{"format":"json"}"#, &[], &[Custom, OpenAi, Vllm]),
        (Chat, r#"{"response_format":{"type":"regex"}}"#, &[Custom, Vllm], &[OllamaServer]),
        (Chat, r#"{"response_format":{"type":"json_schema"}}"#, &[Vllm], &[OllamaServer]),
        (
            Chat,
            r#"{"response_format":{"type":"json_schema","json_schema":{"name":"a","schema":null}}}"#,
            &[Vllm],
            &[OllamaServer],
        ),
        (
            Chat,
            r#"{"response_format":{"type":"json_schema","json_schema":{"schema":{"type":"object"}}}}"#,
            &[Vllm, OllamaServer],
            &[],
        ),
        (Chat, r#"{"tools":[{}],"tool_choice":"required"}"#, &[Custom, Vllm], &[OllamaServer]),
        (
            Chat,
            r#"{"functions":[{}],"function_call":{"name":"f"}}"#,
            &[Custom, OpenAi],
            &[Vllm, LlamaCpp, OllamaServer],
        ),
        (Chat, r#"{"n_probs":3}"#, &[Custom, LlamaCpp], &[OllamaServer, Vllm]),
        (Chat, r#"{"prompt_logprobs":1}"#, &[Custom, Vllm], &[OllamaServer]),
        (Chat, r#"{"logprobs":true}"#, &[Custom, OllamaServer], &[]),
        (
            Completions,
            r#"{"prompt":"a","tools":[{}],"tool_choice":"required"}"#,
            &[],
            &[Custom, Vllm, OllamaServer],
        ),
        (
            Messages,
            r#"{"messages":[],"response_format":{"type":"json_object"}}"#,
            &[],
            &[Custom, Anthropic],
        ),
        (Messages, r#"{"messages":[],"guided_json":{"type":"object"}}"#, &[], &[Custom, Vllm]),
        (Responses, r#"{"text":{"format":{"type":"json_object"}}}"#, &[Custom, OpenAi], &[]),
        (Responses, r#"{"text":{"format":{"type":"TEXT"}}}"#, &[], &[Custom, OpenAi]),
        (Responses, r#"{"response_format":{"type":"json_object"}}"#, &[], &[Custom, OpenAi]),
        (Cohere, r#"{"response_format":{"type":"json_object"}}"#, &[Custom], &[]),
        (Ollama, r#"{"messages":[],"format":"json"}"#, &[Custom], &[]),
        (Ollama, r#"{"messages":[],"format":""}"#, &[], &[Custom]),
        (Ollama, r#"{"messages":[],"response_format":{"type":"json_object"}}"#, &[], &[Custom]),
        (Gemini, r#"{"generationConfig":{"responseMimeType":"application/json"}}"#, &[Custom], &[]),
        (Gemini, r#"{"generationConfig":{"responseMimeType":"text/prose"}}"#, &[], &[Custom]),
        (Gemini, r#"{"generationConfig":{"responseSchema":{}}}"#, &[], &[Custom]),
    ] {
        assert!(reading.iter().all(|server| !marked(id, *server, body)), "{body}");
        assert!(passing.iter().all(|server| marked(id, *server, body)), "{body}");
    }
}

// Break it: read Anthropic's forced calls or output formats as chat's.
#[test]
fn messages_say_it_in_their_own_words() {
    let carrier = |members: &str, order: &[Carrier]| {
        let body = format!(r#"{{"messages":[],"max_tokens":9,{members}}}"#);
        chosen(&carriers(order), ACCOUNT, &Messages, &body, &[]).0.carrier
    };
    for members in [
        r#""output_config":{"effort":"low","format":{"type":"json_schema"}}"#,
        r#""output_format":{"type":"json_schema"}"#,
        r#""tools":[{}],"tool_choice":{"type":"any"}"#,
        r#""tools":[{}],"tool_choice":{"type":"tool","name":"f"}"#,
    ] {
        assert_eq!(carrier(members, &[Lexical]), None, "{members}");
    }
    let plain = r#""output_config":{"effort":"low"},"tool_choice":{"type":"auto"}"#;
    assert_eq!(carrier(plain, &[Lexical]), Some(Lexical));
    // Neither SGLang's Messages nor anyone's take these members; vLLM's take those of plugins.
    assert_eq!(carrier(plain, &[Sglang, LogitBias, VllmXargs]), Some(VllmXargs));
}

// Break it: bias the arguments of tools.
#[test]
fn a_bias_is_kept_from_requests_with_tools() {
    for members in [r#""tools":[{}]"#, r#""tools":[ {"type":"function"} ],"tool_choice":"auto""#] {
        assert_eq!(carrier(&[LogitBias, VllmXargs, Lexical], members), Some(Lexical), "{members}");
        assert_eq!(carrier(&[Sglang], members), Some(Sglang), "{members}");
    }
}

// Break it: count a use whose member is taken out, or none at all.
#[test]
fn a_member_that_does_not_reach_the_upstream_harms_no_mark() {
    let body = r#"{"messages":[],"logprobs":true}"#;
    let (choice, out) = chosen(&carriers(&[Lexical]), ACCOUNT, &Chat, body, &[1]);
    assert_eq!((choice.carrier, out.as_str()), (Some(Lexical), r#"{"messages":[]}"#));
    assert_eq!(chosen(&carriers(&[Lexical]), ACCOUNT, &Chat, body, &[]).0.carrier, None);
}

// Break it: rely on a carrier that the upstream was seen to ignore.
#[test]
fn a_carrier_that_the_upstream_ignores_is_passed_over_and_taken_up_when_it_works() {
    let carriers = carriers(&[Sglang, Lexical]);
    let carrier = || chosen(&carriers, ACCOUNT, &Chat, &with("\"n\":1"), &[]).0.carrier;
    let shared = carriers.clone();
    for (proof, expected) in [
        (Proof::Open, Lexical),
        (Proof::Works, Sglang),
        (Proof::Fails, Lexical),
        (Proof::Assumed, Sglang),
    ] {
        shared.proofs().set(Sglang, proof);
        assert_eq!(carrier(), Some(expected), "{proof:?}");
    }
}

// Break it: mark at a strength of zero, or keep the client's own setting then.
#[test]
fn a_strength_of_zero_marks_nothing_and_still_strips() {
    let body = r#"{"messages":[],"watermarking":false}"#;
    let none = MarkTerms { strength: 0.0, ..ACCOUNT };
    let (choice, out) = chosen(&carriers(&[Sglang, Vllm, Lexical]), none, &Chat, body, &[]);
    assert_eq!((choice.carrier, choice.stripped), (None, 1));
    assert_eq!(out, r#"{"messages":[]}"#);
}

// Break it: derive `Debug` for what holds the edits.
#[test]
fn a_choice_does_not_show_its_key() {
    let (choice, out) = chosen(&carriers(&[Sglang]), ACCOUNT, &Chat, r#"{"messages":[]}"#, &[]);
    assert!(out.contains(&hex()));
    let shown = format!("{choice:?}");
    let bytes = format!("{:?}", hex().as_bytes());
    assert!(!shown.contains(&hex()) && !shown.contains(bytes.trim_matches(['[', ']'])), "{shown}");
}
