//! Literals of a program that go on over the ends of lines, and over blank ones.

use super::block::{Block, End};
use super::line::Opening;
use super::reader::Reader;
use crate::secret::opaque_debug;

/// The longest name between the characters that open a literal: `$body$`, `{sql|`.
const MAX_NAME: usize = 32;

/// The literal that is open at a place of a line of code.
#[derive(Clone, Default)]
pub(super) struct Literal {
    open: Option<Open>,
    /// The last characters, without white space before others: what a literal begins with.
    tail: String,
    /// A single quotation mark has just closed one.
    closed: bool,
    /// The mark between dollars that is open for a database.
    dollar: Option<String>,
}

opaque_debug!(Literal);

#[derive(Clone)]
struct Open {
    end: End,
    /// What the text must begin with for this to be a literal.
    text: Text,
    /// A shell and a database have it whatever its text is.
    loose: bool,
}

opaque_debug!(Open);

/// What has come of the text of a literal that is easily mistaken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Text {
    /// It is a literal, or its text is not looked at.
    Any,
    /// Nothing has come.
    Empty,
    /// So many characters of a word.
    Word(u8),
    /// No text begins so.
    None,
}

impl Open {
    fn new(end: impl Into<Box<str>>) -> Self {
        Self { end: End::Text(end.into()), text: Text::Any, loose: false }
    }

    /// Only if a word of a text and a space, or the end of the line, follow.
    fn if_text(self) -> Self {
        Self { text: Text::Empty, ..self }
    }

    fn read(&mut self, character: char) {
        self.text = match (self.text, character) {
            (Text::Empty, ' ') => Text::Empty,
            // The words of one letter.
            (Text::Empty, 'A' | 'I') => Text::Word(2),
            (Text::Empty, letter) if letter.is_alphabetic() => Text::Word(1),
            (Text::Word(length), letter) if letter.is_alphabetic() => {
                Text::Word(length.saturating_add(1))
            }
            (Text::Word(length), ' ' | '\'' | '’') if length > 1 => Text::Any,
            (Text::Any, _) => Text::Any,
            // `'a list`, `x[[y, z]`.
            _ => Text::None,
        };
    }
}

impl Literal {
    /// What is open behind the beginning of a line.
    pub(super) fn behind(opening: &str) -> Self {
        let mut literal = Self::default();
        let mut previous = ' ';
        for character in opening.chars() {
            literal.character(previous, character);
            previous = character;
        }
        literal
    }

