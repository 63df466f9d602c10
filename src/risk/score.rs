//! How suspicious a caller is: a score with an age.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::UnknownReason;

/// A score carries at most this many labels.
pub const MAX_LABELS: usize = 16;
/// A label, or the name of the detector's model, has at most this many bytes.
pub const MAX_LABEL_BYTES: usize = 64;

/// A detector's values do not make a score.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ScoreError {
    /// Outside 0 to 1, or not a number.
    #[error("a risk score lies between 0 and 1")]
    Value,
    /// Outside 0 to 1, or not a number.
    #[error("a confidence lies between 0 and 1")]
    Confidence,
    /// More than [`MAX_LABELS`], or one that is empty, too long or not printable ASCII.
    #[error(
        "a score has at most {MAX_LABELS} labels of 1 to {MAX_LABEL_BYTES} printable ASCII bytes"
    )]
    Labels,
    /// Empty, too long or not printable ASCII.
    #[error("a model name has 1 to {MAX_LABEL_BYTES} printable ASCII bytes")]
    Model,
}

/// From when, and for how long, a detector's word holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Validity {
    /// When the detector issued it.
    pub issued: Timestamp,
    /// How long it holds from then on, counted in whole seconds.
    pub ttl: Duration,
}

impl Validity {
    /// Whether it holds at `now`, if the two clocks may differ by `skew`.
    ///
    /// # Errors
    ///
    /// [`UnknownReason::FromFuture`] or [`UnknownReason::Stale`].
    pub fn check(&self, now: Timestamp, skew: Duration) -> Result<(), UnknownReason> {
        let (now, skew) = (now.as_second(), seconds(skew));
        let issued = self.issued.as_second();
        if issued > now.saturating_add(skew) {
            Err(UnknownReason::FromFuture)
        } else if issued.saturating_add(seconds(self.ttl)).saturating_add(skew) < now {
            Err(UnknownReason::Stale)
        } else {
            Ok(())
        }
    }
}

/// Whole seconds, as wide as timestamps are.
pub(super) fn seconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_secs()).unwrap_or(i64::MAX)
}

/// A detector's judgement of one principal: 0 (no suspicion) to 1 (certain).
///
/// ```
/// use std::time::Duration;
/// use guilloche::risk::{RiskScore, Validity};
///
/// let validity = Validity { issued: jiff::Timestamp::UNIX_EPOCH, ttl: Duration::from_secs(300) };
/// let score = RiskScore::new(0.87, validity)?.with_confidence(0.6)?.with_labels(["cot-elicit"])?;
/// assert_eq!(score.value(), 0.87);
/// assert!(RiskScore::new(f64::NAN, validity).is_err());
/// # Ok::<(), guilloche::risk::ScoreError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct RiskScore {
    value: f64,
    confidence: Option<f64>,
    labels: Arc<[Box<str>]>,
    model: Option<Arc<str>>,
    validity: Validity,
}

impl RiskScore {
    /// A score without confidence, labels or model.
    ///
    /// # Errors
    ///
    /// [`ScoreError::Value`].
    pub fn new(value: f64, validity: Validity) -> Result<Self, ScoreError> {
        if !in_unit_interval(value) {
            return Err(ScoreError::Value);
        }
        Ok(Self { value, confidence: None, labels: Arc::default(), model: None, validity })
    }

    /// Adds how sure the detector is, 0 to 1.
    ///
    /// # Errors
    ///
    /// [`ScoreError::Confidence`].
    pub fn with_confidence(self, confidence: f64) -> Result<Self, ScoreError> {
        if !in_unit_interval(confidence) {
            return Err(ScoreError::Confidence);
        }
        Ok(Self { confidence: Some(confidence), ..self })
    }

    /// Sets the detector's labels, such as `cot-elicit`.
    ///
    /// # Errors
    ///
    /// [`ScoreError::Labels`].
    pub fn with_labels<'label>(
        self,
        labels: impl IntoIterator<Item = &'label str>,
    ) -> Result<Self, ScoreError> {
        let labels: Arc<[Box<str>]> =
            labels.into_iter().take(MAX_LABELS + 1).map(Box::from).collect();
        if labels.len() > MAX_LABELS || !labels.iter().all(|label| is_label(label)) {
            return Err(ScoreError::Labels);
        }
        Ok(Self { labels, ..self })
    }

    /// Adds the name of the detector's model.
    ///
    /// # Errors
    ///
    /// [`ScoreError::Model`].
    pub fn with_model(self, model: &str) -> Result<Self, ScoreError> {
        if !is_label(model) {
            return Err(ScoreError::Model);
        }
        Ok(Self { model: Some(model.into()), ..self })
    }

    /// The score, 0 to 1; higher is riskier.
    #[must_use]
    pub fn value(&self) -> f64 {
        self.value
    }

    /// How sure the detector is, 0 to 1.
    #[must_use]
    pub fn confidence(&self) -> Option<f64> {
        self.confidence
    }

    /// The detector's labels, in its order.
    pub fn labels(&self) -> impl ExactSizeIterator<Item = &str> {
        self.labels.iter().map(|label| &**label)
    }

    /// The name of the detector's model.
    #[must_use]
    pub fn model(&self) -> Option<&str> {
        self.model.as_deref()
    }

    /// When it was issued and for how long it holds.
    #[must_use]
    pub fn validity(&self) -> Validity {
        self.validity
    }
}

fn in_unit_interval(value: f64) -> bool {
    // False for NaN.
    (0.0..=1.0).contains(&value)
}

fn is_label(text: &str) -> bool {
    (1..=MAX_LABEL_BYTES).contains(&text.len())
        && text.bytes().all(|byte| (b' '..=b'~').contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    const VALIDITY: Validity =
        Validity { issued: Timestamp::UNIX_EPOCH, ttl: Duration::from_secs(300) };

    #[test]
    fn a_score_is_a_number_between_zero_and_one() {
        for value in [-0.001, 1.001, f64::NAN, f64::INFINITY] {
            assert_eq!(RiskScore::new(value, VALIDITY), Err(ScoreError::Value));
            let score = RiskScore::new(1.0, VALIDITY).unwrap();
            assert_eq!(score.with_confidence(value), Err(ScoreError::Confidence));
        }
        assert!(RiskScore::new(0.0, VALIDITY).is_ok());
    }

    #[test]
    fn labels_and_model_are_bounded() {
        let score = RiskScore::new(0.5, VALIDITY).unwrap();
        let long = "x".repeat(MAX_LABEL_BYTES + 1);
        assert_eq!(score.clone().with_labels(["a"; 17]), Err(ScoreError::Labels));
        assert_eq!(score.clone().with_labels([&*long]), Err(ScoreError::Labels));
        assert_eq!(score.clone().with_labels([""]), Err(ScoreError::Labels));
        assert_eq!(score.clone().with_model(&long), Err(ScoreError::Model));
        assert_eq!(score.with_labels(["a"; 16]).unwrap().labels().len(), 16);
    }

    #[test]
    fn a_score_holds_from_its_issue_to_its_time_to_live_give_or_take_the_skew() {
        let skew = Duration::from_secs(30);
        let at = |second| VALIDITY.check(Timestamp::from_second(second).unwrap(), skew);
        assert_eq!(at(-31), Err(UnknownReason::FromFuture));
        assert_eq!(at(-30), Ok(()));
        assert_eq!(at(330), Ok(()));
        assert_eq!(at(331), Err(UnknownReason::Stale));
    }
}
