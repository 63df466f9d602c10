//! Marks that keep the law of their writer: the choices to the bit, and what they make of a text.

#![expect(clippy::string_slice, clippy::unwrap_used, reason = "a test that cannot go on must fail")]

use std::sync::Arc;

use guilloche::forensics::detect::LawCounts;
use guilloche::forensics::evidence::{LawWeights, Strengths};
use guilloche::mark::cell::{Cell, ClassId, MarkKey, Roles};
use guilloche::mark::keys::{Keys, Recipient, Scheme, TextKeys, TextMarking};
use guilloche::mark::law::{
    Answer, AuthorCounts, BUCKETS, BucketKey, CountingKey, LEAST_SITES, Place, Rates, coin,
    threshold, uniform,
};
use guilloche::mark::lexical::Rewriter;
use guilloche::mark::lexicon::Lexicon;
use jiff::Timestamp;
use proptest::prelude::*;
use serde::Deserialize;
use serde_json::{Value, json};

/// Written by `tests/kat/make_law.py`, which names what it was made with.
const VECTORS: &str = include_str!("kat/law.json");

#[derive(Deserialize)]
struct Vectors {
    master: String,
    epoch: u32,
    bucket_key: String,
    key: String,
    cells: Vec<(u32, u32, u8)>,
    thresholds: Vec<(i16, u32)>,
    texts: Vec<Text>,
    tests: Vec<Test>,
}

#[derive(Deserialize)]
struct Text {
    sites: Vec<(u16, String, u8)>,
    places: Vec<Value>,
}

/// Log-odds, and how often each variant.
type Counted = (i16, u32, u32);

#[derive(Deserialize)]
struct Test {
    strengths: Vec<(f64, f64)>,
    cells: Vec<(u32, Vec<Counted>)>,
    ln_p: f64,
    totals: [f64; 3],
}

fn vectors() -> Vectors {
    serde_json::from_str(VECTORS).unwrap()
}

fn bytes(digits: &str) -> [u8; 32] {
    *blake3::Hash::from_hex(digits).unwrap().as_bytes()
}

/// Break it: take six other bits of the hash, another purpose, or another word of the stream.
#[test]
fn keys_buckets_uniforms_and_coins_are_those_of_another_hand() {
    let vectors = vectors();
    let buckets = BucketKey::derive(&bytes(&vectors.master), vectors.epoch);
    assert_eq!(buckets.as_bytes(), &bytes(&vectors.bucket_key));
    let mut stream = MarkKey::from_bytes(bytes(&vectors.key)).stream();
    for (cell, drawn, tossed) in vectors.cells {
        let cell = Cell::from_number(cell);
        assert_eq!((uniform(&mut stream, cell), coin(&mut stream, cell)), (drawn, tossed));
    }
    for (log_odds, expected) in vectors.thresholds {
        // The last bits are those of a library's `exp`.
        assert!(threshold(log_odds).abs_diff(expected) <= 2, "{log_odds}");
    }
}

/// Break it: forget the history of the kind, or what a pronoun was first, or that a cell came before.
#[test]
fn places_and_their_log_odds_are_those_of_another_hand() {
    let vectors = vectors();
    let (rates, buckets) = (Rates::english(), BucketKey::from_bytes(bytes(&vectors.bucket_key)));
    for Text { sites, places } in vectors.texts {
        let mut answer = Answer::default();
        for ((class, previous, variant), expected) in sites.into_iter().zip(places) {
            let class = ClassId(class);
            let place = match answer.reach(&rates, &buckets, class, &previous) {
                Place::Free { cell, log_odds } => json!(["free", cell.index(), log_odds]),
                Place::Follows(first) => json!(["follows", u8::from(first)]),
                Place::Author => json!("author"),
            };
            answer.note(&rates, class, variant == 1);
            assert_eq!(place, expected, "{class:?} behind {previous:?}");
        }
    }
}

/// Break it: leave out the noise of a cell, the prior of a habit, or the factor of the three shares.
#[test]
fn scores_and_p_values_are_those_of_another_hand() {
    let vectors = vectors();
    let key = MarkKey::from_bytes(bytes(&vectors.key));
    for Test { strengths, cells, ln_p, totals } in vectors.tests {
        let rows: Vec<_> = cells
            .iter()
            .flat_map(|(cell, places)| {
                places.iter().map(move |(odds, zeros, ones)| json!([cell, odds, 0, zeros, ones]))
            })
            .collect();
        let stored = json!({ "epoch": 3, "rules": "", "counts": rows, "past_capacity": 0 });
        let counts: LawCounts = serde_json::from_value(stored).unwrap();
        let score = LawWeights::new(&counts, &Strengths::new(strengths)).score(&key);
        for (found, expected) in score.totals().into_iter().zip(totals) {
            assert!(
                (found - expected).abs() < 1e-9 * expected.abs().max(1.0),
                "{found} {expected}"
            );
        }
        assert!(
            (score.ln_p() - ln_p).abs() < 1e-9 * ln_p.abs().max(1.0),
            "{} {ln_p}",
            score.ln_p()
        );
    }
}

