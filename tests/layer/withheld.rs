//! Withheld means withheld, whatever the upstream's dialect: a generator of answers.
//!
//! Each answer is one of (dialect × member × whole texts or deltas × habit of ending × split), with a
//! secret in the reasoning whose letters stand nowhere else, and a canary in the answer.

use serde_json::{Value, json};

use super::rendered::*;
use super::support::*;

/// No letter of it is in a marker, an answer or a member's name that a text is read from.
pub(super) const SECRET: &str = "Zqz qqz. Then zqqz follows.\n\nFinally zqz";

/// The same on one line.
const LINE: &str = "Zqz qqz. Then zqqz follows";

pub(super) const CANARY: &str = "It is 12.";

/// How a model words it, `R` the reasoning and `A` the answer.
pub(super) const DIALECTS: [&str; 52] = [
    "<think>R</think>A",
    "<think>\nR\n</think>\n\nA",
    "<THINK>R</THINK>A",
    "<think >R</think >A",
    "<thinking>R</thinking>A",
    "<thought>R</thought>A",
    "<reasoning>R</reasoning>A",
    "<seed:think>R</seed:think>A",
    "<longcat_think>R</longcat_think>A",
    "[THINK]R[/THINK]A",
    "◁think▷R◁/think▷A",
    "<|START_THINKING|>R<|END_THINKING|><|START_RESPONSE|>A<|END_RESPONSE|>",
    "<|begin_of_thought|>R<|end_of_thought|>\n<|begin_of_solution|>A<|end_of_solution|>",
    "<|inner_prefix|>R<|inner_suffix|>A",
    "<|channel>thought\nR\n<channel|>A",
    "Here is my thought process:\nR\nHere is my response:\nA",
    "<|channel|>analysis<|message|>R<|end|><|start|>assistant<|channel|>final<|message|>A<|return|>",
    "<|channel|>analysis<|message|>R<|end|><|start|>assistant<|channel|>commentary<|message|>R<|end|><|start|>assistant<|channel|>analysis<|message|>R<|end|><|start|>assistant<|channel|>final<|message|>A",
    "<|start|>assistant<|channel|>analysis<|message|>R<|start|>assistant<|channel|>final<|message|>A",
    "analysisRassistantfinalA",
    "analysisRassistantcommentaryRassistantanalysisRassistantfinalA",
    "<think>Could write <think>R</think> here. R</think>A",
    "<think>\nR\n<think>\nR\n</think>\nR\n</think>\nA",
    "<think>Write `</think>` then. R</think>A",
    "Sure! <think>R</think>A",
    "Let me see <think>R</think>A",
    "Let me see:\n<think>\nR\n</think>\nA",
    "<think>R</think>It is 11.\n<think>R</think>A",
    "<think>R</think><think>R</think>A",
    "<think>R</think>It is 11 ```so``` far.\n\n```\ncode\n```\n<think>R</think>A",
    "Banana.\n<think>\nR\n</think>\nA",
    "<x_think>R</x_think>A",
    "<|begin_of_reasoning|>R<|end_of_reasoning|>A",
    "[DEEP_THOUGHT]R[/DEEP_THOUGHT]A",
    "<think/>R</think>A",
    "TEMPLATE:R</think>A",
    "TEMPLATE:\nR\n</think>\n\nA",
    "TEMPLATE:R[/THINK]A",
    "TEMPLATE:R<|END_THINKING|>A",
    "<mm:think>R</mm:think>A",
    "<|im_start|>think\nR<|im_start|>answer\nA",
    "<details type=\"reasoning\" done=\"true\">\nR\n</details>\nA",
    "analysis<|message|>R<|end|><|start|>assistant<|channel|>final<|message|>A<|return|>",
    "analysis R assistant final A",
    "Assistant: <think>R</think>A",
    "AI: <think>R</think>A",
    "**Thinking:**\n<think>\nR\n</think>\nA",
    "### Response:\n<think>R</think>A",
    "TEMPLATE:\nR\n[BEGIN FINAL RESPONSE]\nA",
    "TEMPLATE:\nR<|im_start|>answer\nA",
    "TEMPLATE:\nR<|im_end|>\n<|im_start|>assistant\nA",
    "TEMPLATE:R<|end|><|start|>assistant<|channel|>final<|message|>A",
];

/// Reasoning that nothing closes.
const UNCLOSED: [&str; 5] =
    ["<think>R", "TEMPLATE:R", "[THINK]R", "Sure! <think>R", "<|channel|>analysis<|message|>R"];

