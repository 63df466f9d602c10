//! What a policy would leak to those who harvest, and whom else it would touch, with a detector of known
//! quality.
//!
//! A closed form, not a forecast: accounts ask at a steady pace; a score comes some time after an account's
//! first request and puts it into a grade for good; what an account gets in full before and after is added
//! up. [`simulate`] gives means, and the standard deviation that comes from scores falling otherwise.
//!
//! ```
//! use guilloche::experiment::simulation::{Detector, Population, Question, simulate};
//! use guilloche::policy::Policy;
//!
//! let policy = Policy::parse(
//!     "policy.toml",
//!     r#"
//!     version = 1
//!     name = "withhold"
//!     mode = "enforce"
//!     [[grade]]
//!     name = "no-reasoning"
//!     at = 0.5
//!     reasoning = { keep = "none" }
//!     "#,
//! )?;
//! let population = Population::reported()?;
//! let detector = Detector::binormal(0.95, 0.02)?;
//! let question = Question { delay_days: 0.25, budget: Some(0.001), ..Question::default() };
//! let simulation = simulate(&policy, &population, &detector, &question)?;
//! let best = simulation.thresholds.unwrap();
//! assert!(best.ordinary_touched <= 0.001 * population.ordinary);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod detector;
mod input;
mod labelled;
mod leak;
mod page;
mod population;
mod thresholds;

use serde::Serialize;

use crate::audit::PolicyIdentity;
use crate::policy::plan::{Mode, enforced};
use crate::policy::{Grade, Plan, Policy};

pub use detector::{Detector, Point, Reach};
pub use input::{InputError, read_curve, read_scores};
pub use labelled::{Labelled, Quality};
pub use page::page;
#[cfg(feature = "cli")]
pub(crate) use page::{percent, rounded};
pub use population::{Campaign, Population};

/// A simulation cannot be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SimulationError {
    /// A number is out of range.
    #[error("{0}")]
    Number(&'static str),
    /// A point of a curve is none.
    #[error("the point at a score of {threshold} {what}")]
    Point {
        /// The score.
        threshold: f64,
        /// What is wrong.
        what: &'static str,
    },
    /// A grade that has a budget is not the policy's.
    #[error("the policy has no grade {0:?}")]
    NoGrade(String),
}

/// What is asked beside policy, population and detector.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Question {
    /// Days from an account's first request to its first score.
    pub delay_days: f64,
    /// The share of ordinary accounts that may be touched: asks for the thresholds that leak least. The
    /// stricter grades take the same part of it that they take now.
    pub budget: Option<f64>,
    /// Budgets of grades by name: the share of ordinary accounts that may reach it or a stricter one.
    pub budgets: Vec<(String, f64)>,
}

/// What a policy would leak, and whom it would touch.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Simulation {
    /// The policy.
    pub policy: PolicyIdentity,
    /// Its mode. What a policy that observes would do is told as if it were enforced.
    pub mode: Mode,
    /// The area under the detector's curve.
    pub auc: f64,
    /// Days from an account's first request to its first score.
    pub delay_days: f64,
    /// Who reaches which grade.
    pub grades: Vec<GradeReach>,
    /// What the policy leaks.
    pub leaks: Vec<Leak>,
    /// Ordinary accounts.
    pub ordinary: f64,
    /// Of them, those to whom something is done.
    pub ordinary_touched: f64,
    /// Of them, those who are refused.
    pub ordinary_refused: f64,
    /// The thresholds that leak least within the budget, where one is given.
    pub thresholds: Option<Thresholds>,
    /// The least that is leaked, by the share of ordinary accounts that may be touched.
    pub frontier: Vec<Frontier>,
    /// What was taken for granted.
    pub assumed: Vec<String>,
}

/// Who is in a grade.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct GradeReach {
    /// Its name.
    pub name: String,
    /// Where it begins; `None` where no score reaches it.
    pub at: Option<f64>,
    /// The share of harvesting accounts in it.
    pub harvesters: f64,
    /// The share of ordinary accounts in it.
    pub ordinary: f64,
    /// Ordinary accounts in it.
    pub ordinary_accounts: f64,
    /// The standard errors of the shares that reach it, where the curve was estimated.
    pub errors: Option<(f64, f64)>,
}

/// What one campaign gets.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Leak {
    /// Its name.
    pub campaign: String,
    /// Accounts that it uses up.
    pub accounts: f64,
    /// Tokens of reasoning that it asks for.
    pub asked: f64,
    /// Those that it gets in full, in the mean.
    pub leaked: f64,
    /// The standard deviation of that, from scores falling otherwise.
    pub deviation: f64,
    /// What it gets before there is a score.
    pub before_score: f64,
}

/// Thresholds within a budget.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Thresholds {
    /// Who reaches which grade.
    pub grades: Vec<GradeReach>,
    /// What is leaked.
    pub leaks: Vec<Leak>,
    /// Ordinary accounts to whom something is done.
    pub ordinary_touched: f64,
}

