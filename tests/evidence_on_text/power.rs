//! Marks that are there are found, under their own key and under no other.

use super::text::{CELLS, Source, cells, documents, student, unmarked_cells};
use super::uniformity::uniformity;
use guilloche::forensics::detect::{
    CellCounts, Device, GreenKey, GreenTable, HuggingFaceKgw, Seeding, SglangGumbel, Site,
    SynthIdMain, SynthIdTable, TokenCounts, TokenDocument, TokenPairs, TokenScheme, TokenSites,
    VllmGumbel,
};
use guilloche::forensics::evidence::{
    AnytimeEvidence, Control, Decoys, Effect, Evidence, NullLaw, Refusal, Weights, examine,
    test_signs, test_tokens,
};
use guilloche::mark::cell::{Bits, MarkKey};

const VOCABULARY: u32 = 500;

/// Text in which each token is the best of four candidates.
fn marked(window: usize, mut score: impl FnMut(&[u32], u32) -> f64) -> Vec<Vec<u32>> {
    let mut source = Source::new(3);
    (0..4)
        .map(|_| {
            let mut text: Vec<u32> = (0..window).map(|_| source.token(VOCABULARY)).collect();
            for _ in 0..150 {
                let context = text[text.len() - window..].to_vec();
                let candidates: Vec<u32> = (0..4).map(|_| source.token(VOCABULARY)).collect();
                let scored = candidates.into_iter().map(|token| (score(&context, token), token));
                text.push(scored.max_by(|a, b| a.0.total_cmp(&b.0)).unwrap().1);
            }
            text
        })
        .collect()
}

fn evidence<S: TokenScheme>(scheme: &S, key: &S::Key, text: &[Vec<u32>]) -> (Evidence, Effect) {
    let mut sites = TokenSites::new("test", scheme.window(), 100_000);
    for document in text {
        sites.add(&TokenDocument { answer: document, ..TokenDocument::default() });
    }
    let decoys = Decoys::new([8; 32], 50);
    (test_tokens(scheme, key, &sites, &decoys), Effect::of_tokens(scheme, key, &sites, [1; 32]))
}

/// The mark is found with its key and not with another.
fn found<S: TokenScheme>(scheme: &S, score: impl Fn(&S::Key, &[u32], u32) -> f64) {
    let key = scheme.key(&[5; 32]);
    let text =
        marked(usize::from(scheme.window().tokens), |context, token| score(&key, context, token));
    let (own, effect) = evidence(scheme, &key, &text);
    // No scheme tells fewer than 32 bits of a key apart.
    assert!(own.ln_p < -22.0 && own.standardized > 8.0, "{own:?}");
    assert_eq!(own.decoys.p_value(), 1.0 / 51.0);
    assert!(effect.low > 0.0 && effect.low <= effect.estimate && effect.estimate <= effect.high);
    let (other, _) = evidence(scheme, &scheme.key(&[6; 32]), &text);
    assert!(other.ln_p > -7.0, "{other:?}");
}

fn one_site<S: TokenScheme>(scheme: &S) -> impl Fn(&S::Key, &[u32], u32) -> f64 {
    move |key, context, token| {
        scheme.score(key, &scheme.prepare(&mut std::iter::once(Site { context, token }))).total
    }
}

#[test]
fn every_token_scheme_finds_its_own_mark_and_no_other() {
    let kgw = |seeding| HuggingFaceKgw { vocabulary: VOCABULARY, green_ratio: 0.25, seeding };
    let lefthash = kgw(Seeding::LeftHash);
    found(&lefthash, one_site(&lefthash));
    let main = SynthIdMain { layers: 4, ngram_len: 3 };
    found(&main, one_site(&main));
    let table = SynthIdTable::new(3, 4, 0, Device::Cpu);
    found(&table, |keys, context, token| {
        let ngram: Vec<u32> = context.iter().copied().chain([token]).collect();
        table.bits(keys, &ngram).iter().map(|bit| f64::from(*bit)).sum()
    });
    for mixing_probability in [None, Some(0.5)] {
        let sglang = SglangGumbel { context_window: 2, mixing_probability };
        found(&sglang, one_site(&sglang));
    }
    for alpha in [None, Some(0.1)] {
        let vllm = VllmGumbel { context_window: 2, alpha };
        found(&vllm, one_site(&vllm));
    }
}

