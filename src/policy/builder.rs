//! Policies that a program makes, without a file.
//!
//! A policy of code goes the way of one of a file: it is written down as one, and that is read. So
//! both keep the same rules, and have a revision by which audit records name them.

use toml::{Table, Value};

use super::decision::{NoTextRoutes, Unhandled};
use super::exemption::Exemption;
use super::ladder::{Grade, Policy, RequestScope};
use super::plan::Mode;
use super::problem::LoadError;
use super::written::{self, named};
use crate::secret::opaque_debug;

/// What errors call a policy that no file holds.
const NO_FILE: &str = "(built)";

/// A policy being put together in code.
///
/// ```
/// use guilloche::policy::plan::{Keep, Mode, Plan, Reasoning};
/// use guilloche::policy::{Grade, Policy};
///
/// let mut plan = Plan::default();
/// plan.reasoning = Some(Reasoning::new(Keep::None).into());
/// let policy = Policy::builder("ladder", Mode::Enforce)
///     .grade(Grade::new("withhold", 0.5, plan))
///     .build()?;
/// assert_eq!(policy.grades[0].name.as_ref(), "withhold");
///
/// // The rules of policy files hold; a field is called what a file calls it.
/// let error = Policy::builder("ladder", Mode::Enforce)
///     .grade(Grade::new("withhold", 1.5, Plan::default()))
///     .build()
///     .unwrap_err();
/// assert_eq!(error.problems()[0].field, "grade[0].at");
/// # Ok::<(), guilloche::policy::LoadError>(())
/// ```
#[derive(Clone)]
pub struct PolicyBuilder {
    settings: Table,
    exemptions: Vec<Value>,
    grades: Vec<Value>,
}

// Exemptions name accounts.
opaque_debug!(PolicyBuilder);

impl Policy {
    /// A policy to be put together in code. `name` is that of audit records and metrics: lowercase
    /// letters, digits, `-` and `_`. A countermeasure's own mode can weaken `mode`, never strengthen
    /// it.
    #[must_use]
    pub fn builder(name: &str, mode: Mode) -> PolicyBuilder {
        let builder =
            PolicyBuilder { settings: Table::new(), exemptions: Vec::new(), grades: Vec::new() };
        builder
            .with("version", Some(Value::Integer(1)))
            .with("name", Some(Value::String(name.to_owned())))
            .with("mode", named(mode))
    }
}

impl PolicyBuilder {
    /// Adds a step to the ladder, above those before it.
    #[must_use]
    pub fn grade(mut self, grade: Grade) -> Self {
        self.grades.push(Value::Table(written::grade(&grade)));
        self
    }

    /// Spares a principal.
    #[must_use]
    pub fn exemption(mut self, exemption: Exemption) -> Self {
        self.exemptions.push(Value::Table(written::exemption(&exemption)));
        self
    }

    /// Which requests the policy governs: all, if nothing is said.
    #[must_use]
    pub fn scope(self, scope: &RequestScope) -> Self {
        self.with("scope", Some(Value::Table(written::scope(scope))))
    }

    /// What graded callers get on paths that the layer does not know: a refusal, if nothing is said.
    #[must_use]
    pub fn unknown_routes(self, unhandled: Unhandled) -> Self {
        self.with("unknown_routes", named(unhandled))
    }

    /// What graded callers get when the layer cannot read a response: an error, if nothing is said.
    #[must_use]
    pub fn on_opaque(self, unhandled: Unhandled) -> Self {
        self.with("on_opaque", named(unhandled))
    }

    /// What becomes of graded callers' embeddings, moderations and counts of tokens: they are
    /// limited, if nothing is said.
    #[must_use]
    pub fn no_text_routes(self, routes: NoTextRoutes) -> Self {
        self.with("no_text_routes", named(routes))
    }

    /// The share, from 0 to 1, of the observed exchanges in which it is tried out on a copy what
    /// would have been done: all, if nothing is said.
    #[must_use]
    pub fn observe_sample(self, share: f64) -> Self {
        self.with("observe_sample", Some(Value::Float(share)))
    }

    /// The policy as a file that [`Policy::load`] reads.
    #[must_use]
    pub fn to_toml(&self) -> String {
        let Self { settings, exemptions, grades } = self;
        let mut file = settings.clone();
        for (name, tables) in [("exemption", exemptions), ("grade", grades)] {
            if !tables.is_empty() {
                file.insert(name.to_owned(), Value::Array(tables.clone()));
            }
        }
        file.to_string()
    }

    /// The policy, checked.
    ///
    /// # Errors
    /// [`LoadError::Invalid`] with all its problems, whose lines are those of
    /// [`to_toml`](Self::to_toml), if it breaks a rule of policy files; [`LoadError::Randomness`] if
    /// the operating system gives none.
    pub fn build(&self) -> Result<Policy, LoadError> {
        Policy::parse(NO_FILE, &self.to_toml())
    }

    fn with(mut self, name: &str, value: Option<Value>) -> Self {
        self.settings.extend(value.map(|value| (name.to_owned(), value)));
        self
    }
}
