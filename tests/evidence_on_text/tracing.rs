//! Colluders are found, alone and in clusters; nobody else is accused.

use super::text::{CELLS, Source, cell, cells, unmarked_cells};
use guilloche::forensics::detect::CellCounts;
use guilloche::forensics::evidence::{Control, Decoys, Refusal, Weights, holm};
use guilloche::forensics::tracing::{
    Account, Cluster, ClusterScore, Commitment, Finding, Plan, Roster, Score, Trace,
};
use guilloche::mark::cell::{Bits, KeyName, MarkKey, Purpose, Role, Roles};

const MASTER: [u8; 32] = [7; 32];
const ACCOUNTS: usize = if cfg!(debug_assertions) { 100 } else { 10_000 };

fn key(role: Role, id: &str) -> MarkKey {
    let purpose = Purpose::Lexical;
    MarkKey::derive(&MASTER, &KeyName { purpose, tenant: "", epoch: 1, role, id })
}

/// Accounts, of which the first `linked` fill clusters of this size.
fn roster(accounts: usize, linked: usize, size: usize, marked_alone: bool) -> Roster {
    let account = |number: usize| {
        let name = format!("account {number}");
        let cluster = (number < linked).then_some(number / size);
        Account { key: key(Role::Account, &name), name, cluster, marked_alone }
    };
    let cluster = |number: usize| {
        let name = format!("cluster {number}");
        Cluster { key: key(Role::Cluster, &name), name }
    };
    Roster {
        global: key(Role::Global, ""),
        accounts: (0..accounts).map(account).collect(),
        clusters: (0..linked.div_ceil(size)).map(cluster).collect(),
        arms: Vec::new(),
        mostly_in_arms: false,
        membership_fixed: true,
    }
}

fn roles() -> Roles {
    Roles::new(&MASTER, CELLS)
}

/// A student of these accounts in equal parts, that follows marks in a share of its sites.
/// `linked` tells whether their answers carried the keys of their clusters.
fn copied(roster: &Roster, sources: &[usize], words: u32, share: f64, linked: bool) -> CellCounts {
    let roles = roles();
    let global = Bits::new(&roster.global, CELLS);
    let own: Vec<(Bits, Option<Bits>)> = sources
        .iter()
        .map(|place| {
            let account = &roster.accounts[*place];
            let cluster = account.cluster.filter(|_| linked);
            let shared = cluster.map(|place| Bits::new(&roster.clusters[place].key, CELLS));
            (Bits::new(&account.key, CELLS), shared)
        })
        .collect();
    cells(1, words, |source: &mut Source, number, model| {
        if !source.chance(share) {
            return model;
        }
        let (account, cluster) = &own[source.below(own.len() as u32) as usize];
        match roles.of(cell(number)) {
            Role::Global | Role::Arm => global.get(cell(number)),
            Role::Account => account.get(cell(number)),
            Role::Cluster => cluster.as_ref().unwrap_or(account).get(cell(number)),
        }
    })
}

fn trace(suspect: &CellCounts, roster: &Roster) -> Trace {
    let control = unmarked_cells(2, 100_000);
    let weights = Weights::from_counts(suspect, &[&control]);
    Trace::new(&weights, &roles(), roster, &Decoys::new([3; 32], 10_000))
}

#[test]
fn colluders_are_each_named_and_nobody_else() {
    let roster = roster(ACCOUNTS, 0, 1, true);
    for sources in [vec![17], vec![3, 40, 77]] {
        let suspect = copied(&roster, &sources, 2_000_000, 0.9, false);
        let trace = trace(&suspect, &roster);
        let findings = trace.findings(&[]).unwrap();
        let Finding::Each(mut named) = findings.accounts.clone() else {
            panic!("{:?}", findings.accounts);
        };
        named.sort_unstable();
        assert_eq!(named, sources);
        let statement = findings.statement(&roster);
        assert!(statement.contains("consistent with outputs of account"), "{statement}");
        assert!(statement.contains("lawfully published"), "{statement}");
    }
}

/// Twenty accounts each leave a twentieth of a trace; the key that they share is not diluted.
#[test]
fn a_cluster_is_named_by_its_shared_key_where_its_members_cannot_be() {
    let roster = roster(ACCOUNTS, 100, 20, false);
    let suspect = copied(&roster, &(20..40).collect::<Vec<_>>(), 400_000, 0.5, true);
    let trace = trace(&suspect, &roster);
    let findings = trace.findings(&[]).unwrap();
    assert_eq!(findings.clusters, Finding::Each(vec![1]));
    assert_eq!(findings.accounts, Finding::Nobody);
    assert!(trace.clusters[1].shared_key.standardized > 6.0);
    assert!(findings.statement(&roster).contains("cluster cluster 1."));
}

