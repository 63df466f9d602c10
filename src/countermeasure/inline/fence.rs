//! Blocks of fenced code in reasoning.

/// What is known of the fences of a text up to here. Unlike [`Lines`](super::lines::Lines) it looks
/// at the beginnings of lines only: reasoning is long, and nothing else of it matters.
#[derive(Debug, Default)]
pub(super) struct Fences {
    /// What the open block's fence is made of, and how long it is.
    open: Option<(u8, usize)>,
    line: Line,
}

#[derive(Clone, Copy, Debug, Default)]
enum Line {
    /// Nothing but white space and marks of quotes and lists.
    #[default]
    Blank,
    /// Backticks or tildes at its beginning.
    Run(u8, usize),
    /// A run that closes the open block if nothing more stands on the line.
    Closing,
    Text,
}

impl Fences {
    pub(super) fn see(&mut self, text: &str) {
        let mut rest = text.as_bytes();
        while let Some((&byte, more)) = rest.split_first() {
            if matches!(self.line, Line::Text) {
                let Some(end) = memchr::memchr(b'\n', rest) else { return };
                rest = rest.get(end + 1..).unwrap_or_default();
                self.line = Line::Blank;
                continue;
            }
            self.step(byte);
            rest = more;
        }
    }

    fn step(&mut self, byte: u8) {
        self.line = match (self.line, byte) {
            (Line::Blank, b'`' | b'~') => Line::Run(byte, 1),
            (Line::Run(mark, length), byte) if mark == byte => Line::Run(mark, length + 1),
            (Line::Run(mark, length), byte) => {
                self.line = self.after_run(mark, length);
                return self.step(byte);
            }
            (Line::Closing, b'\n') => {
                self.open = None;
                Line::Blank
            }
            (_, b'\n') => Line::Blank,
            (line @ (Line::Blank | Line::Closing), b' ' | b'\t' | b'\r') => line,
            (Line::Blank, b'>' | b'-' | b'*' | b'+' | b'.' | b')' | b'0'..=b'9') => Line::Blank,
            _ => Line::Text,
        };
    }

    /// What a line is behind such a run, which may open a block.
    fn after_run(&mut self, mark: u8, length: usize) -> Line {
        match self.open {
            Some((open, least)) if mark == open && length >= least => Line::Closing,
            None if length >= 3 => {
                self.open = Some((mark, length));
                Line::Text
            }
            _ => Line::Text,
        }
    }

    /// Whether what follows stands in a block of code.
    pub(super) fn inside(&self) -> bool {
        match self.line {
            Line::Run(_, length) if length >= 3 => self.open.is_none(),
            Line::Closing => false,
            _ => self.open.is_some(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_is_open_from_its_fence_to_one_like_it_in_one_piece_and_in_many() {
        for (text, inside) in [
            ("a\n```\nb", true),
            ("a\n```rust\nb\n```\nc", false),
            ("a\n```\n~~~\nb", true),
            ("````\n```\nb", true),
            ("````\n```\n````\nb", false),
            ("1. ```\n   b", true),
            ("> ~~~\n> b\n> ~~~\n", false),
            ("```\nb\n``` c\n", true),
            ("a ``` b\n", false),
            ("a\n``b``\n", false),
        ] {
            let mut whole = Fences::default();
            whole.see(text);
            assert_eq!(whole.inside(), inside, "{text}");
            let mut pieces = Fences::default();
            for character in text.chars() {
                pieces.see(character.encode_utf8(&mut [0; 4]));
            }
            assert_eq!(pieces.inside(), inside, "{text}");
        }
    }
}
