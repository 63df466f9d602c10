//! A commitment to how a text will be examined, made before it is seen.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::roster::Roster;

/// The context of BLAKE3's key derivation. Another value is another form of commitments.
const CONTEXT: &str = "guilloche 2026-11-26 forensic commitment v2";

/// How a text will be examined.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// The scheme, with the version of lexicon or tokenizer.
    pub rules: String,
    /// The seed of the decoy keys; 64 hexadecimal digits in a file.
    #[serde(with = "hexadecimal")]
    pub decoy_seed: [u8; 32],
    /// Their number.
    pub decoys: u32,
    /// What will be examined, in words.
    pub material: String,
    /// Where the text of a record stands, if that was said.
    pub field: Option<String>,
    /// Digests of the files of prompts whose contexts are left out.
    pub prompts: Vec<String>,
    /// The controls that must find nothing.
    pub controls: Vec<String>,
    /// Of controls whose files are there already, `NAME: sha256 DIGITS` for each file, in order.
    #[serde(default)]
    pub control_files: Vec<String>,
}

/// The digest of a plan, and of everybody in the rosters with their keys and membership: published
/// before the text is seen, it shows later that neither was chosen to fit.
///
/// It gives nothing away: every key has 256 secret bits.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Commitment(blake3::Hash);

impl Commitment {
    /// Commits to a plan and to rosters in this order: one for each tenant and epoch.
    #[must_use]
    pub fn new<'r>(plan: &Plan, rosters: impl IntoIterator<Item = &'r Roster>) -> Self {
        let mut hasher = blake3::Hasher::new_derive_key(CONTEXT);
        let Plan {
            rules,
            decoy_seed,
            decoys,
            material,
            field: path,
            prompts,
            controls,
            control_files,
        } = plan;
        field(&mut hasher, rules.as_bytes());
        field(&mut hasher, decoy_seed);
        field(&mut hasher, &decoys.to_le_bytes());
        field(&mut hasher, material.as_bytes());
        fields(&mut hasher, path.as_slice());
        fields(&mut hasher, prompts);
        fields(&mut hasher, controls);
        fields(&mut hasher, control_files);
        for roster in rosters {
            Self::enter(&mut hasher, roster);
        }
        Self(hasher.finalize())
    }

    fn enter(hasher: &mut blake3::Hasher, roster: &Roster) {
        // Of a commitment membership is always fixed.
        let Roster { global, accounts, clusters, arms, mostly_in_arms, membership_fixed: _ } =
            roster;
        field(hasher, global.as_bytes());
        field(hasher, &(clusters.len() as u64).to_le_bytes());
        for cluster in clusters {
            field(hasher, cluster.name.as_bytes());
            field(hasher, cluster.key.as_bytes());
        }
        field(hasher, &(accounts.len() as u64).to_le_bytes());
        for account in accounts {
            field(hasher, account.name.as_bytes());
            field(hasher, account.key.as_bytes());
            let cluster = account.cluster.map_or(u64::MAX, |cluster| cluster as u64);
            field(hasher, &cluster.to_le_bytes());
            field(hasher, &[u8::from(account.marked_alone)]);
        }
        // Where there are none, it is the commitment that it was before there were any.
        if !arms.is_empty() {
            field(hasher, &(arms.len() as u64).to_le_bytes());
            field(hasher, &[u8::from(*mostly_in_arms)]);
        }
        for arm in arms {
            field(hasher, arm.name.as_bytes());
            field(hasher, arm.key.as_bytes());
        }
    }

    /// Whether this commits to that plan and those rosters.
    #[must_use]
    pub fn holds<'r>(&self, plan: &Plan, rosters: impl IntoIterator<Item = &'r Roster>) -> bool {
        *self == Self::new(plan, rosters)
    }
}

/// A field with its length, so that no two lists of fields are the same bytes.
fn field(hasher: &mut blake3::Hasher, bytes: &[u8]) {
    hasher.update(&(bytes.len() as u64).to_le_bytes());
    hasher.update(bytes);
}

/// A list of fields with its length.
fn fields(hasher: &mut blake3::Hasher, list: &[String]) {
    hasher.update(&(list.len() as u64).to_le_bytes());
    for text in list {
        field(hasher, text.as_bytes());
    }
}

/// Bytes as hexadecimal digits, for people.
mod hexadecimal {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(
        bytes: &[u8; 32],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&blake3::Hash::from_bytes(*bytes).to_hex())
    }

    pub(super) fn deserialize<'d, D: Deserializer<'d>>(
        deserializer: D,
    ) -> Result<[u8; 32], D::Error> {
        let digits = String::deserialize(deserializer)?;
        let bytes = blake3::Hash::from_hex(digits).map_err(D::Error::custom)?;
        Ok(*bytes.as_bytes())
    }
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
