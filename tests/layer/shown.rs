//! Markup of reasoning that an honest answer shows comes whole: a prompt, a document, a file that an
//! agent writes. What is given up for it, and what is not.

use super::rendered::*;
use super::support::*;

/// Answers of many kinds that show markup, or look as if they did. Those in `CUT` begin with it.
fn shown() -> Vec<(String, String)> {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/shown_markup.json");
    let file: Vec<serde_json::Value> =
        serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    file.iter().map(|it| (text(&it["name"]), text(&it["text"]))).collect()
}

/// What begins like a model's own reasoning and is closed like it, and what is left of it: nothing
/// in the text tells it from that.
const CUT: [(&str, &str); 7] = [
    ("tool-cline", "<thinking></thinking>\n\n<write_to_file>"),
    ("poem", "<thought></thought>\nEnd."),
    ("chinese", "<think></think> 表示结束。"),
    ("vocab2", "<think></think> 151668"),
    ("log", "[THINK][/THINK] bye"),
    ("details-r", "<details type=\"reasoning\"></details>"),
    ("granite-phrase", "Here is my thought process:Here is my response: tea. End."),
];

async fn assert_whole(texts_of: impl Iterator<Item = (String, String, String)>) {
    let mut fallen = Vec::new();
    let mut of = 0;
    for (name, text, left) in texts_of {
        for member in [Member::Delta, Member::Block] {
            let reason = if member.messages() { "end_turn" } else { "stop" };
            let cuts = if text.len() < 2000 { vec![1, 4, 1000] } else { vec![97] };
            let mut bodies = vec![(member.document(&text, reason), false)];
            for cut in cuts {
                bodies.push((member.stream(&text, Habit::AtTheEnd, cut, reason), true));
            }
            for (body, streams) in bodies {
                of += 1;
                let response = if streams { stream([data(&body)]) } else { json(&body) };
                let out = answered("none", ask(member, false, streams), response).await;
                let copy = texts(member, &out).0.concat();
                let right = if left.is_empty() { copy == text } else { copy.starts_with(&left) };
                if !right {
                    fallen.push(format!("{name} in {member:?}: {copy:.200}"));
                }
            }
        }
    }
    assert_none(&fallen, of);
}

// Break it: open a section behind an answer that began without one.
#[tokio::test(start_paused = true)]
async fn an_answer_that_shows_markup_comes_whole_unless_it_begins_with_it() {
    let left = |name: &str| CUT.iter().find(|cut| cut.0 == name).map_or("", |cut| cut.1);
    assert_whole(shown().into_iter().map(|(name, text)| {
        let left = left(&name).to_owned();
        (name, text, left)
    }))
    .await;
    let long = "A long text. ".repeat(3000);
    let long = format!("{long}<think> is a tag and </think> closes it. {long}End.");
    let many = "<".repeat(5000) + " End.";
    assert_whole(
        [("long", long), ("many", many)]
            .into_iter()
            .map(|(name, text)| (name.to_owned(), text, String::new())),
    )
    .await;
}

/// What a client may have its model say before it reasons as it was trained to, `§` the reasoning.
const LED_UP_TO: [&str; 17] = [
    "\u{200b}<think>§</think>It is 12.",
    "🤔 <think>§</think>It is 12.",
    "...\n<think>§</think>It is 12.",
    "Banana <think>§</think>It is 12.",
    "Banana\n\n<think>\n§\n</think>\n\nIt is 12.",
    "OK. <think>§</think>It is 12.",
    "Хорошо, <think>§</think>It is 12.",
    "好的，<think>§</think>It is 12.",
    "Okay, let me think about this first.\n<x_think>§</x_think>It is 12.",
    "<think>One.</think>It is 11, I say.\n\n<think>§</think>It is 12.",
    "<think>\n\n</think>It is 11, I say.\n\n<think>§</think>It is 12.",
    "<|im_start|>assistant\nIt is 11, I say.\n<think>§</think>It is 12.",
    "<|channel|>final<|message|>It is 11.<|end|><|start|>assistant<|channel|>analysis<|message|>§<|end|><|start|>assistant<|channel|>final<|message|>It is 12.",
    "It is 11, I say.\n<|START_THINKING|>§<|END_THINKING|>It is 12.",
    "It is 11, I say.\n◁think▷§◁/think▷It is 12.",
    "TEMPLATE:One.</think>It is 11, I say.\n<think>§</think>It is 12.",
    "TEMPLATE:It is 11, I say.\n<think>§</think>It is 12.",
];

// Break it: take any word before a section for an answer, or forget that the text has had one.
#[tokio::test(start_paused = true)]
async fn a_word_before_it_opens_no_way_for_reasoning_that_a_model_was_trained_to() {
    let mut fallen = Vec::new();
    let mut of = 0;
    for shape in LED_UP_TO {
        let template = shape.starts_with("TEMPLATE:");
        let text = shape.trim_start_matches("TEMPLATE:").replace('§', "Zqz qqz. Then zqqz follows");
        for member in [Member::Delta, Member::Block] {
            let reason = if member.messages() { "end_turn" } else { "stop" };
            let mut bodies = vec![(member.document(&text, reason), false)];
            for cut in 1..text.chars().count() {
                bodies.push((member.stream(&text, Habit::AtTheEnd, cut, reason), true));
            }
            for (body, streams) in bodies {
                of += 1;
                let response = if streams { stream([data(&body)]) } else { json(&body) };
                let out = answered("none", ask(member, template, streams), response).await;
                let told = texts(member, &out).1.contains(['z', 'q', 'Z', 'Q']);
                let lost = !texts(member, &out).0.concat().contains("12");
                if told || lost {
                    fallen.push(format!("{shape:?} in {member:?}: {}", texts(member, &out).1));
                }
            }
        }
    }
    assert_none(&fallen, of);
}

/// What is given up: an answer of more than a word, without any sign that its model reasons in its
/// text, says what it likes behind it.
#[tokio::test(start_paused = true)]
async fn what_a_model_was_only_told_to_write_behind_an_answer_is_the_answers() {
    for text in [
        "It is 11, I say.\n\n<think>\nZqz.\n</think>\n\nIt is 12.",
        "It is 11, I say. <x_think>Zqz.</x_think> It is 12.",
        "It is 11, I say.\n[THINK]Zqz.[/THINK] It is 12.",
    ] {
        let body = Member::Delta.document(text, "stop");
        let out = answered("none", ask(Member::Delta, false, false), json(&body)).await;
        assert_eq!(texts(Member::Delta, &out).0, [text]);
    }
}
