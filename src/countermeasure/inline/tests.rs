//! Sections found, and words of an answer left alone.

use super::*;
use crate::policy::plan::Keep;

fn inline(keep: Keep, opened: bool) -> Inline {
    Inline::new(Setting {
        keep: keep.into(),
        opened,
        continued: false,
        reasoned: false,
        unclosed: Unclosed::Answer,
    })
}

fn run_in(mut editor: Inline, pieces: &[&str], cut_short: bool) -> String {
    let mut out = String::new();
    pieces.iter().for_each(|piece| editor.push(piece, &mut out));
    editor.finish(cut_short, &mut out);
    out
}

fn run(keep: Keep, opened: bool, pieces: &[&str], cut_short: bool) -> String {
    run_in(inline(keep, opened), pieces, cut_short)
}

/// The result in one piece, which is that of every two pieces and of one piece per character.
fn emptied(text: &str) -> String {
    let whole = run(Keep::None, false, &[text], false);
    for (at, _) in text.char_indices() {
        let (left, right) = text.split_at(at);
        assert_eq!(run(Keep::None, false, &[left, right], false), whole, "cut at {at}");
    }
    let characters: Vec<String> = text.chars().map(String::from).collect();
    let characters: Vec<&str> = characters.iter().map(String::as_str).collect();
    assert_eq!(run(Keep::None, false, &characters, false), whole, "by characters");
    whole
}

