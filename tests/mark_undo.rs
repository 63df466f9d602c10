//! A marked text is written back as it was: exactly, however it was cut, and trimmed or not.

use std::sync::Arc;

use guilloche::mark::cell::Roles;
use guilloche::mark::keys::{Keys, Marking, Recipient};
use guilloche::mark::lexical::{Rewriter, Site, undo, undo_across};
use guilloche::mark::lexicon::Lexicon;
use jiff::Timestamp;
use proptest::prelude::*;

const TEXT: &str = "\n These are some of the tools that you’ll often need, and it’s a good idea to \
    begin by reading. For example, we don’t have to check whether the dataset is small. In order \
    to rest, choose a café such as this (for instance, now).\n\n- It typically takes about 20 \
    minutes. In addition, it may seem hard to say.\n\n😀 Therefore, make sure that all of the parts \
    are different, for example. ";

/// A text's marked form, what undoes it, and how many words were exchanged.
fn mark(pieces: &[&str], key: u8, strength: f64, cut_short: bool) -> (String, Vec<u8>, u64) {
    let keys = Keys::from_master(&[key; 32], Timestamp::UNIX_EPOCH);
    let roles = Arc::new(Roles::new(keys.master(), Lexicon::english().cells()));
    let marked = Recipient { tenant: "", account: "a", cluster: None, arm: None };
    let marking: Marking = keys.marking(&roles, 1, marked, strength);
    let mut rewriter = Rewriter::new(Lexicon::english(), marking).with_undo();
    let mut out = String::new();
    pieces.iter().for_each(|piece| rewriter.push(piece, &mut out));
    rewriter.finish(cut_short, &mut out);
    let steps = rewriter.undo().map(|undo| undo.as_bytes().to_vec());
    (out, steps.unwrap_or_default(), rewriter.flips())
}

fn pieces<'t>(text: &'t str, cuts: &[usize]) -> Vec<&'t str> {
    let mut at: Vec<usize> = cuts
        .iter()
        .map(|cut| cut % (text.len() + 1))
        .filter(|at| text.is_char_boundary(*at))
        .chain([0, text.len()])
        .collect();
    at.sort_unstable();
    at.iter().zip(at.iter().skip(1)).filter_map(|(from, to)| text.get(*from..*to)).collect()
}

#[test]
fn a_few_bytes_a_word_undo_a_mark_and_hold_nothing_else_of_the_text() {
    let (marked, steps, flips) = mark(&[TEXT], 9, 1.0, false);
    assert_ne!(marked, TEXT);
    assert_eq!(undo(&steps, &marked).as_deref(), Some(TEXT));
    assert!(flips > 3);
    assert!(steps.len() < 16 * flips as usize, "{} bytes for {flips}", steps.len());
    let held = String::from_utf8_lossy(&steps);
    for word in ["tools", "reading", "rest", "choose", "minutes"] {
        assert!(!held.contains(word));
    }
}

#[test]
fn a_text_that_a_client_has_trimmed_is_undone_without_its_white_space() {
    let (marked, steps, _) = mark(&[TEXT], 9, 1.0, false);
    assert_eq!(undo(&steps, marked.trim()).as_deref(), Some(TEXT.trim()));
    assert_eq!(undo(&steps, marked.trim_end()).as_deref(), Some(TEXT.trim_end()));
    let other = format!("  {}\n\n", marked.trim());
    assert_eq!(undo(&steps, &other), Some(format!("  {}\n\n", TEXT.trim())));
}

#[test]
fn a_text_with_a_piece_that_cannot_be_decoded_is_not_undone() {
    let mut rewriter = Rewriter::new(Lexicon::english(), |_: &Site<'_>| Some(true)).with_undo();
    let mut out = String::new();
    rewriter.push("For example, this. ", &mut out);
    assert!(rewriter.undo().is_some());
    rewriter.push_opaque(&mut out);
    rewriter.push("For example, that. ", &mut out);
    rewriter.finish(false, &mut out);
    assert!(rewriter.undo().is_none());
}

proptest! {
    #[test]
    fn restoring_gives_the_original_for_any_key_strength_and_chunking(
        words in proptest::collection::vec(proptest::sample::select(TEXT.split_inclusive(' ').collect::<Vec<_>>()), 0..60),
        noise in "[ \\n`*’a-z😀]{0,12}",
        at in any::<proptest::sample::Index>(),
        cuts in proptest::collection::vec(any::<usize>(), 0..12),
        key in any::<u8>(),
        strength in prop_oneof![Just(1.0), 0.0..1.0],
        cut_short in any::<bool>(),
    ) {
        let mut words = words;
        words.insert(at.index(words.len() + 1), &noise);
        let text = words.concat();
        let (marked, steps, flips) = mark(&pieces(&text, &cuts), key, strength, cut_short);
        prop_assert_eq!(steps.is_empty(), flips == 0);
        prop_assert_eq!(undo(&steps, &marked), Some(text.clone()));
        prop_assert_eq!(undo(&steps, marked.trim()), Some(text.trim().to_owned()));
    }
}

/// Whether a text comes from its pieces as it was, each of which still says something where it did.
fn undone_in(steps: &[u8], pieces: &[&str], original: &str) -> bool {
    let undone = undo_across(steps, pieces).unwrap_or_default();
    let says = |(piece, undone): (&&str, &String)| piece.chars().count() < 2 || !undone.is_empty();
    undone.concat() == original
        && undone.len() == pieces.len()
        && pieces.iter().zip(&undone).all(says)
}

// Break it: take pieces for texts of their own, or put a form where the first of its pieces was.
#[test]
fn a_marked_text_that_comes_back_in_pieces_is_undone_wherever_it_was_cut() {
    let (marked, steps, _) = mark(&[TEXT], 9, 1.0, false);
    for at in (0..=marked.len()).filter(|at| marked.is_char_boundary(*at)) {
        let (first, second) = marked.split_at(at);
        assert!(undone_in(&steps, &[first, second], TEXT), "at {at}");
        assert!(undone_in(&steps, &["", first, "", second, ""], TEXT), "at {at}");
    }
    let letters: Vec<String> = marked.chars().map(String::from).collect();
    let letters: Vec<&str> = letters.iter().map(String::as_str).collect();
    assert_eq!(undo_across(&steps, &letters).unwrap().concat(), TEXT);
}

proptest! {
    #[test]
    fn however_many_pieces_there_are(cuts in prop::collection::vec(any::<usize>(), 0..40)) {
        let (marked, steps, _) = mark(&[TEXT], 9, 1.0, false);
        prop_assert!(undone_in(&steps, &pieces(&marked, &cuts), TEXT));
    }

    #[test]
    fn steps_of_another_text_do_no_harm_to_pieces(
        steps in prop::collection::vec(any::<u8>(), 0..40),
        texts in prop::collection::vec(".{0,9}", 0..6),
    ) {
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        if let Some(undone) = undo_across(&steps, &texts) {
            prop_assert_eq!(undone.len(), texts.len());
        }
    }
}
