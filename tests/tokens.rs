//! Other models' tokenizers, and what is counted in their tokens.
//!
//! `fixtures/tokenizers/make.py` made the tokenizers and the encodings, with `tokenizers` 0.23.3 for
//! Python.
#![cfg(all(feature = "forensics", feature = "tokenizers"))]
#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "helpers of tests fail as tests do"
)]

use std::collections::{BTreeMap, HashSet};
use std::path::Path;

use guilloche::forensics::detect::{MISSING, TokenPairs};
use guilloche::forensics::evidence::{SignSums, Weights};
use guilloche::mark::cell::MarkKey;
use guilloche::mark::lexicon::Lexicon;
use guilloche::mark::paired::{DELTA, PairedClasses};
use guilloche::mark::tokenizer::{Tokenizer, TokenizerProblem};
use proptest::prelude::*;
use serde_json::Value;

const BYTE_LEVEL: &[u8] = include_bytes!("fixtures/tokenizers/byte_level.json");
const METASPACE: &[u8] = include_bytes!("fixtures/tokenizers/metaspace.json");

fn byte_level() -> Tokenizer {
    Tokenizer::parse(BYTE_LEVEL).unwrap()
}

fn metaspace() -> Tokenizer {
    Tokenizer::parse(METASPACE).unwrap()
}

fn vectors(name: &str) -> Vec<(String, Vec<u32>, String)> {
    let all: Value =
        serde_json::from_str(include_str!("fixtures/tokenizers/encodings.json")).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let ids = |value: &Value| {
        value.as_array().unwrap().iter().map(|id| id.as_u64().unwrap() as u32).collect()
    };
    all[name]
        .as_array()
        .unwrap()
        .iter()
        .map(|vector| (text(&vector["text"]), ids(&vector["ids"]), text(&vector["decoded"])))
        .collect()
}

/// The stretches between the gaps.
fn stretches(tokens: &[u32]) -> Vec<&[u32]> {
    tokens.split(|token| *token == MISSING).filter(|stretch| !stretch.is_empty()).collect()
}

#[test]
fn a_byte_level_tokenizer_gives_the_tokens_of_pythons_library_and_leaves_nothing_out() {
    let tokenizer = byte_level();
    assert_eq!(tokenizer.vocabulary(), 4096);
    for (text, ids, decoded) in vectors("byte_level") {
        assert_eq!(decoded, text);
        assert_eq!(tokenizer.encode(&text), ids, "{text:?}");
    }
}

#[test]
fn a_normalizing_tokenizer_keeps_only_what_gives_the_text_back() {
    let tokenizer = metaspace();
    for (text, ids, decoded) in vectors("metaspace") {
        let tokens = tokenizer.encode(&text);
        if decoded == text {
            assert_eq!(tokens, ids, "{text:?}");
        }
        for stretch in stretches(&tokens) {
            let kept = tokenizer.decode(stretch).unwrap();
            assert!(text.contains(kept.trim_start()), "{kept:?} of {text:?}");
            assert!(ids.windows(stretch.len()).any(|window| window == stretch), "{text:?}");
        }
    }
    let unknown = tokenizer.encode("the proxy Ж reads the risk score ﬁne");
    let known: Vec<String> = stretches(&unknown)
        .iter()
        .map(|stretch| tokenizer.decode(stretch).unwrap().trim().to_owned())
        .collect();
    assert_eq!(known, ["the proxy", "reads the risk score"]);
}

#[test]
fn no_site_lies_across_a_gap() {
    use guilloche::forensics::detect::{TokenDocument, TokenSites, Window};
    let mut sites = TokenSites::new("test", Window { tokens: 1 }, 100);
    let answer = [1, 2, MISSING, 3, 4, MISSING];
    sites.add(&TokenDocument { answer: &answer, ..TokenDocument::default() });
    let pairs: Vec<(u32, u32)> =
        sites.iter().map(|(site, _)| (site.context[0], site.token)).collect();
    assert_eq!(pairs, [(1, 2), (3, 4)]);
}

#[test]
fn many_texts_give_the_same_tokens_on_any_number_of_threads() {
    let tokenizer = byte_level();
    let texts: Vec<String> =
        (0..50).map(|number| format!("answer {number}: the proxy, {}", number * 37)).collect();
    let on = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| tokenizer.encode_all(&texts))
    };
    let one = on(1);
    assert_eq!(one, on(5));
    assert_eq!(one[7], tokenizer.encode(&texts[7]));
}

#[test]
fn a_text_without_line_breaks_is_tokenized_in_parts() {
    let tokenizer = byte_level();
    let text = "é".repeat(300_000);
    let tokens = tokenizer.encode(&text);
    let kept: String =
        stretches(&tokens).iter().map(|stretch| tokenizer.decode(stretch).unwrap()).collect();
    assert_eq!(kept, text);
    assert_eq!(stretches(&tokens).len(), 3);
}

