//! A plan that is written down before the text is seen, and held against what was done.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::roster::Issuance;
use crate::forensics::tracing::{Commitment, Plan};
use crate::mark::keys::Keys;

/// The file of a commitment. It holds no keys and names nobody: it can be published, or its digest
/// alone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CommittedPlan {
    /// The version of this form, 2.
    pub version: u32,
    /// The digest of the plan and of everybody in the rosters.
    pub commitment: Commitment,
    /// When it was made, by the clock of whoever made it.
    pub made: Timestamp,
    /// The plan.
    pub plan: Plan,
    /// The fingerprint of the key file.
    pub key_fingerprint: String,
    /// Lines of the ledger that there were: later ones are not looked at.
    pub ledger_lines: u64,
    /// Accounts in the rosters, once for each epoch.
    pub accounts: u64,
    /// Clusters in them.
    pub clusters: u64,
}

/// What was done is not what was committed to.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanMismatch {
    /// A file of another version.
    #[error("a commitment of version {0}, which this version does not read")]
    Version(u32),
    /// Another key file.
    #[error("it was made with the keys {0}")]
    Keys(String),
    /// Another part of the plan.
    #[error("its plan has {what} {planned}, this examination {done}")]
    Plan {
        /// Which part.
        what: &'static str,
        /// What was planned.
        planned: String,
        /// What was done.
        done: String,
    },
    /// The digest does not fit: the plan in the file was altered, or the ledger.
    #[error(
        "its digest does not fit: the file, or the first {0} lines of the ledger, were altered"
    )]
    Digest(u64),
}

impl CommittedPlan {
    /// Commits to a plan and rosters.
    #[must_use]
    pub fn new<'r>(
        plan: Plan,
        keys: &Keys,
        ledger_lines: u64,
        issuances: impl IntoIterator<Item = &'r Issuance> + Clone,
        made: Timestamp,
    ) -> Self {
        let count = |of: fn(&Issuance) -> usize| {
            issuances.clone().into_iter().map(of).sum::<usize>() as u64
        };
        Self {
            version: 2,
            commitment: plan_commitment(&plan, issuances.clone()),
            made,
            plan,
            key_fingerprint: keys.fingerprint(),
            ledger_lines,
            accounts: count(|issuance| issuance.roster.accounts.len()),
            clusters: count(|issuance| issuance.roster.clusters.len()),
        }
    }

    /// Whether an examination is the one that was committed to.
    ///
    /// # Errors
    ///
    /// What it does otherwise.
    pub fn check<'r>(
        &self,
        done: &Plan,
        keys: &Keys,
        issuances: impl IntoIterator<Item = &'r Issuance>,
    ) -> Result<(), PlanMismatch> {
        if self.version != 2 {
            return Err(PlanMismatch::Version(self.version));
        }
        if self.key_fingerprint != keys.fingerprint() {
            return Err(PlanMismatch::Keys(self.key_fingerprint.clone()));
        }
        let parts = |plan: &Plan| {
            let Plan {
                rules,
                decoy_seed,
                decoys,
                material,
                field,
                prompts,
                controls,
                control_files,
            } = plan;
            [
                ("the lexicon", rules.clone()),
                ("the seed", blake3::Hash::from_bytes(*decoy_seed).to_string()),
                ("the number of decoys", decoys.to_string()),
                ("the material", format!("{material:?}")),
                ("the field", format!("{:?}", field.as_deref().unwrap_or("the usual ones"))),
                ("the prompts", format!("{prompts:?}")),
                ("the controls", format!("{controls:?}")),
                ("the files of controls", format!("{control_files:?}")),
            ]
        };
        for ((what, planned), (_, done)) in parts(&self.plan).into_iter().zip(parts(done)) {
            if planned != done {
                return Err(PlanMismatch::Plan { what, planned, done });
            }
        }
        if plan_commitment(done, issuances) == self.commitment {
            Ok(())
        } else {
            Err(PlanMismatch::Digest(self.ledger_lines))
        }
    }
}

/// The digest of a plan with the rosters of these issuances.
#[must_use]
pub fn plan_commitment<'r>(
    plan: &Plan,
    issuances: impl IntoIterator<Item = &'r Issuance>,
) -> Commitment {
    Commitment::new(plan, issuances.into_iter().map(|issuance| &issuance.roster))
}