/// Answers that only speak of it.
const WHOLE: [&str; 5] = [
    "Three tags:\n\n```xml\n<think>\n```\n\nopens it. A",
    "Write `<think>` and `</think>`. A",
    "The tag <think> opens the trace, and </think> closes it. A",
    "One line:\n<think>\nis not closed. A",
    "A",
];

// Break it: leave a dialect out of the table; end a lane where an event says so; take cumulative
// texts for deltas.
#[tokio::test(start_paused = true)]
async fn no_letter_of_the_reasoning_comes_out_and_no_answer_is_lost() {
    let mut cases = Vec::new();
    for dialect in DIALECTS {
        for member in MEMBERS {
            let (text, template) = worded(dialect, SECRET);
            let reason = if member.messages() { "end_turn" } else { "stop" };
            forms(member, &text, reason, |form, body, streams| {
                cases.push((
                    format!("{dialect:?} in {member:?}, {form}"),
                    member,
                    template,
                    body,
                    streams,
                ));
            });
        }
    }
    let mut fallen = Vec::new();
    let of = cases.len();
    for (name, member, template, body, streams) in cases {
        let response = if streams { stream([data(&body)]) } else { json(&body) };
        let out = answered("none", ask(member, template, streams), response).await;
        let (copies, all) = texts(member, &out);
        let told = all.contains(['z', 'q', 'Z', 'Q']);
        let lost = copies.iter().any(|copy| copy.matches(CANARY).count() != 1);
        if told || lost {
            fallen.push(format!("{name}: {}", if told { "told" } else { "lost" }));
        }
    }
    assert_none(&fallen, of);
}

/// An answer in a dialect, and whether its template opens the reasoning.
pub(super) fn worded(dialect: &str, secret: &str) -> (String, bool) {
    let template = dialect.starts_with("TEMPLATE:");
    let text = dialect.trim_start_matches("TEMPLATE:");
    let text = text.replace('R', "\u{1}").replace('A', "\u{2}");
    // The letters of markers are no places.
    (restore(&text).replace('\u{1}', secret).replace('\u{2}', CANARY), template)
}

/// `R` and `A` are places only where they stand alone.
fn restore(text: &str) -> String {
    let names = [
        "START_THINKING",
        "END_THINKING",
        "START_RESPONSE",
        "END_RESPONSE",
        "FINAL RESPONSE",
        "Assistant:",
        "AI:",
        "Response:",
    ];
    let mut text = text.to_owned();
    for name in names {
        let masked = name.replace('R', "\u{1}").replace('A', "\u{2}");
        text = text.replace(&masked, name);
    }
    text
}

// Break it: take every reason but `length` for the model's own end.
#[tokio::test(start_paused = true)]
async fn reasoning_that_nothing_closes_is_withheld_whatever_cut_it_short() {
    let mut fallen = Vec::new();
    let mut of = 0;
    for dialect in UNCLOSED {
        for member in MEMBERS {
            let reasons: &[&str] = if member.messages() {
                &["max_tokens", "refusal", "model_context_window_exceeded"]
            } else {
                &["length", "content_filter", "abort", "max_tokens"]
            };
            for reason in reasons {
                let template = dialect.starts_with("TEMPLATE:");
                let text = dialect.trim_start_matches("TEMPLATE:").replace('R', SECRET);
                let mut cases = Vec::new();
                forms(member, &text, reason, |form, body, streams| {
                    cases.push((form, body, streams))
                });
                for (form, body, streams) in cases {
                    of += 1;
                    let response = if streams { stream([data(&body)]) } else { json(&body) };
                    let out = answered("none", ask(member, template, streams), response).await;
                    if texts(member, &out).1.contains(['z', 'q', 'Z', 'Q']) {
                        fallen.push(format!("{dialect:?} in {member:?}, {reason}, {form}"));
                    }
                }
            }
        }
    }
    assert_none(&fallen, of);
}

// Break it: open a section wherever a marker stands.
#[tokio::test(start_paused = true)]
async fn an_answer_that_speaks_of_reasoning_comes_whole_in_every_form() {
    let mut fallen = Vec::new();
    let mut of = 0;
    for answer in WHOLE {
        let text = answer.replace('A', CANARY);
        for member in MEMBERS {
            let reason = if member.messages() { "end_turn" } else { "stop" };
            let mut cases = Vec::new();
            forms(member, &text, reason, |form, body, streams| cases.push((form, body, streams)));
            for (form, body, streams) in cases {
                of += 1;
                let response = if streams { stream([data(&body)]) } else { json(&body) };
                let out = answered("none", ask(member, false, streams), response).await;
                if texts(member, &out).0.iter().any(|copy| *copy != text) {
                    fallen.push(format!("{answer:?} in {member:?}, {form}: {out:.300}"));
                }
            }
        }
    }
    assert_none(&fallen, of);
}