/// Sections, the reasoning between `{` and `}`.
const SECTIONS: [&str; 71] = [
    "<think>{zebra one}</think>It is 12.",
    "\n <think>{\nzebra one.\n\nzebra two}</think>\n\nIt is 12.",
    "<THINK>{zebra}</THINK>It is 12.",
    "<think >{zebra}</think >It is 12.",
    "< think>{zebra}< / think >It is 12.",
    "<think mode=\"deep\">{zebra}</think>It is 12.",
    "<thinking>{zebra}</thinking>It is 12.",
    "<thought>{zebra}</thought>It is 12.",
    "<Thoughts>{zebra}</thoughts>It is 12.",
    "<reasoning>{zebra}</reasoning>It is 12.",
    "<think>{zebra}</thinking>It is 12.",
    "<seed:think>{zebra}</seed:think>It is 12.",
    "<longcat_think>{zebra}</longcat_think>It is 12.",
    "[THINK]{zebra}[/THINK]It is 12.",
    "◁think▷{zebra}◁/think▷It is 12.",
    "<|START_THINKING|>{zebra}<|END_THINKING|><|START_RESPONSE|>It is 12.<|END_RESPONSE|>",
    "<|begin_of_thought|>{zebra}<|end_of_thought|>\n<|begin_of_solution|>It is 12.",
    "<|inner_prefix|>{zebra}<|inner_suffix|>It is 12.",
    "<|channel>thought{\nzebra\n}<channel|>It is 12.",
    "<unused94>thought{\nzebra}<unused95>It is 12.",
    "<|think|>{zebra}<|end|><|begin|>assistant<|content|>It is 12.",
    "Here is my thought process:{ zebra }Here is my response: It is 12.",
    "Here's my thought process:{\nzebra\n}Here is my response:\nIt is 12.",
    "<|channel|>analysis<|message|>{zebra}<|end|>It is 12.",
    "<|channel|>analysis<|message|>{zebra}<|end|><|start|>assistant<|channel|>final<|message|>It is 12.<|return|>",
    "<|start|>assistant<|channel|>analysis<|message|>{zebra}<|end|><|start|>assistant<|channel|>commentary<|message|>{zebra}<|end|><|start|>assistant<|channel|>analysis<|message|>{zebra}<|start|>assistant<|channel|>final<|message|>It is 12.",
    "<|channel|>analysis to=python code<|message|>{zebra}<|call|><|start|>assistant<|channel|>final<|message|>12",
    "<|channel|> Analysis{\nzebra}<|channel|>final<|message|>12",
    "analysis{Zebra. Then zebra. }assistantfinalIt is 12.",
    "analysis{We zebra}assistantfinalIt is 12.assistantanalysis{zebra}assistantfinalAnd 13.",
    "analysis{\nzebra\n}assistantfinal\nIt is 12.",
    "<think>{I could write <think>short</think> here. zebra}</think>It is 12.",
    "<think>{\nzebra <think>\nzebra\n</think>\nzebra\n}</think>\nIt is 12.",
    "<think>{I close with `</think>` or \"</think>\". zebra}</think>It is 12.",
    "Sure! <think>{zebra}</think>It is 12.",
    "Let me see <think>{zebra}</think>It is 12.",
    "Let me see: <think>{ zebra }</think> it is 12.",
    "<think>{zebra}</think>It is 11.\n<think>{No, zebra.}</think>It is 12.",
    "<think>{zebra}</think><think>{zebra}</think>It is 12.",
    "<think>{zebra}</think>It is 11.\n\n<think>{\nzebra\n}</think>\n\nIt is 12.",
    "<think>{zebra}</think>An answer with ` a backtick <think>{zebra\nzebra}</think>It is 12.",
    "Okay, let me think about it step by step:\n\n<think>{\nzebra\n}</think>\n\nIt is 12.",
    "Banana <think>{Zebra.}</think> It is 12.",
    "Banana.\n<think>{\nzebra\n}</think>\nIt is 12.",
    "<x_think>{zebra <x_think> zebra</x_think> zebra}</x_think>It is 12.",
    "Sure! <x_think>{zebra}</x_think>It is 12.",
    "<antThinking>{zebra}</antThinking>It is 12.",
    "<|think_start|>{zebra}<|think_end|>It is 12.",
    "It is 11. <|think_start|>{zebra}<|think_end|>It is 12.",
    "[REASONING]{zebra}[/REASONING]It is 12.",
    "◁thinking▷{zebra}◁/thinking▷It is 12.",
    "<think/>{zebra}</think>It is 12.",
    "<think>{I write:\n```\n</think>\n```\nzebra\n}</think>\nIt is 12.",
    "<think>{I write:\n```\n<think>zebra</think>\n```\nzebra\n}</think>\nIt is 12.",
    "<think>{I write:\n```\nzebra\n}</think>\nIt is 12.",
    "<|channel|>analysis<|message|>{I write:\n```\nzebra\n}<|start|>assistant<|channel|>final<|message|>It is 12.",
    "<|channel|>final<|message|>It is 11.<|end|><|start|>assistant<|channel|>analysis<|message|>{zebra}<|end|><|start|>assistant<|channel|>final<|message|>12",
    "<mm:think>{zebra}</mm:think>It is 12.",
    "<think_fast>{zebra}</think_fast>It is 12.",
    "<|begin_of_think|>{zebra}<|end_of_think|>It is 12.",
    "<｜begin▁of▁think｜>{zebra}<｜end▁of▁think｜>It is 12.",
    "<|plamo:begin_think:plamo|>{zebra}<|plamo:end_think:plamo|>It is 12.",
    "<|im_start|>think{\nzebra}<|im_start|>answer\nIt is 12.",
    "/think\n{zebra}<|im_end|>\n<|im_start|>assistant\nIt is 12.",
    "<reason>{zebra}</reason><answer>It is 12.</answer>",
    "Here are my reasoning steps:{\nzebra\n}[BEGIN FINAL RESPONSE]\nIt is 12.",
    "<details type=\"reasoning\" done=\"true\" duration=\"3\">{\n<summary>Thought for 3 seconds</summary>\nzebra\n}</details>\nIt is 12.",
    "analysis<|message|>{zebra}<|end|><|start|>assistant<|channel|>final<|message|>It is 12.<|return|>",
    "<|message|>{zebra}<|end|><|start|>assistant<|channel|>final<|message|>It is 12.<|return|>",
    "analysis{ zebra }assistant final It is 12.",
    "**Here is my thought process:**{\nzebra\n}**Here is my response:**\nIt is 12.",
];

