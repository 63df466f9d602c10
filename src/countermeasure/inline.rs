//! Reasoning that stands in the answer's own text, between tags.
//!
//! Servers that run a model without a reasoning parser send `<think>…</think>` in the content,
//! split over events at any character. Some chat templates open the tag in the prompt, so that the
//! text starts inside the reasoning and only the closing tag appears. The tags stay, since clients
//! look for them; what stands between them goes through an editor of its own.

use super::Editor;
use super::reasoning::HOLD_LIMIT;
use crate::policy::plan::Keep;

/// Opening and closing tags of the models in use: DeepSeek, Qwen and most others; variants of the
/// word; Mistral; Seed; the analysis channel of gpt-oss.
const TAGS: [(&str, &str); 7] = [
    ("<think>", "</think>"),
    ("<thinking>", "</thinking>"),
    ("<thought>", "</thought>"),
    ("<reasoning>", "</reasoning>"),
    ("[THINK]", "[/THINK]"),
    ("<seed:think>", "</seed:think>"),
    ("<|channel|>analysis<|message|>", "<|end|>"),
];

/// Edits the reasoning sections of an answer lane and leaves the rest alone.
#[derive(Debug)]
pub struct Inline {
    keep: Keep,
    section: Section,
    /// Text that may turn out to be the beginning of a tag.
    undecided: String,
    removed: u64,
    unopened: u64,
}

#[derive(Debug)]
enum Section {
    /// The answer; a tag opens a section only where a line starts.
    Answer { line_start: bool },
    /// A reasoning section that a tag opened, up to that tag's counterpart.
    Tagged { close: &'static str, editor: Box<dyn Editor> },
    /// A section that the chat template opened.
    Template(Template),
}

/// What a section that the chat template opened is taken for if nothing closes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unclosed {
    /// An answer: the model did not reason.
    Answer,
    /// Reasoning: the client may have kept the model from closing it.
    Reasoning,
}

/// Until it is closed, a section that the template opened may turn out to be an answer after all
/// (the model did not reason), so its text is held beside what the editor makes of it.
#[derive(Debug)]
struct Template {
    editor: Box<dyn Editor>,
    /// The text so far; `None` if it counts as reasoning, as it does once it is too long to hold.
    text: Option<String>,
    /// How much of it the editor let through: a prefix.
    left: usize,
}

impl Inline {
    /// An editor for an answer lane; `opened` if the model's template opens the first section, and
    /// what becomes of it if it is not closed.
    #[must_use]
    pub fn new(keep: Keep, opened: Option<Unclosed>) -> Self {
        let section = match opened {
            Some(unclosed) => Section::Template(Template {
                editor: super::reasoning::editor(keep),
                text: (unclosed == Unclosed::Answer).then(String::new),
                left: 0,
            }),
            None => Section::Answer { line_start: true },
        };
        Self { keep, section, undecided: String::new(), removed: 0, unopened: 0 }
    }

    /// Takes text of the answer; gives back what follows an opening tag.
    fn answer<'t>(&mut self, mut text: &'t str, out: &mut String) -> &'t str {
        let Section::Answer { line_start } = &mut self.section else { return text };
        loop {
            if *line_start {
                let tag = text.trim_start();
                out.push_str(text.strip_suffix(tag).unwrap_or_default());
                text = tag;
                if let Some((open, close)) =
                    TAGS.into_iter().find(|(open, _)| text.starts_with(open))
                {
                    out.push_str(open);
                    let editor = super::reasoning::editor(self.keep);
                    self.section = Section::Tagged { close, editor };
                    return text.strip_prefix(open).unwrap_or_default();
                }
                if TAGS.iter().any(|(open, _)| open.starts_with(text)) {
                    self.undecided.push_str(text);
                    return "";
                }
                *line_start = false;
            }
            let (line, rest) = match text.split_once('\n') {
                Some((line, rest)) => (line, Some(rest)),
                None => (text, None),
            };
            // Each byte is searched once, however many lines there are.
            self.unopened += u64::from(line.contains("</think>"));
            out.push_str(line);
            let Some(rest) = rest else { return "" };
            out.push('\n');
            (text, *line_start) = (rest, true);
        }
    }

    /// Takes text of a reasoning section; gives back what follows the closing tag.
    fn reasoning<'t>(&mut self, text: &'t str, out: &mut String) -> &'t str {
        let found = match &self.section {
            Section::Answer { .. } => return text,
            Section::Tagged { close, .. } => find(text, &[*close]),
            Section::Template(_) => find(text, &TAGS.map(|(_, close)| close)),
        };
        match found {
            Found::Tag { at, tag } => {
                let (reasoning, rest) = text.split_at_checked(at).unwrap_or((text, ""));
                self.push_reasoning(reasoning, out);
                self.close(false, out);
                out.push_str(tag);
                self.section = Section::Answer { line_start: true };
                rest.strip_prefix(tag).unwrap_or_default()
            }
            Found::Perhaps { at } => {
                let (reasoning, rest) = text.split_at_checked(at).unwrap_or((text, ""));
                self.push_reasoning(reasoning, out);
                self.undecided.push_str(rest);
                ""
            }
        }
    }

    fn push_reasoning(&mut self, text: &str, out: &mut String) {
        match &mut self.section {
            Section::Answer { .. } => out.push_str(text),
            Section::Tagged { editor, .. } => editor.push(text, out),
            Section::Template(Template { editor, text: held, left }) => {
                let before = out.len();
                editor.push(text, out);
                *left += out.len() - before;
                if let Some(all) = held {
                    all.push_str(text);
                    if all.len() > HOLD_LIMIT {
                        *held = None;
                    }
                }
            }
        }
    }

    fn close(&mut self, cut_short: bool, out: &mut String) {
        if let Section::Tagged { editor, .. } | Section::Template(Template { editor, .. }) =
            &mut self.section
        {
            editor.finish(cut_short, out);
            self.removed += editor.words_removed();
        }
    }
}

