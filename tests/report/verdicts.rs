//! Verdicts to show: built from real tests of simulated text.

use guilloche::forensics::detect::CellCounts;
use guilloche::forensics::evidence::{Decoys, Effect, Weights, test_signs};
use guilloche::forensics::examination::{
    Committed, ControlKind, ControlTest, Deployment, DeploymentEvidence, FileRead, IdScore, Issued,
    Material, Method, PValue, Part, SchemeTests, Verdict, conclude,
};
use guilloche::mark::cell::{Bits, Cell, ClassId, MarkKey};

pub(crate) const CELLS: u32 = 32 * 16;

/// A key's name and bytes that no report may show.
pub(crate) const KEY: [u8; 32] = [0x5a; 32];

/// A text that follows the key in `follows` of a hundred choices.
fn counts(follows: u32, documents: u32) -> CellCounts {
    let bits = Bits::new(&MarkKey::from_bytes(KEY), CELLS);
    let mut counts = CellCounts::new("example", CELLS, 16);
    for number in 0..documents {
        let Some(mut document) = counts.document(&number.to_string(), &[]) else { continue };
        for site in 0..4 {
            let mixed = (number * 4 + site).wrapping_mul(2_654_435_761) >> 7;
            let cell = mixed % CELLS;
            let bit = bits.get(Cell::from_bucket(ClassId((cell / 16) as u16), (cell % 16) as u8));
            let own = mixed >> 11 & 3 == 0;
            document.observe(
                u64::from(site),
                cell,
                if mixed >> 13 & 63 < follows { bit } else { own },
            );
        }
    }
    counts
}

fn deployment(epoch: u32, follows: u32, documents: u32, decoys: u32) -> Deployment {
    let counts = counts(follows, documents);
    let key = MarkKey::from_bytes(KEY);
    let weights = Weights::from_counts(&counts, &[]);
    let evidence = test_signs(&weights, &key, &Decoys::new([epoch as u8; 32], decoys));
    let bits = Bits::new(&key, CELLS);
    Deployment {
        tenant: String::new(),
        epoch,
        issued: Issued { answers: 40_211, sites: 512_300 },
        evidence: Some(DeploymentEvidence {
            evidence,
            ln_p_without_controls: Some(-30.0),
            effect: Effect::of_signs(&counts, &[], &bits, |_| true),
            least_effect: Some(0.011),
            copies: None,
            sites: counts.sites(),
            terms: u64::from(CELLS),
        }),
    }
}

pub(crate) fn id(name: &str, standardized: f64, cluster: Option<usize>) -> IdScore {
    let ln_p = if standardized > 0.0 { -standardized * standardized / 2.0 } else { 0.0 };
    IdScore {
        id: name.to_owned(),
        deployment: 0,
        cluster,
        issued: Issued { answers: 1_204, sites: 15_310 },
        standardized,
        ln_tail: ln_p,
        ln_p,
        effect: None,
        parts: vec![],
    }
}

pub(crate) fn control(name: &str, kind: ControlKind, p: f64) -> ControlTest {
    let p = PValue::from_ln(p.ln());
    let material = (kind == ControlKind::Text).then(|| Material {
        scheme: "lexical".into(),
        rules: "lexicon english 3fd1c6aa01b2c3d4, scanner 1".into(),
        files: vec![file(name)],
        documents: 4_000,
        sites: 50_112,
        ..Material::default()
    });
    let scheme = "lexical".to_owned();
    ControlTest { name: name.into(), kind, scheme, p, rejected: false, material }
}

pub(crate) fn file(name: &str) -> FileRead {
    FileRead {
        name: name.to_owned(),
        format: "jsonl zstd".into(),
        sha256: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855".into(),
        bytes: 48_120_331,
        records: 12_050,
        documents: 12_047,
        words: 3_911_204,
        skipped: 3,
        problems: vec![
            "line 17: not JSON (column 4)".into(),
            "line 90: neither an object nor a string".into(),
        ],
    }
}

pub(crate) fn scheme(deployments: Vec<Deployment>) -> SchemeTests {
    SchemeTests {
        material: Material {
            scheme: "lexical".into(),
            rules: "lexicon english 3fd1c6aa01b2c3d4, scanner 1".into(),
            files: vec![file("/home/analyst/case-12/suspect answers.jsonl.zst")],
            documents: 11_803,
            repeated: 244,
            unchecked: 0,
            sites: 48_377,
            excluded: 1_932,
        },
        deployments,
        clusters: vec![],
        arms: vec![],
        accounts: vec![],
        controls: vec![
            control("/data/controls/other-model.jsonl", ControlKind::Text, 0.41),
            control("/data/controls/encyclopedia-2019.txt", ControlKind::Text, 0.87),
            control("ids that were never issued", ControlKind::NeverIssued, 0.63),
        ],
    }
}

pub(crate) fn method() -> Method {
    Method {
        plan_hash: "c9b2e6b1f0a94d0c8f7e5a3d21b4c6d8e0f1a2b3c4d5e6f708192a3b4c5d6e7f".into(),
        committed: Some(Committed {
            file: "/home/analyst/case-12/commitment.json".into(),
            made: "2026-11-02T09:14:00Z".into(),
        }),
        subject: "Answers of model X to 12,000 prompts of list P".into(),
        seed: "07".repeat(32),
        decoys: 10_000,
        key_fingerprint: "8c1f4e02".into(),
        ledger_lines: 12_044,
        notes: vec!["Controls also give the usual rate of each cell.".into()],
        ..Method::default()
    }
}

/// Three epochs: one that the text follows, one that it follows a little, one that it does not.
pub(crate) fn exposed_deployments(decoys: u32) -> Vec<Deployment> {
    vec![
        deployment(3, 12, 12_000, decoys),
        deployment(2, 3, 4_000, decoys),
        deployment(1, 0, 3_000, decoys),
    ]
}

/// A finding: one account of a cluster of three, over three epochs.
pub(crate) fn exposed(decoys: u32) -> Verdict {
    let mut scheme = scheme(exposed_deployments(decoys));
    let part = |name: &str, z: f64| Part {
        name: name.into(),
        standardized: z,
        p: PValue::from_ln(-z * z / 2.0),
    };
    let mut ring = id("ring-04", 12.8, None);
    ring.parts = vec![part("shared key", 12.8), part("members", 8.1)];
    scheme.clusters = vec![ring, id("ring-11", 2.2, None), id("ring-02", 0.7, None)];
    scheme.accounts = vec![id("acct-0017", 11.3, Some(0))];
    for number in 0..400_u32 {
        let z = f64::from(number.wrapping_mul(2_654_435_761) >> 12 & 1023) / 1023.0 * 5.6 - 2.8;
        scheme.accounts.push(id(&format!("acct-{:04}", 100 + number), z, None));
    }
    conclude(vec![scheme], vec![], method())
}

/// Nothing found.
pub(crate) fn not_shown() -> Verdict {
    let mut scheme = scheme(vec![deployment(1, 0, 3_000, 2_000)]);
    scheme.accounts = vec![id("acct-0017", 1.3, None), id("acct-0018", 0.2, None)];
    conclude(vec![scheme], vec![], method())
}

/// A control that found a mark.
pub(crate) fn refused() -> Verdict {
    let mut scheme = scheme(vec![deployment(3, 12, 12_000, 2_000)]);
    scheme.accounts = vec![id("acct-0017", 11.3, None)];
    scheme.controls.push(control("/data/controls/contaminated.jsonl", ControlKind::Text, 1e-9));
    conclude(vec![scheme], vec![], method())
}
