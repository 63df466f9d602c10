//! Literals of a program that go on over the ends of lines, and over blank ones.

use super::block::{Block, End};

/// The literal that is open at a place of a line of code.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Literal {
    quote: Option<char>,
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

    /// A character passes behind another.
    pub(super) fn character(&mut self, previous: char, character: char) {
        let opens = match character {
            '"' => !matches!(previous, '\\' | '\''),
            '`' => true,
            // Elsewhere it may be an apostrophe, or what marks a lifetime or a symbol.
            '\'' => matches!(previous, ' ' | '=' | '('),
            _ => return,
        };
        match self.quote {
            Some(quote) if quote == character && previous != '\\' => self.quote = None,
            None if opens => self.quote = Some(character),
            _ => {}
        }
    }

    /// The block that is open where the line ends. `shell` says that a shell reads it, where single
    /// quotation marks hold as double ones do.
    pub(super) fn at_end(self, shell: bool, before: char, previous: char) -> Option<Block> {
        let end = match self.quote {
            Some(quote) if quote != '\'' || shell => String::from(quote),
            None if (before, previous) == ('[', '[') => "]]".to_owned(),
            _ => return None,
        };
        Some(Block::new(End::Text(end.into())))
    }
}
