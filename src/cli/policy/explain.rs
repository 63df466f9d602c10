//! `guilloche policy explain`: one decision, in words.

use std::io::{self, Write};
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::super::{Answer, Failure, Format};
use crate::limit::Limits;
use crate::policy::plan::{Downgrade, Keep, Mode, Pace, Rate, Reasoning, Scope};
use crate::policy::{
    Countermeasure, Decision, Plan, Policy, Protocol, Reason, RequestFacts, quota_text,
};
use crate::risk::{
    AccountId, Assessment, ClusterId, Principal, Risk, RiskScore, TenantId, UnknownReason, Validity,
};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The policy file.
    #[arg(long, value_name = "FILE")]
    policy: PathBuf,
    /// The risk score, 0 to 1; without one the risk is unknown.
    #[arg(long)]
    score: Option<f64>,
    /// How sure the detector is, 0 to 1.
    #[arg(long, requires = "score")]
    confidence: Option<f64>,
    /// The caller's account.
    #[arg(long)]
    account: String,
    /// The cluster it has been linked with.
    #[arg(long)]
    cluster: Option<String>,
    /// The tenant it belongs to.
    #[arg(long)]
    tenant: Option<String>,
    /// The model that is asked for.
    #[arg(long)]
    model: String,
    /// The protocol it is asked over.
    #[arg(long, value_enum, default_value_t)]
    protocol: ProtocolName,
    /// How the explanation is written.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum ProtocolName {
    /// OpenAI Chat Completions.
    #[default]
    Chat,
    /// Anthropic Messages.
    Messages,
}

pub(super) fn run(arguments: &Arguments) -> Result<Answer, Failure> {
    let now = Timestamp::now();
    let policy = Policy::load(&arguments.policy)?;
    let assessment = assessment(arguments, now)?;
    let facts = match arguments.protocol {
        ProtocolName::Chat => {
            RequestFacts { path: "/v1/chat/completions", protocol: Some(Protocol::Chat) }
        }
        ProtocolName::Messages => {
            RequestFacts { path: "/v1/messages", protocol: Some(Protocol::Messages) }
        }
    };
    let decision = policy.decide(&assessment, facts, now).for_model(&arguments.model);
    let explanation = Explanation { policy: &policy, assessment: &assessment, facts, now };
    let reasons: Vec<_> = decision
        .reasons
        .iter()
        .map(|reason| (reason, explanation.reason(reason, &decision, &arguments.model)))
        .collect();
    let effects = effects(&decision.plan, &arguments.model, facts.protocol);
    let mut out = io::stdout().lock();
    match arguments.format {
        Format::Text => write_text(&mut out, &policy, &decision, &reasons, &effects)?,
        Format::Json => writeln!(out, "{:#}", report(&policy, &decision, &reasons, &effects))?,
    }
    Ok(Answer::Done)
}

fn assessment(arguments: &Arguments, now: Timestamp) -> Result<Assessment, Failure> {
    let principal = Principal {
        account: AccountId::new(&arguments.account)?,
        cluster: arguments.cluster.as_deref().map(ClusterId::new).transpose()?,
        tenant: arguments.tenant.as_deref().map(TenantId::new).transpose()?,
    };
    let risk = match arguments.score {
        None => Risk::Unknown(UnknownReason::Absent),
        Some(score) => {
            let validity = Validity { issued: now, ttl: Duration::from_secs(60) };
            let score = RiskScore::new(score, validity)?;
            Risk::Known(match arguments.confidence {
                Some(confidence) => score.with_confidence(confidence)?,
                None => score,
            })
        }
    };
    Ok(Assessment { principal, risk })
}

struct Explanation<'a> {
    policy: &'a Policy,
    assessment: &'a Assessment,
    facts: RequestFacts<'a>,
    now: Timestamp,
}

