//! From an experiment file to an [`Experiment`], with every rule that an experiment must keep.

mod metrics;

use std::collections::HashSet;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use self::metrics::metrics;
use super::file::{ArmTable, EligibilityTable, ExperimentFile, UnitName};
use super::metric::Metric;
use super::settings::{Arm, Eligibility, Experiment, Switchback, UnitKind, adjusted_together};
use crate::mark::keys::ArmMark;
#[cfg(feature = "signatures")]
use crate::policy::signature::Signers;
use crate::policy::source::Source;
use crate::policy::value::At;
use crate::policy::{LoadError, Policy, Problem, Revision};
use crate::stats::{Level, Looks};

/// The document as a whole.
const WHOLE: Range<usize> = 0..0;

/// More arms than anybody has units for.
const MOST_ARMS: usize = 16;

/// Shorter slots than this are over before what was shaped in them is.
const SHORTEST_SLOT: Duration = Duration::from_secs(60);

/// The share of an arm below which hardly anything is found.
const SMALL: f64 = 0.2;

impl Experiment {
    /// Reads an experiment file and the policies of its arms, whose paths are from its folder.
    ///
    /// # Errors
    /// [`LoadError::Read`] if the file cannot be read, or is larger than 1 MiB or not UTF-8;
    /// [`LoadError::Invalid`] with all its problems, those of the policies among them, if it is no
    /// experiment.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, LoadError> {
        let path = path.as_ref();
        Self::parse_in(path, &crate::policy::source::text(path)?, Policy::load)
    }

    /// Compiles the text of the file at `path`; `policy` reads the policy files that arms name.
    pub(crate) fn parse_in(
        path: &Path,
        text: &str,
        mut policy: impl FnMut(PathBuf) -> Result<Policy, LoadError>,
    ) -> Result<Self, LoadError> {
        let folder = path.parent().unwrap_or(Path::new(""));
        Self::parse(&path.display().to_string(), text, |name| policy(folder.join(name)))
    }

    /// Reads an experiment file that any of `signers` has signed, as all policies of its arms.
    ///
    /// # Errors
    /// As [`load`](Self::load), and [`LoadError::Unsigned`].
    #[cfg(feature = "signatures")]
    pub fn load_signed(path: impl AsRef<Path>, signers: &Signers) -> Result<Self, LoadError> {
        let path = path.as_ref();
        Self::parse_in(path, &signers.read(path)?, |policy| Policy::load_signed(policy, signers))
    }

    /// Compiles the text of an experiment file; `file` is what errors call it, and `policy` reads the
    /// policy that an arm names.
    ///
    /// # Errors
    /// [`LoadError::Invalid`] with all its problems if the text is no experiment.
    pub fn parse(
        file: &str,
        text: &str,
        policy: impl FnMut(&str) -> Result<Policy, LoadError>,
    ) -> Result<Self, LoadError> {
        compile(text, policy)
            .map_err(|problems| LoadError::Invalid { file: file.to_owned(), problems })
    }
}

fn compile(
    text: &str,
    policy: impl FnMut(&str) -> Result<Policy, LoadError>,
) -> Result<Experiment, Vec<Problem>> {
    let mut source = Source::parse(text)?;
    let Some(file) = source.read::<ExperimentFile>() else {
        return Err(source.finish().err().unwrap_or_default());
    };
    source.version(file.version.as_ref());
    let name = source.name(&WHOLE, file.name.as_ref());
    let salt = salt(&mut source, file.salt.as_ref());
    for (moment, field) in [(&file.start, "start"), (&file.end, "end")] {
        if moment.is_none() {
            source.missing(&WHOLE, field, None);
        }
    }
    let [start, end] =
        [&file.start, &file.end].map(|it| it.as_ref().map(|it| it.value.0).unwrap_or_default());
    if let (Some(_), Some(At { span, .. })) = (&file.start, &file.end) {
        if end <= start {
            source.problem(span, "is not after `start`", None);
        }
    }
    let unit = unit(&mut source, &file);
    if let Some(layer) = &file.layer {
        source.name(&WHOLE, Some(layer));
    }
    within(&mut source, file.share.as_ref(), "is not above 0 and at most 1", |it| {
        it > 0.0 && it <= 1.0
    });
    within(&mut source, file.holdout.as_ref(), "is not from 0 and below 1", |it| {
        (0.0..1.0).contains(&it)
    });
    within(&mut source, file.alpha.as_ref(), "is not above 0 and below 0.5", |it| {
        it > 0.0 && it < 0.5
    });
    for (count, least, most) in [(&file.looks, 1, 1000), (&file.least_units, 2, u32::MAX)] {
        if let Some(At { value, span }) = count {
            if !(least..=most).contains(value) {
                source.problem(span, format!("{value} is not from {least} to {most}"), None);
            }
        }
    }
    let eligibility = eligibility(&mut source, file.eligibility.as_ref());
    let arms = arms(&mut source, (&name, &salt), file.arm.as_deref().unwrap_or_default(), policy);
    let metrics = metrics(&mut source, file.metric.as_deref().unwrap_or_default());
    attainable(&mut source, &file, &arms, &metrics);
    let number = |number: &Option<At<f64>>, default| number.as_ref().map_or(default, |it| it.value);
    let count = |count: &Option<At<u32>>, default| count.as_ref().map_or(default, |it| it.value);
    let mut revisions = text.to_owned();
    revisions.extend(arms.iter().map(|arm| arm.policy.revision.to_string()));
    Ok(Experiment {
        name,
        salt,
        start,
        end,
        unit,
        layer: file.layer.as_ref().map(|layer| layer.value.clone()),
        share: number(&file.share, 1.0),
        holdout: number(&file.holdout, 0.0),
        arms,
        eligibility,
        metrics,
        alpha: number(&file.alpha, 0.05),
        looks: count(&file.looks, 1),
        least_units: count(&file.least_units, 10),
        on_mismatch: file.on_mismatch.unwrap_or_default(),
        notices: source.finish()?,
        revision: Revision::of(revisions.as_bytes()),
    })
}

