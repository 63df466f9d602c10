//! Where there is no mark, nobody is accused, whoever's keys are held against the text.

use std::borrow::Cow;

use guilloche::forensics::detect::{CellCounts, LexicalSites};
use guilloche::forensics::evidence::Decoys;
use guilloche::forensics::examination::{
    MarkedBy, Material, Method, Named, Outcome, Sample, conclude, issuances, test_lexical,
};
use guilloche::mark::keys::Keys;
use guilloche::mark::ledger::Entry;
use jiff::Timestamp;

use super::scene::{halves, issued};

const DEPLOYMENTS: u32 = if cfg!(debug_assertions) { 20 } else { 2_000 };

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
        let tests = test_lexical(&keys, &rosters, suspect, &[control], &Decoys::new(master, 1_000));
        let p: Vec<f64> =
            tests.accounts.iter().chain(&tests.clusters).map(|test| test.ln_p.exp()).collect();
        low += u32::from(p.into_iter().fold(1.0, f64::min) < 1e-3);
        let verdict = conclude(vec![tests], Vec::new(), Method::default());
        // A control may refuse: one in a thousand does by chance.
        assert_ne!(verdict.outcome, Outcome::Exposed, "{}", verdict.sentence);
        assert_eq!(verdict.accounts.consistent_with, Named::Nobody);
    }
    // 22 tests each: a raw p below 0.001 is expected in at most one deployment of 45.
    let expected = f64::from(DEPLOYMENTS) * 22.0 * 1e-3;
    assert!(f64::from(low) <= expected + 4.0 * expected.sqrt(), "{low}, expected {expected}");
}

/// The hostile choice: a control that leans against the key where the suspect leans nowhere.
#[test]
fn a_control_that_leans_against_a_key_refuses_the_answer() {
    use guilloche::forensics::examination::RefusedBy;
    use guilloche::mark::cell::{Bits, KeyName, Purpose, Role};

    let keys = Keys::from_master(&[0x55; 32], Timestamp::UNIX_EPOCH);
    let name =
        KeyName { purpose: Purpose::Lexical, tenant: "", epoch: 1, role: Role::Global, id: "" };
    let cells = LexicalSites::english().counts().cells();
    let bits = Bits::new(&keys.derive(&name), cells);
    let (suspect, suspect_material) = counted(halves().0);
    let mut against = LexicalSites::english().counts();
    for number in 0..2_000_u32 {
        let mut document = against.document(&number.to_string(), &[]).unwrap();
        for site in 0..6 {
            let cell = (number * 6 + site).wrapping_mul(2_654_435_761) % cells;
            let bit = bits.words()[cell as usize / 32] >> (cell % 32) & 1 == 1;
            document.observe(u64::from(site), cell, !bit);
        }
    }
    let material = Material { sites: against.sites(), ..Material::default() };
    let rosters = issuances(&keys, MarkedBy::WORDS, []).unwrap();
    let suspect = Sample { name: "suspect", counts: &suspect, material: &suspect_material };
    let control = Sample { name: "chosen", counts: &against, material: &material };
    let tests = test_lexical(&keys, &rosters, suspect, &[control], &Decoys::new([1; 32], 1_000));
    let tested = tests.deployments[0].evidence.as_ref().unwrap();
    assert!(tested.ln_p_without_controls.unwrap() > 1e-3_f64.ln());
    let verdict = conclude(vec![tests], Vec::new(), Method::default());
    assert_eq!(verdict.refusals[0].by, RefusedBy::Control, "{:?}", verdict.refusals);
}
