//! A model that writes: how often each token of the documents follows another.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use guilloche::mark::tokenizer::Tokenizer;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

pub(crate) static TOKENIZER: LazyLock<Tokenizer> = LazyLock::new(|| {
    Tokenizer::parse(include_bytes!("../fixtures/tokenizers/byte_level.json")).unwrap()
});

/// Texts of this repository.
const TEXTS: [&str; 5] = [
    include_str!("../../README.md"),
    include_str!("../../docs/configuration.md"),
    include_str!("../../docs/policies.md"),
    include_str!("../../docs/risk-header.md"),
    include_str!("../../CONTRIBUTING.md"),
];

/// What may come next, with its probability.
type Next = Vec<(u32, f64)>;

static MODEL: LazyLock<(HashMap<u32, Next>, Next)> = LazyLock::new(|| {
    let tokens: Vec<u32> = TEXTS.iter().flat_map(|text| TOKENIZER.encode(text)).collect();
    let mut counts: HashMap<u32, HashMap<u32, f64>> = HashMap::new();
    let mut single: HashMap<u32, f64> = HashMap::new();
    for pair in tokens.windows(2) {
        *counts.entry(pair[0]).or_default().entry(pair[1]).or_default() += 1.0;
        *single.entry(pair[1]).or_default() += 1.0;
    }
    let rates = |counts: HashMap<u32, f64>| {
        let total: f64 = counts.values().sum();
        let mut next: Next = counts.into_iter().map(|(token, n)| (token, n / total)).collect();
        next.sort_unstable_by_key(|(token, _)| *token);
        next
    };
    let single = rates(single);
    (counts.into_iter().map(|(token, counts)| (token, rates(counts))).collect(), single)
});

/// Writes documents, choosing by a rule.
pub(crate) struct Writer {
    random: ChaCha20Rng,
}

impl Writer {
    pub(crate) fn new(seed: u8) -> Self {
        Self { random: ChaCha20Rng::from_seed([seed; 32]) }
    }

    /// In (0, 1).
    pub(crate) fn uniform(&mut self) -> f64 {
        (f64::from(self.random.next_u32()) + 0.5) / 4_294_967_296.0
    }

    /// What may follow a token: half of the time anything, as a model of more entropy would.
    fn next(&mut self, last: u32) -> &'static Next {
        let (pairs, single) = &*MODEL;
        if self.uniform() < 0.5 { single } else { pairs.get(&last).unwrap_or(single) }
    }

    /// Without a mark.
    pub(crate) fn free(&mut self, next: &Next) -> u32 {
        let mut left = self.uniform();
        for (token, probability) in next {
            left -= probability;
            if left < 0.0 {
                return *token;
            }
        }
        next[0].0
    }

    /// A document of so many tokens; in `share` of its places a rule chooses that gives every
    /// candidate behind a context of so many tokens a uniform number, as Aaronson's does, once for
    /// each context.
    pub(crate) fn gumbel(
        &mut self,
        length: usize,
        share: f64,
        window: usize,
        uniform: impl Fn(&[u32], u32) -> f64,
    ) -> String {
        let mut tokens = vec![self.free(&MODEL.1)];
        let mut seen = HashSet::new();
        while tokens.len() < length {
            let next = self.next(*tokens.last().unwrap());
            let context = tokens.len().checked_sub(window).map(|from| tokens[from..].to_vec());
            let marked = self.uniform() < share;
            let token = match context {
                Some(context) if marked && seen.insert(context.clone()) => {
                    let score = |token: u32, p: f64| uniform(&context, token).ln() / p;
                    let best = next
                        .iter()
                        .max_by(|(a, p), (b, q)| score(*a, *p).total_cmp(&score(*b, *q)));
                    best.unwrap().0
                }
                _ => self.free(next),
            };
            tokens.push(token);
        }
        TOKENIZER.decode(&tokens).unwrap()
    }

    pub(crate) fn unmarked(&mut self, length: usize) -> String {
        self.gumbel(length, 0.0, 1, |_, _| 0.5)
    }

    /// The same, with words behind it between which a mark could choose.
    pub(crate) fn unmarked_prose(&mut self, length: usize) -> String {
        self.unmarked(length)
            + "\n\nThis is one of the tools. For example, you can use it instead of that, because each kind \
               of file needs a type. If it is large, start with the whole of it rather than a part."
    }

    /// A document with a bias on some tokens; among the words stand the tokens of `pairs`.
    pub(crate) fn biased(
        &mut self,
        length: usize,
        pairs: &[[u32; 2]],
        bias: &HashMap<u32, f64>,
    ) -> String {
        let mut tokens = Vec::new();
        while tokens.len() < length {
            let last = tokens.last().copied().unwrap_or(1);
            let next = self.next(last);
            tokens.push(self.free(next));
            if self.uniform() < 0.1 {
                let pair = pairs[(self.uniform() * pairs.len() as f64) as usize];
                let logit = |token: u32| bias.get(&token).copied().unwrap_or(0.0);
                let [zero, one] = pair.map(|token| logit(token).exp());
                let second = self.uniform() * (zero + one) < one;
                tokens.push(pair[usize::from(second)]);
            }
        }
        TOKENIZER.decode(&tokens).unwrap()
    }
}