#[test]
fn selfhash_finds_its_own_mark_and_no_other() {
    let seeding = Seeding::SelfHash { context_width: 3 };
    let selfhash = HuggingFaceKgw { vocabulary: VOCABULARY, green_ratio: 0.25, seeding };
    found(&selfhash, one_site(&selfhash));
}

#[test]
fn a_dumped_table_finds_the_mark_that_its_lists_made() {
    // Lists of a rule of the operator's own: half of the vocabulary, by the sum of two tokens.
    let green = |context: u32, token: u32| (context * 7 + token * 13) % 97 < 48;
    let mut file = String::from(
        "{\"version\": 1, \"vocabulary\": 500, \"context_tokens\": 1, \"green_ratio\": 0.5}\n",
    );
    for context in 0..VOCABULARY {
        let mut bitmap = vec![0_u8; 63];
        for token in (0..VOCABULARY).filter(|token| green(context, *token)) {
            bitmap[token as usize / 8] |= 1 << (token % 8);
        }
        use base64::Engine;
        let base64 = base64::engine::general_purpose::STANDARD.encode(bitmap);
        file.push_str(&format!("{{\"context\": [{context}], \"green\": \"{base64}\"}}\n"));
    }
    let table = GreenTable::read(file.as_bytes()).unwrap();
    let text = marked(1, |context, token| f64::from(u8::from(green(context[0], token))));
    let (own, _) = evidence(&table, &GreenKey::Table, &text);
    assert!(own.ln_p < -25.0 && own.decoys.p_value() < 0.02);
    let (unmarked, _) = evidence(&table, &GreenKey::Table, &documents(4, 1_000, VOCABULARY));
    assert!(unmarked.ln_p > -7.0);

    let cut = file.strip_suffix("\"}\n").unwrap();
    let (other, doubled) = (file.replacen("0.5}", "0.1}", 1), file.replacen("[1]", "[0]", 1));
    let damaged = ["", "{}", cut, &doubled, &other];
    for file in damaged {
        assert!(GreenTable::read(file.as_bytes()).is_err());
    }
}

#[test]
fn cells_of_a_student_give_its_key_away_and_no_other() {
    let key = MarkKey::from_bytes([5; 32]);
    let control = unmarked_cells(2, 100_000);
    let decoys = Decoys::new([8; 32], 1_000);
    let mut last = 0.0;
    for share in [0.3, 0.6, 1.0] {
        let suspect = student(1, 100_000, &key, share);
        let weights = Weights::from_counts(&suspect, &[&control]);
        let own = test_signs(&weights, &key, &decoys);
        assert!(own.ln_p < -12.0 && own.ln_p < last, "{share}: {}", own.ln_p);
        assert!(own.ln_p <= own.ln_p_hoeffding.unwrap());
        assert_eq!(own.decoys.p_value(), 1.0 / 1_001.0);
        let other = test_signs(&weights, &MarkKey::from_bytes([6; 32]), &decoys);
        assert!(other.ln_p > -7.0);
        last = own.ln_p;

        // The share is told by the suspect alone and by any key that it follows.
        let effects = (0..20).map(|number| {
            let key = MarkKey::from_bytes([100 + number; 32]);
            let suspect = student(10 + number, 100_000, &key, share);
            let bits = Bits::new(&key, CELLS);
            Effect::of_signs(&suspect, &[&control], &bits, |_| true).unwrap()
        });
        let effects: Vec<Effect> = effects.collect();
        let mean = effects.iter().map(|effect| effect.estimate).sum::<f64>() / 20.0;
        let holds = effects.iter().filter(|effect| effect.low <= share && share <= effect.high);
        assert!((mean - share).abs() < 0.02, "{share}: {mean}");
        assert!(holds.count() >= 17, "{share}: {effects:?}");
        assert!(effects.iter().all(|effect| effect.low > 0.0));
    }
}

