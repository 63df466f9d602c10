//! On text without a mark, p-values under random keys are uniform, however the text repeats
//! itself; a test that takes sites for trials is not calibrated on the same text.

use std::collections::HashMap;

use super::text::{self, CELLS, KEYS, Source, documents, unmarked_cells};
use super::uniformity::{continuous_p, normal_tail, same_law, uniformity};
use guilloche::forensics::detect::{
    Device, HuggingFaceKgw, KeyScore, Seeding, SglangGumbel, Site, SynthIdMain, SynthIdTable,
    TokenCounts, TokenDocument, TokenScheme, TokenSites, VllmGumbel,
};
use guilloche::forensics::evidence::{Decoys, NullLaw, SignSums, Weights, test_signs};
use guilloche::mark::cell::{Bits, MarkKey};

const VOCABULARY: u32 = 8_000;

fn sites<S: TokenScheme>(scheme: &S, tokens: usize) -> TokenSites {
    let mut sites = TokenSites::new("test", scheme.window(), usize::MAX);
    for document in documents(1, tokens, VOCABULARY) {
        sites.add(&TokenDocument { answer: &document, ..TokenDocument::default() });
    }
    sites
}

/// For each size of text: p-values of the law under random keys.
fn calibrated<S: TokenScheme>(scheme: &S, sizes: &[usize], keys: u32) {
    let mut source = Source::new(9);
    for size in sizes {
        let sites = sites(scheme, *size);
        let prepared = scheme.prepare(&mut sites.iter().map(|(site, _)| site));
        let score = |bytes: &[u8; 32]| scheme.score(&scheme.key(bytes), &prepared);
        // One honest check in a hundred fails, and there are many: it is repeated with other keys.
        let found = [21, 23].map(|seed| {
            let keys = Decoys::new([seed; 32], keys);
            let scores = (0..keys.count()).map(|number| score(&keys.key(number)));
            let mut laws = HashMap::new();
            let (mut p, mut totals) = (Vec::new(), Vec::new());
            for KeyScore { total, trials } in scores {
                let law = laws.entry(trials).or_insert_with(|| scheme.null(&prepared, trials));
                p.push(continuous_p(law, total, source.uniform()));
                totals.push(total);
            }
            if laws.values().all(NullLaw::is_exact) {
                return uniformity(p);
            }
            for level in [0.2, 0.05, 0.01] {
                let share = p.iter().filter(|p| **p < level).count() as f64 / p.len() as f64;
                assert!(share <= level, "{size} tokens: the bound is below {level} in {share}");
            }
            let decoys = Decoys::new([22; 32], KEYS.max(1_000));
            same_law(&totals, &decoys.scores(|bytes| score(bytes).total))
        });
        assert!(found.iter().any(|p| *p > 0.01), "{size} tokens: Kolmogorov's p are {found:?}");
    }
}

const SIZES: &[usize] = if cfg!(debug_assertions) { &[1_000] } else { &[1_000, 10_000] };

/// For schemes whose scores are quick to compute.
const LARGE: &[usize] =
    if cfg!(debug_assertions) { &[1_000, 10_000] } else { &[1_000, 10_000, 100_000] };

#[test]
fn p_values_of_kgw_lefthash_are_uniform() {
    let seeding = Seeding::LeftHash;
    let scheme = HuggingFaceKgw { vocabulary: VOCABULARY, green_ratio: 0.25, seeding };
    calibrated(&scheme, SIZES, KEYS.min(900) / 6);
}

#[test]
fn p_values_of_kgw_selfhash_are_uniform() {
    let seeding = Seeding::SelfHash { context_width: 4 };
    // A key's table of a million entries takes most of the time.
    let scheme = HuggingFaceKgw { vocabulary: VOCABULARY, green_ratio: 0.25, seeding };
    calibrated(&scheme, &[1_000], KEYS.min(1_500) / 15);
}

#[test]
fn p_values_of_synthid_without_a_table_are_uniform() {
    calibrated(&SynthIdMain { layers: 5, ngram_len: 5 }, SIZES, KEYS);
}

#[test]
fn p_values_of_synthid_with_a_table_are_those_of_decoys() {
    calibrated(&SynthIdTable::new(5, 30, 0, Device::Cpu), LARGE, KEYS);
}

#[test]
fn p_values_of_sglang_are_uniform() {
    calibrated(&SglangGumbel { context_window: 1, mixing_probability: None }, LARGE, KEYS);
    calibrated(&SglangGumbel { context_window: 4, mixing_probability: Some(0.7) }, SIZES, KEYS);
}

#[test]
fn p_values_of_vllm_are_uniform() {
    calibrated(&VllmGumbel { context_window: 2, alpha: None }, SIZES, KEYS);
    calibrated(&VllmGumbel { context_window: 4, alpha: Some(0.1) }, &[1_000], KEYS);
}