fn fixture(name: &str) -> String {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/dialects/");
    std::fs::read_to_string(folder.to_owned() + name + ".upstream").unwrap()
}

/// The first words of the reasoning in answers of real shapes are of it alone.
#[tokio::test(start_paused = true)]
async fn answers_of_shapes_that_servers_have_are_withheld_and_come_whole() {
    for name in [
        "cumulative-deltas",
        "cumulative-messages",
        "perplexity-message-delta",
        "finish-in-every-chunk",
        "harmony-two-sections",
        "harmony-two-sections-doc",
        "gemma-channel",
        "gemma-channel-doc",
        "nested-think",
        "nested-think-doc",
        "upper-case",
    ] {
        let body = fixture(name);
        let response = if name.ends_with("-doc") { json(&body) } else { stream([data(&body)]) };
        let out = answered("none", chat(), response).await;
        for word in ["zeb", "Finally", "follows", "four"] {
            assert!(!out.contains(word), "{name}: {word} in {out}");
        }
        let member = match name {
            "cumulative-deltas" => Member::Cumulative,
            "cumulative-messages" => Member::Message,
            "perplexity-message-delta" => Member::DeltaAndMessage,
            _ => Member::Delta,
        };
        // One of them was broken off behind its reasoning.
        let answers = body.contains(CANARY);
        for copy in texts(member, &out).0.iter().filter(|_| answers) {
            assert!(
                copy.ends_with(CANARY) || copy.ends_with("It is 12.<|return|>"),
                "{name}: {copy}"
            );
        }
    }
    let literal = fixture("literal-tag-in-code");
    let out = answered("none", chat(), stream([data(&literal)])).await;
    assert_eq!(texts(Member::Delta, &out).0, texts(Member::Delta, &literal).0);
}

// Break it: draw a conclusion at every finish reason, or from the tags beside the member.
#[tokio::test(start_paused = true)]
async fn the_conclusion_is_drawn_once_and_is_the_last_sentence() {
    for name in ["finish-every-conclusion", "think-and-field-conclusion"] {
        let out = answered("conclusion", chat(), stream([data(fixture(name))])).await;
        let mut thought = String::new();
        for line in out.lines().filter_map(|line| line.strip_prefix("data: ")) {
            if let Ok(value) = serde_json::from_str::<Value>(line) {
                let delta = &value["choices"][0]["delta"];
                thought += delta["reasoning_content"].as_str().unwrap_or_default();
            }
        }
        assert_eq!(thought, "Finally zebra four.", "{name}");
        assert_eq!(out.matches("zebra").count(), 1, "{name}: {out}");
        assert!(texts(Member::Delta, &out).0[0].ends_with(CANARY), "{name}");
    }
    let alternating: String =
        ["One. ", "Two. "].map(|it| thinks(it) + &says("so ")).concat() + STOP + DONE;
    let out = answered("conclusion", chat(), stream([data(alternating)])).await;
    assert!(out.contains("One.") && !out.contains("Two."), "{out}");
}

// Break it: have the mark hold a marker back, or let a conclusion leave in the marker's event.
#[tokio::test(start_paused = true)]
async fn a_marker_leaves_in_the_event_in_which_it_came_and_alone_where_it_came_alone() {
    let pieces = ["<think>", "One. ", "Two.", "</think>", "It", " is 12."];
    for keep in ["none", "conclusion"] {
        let body = pieces.map(says).concat() + STOP + DONE;
        let out = answered(keep, chat(), stream([data(body)])).await;
        for piece in ["<think>", "</think>", "It"] {
            assert!(out.contains(&format!("\"content\":\"{piece}\"")), "{keep}: {piece} in {out}");
        }
    }
}

