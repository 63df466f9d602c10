//! What stands behind a first word, told eight letters at a time.

/// What turns capitals into small letters, and makes other characters alike by which no forms differ.
const SMALL: u64 = u64::from_le_bytes([0x20; 8]);

/// The highest bit of each byte, which no byte of ASCII has.
const HIGH: u64 = u64::from_le_bytes([0x80; 8]);

/// The eight bytes behind a word of a text, if they are there and are ASCII.
#[derive(Clone, Copy, Debug)]
pub(in crate::mark) struct Eight(Option<u64>);

impl Eight {
    /// Of a text behind the word.
    #[inline]
    pub(in crate::mark) fn of(behind: &[u8]) -> Self {
        let eight = behind.first_chunk().map(|eight| u64::from_le_bytes(*eight));
        Self(eight.filter(|eight| eight & HIGH == 0).map(|eight| eight | SMALL))
    }
}

/// The first letters of a form behind its first word, up to eight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::mark) struct Behind {
    letters: u64,
    /// All bits of the bytes that they are in.
    counted: u64,
}

impl Behind {
    /// Those of a form.
    pub(super) fn of(form: &str) -> Self {
        let behind = form.bytes().skip_while(|byte| *byte != b' ').take(8).enumerate();
        let add = |(letters, counted): (u64, u64), (at, byte): (usize, u8)| {
            (letters | u64::from(byte | 0x20) << (8 * at), counted | 0xff << (8 * at))
        };
        let (letters, counted) = behind.fold((0, 0), add);
        Self { letters, counted }
    }

    /// Whether they may stand in a text, whose case does not matter. Where these eight bytes do not tell, they may.
    #[inline]
    pub(in crate::mark) fn may_be(self, Eight(eight): Eight) -> bool {
        eight.is_none_or(|eight| eight & self.counted == self.letters)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Break it: compare a letter more than the form has, or without its case.
    #[test]
    fn a_form_may_stand_where_its_letters_do_in_any_case_and_where_bytes_do_not_tell() {
        let may = |form: &str, behind: &str| Behind::of(form).may_be(Eight::of(behind.as_bytes()));
        for behind in [" order to go", " ORDER TO GO", " order t", " order", "", " ordér to go"] {
            assert!(may("in order to", behind), "{behind:?}");
        }
        for behind in [" other things", ", order to go", " order-to go", "\norder to go"] {
            assert!(!may("in order to", behind), "{behind:?}");
        }
        assert!(may("usually", " as they were") && may("usually", ", as they were"));
        assert!(may("as I", " i see them") && !may("as I", " a see them"));
    }
}
