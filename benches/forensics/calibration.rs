//! P-values of unmarked text under thousands of keys, which were never used to mark it.

use std::collections::HashMap;
use tokio::time::Instant;

use guilloche::forensics::detect::{
    Device, HuggingFaceKgw, KeyScore, Sbw, Seeding, SglangGumbel, SynthIdMain, SynthIdTable,
    TokenCounts, TokenDocument, TokenPairs, TokenScheme, TokenSites, VllmGumbel,
};
use guilloche::forensics::evidence::{
    Decoys, LawScore, LawWeights, NullLaw, SignSums, Tilts, Weights,
};
use guilloche::mark::cell::{MarkKey, Purpose};
use guilloche::mark::keys::Scheme;
use rayon::prelude::*;

use crate::corpus::Corpus;
use crate::deployment::{Deployment, Said, counts_of, seed};
use crate::figures::{below, deviation, head, p, row, thousands};
use crate::green;
use crate::naive;
use crate::plot::{Axis, Plot, Series};
use crate::samples::{SIZES, Samples, chosen, issued};
use crate::source::Source;
use crate::tokens::VOCABULARY;
use crate::uniformity::{continuous_p, same_law, uniformity};

/// Keys, and decoys to compare them with, for each size, where every key is quick.
const QUICK: [(u32, u32); 3] = [(10_000, 10_000); 3];

/// What came out for a scheme and a size.
pub(crate) struct Line {
    scheme: &'static str,
    size: usize,
    keys: u32,
    decoys_drawn: u32,
    law: &'static str,
    /// Kolmogorov's p for the law's own p-values.
    uniform: Option<f64>,
    /// And for the ranks among decoys.
    decoys: f64,
    /// The p-values that a report gives.
    p_values: Vec<f64>,
    dispersion: f64,
    seconds: f64,
}

impl Line {
    /// Prints its row, now that it is known.
    pub(crate) fn shown(self) -> Self {
        row(&self.cells());
        self
    }

    fn cells(&self) -> Vec<String> {
        vec![
            self.scheme.to_owned(),
            thousands(self.size),
            thousands(self.keys as usize),
            thousands(self.decoys_drawn as usize),
            self.law.to_owned(),
            self.uniform.map_or("—".to_owned(), p),
            p(self.decoys),
            p(below(&self.p_values, 0.01)),
            p(below(&self.p_values, 0.001)),
            p(self.p_values.iter().copied().fold(1.0, f64::min)),
            format!("{:.2}", self.dispersion),
            format!("{:.0}", self.seconds),
        ]
    }

    /// How many keys give a p-value at or below each of some levels.
    fn curve(&self, name: &str, dashed: bool) -> Series {
        curve(name.to_owned(), &self.p_values, dashed)
    }
}

fn curve(name: String, p_values: &[f64], dashed: bool) -> Series {
    let points = (0..=15).map(|step| 10_f64.powf(-f64::from(step) / 5.0));
    let points =
        points.map(|level| (level, below(p_values, level))).filter(|(_, rate)| *rate > 0.0);
    Series { name, points: points.collect(), intervals: Vec::new(), dashed }
}

pub(crate) fn study(corpus: &Corpus) {
    let samples = Samples::new(corpus);
    for (size, tokens) in SIZES.iter().zip(&samples.tokens) {
        let count: usize = tokens.iter().map(Vec::len).sum();
        println!("{} words are {} tokens.", thousands(*size), thousands(count));
    }
    println!("\nP-values of unmarked text under random keys.");
    head(&[
        "scheme",
        "words",
        "keys",
        "decoys",
        "p-value of the law",
        "uniform? KS p",
        "as decoys? KS p",
        "below 0.01",
        "below 0.001",
        "smallest",
        "dispersion",
        "s",
    ]);
    let mut lines = signs(corpus, &samples);
    let kgw = |seeding| HuggingFaceKgw { vocabulary: VOCABULARY, green_ratio: 0.25, seeding };
    let mut add = |more: Vec<Line>| lines.extend(more);
    let s = &samples;
    add(scheme("SynthID, table", &SynthIdTable::new(5, 30, 0, Device::Cpu), s, QUICK));
    let sglang = SglangGumbel { context_window: 2, mixing_probability: None };
    add(scheme("Gumbel, SGLang", &sglang, s, QUICK));
    let mixed = SglangGumbel { context_window: 4, mixing_probability: Some(0.7) };
    add(scheme("two-key Gumbel, SGLang", &mixed, s, QUICK));
    let vllm = VllmGumbel { context_window: 2, alpha: None };
    let slower = [(10_000, 10_000), (10_000, 10_000), (10_000, 3_000)];
    add(scheme("Gumbel, vLLM", &vllm, s, slower));
    let dual = VllmGumbel { context_window: 4, alpha: Some(0.1) };
    add(scheme("two-key Gumbel, vLLM", &dual, s, slower));
    let sbw = Sbw { gamma: 0.25 };
    add(scheme("vllm-sbw", &sbw, s, QUICK));
    let main = SynthIdMain { layers: 30, ngram_len: 5 };
    let slow = [(10_000, 10_000), (10_000, 3_000), (10_000, 1_000)];
    add(scheme("SynthID, main branch", &main, s, slow));
    let lefthash = kgw(Seeding::LeftHash);
    add(scheme("KGW lefthash", &lefthash, s, [(10_000, 1_000), (10_000, 1_000), (3_000, 500)]));
    add(green::tables(s));
    let selfhash = kgw(Seeding::SelfHash { context_width: 4 });
    add(scheme("KGW selfhash", &selfhash, s, [(10_000, 1_000), (2_000, 500), (300, 200)]));
    println!();
    checks(&lines);
    let naive = naive::study(s);
    plot(&lines, &naive);
}

