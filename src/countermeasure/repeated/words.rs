//! Words of a text as they are compared: without letter case, and whatever stands between them.
//!
//! A text that stands in a string of JSON reads the same as it does outside of one: escapes are
//! resolved, and a backslash before one of their letters takes it away wherever it stands, so that
//! text in a string in a string reads the same, too.

/// A word: its hash, and where it stands.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Word {
    pub(super) hash: u64,
    pub(super) start: usize,
    pub(super) end: usize,
}

crate::secret::opaque_debug!(Words, Word);

/// Finds the words of a text, character by character.
#[derive(Default)]
pub(super) struct Words {
    escape: Escape,
    /// Where the escape begins.
    from: usize,
    /// The first half of a character that is escaped in two.
    high: Option<(u16, usize)>,
    open: Option<Word>,
}

#[derive(Clone, Copy, Default)]
enum Escape {
    #[default]
    None,
    /// Behind backslashes.
    Open,
    /// Behind `\u` and so many digits.
    Unicode { digits: u8, unit: u16 },
}

/// The hash of no character.
pub(super) const EMPTY: u64 = 0xcbf2_9ce4_8422_2325;

/// The hash of a word.
pub(super) fn hash(word: &str) -> u64 {
    word.chars().fold(EMPTY, mixed)
}

fn mixed(hash: u64, character: char) -> u64 {
    (hash ^ u64::from(u32::from(character))).wrapping_mul(0x0000_0100_0000_01b3).rotate_left(5)
}

impl Words {
    /// Takes the next character, which stands at `at`; `each` is called with every word that has ended.
    pub(super) fn push(&mut self, character: char, at: usize, each: &mut impl FnMut(Word)) {
        let end = at + character.len_utf8();
        match self.escape {
            Escape::None if character == '\\' => (self.escape, self.from) = (Escape::Open, at),
            Escape::None => self.say(character, at..end, each),
            Escape::Open => match character {
                '\\' => {}
                'u' => self.escape = Escape::Unicode { digits: 0, unit: 0 },
                'n' | 'r' | 't' | 'b' | 'f' => {
                    self.escape = Escape::None;
                    self.finish(each);
                }
                other => {
                    self.escape = Escape::None;
                    self.finish(each);
                    self.say(other, at..end, each);
                }
            },
            Escape::Unicode { digits, unit } => match character.to_digit(16) {
                Some(digit) => {
                    let unit = unit << 4 | u16::try_from(digit).unwrap_or_default();
                    self.escape = Escape::Unicode { digits: digits + 1, unit };
                    if digits == 3 {
                        self.escape = Escape::None;
                        self.unit(unit, self.from..end, each);
                    }
                }
                None => {
                    self.escape = Escape::None;
                    self.finish(each);
                    if character == '\\' {
                        (self.escape, self.from) = (Escape::Open, at);
                    } else {
                        self.say(character, at..end, each);
                    }
                }
            },
        }
    }

    /// The text ends, or the word does.
    pub(super) fn finish(&mut self, each: &mut impl FnMut(Word)) {
        self.high = None;
        self.open.take().into_iter().for_each(each);
    }

    /// A unit of UTF-16.
    fn unit(&mut self, unit: u16, place: std::ops::Range<usize>, each: &mut impl FnMut(Word)) {
        if (0xD800..0xDC00).contains(&unit) {
            self.high = Some((unit, place.start));
            return;
        }
        let (units, start) = match self.high.take() {
            Some((high, start)) if (0xDC00..0xE000).contains(&unit) => (vec![high, unit], start),
            _ => (vec![unit], place.start),
        };
        let character = char::decode_utf16(units).next().and_then(Result::ok).unwrap_or(' ');
        self.say(character, start..place.end, each);
    }

    fn say(&mut self, character: char, place: std::ops::Range<usize>, each: &mut impl FnMut(Word)) {
        self.high = None;
        if is_nothing(character) {
            return;
        }
        if !character.is_alphanumeric() {
            return self.finish(each);
        }
        if is_word(character) {
            self.finish(each);
            let hash = mixed(EMPTY, character);
            return each(Word { hash, start: place.start, end: place.end });
        }
        let new = Word { hash: EMPTY, start: place.start, end: place.end };
        let word = self.open.get_or_insert(new);
        word.end = place.end;
        word.hash = character.to_lowercase().fold(word.hash, mixed);
    }
}

/// Whether a character is not seen: it joins, or stands over another.
fn is_nothing(character: char) -> bool {
    matches!(
        u32::from(character),
        0xAD | 0x300..=0x36F | 0x180E | 0x200B..=0x200F | 0x202A..=0x202E | 0x2060..=0x2064 | 0xFE00..=0xFE0F | 0xFEFF
    )
}

/// Whether a character is a word of a script that puts no space between them.
fn is_word(character: char) -> bool {
    matches!(
        u32::from(character),
        0xE00..=0xEFF | 0x1000..=0x109F | 0x1780..=0x17FF | 0x3040..=0x30FF | 0x3400..=0x9FFF | 0xF900..=0xFAFF | 0x2_0000..=0x3_FFFF
    )
}
