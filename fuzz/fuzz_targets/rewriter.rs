//! The rewriter: the same text however it is cut, a second pass changes nothing, nothing without a
//! choice, and bounded memory.
#![no_main]

use std::sync::{Arc, LazyLock};

use guilloche::mark::cell::Roles;
use guilloche::mark::keys::{Keys, Marking, Recipient};
use guilloche::mark::lexical::{MAX_WORD_BYTES, Rewriter, Site, Unit};
use guilloche::mark::lexicon::Lexicon;
use libfuzzer_sys::fuzz_target;

static MARKING: LazyLock<Marking> = LazyLock::new(|| {
    let keys = Keys::from_master(&[9; 32], jiff::Timestamp::UNIX_EPOCH);
    let roles = Arc::new(Roles::new(keys.master(), Lexicon::english().cells()));
    keys.marking(&roles, 1, Recipient { tenant: "", account: "a", cluster: None, arm: None }, 1.0)
});

/// English with every gate open, so that what follows has sites.
const BEFORE: &str = "These are the tools that we don't need. We saw 2 reasons. ";

fuzz_target!(|data: &[u8]| {
    let Some((size, rest)) = data.split_first() else { return };
    let text = format!("{BEFORE}{}", String::from_utf8_lossy(rest));
    let mut whole = String::new();
    let mut rewriter = Rewriter::new(Lexicon::english(), &*MARKING).with_offsets(Unit::Bytes);
    rewriter.push(&text, &mut whole);
    rewriter.finish(false, &mut whole);
    let map = rewriter.offsets().unwrap();
    assert_eq!(map.map(text.len()), Some(whole.len()));
    for (at, removed, to, inserted) in map.substitutions() {
        assert!(text.get(at..at + removed).is_some() && whole.get(to..to + inserted).is_some());
    }

    let mut cut = String::new();
    let mut rewriter = Rewriter::new(Lexicon::english(), &*MARKING);
    let mut rest = text.as_str();
    while !rest.is_empty() {
        let at = rest.floor_char_boundary(usize::from(*size % 24) + 1);
        let at = if at == 0 { rest.chars().next().map_or(0, char::len_utf8) } else { at };
        let (piece, behind) = rest.split_at(at);
        rewriter.push(piece, &mut cut);
        assert!(rewriter.held().len() <= 5 * MAX_WORD_BYTES, "{}", rewriter.held().len());
        rest = behind;
    }
    rewriter.finish(false, &mut cut);
    assert_eq!(cut, whole);

    let mut twice = String::new();
    let mut rewriter = Rewriter::new(Lexicon::english(), &*MARKING);
    rewriter.push(&whole, &mut twice);
    rewriter.finish(false, &mut twice);
    assert_eq!(twice, whole);

    let mut same = String::new();
    let mut rewriter = Rewriter::new(Lexicon::english(), |_: &Site<'_>| None);
    rewriter.push(&text, &mut same);
    rewriter.finish(false, &mut same);
    assert_eq!(same, text);
});