/// Among many honest checks some have a small p.
fn checks(lines: &[Line]) {
    let checks: Vec<f64> =
        lines.iter().flat_map(|line| line.uniform.into_iter().chain([line.decoys])).collect();
    let least = checks.iter().copied().fold(1.0, f64::min);
    let adjusted = (least * checks.len() as f64).min(1.0);
    println!(
        "{} Kolmogorov–Smirnov tests; {} below 0.01; the least is {}, adjusted for their number {}; \
         the {} p-values are themselves uniform with p = {}.",
        checks.len(),
        checks.iter().filter(|p| **p < 0.01).count(),
        p(least),
        p(adjusted),
        checks.len(),
        p(uniformity(checks.clone()))
    );
}

/// Tests of signs: the lexical mark, a constant bias, pairs.
fn signs(corpus: &Corpus, samples: &Samples<'_>) -> Vec<Line> {
    let control = counts_of(corpus.control.iter().map(|document| document.text.as_str()));
    let unigram = |documents: &[Vec<u32>]| {
        let mut counts = TokenCounts::new("bench", VOCABULARY);
        for document in documents {
            counts.add(&[], document);
        }
        counts
    };
    let [zeros, ones] = &samples.words;
    let classes =
        zeros.iter().zip(ones).map(|(a, b)| [std::slice::from_ref(a), std::slice::from_ref(b)]);
    let pairs = TokenPairs::new(classes, 1);
    let paired = |documents: &[Vec<u32>]| {
        let mut counts = pairs.counts("bench");
        for (number, document) in documents.iter().enumerate() {
            pairs.count(&mut counts, &number.to_string(), document, &[], 0);
        }
        counts
    };
    let (plain, pair_control) = (unigram(&samples.control_tokens), paired(&samples.control_tokens));
    let law = Deployment::new(Scheme::Law, 0);
    let mut lines = Vec::new();
    for ((size, documents), tokens) in SIZES.iter().zip(&samples.documents).zip(&samples.tokens) {
        let texts = || documents.iter().map(|document| document.text.as_str());
        if let Said::Law(weights) = law.said(&law.counts_of(texts()), &control, 1.0) {
            lines.push(law_line(*size, &weights));
        }
        let counts = counts_of(texts());
        let lexical = Weights::from_counts(&counts, &[&control]);
        lines.push(sign_line("lexical, coins", Purpose::Lexical, *size, &lexical));
        let weights = unigram(tokens).weights(&plain);
        lines.push(sign_line("Unigram", Purpose::LogitBias, *size, &weights));
        let weights = Weights::from_counts(&paired(tokens), &[&pair_control]);
        lines.push(sign_line("paired `logit_bias`", Purpose::LogitBias, *size, &weights));
    }
    lines.retain(|line| chosen(line.scheme));
    lines.sort_by_key(|line| line.scheme);
    lines.into_iter().map(Line::shown).collect()
}

/// Of marks that keep the law of their writer, in the buckets of one deployment.
fn law_line(size: usize, weights: &LawWeights) -> Line {
    let started = Instant::now();
    let score = |bytes: &[u8; 32]| weights.score(&MarkKey::from_bytes(*bytes));
    let (keys, decoys_drawn) = QUICK[0];
    let issued = (0..keys).into_par_iter().map(|number| score(&issued(Purpose::Lexical, number)));
    let scores: Vec<LawScore> = issued.collect();
    let totals: Vec<f64> = scores.iter().map(LawScore::standardized).collect();
    let decoys = Decoys::new([41; 32], decoys_drawn).scores(|key| score(key).standardized());
    let p_values = scores.iter().map(|score| score.ln_p().exp()).collect();
    bounded("lexical, law", size, (&totals, &decoys), p_values, 1.0, started)
}

/// Of a scheme whose p-values are bounds; `expected` is the deviation that its scores are to have.
fn bounded(
    scheme: &'static str,
    size: usize,
    (totals, decoys): (&[f64], &[f64]),
    p_values: Vec<f64>,
    expected: f64,
    started: Instant,
) -> Line {
    let (keys, decoys_drawn) = QUICK[0];
    Line {
        scheme,
        size,
        keys,
        decoys_drawn,
        law: "bound",
        uniform: None,
        decoys: same_law(totals, decoys),
        p_values,
        dispersion: deviation(totals) / expected,
        seconds: started.elapsed().as_secs_f64(),
    }
}

