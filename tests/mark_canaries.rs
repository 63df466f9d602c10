//! Canary cells: the choices to the bit, and what they tell of a text that was copied, learned or forged.

use guilloche::forensics::detect::LawCounts;
use guilloche::forensics::evidence::{CopyEvidence, Differing, Strengths};
use guilloche::mark::cell::{Cell, KeyName, MarkKey, Purpose, Role, Roles};
use guilloche::mark::keys::{Keys, Recipient, Scheme, TextKeys, TextMarking};
use guilloche::mark::law::{
    ACTIVE_GROUPS, Answer, BUCKETS, BucketKey, Canaries, CountedPlace, CountingKey, PASSAGE_GROUPS,
    PassageKey, canary_uniform, is_canary, threshold, uniform,
};
use guilloche::mark::lexical::{Rewriter, Site, each_site};
use guilloche::mark::lexicon::Lexicon;
use jiff::{SignedDuration, Timestamp};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use serde::Deserialize;

const PROSE: &str = include_str!("fixtures/prose/rust-book.txt");

/// Written by `tests/kat/make_canaries.py`, which names what it was made with.
const VECTORS: &str = include_str!("kat/canaries.json");

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

fn keys(number: u8) -> Keys {
    Keys::from_master(&[number; 32], Timestamp::UNIX_EPOCH).with_scheme(Scheme::Canaries)
}

fn marking(keys: Keys) -> TextMarking {
    let recipient = Recipient { tenant: "", account: "a", cluster: None, arm: None };
    TextKeys::new(keys).marking(1, recipient, 1.0)
}

fn rewritten<'t>(marking: &TextMarking, pieces: impl IntoIterator<Item = &'t str>) -> String {
    let (mut rewriter, mut out) =
        (Rewriter::new(Lexicon::english(), marking.begin()), String::new());
    for piece in pieces {
        rewriter.push(piece, &mut out);
    }
    rewriter.finish(false, &mut out);
    out
}

/// Keys under which some of the texts have canaries that show.
const DIFFERING: u8 = 7;

/// Paragraphs, some to a text.
fn texts() -> Vec<String> {
    let paragraphs: Vec<&str> = PROSE.split("\n\n").collect();
    paragraphs.chunks(8).map(|some| some.join("\n\n")).collect()
}

/// The places of a text with what stands there, by the counting key alone.
fn places(counting: &CountingKey, text: &str) -> Vec<(CountedPlace, bool)> {
    let (mut answer, mut places) = (Answer::default(), Vec::new());
    each_site(Lexicon::english(), text, |site: &Site<'_>| {
        counting.each_place(&mut answer, site, |place| places.push((place, site.variant)));
    });
    places
}

fn roles(keys: &Keys) -> Roles {
    Roles::new(keys.master(), Lexicon::english().numbers() * BUCKETS)
}

fn key(keys: &Keys, role: Role, id: &str) -> MarkKey {
    keys.derive(&KeyName { purpose: Purpose::Lexical, tenant: "", epoch: 1, role, id })
}

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

/// Break it: forget the scheme in the file of the counting key, or write passages where there are none.
#[test]
fn counts_are_written_and_read_with_their_passages_and_those_of_the_law_as_before() {
    let folder = std::path::PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("mark-canaries");
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    for scheme in [Scheme::Law, Scheme::Canaries] {
        let keys = keys(9).with_scheme(scheme);
        let file = folder.join(scheme.name());
        keys.create(&file).unwrap();
        assert_eq!(Keys::read(&file).unwrap().scheme(1), scheme);
        let counting = CountingKey::of_epoch(&keys, 1).unwrap();
        let bucket = folder.join(format!("{}.bucket", scheme.name()));
        counting.create(&bucket).unwrap();
        let again = CountingKey::read(&bucket).unwrap();
        assert_eq!(again.rules(), counting.rules());
        let counts = counted(&again, texts().iter());
        let written = serde_json::to_string(&counts).unwrap();
        let canaries = scheme == Scheme::Canaries;
        assert_eq!(written.contains("passages"), canaries);
        assert_eq!(counts.in_passages().is_empty(), !canaries);
        assert_eq!(serde_json::from_str::<LawCounts>(&written).unwrap(), counts);
        let mut twice = counts.clone();
        twice.merge(&counts).unwrap();
        let sum = |counts: &LawCounts| -> u32 {
            counts.in_passages().iter().map(|(_, _, _, [zeros, ones])| zeros + ones).sum()
        };
        assert_eq!(sum(&twice), 2 * sum(&counts));
    }
}

