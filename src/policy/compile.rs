//! From a policy file to a [`Policy`], with every rule that a policy must keep.

use std::collections::HashSet;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use super::countermeasure::Countermeasures;
use super::decision::{DecisionIds, NoTextRoutes, PolicyId, Revision, Unhandled};
use super::exemption::Exemption;
use super::file::{ExemptionTable, GradeTable, PolicyFile, ScopeTable};
use super::ladder::{Grade, Policy, RefusalPlans, RequestScope};
use super::measures::Measures;
use super::plan::{Keep, Mode, enforced};
use super::problem::{LoadError, Problem};
use super::source::{self, Source};
use super::value::At;
use crate::wire::ProtocolId;

/// The document as a whole.
const WHOLE: Range<usize> = 0..0;

impl Policy {
    /// Reads a policy file.
    ///
    /// # Errors
    ///
    /// [`LoadError::Read`] if the file cannot be read, or is larger than 1 MiB or not UTF-8;
    /// [`LoadError::Invalid`] with all its problems if it is not a policy.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, LoadError> {
        let path = path.as_ref();
        Self::parse(&path.display().to_string(), &source::text(path)?)
    }

    /// Compiles the text of a policy file; `file` is what errors call it.
    ///
    /// # Errors
    ///
    /// [`LoadError::Invalid`] with all its problems if the text is not a policy.
    pub fn parse(file: &str, text: &str) -> Result<Self, LoadError> {
        compile(text, DecisionIds::new()?)
            .map_err(|problems| LoadError::Invalid { file: file.to_owned(), problems })
    }
}

fn compile(text: &str, ids: DecisionIds) -> Result<Policy, Vec<Problem>> {
    let mut source = Source::parse(text)?;
    let Some(file) = source.read::<PolicyFile>() else {
        return Err(source.finish().err().unwrap_or_default());
    };
    source.version(file.version.as_ref());
    let name = source.name(&WHOLE, file.name.as_ref());
    if file.mode.is_none() {
        let hint = "start with `mode = \"observe\"`, which records and touches nothing";
        source.missing(&WHOLE, "mode", Some(hint));
    }
    let mode = file.mode.unwrap_or(Mode::Observe);
    if let Some(share) = &file.observe_sample {
        source.unit_interval(share);
    }
    let scope = file.scope.as_ref().map(|scope| compile_scope(&mut source, scope));
    let scope = scope.unwrap_or_default();
    let exemptions = file.exemption.unwrap_or_default();
    let exemptions = exemptions.iter().map(|table| compile_exemption(&mut source, table)).collect();
    let tables = file.grade.unwrap_or_default();
    if tables.is_empty() {
        source.missing(&WHOLE, "grade", Some("a policy has at least one `[[grade]]`"));
    }
    let has_messages = scope.covers_protocol(ProtocolId::Messages);
    let grades: Vec<Grade> =
        tables.iter().map(|table| compile_grade(&mut source, table, mode, has_messages)).collect();
    check_ladder(&mut source, &tables);
    let marking = tables.iter().zip(&grades).find_map(|(table, grade)| {
        enforced(&grade.plan.watermark)?;
        table.value.watermark.as_ref()
    });
    let marks_at = marking.map(|table| source.line(table.span.start));
    let summing_up = tables.iter().zip(&grades).find_map(|(table, grade)| {
        enforced(&grade.plan.reasoning).filter(|it| it.keep == Keep::Summary)?;
        table.value.reasoning.as_ref()
    });
    let sums_up_at = summing_up.map(|table| source.line(table.span.start));
    let revision = Revision::of(text.as_bytes());
    Ok(Policy {
        id: Arc::new(PolicyId { name: name.clone(), revision }),
        name,
        revision,
        mode,
        scope,
        unknown_routes: file.unknown_routes.unwrap_or(Unhandled::Refuse),
        on_opaque: file.on_opaque.unwrap_or(Unhandled::Refuse),
        no_text_routes: file.no_text_routes.unwrap_or(NoTextRoutes::Limit),
        observe_sample: file.observe_sample.map_or(1.0, |share| share.value),
        grades,
        exemptions,
        notices: source.finish()?,
        marks_at,
        sums_up_at,
        untouched: Arc::default(),
        unknown_route: RefusalPlans::new("This path is not available."),
        contested: RefusalPlans::new(
            "The request carries credentials, or lines of a risk header, that contradict each \
             other. Send one API key, in one header field.",
        ),
        ids,
    })
}

