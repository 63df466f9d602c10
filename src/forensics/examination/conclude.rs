//! All tests together: adjustment over everything that was tested, gates, controls, the answer.

use super::answered::unanswered;
use super::copies;
use super::findings::{Adjusted, level_tests};
use super::level::Named;
use super::measured::{DecoySummary, PValue};
use super::naming::{Asked, AskedTests, Naming, name};
use super::scheme::{Deployment, DeploymentEvidence, SchemeTests};
use super::sentence;
use super::verdict::{
    ControlTest, DeploymentTest, FileRead, Level, Material, Method, Outcome, Refused, RefusedBy,
    Unanswered, Verdict,
};
use crate::forensics::evidence::{CONTROL_LEVEL, LnP, Refusal, gated, holm};
use crate::forensics::tracing::ACCUSATION_LEVEL;

/// Puts the tests of all schemes together. `refusals` are reasons against an answer that are
/// known already, such as files that could not be read.
///
/// Within each level Holm's adjustment is over ids, tenants, epochs and schemes alike. Where an
/// answer is refused no account or cluster is listed: who reads a name in a report takes it for an
/// accusation.
///
/// Nobody is named: see [`conclude_with`].
#[must_use]
pub fn conclude(schemes: Vec<SchemeTests>, refusals: Vec<Refused>, method: Method) -> Verdict {
    conclude_with(schemes, None, refusals, method)
}

/// The same with text that the examiner asked for, which alone can name somebody.
#[must_use]
pub fn conclude_with(
    schemes: Vec<SchemeTests>,
    asked: Option<AskedTests>,
    refusals: Vec<Refused>,
    method: Method,
) -> Verdict {
    let mut verdict = found(schemes, refusals, method);
    let asked = asked.map(|AskedTests { schemes, refusals, prompts, issued_since }| {
        let alone = found(schemes, refusals, Method::default());
        let Verdict { materials, refusals, clusters, arms, accounts, .. } = alone;
        (Asked { prompts, materials, refusals, clusters, arms, accounts }, issued_since)
    });
    name(&mut verdict, asked);
    verdict.sentence = sentence::sentence(&verdict);
    sentence::caveat(&verdict).clone_into(&mut verdict.caveat);
    verdict
}

/// What the text shows, whoever wrote it.
fn found(schemes: Vec<SchemeTests>, refusals: Vec<Refused>, method: Method) -> Verdict {
    let gates = Gates::new(&schemes);
    let without: Vec<Option<Unanswered>> = schemes.iter().map(unanswered).collect();
    let answered: Vec<bool> = without.iter().map(Option::is_none).collect();
    let unanswered: Vec<Unanswered> = without.into_iter().flatten().collect();
    let clusters = level_tests(&schemes, &answered, &gates.clusters, |scheme| &scheme.clusters);
    let accounts = level_tests(&schemes, &answered, &gates.accounts, |scheme| &scheme.accounts);
    let arms = level_tests(&schemes, &answered, &gates.arms, |scheme| &scheme.arms);

    let mut deployments = deployment_tests(&schemes, &gates.deployments);
    copies::adjust(&mut deployments);
    let controls = controls(&schemes);
    let refusals = all_refusals(refusals, &schemes, &controls, &unanswered);
    let is_answered =
        |test: &&DeploymentTest| unanswered.iter().all(|other| other.scheme != test.scheme);
    let found = deployments
        .iter()
        .filter(is_answered)
        .any(|test| test.p_adjusted.is_below(ACCUSATION_LEVEL));
    let reached = if !accounts.consistent_with.ids().is_empty() {
        Some(Level::Account)
    } else if !clusters.consistent_with.ids().is_empty() {
        Some(Level::Cluster)
    } else if !arms.consistent_with.ids().is_empty() {
        Some(Level::Arm)
    } else {
        found.then_some(Level::Deployment)
    };
    let outcome = match reached {
        _ if !refusals.is_empty() => Outcome::Refused,
        Some(_) => Outcome::Exposed,
        None => Outcome::NotShown,
    };
    let mut verdict = Verdict {
        version: Verdict::VERSION,
        program: concat!("guilloche ", env!("CARGO_PKG_VERSION")).to_owned(),
        outcome,
        sentence: String::new(),
        caveat: String::new(),
        reached,
        refusals,
        unanswered,
        accusation_level: ACCUSATION_LEVEL,
        materials: schemes.into_iter().map(|scheme| scheme.material).collect(),
        deployments,
        clusters,
        arms,
        accounts,
        controls,
        naming: Naming::default(),
        method,
    };
    if outcome == Outcome::Refused {
        verdict.reached = None;
        for level in [&mut verdict.clusters, &mut verdict.arms, &mut verdict.accounts] {
            level.consistent_with = Named::Nobody;
            level.strongest.clear();
        }
    }
    copies::judge(&mut verdict);
    verdict
}