#[test]
fn a_file_that_is_no_tokenizer_is_named() {
    let missing = Tokenizer::read(Path::new("no/such/tokenizer.json")).unwrap_err();
    assert!(matches!(missing.problem, TokenizerProblem::File(_)));
    assert!(missing.to_string().starts_with("no/such/tokenizer.json: "));
    let wrong = Tokenizer::read(Path::new("Cargo.toml")).unwrap_err();
    assert!(matches!(wrong.problem, TokenizerProblem::Format(_)));
    assert!(wrong.to_string().starts_with("Cargo.toml: not a tokenizer.json"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn a_byte_level_tokenizer_gives_every_text_back(text in "\\PC{0,60}|[a-z \\n\\t]{0,80}") {
        let tokenizer = byte_level();
        prop_assert_eq!(tokenizer.decode(&tokenizer.encode(&text)).unwrap(), text);
    }

    #[test]
    fn what_a_normalizing_tokenizer_keeps_stands_in_the_text(text in "[ a-zé中ﬁ\\n]{0,60}") {
        let tokenizer = metaspace();
        let tokens = tokenizer.encode(&text);
        for stretch in stretches(&tokens) {
            let kept = tokenizer.decode(stretch).unwrap();
            prop_assert!(text.contains(kept.trim_start()), "{:?} of {:?}", kept, text);
        }
    }
}

fn key(byte: u8) -> MarkKey {
    MarkKey::from_bytes([byte; 32])
}

#[test]
fn pairs_are_single_tokens_written_alike_and_no_token_stands_in_two() {
    for tokenizer in [byte_level(), metaspace()] {
        let classes = PairedClasses::read(Lexicon::english(), &tokenizer);
        assert!(classes.used() >= 14, "{} classes", classes.used());
        let tokens: Vec<u32> = classes.pairs().iter().flat_map(|pair| pair.tokens).collect();
        assert_eq!(tokens.iter().collect::<HashSet<_>>().len(), tokens.len());
        for pair in classes.pairs() {
            let [first, second] = pair.tokens.map(|token| tokenizer.decode(&[token]).unwrap());
            let class = Lexicon::english().classes().find(|class| class.id == pair.class).unwrap();
            let forms = |(a, b): &(Box<str>, Box<str>)| {
                **a == *first.trim().to_lowercase() && **b == *second.trim().to_lowercase()
            };
            assert!(class.pairs.iter().any(forms), "{first:?} {second:?}");
            let capital = |word: &str| word.trim().starts_with(char::is_uppercase);
            assert_eq!(capital(&first), capital(&second));
        }
    }
}

#[test]
fn a_number_is_never_biased() {
    let tokenizer = byte_level();
    let classes = PairedClasses::read(Lexicon::english(), &tokenizer);
    for entry in classes.bias(&key(1), 1.0, usize::MAX) {
        let word = tokenizer.decode(&[entry.0]).unwrap();
        assert!(!word.contains(|letter: char| letter.is_ascii_digit()), "{word:?}");
    }
}

#[test]
fn a_bias_favours_one_variant_of_each_pair_and_fits_the_servers_limit() {
    let classes = PairedClasses::read(Lexicon::english(), &byte_level());
    let all = classes.bias(&key(1), 1.0, usize::MAX);
    assert_eq!(all.len(), classes.pairs().len() * 2);
    for pair in all.chunks(2) {
        assert_eq!(pair[0].1, -pair[1].1);
        assert_eq!(pair[0].1.abs(), DELTA);
    }
    let few = classes.bias(&key(1), 0.5, 21);
    assert_eq!(few.len(), 20);
    for ((token, bias), (more_token, more)) in few.iter().zip(&all) {
        assert_eq!((*token, *bias), (*more_token, more / 2.0));
    }
    let highest = |entries: &[(u32, f64)]| entries.iter().map(|(token, _)| *token).max();
    assert!(highest(&few) < highest(&all), "the frequent ones come first");
    assert_ne!(all, classes.bias(&key(2), 1.0, usize::MAX));
    for nothing in [0.0, -1.0, f64::NAN] {
        assert_eq!(classes.bias(&key(1), nothing, 300), []);
    }
}

#[test]
fn the_detector_counts_the_pairs_that_the_bias_is_made_of() {
    let tokenizer = byte_level();
    let classes = PairedClasses::read(Lexicon::english(), &tokenizer);
    let pairs = TokenPairs::of(&classes);
    assert_eq!(pairs.cells(), classes.cells());
    // A writer that always takes what its key favours.
    let favoured: Vec<u32> = classes
        .bias(&key(1), 1.0, usize::MAX)
        .into_iter()
        .filter_map(|(token, bias)| (bias > 0.0).then_some(token))
        .collect();
    let mut counts = pairs.counts("test");
    let text = tokenizer.decode(&favoured).unwrap();
    assert!(pairs.count(&mut counts, &text, &favoured, &[], 0));
    let weights = Weights::from_counts(&counts, &[]);
    let sums = SignSums::new(weights.units());
    let most: i64 = weights.units().iter().map(|unit| i64::from(*unit).abs()).sum();
    assert!(most > 0);
    assert_eq!(sums.total(&key(1)), most);
    assert!(sums.total(&key(2)) < most);
}

#[test]
fn the_same_key_gives_the_same_bias_for_ever() {
    let classes = PairedClasses::read(Lexicon::english(), &byte_level());
    let by_class: BTreeMap<u16, bool> = classes
        .pairs()
        .iter()
        .zip(classes.bias(&key(7), 1.0, usize::MAX).chunks(2))
        .map(|(pair, entries)| (pair.class.0, entries[1].1 > 0.0))
        .collect();
    for (class, second) in by_class {
        let word = key(7).stream().word(u32::from(class) / 32);
        assert_eq!(second, word >> (class % 32) & 1 == 1);
    }
}
