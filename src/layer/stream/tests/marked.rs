//! Marked texts: the same in both forms, and nothing else touched.

use std::num::NonZeroU32;
use std::sync::{Arc, LazyLock};

use proptest::prelude::*;
use serde_json::{Value, json};

use super::client::{accumulate, payloads};
use super::invariants::assert_invariants;
use super::parity::{DIALECTS, Dialect};
use super::{COMPLETIONS, cut_everywhere, document, model, protocol, sample, stream, words};
use crate::countermeasure::watermark::{Caller, Marks};
use crate::countermeasure::{RequestEdits, ResponseEdits, Tally};
use crate::mark::cell::Roles;
use crate::mark::keys::{Keys, Recipient, Scheme};
use crate::mark::lexical::Rewriter;
use crate::mark::lexicon::Lexicon;
use crate::policy::plan::{
    Keep, Measure, Mode, MultiTurn, Plan, Reasoning, SideChannels, Strength, Watermark,
};
use crate::risk::{AccountId, Principal};
use crate::wire::Target;

/// Made once: each takes longer than an answer.
static MARKS: LazyLock<Marks> = LazyLock::new(|| Marks::new(keys()));
static ROLES: LazyLock<Arc<Roles>> =
    LazyLock::new(|| Arc::new(Roles::new(keys().master(), Lexicon::english().cells())));

/// What one response's edits are made from.
#[derive(Clone, Debug)]
struct Setting {
    keep: Option<Keep>,
    multi_turn: MultiTurn,
    strength: f64,
    /// Side channels are closed.
    closed: bool,
    request: Value,
}

fn asking(model: &str) -> Setting {
    Setting {
        keep: None,
        multi_turn: MultiTurn::Skip,
        strength: 1.0,
        closed: true,
        request: json!({"model": model, "messages": [], "stream": true}),
    }
}

fn keys() -> Keys {
    Keys::from_master(&[7; 32], jiff::Timestamp::UNIX_EPOCH).with_scheme(Scheme::Coins)
}

fn edits(setting: &Setting, name: &str) -> ResponseEdits {
    let measured = |on: bool| on.then_some(Mode::Enforce);
    let reasoning = |keep| Reasoning {
        keep,
        opened_by_template: vec!["qwq*".parse().unwrap()],
        ask_upstream: false,
        round_usage: None,
        seal: None,
    };
    let side_channels = SideChannels { max_choices: NonZeroU32::MAX, allow: Vec::new() };
    let strength = Strength { min: setting.strength, max: setting.strength, at: 0.5 };
    let settings = Watermark { strength, multi_turn: setting.multi_turn };
    let plan = Plan {
        reasoning: setting
            .keep
            .map(|keep| Measure { mode: Mode::Enforce, settings: reasoning(keep) }),
        side_channels: measured(setting.closed)
            .map(|mode| Measure { mode, settings: side_channels }),
        watermark: Some(Measure { mode: Mode::Enforce, settings }),
        ..Plan::default()
    };
    let body = setting.request.to_string();
    let scanned = protocol(name).scan_request(Target::default(), body.as_bytes()).unwrap();
    let principal = Principal::of(AccountId::new("a").unwrap());
    let caller =
        Caller { marks: &MARKS, principal: &principal, arm: None, score: 0.9, memory: None };
    let counts = &mut Tally::default();
    RequestEdits::of(&plan, protocol(name), &scanned, Some(caller), counts).unwrap().response
}

/// Oracle: the whole text through the rewriter in one piece, without the layer.
fn marked(text: &str, cut_short: bool) -> String {
    let keys = keys();
    let caller = Recipient { tenant: "", account: "a", cluster: None, arm: None };
    let marking = keys.marking(&ROLES, keys.current(), caller, 1.0);
    let mut rewriter = Rewriter::new(Lexicon::english(), &marking);
    let mut out = String::new();
    rewriter.push(text, &mut out);
    rewriter.finish(cut_short, &mut out);
    out
}

/// English in which the marks of this key exchange words.
const ANSWER: &str = "It's one of the tools that you can use. For example, it does not need any \
    help. However, it is important to note that they are big, and you do not have to use all of \
    them. In addition, there is a way to do that. For instance, you cannot start until it is done.";

