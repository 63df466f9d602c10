//! The rewriter: the same result however a text is cut, once and for all.

#![expect(clippy::string_slice, reason = "a test that cannot go on must fail")]

use std::sync::{Arc, LazyLock};

use guilloche::mark::cell::{Cell, Roles};
use guilloche::mark::keys::{Keys, Marking, Recipient};
use guilloche::mark::lexical::{MAX_WORD_BYTES, Rewriter, Site, Unit, each_site};
use guilloche::mark::lexicon::Lexicon;
use jiff::Timestamp;
use proptest::prelude::*;

const TEXT: &str = "# Usually a title\n\nThese are some of the tools that you’ll often need, and it’s \
    a good idea to begin by reading. For example, we don’t have to check whether the dataset is \
    small in advance; \"it usually is,\" he said. In order to rest, choose a café such as this \
    (for instance, now).\n\n```rust\nlet usually = often;\n```\n- It typically takes about 20 \
    minutes, or more than 100 hours. In addition, it may seem hard to say: see \
    https://example.com/usually, `begin to`, **a lot of** tools and\n> usually quoted\n\nThere were \
    3 reasons and two ways. Therefore, make sure that all of the parts are entirely different too.\n";

fn marking(account: &str, cluster: Option<&str>, strength: f64) -> Marking {
    let keys = Keys::from_master(&[9; 32], Timestamp::UNIX_EPOCH);
    let roles = Arc::new(Roles::new(keys.master(), Lexicon::english().cells()));
    keys.marking(&roles, 1, Recipient { tenant: "", account, cluster, arm: None }, strength)
}

fn mark(pieces: &[&str], marking: &Marking) -> String {
    let mut rewriter = Rewriter::new(Lexicon::english(), marking);
    let mut out = String::new();
    for piece in pieces {
        rewriter.push(piece, &mut out);
    }
    rewriter.finish(false, &mut out);
    assert!(!rewriter.holds());
    out
}

#[test]
fn every_split_in_two_gives_the_same_text() {
    let marking = marking("a", None, 1.0);
    let whole = mark(&[TEXT], &marking);
    assert_ne!(whole, TEXT);
    for at in (0..=TEXT.len()).filter(|at| TEXT.is_char_boundary(*at)) {
        let (left, right) = TEXT.split_at(at);
        assert_eq!(mark(&[left, right], &marking), whole, "split at {at}");
    }
}

#[test]
fn one_character_at_a_time_gives_the_same_text() {
    let marking = marking("a", Some("c"), 1.0);
    let characters: Vec<String> = TEXT.chars().map(String::from).collect();
    let pieces: Vec<&str> = characters.iter().map(String::as_str).collect();
    assert_eq!(mark(&pieces, &marking), mark(&[TEXT], &marking));
}