/// Answers that speak of a dialect.
const MENTIONS: [&str; 31] = [
    "Three tags:\n\n```xml\n<think>\n```\n\nopens it. Always close it.",
    "Three tags:\n\n~~~\n<think>\nx\n</think>\n~~~\nIt is 12.",
    "1. ```\n   <think>\n   x </think>\n   ```\nIt is 12.",
    "> ```\n> <think>x</think>\n> ```\nIt is 12.",
    "````\n```\n<think>x</think>\n```\n<think>x</think>\n````\nIt is 12.",
    "Write `<think>` and `</think>` around it. It is 12.",
    "Write `<think>your thoughts</think>` first. It is 12.",
    "Write `like this: <think> thoughts </think>` first. It is 12.",
    "Write ``a ` and <think>x</think>`` first. It is 12.",
    "Write ```<think>x</think>``` first. It is 12.",
    "The tag \"<think>\" opens it, \"</think>\" closes it. It is 12.",
    "The tag <think> opens the trace, and </think> closes it. It is 12.",
    "It stands between <think> and </think>, I think. It is 12.",
    "- <think>: opens it\n- </think>: closes it\n\nIt is 12.",
    "Three tags:\n<think>\nopens it and is not closed. It is 12.",
    "Wrap it in <think>...</think> first. It is 12.",
    "Use **<think>** to open (and </think> to close). It is 12.",
    "The answer <think> is 12.",
    "In C, a[i] < b and x<y> and List<Thing> are fine: 12 <",
    "The header `<|channel|>analysis<|message|>` opens it. It is 12.",
    "analysis of the data shows 12.",
    "Here is my thought process: first 3, then 4. It is 12.",
    "Here's what I found: [THINK] is a token. It is 12.",
    "<div>\n<p>It is 12.</p>\n</div>",
    "analysisResult = compute(x)\nprint(analysisResult)\nIt is 12.",
    "analysisPRO is the product: 12.",
    "analysis\n\nThe word means separation. The assistantfinal marker is a bug. It is 12.",
    "<details>\n<summary>More</summary>\nIt is 12.\n</details>",
    "Here are my reasoning steps: first 3, then 4. It is 12.",
    "/think\nof it: 12.",
    "<|message|>It is 12.<|return|>",
];

#[test]
fn what_stands_in_a_section_is_withheld_and_its_markers_stay_in_every_dialect() {
    for section in SECTIONS {
        let (mut expected, mut inside) = (String::new(), false);
        for character in section.chars() {
            match character {
                '{' => inside = true,
                '}' => inside = false,
                _ if inside => {}
                _ => expected.push(character),
            }
        }
        let text = section.replace(['{', '}'], "");
        assert_eq!(emptied(&text), expected, "{section}");
        let mut editor = inline(Keep::None, false);
        editor.push(&text, &mut String::new());
        assert_eq!(editor.dialects().names().count(), 1, "{section}");
        assert_eq!((editor.unopened_reasoning(), editor.unknown_markup()), (0, 0), "{section}");
    }
}

// Break it: open a section wherever a marker stands.
#[test]
fn an_answer_that_speaks_of_a_dialect_comes_whole() {
    for answer in MENTIONS {
        assert_eq!(emptied(answer), *answer);
        let mut editor = inline(Keep::None, false);
        editor.push(answer, &mut String::new());
        editor.finish(false, &mut String::new());
        assert!(editor.dialects().is_empty(), "{answer}");
        assert_eq!((editor.words_removed(), editor.unknown_markup()), (0, 0), "{answer}");
    }
}

#[test]
fn a_response_that_tells_its_reasoning_apart_may_say_any_marker_in_its_answer() {
    let told = || {
        let mut editor = inline(Keep::None, false);
        editor.tell_apart();
        editor
    };
    for answer in MENTIONS.into_iter().chain([
        "Use it so:\n<think>\nyour thoughts\n</think>\nyour answer. It is 12.",
        "<think>\nopens it. It is 12.",
        "<think> opens it and </think> closes it.",
    ]) {
        assert_eq!(run_in(told(), &[answer], false), answer);
    }
    // What servers repeat at the beginning is the member's own text.
    assert_eq!(run_in(told(), &["<think>zebra</think>12"], false), "<think></think>12");
}

#[test]
fn a_section_that_the_template_opened_is_withheld_up_to_its_closing_marker() {
    assert_eq!(run(Keep::None, true, &["secret</think>\n\n4"], false), "</think>\n\n4");
    assert_eq!(run(Keep::None, true, &["secret[/THINK]\n\n4"], false), "[/THINK]\n\n4");
    assert_eq!(run(Keep::None, true, &["<think>secret</think>4"], true), "<think></think>4");
    assert_eq!(run(Keep::Conclusion, true, &["A. Two.</think>4"], false), "Two.</think>4");
}