fn prose() -> impl Strategy<Value = String> {
    "(It's one of the tools that you can use|For example|for instance|it is a|do not|need|cannot|However|\
      however|In addition|you|that|help|big|use|is|it|é|🤔|`|\"|\\\\|\n|```\n|, |\\. | | | ){0,40}"
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    /// Oracles: the rewriter over the whole text, and the document for the stream.
    // Break it: in `Mark::push`, forget what is held; let `LaneEditor::finish` not end the mark;
    // finish with another `cut_short` in one form.
    #[test]
    fn any_answer_is_marked_alike_in_both_forms_in_every_dialect_however_it_is_cut(
        reasoning in prose(),
        answer in prose(),
        cuts in proptest::collection::vec(1..9_usize, 1..5),
        dialect in proptest::sample::select(DIALECTS.to_vec()),
        keep in proptest::sample::select(vec![None, Some(Keep::None), Some(words(9)), Some(Keep::Share(0.9))]),
        finish in proptest::sample::select(vec!["stop", "length"]),
        mark_all in proptest::bool::ANY,
    ) {
        let name = if dialect.messages() { "anthropic" } else { "chat" };
        let model = if dialect == Dialect::Template { "qwq-32b" } else { "m" };
        let multi_turn = if mark_all { MultiTurn::Mark } else { MultiTurn::Skip };
        let setting = Setting { keep, multi_turn, ..asking(model) };
        let edits = || edits(&setting, name);
        let from = dialect.document(&reasoning, &answer, finish);
        let whole = document(protocol(name), edits(), from.as_bytes()).unwrap();
        let whole = accumulate(dialect.messages(), &whole, false);
        let from = dialect.stream(&reasoning, &answer, finish, &cuts);
        let to = stream(protocol(name), edits(), [from.as_bytes()]).unwrap();
        assert_invariants(dialect.messages(), from.as_bytes(), &to);
        prop_assert_eq!(&accumulate(dialect.messages(), &to, true), &whole);

        let (key, compared) = if dialect == Dialect::Thinking { ("1/text", !mark_all) } else { ("0/content", false) };
        let plain = matches!(dialect, Dialect::ReasoningContent | Dialect::Reasoning | Dialect::Parts | Dialect::Thinking);
        if plain && !answer.is_empty() && !answer.contains("<") {
            let cut_short = finish == "length";
            let expected = if compared { answer.clone() } else { marked(&answer, cut_short) };
            prop_assert_eq!(&whole[key], &expected);
        }
    }
}

// Break it: let the choice of `Variants` depend on the piece, or drop a piece in `LaneEditor::push`.
#[test]
fn a_stream_cut_at_any_byte_is_marked_alike() {
    let from =
        Dialect::ReasoningContent.stream("It is so. ", &format!("é🤔 {ANSWER}"), "stop", &[5, 2]);
    let from = from.replace('é', "\\u00e9");
    let setting = asking("m");
    let whole = stream(protocol("chat"), edits(&setting, "chat"), [from.as_bytes()]).unwrap();
    assert_eq!(
        accumulate(false, &whole, true)["0/content"],
        marked(&format!("é🤔 {ANSWER}"), false)
    );
    assert_ne!(marked(ANSWER, false), ANSWER, "something is exchanged");
    for pieces in cut_everywhere(from.as_bytes()) {
        let first = pieces[0].len();
        let out = stream(protocol("chat"), edits(&setting, "chat"), pieces).unwrap();
        assert!(out == whole, "cut at {first} and evenly behind");
    }
}