/// Notes a level that no p-value could reach at one look of so many, since so many assignments are not
/// drawn.
fn attainable(source: &mut Source<'_>, file: &ExperimentFile, arms: &[Arm], metrics: &[Metric]) {
    let looks = file.looks.as_ref().map_or(1, |it| it.value);
    let alpha = file.alpha.as_ref().map_or(0.05, |it| it.value);
    let span = match (&file.alpha, &file.looks) {
        (Some(At { span, .. }), _) => span,
        (None, Some(At { span, .. })) => span,
        (None, None) => &WHOLE,
    };
    let Ok(level) = Level::new(alpha) else {
        if alpha > 0.0 && alpha < 0.5 {
            source.problem(span, format!("{alpha} is less than any test can tell"), None);
        }
        return;
    };
    let least = Looks::planned(looks, level).and_then(|planned| planned.level_at(1));
    let together = f64::from(adjusted_together(arms, metrics, true));
    if let Ok(least) = least {
        if least.alpha() * f64::from(Experiment::MOST_DRAWS) < 4.0 * together {
            let message = format!(
                "one look of {looks} has a level of {:.0e}, among {together} comparisons: no test draws \
                 so many assignments that a p-value could be that small",
                least.alpha()
            );
            source.problem(span, message, Some("plan fewer looks"));
        }
    }
}

/// Notes a problem with a number that is not as it has to be.
fn within(
    source: &mut Source<'_>,
    number: Option<&At<f64>>,
    message: &str,
    holds: impl Fn(f64) -> bool,
) {
    if let Some(At { value, span }) = number {
        if !holds(*value) {
            source.problem(span, format!("{value} {message}"), None);
        }
    }
}

fn salt(source: &mut Source<'_>, salt: Option<&At<String>>) -> String {
    let Some(At { value, span }) = salt else {
        let hint = "another one each time that the experiment is begun, as `salt = \"2026-12\"`";
        source.missing(&WHOLE, "salt", Some(hint));
        return String::new();
    };
    if value.trim().is_empty() || value.len() > 64 {
        source.problem(span, "is not 1 to 64 bytes", None);
    }
    value.clone()
}

fn unit(source: &mut Source<'_>, file: &ExperimentFile) -> UnitKind {
    let named = file.unit.as_ref().map_or(UnitName::Cluster, |unit| unit.value);
    let (UnitName::Slot, Some(At { value, span })) = (named, &file.switchback) else {
        match (named, &file.switchback, &file.unit) {
            (UnitName::Slot, None, Some(unit)) => {
                let hint = "as `switchback = { slot = \"30 minutes\", burn_in = \"5 minutes\" }`";
                source.problem(&unit.span, "slots of time need `switchback`", Some(hint));
            }
            (_, Some(At { span, .. }), _) => {
                source.problem(span, "only slots of time are cut", Some("`unit = \"slot\"`"));
            }
            (UnitName::Account, None, Some(unit)) => {
                let message = "the accounts of one cluster meet every arm, and what they get is \
                               pooled by whoever owns them";
                source.notice(&unit.span, message);
            }
            _ => {}
        }
        return match named {
            UnitName::Account => UnitKind::Account,
            _ => UnitKind::Cluster,
        };
    };
    let mut cut = Switchback { slot: SHORTEST_SLOT, burn_in: Duration::ZERO };
    match &value.slot {
        None => source.missing(span, "slot", None),
        Some(At { value, span }) => {
            cut.slot = value.0;
            if cut.slot < SHORTEST_SLOT || cut.slot.subsec_nanos() != 0 {
                source.problem(span, "is not a minute or more, in whole seconds", None);
            }
        }
    }
    if let Some(At { value, span }) = &value.burn_in {
        cut.burn_in = value.0;
        if cut.burn_in >= cut.slot {
            source.problem(span, "leaves nothing of a slot", None);
        }
    }
    UnitKind::Slot(cut)
}

