//! How models word their reasoning inside of their text: the table.
//!
//! A server without a reasoning parser sends what its model wrote, markup included. Each family of
//! models has its own, and here is all that is known of it. Code that looks for reasoning reads this
//! table and knows no dialect by name.

/// One way of setting reasoning apart.
#[derive(Debug)]
pub(super) struct Dialect {
    /// The name in audit records and on the status page.
    pub(super) name: &'static str,
    /// What begins a section.
    pub(super) openings: &'static [Marker<'static>],
    /// What ends one.
    pub(super) closings: &'static [Marker<'static>],
    /// What ends one and begins something else, so that it is not part of the section's end.
    pub(super) followers: &'static [Marker<'static>],
    /// Whether a section may stand inside of another.
    pub(super) nests: bool,
    /// Whether its markers are tokens that no prose has. Once a model has spoken the dialect at its
    /// beginning, they mean a section wherever they stand.
    pub(super) special: bool,
    /// What ends a section that the chat template has begun.
    pub(super) template: Template,
    /// Where a section may begin.
    pub(super) stands: Place,
}

impl Dialect {
    /// What ends a section that was opened by this one of its openings: the marker that belongs to it, where each has one.
    pub(super) fn ends_of(&self, opening: usize) -> impl Iterator<Item = &Marker<'static>> {
        let each = self.closings.len() == self.openings.len();
        let own = move |at: &usize| !each || *at == opening;
        let closings = self.closings.iter().enumerate().filter(move |(at, _)| own(at));
        closings.map(|(_, marker)| marker).chain(self.followers)
    }
}

/// What ends a section that the chat template has begun.
#[derive(Clone, Copy, Debug)]
pub(super) enum Template {
    /// Whatever ends any other.
    Same,
    /// These alone: the others also end answers, or are an answer's words.
    Only(&'static [Marker<'static>]),
}

/// A place in a text: what may stand at one may stand at those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Place {
    /// Before any word of an answer, where a model's own reasoning comes.
    Beginning,
    /// Behind words that only lead up to reasoning, and wherever the text has shown that its model
    /// reasons in it.
    Reasoned,
    /// Behind an answer that began without reasoning.
    Answered,
}