/// The same text and scheme, every occurrence taken for a trial.
#[test]
fn a_naive_test_of_tokens_is_not_calibrated() {
    let scheme = SglangGumbel { context_window: 1, mixing_probability: None };
    let text = documents(1, 10_000, VOCABULARY).concat();
    // One site at a time, so that repetitions count again.
    let mut counts = HashMap::<&[u32], f64>::new();
    for pair in text.windows(2) {
        *counts.entry(pair).or_default() += 1.0;
    }
    let prepared: Vec<_> = counts
        .iter()
        .map(|(pair, count)| {
            let site = Site { context: &pair[..1], token: pair[1] };
            (scheme.prepare(&mut std::iter::once(site)), *count)
        })
        .collect();
    let n: f64 = counts.values().sum();
    let score = |bytes: &[u8; 32]| {
        let key = scheme.key(bytes);
        prepared.iter().map(|(site, count)| count * scheme.score(&key, site).total).sum::<f64>()
    };
    let totals = Decoys::new([21; 32], 300).scores(score);
    let p = totals.iter().map(|total| normal_tail((total - n) / n.sqrt())).collect();
    assert!(uniformity(p) < 1e-4);
}

#[test]
fn p_values_of_cells_are_uniform_and_their_bound_holds_where_a_naive_test_fails() {
    for words in [1_000, 10_000, 100_000] {
        let suspect = unmarked_cells(1, words);
        let control = unmarked_cells(2, 100_000);
        // Another model: its habits are not the suspect's.
        let weights = Weights::from_counts(&suspect, &[&control]);
        let sums = SignSums::new(weights.units());
        let score = |bytes: &[u8; 32]| sums.total(&MarkKey::from_bytes(*bytes)) as f64;
        let totals = Decoys::new([21; 32], KEYS).scores(score);
        let decoys = Decoys::new([22; 32], 10_000);
        let scores = decoys.scores(score);
        assert!(same_law(&totals, &scores) > 0.01, "{words} words");
        let p = totals.iter().map(|total| decoys_p(&scores, *total)).collect();
        assert!(uniformity(p) > 0.01, "{words} words");

        let evidence = test_signs(&weights, &MarkKey::from_bytes([3; 32]), &decoys);
        assert!((0.9..1.1).contains(&evidence.dispersion), "{}", evidence.dispersion);
        let law = NullLaw::Signs { weights: weights.units().to_vec() };
        for level in [0.2, 0.05, 0.01] {
            let below = f64::from(below(&law, &totals, level));
            assert!(below <= level * f64::from(KEYS), "{words} words");
        }
    }
}

/// How many totals have a tail below a level: the tail falls with the total.
pub(crate) fn below(law: &NullLaw, totals: &[f64], level: f64) -> u32 {
    let mut totals = totals.to_vec();
    totals.sort_by(|one, other| other.total_cmp(one));
    totals.partition_point(|total| law.ln_tail(*total) < level.ln()) as u32
}

fn decoys_p(scores: &[f64], total: f64) -> f64 {
    let at_least = scores.iter().filter(|score| **score >= total).count();
    (at_least as f64 + 1.0) / (scores.len() as f64 + 1.0)
}

/// Sites taken for trials, against the rates of a control: what is usually computed.
#[test]
fn a_naive_test_of_cells_is_not_calibrated() {
    let suspect = unmarked_cells(1, 100_000).totals();
    let [zeros, ones] =
        suspect.iter().fold([0.0, 0.0], |[a, b], [c, d]| [a + f64::from(*c), b + f64::from(*d)]);
    let rate = ones / (zeros + ones);
    let p = (0..300)
        .map(|number| {
            let key = MarkKey::from_bytes(Decoys::new([21; 32], 300).key(number));
            let bits = Bits::new(&key, CELLS);
            let (mut hits, mut mean, mut variance) = (0.0, 0.0, 0.0);
            for (number, [zeros, ones]) in (0..CELLS).zip(&suspect) {
                let bit = bits.get(text::cell(number));
                let n = f64::from(zeros + ones);
                hits += f64::from(if bit { *ones } else { *zeros });
                mean += n * if bit { rate } else { 1.0 - rate };
                variance += n * rate * (1.0 - rate);
            }
            normal_tail((hits - mean) / variance.sqrt())
        })
        .collect();
    assert!(uniformity(p) < 1e-6);
}

#[test]
fn p_values_of_a_constant_bias_are_those_of_decoys_where_a_naive_test_fails() {
    let count = |seed| {
        let mut counts = TokenCounts::new("test", VOCABULARY);
        for document in documents(seed, 20_000, VOCABULARY) {
            counts.add(&[], &document);
        }
        counts
    };
    let weights = count(1).weights(&count(2));
    let sums = SignSums::new(weights.units());
    let score = |bytes: &[u8; 32]| sums.total(&MarkKey::from_bytes(*bytes)) as f64;
    let totals = Decoys::new([21; 32], KEYS).scores(score);
    let law = NullLaw::Signs { weights: weights.units().to_vec() };
    assert!(same_law(&totals, &Decoys::new([22; 32], 2_000).scores(score)) > 0.01);
    for level in [0.2, 0.05, 0.01] {
        let below = f64::from(below(&law, &totals, level));
        assert!(below <= level * f64::from(KEYS));
    }

    let text = documents(1, 20_000, VOCABULARY).concat();
    let naive = (0..300)
        .map(|number| {
            let bytes = Decoys::new([21; 32], 300).key(number);
            let bits = Bits::new(&MarkKey::from_bytes(bytes), VOCABULARY);
            let green = text
                .iter()
                .filter(|token| bits.words()[(**token / 32) as usize] >> (**token % 32) & 1 == 1);
            let n = text.len() as f64;
            normal_tail((green.count() as f64 - n / 2.0) / (n / 4.0).sqrt())
        })
        .collect();
    assert!(uniformity(naive) < 1e-6);
}