#[test]
fn a_new_epoch_has_canaries_where_the_one_before_has_them_or_they_are_asked_for() {
    let now = |hours| Timestamp::UNIX_EPOCH + SignedDuration::from_hours(hours);
    let mut keys = Keys::from_master(&[1; 32], Timestamp::UNIX_EPOCH);
    assert_eq!(keys.rotate(now(1), SignedDuration::ZERO).unwrap().scheme, Scheme::Law);
    let asked = keys.rotate_to(Scheme::Canaries, now(2), SignedDuration::ZERO).unwrap();
    assert_eq!(asked.scheme, Scheme::Canaries);
    assert_eq!(keys.rotate(now(3), SignedDuration::ZERO).unwrap().scheme, Scheme::Canaries);
    assert_eq!((keys.scheme(1), keys.scheme(2)), (Scheme::Law, Scheme::Law));
}

fn counted<'t>(counting: &CountingKey, texts: impl Iterator<Item = &'t String>) -> LawCounts {
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

/// Break it: choose the active groups by the bucket key, or leave the strength out.
#[test]
fn a_copy_is_told_from_text_that_follows_the_same_cells_everywhere() {
    let (mut sent, mut forged) = (0.0, 0.0);
    for number in 1..9 {
        let keys = keys(number);
        let counting = CountingKey::of_epoch(&keys, 1).unwrap();
        let (roles, canaries) = (roles(&keys), Canaries::derive(keys.master(), "", 1));
        let test = |scheme: Scheme| {
            let marking = marking(keys.clone().with_scheme(scheme));
            let marked: Vec<String> =
                texts().iter().map(|text| rewritten(&marking, [&**text])).collect();
            let counts = counted(&counting, marked.iter());
            let global = key(&keys, Role::Global, "");
            CopyEvidence::new(&counts, &global, &canaries, &roles, &Strengths::new([]))
        };
        let copy = test(Scheme::Canaries);
        assert_eq!((copy.active.ordinary, copy.others.canary), (0, 0), "{copy:?}");
        assert!(copy.others.ordinary > 0 && copy.ln_p == copy.ln_p_of_copy, "{copy:?}");
        sent += copy.ln_p / 8.0;
        // Who follows the usual choice of every cell follows the key in four of five passages.
        let usual = test(Scheme::Law);
        assert_eq!(usual.active.canary + usual.others.canary, 0, "{usual:?}");
        forged += usual.ln_p / 8.0;
    }
    assert!(sent < -2.0 && forged > -1.5, "{sent} {forged}");
}

/// Places of a group with this balance.
fn balanced(balance: i64) -> Differing {
    let number = balance.unsigned_abs();
    let [canary, ordinary] = if balance > 0 { [number, 0] } else { [0, number] };
    Differing { canary, ordinary }
}

/// The share of the sets of as many groups whose sum is at least that of the active ones, by listing them.
fn listed(values: &[i64], active: u32) -> f64 {
    let of = |set: u32| -> i64 {
        let chosen = values.iter().enumerate().filter(|(place, _)| set >> place & 1 == 1);
        chosen.map(|(_, value)| value).sum()
    };
    let sets = (0_u32..1 << values.len()).filter(|set| set.count_ones() == active.count_ones());
    let (all, reaching) = sets.fold((0, 0), |(all, reaching), set| {
        (all + 1, reaching + u32::from(of(set) >= of(active)))
    });
    f64::from(reaching) / f64::from(all)
}

/// Break it: skip one more sum, take a value twice, or forget that values may be negative.
#[test]
fn of_few_groups_p_is_what_listing_all_sets_gives() {
    let cases: [&[i64]; 4] =
        [&[3, -1, 0, 0, 2, -5, 7, 1, 1, -2], &[-3, -3, -3, -9, -1, -2], &[5; 8], &[0, 0, 0, 1]];
    for values in cases {
        let groups: Vec<Differing> = values.iter().map(|value| balanced(*value)).collect();
        for active in 1_u32..1 << values.len() {
            let found = CopyEvidence::of_groups(&groups, |group| active >> group & 1 == 1).ln_p;
            let expected = listed(values, active);
            assert!((found.exp() - expected).abs() < 1e-12, "{values:?} {active:b} {expected}");
        }
    }
}

/// Break it: let large sums be as they are, or be scaled by the active groups' alone.
#[test]
fn large_sums_are_scaled_and_say_the_same_and_a_whole_copy_shows_the_most_there_is() {
    let active = |group: u8| group % 5 == 0;
    let of = |scale: i64| {
        let groups: Vec<Differing> =
            (0..64).map(|group| balanced((group * 37 % 16 - 8) * 125 * scale)).collect();
        CopyEvidence::of_groups(&groups, active).ln_p
    };
    assert!((of(1) - of(1_000_000)).abs() < 1e-12 && of(1) < -0.1, "{} {}", of(1), of(1_000_000));

    let none = CopyEvidence::of_groups(&[Differing::default(); 64], active);
    assert_eq!((none.ln_p, none.ln_p_of_copy), (0.0, 0.0));
    let copy: Vec<Differing> =
        (0..64).map(|group| balanced(if active(group) { 3 } else { -3 })).collect();
    let found = CopyEvidence::of_groups(&copy, active);
    // One set in C(64, 13).
    assert!((found.ln_p + 13_136_858_812_224.0_f64.ln()).abs() < 1e-9, "{}", found.ln_p);
    assert_eq!(found.ln_p, found.ln_p_of_copy);
    assert_eq!((found.active.canary, found.others.ordinary), (39, 153));
}

/// A place of the prose in a canary cell of [`keys`], of which document it is.
type Place = (usize, CountedPlace, bool);

/// What a text that knows nothing of the active groups looks like.
#[derive(Clone, Copy, Debug)]
enum Text {
    Unmarked,
    MarkedByAnotherKey,
    /// Each place follows its cell's canary or its usual choice, in whatever passage it stands.
    Learned,
    /// Each passage does, in all its places.
    Forged,
}

/// Break it: count the subsets whose sum is greater, and not those whose is the same.
#[test]
fn without_knowledge_of_the_active_groups_p_is_no_smaller_than_it_says() {
    const KEYS: u32 = if cfg!(debug_assertions) { 400 } else { 2_000 };
    let keys = keys(3);
    let counting = CountingKey::of_epoch(&keys, 1).unwrap();
    let roles = roles(&keys);
    let in_canaries = |texts: &[String]| -> Vec<Place> {
        let of = |(number, text): (usize, &String)| -> Vec<Place> {
            let places = places(&counting, text).into_iter();
            places.map(move |(place, variant)| (number, place, variant)).collect()
        };
        let places = texts.iter().enumerate().flat_map(of);
        places.filter(|(_, place, _)| is_canary(&roles, place.cell)).collect()
    };
    let marking = marking(self::keys(4));
    let marked: Vec<String> = texts().iter().map(|text| rewritten(&marking, [&**text])).collect();
    let (plain, marked) = (in_canaries(&texts()), in_canaries(&marked));
    for text in [Text::Unmarked, Text::MarkedByAnotherKey, Text::Learned, Text::Forged] {
        let mut low = [0_u32; 2];
        for number in 0..KEYS {
            let ln_p = ln_p_of(text, number, (&plain, &marked), &counting, &roles);
            low[0] += u32::from(ln_p <= 0.05_f64.ln());
            low[1] += u32::from(ln_p <= 0.01_f64.ln());
        }
        println!("{text:?}: {low:?} of {KEYS} at most 0.05 and 0.01");
        for (low, level) in low.into_iter().zip([0.05, 0.01]) {
            let expected = f64::from(KEYS) * level;
            assert!(f64::from(low) <= expected + 3.0 * expected.sqrt(), "{text:?}: {low}, {level}");
        }
    }
}

fn ln_p_of(
    text: Text,
    number: u32,
    (plain, marked): (&[Place], &[Place]),
    counting: &CountingKey,
    roles: &Roles,
) -> f64 {
    let mut random = ChaCha20Rng::seed_from_u64(number.into());
    let mut drawn = || {
        let mut bytes = [0; 32];
        random.fill_bytes(&mut bytes);
        MarkKey::from_bytes(bytes)
    };
    let (key, canaries) = (drawn(), Canaries::of_key(drawn()));
    let places = if matches!(text, Text::MarkedByAnotherKey) { marked } else { plain };
    let (mut usual, mut other) = (key.stream(), canaries.stream());
    let mut fifth = || random.next_u32() % 5 == 0;
    let mut counts = LawCounts::new(counting);
    let (mut passage, mut follows_canary) = (None, false);
    for (document, place, variant) in places {
        let CountedPlace { cell, log_odds, passage: group } = *place;
        if matches!(text, Text::Learned) || passage != Some((document, group)) {
            follows_canary = fifth();
        }
        passage = Some((document, group));
        let variant = match text {
            Text::Unmarked | Text::MarkedByAnotherKey => *variant,
            _ if follows_canary => canary_uniform(&mut other, cell) < threshold(log_odds),
            _ => uniform(&mut usual, cell) < threshold(log_odds),
        };
        counts.add(0, &vec![(cell.index(), log_odds, variant, group)]);
    }
    CopyEvidence::new(&counts, &key, &canaries, roles, &Strengths::new([])).ln_p
}
