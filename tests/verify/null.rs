//! Where there is no mark, nobody is accused, whoever's keys are held against the text.

use std::borrow::Cow;

use guilloche::mark::detect::{CellCounts, LexicalSites};
use guilloche::mark::evidence::Decoys;
use guilloche::mark::examination::{
    MarkedBy, Material, Method, Named, Outcome, Sample, conclude, issuances, test_lexical,
};
use guilloche::mark::keys::Keys;
use guilloche::mark::ledger::Entry;
use jiff::Timestamp;

use super::scene::{halves, issued};

const DEPLOYMENTS: u32 = if cfg!(debug_assertions) { 200 } else { 2_000 };

fn counted(texts: &[String]) -> (CellCounts, Material) {
    let sites = LexicalSites::english();
    let mut counts = sites.counts();
    for text in texts {
        let text: Cow<'_, str> = text.into();
        counts.add(&sites.document(&text, []).0);
    }
    let material = Material { sites: counts.sites(), ..Material::default() };
    (counts, material)
}

#[test]
fn of_many_deployments_none_finds_its_mark_in_a_text_that_has_none() {
    let (suspect, suspect_material) = counted(halves().0);
    let (control, control_material) = counted(halves().1);
    let mut low = 0;
    for number in 0..DEPLOYMENTS {
        let mut master = [0x77; 32];
        master[..4].copy_from_slice(&number.to_le_bytes());
        let keys = Keys::from_master(&master, Timestamp::UNIX_EPOCH);
        let entries = (0..20).map(|account| {
            let cluster = (account < 10).then_some(if account < 5 { "one" } else { "two" });
            Entry::new(Timestamp::UNIX_EPOCH, issued(1, &format!("a-{account}"), cluster))
        });
        let rosters = issuances(&keys, MarkedBy::WORDS, entries).unwrap();
        let suspect = Sample { name: "suspect", counts: &suspect, material: &suspect_material };
        let control = Sample { name: "base", counts: &control, material: &control_material };
        let tests = test_lexical(&keys, &rosters, suspect, &[control], &Decoys::new(master, 0));
        let verdict = conclude(vec![tests], Vec::new(), Method::default());
        // A control may refuse: one in a thousand does by chance.
        assert_ne!(verdict.outcome, Outcome::Exposed, "{}", verdict.sentence);
        assert_eq!(verdict.accounts.named, Named::Nobody);
        let least = verdict.accounts.strongest.iter().chain(&verdict.clusters.strongest);
        low += u32::from(least.fold(1.0, |least: f64, test| least.min(test.p.p)) < 1e-3);
    }
    // 22 tests each: at most 4.4 deployments in 200 are expected to have a raw p below 0.001.
    let expected = f64::from(DEPLOYMENTS) * 22.0 * 1e-3;
    assert!(f64::from(low) <= expected + 4.0 * expected.sqrt(), "{low}, expected {expected}");
}