impl Explanation<'_> {
    fn reason(&self, reason: Reason, decision: &Decision, model: &str) -> String {
        let score = match &self.assessment.risk {
            Risk::Known(score) => Some(score),
            Risk::Unknown(_) => None,
        };
        let value = score.map(RiskScore::value).unwrap_or_default();
        let grade = decision.grade.as_ref().and_then(|grade| self.policy.grades.get(grade.index));
        match reason {
            Reason::RiskUnknown => {
                "the risk is unknown, and unknown risk reaches no grade".to_owned()
            }
            Reason::BelowFirstGrade => match self.policy.grades.first() {
                Some(first) => format!(
                    "the score {value} is below {}, where the first grade, {:?}, begins",
                    first.at, first.name
                ),
                None => format!("no grade begins at or below {value}"),
            },
            Reason::ConfidenceTooLow => {
                let reached = decision.grade.as_ref().map_or(0, |grade| grade.index + 1);
                let confidence = score.and_then(RiskScore::confidence).unwrap_or(1.0);
                let missed =
                    self.policy.grades.iter().skip(reached).filter(|grade| value >= grade.at);
                let missed: Vec<_> = missed
                    .map(|grade| format!("{:?} needs {}", grade.name, grade.min_confidence))
                    .collect();
                format!("a confidence of {confidence} is too low: {}", missed.join(", "))
            }
            Reason::GradeReached => match grade {
                Some(grade) => {
                    format!(
                        "the score {value} reaches {:?}, which begins at {}",
                        grade.name, grade.at
                    )
                }
                None => format!("the score {value} reaches a grade"),
            },
            Reason::GradeUntouched => "the grade names no countermeasure".to_owned(),
            Reason::RouteOutOfScope => format!("{} is not in `scope.routes`", self.facts.path),
            Reason::ProtocolOutOfScope => "the protocol is not in `scope.protocols`".to_owned(),
            Reason::ModelOutOfScope => format!("{model:?} is not in `scope.models`"),
            Reason::ExemptionExpired => {
                format!(
                    "an exemption would apply but has expired{}",
                    self.exemptions(grade.map(|grade| &*grade.plan), true)
                )
            }
            Reason::Exempt => format!(
                "exempt from all that the grade names{}",
                self.exemptions(grade.map(|grade| &*grade.plan), false)
            ),
            Reason::PartlyExempt => format!(
                "exempt from a part of what the grade names{}",
                self.exemptions(grade.map(|grade| &*grade.plan), false)
            ),
            Reason::ObserveOnly => "observed: nothing of the plan is carried out".to_owned(),
            // `explain` asks about paths that the layer knows.
            Reason::UnknownRouteRefused | Reason::UnknownRoutePassed => reason.name().to_owned(),
        }
    }

    /// Which exemptions bear on the grade's plan.
    fn exemptions(&self, plan: Option<&Plan>, expired: bool) -> String {
        let bearing = self.policy.exemptions.iter().filter(|exemption| {
            let touches = |named: &Countermeasure| {
                plan.is_some_and(|plan| named.mode_in(plan).is_some()) && exemption.covers(*named)
            };
            exemption.names(&self.assessment.principal)
                && exemption.has_expired(self.now) == expired
                && Countermeasure::ALL.iter().any(touches)
        });
        bearing
            .map(|exemption| {
                format!(
                    "; {} (owner {}, until {})",
                    exemption.reason, exemption.owner, exemption.expires
                )
            })
            .collect()
    }
}

/// What becomes of a request and its answer, in the order in which it happens.
fn effects(
    plan: &Plan,
    model: &str,
    protocol: Option<Protocol>,
) -> Vec<(Countermeasure, Mode, String)> {
    let texts = |named| match named {
        Countermeasure::Refuse => plan
            .refuse
            .as_ref()
            .map(|measure| vec![format!("The request is refused: {:?}", measure.settings.message)]),
        Countermeasure::Rate => plan.rate.as_ref().map(|measure| rate(&measure.settings)),
        Countermeasure::Downgrade => {
            plan.downgrade.as_ref().map(|measure| downgrade(&measure.settings, model))
        }
        Countermeasure::SideChannels => plan.side_channels.as_ref().map(|measure| {
            let choices = measure.settings.max_choices;
            let mut lines = vec![
                format!("At most {choices} choice(s) per request."),
                "Log-probabilities, token ids and members not known to be harmless are stripped."
                    .to_owned(),
            ];
            if !measure.settings.allow.is_empty() {
                lines.push(format!("Let through besides: {}.", measure.settings.allow.join(", ")));
            }
            lines
        }),
        Countermeasure::Reasoning => {
            plan.reasoning.as_ref().map(|measure| reasoning(&measure.settings, model, protocol))
        }
        Countermeasure::Pace => plan.pace.as_ref().map(|measure| pace(&measure.settings)),
    };
    Countermeasure::ALL
        .into_iter()
        .filter_map(|named| Some((named, named.mode_in(plan)?, texts(named)?)))
        .flat_map(|(named, mode, lines)| lines.into_iter().map(move |line| (named, mode, line)))
        .collect()
}

fn rate(rate: &Rate) -> Vec<String> {
    let limited = [("Each account", &rate.account), ("The cluster together", &rate.cluster)];
    let mut lines: Vec<_> = limited
        .into_iter()
        .filter(|(_, limits)| **limits != Limits::default())
        .map(|(who, limits)| format!("{who}: {}.", limits_text(limits)))
        .collect();
    lines.push(match &rate.advertised {
        Some(limits) => format!("`RateLimit` fields show: {}.", limits_text(limits)),
        None => "No `RateLimit` fields are shown.".to_owned(),
    });
    lines
}

fn limits_text(limits: &Limits) -> String {
    let Limits { requests, input_tokens, output_tokens, reasoning_tokens, concurrency } = limits;
    let mut parts: Vec<_> = [
        ("requests", requests),
        ("input tokens", input_tokens),
        ("output tokens", output_tokens),
        ("reasoning tokens", reasoning_tokens),
    ]
    .into_iter()
    .filter_map(|(unit, quota)| Some(format!("{unit} {}", quota_text(quota.as_ref()?))))
    .collect();
    parts.extend(concurrency.map(|most| format!("{most} in flight")));
    parts.join("; ")
}

