//! Trying out whether the upstream knows the carriers of marks.
//!
//! Servers ignore members that they do not know without a word, and an answer that was meant to be
//! marked would go out unmarked. So before a carrier is relied on the upstream is sent a few short
//! requests that tell. Until then, and if they tell that it is ignored, the next carrier is taken.
//! An upstream that cannot be asked yet is asked again later, ever less often.

mod conversation;
mod state;
#[cfg(test)]
mod tests;
mod trial;

use std::time::Duration;

use http::HeaderValue;
use tokio::time::sleep;

use crate::countermeasure::watermark::{Carrier, CarrierSetting, Carriers, Proof};

use crate::upstream::Upstream;
use conversation::Conversation;
pub(super) use state::CarrierState;
use trial::Verdict;

/// The pause before the first repetition.
const FIRST_PAUSE: Duration = Duration::from_secs(1);

/// The longest pause between repetitions.
const LONGEST_PAUSE: Duration = Duration::from_secs(300);

/// A carrier was not seen to work, and the configuration requires it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("marks.probe is required, and the carrier {} does not work: {reason}", carrier.name())]
pub struct Unproven {
    /// The carrier.
    pub carrier: Carrier,
    /// What was seen.
    pub reason: String,
}

/// Tries carriers out.
#[derive(Debug)]
pub(super) struct Prober {
    conversation: Conversation,
    carriers: Carriers,
}

impl Prober {
    /// What tries `carriers` out at this upstream, with this `authorization`; `None` if there is nothing to try. From now on
    /// none of them is relied on before it has been seen to work.
    pub(super) fn new(
        upstream: Upstream,
        credential: Option<HeaderValue>,
        carriers: &Carriers,
    ) -> Option<Self> {
        let tried = carriers.order().iter().map(CarrierSetting::carrier).filter(needs_trial);
        let mut any = false;
        for carrier in tried {
            carriers.proofs().set(carrier, Proof::Open);
            any = true;
        }
        let conversation = Conversation::new(upstream, credential);
        any.then(|| Self { conversation, carriers: carriers.clone() })
    }

    /// Tries every carrier until each is known to work or not.
    pub(super) async fn run(mut self) {
        let mut pause = FIRST_PAUSE;
        let mut told = false;
        while let Some((carrier, reason)) = self.open().await {
            if !told {
                tracing::warn!(
                    carrier = carrier.name(),
                    reason,
                    "cannot try the carrier yet, the next one marks meanwhile"
                );
                told = true;
            }
            sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Tries every carrier once.
    ///
    /// # Errors
    /// The first that does not work or cannot be tried.
    pub(super) async fn require(mut self) -> Result<(), Unproven> {
        for setting in self.carriers.order().to_vec() {
            let carrier = setting.carrier();
            if needs_trial(&carrier) {
                match self.attempt(&setting).await {
                    Verdict::Works => {}
                    Verdict::Fails(reason) | Verdict::Open(reason) => {
                        return Err(Unproven { carrier, reason });
                    }
                }
            }
        }
        Ok(())
    }

    /// Tries every carrier of which nothing is known. Returns one that could not be tried, and why.
    async fn open(&mut self) -> Option<(Carrier, String)> {
        let mut open = None;
        for setting in self.carriers.order().to_vec() {
            let carrier = setting.carrier();
            if self.carriers.proofs().get(carrier) == Proof::Open {
                if let Verdict::Open(reason) = self.attempt(&setting).await {
                    open = Some((carrier, reason));
                }
            }
        }
        open
    }

    async fn attempt(&mut self, setting: &CarrierSetting) -> Verdict {
        let carrier = setting.carrier();
        let verdict = trial::of(setting, &mut self.conversation).await;
        let proof = match &verdict {
            Verdict::Works => {
                tracing::info!(carrier = carrier.name(), "the upstream knows the carrier");
                Proof::Works
            }
            Verdict::Fails(reason) => {
                tracing::warn!(
                    carrier = carrier.name(),
                    reason,
                    "the carrier does not work at this upstream, the next one is taken"
                );
                Proof::Fails
            }
            Verdict::Open(_) => Proof::Open,
        };
        self.carriers.proofs().set(carrier, proof);
        verdict
    }
}

/// Whether it depends on the upstream that the carrier works.
fn needs_trial(carrier: &Carrier) -> bool {
    *carrier != Carrier::Lexical
}