/// Answers from before the members were linked carry no shared key.
#[test]
fn a_cluster_is_named_by_the_sum_of_its_members_for_the_time_before_it_was_linked() {
    let roster = roster(ACCOUNTS, 100, 20, true);
    let suspect = copied(&roster, &(20..40).collect::<Vec<_>>(), 2_000_000, 1.0, false);
    let trace = trace(&suspect, &roster);
    assert_eq!(trace.findings(&[]).unwrap().clusters, Finding::Each(vec![1]));
    let ClusterScore { shared_key, members, .. } = trace.clusters[1];
    assert!(members.unwrap().standardized > 6.0 && shared_key.standardized < 4.0);
}

#[test]
fn nobody_is_accused_in_a_thousand_audits_of_texts_that_know_no_account() {
    let roster = roster(ACCOUNTS, ACCOUNTS / 2, 10, true);
    let bits = Bits::new(&roster.global, CELLS);
    let roles = roles();
    let control = unmarked_cells(2, 100_000);
    let mut low = 0;
    for audit in 0..1_000_u32 {
        // Half of the texts follow the deployment's own key, so that the first gate is open.
        let share = if audit % 2 == 0 { 0.0 } else { 0.9 };
        let suspect = cells((audit % 251) as u8, 4_000 + audit, |source, number, model| {
            let global = roles.of(cell(number)) == Role::Global && source.chance(share);
            if global { bits.get(cell(number)) } else { model }
        });
        let weights = Weights::from_counts(&suspect, &[&control]);
        let mut seed = [9; 32];
        seed[..4].copy_from_slice(&audit.to_le_bytes());
        let trace = Trace::new(&weights, &roles, &roster, &Decoys::new(seed, 10_000));
        // Without the gates, and without the controls.
        let accounts: Vec<f64> = trace.accounts.iter().map(|score| score.ln_p).collect();
        let least = holm(&accounts).into_iter().fold(0.0, f64::min);
        low += u32::from(least < 0.01_f64.ln());
        assert!(least > 1e-6_f64.ln());
        if let Ok(findings) = trace.findings(&[]) {
            assert_eq!((findings.accounts, findings.clusters), (Finding::Nobody, Finding::Nobody));
        }
    }
    // 1,000 audits at level 0.01: 10 expected at most, 22 is 4 deviations.
    assert!(low <= 22, "{low} of 1000 audits have an adjusted p below 0.01");
}

fn score(standardized: f64, p: f64) -> Score {
    Score { standardized, ln_p: p.ln(), ln_p_adjusted: p.ln() }
}

fn scored(accounts: Vec<Score>) -> Trace {
    let never_issued = Control { name: "never issued".to_owned(), ln_p: -0.1 };
    Trace {
        global: score(20.0, 1e-80),
        clusters: Vec::new(),
        arms: Vec::new(),
        accounts,
        never_issued,
    }
}

#[test]
fn without_a_clear_gap_nobody_is_named() {
    let near = scored(vec![score(1.0, 0.9), score(8.0, 1e-9), score(6.0, 1e-3), score(2.9, 0.5)]);
    assert_eq!(near.findings(&[]).unwrap().accounts, Finding::Unclear(vec![1]));
    let clear = scored(vec![score(1.0, 0.9), score(9.0, 1e-12), score(5.0, 1e-3)]);
    assert_eq!(clear.findings(&[]).unwrap().accounts, Finding::Each(vec![1]));
    let weak = scored(vec![score(1.0, 0.9), score(9.0, 1.1e-6)]);
    assert_eq!(weak.findings(&[]).unwrap().accounts, Finding::Nobody);
    let statement = weak.findings(&[]).unwrap().statement(&roster(2, 0, 1, true));
    assert!(statement.contains("cannot be traced"), "{statement}");
}

#[test]
fn nothing_is_said_where_ids_that_were_never_issued_are_found() {
    let mut trace = scored(vec![score(9.0, 1e-9)]);
    trace.never_issued.ln_p = 1e-5_f64.ln();
    assert!(matches!(trace.findings(&[]), Err(Refusal::Control { .. })));
    trace.never_issued.ln_p = 0.0;
    let control = Control { name: "base model".to_owned(), ln_p: 1e-5_f64.ln() };
    assert!(
        matches!(trace.findings(&[control]), Err(Refusal::Control { name, .. }) if name == "base model")
    );
}