// Break it: let comments, ids or unknown names of events pass, or leave a name beside a closed value.
#[tokio::test(start_paused = true)]
async fn nothing_beside_the_data_of_an_event_and_no_name_in_it_tells_of_the_reasoning() {
    let named = "data: {\"id\":\"c\",\"Zqz, then\":null,\"z\\\"q zq\":7,\"choices\":[]}\n\n";
    let beside = ": Zqz\n\nevent: zqz\nid: zq\nretry: 7\n: qq\n";
    let body = [
        beside,
        &says("It"),
        "id: 9\n\n:\n\ndata:\n\nevent: message\n",
        &says(" is"),
        named,
        STOP,
        DONE,
    ];
    let out = answered("none", chat(), stream([data(body.concat())])).await;
    let named = "data: {\"id\":\"c\",\"other\":null,\"other\":null,\"choices\":[]}\n\n";
    let left = [&says("It"), "event: message\n", &says(" is"), named, STOP, DONE].concat();
    assert_eq!(out, left);
    // At a grade that lets reasoning through a name stays.
    let world = World::new(policy("side_channels = {}"));
    let out = world.exchange(chat(), stream([data(body.concat())])).await.text();
    assert!(out.contains("\"Zqz, then\":null") && !out.contains("event: zqz"), "{out}");
}

// Break it: give each entry what may be kept.
#[tokio::test(start_paused = true)]
async fn entries_of_one_reasoning_share_what_is_kept_of_it() {
    let entry = |index: u32| json!({"type": "reasoning.text", "text": format!("Entry {index} thinks. So it does."), "index": index});
    let entries: Vec<Value> = (0..10).map(entry).collect();
    let chunks = entries.iter().map(|entry| {
        let choice =
            json!({"index": 0, "delta": {"reasoning_details": [entry]}, "finish_reason": null});
        format!("data: {}\n\n", json!({"id": "c", "choices": [choice]}))
    });
    let streamed = chunks.collect::<String>() + &says(CANARY) + STOP + DONE;
    let message = json!({"content": CANARY, "reasoning_details": entries});
    let whole = json!({"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]});
    for keep in ["none", "conclusion"] {
        for response in [stream([data(&streamed)]), json(whole.to_string())] {
            let out = answered(keep, chat(), response).await;
            let kept = out.matches("thinks").count() + out.matches("does").count();
            assert_eq!(kept, usize::from(keep == "conclusion"), "{out}");
            assert!(out.contains(CANARY), "{out}");
        }
    }
}

// Break it: forget the dialects on the way to the record.
#[tokio::test(start_paused = true)]
async fn the_record_names_the_dialects_that_an_answer_had() {
    let world = World::new(keeping("none"));
    let text = format!(
        "<|channel|>analysis<|message|>{LINE}<|end|>It is 11. <think>{LINE}</think>{CANARY}"
    );
    world.exchange(chat(), stream([data(says(&text) + STOP + DONE)])).await;
    let record = world.records.only();
    let dialects: Vec<_> = record.applied.iter().flat_map(|it| &it.dialects).collect();
    assert_eq!(dialects, ["think", "harmony"]);
}

// Break it: take a block by the name of its delta, or a piece that comes twice for a delta.
#[tokio::test(start_paused = true)]
async fn members_that_servers_misname_or_send_twice_tell_nothing() {
    let thought = format!("<think>{LINE}</think>{CANARY}");
    let characters: Vec<char> = thought.chars().collect();
    let so_far = |at: usize| characters.iter().take(at).collect::<String>();
    let twice: String = (5..=characters.len()).map(|at| says(&so_far(at)).repeat(2)).collect();
    let refused = json!({"choices": [{"index": 0, "message": {"content": null, "refusal": thought}, "finish_reason": "stop"}]});
    let block = json!({"type": "message", "content": [{"type": "reasoning", "content": LINE}, {"type": "text", "text": CANARY}], "stop_reason": "end_turn"});
    let event =
        |value: Value| format!("event: {}\ndata: {value}\n\n", value["type"].as_str().unwrap());
    let misnamed = [
        json!({"type": "message_start", "message": {"content": [], "model": "m"}}),
        json!({"type": "content_block_start", "index": 0, "content_block": {"type": "thinking", "thinking": ""}}),
        json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": LINE}}),
        json!({"type": "content_block_stop", "index": 0}),
        json!({"type": "message_delta", "delta": {"stop_reason": "end_turn"}}),
        json!({"type": "message_stop"}),
    ]
    .map(event)
    .concat();
    for (name, member, response) in [
        ("twice", Member::Cumulative, stream([data(twice + STOP + DONE)])),
        ("refused", Member::Delta, json(refused.to_string())),
        ("block", Member::Block, json(block.to_string())),
        ("misnamed", Member::Block, stream([data(misnamed)])),
    ] {
        let streams = matches!(name, "twice" | "misnamed");
        let out = answered("none", ask(member, false, streams), response).await;
        assert!(!out.contains("zq") && !out.contains("Zq"), "{name}: {out}");
        let answers = name != "misnamed";
        assert_eq!(out.contains(CANARY), answers, "{name}: {out}");
    }
}
