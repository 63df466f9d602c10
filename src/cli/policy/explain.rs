//! `guilloche policy explain`: one decision, in words.

use std::io::{self, Write};
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::super::paragraph::write_wrapped;
use super::super::{Answer, Failure, Format, standard_output};
use super::effects::effects;
use super::sample::Sample;
use crate::policy::plan::Mode;
use crate::policy::{Countermeasure, Decision, Plan, Policy, Reason, RequestFacts};
use crate::risk::{
    AccountId, Assessment, ClusterId, Principal, Risk, RiskScore, TenantId, UnknownReason, Validity,
};
use crate::wire::ProtocolId;

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
    /// OpenAI Responses.
    Responses,
    /// OpenAI's legacy Completions.
    Completions,
    /// Ollama's own protocol.
    Ollama,
    /// Google's Gemini.
    Gemini,
    /// Amazon Bedrock's Converse.
    Converse,
    /// The own protocol of llama.cpp's server.
    #[value(name = "llama_cpp")]
    LlamaCpp,
    /// The own protocol of Hugging Face's text-generation-inference.
    Tgi,
    /// Cohere's Chat.
    Cohere,
    /// Amazon Bedrock's InvokeModel.
    Invoke,
}

pub(super) fn run(arguments: &Arguments) -> Result<Answer, Failure> {
    let now = Timestamp::now();
    let policy = Policy::load(&arguments.policy)?;
    let assessment = assessment(arguments, now)?;
    let facts = match arguments.protocol {
        ProtocolName::Chat => {
            RequestFacts { path: "/v1/chat/completions", protocol: Some(ProtocolId::Chat) }
        }
        ProtocolName::Messages => {
            RequestFacts { path: "/v1/messages", protocol: Some(ProtocolId::Messages) }
        }
        ProtocolName::Responses => {
            RequestFacts { path: "/v1/responses", protocol: Some(ProtocolId::Responses) }
        }
        ProtocolName::Completions => {
            RequestFacts { path: "/v1/completions", protocol: Some(ProtocolId::Completions) }
        }
        ProtocolName::Gemini => RequestFacts {
            path: "/v1beta/models/MODEL:generateContent",
            protocol: Some(ProtocolId::Gemini),
        },
        ProtocolName::Converse => {
            RequestFacts { path: "/model/MODEL/converse", protocol: Some(ProtocolId::Converse) }
        }
        ProtocolName::LlamaCpp => {
            RequestFacts { path: "/completion", protocol: Some(ProtocolId::LlamaCpp) }
        }
        ProtocolName::Cohere => {
            RequestFacts { path: "/v2/chat", protocol: Some(ProtocolId::Cohere) }
        }
        ProtocolName::Tgi => RequestFacts { path: "/generate", protocol: Some(ProtocolId::Tgi) },
        ProtocolName::Invoke => {
            RequestFacts { path: "/model/MODEL/invoke", protocol: Some(ProtocolId::Invoke) }
        }
        ProtocolName::Ollama => {
            RequestFacts { path: "/api/chat", protocol: Some(ProtocolId::Ollama) }
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
    let sample = facts
        .protocol
        .filter(|_| !effects.is_empty())
        .map(|protocol| Sample::of(&decision.plan, &arguments.model, protocol));
    let mut out = standard_output::lock();
    match arguments.format {
        Format::Text => {
            write_text(&mut out, &policy, &decision, &reasons, &effects)?;
            sample.map_or(Ok(()), |sample| write_sample(&mut out, &sample))?;
        }
        Format::Json => {
            let mut report = report(&policy, &decision, &reasons, &effects);
            if let Some(report) = report.as_object_mut() {
                report.insert("sample".to_owned(), json!(sample));
            }
            writeln!(out, "{report:#}")?;
        }
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
            Risk::Contested { .. } | Risk::Unknown(_) => None,
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
            // `explain` asks about paths that the layer knows, for callers whose risk is not contested.
            Reason::UnknownRouteRefused
            | Reason::UnknownRoutePassed
            | Reason::WayRoundRefused
            | Reason::NoTextRoute
            | Reason::RiskContested => reason.name().to_owned(),
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

fn write_sample(out: &mut impl Write, sample: &Sample) -> io::Result<()> {
    let Sample { before, after } = sample;
    writeln!(out, "\nA request like this one\n  {before}")?;
    match after {
        Some(after) if after == before => writeln!(out, "reaches the upstream as it is."),
        Some(after) => writeln!(out, "reaches the upstream as\n  {after}"),
        None => writeln!(out, "does not reach the upstream."),
    }
}

/// Writes one list item.
fn write_item(out: &mut impl Write, words: &str) -> io::Result<()> {
    write_wrapped(out, "  - ", "    ", words)
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