/// The strongest account cannot be named while its deployment or cluster is not.
#[test]
fn gates_stay_shut_below_a_level_that_finds_nothing() {
    let roster = roster(100, 0, 1, true);
    // Only the account's cells follow: the deployment's do not.
    let bits = Bits::new(&roster.accounts[5].key, CELLS);
    let roles = roles();
    let suspect = cells(1, 400_000, |_, number, model| {
        if roles.of(cell(number)) == Role::Global { model } else { bits.get(cell(number)) }
    });
    let trace = trace(&suspect, &roster);
    assert!(trace.accounts[5].ln_p < -30.0);
    assert_eq!(trace.accounts[5].ln_p_adjusted, trace.global.ln_p);
    assert_eq!(trace.findings(&[]).unwrap().accounts, Finding::Nobody);
}

#[test]
fn a_commitment_holds_for_its_own_plan_and_roster_alone() {
    let plan = Plan {
        rules: "lexicon 1".to_owned(),
        decoy_seed: [3; 32],
        decoys: 10_000,
        material: "suspect files, BLAKE3 00".to_owned(),
        field: None,
        prompts: Vec::new(),
        controls: vec!["base model".to_owned()],
        control_files: Vec::new(),
    };
    let commitment = Commitment::new(&plan, [&roster(10, 4, 2, true)]);
    let written = serde_json::to_string(&commitment).unwrap();
    let read: Commitment = serde_json::from_str(&written).unwrap();
    assert!(read.holds(&plan, [&roster(10, 4, 2, true)]));
    assert!(!read.holds(&Plan { decoys: 9_999, ..plan.clone() }, [&roster(10, 4, 2, true)]));
    let controls = vec!["base".to_owned(), " model".to_owned()];
    assert!(!read.holds(&Plan { controls, ..plan.clone() }, [&roster(10, 4, 2, true)]));
    for other in [roster(11, 4, 2, true), roster(10, 6, 2, true), roster(10, 4, 2, false)] {
        assert!(!read.holds(&plan, [&other]));
    }
    assert!(!read.holds(&plan, [&roster(10, 4, 2, true), &roster(0, 0, 1, true)]));
    let prompts = vec!["digest".to_owned()];
    assert!(!read.holds(&Plan { prompts, ..plan.clone() }, [&roster(10, 4, 2, true)]));
    let control_files = vec!["base model: sha256 00".to_owned()];
    assert!(!read.holds(&Plan { control_files, ..plan.clone() }, [&roster(10, 4, 2, true)]));
    let field = Some("digest".to_owned());
    assert!(!read.holds(&Plan { field, ..plan.clone() }, [&roster(10, 4, 2, true)]));
    let mut renamed = roster(10, 4, 2, true);
    renamed.accounts[3].key = key(Role::Account, "someone else");
    assert!(!read.holds(&plan, [&renamed]));
    assert!(serde_json::from_str::<Commitment>("\"00\"").is_err());
}

/// The hostile choice: of many innocent accounts, link those that score highest.
#[test]
fn a_cluster_of_accounts_that_were_linked_because_they_score_high_is_not_found() {
    let roles = roles();
    let weights = Weights::new((0..CELLS).map(|_| (1.0, 1.0)));
    let mut roster = roster(400, 400, 40, true);
    let decoys = Decoys::new([9; 32], 0);
    let scored = Trace::new(&weights, &roles, &roster, &decoys).accounts;
    let mut order: Vec<usize> = (0..400).collect();
    order.sort_by(|left, right| scored[*left].ln_p.total_cmp(&scored[*right].ln_p));
    for (rank, place) in order.into_iter().enumerate() {
        roster.accounts[place].cluster = Some(rank / 40);
    }
    let mut whole = |fixed: bool| {
        roster.membership_fixed = fixed;
        Trace::new(&weights, &roles, &roster, &decoys).clusters[0]
    };
    // What would be said if the link were taken for one that was made before.
    assert!(whole(true).whole.ln_p < 1e-12_f64.ln());
    let found = whole(false);
    assert!(found.members.is_none() && found.whole.ln_p > 1e-3_f64.ln(), "{found:?}");
}
