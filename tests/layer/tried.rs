//! What attackers have tried against the withholding of reasoning, beside the generator of `withheld`.

use serde_json::{Value, json};

use super::rendered::*;
use super::support::*;
use super::withheld::{CANARY, worded};

/// No letter of it is in anything else.
const SECRET: &str = "Zqz qqz. Then zqqz follows";

fn tells(text: &str) -> bool {
    text.contains(['z', 'Z', 'q', 'Q'])
}

/// Wordings as those of `withheld`.
const WORDINGS: [&str; 43] = [
    "\u{200b}<think>R</think>A",
    "\u{feff}\n<think>R</think>A",
    "\n\n   \t<think>\nR\n</think>A",
    "<thinking_process>R</thinking_process>A",
    "<thought_process>\nR\n</thought_process>\n\nA",
    "<|thinking|>R<|/thinking|>A",
    "<|reasoning|>R<|/reasoning|>A",
    "<|begin_thinking|>R<|end_thinking|>A",
    "<think id=\"1\">\nR\n</think>A",
    "<think>R</ think>A",
    "<think>R</think\n>A",
    "<think><answer>R</answer></think>A",
    "<think>R</think><think></think>A",
    "<think></think><think>R</think>A",
    "<think>\n\n</think>\n\n<think>R</think>A",
    "<think>R</think>\n<answer>A</answer>",
    "<|channel|>analysis<|message|>R<|end|>A",
    "<|channel|>analysis<|message|>R<|start|>assistant<|channel|>final <|constrain|>json<|message|>A",
    "<|channel|>analysis to=browser<|message|>R<|end|><|start|>assistant<|channel|>final<|message|>A",
    "<|channel|>analysis<|message|>R<|end|><|start|>assistant to=functions.f<|channel|>analysis<|message|>R<|call|><|start|>assistant<|channel|>final<|message|>A",
    "<|start|>assistant<|channel|>final<|message|>It is 11.<|end|><|start|>assistant<|channel|>analysis<|message|>R<|end|><|start|>assistant<|channel|>final<|message|>A",
    "<s><think>R</think>A",
    "<|im_start|>assistant\n<think>\nR\n</think>\n\nA",
    "**Bot**: <think>R</think>A",
    "[bot]: <think>R</think>A",
    "Model-3: <think>R</think>A",
    "Denken:\n<think>\nR\n</think>\nA",
    "🤔 **Thinking…**\n\n<think>R</think>A",
    "Here is my reasoning:\n\n<think>\nR\n</think>\n\nA",
    "## Thought process\n<think>R</think>A",
    "Sure! Thinking:\n<think>R</think>A",
    "<details type=\"reasoning\" open>\n> R\n</details>\n\nA",
    "<think>R `</think>` R\n```\n</think>\n```\nR</think>A",
    "<think>1 < 2, a[0] <b> R </b> [THINK] R</think>A",
    "<think>R <|im_start|> R</think>A",
    "[THINK]R [1] R[/THINK]A",
    "◁think▷R ◁ R◁/think▷\nA",
    "TEMPLATE:R\n</THINKING>\nA",
    "TEMPLATE:R\n---\n</think>\nA",
    "TEMPLATE:R<|END_THINKING|><|START_RESPONSE|>A<|END_RESPONSE|>",
    "TEMPLATE:R\n```\nR\n```\n</think>\nA",
    "TEMPLATE:\n</think>\n<think>R</think>A",
    "TEMPLATE:R<channel|>A",
];