#[test]
fn a_constant_bias_and_pairs_of_tokens_are_found() {
    let key = MarkKey::from_bytes([5; 32]);
    let bits = Bits::new(&key, VOCABULARY);
    let green = |token: u32| bits.words()[(token / 32) as usize] >> (token % 32) & 1 == 1;
    let decoys = Decoys::new([8; 32], 1_000);
    let text = marked(1, |_, token| f64::from(u8::from(green(token))));
    let count = |text: &[Vec<u32>]| {
        let mut counts = TokenCounts::new("test", VOCABULARY);
        for document in text {
            assert!(counts.add(&[], document));
            assert!(!counts.add(&[], document));
        }
        counts
    };
    let plain = marked(1, |_, _| 0.0);
    let own = test_signs(&count(&text).weights(&count(&plain)), &key, &decoys);
    assert!(own.ln_p < -12.0 && own.decoys.p_value() < 0.002, "{}", own.ln_p);

    // Tokens 2k and 2k + 1 are the variants of class k.
    let classes: Vec<[[u32; 1]; 2]> = (0..250).map(|k| [[2 * k], [2 * k + 1]]).collect();
    let pairs = TokenPairs::new(classes.iter().map(|[a, b]| [a.as_slice(), b.as_slice()]), 1);
    let mut counts = pairs.counts("test");
    for (number, document) in text.iter().enumerate() {
        // The token that the key of the pair favours: the bit of cell k.
        let chosen: Vec<u32> =
            document.iter().map(|token| (token & !1) | u32::from(green(token / 2))).collect();
        assert!(pairs.count(&mut counts, &number.to_string(), &chosen, &[], 0));
    }
    let own = test_signs(&Weights::from_counts(&counts, &[&pairs.counts("test")]), &key, &decoys);
    assert!(own.ln_p < -12.0, "{}", own.ln_p);
}

#[test]
fn contexts_that_occur_in_the_prompt_do_not_count() {
    let scheme = SglangGumbel { context_window: 2, mixing_probability: None };
    let mut sites = TokenSites::new("test", scheme.window(), 100);
    let answer = [1, 2, 3, 4, 5, 6];
    sites.add(&TokenDocument { prompt: &[9, 2, 3, 9], contiguous: false, answer: &answer });
    let contexts: Vec<Vec<u32>> = sites.iter().map(|(site, _)| site.context.to_vec()).collect();
    assert_eq!(contexts, [[1, 2], [3, 4], [4, 5]]);
    assert!(!sites.add(&TokenDocument { answer: &answer, ..TokenDocument::default() }));

    let mut sites = TokenSites::new("test", scheme.window(), 100);
    sites.add(&TokenDocument { prompt: &[7, 8], contiguous: true, answer: &[1, 2] });
    let contexts: Vec<Vec<u32>> = sites.iter().map(|(site, _)| site.context.to_vec()).collect();
    assert_eq!(contexts, [[8, 1]], "the context of the prompt itself is in the prompt");

    let mut counts = CellCounts::new("test", 32, 16);
    let mut document = counts.document("text", &[77]).unwrap();
    for (context, variant) in [(77, true), (1, true), (1, true), (2, false), (3, true)] {
        document.observe(context, 4, variant);
    }
    drop(document);
    assert_eq!(counts.cell(4), [1, 1], "twice in a document, once per context");
}

#[test]
fn sites_past_the_capacity_are_told_and_not_scored() {
    let scheme = SglangGumbel { context_window: 1, mixing_probability: None };
    let mut sites = TokenSites::new("test", scheme.window(), 3);
    sites.add(&TokenDocument { answer: &[1, 2, 3, 4, 5, 6], ..TokenDocument::default() });
    assert_eq!((sites.len(), sites.past_capacity()), (3, 2));
}

#[test]
fn looking_often_does_not_make_evidence_of_nothing() {
    let audits = 400;
    let mut crossed = 0;
    let mut wealth = 0.0;
    let looks: Vec<Weights> =
        (1..=8).map(|look| Weights::from_counts(&unmarked_cells(1, 3_000 * look), &[])).collect();
    for number in 0..audits {
        let key = MarkKey::from_bytes(Decoys::new([4; 32], audits).key(number));
        let mut evidence = AnytimeEvidence::new();
        for (look, weights) in (0..).zip(&looks) {
            evidence.look_at_cells(weights, &key, look, 8);
        }
        crossed += u32::from(evidence.ln_p() < 0.05_f64.ln());
        wealth += evidence.ln_e_value().exp();
    }
    assert!(f64::from(crossed) < 0.05 * f64::from(audits), "{crossed}");
    // Its expectation is 1, most of which rare keys have.
    assert!(wealth < 1.5 * f64::from(audits), "{wealth}");

    // A cell is not wagered on twice.
    let counts = unmarked_cells(1, 20_000);
    let weights = Weights::from_counts(&counts, &[]);
    let key = MarkKey::from_bytes([1; 32]);
    let mut evidence = AnytimeEvidence::new();
    evidence.look_at_cells(&weights, &key, 0, 1);
    let before = evidence.clone();
    evidence.look_at_cells(&weights, &key, 0, 1);
    assert_eq!(evidence, before);
}