fn eligibility(source: &mut Source<'_>, table: Option<&At<EligibilityTable>>) -> Eligibility {
    let mut eligibility = Eligibility { harvester: 0.5, legitimate: 0.3 };
    let Some(At { value: EligibilityTable { harvester, legitimate }, span }) = table else {
        return eligibility;
    };
    for (given, place) in
        [(harvester, &mut eligibility.harvester), (legitimate, &mut eligibility.legitimate)]
    {
        if let Some(score) = given {
            source.unit_interval(score);
            *place = score.value;
        }
    }
    if eligibility.legitimate > eligibility.harvester {
        let message = "a unit would be studied as both: `legitimate` is above `harvester`";
        source.lack(span, message, None);
    }
    eligibility
}

fn arms(
    source: &mut Source<'_>,
    (experiment, salt): (&str, &str),
    tables: &[At<ArmTable>],
    mut policy: impl FnMut(&str) -> Result<Policy, LoadError>,
) -> Vec<Arm> {
    if !(2..=MOST_ARMS).contains(&tables.len()) {
        let hint =
            format!("an experiment has 2 to {MOST_ARMS} `[[arm]]`, one with `control = true`");
        source.missing(&WHOLE, "arm", Some(&hint));
    }
    let mut names = HashSet::new();
    let mut control = None;
    let mut arms = Vec::new();
    for At { value: ArmTable { name, policy: file, control: is_control, weight, closed }, span } in
        tables
    {
        let given = source.name(span, name.as_ref());
        if let Some(At { value, span }) = name {
            if !names.insert(value.as_str()) {
                source.problem(span, format!("another arm is named {value:?} too"), None);
            }
        }
        if let Some(At { value: weight, span }) = weight {
            if !(1..=1_000_000).contains(weight) {
                let hint = "`closed = true` ends an arm";
                source.problem(span, "is not from 1 to 1,000,000", Some(hint));
            }
        }
        let closed_at = closed.as_ref().filter(|closed| closed.value);
        if let Some(At { span, .. }) = is_control.as_ref().filter(|control| control.value) {
            if control.replace(arms.len()).is_some() {
                source.problem(span, "another arm is the control", None);
            }
            if let Some(closed) = closed_at {
                source.problem(&closed.span, "the control arm cannot be closed", None);
            }
        }
        let Some(At { value: file, span }) = file else {
            source.missing(span, "policy", None);
            continue;
        };
        match policy(file) {
            Ok(policy) => arms.push(Arm {
                mark: Arc::new(ArmMark {
                    experiment: experiment.to_owned(),
                    salt: salt.to_owned(),
                    arm: given.clone(),
                }),
                name: given.into(),
                policy: Arc::new(policy),
                weight: weight.as_ref().map_or(1, |weight| weight.value),
                closed: closed_at.is_some(),
            }),
            Err(error) => source.problem(span, error.to_string(), None),
        }
    }
    match control {
        Some(control) if control < arms.len() => {
            arms.get_mut(..=control).unwrap_or_default().rotate_right(1);
        }
        Some(_) => {}
        None if tables.len() > 1 => {
            let hint = "`control = true` in the arm that the others are compared with";
            source.problem(&WHOLE, "no arm is the control", Some(hint));
        }
        None => {}
    }
    look_at(source, tables, &arms);
    arms
}

/// What of the arms their author may not have meant.
fn look_at(source: &mut Source<'_>, tables: &[At<ArmTable>], arms: &[Arm]) {
    let Some(At { span, .. }) = tables.first() else { return };
    let open: f64 = arms.iter().filter(|arm| !arm.closed).map(|arm| f64::from(arm.weight)).sum();
    let least = arms.iter().filter(|arm| !arm.closed).map(|arm| f64::from(arm.weight) / open);
    let least = least.fold(1.0, f64::min);
    if arms.len() > 1 && least < SMALL {
        let percent = least * 100.0;
        source.notice(
            span,
            format!("the least arm gets {percent:.0} % of the units: little is found"),
        );
    }
    if let [first, others @ ..] = arms {
        let same = |arm: &Arm| arm.policy.revision == first.policy.revision;
        if !others.is_empty() && others.iter().all(same) {
            source.notice(span, "all arms have the same policy: there is nothing to find (A/A)");
        }
    }
}