// Break it: any of what the table of dialects or `lead` knows.
#[tokio::test(start_paused = true)]
async fn no_wording_that_was_tried_tells_anything() {
    let (mut fallen, mut of) = (Vec::new(), 0);
    for wording in WORDINGS {
        let (text, template) = worded(wording, SECRET);
        for member in [Member::Delta, Member::Parts, Member::Block, Member::Cumulative] {
            let reason = if member.messages() { "end_turn" } else { "stop" };
            let mut cases = vec![("document".to_owned(), member.document(&text, reason), false)];
            for cut in [1, 3, 7, 1000] {
                let streamed = member.stream(&text, Habit::AtTheEnd, cut, reason);
                cases.extend((member != Member::Cumulative || cut < 7).then_some((
                    format!("cut {cut}"),
                    streamed,
                    true,
                )));
            }
            for (form, body, streams) in cases {
                of += 1;
                let response = if streams { stream([data(&body)]) } else { json(&body) };
                let out = answered("none", ask(member, template, streams), response).await;
                let (copies, all) = texts(member, &out);
                let lost = copies.iter().any(|copy| copy.matches(CANARY).count() != 1);
                if tells(&all) || lost {
                    let last = copies.concat();
                    fallen.push(format!("{wording:?} in {member:?}, {form}: {last}"));
                }
            }
        }
    }
    assert_none(&fallen, of);
}

/// Answers that begin with a label, and speak of markers.
const ANSWERS: [&str; 14] = [
    "Example:\n<think>\nshown\n</think>\nA",
    "Format: <think>shown</think> then A",
    "**Template:**\n\n<think>shown</think>\n\nA",
    "Input: `<think>` A",
    "Use `<think>` and `</think>` inline. A",
    "It says `a <think> b` and ``c </think> d``. A",
    "The list:\n- `<think>` opens\n- `</think>` closes\n\nA",
    "| tag | means |\n|---|---|\n| `<think>` | opens |\n| `</think>` | closes |\n\nA",
    "In XML, <thinkers> and <rethink> are names. A",
    "Write it so: \"<think>\" … \"</think>\". A",
    "    <think>\n    indented\n    </think>\nA",
    "It is 3 < 4 and [THINK] is no token here. A",
    "https://a.example/<think>/b is a path. A",
    "Thinking about it: A",
];

// Break it: take any label for one that leads up to reasoning.
#[tokio::test(start_paused = true)]
async fn answers_that_look_like_those_come_whole() {
    let (mut fallen, mut of) = (Vec::new(), 0);
    for answer in ANSWERS.iter().filter(|it| !it.starts_with("    ")) {
        let text = answer.replace('A', CANARY);
        for member in [Member::Delta, Member::Block] {
            let reason = if member.messages() { "end_turn" } else { "stop" };
            let mut bodies = vec![(member.document(&text, reason), false)];
            let cuts = [1, 3, 7, 1000];
            bodies
                .extend(cuts.map(|cut| (member.stream(&text, Habit::AtTheEnd, cut, reason), true)));
            for (body, streams) in bodies {
                of += 1;
                let response = if streams { stream([data(&body)]) } else { json(&body) };
                let out = answered("none", ask(member, false, streams), response).await;
                if texts(member, &out).0.concat() != text {
                    fallen.push(format!("{answer:?} in {member:?}: {:?}", texts(member, &out).0));
                }
            }
        }
    }
    assert_none(&fallen, of);
}

fn chunk(choice: Value) -> String {
    format!("data: {}\n\n", json!({"id": "c", "choices": [choice]}))
}

fn cuts(text: &str, size: usize) -> Vec<String> {
    let characters: Vec<char> = text.chars().collect();
    characters.chunks(size).map(|it| it.iter().collect()).collect()
}

