//! The prose, its keys, and what is read of it.

use guilloche::forensics::detect::LawCounts;
use guilloche::mark::cell::{KeyName, MarkKey, Purpose, Role, Roles};
use guilloche::mark::keys::{Keys, Recipient, Scheme, TextKeys, TextMarking};
use guilloche::mark::law::{Answer, BUCKETS, CountedPlace, CountingKey};
use guilloche::mark::lexical::{Rewriter, Site, each_site};
use guilloche::mark::lexicon::Lexicon;
use jiff::Timestamp;

pub(super) const PROSE: &str = include_str!("../fixtures/prose/rust-book.txt");

pub(super) fn keys(number: u8) -> Keys {
    Keys::from_master(&[number; 32], Timestamp::UNIX_EPOCH).with_scheme(Scheme::Canaries)
}

pub(super) fn marking(keys: Keys) -> TextMarking {
    let recipient = Recipient { tenant: "", account: "a", cluster: None, arm: None };
    TextKeys::new(keys).marking(1, recipient, 1.0)
}

pub(super) fn rewritten<'t>(
    marking: &TextMarking,
    pieces: impl IntoIterator<Item = &'t str>,
) -> String {
    let (mut rewriter, mut out) =
        (Rewriter::new(Lexicon::english(), marking.begin()), String::new());
    for piece in pieces {
        rewriter.push(piece, &mut out);
    }
    rewriter.finish(false, &mut out);
    out
}

/// Paragraphs, some to a text. Where one ends with a colon the book has a listing: without it the next paragraph
/// would be what is announced, which is read and not marked.
pub(super) fn texts() -> Vec<String> {
    let prose = PROSE.replace(":\n\n", ":\n\n```\nlet x = 5;\n```\n\n");
    let paragraphs: Vec<&str> = prose.split("\n\n").collect();
    paragraphs.chunks(8).map(|some| some.join("\n\n")).collect()
}

/// The places of a text with what stands there, by the counting key alone.
pub(super) fn places(counting: &CountingKey, text: &str) -> Vec<(CountedPlace, bool)> {
    let (mut answer, mut places) = (Answer::default(), Vec::new());
    each_site(Lexicon::english(), text, |site: &Site<'_>| {
        counting.each_place(&mut answer, site, |place| places.push((place, site.variant)));
    });
    places
}

pub(super) fn roles(keys: &Keys) -> Roles {
    Roles::new(keys.master(), Lexicon::english().numbers() * BUCKETS)
}

pub(super) fn key(keys: &Keys, role: Role, id: &str) -> MarkKey {
    keys.derive(&KeyName { purpose: Purpose::Lexical, tenant: "", epoch: 1, role, id })
}

pub(super) fn counted<'t>(
    counting: &CountingKey,
    texts: impl Iterator<Item = &'t String>,
) -> LawCounts {
    let mut counts = LawCounts::new(counting);
    for text in texts {
        let places = places(counting, text).into_iter();
        let document = places.map(|(CountedPlace { cell, log_odds, passage }, variant)| {
            (cell.index(), log_odds, variant, passage)
        });
        counts.add(0, &document.collect());
    }
    counts
}