/// One marker.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Marker<'n> {
    /// `<name>` in any letter case, with space and attributes inside of the brackets.
    Tag(&'n str),
    /// `</name>`, likewise.
    EndTag(&'n str),
    /// Byte for byte.
    Token(&'n str),
    /// A name in brackets, byte for byte.
    Named(&'static str, &'n str, &'static str),
    /// Harmony's header of a channel that is not the answer, up to its message.
    Header,
    /// What is left of such a header without its special tokens: a word at the very beginning with
    /// the message grown to it.
    Word(&'n str),
    /// Words at the very beginning that could be an answer's, too: only a closing tells.
    Phrase(&'n str),
    /// A tag that begins so, with more attributes behind it.
    Element(&'n str),
}

opaque_debug!(Marker<'_>);

use crate::secret::opaque_debug;
use Marker::{Element, EndTag, Header, Phrase, Tag, Token, Word};

const NONE: Dialect = Dialect {
    name: "",
    openings: &[],
    closings: &[],
    followers: &[],
    nests: false,
    special: false,
    template: Template::Same,
    stands: Place::Reasoned,
};

/// Words of the answer's own around a section: only both together tell.
const PLAIN: Dialect = Dialect { template: Template::Only(&[]), stands: Place::Beginning, ..NONE };

/// Two tokens around a section. No prose has them, and some models think again behind an answer.
const fn tokens(
    name: &'static str,
    openings: &'static [Marker<'static>],
    closings: &'static [Marker<'static>],
) -> Dialect {
    Dialect { name, openings, closings, special: true, stands: Place::Answered, ..NONE }
}

/// The dialects in use.
pub(super) static DIALECTS: [Dialect; 20] = [
    // DeepSeek, Qwen, GLM, MiniMax, Magistral and most others; models take the words for one another.
    Dialect {
        name: "think",
        openings: &[
            Tag("think"),
            Tag("thinking"),
            Tag("thought"),
            Tag("thoughts"),
            Tag("reasoning"),
            Tag("seed:think"),
            Tag("longcat_think"),
            Tag("mm:think"),
            Tag("think_fast"),
            Tag("think_faster"),
        ],
        closings: &[
            EndTag("think"),
            EndTag("thinking"),
            EndTag("thought"),
            EndTag("thoughts"),
            EndTag("reasoning"),
            EndTag("seed:think"),
            EndTag("longcat_think"),
            EndTag("mm:think"),
            EndTag("think_fast"),
            EndTag("think_faster"),
        ],
        nests: true,
        ..NONE
    },
    // A line of a log reads like it.
    Dialect {
        stands: Place::Reasoned,
        ..tokens("mistral", &[Token("[THINK]")], &[Token("[/THINK]")])
    },
    tokens("kimi", &[Token("◁think▷")], &[Token("◁/think▷")]),
    tokens("cohere", &[Token("<|START_THINKING|>")], &[Token("<|END_THINKING|>")]),
    tokens(
        "openthinker",
        &[
            Token("<|begin_of_thought|>"),
            Token("<|begin_of_think|>"),
            Token("<｜begin▁of▁think｜>"),
        ],
        &[Token("<|end_of_thought|>"), Token("<|end_of_think|>"), Token("<｜end▁of▁think｜>")],
    ),
    tokens("plamo", &[Token("<|plamo:begin_think:plamo|>")], &[Token("<|plamo:end_think:plamo|>")]),
    tokens("s1", &[Token("<|im_start|>think")], &[Token("<|im_start|>answer")]),
    Dialect {
        name: "hyperclova",
        openings: &[Phrase("/think\n")],
        closings: &[Token("<|im_end|>")],
        template: Template::Only(&[
            Token("<|im_end|>\n<|im_start|>assistant"),
            Token("<|im_end|><|im_start|>assistant"),
        ]),
        ..PLAIN
    },
    Dialect {
        name: "rstar",
        openings: &[Phrase("<reason>")],
        closings: &[Token("</reason>")],
        ..PLAIN
    },
    Dialect {
        name: "apriel",
        openings: &[Phrase("Here are my reasoning steps:")],
        closings: &[Token("[BEGIN FINAL RESPONSE]")],
        template: Template::Same,
        ..PLAIN
    },
    Dialect {
        name: "open_webui",
        openings: &[Element("<details type=\"reasoning\"")],
        closings: &[Token("</details>")],
        nests: true,
        stands: Place::Reasoned,
        ..PLAIN
    },
    tokens("apertus", &[Token("<|inner_prefix|>")], &[Token("<|inner_suffix|>")]),
    tokens("gemma", &[Token("<|channel>thought")], &[Token("<channel|>")]),
    tokens("medgemma", &[Token("<unused94>thought")], &[Token("<unused95>")]),
    tokens(
        "solar",
        &[Token("<|think|>")],
        &[Token("<|/think|>"), Token("<|end|>"), Token("<|content|>")],
    ),
    // gpt-oss, whose texts begin with a token whatever they say.
    Dialect {
        stands: Place::Reasoned,
        followers: &[Token("<|start|>"), Token("<|channel|>")],
        ..tokens("harmony", &[Header], &[Token("<|end|>"), Token("<|return|>"), Token("<|call|>")])
    },
    // The same where the prompt has the beginning of the header. What ends the answer is no end.
    Dialect {
        name: "harmony_prompted",
        openings: &[
            Phrase("analysis<|message|>"),
            Phrase("commentary<|message|>"),
            Phrase("<|message|>"),
        ],
        closings: &[Token("<|end|>")],
        followers: &[Token("<|start|>"), Token("<|channel|>")],
        ..PLAIN
    },
    // gpt-oss behind a server that leaves special tokens out.
    tokens(
        "harmony_text",
        &[
            Word("analysis"),
            Word("commentary"),
            Token("assistantanalysis"),
            Token("assistantcommentary"),
            Token("assistant analysis"),
            Token("assistant commentary"),
        ],
        &[Token("assistantfinal"), Token("assistant final")],
    ),
    Dialect {
        special: false,
        stands: Place::Beginning,
        ..tokens(
            "granite",
            &[
                Phrase("Here is my thought process:"),
                Phrase("Here's my thought process:"),
                Phrase("**Here is my thought process:**"),
            ],
            &[
                Token("Here is my response:"),
                Token("Here's my response:"),
                Token("**Here is my response:**"),
            ],
        )
    },
    // What is worded like one of these; its markers are derived, see `derived`.
    Dialect { name: DERIVED, nests: true, ..NONE },
];

/// The name of the row for what is in no other.
const DERIVED: &str = "derived";

/// That row.
pub(super) fn derived() -> Option<&'static Dialect> {
    DIALECTS.iter().find(|it| it.name == DERIVED)
}

/// What models put before their first word without meaning a word by it.
pub(super) const NEUTRAL: [&str; 6] = [
    "<|start|>assistant",
    "<|im_start|>assistant",
    "<|begin|>assistant",
    "<|START_RESPONSE|>",
    "<s>",
    "\u{feff}",
];

/// A set of dialects.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dialects(u32);

impl Dialects {
    /// All there are.
    #[must_use]
    pub fn all() -> Self {
        Self((1 << DIALECTS.len()) - 1)
    }

    /// Adds one.
    pub(super) fn insert(&mut self, dialect: &'static Dialect) {
        let place = DIALECTS.iter().position(|known| std::ptr::eq(known, dialect));
        self.0 |= place.map_or(0, |place| 1 << place);
    }

    /// Both together.
    #[must_use]
    pub fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Their names, which are all of this table.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        let held = move |place: &usize| self.0 >> place & 1 == 1;
        DIALECTS.iter().enumerate().filter(move |(place, _)| held(place)).map(|(_, it)| it.name)
    }

    /// The dialect of this name, if there is one.
    #[must_use]
    pub fn named(name: &str) -> Self {
        let place = DIALECTS.iter().position(|known| known.name == name);
        Self(place.map_or(0, |place| 1 << place))
    }

    /// Whether none is held.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self == Self::default()
    }
}