/// The least leak at a budget.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Frontier {
    /// The share of ordinary accounts that may be touched.
    pub budget: f64,
    /// The share of all reasoning asked for by campaigns that they get in full.
    pub leaked_share: f64,
}

/// Asks what a policy leaks and whom it touches.
///
/// # Errors
/// [`SimulationError`] of a number that is out of range, or a budget for a grade that is not there.
pub fn simulate(
    policy: &Policy,
    population: &Population,
    detector: &Detector,
    question: &Question,
) -> Result<Simulation, SimulationError> {
    if !(question.delay_days >= 0.0 && question.delay_days.is_finite()) {
        return Err(SimulationError::Number("the delay is no time"));
    }
    let model = Model {
        policy,
        population,
        detector,
        delay: question.delay_days,
        plans: leak::plans(policy),
    };
    let now: Vec<Option<f64>> = policy.grades.iter().map(|grade| Some(grade.at)).collect();
    let thresholds = thresholds::asked(&model, &now, question)?;
    let refused = model.plans.iter().zip(model.grades(&now));
    let refused = refused.filter(|(plan, _)| enforced(&plan.refuse).is_some());
    Ok(Simulation {
        policy: PolicyIdentity { name: policy.name.clone(), revision: policy.revision.to_string() },
        mode: policy.mode,
        auc: detector.auc(),
        delay_days: question.delay_days,
        grades: model.grades(&now),
        leaks: model.leaks(&now),
        ordinary: population.ordinary,
        ordinary_touched: model.touched(&now),
        ordinary_refused: refused.map(|(_, grade)| grade.ordinary_accounts).sum(),
        thresholds,
        frontier: thresholds::frontier(&model, &now),
        assumed: assumed(policy),
    })
}

/// What does not change with the thresholds.
struct Model<'m> {
    policy: &'m Policy,
    population: &'m Population,
    detector: &'m Detector,
    delay: f64,
    plans: Vec<Plan>,
}

impl Model<'_> {
    fn grades(&self, thresholds: &[Option<f64>]) -> Vec<GradeReach> {
        let shares = leak::shares(thresholds, self.detector);
        let grades = self.policy.grades.iter().zip(thresholds).zip(shares.iter().skip(1));
        let reach = |((grade, at), share): ((&Grade, &Option<f64>), &Reach)| {
            let error = at.map(|at| self.detector.error(at)).unwrap_or_default();
            let errors = (error.harvesters, error.ordinary);
            GradeReach {
                name: grade.name.to_string(),
                at: *at,
                harvesters: share.harvesters,
                ordinary: share.ordinary,
                ordinary_accounts: share.ordinary * self.population.ordinary,
                errors: (errors != (0.0, 0.0)).then_some(errors),
            }
        };
        grades.map(reach).collect()
    }

    fn leaks(&self, thresholds: &[Option<f64>]) -> Vec<Leak> {
        let shares = leak::shares(thresholds, self.detector);
        let leak = |campaign: &Campaign| {
            let leaked = leak::leaked(campaign, &shares, &self.plans, self.delay);
            Leak {
                campaign: campaign.name.clone(),
                accounts: campaign.accounts_in_all(),
                asked: campaign.tokens(),
                leaked: leaked.mean,
                deviation: leaked.variance.sqrt(),
                before_score: leaked.before,
            }
        };
        self.population.campaigns.iter().map(leak).collect()
    }

    fn touched(&self, thresholds: &[Option<f64>]) -> f64 {
        let grades = self.grades(thresholds);
        let touched = self.plans.iter().zip(grades).filter(|(plan, _)| leak::touches(plan));
        touched.map(|(_, grade)| grade.ordinary_accounts).sum()
    }
}

fn assumed(policy: &Policy) -> Vec<String> {
    let mut said = Vec::new();
    if policy.mode == Mode::Observe {
        said.push(
            "The policy only observes. What it would do is told as if it were enforced.".to_owned(),
        );
    }
    if policy.grades.iter().any(|grade| grade.min_confidence > 0.0) {
        said.push("Every score comes with the confidence that its grade asks for.".to_owned());
    }
    for line in [
        "Accounts ask at a steady pace, for the models, paths and protocols that the policy governs.",
        "A score comes once, after the delay, and puts an account into its grade for good. Accounts \
         that the detector links share one score, and those that join them have it from their first \
         request.",
        "Nobody reacts to the policy. In fact whoever is limited opens other accounts, and whoever is \
         found out changes what they do.",
        "Reasoning is in full where it is the model's own and whole, or the part of it that `keep` \
         leaves, at 3 words for 4 tokens. A weaker model's reasoning does not count.",
        "Exemptions are not counted.",
    ] {
        said.push(line.to_owned());
    }
    said
}