/// Streams of odd shapes, by what they are.
fn shapes() -> Vec<(&'static str, &'static str, String)> {
    let text = format!("<think>{SECRET}</think>{CANARY}");
    let pieces = cuts(&text, 4);
    let content = |piece: &str| json!({"content": piece});
    let each = |make: &dyn Fn(usize, &str) -> Value| -> String {
        let chunks = pieces.iter().enumerate().map(|(at, piece)| chunk(make(at, piece)));
        chunks.collect::<String>() + DONE
    };
    let so_far = |at: usize| pieces.iter().take(at + 1).cloned().collect::<String>();
    let mut shapes = vec![
        ("no index", CHAT, each(&|_, piece| json!({"delta": content(piece)}))),
        ("null index", CHAT, each(&|_, piece| json!({"index": null, "delta": content(piece)}))),
        (
            "index in a string",
            CHAT,
            each(&|at, piece| json!({"index": at.to_string(), "delta": content(piece)})),
        ),
        (
            "index from seven",
            CHAT,
            each(&|at, piece| json!({"index": at + 7, "delta": content(piece)})),
        ),
        (
            "index by tens",
            CHAT,
            each(&|at, piece| json!({"index": at * 10, "delta": content(piece)})),
        ),
        (
            "counted messages",
            CHAT,
            each(&|at, piece| json!({"index": at, "message": content(piece)})),
        ),
        (
            "counted, all so far",
            CHAT,
            each(&|at, _| json!({"index": at, "delta": content(&so_far(at))})),
        ),
        (
            "counted, with a role",
            CHAT,
            each(
                &|at, piece| json!({"index": at, "delta": {"role": "assistant", "content": piece}}),
            ),
        ),
        (
            "counted, in parts",
            CHAT,
            each(
                &|at, piece| json!({"index": at, "delta": {"content": [{"type": "text", "text": piece}]}}),
            ),
        ),
        (
            "parts as strings",
            CHAT,
            each(&|_, piece| json!({"index": 0, "delta": {"content": [piece]}})),
        ),
        (
            "two parts",
            CHAT,
            each(&|_, piece| {
                let (one, two) = piece.split_at(piece.len() / 2);
                json!({"index": 0, "delta": {"content": [{"type": "text", "text": one}, {"type": "text", "text": two}]}})
            }),
        ),
        (
            "finish before the text",
            CHAT,
            chunk(json!({"index": 0, "delta": {}, "finish_reason": "stop"}))
                + &each(&|_, piece| json!({"index": 0, "delta": content(piece)})),
        ),
        (
            "a member called thinking",
            CHAT,
            chunk(json!({"index": 0, "delta": {"thinking": SECRET}}))
                + &chunk(json!({"index": 0, "delta": content(CANARY)}))
                + DONE,
        ),
        (
            "a member called thought",
            CHAT,
            chunk(json!({"index": 0, "delta": {"thought": SECRET, "content": ""}}))
                + &chunk(json!({"index": 0, "delta": content(CANARY)}))
                + DONE,
        ),
        (
            "reasoning_text",
            CHAT,
            chunk(json!({"index": 0, "delta": {"reasoning_text": SECRET}}))
                + &chunk(json!({"index": 0, "delta": content(CANARY)}))
                + DONE,
        ),
        (
            "escaped brackets",
            CHAT,
            each(&|_, piece| json!({"index": 0, "delta": content(piece)}))
                .replace('<', "\\u003c")
                .replace('>', "\\u003E"),
        ),
        (
            "escaped names",
            CHAT,
            each(&|_, piece| json!({"index": 0, "delta": content(piece)}))
                .replace("\"content\"", "\"cont\\u0065nt\""),
        ),
        (
            "lines that end otherwise",
            CHAT,
            each(&|_, piece| json!({"index": 0, "delta": content(piece)}))
                .replace("\n\n", "\r\n\r\n"),
        ),
        (
            "no space behind the colon",
            CHAT,
            each(&|_, piece| json!({"index": 0, "delta": content(piece)}))
                .replace("data: ", "data:"),
        ),
        (
            "members in another order",
            CHAT,
            each(
                &|_, piece| json!({"finish_reason": null, "delta": content(piece), "index": 0, "logprobs": null}),
            ),
        ),
        (
            "a picture in pieces of an escape",
            CHAT,
            chunk(json!({"index": 0, "delta": content("<think>zq ")}))
                + &chunk(json!({"index": 0, "delta": {"content": "U"}}))
                    .replace("\"U\"", "\"\\ud83e\"")
                + &chunk(json!({"index": 0, "delta": {"content": "U"}}))
                    .replace("\"U\"", "\"\\udd14 zq\"")
                + &chunk(json!({"index": 0, "delta": content("</think>It is 12.")}))
                + DONE,
        ),
    ];
    let event =
        |value: Value| format!("event: {}\ndata: {value}\n\n", value["type"].as_str().unwrap());
    let start = |block: Value| {
        event(json!({"type": "content_block_start", "index": 0, "content_block": block}))
    };
    let delta = |index: Value, delta: Value| {
        event(json!({"type": "content_block_delta", "index": index, "delta": delta}))
    };
    let says = |piece: &str| json!({"type": "text_delta", "text": piece});
    let stop = event(json!({"type": "content_block_stop", "index": 0}));
    let ends = event(json!({"type": "message_delta", "delta": {"stop_reason": "end_turn"}}))
        + &event(json!({"type": "message_stop"}));
    let begins = |content: Value| {
        event(json!({"type": "message_start", "message": {"content": content, "model": "m"}}))
    };
    let deltas: String = pieces.iter().map(|piece| delta(0.into(), says(piece))).collect();
    let empty = json!({"type": "text", "text": ""});
    let (first, rest) = text.split_at(12);
    shapes.extend([
        (
            "text in the start of a block",
            MESSAGES,
            begins(json!([]))
                + &start(json!({"type": "text", "text": first}))
                + &delta(0.into(), says(rest))
                + &stop
                + &ends,
        ),
        ("deltas alone", MESSAGES, deltas.clone()),
        ("no start of a block", MESSAGES, begins(json!([])) + &deltas + &stop + &ends),
        (
            "no stop of a block",
            MESSAGES,
            begins(json!([])) + &start(empty.clone()) + &deltas + &ends,
        ),
        (
            "no index",
            MESSAGES,
            begins(json!([]))
                + &start(empty.clone())
                + &deltas.replace("\"index\":0,", "")
                + &stop
                + &ends,
        ),
        (
            "a block that starts twice",
            MESSAGES,
            begins(json!([]))
                + &start(empty.clone())
                + &start(empty.clone())
                + &deltas
                + &stop
                + &ends,
        ),
        (
            "a whole message in its start",
            MESSAGES,
            begins(json!([{"type": "text", "text": text}])) + &ends,
        ),
        (
            "two whole messages",
            MESSAGES,
            (begins(json!([{"type": "text", "text": format!("<think>{SECRET}</think>No.")}]))
                + &ends)
                + &begins(json!([{"type": "text", "text": text}]))
                + &ends,
        ),
        (
            "a ping between all",
            MESSAGES,
            (begins(json!([])) + &start(empty.clone()) + &deltas + &stop + &ends)
                .replace("\n\n", "\n\nevent: ping\ndata: {\"type\":\"ping\"}\n\n"),
        ),
        (
            "a thought that is signed, in one number",
            MESSAGES,
            begins(json!([]))
                + &start(json!({"type": "thinking", "thinking": SECRET}))
                + &delta(0.into(), json!({"type": "signature_delta", "signature": "QUJD"}))
                + &stop
                + &start(empty)
                + &delta(0.into(), says(CANARY))
                + &stop
                + &ends,
        ),
    ]);
    shapes
}