#[test]
fn at_most_three_whole_words_are_held_back() {
    let mut rewriter = Rewriter::new(Lexicon::english(), |_: &Site<'_>| Some(true));
    let (mut out, mut most) = (String::new(), 0);
    for character in TEXT.chars() {
        rewriter.push(character.encode_utf8(&mut [0; 4]), &mut out);
        most = most.max(rewriter.held().matches(' ').count());
        assert_eq!(rewriter.holds(), !rewriter.held().is_empty());
    }
    assert_eq!(most, 3);
}

#[test]
fn a_second_pass_changes_nothing() {
    for account in ["a", "b", "c", "d", "e"] {
        let marking = marking(account, None, 1.0);
        let once = mark(&[TEXT], &marking);
        assert_eq!(mark(&[&once], &marking), once);
    }
}

#[test]
fn the_same_principal_is_marked_alike_and_others_are_not() {
    let texts: Vec<String> =
        ["a", "b", "a"].iter().map(|account| mark(&[TEXT], &marking(account, None, 1.0))).collect();
    assert_eq!(texts[0], texts[2]);
    assert_ne!(texts[0], texts[1]);
}

#[test]
fn nothing_changes_at_strength_zero_and_less_at_half() {
    assert_eq!(mark(&[TEXT], &marking("a", None, 0.0)), TEXT);
    let chosen = |strength| {
        let marking = marking("a", None, strength);
        let mut cells = Vec::new();
        each_site(Lexicon::english(), TEXT, |site| cells.push(site.cell()));
        cells.into_iter().filter(|cell| marking.bit(*cell).is_some()).collect::<Vec<Cell>>()
    };
    let (half, full) = (chosen(0.5), chosen(1.0));
    assert!(half.len() < full.len() && half.iter().all(|cell| full.contains(cell)));
    let shares = (0..4000_u16).filter(|class| {
        marking("a", None, 0.25)
            .bit(Cell::new(guilloche::mark::cell::ClassId(*class), "w"))
            .is_some()
    });
    // Beyond the lexicon's cells coins go on, so that the share can be measured.
    assert!((800..1200).contains(&shares.count()));
}

#[test]
fn every_site_carries_its_bit_when_read_back() {
    let marking = marking("a", Some("c"), 1.0);
    let marked = mark(&[TEXT], &marking);
    let mut sites = 0;
    each_site(Lexicon::english(), &marked, |site| {
        sites += 1;
        assert_eq!(Some(site.variant), marking.bit(site.cell()), "{site:?}");
    });
    assert!(sites >= 12, "{sites}");
}

#[test]
fn masked_text_is_never_touched() {
    let marked = mark(&[TEXT], &marking("a", None, 1.0));
    for masked in [
        "# Usually a title\n",
        "\"it usually is,\"",
        "```rust\nlet usually = often;\n```",
        "https://example.com/usually, `begin to`, **a lot of**",
        "> usually quoted\n",
        " 20 ",
        " 100 ",
    ] {
        assert!(marked.contains(masked), "{masked}");
    }
}

#[test]
fn a_word_far_too_long_passes_in_bounded_memory() {
    let marking = marking("a", None, 1.0);
    let long = "a".repeat(10_000);
    let text = format!("These are the tools that {long} usually usually-{long} often used.");
    let mut rewriter = Rewriter::new(Lexicon::english(), &marking);
    let mut out = String::new();
    for character in text.chars() {
        rewriter.push(character.encode_utf8(&mut [0; 4]), &mut out);
    }
    rewriter.finish(false, &mut out);
    assert_eq!(out, mark(&[&text], &marking));
    assert!(out.contains(&long));
}

#[test]
fn what_is_flushed_or_cut_short_leaves_unmarked() {
    let mut rewriter = Rewriter::new(Lexicon::english(), |_: &Site<'_>| Some(true));
    let mut out = String::new();
    rewriter.push("These are the tools that you need. They usu", &mut out);
    rewriter.flush(&mut out);
    assert!(!rewriter.holds());
    rewriter.push("ally are. They usually", &mut out);
    rewriter.finish(true, &mut out);
    assert_eq!(out, "These are the tools that you need. They usually are. They usually");
    assert_eq!(rewriter.sites(), 0);
}

#[test]
fn behind_an_unreadable_piece_the_line_is_left() {
    let mut rewriter = Rewriter::new(Lexicon::english(), |_: &Site<'_>| Some(true));
    let mut out = String::new();
    rewriter.push("These are the tools that you need. They usually", &mut out);
    assert!(rewriter.push_opaque(&mut out));
    rewriter.push(" rest. They usually rest.\nAll of those that are here mainly rest.", &mut out);
    rewriter.finish(false, &mut out);
    assert!(
        out.ends_with(
            "They usually rest. They usually rest.\nAll of those that are here primarily rest."
        ),
        "{out}"
    );
}

#[test]
fn offsets_map_every_place_that_still_exists() {
    for unit in [Unit::Bytes, Unit::Characters, Unit::Utf16] {
        let marking = marking("a", None, 1.0);
        let mut rewriter = Rewriter::new(Lexicon::english(), &marking).with_offsets(unit);
        let mut out = String::new();
        rewriter.push(TEXT, &mut out);
        rewriter.finish(false, &mut out);
        let map = rewriter.offsets().unwrap();
        assert_eq!(map.len() as u64, rewriter.flips());
        assert_eq!(map.map(unit.length(TEXT)), Some(unit.length(&out)));
        let (mut kept, mut offset) = (0, 0);
        for (at, character) in TEXT.char_indices() {
            assert_eq!(offset, unit.length(&TEXT[..at]));
            let width = unit.length(character.encode_utf8(&mut [0; 4]));
            if map.is_untouched(offset, offset + width) {
                let to = map.map(offset).unwrap();
                let found = out.char_indices().find(|(at, _)| unit.length(&out[..*at]) == to);
                assert_eq!(found.map(|(_, character)| character), Some(character));
                kept += 1;
            }
            offset += width;
        }
        assert!(kept > 400 && kept < TEXT.chars().count());
    }
}

/// The marks of eight accounts.
static MARKINGS: LazyLock<Vec<Marking>> =
    LazyLock::new(|| (0..8).map(|seed: u8| marking(&seed.to_string(), None, 1.0)).collect());

/// Words, punctuation and markup that mean something to the rewriter.
fn prose() -> impl Strategy<Value = String> {
    let lexicon = Lexicon::english();
    let mut forms: Vec<String> = lexicon
        .classes()
        .flat_map(|class| &class.pairs)
        .flat_map(|(first, second)| [first.to_string(), second.to_string()])
        .collect();
    let mut others: Vec<String> =
        "the of and to is are that it you for with this be as have not a in do data can may usually \
         works three things people going Paris I we they used"
            .split(' ')
            .map(str::to_owned)
            .collect();
    others.append(&mut forms.iter().map(|form| capitalized(form)).collect());
    forms.append(&mut others);
    let glue = [
        " ", " ", " ", " ", " ", ", ", ". ", "\n", "\n\n", "; ", " (", ") ", "`", "```\n", "\"",
        " \"", " *", "* ", "**", "$", "'", "’", "-", "\n- ", "\n> ", "|", "\\", "<", "[", "]", "{",
        "}", "\t", ": ", " é", "/", "_", "?", "…", "  ", "\n    ", "—", "~~~\n",
    ];
    let piece = (proptest::sample::select(forms), proptest::sample::select(glue.to_vec()))
        .prop_map(|(word, glue)| word + glue);
    proptest::collection::vec(piece, 0..40).prop_map(|pieces| {
        format!(
            "These are the things that we don't need and that they do not see. {}",
            pieces.concat()
        )
    })
}

fn capitalized(word: &str) -> String {
    let mut characters = word.chars();
    characters
        .next()
        .map(|first| first.to_uppercase().chain(characters).collect())
        .unwrap_or_default()
}

/// The sites that a marking decides and those that are read in the marked text, in order.
fn written_and_read(text: &str, marking: &Marking) -> [Vec<(Cell, bool)>; 2] {
    let (mut written, mut read) = (Vec::new(), Vec::new());
    let mut rewriter = Rewriter::new(Lexicon::english(), |site: &Site<'_>| {
        let bit = marking.bit(site.cell());
        written.extend(bit.map(|bit| (site.cell(), bit)));
        bit
    });
    let mut out = String::new();
    rewriter.push(text, &mut out);
    rewriter.finish(false, &mut out);
    drop(rewriter);
    each_site(Lexicon::english(), &out, |site| read.push((site.cell(), site.variant)));
    [written, read]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn any_text_is_rewritten_alike_however_it_is_cut(
        text in prose(), cuts in proptest::collection::vec(0.0..1.0_f64, 0..8), seed in 0..8_u8,
    ) {
        let marking = &MARKINGS[usize::from(seed)];
        let mut cuts: Vec<usize> = cuts
            .iter()
            .map(|cut| (text.len() as f64 * cut) as usize)
            .map(|at| (0..=at).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0))
            .collect();
        cuts.extend([0, text.len()]);
        cuts.sort_unstable();
        let pieces: Vec<&str> = cuts.windows(2).map(|pair| &text[pair[0]..pair[1]]).collect();
        prop_assert_eq!(mark(&pieces, marking), mark(&[&text], marking));
    }

    #[test]
    fn any_text_is_the_same_after_a_second_pass(text in prose(), seed in 0..8_u8) {
        let marking = &MARKINGS[usize::from(seed)];
        let once = mark(&[&text], marking);
        prop_assert_eq!(mark(&[&once], marking), once.clone());
    }

    #[test]
    fn what_is_held_back_is_bounded_and_leaves_in_order(text in prose()) {
        let mut rewriter = Rewriter::new(Lexicon::english(), |_: &Site<'_>| None);
        let mut out = String::new();
        for (at, character) in text.char_indices() {
            rewriter.push(character.encode_utf8(&mut [0; 4]), &mut out);
            let (held, read) = (rewriter.held(), &text[..at + character.len_utf8()]);
            prop_assert!(held.matches(' ').count() <= 3 && held.len() <= 4 * MAX_WORD_BYTES + 32);
            prop_assert_eq!(format!("{out}{held}"), read);
        }
    }

    #[test]
    fn nothing_between_fences_is_touched(inside in prose(), seed in 0..8_u8) {
        let inside = inside.replace(['`', '~'], "");
        let text = format!("These are the things that we don't need.\n\n```\n{inside}\n```\nThe end.");
        let marked = mark(&[&text], &MARKINGS[usize::from(seed)]);
        let fenced = format!("```\n{inside}\n```\n");
        prop_assert!(marked.contains(&fenced));
    }

    #[test]
    fn sites_are_read_where_they_were_written(text in prose(), seed in 0..8_u8) {
        // Lines of verse apart, each line is a paragraph.
        let [written, read] = written_and_read(&text.replace('\n', "\n\n"), &MARKINGS[usize::from(seed)]);
        prop_assert_eq!(read, written);
    }

    #[test]
    fn beyond_what_was_written_only_verse_is_read(text in prose(), seed in 0..8_u8) {
        let [written, read] = written_and_read(&text, &MARKINGS[usize::from(seed)]);
        let mut read = read.iter();
        for site in &written {
            prop_assert!(read.any(|other| other == site), "{:?}", site);
        }
    }

    #[test]
    fn offsets_lead_from_every_untouched_byte_to_the_same(text in prose(), seed in 0..8_u8) {
        let marking = &MARKINGS[usize::from(seed)];
        let mut rewriter = Rewriter::new(Lexicon::english(), marking).with_offsets(Unit::Bytes);
        let mut out = String::new();
        rewriter.push(&text, &mut out);
        rewriter.finish(false, &mut out);
        let map = rewriter.offsets().unwrap();
        for (at, byte) in text.bytes().enumerate() {
            if map.is_untouched(at, at + 1) {
                prop_assert_eq!(map.map(at).map(|to| out.as_bytes()[to]), Some(byte));
            }
        }
    }

    #[test]
    fn any_characters_at_all_pass_unchanged_without_a_lexicon(text in "\\PC{0,60}[\n`$\"*]{0,5}\\PC{0,60}") {
        let lexicon = Lexicon::empty();
        let mut rewriter = Rewriter::new(&lexicon, |_: &Site<'_>| Some(true));
        let mut out = String::new();
        rewriter.push(&text, &mut out);
        rewriter.finish(false, &mut out);
        prop_assert_eq!(out, text);
    }
}
