//! A marked text keeps its sites when it is changed in ways that leave its words.

use guilloche::forensics::detect::LexicalSites;
use guilloche::mark::lexical::{Rewriter, Site};
use guilloche::mark::lexicon::Lexicon;
use unicode_normalization::UnicodeNormalization;

const PROSE: &str = include_str!("fixtures/prose/rust-book.txt");

/// The prose with a mark: every other cell has the second variant.
fn marked() -> String {
    let choice = |site: &Site<'_>| Some(site.cell().index() % 2 == 1);
    let mut rewriter = Rewriter::new(Lexicon::english(), choice);
    let mut out = String::new();
    rewriter.push(PROSE, &mut out);
    rewriter.finish(false, &mut out);
    assert!(rewriter.flips() > 100);
    out
}

/// How often each variant of each cell counts in all paragraphs, each a document.
fn totals(text: &str) -> Vec<[u32; 2]> {
    let sites = LexicalSites::english();
    let mut counts = sites.counts();
    for paragraph in text.split("\n\n") {
        let (document, _) = sites.document(paragraph, []);
        counts.add(&document);
    }
    counts.totals()
}

/// Percent of the sites that are left with their variant.
fn left(change: impl Fn(&str) -> String) -> u32 {
    let marked = marked();
    let paragraphs: Vec<String> = marked.split("\n\n").map(change).collect();
    let (before, after) = (totals(&marked), totals(&paragraphs.join("\n\n")));
    let sum = |counts: &[[u32; 2]]| counts.iter().flatten().sum::<u32>();
    let both = before.iter().zip(&after);
    let kept = both.map(|(before, after)| [before[0].min(after[0]), before[1].min(after[1])]);
    100 * sum(&kept.collect::<Vec<_>>()) / sum(&before)
}

/// What a change leaves of the sites, and the least percentage that it must.
fn assert_left(name: &str, least: u32, change: impl Fn(&str) -> String) {
    let left = left(change);
    assert!(left >= least, "{name}: {left} % of the sites are left, not {least} %");
}

fn stripped(text: &str, kept: &[char]) -> String {
    let keep =
        |letter: &char| letter.is_alphanumeric() || letter.is_whitespace() || kept.contains(letter);
    text.chars().filter(keep).collect()
}

/// Outside inline code, whose blanks are its own.
fn blanks(text: &str, blank: &str) -> String {
    let pieces = text.split('`').enumerate();
    let pieces =
        pieces.map(
            |(number, piece)| {
                if number % 2 == 0 { piece.replace(' ', blank) } else { piece.to_owned() }
            },
        );
    pieces.collect::<Vec<_>>().join("`")
}

#[test]
fn blanks_of_any_kind_leave_all_sites() {
    for blank in ["  ", "\t", " \t", "\u{a0}", "\u{2003}", "\u{3000} \u{202f}"] {
        assert_left(&format!("{blank:?}"), 100, |text| blanks(text, blank));
        assert_left(&format!("{blank:?} in code too"), 100, |text| text.replace(' ', blank));
    }
}

#[test]
fn normal_forms_and_characters_that_do_not_show_leave_all_sites() {
    assert_left("NFC", 100, |text| text.nfc().collect());
    assert_left("NFD", 100, |text| text.nfd().collect());
    assert_left("NFKC", 100, |text| text.nfkc().collect());
    assert_left("NFKD", 100, |text| text.nfkd().collect());
    assert_left("zero width", 100, |text| text.replace('e', "e\u{200b}"));
    assert_left("soft hyphens", 100, |text| text.replace("tion", "\u{ad}tion"));
    assert_left("underlined", 100, |text| text.replace('o', "o\u{332}"));
    assert_left("ligatures", 100, |text| text.replace("fi", "ﬁ").replace("ff", "ﬀ"));
    assert_left("fullwidth", 100, |text| {
        let wide = |letter: char| match letter {
            'a'..='z' | 'A'..='Z' | '0'..='9' => {
                char::from_u32(u32::from(letter) + 0xfee0).unwrap()
            }
            _ => letter,
        };
        text.chars().map(wide).collect()
    });
    assert_left("apostrophes", 100, |text| text.replace('’', "\u{2bc}"));
}

#[test]
fn one_case_leaves_nearly_all_sites() {
    assert_left("upper case", 99, str::to_uppercase);
    assert_left("lower case", 99, str::to_lowercase);
    assert_left("upper case, two spaces", 99, |text| text.to_uppercase().replace(' ', "  "));
}

#[test]
fn stripped_punctuation_leaves_most_sites() {
    assert_left("but apostrophes and hyphens", 71, |text| stripped(text, &['\'', '’', '-']));
    assert_left("all", 65, |text| stripped(text, &[]));
    assert_left("all, in capitals", 65, |text| stripped(text, &[]).to_uppercase());
}