#[test]
fn looking_often_finds_a_mark() {
    let key = MarkKey::from_bytes([5; 32]);
    let mut evidence = AnytimeEvidence::new();
    for look in 0..8_u32 {
        let counts = student(1, 20_000 * (look + 1), &key, 0.6);
        evidence.look_at_cells(&Weights::from_counts(&counts, &[]), &key, look, 8);
    }
    assert!(evidence.ln_e_value() > 10.0, "{}", evidence.ln_e_value());

    let mut evidence = AnytimeEvidence::new();
    evidence.look(&NullLaw::Gamma { shape: 1_000 }, 1_200.0);
    evidence.look(&NullLaw::Binomial { trials: 1_000, probability: 0.25 }, 320.0);
    assert!(evidence.ln_p() < -15.0);
}

#[test]
fn a_result_is_refused_with_the_reason_where_a_control_finds_something() {
    let control = |name: &str, p: f64| Control { name: name.to_owned(), ln_p: p.ln() };
    assert_eq!(examine(&[]), Err(Refusal::NoControl));
    assert_eq!(examine(&[control("base model", 0.3), control("other", 0.0011)]), Ok(()));
    let refusal = examine(&[control("base model", 0.3), control("other", 1e-4)]).unwrap_err();
    assert!(refusal.to_string().contains("\"other\""), "{refusal}");

    // A text that repeats one passage, with every occurrence taken for a trial by a wrong law.
    let text = cells(1, 20_000, |_, _, own| own);
    let weights = Weights::from_counts(&text, &[]);
    let evidence =
        test_signs(&weights, &MarkKey::from_bytes([1; 32]), &Decoys::new([8; 32], 1_000));
    assert_eq!(evidence.decoys.examine(), Ok(()));
}

#[test]
fn how_far_decoys_may_be_off_follows_from_their_number() {
    // Uniform scores with a deviation and a mean of their own.
    let examine = |deviation: f64, mean: f64, number: u32| {
        let uniform = |key: &[u8; 32]| {
            let [a, b, c, d, ..] = *key;
            f64::from(u32::from_le_bytes([a, b, c, d])) / f64::from(u32::MAX)
        };
        let score = |key: &[u8; 32]| (uniform(key) - 0.5) * 12_f64.sqrt() * deviation + mean;
        Decoys::new([8; 32], number).compare(0.0, score).examine()
    };
    for number in [1_000, 10_000] {
        assert_eq!(examine(1.0, 0.0, number), Ok(()));
    }
    // The bands of 1,000 are 0.089 and 0.126, those of 10,000 are 0.028 and 0.04.
    assert_eq!((examine(1.06, 0.0, 1_000), examine(1.0, 0.08, 1_000)), (Ok(()), Ok(())));
    for deviation in [0.94, 1.06] {
        let refusal = examine(deviation, 0.0, 10_000).unwrap_err();
        assert!(
            matches!(refusal, Refusal::Dispersion { band, .. } if (band - 0.0283).abs() < 1e-3)
        );
    }
    assert!(matches!(examine(1.0, -0.08, 10_000), Err(Refusal::Mean { .. })));
    assert_eq!(examine(1.0, 0.0, 999), Err(Refusal::FewDecoys(999)));
    assert!(examine(f64::NAN, 0.0, 1_000).is_err());
}

#[test]
fn kolmogorovs_test_rejects_what_is_not_uniform() {
    let uniform = |n: u32| (0..n).map(move |k| (f64::from(k) + 0.5) / f64::from(n));
    assert!(uniformity(uniform(300).collect()) > 0.99);
    assert!(uniformity(uniform(300).map(|p| p * p).collect()) < 1e-6);
}