fn downgrade(downgrade: &Downgrade, model: &str) -> Vec<String> {
    let Downgrade { models, max_output_tokens, max_effort, max_thinking_tokens, disclose } =
        downgrade;
    let covering = models.iter().filter(|(pattern, _)| pattern.matches(model));
    let target =
        covering.max_by_key(|(pattern, _)| pattern.specificity()).map(|(_, target)| target);
    let mut lines = Vec::new();
    match target {
        Some(target) if target != model => lines.push(format!(
            "{model:?} is asked for, {target:?} answers; the reply names {:?}.",
            if *disclose { target } else { model }
        )),
        _ => lines.push(format!("{model:?} answers, as asked.")),
    }
    lines.extend(max_output_tokens.map(|cap| format!("At most {cap} output tokens.")));
    lines.extend(max_effort.map(|cap| format!("Reasoning effort at most {:?}.", cap.name())));
    lines.extend(max_thinking_tokens.map(|cap| format!("At most {cap} thinking tokens.")));
    lines
}

fn reasoning(reasoning: &Reasoning, model: &str, protocol: Option<Protocol>) -> Vec<String> {
    let Reasoning { keep, opened_by_template, ask_upstream, round_usage } = reasoning;
    let kept = match keep {
        Keep::None => "none".to_owned(),
        Keep::Conclusion => "its last sentence".to_owned(),
        Keep::Words(words) => format!("whole sentences from its start, up to {words} words"),
        Keep::Share(share) => {
            format!("whole sentences from its start, up to {:.0} % of it", share * 100.0)
        }
    };
    let mut lines = vec![format!("Of the reasoning the reply keeps: {kept}.")];
    if protocol == Some(Protocol::Messages) {
        lines.push("Signed thinking blocks are sealed: empty text, signature kept.".to_owned());
        if *ask_upstream {
            lines.push("The upstream is asked to seal them itself.".to_owned());
        }
    }
    if opened_by_template.iter().any(|pattern| pattern.matches(model)) {
        lines.push("The text of this model is taken to start inside the reasoning.".to_owned());
    }
    lines.extend(
        round_usage
            .map(|unit| format!("Reasoning-token counts are rounded up to a multiple of {unit}.")),
    );
    lines
}

fn pace(pace: &Pace) -> Vec<String> {
    let Pace { tokens_per_second, shared_by, first_token_delay } = pace;
    let who = match shared_by {
        Scope::Account => "account",
        Scope::Cluster => "cluster",
    };
    let mut lines = Vec::new();
    lines.extend(
        tokens_per_second
            .map(|rate| format!("{rate} tokens per second, shared by the streams of the {who}.")),
    );
    lines.extend(
        first_token_delay.map(|delay| {
            format!("First token after a further {:?} to {:?}.", delay.min, delay.max)
        }),
    );
    lines
}

type Reasons = [(Reason, String)];
type Effects = [(Countermeasure, Mode, String)];

fn write_text(
    out: &mut impl Write,
    policy: &Policy,
    decision: &Decision,
    reasons: &Reasons,
    effects: &Effects,
) -> io::Result<()> {
    writeln!(out, "Policy  {} (revision {}, {})", policy.name, policy.revision, mode(policy.mode))?;
    let grade = decision.grade.as_ref().map_or("none", |grade| &*grade.name);
    writeln!(out, "Grade   {grade}")?;
    writeln!(out, "\nWhy")?;
    for (_, words) in reasons {
        write_item(out, words)?;
    }
    writeln!(out, "\nWhat becomes of the request and its answer")?;
    if effects.is_empty() {
        write_item(out, "Nothing: the upstream's bytes pass untouched.")?;
    }
    let mut last = None;
    for (named, measure_mode, words) in effects {
        if last != Some(*named) {
            writeln!(out, "  {} ({})", named.name(), mode(*measure_mode))?;
            last = Some(*named);
        }
        write_item(out, words)?;
    }
    Ok(())
}

/// Writes one list item, wrapped to 80 columns.
fn write_item(out: &mut impl Write, words: &str) -> io::Result<()> {
    const WIDTH: usize = 80;
    write!(out, "  -")?;
    let mut column = 3;
    for word in words.split(' ') {
        let width = word.chars().count();
        if column + 1 + width > WIDTH && column > 4 {
            write!(out, "\n   ")?;
            column = 3;
        }
        write!(out, " {word}")?;
        column += 1 + width;
    }
    writeln!(out)
}

fn report(policy: &Policy, decision: &Decision, reasons: &Reasons, effects: &Effects) -> Value {
    let reasons: Vec<_> = reasons
        .iter()
        .map(|(reason, words)| json!({ "reason": reason.name(), "words": words }))
        .collect();
    let effects: Vec<_> = effects
        .iter()
        .map(
            |(named, mode, words)| json!({ "countermeasure": named, "mode": mode, "words": words }),
        )
        .collect();
    json!({
        "policy": policy.name,
        "revision": policy.revision.to_string(),
        "mode": policy.mode,
        "grade": decision.grade.as_ref().map(|grade| &*grade.name),
        "reasons": reasons,
        "effects": effects,
    })
}

fn mode(mode: Mode) -> &'static str {
    match mode {
        Mode::Observe => "observe",
        Mode::Enforce => "enforce",
    }
}