    /// A word passes.
    pub(super) fn word(&mut self, word: &str) {
        if !word.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            word.chars().for_each(|character| self.character('a', character));
            return;
        }
        // Letters and digits close nothing and open nothing; they may tell that what is open holds no text.
        if let Some(open) = &mut self.open {
            word.chars().for_each(|letter| open.read(letter));
            if open.text == Text::None && !open.loose {
                self.open = None;
            }
        } else {
            self.closed = false;
        }
        let mut rest = word;
        while !rest.is_empty() {
            self.make_room();
            let fits = rest.len().min(2 * MAX_NAME + 1 - self.tail.len());
            let (now, later) = rest.split_at_checked(fits).unwrap_or((rest, ""));
            self.tail.push_str(now);
            rest = later;
        }
    }

    /// Lets the oldest characters go, if there are many.
    fn make_room(&mut self) {
        if self.tail.len() > 2 * MAX_NAME {
            let from = (MAX_NAME..self.tail.len()).find(|at| self.tail.is_char_boundary(*at));
            self.tail.drain(..from.unwrap_or(0));
        }
    }

    /// A character passes behind another.
    pub(super) fn character(&mut self, previous: char, character: char) {
        let mark = (character == '$').then(|| dollar(&self.tail)).flatten();
        if let Some(mark) = mark {
            self.dollar = (self.dollar.as_ref() != Some(&mark)).then_some(mark);
        }
        match &mut self.open {
            Some(open) => {
                open.read(character);
                // `R"(` and `R"name(` of C++.
                if let Some(name) = (character == '(').then(|| raw_name(&self.tail)).flatten() {
                    *open = Open::new(format!("){name}\""));
                }
                let over = match &mut open.end {
                    End::Text(text) => {
                        text.ends_with(character)
                            && !(previous == '\\' && matches!(character, '"' | '`' | '\''))
                            && (text.len() == 1 || ends(&self.tail, character, text))
                    }
                    End::Nested { open, close, depth } => {
                        *depth += u32::from(character == *open);
                        *depth -= u32::from(character == *close);
                        *depth == 0
                    }
                    _ => false,
                };
                if over {
                    self.closed = character == '\'';
                    self.open = None;
                } else if open.text == Text::None && !open.loose {
                    // A quotation mark that opens no text is open until the next, another is none.
                    self.open = self.opened_by(previous, character);
                }
            }
            None => {
                self.open = self.opened_by(previous, character);
                self.closed = false;
            }
        }
        self.make_room();
        self.tail.push(character);
    }

    /// What a character opens behind what came.
    fn opened_by(&self, previous: char, character: char) -> Option<Open> {
        let tail = self.tail.as_str();
        let apart = || tail.ends_with([' ', '=', '(', ',', '[', ':']);
        match character {
            '"' if !matches!(previous, '\\' | '\'') => Some(Open::new("\"")),
            '`' => Some(Open::new("`")),
            // Elsewhere it may be an apostrophe, or what marks a lifetime or a symbol.
            '\'' if self.closed || apart() => {
                Some(Open { loose: true, ..Open::new("'").if_text() })
            }
            // `[[`, `[==[` of Lua and CMake.
            '[' => {
                let level = tail.trim_end_matches('=');
                let same = tail.get(level.len()..).unwrap_or_default();
                let open = Open::new(format!("]{same}]"));
                let opens = level.ends_with('[');
                opens
                    .then(|| if same.is_empty() { open.if_text() } else { open })
                    .or_else(|| self.bracket(character))
            }
            '|' => quoted_by_name(tail).or_else(|| self.bracket(character)),
            '(' | '{' | '<' | '/' | '!' | '~' | '#' | '^' | '@' | '+' => self.bracket(character),
            _ => None,
        }
    }

    /// `q{`, `qq(`, `%q(`, `%(` of Perl and Ruby, `q'[` of Oracle, `{` of BibTeX.
    fn bracket(&self, character: char) -> Option<Open> {
        let tail = self.tail.as_str();
        let close = match character {
            '(' => ')',
            '[' => ']',
            '{' => '}',
            '<' => '>',
            other => other,
        };
        let end = if close == character {
            End::Text(String::from(close).into())
        } else {
            End::Nested { open: character, close, depth: 1 }
        };
        let open = Open { end, text: Text::Any, loose: false };
        let behind = |name: &str| {
            let before = tail.strip_suffix(name)?;
            Some(before.is_empty() || before.ends_with([' ', '=', '(', ',', '[']))
        };
        /// `qw` and `%w` hold words.
        const QUOTES: [&str; 9] = ["q", "qq", "qw", "%q", "%Q", "%w", "%W", "%i", "%I"];
        if QUOTES.iter().any(|name| behind(name) == Some(true)) {
            return Some(open);
        }
        if ["q'", "Q'"].iter().any(|name| behind(name) == Some(true)) {
            return Some(Open::new(format!("{close}'")));
        }
        let field = character == '{' && (tail.ends_with("= ") || tail.ends_with('='));
        (behind("%") == Some(true) || field).then(|| open.if_text())
    }

    /// The block that is open where the line ends that begins so. `database` says that it or lines above are a database's.
    pub(super) fn at_end(&self, opening: &Opening, database: bool) -> Option<Block> {
        let marked = self.dollar.as_ref();
        if let Some(mark) =
            marked.filter(|mark| opening.is_statement() || database && **mark == self.tail)
        {
            return Some(Block::new(End::Text(mark.as_str().into())));
        }
        // `q:to/name/` of Raku.
        if let Some((_, name)) = self.tail.rsplit_once(":to/") {
            let name = name.split('/').next().filter(|name| is_name(name));
            if let Some(name) = name {
                return Some(Block::new(End::Word(name.into())));
            }
        }
        let open = self.open.as_ref()?;
        // `q"name` of D.
        if let Some((before, name)) = self.tail.rsplit_once('"') {
            if before.ends_with('q') && is_name(name) {
                return Some(Block::new(End::Line(format!("{name}\"").into())));
            }
        }
        let text = match open.text {
            Text::Any => true,
            // The text begins in the next line, unless the line broke off in code.
            Text::Empty => !open.loose && matches!(open.end, End::Text(_)),
            Text::Word(length) => length > 1,
            Text::None => false,
        };
        // Elsewhere a line that ends so is code, and what looked like a literal is a symbol.
        let broken = self.tail.ends_with([';', '{', '}', ',', '+', ')', '>', '=', '|', '&']);
        if !open.loose {
            return text.then(|| Block::new(open.end.clone()));
        }
        let opens = match opening.reader() {
            Reader::Program => text && !broken,
            Reader::Lisp => false,
            Reader::Shell | Reader::Database => true,
        };
        opens.then(|| Block::new(open.end.clone()))
    }
}

/// Whether a text and a character behind it end with `end`.
fn ends(tail: &str, character: char, end: &str) -> bool {
    end.strip_suffix(character).is_some_and(|before| tail.ends_with(before))
}

/// The mark between dollars that the second of them ends: `$$`, `$body$`.
fn dollar(tail: &str) -> Option<String> {
    let (before, name) = tail.rsplit_once('$')?;
    let named = name.len() <= MAX_NAME
        && name.chars().all(|letter| letter.is_alphanumeric() || letter == '_');
    let apart = before.is_empty() || before.ends_with([' ', '(', ',']);
    (named && apart).then(|| format!("${name}$"))
}

/// `{|`, `{sql|` of OCaml.
fn quoted_by_name(tail: &str) -> Option<Open> {
    let (before, name) = tail.rsplit_once('{')?;
    let named = name.chars().all(|letter| letter.is_ascii_lowercase() || letter == '_');
    let apart = before.is_empty() || before.ends_with([' ', '=', '(']);
    (named && apart).then(|| Open::new(format!("|{name}}}")).if_text())
}

/// The name behind the quotation mark of a raw literal of C++, which may be empty.
fn raw_name(tail: &str) -> Option<&str> {
    let (before, name) = tail.rsplit_once('"')?;
    (before.ends_with('R') && (name.is_empty() || is_name(name))).then_some(name)
}

fn is_name(text: &str) -> bool {
    let named = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    !text.is_empty() && text.len() <= MAX_NAME && text.chars().all(named)
}