// Break it: look only for what the template's own closings are.
#[test]
fn a_model_that_opens_its_section_in_any_words_is_believed_where_its_template_may_have_done_so() {
    for text in SECTIONS {
        let text = text.replace(['{', '}'], "");
        for (at, _) in text.char_indices() {
            let (left, right) = text.split_at(at);
            let out = run(Keep::None, true, &[left, right], false);
            assert!(!out.contains("zebra"), "{text:?} cut at {at}: {out:?}");
            assert!(out.contains("12"), "{text:?} cut at {at}: {out:?}");
        }
    }
    // The template opened, the words are the reasoning's own.
    let both = "Here is my thought process: secret</think>\n\n4";
    assert_eq!(run(Keep::None, true, &[both], false), "</think>\n\n4");
}

#[test]
fn an_answer_without_reasoning_comes_whole_even_where_the_template_opens_a_section() {
    assert_eq!(run(Keep::None, true, &["Hello. ", "There."], false), "Hello. There.");
    assert_eq!(
        run(Keep::Share(0.9), true, &["Hello. ", "There. You."], false),
        "Hello. There. You."
    );
}

#[test]
fn reasoning_that_a_limit_cut_short_is_not_taken_for_an_answer() {
    assert_eq!(run(Keep::None, true, &["secret ste"], true), "");
    assert_eq!(run(Keep::None, false, &["<think>secret ste"], true), "<think>");
    assert_eq!(run(Keep::None, false, &["Sure. <think>secret ste"], true), "Sure. <think>");
    assert_eq!(run(Keep::Conclusion, false, &["<think>Secret. Ste"], false), "<think>");
}

#[test]
fn a_client_that_may_have_kept_the_model_from_closing_a_section_does_not_get_it() {
    for (opened, text, left) in
        [(true, "secret", ""), (false, "Sure. <think>secret", "Sure. <think>")]
    {
        let unclosed = Unclosed::Reasoning;
        let setting =
            Setting { keep: Remains::NOTHING, opened, continued: false, reasoned: false, unclosed };
        assert_eq!(run_in(Inline::new(setting), &[text], false), left);
    }
}

#[test]
fn reasoning_that_names_its_opening_once_too_often_does_not_swallow_the_answer() {
    let text = "<think>I could write <think> here.</think>It is 12.";
    assert_eq!(emptied(text), "<think></think>It is 12.");
    assert_eq!(
        run(Keep::Conclusion, false, &[text], false),
        "<think>I could write <think> here.</think>It is 12."
    );
    assert_eq!(
        emptied("Sure. <think> is bare.\n<think>zebra</think>It is 12."),
        "Sure. <think> is bare.\n<think></think>It is 12."
    );
}

// Break it: end a section with the text.
#[test]
fn a_text_that_goes_on_behind_its_end_goes_on_where_it_was() {
    let pieces = ["<thi", "nk>zeb", "ra one. zeb", "ra.</th", "ink>It", " is 12."];
    for keep in [Keep::None, Keep::Conclusion] {
        let mut editor = inline(keep, false);
        let mut out = String::new();
        for piece in pieces {
            editor.push(piece, &mut out);
            editor.finish(false, &mut out);
        }
        assert_eq!(out, "<think></think>It is 12.", "{keep:?}");
    }
}

#[test]
fn only_the_first_section_leaves_what_may_be_kept() {
    let text =
        "<think>\n</think><think>One. Two.</think>Yes.\n<think>Three. Four.</think>It is 12.";
    assert_eq!(
        run(Keep::Conclusion, false, &[text], false),
        "<think></think><think>Two.</think>Yes.\n<think></think>It is 12."
    );
}

#[test]
fn what_ends_without_having_begun_and_what_no_table_knows_is_counted() {
    for (text, unopened, unknown) in [
        ("leaked</think>4", 1, 0),
        ("leaked</THINK>4", 1, 0),
        ("<reflection>leaked</reflection>4", 0, 2),
        ("<|reason_start|>leaked<|reason_end|>4", 0, 2),
        ("◁reason▷leaked◁/reason▷4", 0, 2),
        ("[REASONS]leaked[/REASONS]4", 0, 2),
        ("<x_think>is never closed. 4", 0, 1),
        ("It is 12. <x_think>leaked</x_think>", 0, 2),
        ("It is 12. <think>shown</think>", 0, 0),
        ("<think/>4", 0, 0),
        ("[reasoning](https://a.b) and `<reflection>`", 0, 0),
    ] {
        let mut editor = inline(Keep::None, false);
        editor.push(text, &mut String::new());
        editor.finish(false, &mut String::new());
        assert_eq!(
            (editor.unopened_reasoning(), editor.unknown_markup()),
            (unopened, unknown),
            "{text}"
        );
    }
}

