//! What forensics cost: tracing 100,000 accounts and drawing 10,000 decoys over 1,000,000 sites.

use divan::{Bencher, black_box};
use guilloche::forensics::detect::{
    CellCounts, SglangGumbel, TokenDocument, TokenScheme, TokenSites, VllmGumbel,
};
use guilloche::forensics::evidence::{Decoys, Weights, test_signs, test_tokens};
use guilloche::forensics::tracing::{Account, Roster, Trace};
use guilloche::mark::cell::{Cell, ClassId, KeyName, MarkKey, Purpose, Role, Roles};

/// 400 classes of 16 buckets.
const CLASSES: u32 = 400;
const CELLS: u32 = CLASSES * 16;

fn main() {
    divan::main();
}

fn key(role: Role, id: &str) -> MarkKey {
    let purpose = Purpose::Lexical;
    MarkKey::derive(&[7; 32], &KeyName { purpose, tenant: "", epoch: 1, role, id })
}

/// So many documents of ten sites each.
fn counts(documents: u32) -> CellCounts {
    let mut counts = CellCounts::new("bench", CELLS, 16);
    for number in 0..documents {
        let Some(mut document) = counts.document(&number.to_string(), &[]) else { continue };
        for site in 0..10_u32 {
            let spread = (number * 10 + site).wrapping_mul(2_654_435_769) >> 8;
            let class = u16::try_from(spread % CLASSES).unwrap_or(0);
            let bucket = u8::try_from(spread / CLASSES % 16).unwrap_or(0);
            let cell = Cell::from_bucket(ClassId(class), bucket).index();
            document.observe(u64::from(site), cell, spread % 3 == 0);
        }
    }
    counts
}

#[divan::bench(sample_count = 10)]
fn trace_100_000_accounts_over_1_000_000_sites(bencher: Bencher<'_, '_>) {
    let account = |number: u32| {
        let name = format!("account {number}");
        Account { key: key(Role::Account, &name), name, cluster: None, marked_alone: true }
    };
    let accounts = (0..100_000).map(account).collect();
    let (global, clusters) = (key(Role::Global, ""), Vec::new());
    let roster = Roster {
        global,
        accounts,
        clusters,
        arms: Vec::new(),
        mostly_in_arms: false,
        membership_fixed: true,
    };
    let suspect = counts(100_000);
    let roles = Roles::new(&[7; 32], CELLS);
    bencher.bench(|| {
        let weights = Weights::from_counts(&suspect, &[]);
        Trace::new(&weights, &roles, black_box(&roster), &Decoys::new([3; 32], 10_000))
    });
}

#[divan::bench(sample_count = 10)]
fn draw_10_000_decoys_over_1_000_000_sites(bencher: Bencher<'_, '_>) {
    let suspect = counts(100_000);
    let key = key(Role::Global, "");
    bencher.bench(|| {
        let weights = Weights::from_counts(black_box(&suspect), &[]);
        test_signs(&weights, &key, &Decoys::new([3; 32], 10_000))
    });
}

#[divan::bench(sample_count = 5)]
fn count_1_000_000_sites_of_cells() -> CellCounts {
    counts(100_000)
}

fn token_sites<S: TokenScheme>(scheme: &S, tokens: u32) -> TokenSites {
    let mut sites = TokenSites::new("bench", scheme.window(), usize::MAX);
    let answer: Vec<u32> = (0..tokens).map(|n| n.wrapping_mul(2_654_435_769) >> 15).collect();
    sites.add(&TokenDocument { answer: &answer, ..TokenDocument::default() });
    sites
}

/// 1,000 decoys over 100,000 sites: a hundredth of the work of a full report on a million.
fn decoys<S: TokenScheme>(bencher: Bencher<'_, '_>, scheme: &S) {
    let sites = token_sites(scheme, 100_000);
    let key = scheme.key(&[7; 32]);
    bencher.bench(|| test_tokens(scheme, &key, black_box(&sites), &Decoys::new([3; 32], 1_000)));
}

#[divan::bench(sample_count = 5)]
fn sglang_1_000_decoys_over_100_000_sites(bencher: Bencher<'_, '_>) {
    decoys(bencher, &SglangGumbel { context_window: 2, mixing_probability: None });
}

#[divan::bench(sample_count = 3)]
fn vllm_1_000_decoys_over_100_000_sites(bencher: Bencher<'_, '_>) {
    decoys(bencher, &VllmGumbel { context_window: 2, alpha: None });
}
