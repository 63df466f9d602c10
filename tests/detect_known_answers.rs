//! Every hash gives the values that the library itself gave.
//!
//! `kat/watermark_kat.json` was made with torch 2.15.0 (CPU) and transformers 5.23.0 (KGW,
//! SynthID), with synthid-text 0.2.1 and the `main` branch of google-deepmind/synthid-text, with the
//! detector of the sglang 0.5.23 wheel and with the Philox code of the vllm 0.33.0 wheel;
//! `kat/sglang_dual_key.json` with the detector of the sglang 0.5.23 wheel,
//! `kat/sbw.json` with sbw 1.0.0 on torch 2.11.0 (CPU),
//! `kat/synthid_cuda_tables.json` with transformers 5.17.0 and torch 2.11.0 on an NVIDIA H200.
#![cfg(feature = "forensics")]
#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "helpers of tests fail as tests do"
)]

use guilloche::forensics::detect::{
    Device, HuggingFaceKgw, LayerKeys, MISSING, Sbw, SbwKey, Seeding, SglangGumbel, SglangKey,
    SynthIdMain, SynthIdTable, TokenDocument, TokenScheme, TokenSites, VllmGumbel, VllmKey,
};
use serde_json::Value;
use sha2::{Digest, Sha256};

fn vectors() -> Value {
    serde_json::from_str(include_str!("kat/watermark_kat.json")).unwrap()
}

fn numbers<T: TryFrom<u64>>(value: &Value) -> Vec<T> {
    let number = |value: &Value| T::try_from(value.as_u64().unwrap()).ok().unwrap();
    value.as_array().unwrap().iter().map(number).collect()
}

/// transformers 5.23.0, `WatermarkLogitsProcessor`, on torch 2.15.0.
fn kgw(vector: &Value, seeding: Seeding) {
    let scheme = HuggingFaceKgw {
        vocabulary: vector["vocab"].as_u64().unwrap() as u32,
        green_ratio: vector["gamma"].as_f64().unwrap(),
        seeding,
    };
    let key = scheme.hashing_key(vector["key"].as_u64().unwrap());
    let context: Vec<u32> = numbers(&vector["ctx"]);
    let list = scheme.green_list(&key, &context);
    assert_eq!(list[..10], numbers::<u32>(&vector["green_first10"]));
    assert_eq!(list.len(), 250);
    if let Seeding::SelfHash { .. } = seeding {
        let table: Vec<u32> = numbers(&vector["fixed_table_first5"]);
        assert_eq!(scheme.fixed_table(&key)[..5], table);
    }
}

#[test]
fn lefthash_lists_are_those_of_transformers() {
    kgw(&vectors()["hf_kgw_lefthash"], Seeding::LeftHash);
}

#[test]
fn selfhash_lists_and_their_table_are_those_of_transformers() {
    kgw(&vectors()["hf_kgw_selfhash"], Seeding::SelfHash { context_width: 4 });
}

/// `torch.randperm(n, generator=torch.Generator().manual_seed(s))`, torch 2.15.0, through the lists
/// of lefthash, whose seed is `key * token mod (2^64 - 1)`.
#[test]
fn permutations_are_those_of_torch() {
    let vectors = vectors();
    for (name, expected) in vectors["torch_randperm"].as_object().unwrap() {
        let (size, seed) = name.split_once(',').unwrap();
        let (vocabulary, seed) = (size.parse().unwrap(), seed.parse().unwrap());
        let scheme = HuggingFaceKgw { vocabulary, green_ratio: 1.0, seeding: Seeding::LeftHash };
        let list = scheme.green_list(&scheme.hashing_key(seed), &[1]);
        assert_eq!(list[..8], numbers::<u32>(expected), "{name}");
    }
}

fn layer_keys(vector: &Value) -> LayerKeys {
    LayerKeys::new(numbers::<i64>(&vector["keys"]))
}

/// Scores one n-gram at a time through the interface that the tests use.
fn total<S: TokenScheme>(scheme: &S, key: &S::Key, ngram: &[u32]) -> f64 {
    let mut sites = TokenSites::new("", scheme.window(), 10);
    sites.add(&TokenDocument { answer: ngram, ..TokenDocument::default() });
    assert_eq!(sites.len(), 1);
    let prepared = scheme.prepare(&mut sites.iter().map(|(site, _)| site));
    scheme.score(key, &prepared).total
}