// Break it: splice one byte beside the span, or escape the answer anew where no word changed.
#[test]
fn a_document_is_the_upstreams_but_for_the_words_of_its_answer() {
    let answer = ANSWER.replace("tools", "t\\u006fols \\/ \u{e9}");
    let shape = |content: &str| {
        format!(
            "\n{{ \"id\":\"1\", \"x\":1.10,\"x\":1e2,  \"choices\" : [{{\"message\":{{\"role\":\"assistant\", \
             \"content\": \"{content}\" ,\"tool_calls\":[{{\"function\":{{\"arguments\":\"{{\\\"it\\\":\\\"do not need\\\"}}\"}}}}]}},\
             \"finish_reason\":\"stop\"}}] }}\n"
        )
    };
    let setting = Setting { closed: false, ..asking("m") };
    let out =
        document(protocol("chat"), edits(&setting, "chat"), shape(&answer).as_bytes()).unwrap();
    let plain = ANSWER.replace("tools", "tools / \u{e9}");
    assert_eq!(String::from_utf8(out).unwrap(), shape(&marked(&plain, false)));
    // Where no bit is carried, not even the spelling changes.
    let setting = Setting { strength: 0.0001, ..setting };
    let out =
        document(protocol("chat"), edits(&setting, "chat"), shape(&answer).as_bytes()).unwrap();
    assert_eq!(String::from_utf8(out).unwrap(), shape(&answer));
}

// Break it: mark tool arguments or refusals in `LexicalMark::mark`; drop an event that has more to say.
#[test]
fn every_sample_keeps_what_clients_rely_on_and_reads_the_same_in_both_forms() {
    for name in COMPLETIONS {
        let messages = name.starts_with("anthropic");
        for keep in [None, Some(Keep::None), Some(words(25))] {
            for multi_turn in [MultiTurn::Skip, MultiTurn::Mark] {
                let setting = Setting { keep, multi_turn, ..asking(model(name)) };
                let whole = sample(&format!("{name}.json"));
                let whole = document(protocol(name), edits(&setting, name), &whole).unwrap();
                let whole = accumulate(messages, &whole, false);
                let from = sample(&format!("{name}_stream.sse"));
                let to = stream(protocol(name), edits(&setting, name), [&*from]).unwrap();
                assert_invariants(messages, &from, &to);
                let untouched = accumulate(messages, &from, true);
                for (key, text) in accumulate(messages, &to, true) {
                    if key.ends_with("/input") {
                        continue;
                    }
                    assert_eq!(whole.get(&key), Some(&text), "{name} {keep:?} {key}");
                    let marked = ["content", "text", "reasoning", "reasoning_content"];
                    let kind = key.rsplit('/').next().unwrap();
                    if !marked.contains(&kind) && !matches!(kind, "thinking" | "summary") {
                        assert_eq!(text, untouched[&key], "{name} {key}");
                    }
                }
            }
        }
    }
}

fn chunk(delta: &str, more: &str) -> String {
    format!(
        "data: {{\"id\":\"1\",\"object\":\"chat.completion.chunk\",\"choices\":[{{\"index\":0,\"delta\":{{{delta}}}{more}}}]}}\n\n"
    )
}

fn said(text: &str) -> String {
    chunk(&format!("\"content\":{}", json!(text)), "")
}

/// What a client reads of a chat stream that is marked so.
fn answer_of(setting: &Setting, from: &str) -> String {
    let to = stream(protocol("chat"), edits(setting, "chat"), [from.as_bytes()]).unwrap();
    assert_invariants(false, from.as_bytes(), &to);
    accumulate(false, &to, true).remove("0/content").unwrap_or_default()
}

// Break it: leave `end_before_calls` out.
#[test]
fn a_word_that_waits_leaves_before_a_tool_call() {
    let calls = r#""tool_calls":[{"index":0,"id":"c","type":"function","function":{"name":"f","arguments":""}}]"#;
    for (text, end) in [("It is one of the tools. For exam", ""), ("It is one. They do not", "")] {
        let from =
            said(text) + &chunk(calls, "") + &chunk("", ",\"finish_reason\":\"tool_calls\"") + end;
        let to = stream(protocol("chat"), edits(&asking("m"), "chat"), [from.as_bytes()]).unwrap();
        let chunks = payloads(&to);
        let calling =
            chunks.iter().position(|chunk| !chunk["choices"][0]["delta"]["tool_calls"].is_null());
        let speaking =
            chunks.iter().rposition(|chunk| chunk["choices"][0]["delta"]["content"].is_string());
        assert!(speaking < calling, "{}", String::from_utf8_lossy(&to));
        assert_eq!(accumulate(false, &to, true)["0/content"], marked(text, false));
    }
}