/// The adjusted p-values of every test, in the order of schemes and of their tests.
struct Gates {
    deployments: Vec<Vec<Option<LnP>>>,
    clusters: Vec<Adjusted>,
    arms: Vec<Adjusted>,
    accounts: Vec<Adjusted>,
}

impl Gates {
    fn new(schemes: &[SchemeTests]) -> Self {
        let own = |deployment: &Deployment| {
            deployment.evidence.as_ref().map(|tested| tested.evidence.ln_p)
        };
        let raw: Vec<LnP> =
            schemes.iter().flat_map(|scheme| &scheme.deployments).filter_map(own).collect();
        let mut adjusted = holm(&raw).into_iter();
        let deployments: Vec<Vec<Option<LnP>>> = schemes
            .iter()
            .map(|scheme| {
                let tests = scheme.deployments.iter();
                tests.map(|test| own(test).and_then(|_| adjusted.next())).collect()
            })
            .collect();

        let through_deployment = |scheme: usize, place: usize| {
            let gate = deployments.get(scheme).and_then(|gates| gates.get(place));
            gate.copied().flatten().unwrap_or(f64::NEG_INFINITY)
        };
        let level = |scores: Vec<LnP>| holm(&scores).into_iter();
        let behind_deployment = |of: fn(&SchemeTests) -> &Vec<super::IdScore>| {
            let mut adjusted = level(ln_p(schemes, of));
            let gated_of = |(number, scheme): (usize, &SchemeTests)| {
                let pairs = of(scheme).iter().zip(&mut adjusted);
                pairs
                    .map(|(score, ln_p)| gated(through_deployment(number, score.deployment), ln_p))
                    .collect()
            };
            (0..).zip(schemes).map(gated_of).collect::<Vec<Adjusted>>()
        };
        let clusters = behind_deployment(|scheme| &scheme.clusters);
        let arms = behind_deployment(|scheme| &scheme.arms);
        let mut adjusted = level(ln_p(schemes, |scheme| &scheme.accounts));
        let accounts = (0..)
            .zip(schemes)
            .map(|(number, scheme)| {
                let pairs = scheme.accounts.iter().zip(&mut adjusted);
                let gate = |score: &super::IdScore| {
                    let cluster = score
                        .cluster
                        .and_then(|place| clusters.get(number).and_then(|gates| gates.get(place)));
                    cluster.copied().unwrap_or(through_deployment(number, score.deployment))
                };
                pairs.map(|(score, ln_p)| gated(gate(score), ln_p)).collect()
            })
            .collect();
        Self { deployments, clusters, arms, accounts }
    }
}

fn ln_p(schemes: &[SchemeTests], of: impl Fn(&SchemeTests) -> &Vec<super::IdScore>) -> Vec<LnP> {
    schemes.iter().flat_map(of).map(|score| score.ln_p).collect()
}

/// Tests whose decoys are told with their p-values, for a plot: the strongest.
const PLOTTED: usize = 8;

