//! Words that lead up to reasoning.
//!
//! A model's own reasoning opens its answer. Some say a word before it, and some are told to: what
//! stands behind such words is held to be reasoning all the same.
use crate::secret::opaque_debug;

/// Words of such a beginning, and of no answer's.
const WORDS: [&str; 93] = [
    "about",
    "absolutely",
    "alright",
    "and",
    "by",
    "can",
    "carefully",
    "certainly",
    "course",
    "first",
    "good",
    "great",
    "hm",
    "hmm",
    "i",
    "i'll",
    "it",
    "let",
    "let's",
    "me",
    "need",
    "now",
    "of",
    "ok",
    "okay",
    "out",
    "problem",
    "question",
    "reason",
    "reasoning",
    "right",
    "see",
    "so",
    "start",
    "step",
    "sure",
    "the",
    "then",
    "think",
    "thinking",
    "this",
    "thoroughly",
    "through",
    "to",
    "us",
    "we",
    "well",
    "will",
    "work",
    "yes",
    "also",
    "gut",
    "klar",
    "lass",
    "mich",
    "nachdenken",
    "natürlich",
    "überlegen",
    "bien",
    "d'accord",
    "sûr",
    "voyons",
    "bueno",
    "claro",
    "vale",
    "veamos",
    "хорошо",
    "итак",
    "好",
    "好的",
    "嗯",
    "让我想想",
    "ai",
    "analysis",
    "answer",
    "assistant",
    "bot",
    "chain",
    "deep",
    "final",
    "here",
    "here's",
    "internal",
    "is",
    "model",
    "monologue",
    "my",
    "process",
    "reply",
    "response",
    "scratchpad",
    "thought",
    "thoughts",
];

/// Labels of what an answer shows, where any other word with a colon says who speaks or what comes.
const SHOWS: [&str; 40] = [
    "beispiel",
    "code",
    "correct",
    "ejemplo",
    "esempio",
    "example",
    "examples",
    "exemple",
    "exemplo",
    "fix",
    "format",
    "formato",
    "header",
    "hint",
    "html",
    "input",
    "markup",
    "note",
    "notes",
    "output",
    "pattern",
    "prompt",
    "request",
    "sample",
    "schema",
    "snippet",
    "structure",
    "style",
    "syntax",
    "system",
    "tag",
    "tags",
    "template",
    "tip",
    "usage",
    "warning",
    "wrong",
    "xml",
    "пример",
    "формат",
];

/// Labels in scripts without letter case, whose words are not told from sentences.
const CASELESS: [&str; 12] = [
    "助手",
    "回答",
    "思维链",
    "思考",
    "思考过程",
    "推理",
    "推理过程",
    "答",
    "アシスタント",
    "답변",
    "생각",
    "추론",
];

/// The longest label, in bytes.
const LABEL: usize = 32;

/// What else stands in a sentence.
const SAID: &str = "',.;:!?…–—，。；：！？、";

/// Whether a character is no word, nor a sign between words.
pub(super) fn says_nothing(character: char) -> bool {
    character.is_whitespace()
        || character.is_control()
        || matches!(
            character,
            '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
                | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{fffd}'
        )
}

/// The longest beginning of this kind, in bytes.
const LONGEST: usize = 96;

/// What is known of a text's beginning.
#[derive(Clone)]
pub(super) struct Lead {
    /// Up to here, as long as it may be one.
    text: Option<String>,
}

opaque_debug!(Lead);

/// How a text leads up to what follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Leads {
    No,
    /// A word of any kind stands alone before it, which a sentence may go on from.
    Word,
    Yes,
}

impl Default for Lead {
    fn default() -> Self {
        Self { text: Some(String::new()) }
    }
}

impl Lead {
    /// Behind anything else.
    pub(super) fn none() -> Self {
        Self { text: None }
    }

    pub(super) fn see(&mut self, character: char) {
        self.see_all(character.encode_utf8(&mut [0; 4]));
    }

    pub(super) fn see_all(&mut self, seen: &str) {
        self.text = self.text.take().filter(|text| text.len() + seen.len() <= LONGEST);
        if let Some(text) = &mut self.text {
            text.push_str(seen);
        }
    }

    pub(super) fn leads(&self) -> Leads {
        let Some(text) = &self.text else { return Leads::No };
        let text = text.replace('’', "'").replace(['*', '#', '_', '>'], " ").to_lowercase();
        let text = text.trim();
        if is_label(text) {
            return Leads::Yes;
        }
        let said = |it: char| {
            it.is_alphabetic()
                || it.is_whitespace()
                || SAID.contains(it)
                || !it.is_ascii() && !it.is_numeric()
        };
        if !text.chars().all(said) {
            return Leads::No;
        }
        let mut words = text.split(|it: char| !it.is_alphabetic() && it != '\'');
        if words.clone().any(|word| !word.is_empty())
            && words.all(|word| word.is_empty() || WORDS.contains(&word))
        {
            return Leads::Yes;
        }
        let word = text.trim_end_matches(['.', '!', '?', '…', '。', '！', '？']);
        // A picture says no more than a word.
        let alone = word.chars().all(char::is_alphabetic) || !word.contains(char::is_alphanumeric);
        if alone && !text.is_empty() { Leads::Word } else { Leads::No }
    }
}

/// Whether a text says who speaks, or what comes: one word and a colon.
fn is_label(text: &str) -> bool {
    let Some(label) = text.strip_suffix([':', '：']) else { return false };
    let label = label.trim_end();
    let label = label.strip_prefix('[').and_then(|it| it.strip_suffix(']')).unwrap_or(label);
    if CASELESS.contains(&label) {
        return true;
    }
    let of_name = |it: char| it.is_lowercase() || it.is_numeric() || "-.'".contains(it);
    label.len() <= LABEL
        && label.starts_with(char::is_lowercase)
        && label.chars().all(of_name)
        && !SHOWS.contains(&label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_words_lead_up_to_reasoning_and_an_answer_does_not() {
        let leads = |text: &str| {
            let mut lead = Lead::default();
            text.chars().for_each(|it| lead.see(it));
            lead.leads()
        };
        for text in [
            "Sure!",
            "Okay, let me think about this step by step:\n",
            "好的，",
            "Let’s see ",
            "Assistant: ",
            "AI:",
            "[Bot]: ",
            "DeepSeek-R1: ",
            "**Thinking:**\n",
            "**Thinking**:\n",
            "### Response:\n",
            "## Thought process\n\n",
            "> _Here is my reasoning:_\n> ",
            "Réflexion : ",
            "Ответ:\n",
            "思考过程：\n",
        ] {
            assert_eq!(leads(text), Leads::Yes, "{text}");
        }
        for text in ["Banana", "Банан.\n", "الوسم ", "🤔 ", "…"] {
            assert_eq!(leads(text), Leads::Word, "{text}");
        }
        for text in [
            "",
            "Example:\n",
            "**Format:**\n",
            "# Response format:\n",
            "{\"a\":",
            "12:",
            "The format is as follows:\n\n",
            "格式如下：\n\n",
            "Das Tag ",
            "<root>\n",
            "151667 ",
            "- ",
            "{\"thinking\": \"",
            "Sure! Here is the format:\n",
        ] {
            assert_eq!(leads(text), Leads::No, "{text}");
        }
        assert_eq!(leads(&"so ".repeat(40)), Leads::No);
    }
}