// Break it: let `betrays_mark` say no, or let it say yes for what is closed.
#[test]
fn what_is_repeated_token_by_token_is_not_marked_unless_the_repetition_is_closed() {
    let with = |more: &str| {
        ANSWER
            .split_inclusive(' ')
            .map(|word| chunk(&format!("\"content\":{}", json!(word)), more))
            .collect::<String>()
    };
    for more in [",\"logprobs\":{\"content\":[]}", ",\"token_ids\":[1,2]"] {
        let from = with(more) + &chunk("", ",\"finish_reason\":\"stop\"");
        let open = Setting { closed: false, ..asking("m") };
        assert_eq!(answer_of(&open, &from), ANSWER);
        assert_eq!(answer_of(&asking("m"), &from), marked(ANSWER, false));
    }
    // What goes with every answer repeats nothing.
    let from = with(",\"logprobs\":null,\"weight_version\":\"1\"")
        + &chunk("", ",\"finish_reason\":\"stop\"");
    let open = Setting { closed: false, ..asking("m") };
    assert_eq!(answer_of(&open, &from), marked(ANSWER, false));
}

// Break it: take no notice of `Scan::signed` in `Lanes::open`, or of the request in `choose`.
#[test]
fn text_that_a_signature_may_bind_is_marked_only_if_the_policy_says_that_nobody_checks() {
    let block = |kind: &str| match kind {
        "text" => json!({"type": "text", "text": ANSWER}),
        "redacted_thinking" => json!({"type": kind, "data": "sealed"}),
        _ => json!({"type": "thinking", "thinking": ANSWER, "signature": "s"}),
    };
    let message = |kinds: &[&str]| {
        json!({"type": "message", "content": kinds.iter().map(|kind| block(kind)).collect::<Vec<_>>()}).to_string()
    };
    let texts = |setting: &Setting, kinds: &[&str]| -> Vec<String> {
        let out =
            document(protocol("anthropic"), edits(setting, "anthropic"), message(kinds).as_bytes())
                .unwrap();
        accumulate(true, &out, false)
            .into_iter()
            .filter(|(key, _)| key.ends_with("/text") || key.ends_with("/thinking"))
            .map(|(_, text)| text)
            .collect()
    };
    let (skip, mark) = (asking("m"), Setting { multi_turn: MultiTurn::Mark, ..asking("m") });
    let yes = marked(ANSWER, false);
    assert_eq!(texts(&skip, &["text"]), [yes.as_str()]);
    for kind in ["thinking", "redacted_thinking"] {
        assert_eq!(texts(&skip, &[kind, "text"]).last().unwrap(), ANSWER, "{kind}");
        assert_eq!(texts(&mark, &[kind, "text"]).last().unwrap(), &yes, "{kind}");
    }
    assert_eq!(texts(&mark, &["thinking", "text"])[0], ANSWER, "never what is signed itself");
    for (asks, marked) in [
        (json!({"thinking": {"type": "enabled", "budget_tokens": 2000}}), false),
        (json!({"thinking": {"type": "adaptive"}}), false),
        (json!({"thinking": {"type": "disabled"}}), true),
        (
            json!({"messages": [{"role": "assistant", "content": [{"type": "thinking", "thinking": "", "signature": "s"}]}, {"role": "user", "content": "?"}]}),
            false,
        ),
        (
            json!({"messages": [{"role": "assistant", "content": [{"type": "text", "text": "thinking"}]}, {"role": "user", "content": "?"}]}),
            true,
        ),
    ] {
        let mut setting = asking("m");
        setting.request.as_object_mut().unwrap().extend(asks.as_object().unwrap().clone());
        let expected = if marked { yes.as_str() } else { ANSWER };
        assert_eq!(texts(&setting, &["text"]), [expected], "{asks}");
        setting.multi_turn = MultiTurn::Mark;
        assert_eq!(texts(&setting, &["text"]), [yes.as_str()], "{asks}");
    }
}