#[test]
fn what_is_held_is_bounded_and_counts_as_reasoning_at_the_bound() {
    let long = "word ".repeat(HOLD_LIMIT / 4);
    assert_eq!(run(Keep::None, false, &["Sure. <think>", &long], false), "Sure. <think>");
    assert_eq!(
        run(Keep::None, false, &["Sure. <think>", &long, "</think>12"], false),
        "Sure. <think></think>12"
    );
    let named = "<think>".to_owned() + &"a <think> ".repeat(HOLD_LIMIT);
    let mut editor = inline(Keep::None, false);
    editor.push("Sure. ", &mut String::new());
    editor.push(&named, &mut String::new());
    assert!(editor.undecided.len() < marker::LONGEST);
    assert!(!matches!(editor.state, State::Open(_)));
}

/// Texts of `size` repetitions that make a careless search look at them again and again.
fn provocations(size: usize) -> Vec<String> {
    let endless = [
        "a",
        "a ",
        "<",
        "</",
        "`",
        "```\n",
        "~",
        "\n",
        "a\n",
        "<think",
        "<think\n",
        "< ",
        "[",
        "◁",
        "<|",
        "<|channel|>",
        "<|channel|>analysis",
        "assistant",
        "<think> ",
        "</think> ",
        "<think>\n</think>\n",
        "`<think> ",
        "\"<think>",
        "(<think>) ",
    ];
    let endless = endless.map(|it| it.repeat(size));
    let mut all = Vec::new();
    for text in endless {
        for before in [
            "",
            "<think>",
            "Sure. <think>",
            "Sure. <think> tag ",
            "analysisWe ",
            "<|channel|>analysis<|message|>",
            "```\n",
        ] {
            all.push(format!("{before}{text}"));
        }
    }
    all
}

// Break it: look for a marker in all that is left of the text, at every line.
#[test]
fn twice_the_text_is_at_most_twice_the_work_in_one_piece_and_in_many() {
    for (once, twice) in provocations(200).into_iter().zip(provocations(400)) {
        for piece in [1, usize::MAX] {
            for opened in [false, true] {
                let work = |text: &str| {
                    let mut editor = inline(Keep::None, opened);
                    let mut out = String::new();
                    let mut rest = text;
                    while !rest.is_empty() {
                        let mut at = piece.min(rest.len());
                        while !rest.is_char_boundary(at) {
                            at += 1;
                        }
                        let (now, later) = rest.split_at(at);
                        editor.push(now, &mut out);
                        rest = later;
                    }
                    editor.finish(false, &mut out);
                    editor.work.0
                };
                let (one, two) = (work(&once), work(&twice));
                assert!(two as f64 <= 2.2 * one as f64 + 1024.0, "{one} {two}: {:.40}", once);
            }
        }
    }
}

// Break it: take a token that leads up to an answer for a part of it.
#[test]
fn a_section_behind_a_token_and_a_section_is_one_wherever_the_token_is_cut() {
    let text = "<|start|>assistant<think>zebra</think><think>\t</think>It is 12.";
    assert_eq!(emptied(text), "<|start|>assistant<think></think><think></think>It is 12.");
}

proptest::proptest! {
    #[test]
    fn the_result_does_not_depend_on_the_pieces(
        text in "(a|\\. |\n|<think>|</think>|<thinking>|\\[THINK\\]|\\[/THINK\\]|<|é|</th|`|```\n|<\\|channel\\|>|analysis|final|<\\|message\\|>|<\\|end\\|>|\"| is | and ){0,14}",
        opened in proptest::bool::ANY,
        told in proptest::bool::ANY,
        cut_short in proptest::bool::ANY,
        keep in proptest::sample::select(vec![Keep::None, Keep::Share(0.5), Keep::Conclusion]),
    ) {
        let run = |pieces: &[&str]| {
            let mut editor = inline(keep, opened);
            if told {
                editor.tell_apart();
            }
            run_in(editor, pieces, cut_short)
        };
        let whole = run(&[&text]);
        let characters: Vec<String> = text.chars().map(String::from).collect();
        let characters: Vec<&str> = characters.iter().map(String::as_str).collect();
        proptest::prop_assert_eq!(&run(&characters), &whole);
        for (at, _) in text.char_indices() {
            let (left, right) = text.split_at(at);
            proptest::prop_assert_eq!(&run(&[left, right]), &whole);
        }
    }
}