fn deployment_tests(schemes: &[SchemeTests], adjusted: &[Vec<Option<LnP>>]) -> Vec<DeploymentTest> {
    let tested = schemes.iter().flat_map(|scheme| &scheme.deployments);
    let mut strongest: Vec<LnP> = tested
        .filter_map(|deployment| deployment.evidence.as_ref().map(|tested| tested.evidence.ln_p))
        .collect();
    strongest.sort_by(f64::total_cmp);
    let least_plotted = strongest.get(PLOTTED).copied().unwrap_or(f64::INFINITY);
    let test = |scheme: &SchemeTests, deployment: &Deployment, adjusted: LnP| {
        let Deployment { tenant, epoch, issued, evidence } = deployment;
        let DeploymentEvidence {
            evidence,
            ln_p_without_controls,
            effect,
            least_effect,
            copies,
            sites,
            terms,
        } = evidence.as_ref()?;
        Some(DeploymentTest {
            scheme: scheme.material.scheme.clone(),
            tenant: tenant.clone(),
            epoch: *epoch,
            issued: *issued,
            sites: *sites,
            terms: *terms,
            standardized: evidence.standardized,
            p: PValue::from_ln(evidence.ln_p),
            exact: evidence.exact,
            p_adjusted: PValue::from_ln(adjusted),
            p_hoeffding: evidence.ln_p_hoeffding.map(PValue::from_ln),
            p_without_controls: ln_p_without_controls.map(PValue::from_ln),
            decoys: if evidence.ln_p < least_plotted {
                DecoySummary::with_p_values(evidence)
            } else {
                DecoySummary::from(&evidence.decoys)
            },
            effect: effect.map(Into::into),
            least_effect: *least_effect,
            copies: copies.as_ref().map(Into::into),
        })
    };
    let of_scheme = |(scheme, adjusted): (&SchemeTests, &Vec<Option<LnP>>)| {
        let tests = scheme.deployments.iter().zip(adjusted);
        tests
            .filter_map(|(deployment, adjusted)| test(scheme, deployment, (*adjusted)?))
            .collect::<Vec<_>>()
    };
    schemes.iter().zip(adjusted).flat_map(of_scheme).collect()
}

/// The controls of all schemes. More of them do not make it harder for one to refuse.
fn controls(schemes: &[SchemeTests]) -> Vec<ControlTest> {
    let mut controls: Vec<ControlTest> =
        schemes.iter().flat_map(|scheme| scheme.controls.iter().cloned()).collect();
    for control in &mut controls {
        control.rejected = control.p.is_below(CONTROL_LEVEL);
    }
    controls
}

/// More than this share of records that cannot be read is a refusal: what is left may no longer be
/// what was to be examined.
const UNREADABLE: f64 = 0.01;

fn unreadable(name: &str, material: &Material) -> Option<Refused> {
    let sum = |of: fn(&FileRead) -> u64| material.files.iter().map(of).fold(0, u64::saturating_add);
    let (records, skipped) = (sum(|file| file.records), sum(|file| file.skipped));
    (skipped as f64 > records as f64 * UNREADABLE).then(|| Refused {
        by: RefusedBy::Unreadable,
        reason: format!("{skipped} of the {records} records of {name} could not be read"),
    })
}

fn all_refusals(
    mut refusals: Vec<Refused>,
    schemes: &[SchemeTests],
    controls: &[ControlTest],
    unanswered: &[Unanswered],
) -> Vec<Refused> {
    refusals
        .extend(schemes.iter().filter_map(|scheme| unreadable("the suspect", &scheme.material)));
    for control in controls {
        let Some(material) = &control.material else { continue };
        let name = format!("the control {:?}", control.name);
        refusals.extend(unreadable(&name, material));
    }
    if schemes.iter().all(|scheme| scheme.material.sites == 0) {
        let reason = "there is no site in the text at which a mark could stand".to_owned();
        refusals.push(Refused { by: RefusedBy::NoSites, reason });
    }
    if unanswered.len() == schemes.len() {
        refusals.extend(unanswered.iter().map(|unanswered| {
            let Unanswered { scheme, reason } = unanswered;
            Refused { by: RefusedBy::NoControl, reason: format!("{scheme}: {reason}") }
        }));
    }
    for control in controls.iter().filter(|control| control.rejected) {
        let (name, p) = (control.name.clone(), control.p.p);
        let reason = Refusal::Control { name, p }.to_string();
        refusals.push(Refused { by: RefusedBy::Control, reason });
    }
    let tested = schemes.iter().flat_map(|scheme| &scheme.deployments);
    for evidence in tested.filter_map(|deployment| deployment.evidence.as_ref()) {
        // A score of nothing does not scatter.
        if let (Err(refusal), true) = (evidence.evidence.decoys.examine(), evidence.terms > 0) {
            refusals.push(Refused { by: RefusedBy::Dispersion, reason: refusal.to_string() });
        }
    }
    refusals
}
