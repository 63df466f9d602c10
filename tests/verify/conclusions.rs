//! What becomes of the tests of several schemes and epochs together.

use guilloche::forensics::evidence::{Decoys, Evidence, NullLaw, holm};
use guilloche::forensics::examination::{
    ControlKind, ControlTest, Deployment, DeploymentEvidence, IdScore, Issued, Level, Material,
    Method, Named, Outcome, PValue, RefusedBy, SchemeTests, Verdict, conclude,
};

fn evidence(p: f64) -> DeploymentEvidence {
    let spread = Decoys::new([2; 32], 1_000).compare(3.0, |key| f64::from(key[0]) / 74.0 - 1.72);
    let evidence = Evidence {
        total: 1.0,
        standardized: 3.0,
        ln_p: p.ln(),
        exact: true,
        ln_p_hoeffding: None,
        dispersion: 1.0,
        law: NullLaw::Gamma { shape: 10 },
        decoys: spread,
    };
    DeploymentEvidence {
        evidence,
        ln_p_without_controls: None,
        effect: None,
        least_effect: None,
        copies: None,
        sites: 10,
        terms: 10,
    }
}

pub(super) fn deployment(epoch: u32, p: Option<f64>) -> Deployment {
    let issued = Issued::default();
    Deployment { tenant: String::new(), epoch, issued, evidence: p.map(evidence) }
}

pub(super) fn id(
    id: &str,
    deployment: usize,
    cluster: Option<usize>,
    score: f64,
    p: f64,
) -> IdScore {
    IdScore {
        id: id.to_owned(),
        deployment,
        cluster,
        issued: Issued::default(),
        standardized: score,
        ln_tail: p.ln(),
        ln_p: p.ln(),
        effect: None,
        parts: Vec::new(),
    }
}

fn control(p: f64) -> ControlTest {
    let p = PValue::from_ln(p.ln());
    let (name, scheme) = ("never issued".to_owned(), "lexical".to_owned());
    let kind = ControlKind::NeverIssued;
    ControlTest { name, kind, scheme, p, rejected: false, material: None }
}

fn text_control(sites: u64) -> ControlTest {
    let material = Some(Material { sites, ..Material::default() });
    ControlTest { kind: ControlKind::Text, material, ..control(0.4) }
}

pub(super) fn scheme(
    name: &str,
    deployments: Vec<Deployment>,
    accounts: Vec<IdScore>,
) -> SchemeTests {
    let material = Material { scheme: name.to_owned(), sites: 100, ..Material::default() };
    let controls = vec![control(0.4), text_control(100)];
    SchemeTests {
        material,
        deployments,
        clusters: Vec::new(),
        arms: Vec::new(),
        accounts,
        controls,
    }
}

fn concluded(schemes: Vec<SchemeTests>) -> Verdict {
    conclude(schemes, Vec::new(), Method::default())
}

#[test]
fn adjustment_is_over_epochs_and_schemes_together() {
    let raw = [1e-9, 0.2, 3e-4];
    let lexical = scheme(
        "lexical",
        vec![deployment(1, Some(raw[0])), deployment(2, Some(raw[1]))],
        vec![id("a", 0, None, 9.0, 1e-20), id("b", 1, None, 1.0, 0.1)],
    );
    let token =
        scheme("sglang", vec![deployment(1, Some(raw[2]))], vec![id("a", 0, None, 2.0, 0.02)]);
    let verdict = concluded(vec![lexical, token]);
    let adjusted: Vec<f64> = verdict.deployments.iter().map(|test| test.p_adjusted.p).collect();
    let expected: Vec<f64> = holm(&raw.map(f64::ln)).into_iter().map(f64::exp).collect();
    for (adjusted, expected) in adjusted.iter().zip(&expected) {
        assert!((adjusted / expected - 1.0).abs() < 1e-9);
    }
    // The strongest account: three tests of accounts, and no less than its deployment.
    assert_eq!((verdict.accounts.tests, verdict.accounts.ids), (3, 2));
    assert!((verdict.accounts.strongest[0].p_adjusted.p / 3e-9 - 1.0).abs() < 1e-9);
    let Named::Each(named) = &verdict.accounts.consistent_with else { panic!() };
    assert_eq!(named.len(), 1);
    assert_eq!((verdict.outcome, verdict.reached), (Outcome::Exposed, Some(Level::Account)));
    // The last digit of a number may be lost on the way.
    let json = serde_json::to_string(&verdict).unwrap();
    let read: Verdict = serde_json::from_str(&json).unwrap();
    assert_eq!(
        (read.sentence, read.accounts.consistent_with),
        (verdict.sentence, verdict.accounts.consistent_with)
    );
}

#[test]
fn nobody_is_named_behind_a_gate_that_is_shut() {
    let shut = scheme(
        "lexical",
        vec![deployment(1, Some(1e-9)), deployment(2, Some(0.01))],
        vec![id("a", 1, None, 12.0, 1e-30)],
    );
    let verdict = concluded(vec![shut]);
    assert_eq!(
        (verdict.accounts.consistent_with, verdict.reached),
        (Named::Nobody, Some(Level::Deployment))
    );
    assert!(verdict.sentence.contains("cannot be traced"), "{}", verdict.sentence);

    let mut clustered =
        scheme("lexical", vec![deployment(1, Some(1e-9))], vec![id("a", 0, Some(0), 12.0, 1e-30)]);
    clustered.clusters = vec![id("ring", 0, None, 1.0, 0.3)];
    assert_eq!(concluded(vec![clustered.clone()]).accounts.consistent_with, Named::Nobody);
    clustered.clusters = vec![id("ring", 0, None, 9.0, 1e-20)];
    assert_eq!(concluded(vec![clustered]).accounts.consistent_with.ids().len(), 1);
}