/// Over chat, what another vendor's server has signed.
#[test]
fn an_answer_behind_signed_details_is_not_marked_in_either_form() {
    let detail = |more: &str| {
        format!(
            r#""reasoning_details":[{{"type":"reasoning.text","index":0,"text":"{ANSWER}"{more}}}]"#
        )
    };
    for (more, expected) in [
        (",\"signature\":\"s\"", ANSWER.to_owned()),
        ("", marked(ANSWER, false)),
        (",\"signature\":null", marked(ANSWER, false)),
    ] {
        let from =
            chunk(&detail(more), "") + &said(ANSWER) + &chunk("", ",\"finish_reason\":\"stop\"");
        assert_eq!(answer_of(&asking("m"), &from), expected, "{more}");
        let whole = format!(
            r#"{{"choices":[{{"message":{{"content":"{ANSWER}",{}}},"finish_reason":"stop"}}]}}"#,
            detail(more)
        );
        let whole =
            document(protocol("chat"), edits(&asking("m"), "chat"), whole.as_bytes()).unwrap();
        let texts = accumulate(false, &whole, false);
        assert_eq!(texts["0/content"], expected, "{more}");
        assert_eq!(texts["0/details/0/text"], ANSWER);
    }
}

// Break it: leave the edits of citations out, or map by bytes.
#[test]
fn a_citation_points_to_the_same_words_after_as_before() {
    let text = format!("🤔 é {ANSWER} That is in Paris. {ANSWER}");
    let characters: Vec<char> = text.chars().collect();
    let find = |words: &str| {
        let at = text.find(words).unwrap();
        let start = text.split_at(at).0.chars().count();
        (start, start + words.chars().count())
    };
    for words in ["🤔 é", "Paris", "one of the tools", "any help"] {
        let (start, end) = find(words);
        assert_eq!(characters[start..end].iter().collect::<String>(), words);
        let citation = format!(
            r#""annotations":[{{"type":"url_citation","url_citation":{{"start_index":{start},"title":"t","end_index": {end}}}}}]"#
        );
        let cited = |texts: &str, chunk: &Value| -> String {
            let citation = &chunk["annotations"][0]["url_citation"];
            let at = |name: &str| citation[name].as_u64().unwrap() as usize;
            texts
                .chars()
                .skip(at("start_index"))
                .take(at("end_index") - at("start_index"))
                .collect()
        };
        let whole = format!(
            r#"{{"choices":[{{"message":{{{citation},"content":{}}},"finish_reason":"stop"}}]}}"#,
            json!(text)
        );
        let whole =
            document(protocol("chat"), edits(&asking("m"), "chat"), whole.as_bytes()).unwrap();
        let whole: Value = serde_json::from_slice(&whole).unwrap();
        let message = &whole["choices"][0]["message"];
        assert_eq!(message["content"], marked(&text, false));
        assert_eq!(cited(message["content"].as_str().unwrap(), message), words);

        let pieces: Vec<String> =
            characters.chunks(4).map(|piece| said(&piece.iter().collect::<String>())).collect();
        // At the end, where the cited words are held or have come, and before they have.
        for at in [pieces.len(), end / 4 + 1, end / 4, start / 4, 0] {
            let mut from = pieces.clone();
            from.insert(at.min(pieces.len()), chunk(&citation, ""));
            let from = from.concat() + &chunk("", ",\"finish_reason\":\"stop\"");
            let to =
                stream(protocol("chat"), edits(&asking("m"), "chat"), [from.as_bytes()]).unwrap();
            let read = accumulate(false, &to, true).remove("0/content").unwrap();
            let chunks = payloads(&to);
            let delta = chunks
                .iter()
                .map(|chunk| &chunk["choices"][0]["delta"])
                .find(|delta| delta["annotations"].is_array());
            assert_eq!(cited(&read, delta.unwrap()), words, "at {at}");
            if at == pieces.len() {
                assert_eq!(read, marked(&text, false));
            }
        }
    }
}

#[test]
fn a_piece_that_cannot_be_decoded_stays_in_its_place() {
    let from = said("It is one of the tools. For exam")
        + &chunk(r#""content":"\ud83d""#, "")
        + &said(" however, they do not")
        + &chunk("", ",\"finish_reason\":\"stop\"");
    let to = stream(protocol("chat"), edits(&asking("m"), "chat"), [from.as_bytes()]).unwrap();
    let to = String::from_utf8(to).unwrap();
    let at = |text: &str| to.find(text).unwrap_or_else(|| panic!("{text} in {to}"));
    assert!(at("exam") < at(r"\ud83d") && at(r"\ud83d") < at("however"));
}