impl Editor for Inline {
    fn push(&mut self, text: &str, out: &mut String) {
        let joined;
        let mut text = text;
        if !self.undecided.is_empty() {
            joined = std::mem::take(&mut self.undecided) + text;
            text = &joined;
        }
        while !text.is_empty() {
            text = match self.section {
                Section::Answer { .. } => self.answer(text, out),
                Section::Tagged { .. } | Section::Template(_) => self.reasoning(text, out),
            };
        }
    }

    fn push_opaque(&mut self, text: &str, out: &mut String) -> bool {
        let before = out.len();
        let held = self.undecided.clone();
        self.push(text, out);
        let answer = matches!(self.section, Section::Answer { .. }) && self.undecided.is_empty();
        let pushed = out.get(before..).and_then(|pushed| pushed.strip_prefix(&held));
        let unchanged = answer && pushed == Some(text);
        if unchanged {
            // All answer: the piece itself can go out behind what was held.
            out.truncate(before + held.len());
        }
        unchanged
    }

    fn finish(&mut self, cut_short: bool, out: &mut String) {
        let undecided = std::mem::take(&mut self.undecided);
        self.push_reasoning(&undecided, out);
        if let Section::Template(Template { text: Some(text), left, .. }) = &self.section {
            if !cut_short {
                // Nothing closed the section: it was the answer.
                out.push_str(text.get(*left..).unwrap_or_default());
                self.section = Section::Answer { line_start: false };
                return;
            }
        }
        // A section that its tag did not close was cut short, whatever the reason for the end.
        self.close(true, out);
        self.section = Section::Answer { line_start: false };
    }

    fn holds(&self) -> bool {
        !self.undecided.is_empty() || !matches!(self.section, Section::Answer { .. })
    }

    fn words_removed(&self) -> u64 {
        self.removed
    }

    fn unopened_reasoning(&self) -> u64 {
        self.unopened
    }
}

enum Found {
    Tag {
        at: usize,
        tag: &'static str,
    },
    /// No tag, but from here on one may be beginning.
    Perhaps {
        at: usize,
    },
}

/// The first of `tags` in `text`.
fn find(text: &str, tags: &[&'static str]) -> Found {
    let whole = tags.iter().filter_map(|tag| text.find(tag).map(|at| (at, *tag))).min();
    if let Some((at, tag)) = whole {
        return Found::Tag { at, tag };
    }
    let longest = tags.iter().map(|tag| tag.len()).max().unwrap_or_default();
    let from = text.len().saturating_sub(longest);
    let begins = |at: &usize| {
        text.get(*at..).is_some_and(|rest| tags.iter().any(|tag| tag.starts_with(rest)))
    };
    Found::Perhaps { at: (from..text.len()).find(begins).unwrap_or(text.len()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(keep: Keep, opened: bool, pieces: &[&str], cut_short: bool) -> String {
        let mut editor = Inline::new(keep, opened.then_some(Unclosed::Answer));
        let mut out = String::new();
        pieces.iter().for_each(|piece| editor.push(piece, &mut out));
        editor.finish(cut_short, &mut out);
        out
    }

    #[test]
    fn every_tag_pair_is_emptied_and_stays() {
        for (open, close) in TAGS {
            let text = format!("\n{open}secret. steps{close}\n\nThe answer <think> is 4.");
            assert_eq!(
                run(Keep::None, false, &[&text], false),
                format!("\n{open}{close}\n\nThe answer <think> is 4.")
            );
        }
    }

    #[test]
    fn a_section_that_the_template_opened_is_withheld_up_to_its_closing_tag() {
        assert_eq!(run(Keep::None, true, &["secret</think>\n\n4"], false), "</think>\n\n4");
        assert_eq!(run(Keep::Conclusion, true, &["A. Two.</think>4"], false), "Two.</think>4");
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
    fn reasoning_that_a_length_limit_cut_short_is_not_taken_for_an_answer() {
        assert_eq!(run(Keep::None, true, &["secret ste"], true), "");
        assert_eq!(run(Keep::None, false, &["<think>secret ste"], true), "<think>");
        assert_eq!(run(Keep::Conclusion, false, &["<think>Secret. Ste"], false), "<think>");
    }

    #[test]
    fn a_section_that_ends_without_having_begun_is_counted() {
        let mut editor = Inline::new(Keep::None, None);
        editor.push("leaked</think>4", &mut String::new());
        assert_eq!(editor.unopened_reasoning(), 1);
    }

    proptest::proptest! {
        #[test]
        fn the_result_does_not_depend_on_the_pieces(
            text in "(a|\\. |\n|<think>|</think>|<thinking>|\\[THINK\\]|\\[/THINK\\]|<|é|</th){0,12}",
            opened in proptest::bool::ANY,
            cut_short in proptest::bool::ANY,
            keep in proptest::sample::select(vec![Keep::None, Keep::Share(0.5), Keep::Conclusion]),
        ) {
            let whole = run(keep, opened, &[&text], cut_short);
            let mut buffer = [0; 4];
            let mut editor = Inline::new(keep, opened.then_some(Unclosed::Answer));
            let mut out = String::new();
            text.chars().for_each(|character| editor.push(character.encode_utf8(&mut buffer), &mut out));
            editor.finish(cut_short, &mut out);
            proptest::prop_assert_eq!(&out, &whole);
            for (at, _) in text.char_indices() {
                let (left, right) = text.split_at(at);
                proptest::prop_assert_eq!(&run(keep, opened, &[left, right], cut_short), &whole);
            }
        }
    }
}