// Break it: read numbers, members or blocks otherwise than servers send them.
#[tokio::test(start_paused = true)]
async fn no_shape_that_was_tried_tells_anything() {
    let (mut fallen, mut of) = (Vec::new(), 0);
    for (name, path, body) in shapes() {
        let texts = |out: &str| -> String {
            let values = out.lines().filter_map(|line| line.strip_prefix("data:"));
            let values = values.filter_map(|it| serde_json::from_str::<Value>(it).ok());
            let places = [
                "/choices/0/delta/content",
                "/choices/0/delta/content/0",
                "/choices/0/delta/content/0/text",
                "/choices/0/delta/content/1/text",
                "/choices/0/message/content",
                "/delta/text",
                "/content_block/text",
                "/message/content/0/text",
            ];
            let found = values.flat_map(|value| {
                places.map(|it| value.pointer(it).and_then(Value::as_str).map(str::to_owned))
            });
            found.flatten().collect()
        };
        of += 1;
        let member = if path == MESSAGES { Member::Block } else { Member::Delta };
        let out = answered("none", ask(member, false, true), stream([data(&body)])).await;
        let said = texts(&out);
        let left = out.replace("\"seq", "");
        if left.contains("zq")
            || left.contains("Zq")
            || left.contains("qq")
            || !said.contains(CANARY)
        {
            fallen.push(format!("{name}: {said:?} {out:.600}"));
        }
    }
    assert_none(&fallen, of);
}