/// transformers 5.23.0 and synthid-text 0.2.1 on PyPI, `compute_g_values`, on torch 2.15.0.
#[test]
fn synthid_bits_with_a_table_are_those_of_transformers() {
    let vectors = vectors();
    let vector = &vectors["synthid_hf"];
    let (keys, ids) = (layer_keys(vector), numbers::<u32>(&vector["ids"]));
    let scheme =
        SynthIdTable::new(5, keys.layers(), vector["table_seed"].as_u64().unwrap(), Device::Cpu);
    assert_eq!(scheme.table()[..32], numbers::<u8>(&vector["table_first32"]));
    for (ngram, expected) in ids.windows(5).zip(vector["g"].as_array().unwrap()) {
        let expected: Vec<u8> = numbers(expected);
        assert_eq!(scheme.bits(&keys, ngram), expected);
        let ones: u8 = expected.iter().sum();
        assert_eq!(total(&scheme, &keys, ngram), f64::from(ones));
    }
}

/// transformers 5.17.0 on torch 2.11.0 with CUDA 13.0.
#[test]
fn synthid_tables_that_were_drawn_on_a_gpu_are_those_of_the_gpu() {
    let vectors: Value =
        serde_json::from_str(include_str!("kat/synthid_cuda_tables.json")).unwrap();
    for vector in vectors["tables"].as_array().unwrap() {
        let scheme = SynthIdTable::new(5, 1, vector["seed"].as_u64().unwrap(), Device::Cuda);
        let bytes: Vec<u8> = scheme
            .table()
            .chunks_exact(8)
            .map(|bits| bits.iter().rev().fold(0, |byte, bit| byte << 1 | bit))
            .collect();
        assert_eq!(hex(&bytes[..64]), vector["first_64_bytes"].as_str().unwrap());
        assert_eq!(hex(&Sha256::digest(&bytes)), vector["sha256"].as_str().unwrap());
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// google-deepmind/synthid-text, branch `main` since June 2025, `compute_g_values`.
#[test]
fn synthid_bits_without_a_table_are_those_of_the_main_branch() {
    let vectors = vectors();
    let vector = &vectors["synthid_main"];
    let (keys, ids) = (layer_keys(vector), numbers::<u32>(&vector["ids"]));
    let initial = SynthIdMain::initial(&keys);
    assert_eq!(initial, vector["iv"].as_u64().unwrap());
    let scheme = SynthIdMain { layers: keys.layers(), ngram_len: 5 };
    for (ngram, expected) in ids.windows(5).zip(vector["g"].as_array().unwrap()) {
        let expected: Vec<u8> = numbers(expected);
        assert_eq!(SynthIdMain::bits(&keys, initial, ngram).collect::<Vec<_>>(), expected);
        let ones: u8 = expected.iter().sum();
        assert_eq!(total(&scheme, &keys, ngram), f64::from(ones));
    }
}

/// sbw 1.0.0, `_selfsalt_fullvocab_inner`, on torch 2.11.0.
#[test]
fn tokens_that_sbw_favours_are_those_of_its_kernel() {
    let vectors: Value = serde_json::from_str(include_str!("kat/sbw.json")).unwrap();
    for list in vectors["lists"].as_array().unwrap() {
        let scheme = Sbw { gamma: list["gamma"].as_f64().unwrap() };
        let key = SbwKey(list["hash_key"].as_u64().unwrap());
        // The plugin hands over four tokens and leaves out the first.
        let context: Vec<u32> = numbers(&list["context"]);
        let [_, prefix @ ..] = <[u32; 4]>::try_from(context).unwrap();
        let vocabulary = u32::try_from(list["vocabulary"].as_u64().unwrap()).unwrap();
        let mut green = vec![0_u8; vocabulary as usize / 8];
        for token in (0..vocabulary).filter(|token| scheme.is_green(key, prefix, *token)) {
            green[token as usize / 8] |= 1 << (token % 8);
        }
        assert_eq!(hex(&green), list["green"].as_str().unwrap());
        for token in [0, 5, 1023] {
            let expected = f64::from(u8::from(scheme.is_green(key, prefix, token)));
            let ngram = [&prefix[..], &[token]].concat();
            assert_eq!(total(&scheme, &key, &ngram), expected);
        }
    }
}

/// sglang 0.5.23, `sglang/srt/sampling/watermarking/detector.py`.
#[test]
fn sglang_hashes_are_those_of_its_detector() {
    let vectors = vectors();
    let sglang = &vectors["sglang"];
    for (context, expected) in sglang["hash_context"].as_object().unwrap() {
        let context: Vec<u32> = serde_json::from_str(context).unwrap();
        assert_eq!(u64::from(SglangGumbel::hash_context(&context)), *expected);
    }
    for vector in sglang["watermark_hash"].as_array().unwrap() {
        let (key, token) =
            (vector["key"].as_u64().unwrap(), vector["tok"].as_u64().unwrap() as u32);
        let context: Vec<u32> = numbers(&vector["ctx"]);
        let context_hash = SglangGumbel::hash_context(&context);
        let hash = SglangGumbel::watermark_hash(key, context_hash, token);
        assert_eq!(u64::from(hash), vector["h"]);

        // `-log1p(-u)` with `u = (h + 0.5) / 2^32`, as its `_score` has it.
        let mut ngram = context.clone();
        ngram.push(token);
        let scheme = SglangGumbel { context_window: 4, mixing_probability: None };
        let score = -(-(f64::from(hash) + 0.5) / 4_294_967_296.0).ln_1p();
        let found = total(&scheme, &SglangKey { a: key, b: 0 }, &ngram);
        assert!((found - score).abs() < 1e-12);
    }
}

/// sglang 0.5.23, `position_coin` of the same file.
#[test]
fn sglang_chooses_between_two_keys_as_its_detector_does() {
    let vectors: Value = serde_json::from_str(include_str!("kat/sglang_dual_key.json")).unwrap();
    for vector in vectors["coins"].as_array().unwrap() {
        let key = SglangKey {
            a: vector["key_a"].as_u64().unwrap(),
            b: vector["key_b"].as_u64().unwrap(),
        };
        let context: Vec<u32> = numbers(&vector["ctx"]);
        let context_hash = SglangGumbel::hash_context(&context);
        let coin = SglangGumbel::position_coin(key, context_hash);
        assert_eq!(u64::from(coin), vector["coin"]);

        let mut ngram = context.clone();
        ngram.push(9);
        let window = u8::try_from(context.len()).unwrap();
        let one = SglangGumbel { context_window: window, mixing_probability: None };
        let two = SglangGumbel { context_window: window, mixing_probability: Some(0.3) };
        let chosen = if f64::from(coin) / 4_294_967_296.0 < 0.3 { key.a } else { key.b };
        let expected = total(&one, &SglangKey { a: chosen, b: 0 }, &ngram);
        assert_eq!(total(&two, &key, &ngram), expected);
    }
}

/// vllm 0.33.0, its Philox watermark, with `-1` where the context has no token.
#[test]
fn vllm_numbers_are_those_of_its_sampler() {
    let vectors = vectors();
    let vector = &vectors["vllm_philox"];
    let key = VllmKey(vector["key"].as_u64().unwrap());
    let contexts = vector["ctx"].as_array().unwrap();
    for (context, uniforms) in contexts.iter().zip(vector["u"].as_array().unwrap()) {
        let context: Vec<u32> = context
            .as_array()
            .unwrap()
            .iter()
            .map(|token| token.as_u64().map_or(MISSING, |token| token as u32))
            .collect();
        let tokens: Vec<u32> = numbers(&vector["tok"]);
        for (token, expected) in tokens.iter().zip(uniforms.as_array().unwrap()) {
            let uniform = VllmGumbel::uniform(key, &context, *token);
            assert_eq!(uniform, expected.as_f64().unwrap() as f32);
            if !context.contains(&MISSING) {
                let scheme = VllmGumbel { context_window: 4, alpha: None };
                let mut ngram = context.clone();
                ngram.push(*token);
                let score = -(1.0 - f64::from(uniform)).ln();
                // The library rounds the number to 24 bits; the score does not.
                assert!((total(&scheme, &key, &ngram) - score).abs() < 1e-6);
            }
        }
    }
}
