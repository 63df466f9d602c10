//! Counts of shards merge into the counts of the whole, also through their files.

use super::text::{CELLS, cell, documents, student};
use guilloche::forensics::detect::{
    CellCounts, MergeError, SglangGumbel, TokenCounts, TokenDocument, TokenScheme, TokenSites,
};
use guilloche::forensics::evidence::Weights;
use guilloche::mark::cell::MarkKey;
use proptest::prelude::*;
use serde_json::json;

fn through_a_file<T: serde::Serialize + serde::de::DeserializeOwned>(value: &T) -> T {
    serde_json::from_slice(&serde_json::to_vec(value).unwrap()).unwrap()
}

fn count(counts: &mut CellCounts, documents: &[Vec<(u64, u32, bool)>]) {
    for observed in documents {
        if let Some(mut document) = counts.document(&format!("{observed:?}"), &[]) {
            for (context, number, variant) in observed {
                document.observe(*context, cell(*number).index(), *variant);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn shards_of_cells_merge_into_the_whole_whatever_the_order(
        documents in prop::collection::hash_set(
            prop::collection::vec((0_u64..5, 0..CELLS, any::<bool>()), 1..12), 0..30),
        cuts in (0_usize..31, 0_usize..31),
    ) {
        let documents: Vec<_> = documents.into_iter().collect();
        let empty = || CellCounts::new("test", CELLS, 16);
        let mut whole = empty();
        count(&mut whole, &documents);
        let (low, high) = (cuts.0.min(cuts.1), cuts.0.max(cuts.1));
        let at = |cut: usize| cut.min(documents.len());
        let parts = [&documents[at(high)..], &documents[..at(low)], &documents[at(low)..at(high)]];
        let mut merged = empty();
        for part in parts {
            let mut shard = empty();
            count(&mut shard, part);
            merged.merge(&through_a_file(&shard)).unwrap();
        }
        prop_assert_eq!(merged, whole);
    }

    #[test]
    fn shards_of_sites_merge_into_the_whole_whatever_the_order(
        seed in any::<u8>(), cut in 0_usize..9, reverse in any::<bool>(),
    ) {
        let scheme = SglangGumbel { context_window: 2, mixing_probability: None };
        let empty = || TokenSites::new("test", scheme.window(), 100_000);
        let add = |sites: &mut TokenSites, documents: &[Vec<u32>]| {
            for document in documents {
                sites.add(&TokenDocument { answer: document, ..TokenDocument::default() });
            }
        };
        let documents = documents(seed, 2_000, 60);
        let mut whole = empty();
        add(&mut whole, &documents);
        let (mut first, mut second) = (empty(), empty());
        add(&mut first, &documents[..cut.min(documents.len())]);
        add(&mut second, &documents[cut.min(documents.len())..]);
        if reverse {
            std::mem::swap(&mut first, &mut second);
        }
        let mut merged = through_a_file(&first);
        merged.merge(&through_a_file(&second)).unwrap();
        prop_assert_eq!(&merged, &whole);
        let key = scheme.key(&[1; 32]);
        let total = |sites: &TokenSites| {
            scheme.score(&key, &scheme.prepare(&mut sites.iter().map(|(site, _)| site)))
        };
        prop_assert_eq!(total(&merged), total(&whole));
    }
}

#[test]
fn shards_of_token_counts_merge_into_the_whole() {
    let documents = documents(3, 3_000, 60);
    let count = |documents: &[Vec<u32>]| {
        let mut counts = TokenCounts::new("test", 60);
        for document in documents {
            counts.add(&[7], document);
        }
        counts
    };
    let mut merged = through_a_file(&count(&documents[4..]));
    merged.merge(&count(&documents[..4])).unwrap();
    assert_eq!(merged, count(&documents));
    let newer = serde_json::to_string(&merged).unwrap().replace("\"version\":1", "\"version\":2");
    assert!(serde_json::from_str::<TokenCounts>(&newer).is_err());
    assert!(merged.merge(&TokenCounts::new("another", 60)).is_err());
}

#[test]
fn a_document_in_two_shards_is_told() {
    let key = MarkKey::from_bytes([1; 32]);
    let mut counts = student(1, 1_000, &key, 0.5);
    let again = counts.clone();
    counts.merge(&again).unwrap();
    assert_eq!((counts.documents().distinct(), counts.documents().repeated()), (2, 2));
}

#[test]
fn shards_of_other_rules_or_versions_and_damaged_ones_are_refused() {
    let mut counts = CellCounts::new("lexicon 1", 32, 16);
    let other = CellCounts::new("lexicon 2", 32, 16);
    assert!(matches!(counts.merge(&other), Err(MergeError::Rules(..))));
    assert!(matches!(
        counts.merge(&CellCounts::new("lexicon 1", 48, 16)),
        Err(MergeError::Rules(..))
    ));

    let scheme = SglangGumbel { context_window: 2, mixing_probability: None };
    let mut sites = TokenSites::new("one tokenizer", scheme.window(), 10);
    let other = TokenSites::new("another", scheme.window(), 10);
    assert!(matches!(sites.merge(&other), Err(MergeError::Rules(..))));

    let refused = |good: &str, from: &str, to: &str, reason: &str| {
        assert!(good.contains(from), "{good}");
        let bad = good.replace(from, to);
        let (cells, sites) =
            (serde_json::from_str::<CellCounts>(&bad), serde_json::from_str::<TokenSites>(&bad));
        let messages = [cells.unwrap_err().to_string(), sites.unwrap_err().to_string()];
        assert!(messages.iter().any(|message| message.contains(reason)), "{messages:?}");
    };
    if let Some(mut document) = counts.document("text", &[]) {
        document.observe(0, 5, true);
    }
    let cells = serde_json::to_string(&counts).unwrap();
    refused(&cells, "\"version\":1", "\"version\":2", "format version 2");
    refused(&cells, ",5,0,1]", ",55,0,1]", "does not exist");
    refused(&cells, "\"cells\":32", "\"cells\":4000000000", "more cells");
    sites.add(&TokenDocument { answer: &[1, 2, 3], ..TokenDocument::default() });
    let rows = serde_json::to_string(&sites).unwrap();
    refused(&rows, "\"version\":1", "\"version\":7", "format version 7");
    refused(&rows, "\"rows\":[1,2,3]", "\"rows\":[1,2]", "differ in number");
}

fn number() -> impl Strategy<Value = u32> {
    prop_oneof![0..4_u32, Just(u32::MAX), Just(u32::MAX / 2 + 1), any::<u32>()]
}

proptest! {
    /// Counts that somebody else wrote: they are refused, or every sum of them is a number.
    #[test]
    fn hostile_counts_are_refused_or_add_up(
        cells in prop_oneof![0..40_u32, number()],
        per_class in number(),
        counts in prop::collection::vec((0..70_u8, 0..40_u32, number(), number()), 0..6),
        digests in prop::collection::btree_set(any::<u64>(), 0..6),
        repeated in prop_oneof![0..4_u64, Just(u64::MAX), any::<u64>()],
        unchecked in prop_oneof![0..4_u64, Just(u64::MAX)],
    ) {
        let documents = json!({ "digests": digests, "repeated": repeated, "unchecked": unchecked });
        let stored = json!({
            "version": 1, "rules": "r", "cells": cells, "cells_per_class": per_class,
            "counts": counts, "documents": documents,
        });
        let Ok(read) = serde_json::from_value::<CellCounts>(stored) else { return Ok(()) };
        prop_assert!(cells <= 1 << 17 && unchecked == 0);
        let mut merged = read.clone();
        for _ in 0..2 {
            merged.merge(&read).unwrap();
        }
        prop_assert!(merged.documents().repeated() >= read.documents().repeated());
        let sum: u64 = merged.totals().iter().map(|[a, b]| u64::from(*a) + u64::from(*b)).sum();
        prop_assert!(sum <= merged.sites());
        for weights in [Weights::from_counts(&read, &[&merged, &read]), Weights::from_counts(&merged, &[])] {
            prop_assert!(weights.least_share(1e-6).is_none_or(f64::is_finite));
            prop_assert!(weights.unit().is_finite());
        }
    }
}

#[test]
fn more_sites_than_the_documents_can_have_are_refused() {
    let stored = |ones: u32| {
        json!({
            "version": 1, "rules": "r", "cells": 32, "cells_per_class": 16,
            "counts": [[5, 3, 1, ones]],
            "documents": { "digests": [5, 69, 6], "repeated": 0, "unchecked": 0 },
        })
    };
    // Two documents are in group 5, and each counts twice at most.
    assert!(serde_json::from_value::<CellCounts>(stored(3)).is_ok());
    let error = serde_json::from_value::<CellCounts>(stored(4)).unwrap_err().to_string();
    assert!(error.contains("more sites in a cell"), "{error}");
}
