//! A commitment to how a text will be examined, made before it is seen.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::roster::Roster;

/// The context of BLAKE3's key derivation. Another value is another form of commitments.
const CONTEXT: &str = "guilloche 2026-11-23 forensic commitment v1";

/// How a text will be examined.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// The scheme, with the version of lexicon or tokenizer.
    pub rules: String,
    /// The seed of the decoy keys.
    pub decoy_seed: [u8; 32],
    /// Their number.
    pub decoys: u32,
    /// What will be examined, and with which prompts, in words or as digests.
    pub material: String,
    /// The controls that must find nothing.
    pub controls: Vec<String>,
}

/// The digest of a plan, and of everybody in a roster with their keys and membership: published
/// before the text is seen, it shows later that neither was chosen to fit.
///
/// It gives nothing away: every key has 256 secret bits.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Commitment(blake3::Hash);

impl Commitment {
    /// Commits to a plan and a roster.
    #[must_use]
    pub fn new(plan: &Plan, roster: &Roster) -> Self {
        let mut hasher = blake3::Hasher::new_derive_key(CONTEXT);
        let Plan { rules, decoy_seed, decoys, material, controls } = plan;
        field(&mut hasher, rules.as_bytes());
        field(&mut hasher, decoy_seed);
        field(&mut hasher, &decoys.to_le_bytes());
        field(&mut hasher, material.as_bytes());
        field(&mut hasher, &(controls.len() as u64).to_le_bytes());
        for control in controls {
            field(&mut hasher, control.as_bytes());
        }
        let Roster { global, accounts, clusters } = roster;
        field(&mut hasher, global.as_bytes());
        field(&mut hasher, &(clusters.len() as u64).to_le_bytes());
        for cluster in clusters {
            field(&mut hasher, cluster.name.as_bytes());
            field(&mut hasher, cluster.key.as_bytes());
        }
        field(&mut hasher, &(accounts.len() as u64).to_le_bytes());
        for account in accounts {
            field(&mut hasher, account.name.as_bytes());
            field(&mut hasher, account.key.as_bytes());
            let cluster = account.cluster.map_or(u64::MAX, |cluster| cluster as u64);
            field(&mut hasher, &cluster.to_le_bytes());
            field(&mut hasher, &[u8::from(account.marked_alone)]);
        }
        Self(hasher.finalize())
    }

    /// Whether this commits to that plan and that roster.
    #[must_use]
    pub fn holds(&self, plan: &Plan, roster: &Roster) -> bool {
        *self == Self::new(plan, roster)
    }
}

/// A field with its length, so that no two lists of fields are the same bytes.
fn field(hasher: &mut blake3::Hasher, bytes: &[u8]) {
    hasher.update(&(bytes.len() as u64).to_le_bytes());
    hasher.update(bytes);
}

impl fmt::Display for Commitment {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0.to_hex())
    }
}

impl fmt::Debug for Commitment {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Commitment({self})")
    }
}

impl From<Commitment> for String {
    fn from(commitment: Commitment) -> Self {
        commitment.to_string()
    }
}

impl TryFrom<String> for Commitment {
    type Error = blake3::HexError;

    fn try_from(text: String) -> Result<Self, blake3::HexError> {
        blake3::Hash::from_hex(text).map(Self)
    }
}