/// [`PROSE`] by the lexicons before this one, each text marked under `keys(7)` for account `a`.
const OLDER: [&str; 3] = [
    include_str!("fixtures/marks/older-scanner-3.jsonl"),
    include_str!("fixtures/marks/older-scanner-4.jsonl"),
    include_str!("fixtures/marks/older-scanner-5.jsonl"),
];

const PROSE: &str = include_str!("fixtures/prose/rust-book.txt");

fn keys(number: u8) -> Keys {
    Keys::from_master(&[number; 32], Timestamp::UNIX_EPOCH)
}

fn marking(keys: Keys, strength: f64) -> TextMarking {
    let recipient = Recipient { tenant: "", account: "a", cluster: None, arm: None };
    TextKeys::new(keys).marking(1, recipient, strength)
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

/// Paragraphs, some to a text. Where one ends with a colon the book has a listing, without which the next paragraph
/// would be what is announced, and be read though it is not marked.
fn texts() -> impl Iterator<Item = String> {
    let prose = PROSE.replace(":\n\n", ".\n\n");
    let paragraphs: Vec<&str> = prose.split("\n\n").collect();
    paragraphs.chunks(8).map(|some| some.join("\n\n")).collect::<Vec<_>>().into_iter()
}

/// Break it: note in the answer what the author wrote in place of what went out.
#[test]
fn a_marked_text_follows_its_key_wherever_the_key_chooses_and_marking_it_again_changes_nothing() {
    let keys = keys(7);
    let counting = CountingKey::of_epoch(&keys, 1).unwrap();
    let roles = Roles::new(keys.master(), Lexicon::english().numbers() * BUCKETS);
    let key = |role, id| {
        let purpose = guilloche::mark::cell::Purpose::Lexical;
        keys.derive(&guilloche::mark::cell::KeyName { purpose, tenant: "", epoch: 1, role, id })
    };
    use guilloche::mark::cell::Role;
    let (global, own) = (key(Role::Global, ""), key(Role::Account, "a"));
    let marking = marking(keys.clone(), 1.0);
    let mut met = 0;
    for text in texts() {
        let marked = rewritten(&marking, [&*text]);
        assert_eq!(rewritten(&marking, [&*marked]), marked);
        for (cell, log_odds, variant) in counting.places(&marked) {
            let key = if roles.of(cell) == Role::Global { &global } else { &own };
            let drawn = uniform(&mut key.stream(), cell) < threshold(log_odds);
            assert_eq!(variant, drawn, "{cell:?}");
            met += 1;
        }
    }
    assert!(met > 250, "{met}");
}

/// Break it: draw by a fair coin, or turn the uniform round.
#[test]
fn over_many_keys_a_form_is_written_as_often_as_its_rates_say() {
    let (mut written, mut expected, mut variance) = (0.0, 0.0, 0.0);
    let some: Vec<String> = texts().take(20).collect();
    for number in 0..20 {
        let keys = keys(number);
        let counting = CountingKey::of_epoch(&keys, 1).unwrap();
        let marking = marking(keys, 1.0);
        for text in &some {
            for (_, log_odds, variant) in counting.places(&rewritten(&marking, [&**text])) {
                let p = f64::from(threshold(log_odds)) / 2.0_f64.powi(32);
                let usual = if p < 0.5 { variant } else { !variant };
                written += f64::from(u8::from(usual));
                expected += p.min(1.0 - p);
                variance += p * (1.0 - p);
            }
        }
    }
    // Sites of one cell share a uniform under a key, so that the deviation is some what larger.
    let off: f64 = written - expected;
    assert!(off.abs() < 6.0 * f64::sqrt(variance), "{written} {expected}");
}

/// Break it: give all cells the mark whatever their coins.
#[test]
fn at_half_strength_half_of_the_cells_are_left_as_the_author_had_them() {
    let texts: Vec<String> = texts().collect();
    let changed = |strength: f64| -> usize {
        let marking = marking(keys(3), strength);
        let sites = |text: &String| {
            let mut rewriter = Rewriter::new(Lexicon::english(), marking.begin());
            rewriter.push(text, &mut String::new());
            rewriter.finish(false, &mut String::new());
            usize::try_from(rewriter.sites()).unwrap()
        };
        texts.iter().map(sites).sum()
    };
    let (all, half) = (changed(1.0), changed(0.5));
    assert!((all * 4 / 10..all * 6 / 10).contains(&half), "{half} of {all}");
    assert_eq!(changed(0.0), 0);
}

/// What was marked by the lexicons before (scanner 3, digest 501a196143d8048c; scanner 4, digest 9394e1adada105ce; scanner 5,
/// digest ebd5df16771a6599) is read by this one: classes keep their numbers, and a cell that is still read says what it said. Break it: give a number to another class.
#[test]
fn a_text_that_an_older_lexicon_marked_is_still_found() {
    let keys = keys(7);
    let counting = CountingKey::of_epoch(&keys, 1).unwrap();
    let roles = Roles::new(keys.master(), Lexicon::english().numbers() * BUCKETS);
    let name = |purpose, role, id| guilloche::mark::cell::KeyName {
        purpose,
        tenant: "",
        epoch: 1,
        role,
        id,
    };
    use guilloche::mark::cell::{Purpose, Role};
    let key = keys.derive(&name(Purpose::Lexical, Role::Global, ""));
    let decoy = keys.derive(&name(Purpose::Lexical, Role::Global, "another"));
    for older in OLDER {
        let mut counts = LawCounts::new(&counting);
        let (mut met, mut follow) = (0, 0);
        for (group, line) in (0..).zip(older.lines()) {
            let text = serde_json::from_str::<Value>(line).unwrap();
            let places = counting.places(text["text"].as_str().unwrap());
            for (cell, log_odds, variant) in &places {
                if roles.of(*cell) == Role::Global {
                    met += 1;
                    let drawn = uniform(&mut key.stream(), *cell) < threshold(*log_odds);
                    follow += usize::from(drawn == *variant);
                }
            }
            let places: Vec<_> =
                places.into_iter().map(|(c, l, v)| (c.index(), l, v, None)).collect();
            counts.add(group, &places);
        }
        assert!(met >= 60 && follow * 10 >= met * 7, "{follow} of {met}");
        let global = |cell: usize| roles.as_slice()[cell] == Role::Global;
        let weights = LawWeights::new(&counts, &Strengths::new([])).only(global);
        assert!(weights.score(&key).ln_p() < -12.0, "{}", weights.score(&key).ln_p());
        assert!(weights.score(&decoy).ln_p() > -3.0);
    }
}

#[test]
fn the_scheme_of_an_epoch_is_in_the_key_file_and_old_files_name_none() {
    let folder = std::path::PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("mark-law");
    std::fs::create_dir_all(&folder).unwrap();
    for (scheme, line) in [(Scheme::Law, "Z - law\n"), (Scheme::Coins, "Z -\n")] {
        let path = folder.join(scheme.name());
        let _ = std::fs::remove_file(&path);
        keys(5).with_scheme(scheme).create(&path).unwrap();
        assert!(std::fs::read_to_string(&path).unwrap().ends_with(line));
        let mut read = Keys::read(&path).unwrap();
        assert_eq!(read.scheme(1), scheme);
        let hour = jiff::SignedDuration::from_hours(1);
        read.rotate(Timestamp::UNIX_EPOCH + hour, hour).unwrap();
        assert_eq!((read.scheme(1), read.scheme(2)), (scheme, Scheme::Law));
    }
    assert!(CountingKey::of_epoch(&keys(5).with_scheme(Scheme::Coins), 1).is_none());
}

#[test]
fn the_built_in_rates_are_read_and_wrong_ones_are_told_by_their_line() {
    let rates = Rates::parse(include_str!("../src/mark/law/rates.tsv"), Lexicon::english());
    assert!(rates.is_ok(), "{rates:?}");
    for (text, line) in [
        ("# fine\n1\t-100\n1\tx", 3),
        ("@verb\t1\t2", 1),
        ("1\t-100\n2\t3\tword", 2),
        ("1\t-100\tword\tmore", 1),
        ("a\t-100", 1),
    ] {
        assert_eq!(Rates::parse(text, Lexicon::english()).unwrap_err().line, line, "{text}");
    }
}

/// Break it: learn what went out, or from every repetition.
#[test]
fn what_is_learned_is_what_the_author_wrote() {
    let texts_keys = TextKeys::new(keys(7));
    let recipient = Recipient { tenant: "", account: "a", cluster: None, arm: None };
    let marking = texts_keys.marking(1, recipient, 1.0);
    let mut written = std::collections::BTreeMap::<u16, [u64; 2]>::new();
    for text in texts() {
        assert_ne!(rewritten(&marking, [&*text]), "");
        let mut of_answer = std::collections::BTreeMap::new();
        guilloche::mark::lexical::each_site(Lexicon::english(), &text, |site| {
            let met = of_answer.entry(site.class.0).or_insert(0);
            *met += 1;
            if *met <= 5 {
                written.entry(site.class.0).or_default()[usize::from(site.variant)] += 1;
            }
        });
    }
    let learned = serde_json::to_value(texts_keys.take_learned()).unwrap();
    assert!(texts_keys.take_learned().is_empty(), "it is told once");
    let (mut met, mut off) = (0, 0);
    for row in learned.as_array().unwrap().iter().filter(|row| row[1] == "") {
        let class = u16::try_from(row[0].as_u64().unwrap()).unwrap();
        let seen = written.get(&class).copied().unwrap_or_default();
        for (found, seen) in [&row[2], &row[3]].into_iter().zip(seen) {
            met += seen;
            off += found.as_u64().unwrap().abs_diff(seen);
        }
    }
    // Where a mark wrote another word there are sites behind it that its author had not, as where a word comes again.
    assert!(met > 300 && off * 20 < met, "{off} of {met}");
}

/// Break it: learn from any number of sites, or leave a key file without what was learned.
#[test]
fn an_author_is_followed_once_enough_of_it_is_known_and_the_key_file_says_so() {
    let counts = |first: u64, second: u64| -> AuthorCounts {
        serde_json::from_value(json!([[62, "", first, second], [62, "so", 1, 1]])).unwrap()
    };
    let mut keys = keys(5);
    assert!(!keys.learn(&counts(LEAST_SITES - 1, 0)));
    assert!(keys.own_rates(1).is_none() && !keys.rules(1).contains("own"));
    assert!(keys.learn(&counts(LEAST_SITES / 5, LEAST_SITES)));
    // ln 5, drawn a little to the table.
    let own = keys.own_rates(1).unwrap().to_owned();
    let rate: i16 = own
        .strip_prefix("62=")
        .or(own.split(",62=").nth(1))
        .unwrap()
        .split(',')
        .next()
        .unwrap()
        .parse()
        .unwrap();
    assert!((150..=165).contains(&rate), "{rate}");
    assert!(keys.rules(1).contains("rates own "));

    let folder = std::path::PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    let (path, bucket) = (folder.join("learned.keys"), folder.join("learned.bucket"));
    let _ = (std::fs::remove_file(&path), std::fs::remove_file(&bucket));
    keys.create(&path).unwrap();
    let read = Keys::read(&path).unwrap();
    assert_eq!(read.own_rates(1), Some(own.as_str()));
    let counting = CountingKey::of_epoch(&read, 1).unwrap();
    counting.create(&bucket).unwrap();
    let again = CountingKey::read(&bucket).unwrap();
    let text = texts().next().unwrap();
    assert_eq!((again.rules(), again.places(&text)), (counting.rules(), counting.places(&text)));
    assert!(Rates::english().with("62=1,nothing").is_none());
}

#[test]
fn a_bucket_key_prints_nothing_of_itself() {
    let key = CountingKey::of_epoch(&keys(9), 1).unwrap();
    let shown = format!("{key:?}{:?}", Arc::new(key.buckets.clone()));
    let digits: String = key.buckets.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    assert!(key.render().contains(&digits) && !shown.contains(&digits[..8]));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    /// Break it: count a site of the answer each time that it is looked at.
    #[test]
    fn however_a_text_is_cut_it_is_marked_alike(number in 0_usize..40, cuts in proptest::collection::vec(0_usize..3000, 0..12)) {
        let text = texts().nth(number).unwrap_or_default();
        let marking = marking(keys(11), 1.0);
        let mut cuts: Vec<usize> = cuts.into_iter().filter(|cut| text.is_char_boundary(*cut)).collect();
        cuts.extend([0, text.len()]);
        cuts.sort_unstable();
        let pieces = cuts.windows(2).map(|pair| &text[pair[0]..pair[1]]);
        prop_assert_eq!(rewritten(&marking, pieces), rewritten(&marking, [&*text]));
    }
}
