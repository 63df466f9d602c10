//! Whose outputs a text was exposed to: every issued account and cluster, scored in one pass.
//!
//! Distillation averages: a student trained on the outputs of many accounts follows each one's
//! codeword a little. An account's score is the sum of the cells' weights with its own signs, so
//! its strength falls with the number of accounts that share the work. Accounts that the detector
//! has linked carry a shared key in the cells of the cluster role, whose strength does not fall;
//! for what they were issued before, the sum of the members' codewords is tested, whose strength
//! falls with the square root of their number.
//!
//! Levels are gated: the deployment, then clusters, then accounts, with Holm's adjustment in each;
//! nobody is found whose cluster, or deployment, is not. Arms of experiments are a level of their own
//! behind the deployment: they have keys in cells of their own, so that a text tells by which it was
//! fed. A finding needs an adjusted p-value
//! below [`ACCUSATION_LEVEL`] and a distance of [`CLEAR_GAP`] to the next p-value. What is said is
//! "consistent with outputs of": lawful republication has the same effect, and text can be written so that
//! it follows an account's key. An examination names by text that was asked for alone.
//!
//! [`Commitment`] fixes the plan and the roster before the text is seen.

mod commitment;
mod finding;
mod roster;
mod trace;

pub use commitment::{Commitment, Plan};
pub use finding::{ACCUSATION_LEVEL, CLEAR_GAP, Finding, Findings};
pub(in crate::forensics) use roster::is_deployments;
pub use roster::{Account, Arm, Cluster, Roster};
pub(in crate::forensics) use trace::Scoring;
pub use trace::{ClusterScore, Score, Trace};