#[test]
fn a_scheme_without_a_key_of_the_deployment_bears_its_error_rate_itself() {
    let accounts = (0..1_000).map(|number| id(&number.to_string(), 0, None, 0.0, 0.5));
    let strong = |p| {
        let accounts = accounts.clone().chain([id("a", 0, None, 9.0, p)]).collect();
        concluded(vec![scheme("sglang", vec![deployment(1, None)], accounts)])
    };
    assert_eq!(strong(1e-8).accounts.consistent_with, Named::Nobody);
    let verdict = strong(1e-10);
    assert_eq!((verdict.outcome, verdict.deployments.len()), (Outcome::Exposed, 0));
    assert_eq!(verdict.accounts.consistent_with.ids()[0].id, "a");
    assert_eq!(verdict.accounts.strongest.len(), 20);
}

#[test]
fn an_account_is_not_its_own_rival_in_another_epoch() {
    let deployments = || vec![deployment(1, Some(1e-12)), deployment(2, Some(1e-12))];
    let near = vec![id("a", 0, None, 9.0, 1e-10), id("a", 1, None, 8.0, 2e-6)];
    let verdict = concluded(vec![scheme("lexical", deployments(), near.clone())]);
    assert!(matches!(&verdict.accounts.consistent_with, Named::Each(ids) if ids.len() == 1));
    let rival = [near, vec![id("b", 1, None, 1.0, 2e-6)]].concat();
    let verdict = concluded(vec![scheme("lexical", deployments(), rival)]);
    assert!(matches!(&verdict.accounts.consistent_with, Named::Unclear(ids) if ids[0].id == "a"));
    assert_eq!(verdict.accounts.consistent_with.ids(), []);
    assert!(
        verdict.sentence.contains("cannot be traced to any one account"),
        "{}",
        verdict.sentence
    );
}

#[test]
fn a_control_of_one_scheme_refuses_the_answer_of_all() {
    let mut token = scheme("sglang", vec![deployment(1, Some(0.5))], Vec::new());
    token.controls = vec![control(1e-5)];
    let lexical =
        scheme("lexical", vec![deployment(1, Some(1e-12))], vec![id("a", 0, None, 9.0, 1e-18)]);
    let verdict = concluded(vec![lexical, token]);
    assert_eq!((verdict.outcome, verdict.reached), (Outcome::Refused, None));
    assert_eq!(verdict.refusals[0].by, RefusedBy::Control);
    assert!(verdict.accounts.strongest.is_empty());
    let rejected: Vec<bool> = verdict.controls.iter().map(|control| control.rejected).collect();
    assert_eq!(rejected, [false, false, true]);
}

#[test]
fn decoys_that_scatter_otherwise_than_the_law_refuse_the_answer() {
    let mut broken = scheme("sglang", vec![deployment(1, Some(1e-12))], Vec::new());
    let tested = broken.deployments[0].evidence.as_mut().unwrap();
    tested.evidence.decoys = Decoys::new([2; 32], 1_000).compare(3.0, |key| f64::from(key[0]));
    assert_eq!(concluded(vec![broken]).refusals[0].by, RefusedBy::Dispersion);
}

#[test]
fn a_control_that_rejects_refuses_however_many_others_there_are() {
    let mut many = scheme("lexical", vec![deployment(1, Some(0.5))], Vec::new());
    many.controls.extend((0..500).map(|_| control(0.5)));
    assert_eq!(concluded(vec![many.clone()]).outcome, Outcome::NotShown);
    many.controls.push(control(0.0009));
    assert_eq!(concluded(vec![many]).refusals[0].by, RefusedBy::Control);
}

#[test]
fn a_scheme_without_a_text_control_is_unanswered_and_the_others_are_answered() {
    let found = |name: &str| {
        scheme(name, vec![deployment(1, Some(1e-12))], vec![id(name, 0, None, 9.0, 1e-18)])
    };
    let mut without = found("sglang");
    without.controls = vec![control(0.4)];
    let verdict = concluded(vec![found("lexical"), without.clone()]);
    assert_eq!((verdict.outcome, verdict.reached), (Outcome::Exposed, Some(Level::Account)));
    assert_eq!(verdict.accounts.consistent_with.ids()[0].id, "lexical");
    assert_eq!(
        (verdict.accounts.consistent_with.ids().len(), verdict.accounts.strongest.len()),
        (1, 1)
    );
    // What was not answered was adjusted for all the same.
    assert_eq!((verdict.accounts.tests, verdict.accounts.ids), (2, 2));
    assert_eq!(verdict.unanswered[0].scheme, "sglang");
    assert!(verdict.sentence.contains("Of the mark sglang nothing is said: there is no text"));

    let quiet = scheme("lexical", vec![deployment(1, Some(0.3))], Vec::new());
    let verdict = concluded(vec![quiet, without.clone()]);
    assert_eq!((verdict.outcome, verdict.reached), (Outcome::NotShown, None));
    assert_eq!(concluded(vec![without]).refusals[0].by, RefusedBy::NoControl);
}

/// `ln 0.001 / ln p` of the suspect's sites: a sixth at 1e-18.
#[test]
fn a_control_has_as_many_sites_as_would_have_shown_the_same() {
    let outcome = |sites| {
        let accounts = vec![id("a", 0, None, 9.0, 1e-18)];
        let mut scheme = scheme("lexical", vec![deployment(1, Some(1e-12))], accounts);
        scheme.material.sites = 6_000;
        scheme.controls = vec![text_control(sites), text_control(10)];
        concluded(vec![scheme]).outcome
    };
    assert_eq!((outcome(999), outcome(1_001)), (Outcome::Refused, Outcome::Exposed));
}
