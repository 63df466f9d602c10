//! One space for each run of blanks between words.
//!
//! Code, indentation and what stands between backticks keep their blanks. A tab is one only where
//! most words of a long line are apart by tabs: elsewhere it separates the columns of a table.

use super::Changed;
use super::lines::{Kind, Line, Lines, has_rare_characters, is_structured};

/// Gaps between words from which on a line of tabs is prose.
const TABBED: usize = 8;

/// The text with single spaces; `None` if it has them.
pub(super) fn single(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    let foreign =
        !text.is_ascii() && has_rare_characters(text) && text.chars().any(is_foreign_blank);
    let needed = foreign
        || memchr::memmem::find(bytes, b"  ").is_some()
        || memchr::memchr(b'\t', bytes).is_some();
    if !needed || is_structured(text) {
        return None;
    }
    let mut changed = Changed::new(text);
    let mut ticks = Ticks::default();
    for line in Lines::new(text) {
        match line.kind {
            Kind::Blank => ticks = Ticks::default(),
            Kind::Code => {}
            Kind::Prose if is_usual(line.text, foreign) => ticks.pass_line(line.text),
            Kind::Prose => single_in(line, &mut ticks, &mut changed),
        }
    }
    changed.finish()
}

/// Whether nothing can be changed on a line: behind its indentation there are single spaces. `foreign` says that the
/// text has other blanks, too.
fn is_usual(line: &str, foreign: bool) -> bool {
    let bytes = line.trim_start_matches([' ', '\t']).as_bytes();
    memchr::memchr(b'\t', bytes).is_none()
        && memchr::memmem::find(bytes, b"  ").is_none()
        && (!foreign || line.is_ascii())
}

fn single_in(line: Line<'_>, ticks: &mut Ticks, changed: &mut Changed<'_>) {
    let indent = line.text.len() - line.text.trim_start_matches([' ', '\t']).len();
    let tabs = has_tabs_for_spaces(line.text);
    let is_blank = |character: char| {
        character == ' ' || tabs && character == '\t' || is_foreign_blank(character)
    };
    let mut run: Option<usize> = None;
    let mut end = |start: usize, end: usize, within: bool| {
        let written = line.text.get(start..end).unwrap_or_default();
        // Behind the indentation nothing is left, so that it does not grow to that of code.
        let with = if start == indent { "" } else { " " };
        if !within && written != with {
            changed.replace(line.start + start, line.start + end, with);
        }
    };
    for (at, character) in line.text.char_indices().skip(indent) {
        if is_blank(character) {
            ticks.pass(character);
            run = run.or(Some(at));
            continue;
        }
        if let Some(start) = run.take() {
            end(start, at, ticks.within());
        }
        ticks.pass(character);
    }
    if let Some(start) = run {
        end(start, line.text.len(), ticks.within());
    }
    ticks.pass('\n');
}

/// Whether tabs stand where spaces would.
fn has_tabs_for_spaces(line: &str) -> bool {
    if memchr::memchr(b'\t', line.as_bytes()).is_none() {
        return false;
    }
    let (mut gaps, mut tabs, mut run, mut tab) = (0_usize, 0_usize, false, false);
    for byte in line.trim().bytes() {
        let blank = matches!(byte, b' ' | b'\t');
        if run && !blank {
            gaps += 1;
            tabs += usize::from(tab);
        }
        tab = blank && (byte == b'\t' || run && tab);
        run = blank;
    }
    gaps >= TABBED && 2 * tabs >= gaps
}

fn is_foreign_blank(character: char) -> bool {
    character > '\u{7f}' && character.is_whitespace() && character != '\u{85}'
}

/// Where inline code begins and ends.
#[derive(Default)]
struct Ticks {
    /// Of the run of backticks that opened it.
    open: usize,
    /// Of the run that passes.
    run: usize,
}

impl Ticks {
    fn pass(&mut self, character: char) {
        if character == '`' {
            self.run += 1;
        } else if self.run > 0 {
            self.open = match self.open {
                0 => self.run,
                open if open == self.run => 0,
                open => open,
            };
            self.run = 0;
        }
    }

    /// The same of a whole line, up to its end.
    fn pass_line(&mut self, line: &str) {
        let bytes = line.as_bytes();
        let Some(first) = memchr::memchr(b'`', bytes) else { return };
        bytes.iter().skip(first).for_each(|byte| self.pass(char::from(*byte)));
        self.pass('\n');
    }

    fn within(&self) -> bool {
        self.open > 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        /// Break it: let a line with two spaces or a tab be usual, or pass over its backticks.
        #[test]
        fn a_usual_line_would_not_be_changed_and_opens_what_it_would_have(
            text in "[ ab\t`.é\u{a0}]{1,9}",
            foreign in proptest::bool::ANY,
            open in 0..3_usize,
        ) {
            let foreign = foreign || text.contains('\u{a0}');
            let whole = Lines::new(&text).next().filter(|line| matches!(line.kind, Kind::Prose));
            if let Some(line) = whole.filter(|line| is_usual(line.text, foreign)) {
                let (mut changed, mut ticks) = (Changed::new(&text), Ticks { open, run: 0 });
                single_in(line, &mut ticks, &mut changed);
                proptest::prop_assert_eq!(changed.finish(), None);
                let mut passed = Ticks { open, run: 0 };
                passed.pass_line(line.text);
                proptest::prop_assert_eq!((ticks.open, ticks.run), (passed.open, passed.run));
            }
        }
    }
}