fn compile_scope(source: &mut Source<'_>, table: &ScopeTable) -> RequestScope {
    let ScopeTable { routes, protocols, models } = table;
    fn filled<T: Clone>(source: &mut Source<'_>, list: Option<&At<Vec<T>>>) -> Option<Vec<T>> {
        let At { value, span } = list?;
        if value.is_empty() {
            let message = "an empty list leaves nothing in scope, so that no grade is ever reached";
            source.lack(span, message, Some("leave the field out to cover all"));
        }
        Some(value.clone())
    }
    let routes = filled(source, routes.as_ref());
    let models = filled(source, models.as_ref());
    let scope = RequestScope {
        routes: routes.map(|routes| source.patterns(&routes)),
        protocols: filled(source, protocols.as_ref()),
        models: models.map(|models| source.patterns(&models).into()),
    };
    if let Some(At { span, .. }) = protocols {
        let out = ProtocolId::ALL.into_iter().filter(|protocol| !scope.covers_protocol(*protocol));
        for protocol in out {
            let name = protocol.name();
            source.notice(span, format!("graded callers can get untouched answers over {name:?}"));
        }
    }
    scope
}

fn compile_exemption(source: &mut Source<'_>, table: &At<ExemptionTable>) -> Exemption {
    let At {
        value: ExemptionTable { account, cluster, tenant, owner, reason, expires, covers },
        span,
    } = table;
    let mut filled = |text: Option<&At<String>>| {
        let At { value, span } = text?;
        if value.trim().is_empty() {
            source.problem(span, "is empty", None);
        }
        Some(value.clone())
    };
    let [account, cluster, tenant] = [account, cluster, tenant].map(|named| filled(named.as_ref()));
    let [given_owner, given_reason] = [owner, reason].map(|text| filled(text.as_ref()));
    if account.is_none() && cluster.is_none() && tenant.is_none() {
        source.lack(span, "names neither an account, nor a cluster, nor a tenant", None);
    }
    if given_owner.is_none() {
        source.missing(span, "owner", Some("who answers for this exemption?"));
    }
    if given_reason.is_none() {
        source.missing(span, "reason", None);
    }
    if expires.is_none() {
        let hint = "every exemption ends: `expires = 2027-01-31` is its last day, in UTC";
        source.missing(span, "expires", Some(hint));
    }
    let covers = match covers {
        Some(At { value, span }) => {
            if value.is_empty() {
                source.lack(span, "covers nothing", Some("leave the field out to cover all"));
            }
            value.iter().copied().collect()
        }
        None => Countermeasures::ALL,
    };
    let at = expires.as_ref().map_or(span, |expires| &expires.span);
    let expires = expires.as_ref().map(|expires| expires.value.0).unwrap_or_default();
    Exemption {
        account,
        cluster,
        tenant,
        owner: given_owner.unwrap_or_default(),
        reason: given_reason.unwrap_or_default(),
        expires,
        covers,
        notice: source
            .notice_at(at, format!("the exemption has expired: its last day was {expires}")),
    }
}

fn compile_grade(
    source: &mut Source<'_>,
    table: &At<GradeTable>,
    mode: Mode,
    has_messages: bool,
) -> Grade {
    let At { value: grade, span } = table;
    let name = source.name(span, grade.name.as_ref());
    match &grade.at {
        Some(at) => source.unit_interval(at),
        None => source.missing(span, "at", Some("the lowest risk score that reaches the grade")),
    }
    if let Some(confidence) = &grade.min_confidence {
        source.unit_interval(confidence);
    }
    let plan = Measures { source, mode, has_messages }.plan(grade);
    Grade {
        name: name.into(),
        at: grade.at.as_ref().map_or(1.0, |at| at.value),
        min_confidence: grade.min_confidence.as_ref().map_or(0.0, |confidence| confidence.value),
        plan: Arc::new(plan),
    }
}

/// What grades must keep between them: their own names, and thresholds that ascend.
fn check_ladder(source: &mut Source<'_>, tables: &[At<GradeTable>]) {
    let mut names = HashSet::new();
    for name in tables.iter().filter_map(|table| table.value.name.as_ref()) {
        if !names.insert(name.value.as_str()) {
            source.problem(
                &name.span,
                format!("another grade is named {:?} too", name.value),
                None,
            );
        }
    }
    let mut below: Option<f64> = None;
    for at in tables.iter().filter_map(|table| table.value.at.as_ref()) {
        match below {
            Some(below) if at.value == below => {
                let message =
                    format!("the grade before begins at {below} too and is never reached");
                source.problem(&at.span, message, Some("thresholds ascend from grade to grade"));
            }
            Some(below) if at.value < below => {
                let message = format!("{} is below {below}, the grade before", at.value);
                source.problem(&at.span, message, Some("thresholds ascend from grade to grade"));
            }
            _ => below = Some(at.value),
        }
    }
    let mut most: f64 = 0.0;
    for grade in tables.iter().map(|table| &table.value) {
        let confidence = grade.min_confidence.as_ref().map_or(0.0, |confidence| confidence.value);
        if confidence < most {
            let at = grade.min_confidence.as_ref().map(|confidence| &confidence.span);
            if let Some(span) = at.or(grade.at.as_ref().map(|at| &at.span)) {
                source.notice(span, "a milder grade asks for more confidence than this one");
            }
        }
        most = most.max(confidence);
    }
}
