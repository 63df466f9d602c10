//! The z-tests that are usually computed, on the same text: every occurrence is a trial.

use std::collections::HashMap;

use guilloche::forensics::detect::{
    Device, HuggingFaceKgw, Seeding, SglangGumbel, SynthIdTable, TokenScheme, VllmGumbel,
};
use guilloche::mark::cell::{Bits, MarkKey, Purpose};
use rayon::prelude::*;

use crate::deployment::{cell, cells, sites};
use crate::figures::{deviation, p, table, thousands};
use crate::samples::{SIZES, Samples, chosen, issued};
use crate::tokens::VOCABULARY;
use crate::uniformity::normal_tail;

/// Keys.
const KEYS: u32 = 1_000;

/// The z-scores of unmarked text.
pub(crate) struct Line {
    pub(crate) scheme: &'static str,
    pub(crate) size: usize,
    z: Vec<f64>,
}

impl Line {
    pub(crate) fn p_values(&self) -> Vec<f64> {
        self.z.iter().map(|z| normal_tail(*z)).collect()
    }

    fn cells(&self) -> Vec<String> {
        let above = |quantile: f64| {
            self.z.iter().filter(|z| **z > quantile).count() as f64 / self.z.len() as f64
        };
        vec![
            self.scheme.to_owned(),
            thousands(self.size),
            thousands(self.z.len()),
            format!("{:.2}", deviation(&self.z)),
            p(above(2.326)),
            p(above(3.090)),
        ]
    }
}

pub(crate) fn study(samples: &Samples<'_>) -> Vec<Line> {
    let mut lines = Vec::new();
    for ((size, documents), tokens) in SIZES.iter().zip(&samples.documents).zip(&samples.tokens) {
        let mut add = |scheme, keys, z: &(dyn Fn(u32) -> f64 + Sync)| {
            if chosen(scheme) {
                let z = (0..keys).into_par_iter().map(z).collect();
                lines.push(Line { scheme, size: *size, z });
            }
        };
        let found: Vec<_> = documents.iter().flat_map(|document| sites(&document.text)).collect();
        add("naive z, lexical", KEYS, &|number| {
            let bits = Bits::new(&MarkKey::from_bytes(issued(Purpose::Lexical, number)), cells());
            let hits = found.iter().filter(|site| bits.get(site.cell) == site.variant);
            z_score(hits.count() as f64, found.len() as f64, 0.5, 0.25)
        });
        let single = occurrences(tokens, 1);
        let n = total(&single);
        add("naive z, Unigram", KEYS, &|number| {
            let key = MarkKey::from_bytes(issued(Purpose::LogitBias, number));
            let bits = Bits::new(&key, VOCABULARY);
            let green = single.iter().filter(|(row, _)| bits.get(cell(row[0])));
            z_score(green.map(|(_, count)| count).sum(), n, 0.5, 0.25)
        });
        let pairs = occurrences(tokens, 2);
        let seeding = Seeding::LeftHash;
        let kgw = HuggingFaceKgw { vocabulary: VOCABULARY, green_ratio: 0.25, seeding };
        let n = total(&pairs);
        add("naive z, KGW lefthash", if *size > 1_000 { 300 } else { KEYS }, &|number| {
            let key = kgw.key(&issued(Purpose::Engine, number));
            let (mut context, mut list, mut green) =
                (u32::MAX, vec![false; VOCABULARY as usize], 0.0);
            for (row, count) in &pairs {
                if row[0] != context {
                    context = row[0];
                    list.fill(false);
                    for token in kgw.green_list(&key, &[context]) {
                        list[token as usize] = true;
                    }
                }
                green += if list[row[1] as usize] { *count } else { 0.0 };
            }
            z_score(green, n, 0.25, 0.1875)
        });
        let triples = occurrences(tokens, 3);
        let n = total(&triples);
        let sglang = SglangGumbel { context_window: 2, mixing_probability: None };
        add("naive z, Gumbel, SGLang", KEYS, &|number| {
            let key = sglang.key(&issued(Purpose::Engine, number)).a;
            let score = triples.iter().map(|(row, count)| {
                let context = SglangGumbel::hash_context(&row[..2]);
                let hash = SglangGumbel::watermark_hash(key, context, row[2]);
                -count * ((f64::from(!hash) + 0.5) / 4_294_967_296.0).ln()
            });
            z_score(score.sum(), n, 1.0, 1.0)
        });
        let vllm = VllmGumbel { context_window: 2, alpha: None };
        add("naive z, Gumbel, vLLM", KEYS, &|number| {
            let key = vllm.key(&issued(Purpose::Engine, number));
            let score = triples.iter().map(|(row, count)| {
                -count * (-f64::from(VllmGumbel::uniform(key, &row[..2], row[2]))).ln_1p()
            });
            z_score(score.sum(), n, 1.0, 1.0)
        });
        let fives = occurrences(tokens, 5);
        let n = 30.0 * total(&fives);
        let synthid = SynthIdTable::new(5, 30, 0, Device::Cpu);
        add("naive z, SynthID, table", KEYS, &|number| {
            let keys = synthid.key(&issued(Purpose::Engine, number));
            let ones = fives.iter().map(|(row, count)| {
                let bits: u32 = synthid.bits(&keys, row).into_iter().map(u32::from).sum();
                count * f64::from(bits)
            });
            z_score(ones.sum(), n, 0.5, 0.25)
        });
    }
    lines.sort_by_key(|line| (line.scheme, line.size));
    println!("\nThe naive z-test on the same text.");
    table(
        &["scheme", "words", "keys", "deviation of z", "wrong at 0.01", "wrong at 0.001"],
        &lines.iter().map(Line::cells).collect::<Vec<_>>(),
    );
    lines
}

fn z_score(sum: f64, n: f64, mean: f64, variance: f64) -> f64 {
    (sum - n * mean) / (n * variance).sqrt()
}

fn total(rows: &[(Vec<u32>, f64)]) -> f64 {
    rows.iter().map(|(_, count)| count).sum()
}

/// How often each run of so many tokens occurs, in the order of the tokens.
fn occurrences(documents: &[Vec<u32>], width: usize) -> Vec<(Vec<u32>, f64)> {
    let mut counts: HashMap<&[u32], f64> = HashMap::new();
    for row in documents.iter().flat_map(|document| document.windows(width)) {
        *counts.entry(row).or_default() += 1.0;
    }
    let mut rows: Vec<(Vec<u32>, f64)> =
        counts.into_iter().map(|(row, count)| (row.to_vec(), count)).collect();
    rows.sort_unstable_by(|(left, _), (right, _)| left.cmp(right));
    rows
}
