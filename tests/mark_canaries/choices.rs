//! Choices to the bit: groups, openings, and which uniform decides.

use guilloche::forensics::evidence::{CopyEvidence, Differing};
use guilloche::mark::cell::{Cell, Role};
use guilloche::mark::keys::Scheme;
use guilloche::mark::law::{
    ACTIVE_GROUPS, BucketKey, Canaries, CountedPlace, CountingKey, PASSAGE_GROUPS, PassageKey,
    canary_uniform, is_canary, threshold, uniform,
};
use guilloche::mark::lexical::Rewriter;
use guilloche::mark::lexicon::Lexicon;
use serde::Deserialize;

use super::texts::{PROSE, key, keys, marking, places, rewritten, roles, texts};

/// Written by `tests/kat/make_canaries.py`, which names what it was made with.
const VECTORS: &str = include_str!("../kat/canaries.json");

#[derive(Deserialize)]
struct Vectors {
    master: String,
    epoch: u32,
    tenant: String,
    openings: Vec<(String, u8)>,
    active: Vec<u8>,
    cells: Vec<(u32, u32)>,
    groups: Vec<(u64, u64)>,
    ln_p: f64,
}

/// Break it: take another context, purpose or word of the stream, the greatest draws, or sums beyond the one found.
#[test]
fn groups_active_groups_uniforms_and_p_are_those_of_another_hand() {
    let vectors: Vectors = serde_json::from_str(VECTORS).unwrap();
    let master = *blake3::Hash::from_hex(&vectors.master).unwrap().as_bytes();
    let passages = PassageKey::of(&BucketKey::derive(&master, vectors.epoch));
    for (opening, group) in vectors.openings {
        assert_eq!(passages.group(&opening), group, "{opening}");
    }
    let canaries = Canaries::derive(&master, &vectors.tenant, vectors.epoch);
    let active: Vec<u8> = (0..PASSAGE_GROUPS).filter(|it| canaries.is_active(*it)).collect();
    assert_eq!((active.len(), active), (ACTIVE_GROUPS, vectors.active));
    let mut stream = canaries.stream();
    for (cell, drawn) in vectors.cells {
        assert_eq!(canary_uniform(&mut stream, Cell::from_number(cell)), drawn);
    }
    let groups = vectors.groups.into_iter();
    let groups: Vec<Differing> =
        groups.map(|(canary, ordinary)| Differing { canary, ordinary }).collect();
    let found = CopyEvidence::of_groups(&groups, |group| canaries.is_active(group)).ln_p;
    assert!((found - vectors.ln_p).abs() < 1e-9, "{found} {}", vectors.ln_p);
}

/// Keys under which some of the texts have canaries that show.
const DIFFERING: u8 = 7;

/// Break it: take the opening from what the author wrote, or have the group within the opening, or canaries in arms' cells.
#[test]
fn who_reads_a_marked_text_finds_the_group_and_the_choice_of_each_place_and_marking_it_again_changes_nothing()
 {
    let (mut met, mut by_canary, mut other) = (0, 0, 0);
    for number in 7..11 {
        let keys = keys(number);
        let counting = CountingKey::of_epoch(&keys, 1).unwrap();
        let (roles, canaries) = (roles(&keys), Canaries::derive(keys.master(), "", 1));
        let (global, own) = (key(&keys, Role::Global, ""), key(&keys, Role::Account, "a"));
        let marking = marking(keys.clone());
        for text in texts() {
            let marked = rewritten(&marking, [&*text]);
            assert_eq!(rewritten(&marking, [&*marked]), marked);
            for (CountedPlace { cell, log_odds, passage }, variant) in places(&counting, &marked) {
                let key = if roles.of(cell) == Role::Global { &global } else { &own };
                let usual = uniform(&mut key.stream(), cell);
                let active = passage.is_some_and(|group| canaries.is_active(group));
                let drawn = if active && is_canary(&roles, cell) {
                    by_canary += 1;
                    let drawn = canary_uniform(&mut canaries.stream(), cell);
                    let threshold = threshold(log_odds);
                    other += u32::from((drawn < threshold) != (usual < threshold));
                    drawn
                } else {
                    usual
                };
                assert_eq!(variant, drawn < threshold(log_odds), "{cell:?}");
                met += 1;
            }
        }
    }
    assert!(met > 600 && by_canary > 12 && other > 2, "{met} {by_canary} {other}");
}

/// Break it: hold text back until an opening is whole, or begin an opening with each piece.
#[test]
fn wherever_a_text_is_cut_the_same_comes_out_and_no_more_of_it_is_held_back_than_without_canaries()
{
    let [with, without] =
        [Scheme::Canaries, Scheme::Law].map(|scheme| marking(keys(DIFFERING).with_scheme(scheme)));
    let differing =
        |text: &&String| rewritten(&with, [&***text]) != rewritten(&without, [&***text]);
    let texts = texts();
    let text = texts.iter().find(differing).unwrap();
    let whole = rewritten(&with, [&**text]);
    for (cut, _) in text.char_indices() {
        let (left, right) = text.split_at(cut);
        assert_eq!(rewritten(&with, [left, right]), whole, "cut at {cut}");
    }
    let lexicon = Lexicon::english();
    let mut rewriters = [&with, &without].map(|marking| Rewriter::new(lexicon, marking.begin()));
    for piece in text.split_inclusive(' ') {
        let [with, without] = &mut rewriters;
        with.push(piece, &mut String::new());
        without.push(piece, &mut String::new());
        assert_eq!(with.held(), without.held());
    }
}

/// Break it: have canaries in every group, or none.
#[test]
fn a_text_without_a_passage_of_an_active_group_is_as_the_law_alone_marks_it_and_some_others_are_not()
 {
    let keys = keys(DIFFERING);
    let counting = CountingKey::of_epoch(&keys, 1).unwrap();
    let canaries = Canaries::derive(keys.master(), "", 1);
    let law = marking(keys.clone().with_scheme(Scheme::Law));
    let with = marking(keys.clone());
    let (mut same, mut different) = (0, 0);
    for text in PROSE.split("\n\n") {
        let (by_law, marked) = (rewritten(&law, [text]), rewritten(&with, [text]));
        let is_active = places(&counting, &by_law)
            .iter()
            .any(|(place, _)| place.passage.is_some_and(|group| canaries.is_active(group)));
        if is_active {
            different += u32::from(by_law != marked);
        } else {
            assert_eq!(by_law, marked);
            same += 1;
        }
    }
    assert!(same > 100 && different > 0, "{same} {different}");
}
