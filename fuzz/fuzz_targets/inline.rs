//! Reasoning in an answer's own text: whatever a text is, what is let out of it does not depend on its pieces, is
//! no more than the text, and nothing stays held; a text without any marker goes out as it is.
#![no_main]

use guilloche::countermeasure::Editor;
use guilloche::countermeasure::inline::{Inline, Setting, Unclosed, has_marker, lead_in, unopened};
use guilloche::policy::plan::Keep;
use libfuzzer_sys::fuzz_target;

/// Words that chance would not find, each behind a byte of its own.
const WORDS: [&str; 24] = [
    "<think>",
    "</think>",
    "<thinking>",
    "</thinking>",
    "[THINK]",
    "[/THINK]",
    "<|channel|>",
    "analysis",
    "final",
    "<|message|>",
    "<|end|>",
    "<|start|>assistant",
    "assistantfinal",
    "```\n",
    "Here is my thought process:",
    "Here is my response:",
    "<x_think>",
    "</x_think>",
    "◁think▷",
    "◁/think▷",
    "<|im_start|>",
    "<details>",
    "It is 12. ",
    "and ",
];

fn text(data: &[u8]) -> String {
    let mut text = String::new();
    for piece in data.split_inclusive(|byte| *byte < 24) {
        let (rest, word) = match piece.split_last() {
            Some((last, rest)) if *last < 24 && !matches!(last, 9 | 10 | 13) => {
                (rest, WORDS[usize::from(*last)])
            }
            _ => (piece, ""),
        };
        text.push_str(&String::from_utf8_lossy(rest));
        text.push_str(word);
    }
    // What is held is bounded, and what happens at the bound depends on what was there by then.
    text.truncate(text.floor_char_boundary(48 << 10));
    text
}

/// What goes out of a text that comes in pieces of about so many bytes.
fn let_out(setting: &Setting, text: &str, size: usize, cut_short: bool, apart: bool) -> String {
    let mut editor = Inline::new(setting.clone());
    if apart {
        editor.tell_apart();
    }
    let (mut out, mut rest) = (String::new(), text);
    while !rest.is_empty() {
        let at = rest.floor_char_boundary(size);
        let at = if at == 0 { rest.chars().next().map_or(0, char::len_utf8) } else { at };
        let (piece, behind) = rest.split_at(at);
        let mut now = String::new();
        editor.push(piece, &mut now);
        for span in editor.markers() {
            assert!(now.get(span.clone()).is_some(), "{span:?} of {now:?}");
        }
        out.push_str(&now);
        rest = behind;
    }
    editor.finish(cut_short, &mut out);
    out
}

fuzz_target!(|data: &[u8]| {
    let Some((&[how, size], data)) = data.split_first_chunk() else { return };
    let text = text(data);
    let keep = [Keep::None, Keep::Share(0.5), Keep::Conclusion][usize::from(how) % 3];
    let setting = Setting {
        keep: keep.into(),
        opened: how & 4 != 0,
        continued: how & 8 != 0,
        reasoned: how & 16 != 0,
        unclosed: if how & 32 != 0 { Unclosed::Reasoning } else { Unclosed::Answer },
    };
    let (cut_short, apart) = (how & 64 != 0, how & 128 != 0);
    let whole = let_out(&setting, &text, usize::MAX, cut_short, apart);
    assert_eq!(
        let_out(&setting, &text, usize::from(size % 40), cut_short, apart),
        whole,
        "{text:?}"
    );
    // Nothing but what came, in its order.
    let mut came = text.chars();
    assert!(whole.chars().all(|it| came.any(|other| other == it)), "{whole:?} of {text:?}");
    let plain = Setting { opened: false, continued: false, unclosed: Unclosed::Answer, ..setting };
    if !has_marker(&text)
        && !text.contains(['<', '[', '|', '◁', ':', '/', '*'])
        && !text.contains("analysis")
    {
        assert_eq!(let_out(&plain, &text, 7, cut_short, apart), text);
    }
    let _ = unopened(&text);
    let _ = lead_in(&text);
});