fn sign_line(scheme: &'static str, purpose: Purpose, size: usize, weights: &Weights) -> Line {
    let started = Instant::now();
    let sums = SignSums::new(weights.units());
    let score = |bytes: &[u8; 32]| sums.total(&MarkKey::from_bytes(*bytes)) as f64;
    let (keys, decoys_drawn) = QUICK[0];
    let totals: Vec<f64> =
        (0..keys).into_par_iter().map(|number| score(&issued(purpose, number))).collect();
    let decoys = Decoys::new([41; 32], decoys_drawn).scores(score);
    // The bound at tilts that are fixed beforehand, as a trace takes it.
    let tilts = Tilts::new([weights.units()], 1);
    let p_values = totals.iter().map(|total| tilts.ln_p(*total, [1]).exp()).collect();
    let expected = tilts.variance([1]).sqrt();
    bounded(scheme, size, (&totals, &decoys), p_values, expected, started)
}

pub(crate) fn sites<S: TokenScheme>(scheme: &S, documents: &[Vec<u32>]) -> TokenSites {
    let mut sites = TokenSites::new("bench", scheme.window(), usize::MAX);
    for document in documents {
        sites.add(&TokenDocument { answer: document, ..TokenDocument::default() });
    }
    sites
}

fn scheme<S: TokenScheme>(
    name: &'static str,
    scheme: &S,
    samples: &Samples<'_>,
    drawn: [(u32, u32); 3],
) -> Vec<Line> {
    if !chosen(name) {
        return Vec::new();
    }
    let lines = SIZES.iter().zip(&samples.tokens).zip(drawn).map(|((size, tokens), drawn)| {
        let (keys, decoys_drawn) = drawn;
        let started = Instant::now();
        let sites = sites(scheme, tokens);
        let prepared = scheme.prepare(&mut sites.iter().map(|(site, _)| site));
        let score = |bytes: &[u8; 32]| scheme.score(&scheme.key(bytes), &prepared);
        let scores: Vec<KeyScore> = (0..keys)
            .into_par_iter()
            .map(|number| score(&issued(Purpose::Engine, number)))
            .collect();
        let decoys = Decoys::new([41; 32], decoys_drawn);
        let decoys: Vec<KeyScore> =
            (0..decoys_drawn).into_par_iter().map(|number| score(&decoys.key(number))).collect();
        let null = |trials| scheme.null(&prepared, trials);
        line(name, *size, &scores, &decoys, null, started).shown()
    });
    lines.collect()
}

pub(crate) fn line(
    scheme: &'static str,
    size: usize,
    scores: &[KeyScore],
    decoys: &[KeyScore],
    null: impl Fn(u64) -> NullLaw,
    started: Instant,
) -> Line {
    let mut laws: HashMap<u64, NullLaw> = HashMap::new();
    for KeyScore { trials, .. } in scores.iter().chain(decoys) {
        laws.entry(*trials).or_insert_with(|| null(*trials));
    }
    let exact = laws.values().all(NullLaw::is_exact);
    let mut source = Source::of(seed("ties", 0));
    let ties: Vec<f64> = scores.iter().map(|_| source.uniform()).collect();
    let continuous: Vec<f64> = scores
        .par_iter()
        .zip(&ties)
        .map(|(score, tie)| continuous_p(&laws[&score.trials], score.total, *tie))
        .collect();
    let p_values: Vec<f64> =
        scores.par_iter().map(|score| laws[&score.trials].ln_tail(score.total).exp()).collect();
    let standardized = |scores: &[KeyScore]| -> Vec<f64> {
        scores.iter().map(|score| laws[&score.trials].standardized(score.total)).collect()
    };
    let (own, others) = (standardized(scores), standardized(decoys));
    Line {
        scheme,
        size,
        keys: scores.len() as u32,
        decoys_drawn: decoys.len() as u32,
        law: if exact { "exact" } else { "bound" },
        uniform: exact.then(|| uniformity(continuous)),
        decoys: same_law(&own, &others),
        p_values,
        dispersion: deviation(&own),
        seconds: started.elapsed().as_secs_f64(),
    }
}

fn plot(lines: &[Line], naive: &[naive::Line]) {
    let of = |name: &str, size| lines.iter().find(|line| line.scheme == name && line.size == size);
    let mut series = Vec::new();
    for size in SIZES {
        let line = of("lexical, law", size);
        series.extend(line.map(|line| line.curve(&format!("law, {}", thousands(size)), false)));
    }
    let largest = SIZES[2];
    series.extend(of("lexical, coins", largest).map(|line| line.curve("coins, 100,000", false)));
    let line = naive.iter().find(|line| line.scheme == "naive z, lexical" && line.size == largest);
    let name = "naive z, coins, 100,000".to_owned();
    series.extend(line.map(|line| curve(name, &line.p_values(), true)));
    if series.len() < 5 {
        return; // Not all of them were examined.
    }
    Plot {
        title: "False alarms on unmarked words",
        x: Axis::decades("level of the test", -3, 0),
        y: Axis::decades("share of keys that are wrongly found", -4, 0),
        series,
    }
    .write("calibration");
}
