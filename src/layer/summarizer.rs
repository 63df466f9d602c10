//! Who condenses reasoning, and how many are waited for.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::countermeasure::summary::{SummaryFailure, SummaryRules};
use crate::ready::Waiting;

/// Condenses reasoning, for policies that say `keep = "summary"`.
///
/// It gets the reasoning of one answer and nothing else of the exchange. That text is hostile: its
/// model may have been made to write instructions to whoever reads it. What comes back is only ever
/// shown as text, and only if it is a summary (see [`SummaryFailure`]); all else leaves what
/// `keep = "none"` leaves.
///
/// ```
/// use guilloche::countermeasure::summary::SummaryFailure;
/// use guilloche::layer::{DefenseLayer, Summarizer, SummaryLimits};
/// use guilloche::policy::Policy;
/// use guilloche::ready::Waiting;
/// use std::sync::Arc;
///
/// #[derive(Debug)]
/// struct Counting;
///
/// impl Summarizer for Counting {
///     fn summarize(&self, reasoning: Arc<str>) -> Waiting<Result<String, SummaryFailure>> {
///         // A call of a small model, in a real one.
///         Box::pin(async move { Ok(format!("It took {} lines.", reasoning.lines().count())) })
///     }
/// }
///
/// let policy = Policy::parse("summary.toml", r#"
///     version = 1
///     name = "summary"
///     mode = "enforce"
///     [scope]
///     protocols = ["chat"]
///     [[grade]]
///     name = "condense"
///     at = 0.5
///     reasoning = { keep = "summary" }
/// "#)?;
/// let limits = SummaryLimits::default();
/// let layer = DefenseLayer::builder(policy).summarizer(Arc::new(Counting), limits).build()?;
/// # drop(layer);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Summarizer: fmt::Debug + Send + Sync {
    /// Begins to condense a text. What is returned is dropped when nobody waits for it any more:
    /// the deadline is over, or the client has left.
    fn summarize(&self, reasoning: Arc<str>) -> Waiting<Result<String, SummaryFailure>>;
}

/// What bounds summaries, each and all together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SummaryLimits {
    /// How long the rest of an answer waits for the summary of its reasoning.
    pub deadline: Duration,
    /// The most summaries that are waited for at one time, of all answers. Reasoning that would need
    /// one more is withheld at once.
    pub concurrency: usize,
    /// How long they and what they sum up may be.
    pub rules: SummaryRules,
}

impl Default for SummaryLimits {
    /// 10 s, 64 at one time, and the default [`SummaryRules`].
    fn default() -> Self {
        Self { deadline: Duration::from_secs(10), concurrency: 64, rules: SummaryRules::default() }
    }
}

/// A summarizer and its bounds.
#[derive(Debug)]
pub(super) struct Condenser {
    summarizer: Arc<dyn Summarizer>,
    deadline: Duration,
    rules: SummaryRules,
    most: usize,
    places: Arc<Semaphore>,
}

impl Condenser {
    pub(super) fn new(summarizer: Arc<dyn Summarizer>, limits: SummaryLimits) -> Self {
        let SummaryLimits { deadline, concurrency, rules } = limits;
        let most = concurrency.min(Semaphore::MAX_PERMITS);
        let places = Arc::new(Semaphore::new(most));
        Self { summarizer, deadline, rules, most, places }
    }

    /// How many are waited for now.
    pub(super) fn waiting(&self) -> usize {
        self.most.saturating_sub(self.places.available_permits())
    }

    pub(super) fn rules(&self) -> SummaryRules {
        self.rules
    }

    /// Has a text condensed, unless too many wait.
    pub(super) fn condense(
        &self,
        reasoning: Arc<str>,
    ) -> Result<Waiting<Result<String, SummaryFailure>>, SummaryFailure> {
        let place = Arc::clone(&self.places).try_acquire_owned();
        let place = place.map_err(|_| SummaryFailure::Busy)?;
        let summary = timeout(self.deadline, self.summarizer.summarize(reasoning));
        Ok(Box::pin(async move {
            let summary = summary.await.unwrap_or(Err(SummaryFailure::Slow));
            drop(place);
            summary
        }))
    }
}
