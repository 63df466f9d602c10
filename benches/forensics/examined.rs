//! A whole examination of counted text, as `guilloche verify` makes it.

use std::slice::from_ref;

use guilloche::forensics::evidence::{Decoys, LnP, Strengths, holm};
use guilloche::forensics::examination::{
    Issuance, Issued, LawSample, Level, Material, Method, Named, Outcome, Sample, SchemeTests,
    Verdict, conclude, test_law, test_lexical,
};
use guilloche::forensics::tracing::{Account, Cluster, Roster};
use guilloche::mark::cell::Role;
use rayon::prelude::*;

use crate::deployment::{Counts, Deployment};

pub(crate) struct Examined {
    pub(crate) verdict: Verdict,
    /// The deployment's `ln p`.
    pub(crate) global: LnP,
    /// Least `ln p` of an account, adjusted for their number, with the gates left out.
    pub(crate) ungated: LnP,
}

/// All accounts and clusters to whom answers were issued. `cluster` is that of an account, by its place, and
/// whether it was marked while it was in none.
pub(crate) fn issuance(
    deployment: &Deployment,
    accounts: usize,
    clusters: usize,
    cluster: impl Fn(usize) -> (Option<usize>, bool) + Sync,
) -> Issuance {
    let account = |place: usize| {
        let (name, (cluster, marked_alone)) = (place.to_string(), cluster(place));
        Account { key: deployment.key(Role::Account, &name), name, cluster, marked_alone }
    };
    let shared = |place: usize| {
        let name = place.to_string();
        Cluster { key: deployment.key(Role::Cluster, &name), name }
    };
    let roster = Roster {
        global: deployment.key(Role::Global, ""),
        accounts: (0..accounts).into_par_iter().map(account).collect(),
        clusters: (0..clusters).map(shared).collect(),
        arms: Vec::new(),
        mostly_in_arms: false,
        membership_fixed: true,
    };
    Issuance {
        tenant: String::new(),
        epoch: 1,
        issued: Issued::default(),
        strengths: Strengths::new([(1.0, 1.0)]),
        roster,
        accounts: vec![Issued::default(); accounts],
        clusters: vec![Issued::default(); clusters],
        arms: Vec::new(),
    }
}

pub(crate) fn examine(
    deployment: &Deployment,
    issuance: &Issuance,
    (suspect, control): (&Counts, &Counts),
    decoys: &Decoys,
) -> Examined {
    let tests = tests(deployment, issuance, (suspect, control), decoys);
    let evidence = tests.deployments.first().and_then(|deployment| deployment.evidence.as_ref());
    let global = evidence.map_or(0.0, |tested| tested.evidence.ln_p);
    let alone: Vec<LnP> = tests.accounts.iter().map(|score| score.ln_p).collect();
    let ungated = holm(&alone).into_iter().fold(0.0, f64::min);
    let verdict = conclude(vec![tests], Vec::new(), Method::default());
    Examined { verdict, global, ungated }
}

fn tests(
    deployment: &Deployment,
    issuance: &Issuance,
    counts: (&Counts, &Counts),
    decoys: &Decoys,
) -> SchemeTests {
    let material = |counts: &Counts| Material {
        scheme: "lexical".to_owned(),
        sites: counts.sites(),
        ..Material::default()
    };
    let (suspect, control) = (&material(counts.0), &material(counts.1));
    let (name, control_name) = ("suspect", "control");
    let keys = deployment.keys();
    match counts {
        (Counts::Law(counts), Counts::Law(others)) => {
            let suspect = LawSample { name, counts: from_ref(counts), material: suspect };
            let counts = from_ref(others);
            let control = LawSample { name: control_name, counts, material: control };
            test_law(keys, [issuance], suspect, &[control], decoys)
        }
        (Counts::Coins(counts), Counts::Coins(others)) => {
            let suspect = Sample { name, counts, material: suspect };
            let control = Sample { name: control_name, counts: others, material: control };
            test_lexical(keys, [issuance], suspect, &[control], decoys)
        }
        _ => unreachable!("both were counted in the cells of one deployment"),
    }
}

impl Examined {
    pub(crate) fn refused(&self) -> bool {
        self.verdict.outcome == Outcome::Refused
    }

    /// Accounts, or clusters, with whose outputs the text is consistent, by their places.
    pub(crate) fn found(&self, level: Level) -> Vec<usize> {
        let tests =
            if level == Level::Account { &self.verdict.accounts } else { &self.verdict.clusters };
        tests.consistent_with.ids().iter().filter_map(|id| id.id.parse().ok()).collect()
    }

    /// Whether the p-values of somebody would suffice.
    pub(crate) fn accuses(&self) -> bool {
        let levels = [&self.verdict.accounts, &self.verdict.clusters];
        levels.iter().any(|tests| tests.consistent_with != Named::Nobody)
    }
}
