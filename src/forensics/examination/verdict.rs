//! The verdict: everything that a report shows, and its form in JSON.

use serde::{Deserialize, Serialize};

use super::copies::CopyTest;
use super::level::LevelTests;
use super::measured::{DecoySummary, EffectSize, PValue};
use super::naming::Naming;

/// What was found out about a text, in a form that is written and read as JSON.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// The version of this form, [`Verdict::VERSION`].
    pub version: u32,
    /// The program that made it, with its version.
    pub program: String,
    /// The answer in one word.
    pub outcome: Outcome,
    /// The answer in one sentence.
    pub sentence: String,
    /// What must be said along with it.
    pub caveat: String,
    /// The deepest level at which something was found.
    pub reached: Option<Level>,
    /// Why no answer is given; empty unless the outcome is [`Outcome::Refused`].
    pub refusals: Vec<Refused>,
    /// Schemes of which nothing is said, for want of a control that could have shown something.
    #[serde(default)]
    pub unanswered: Vec<Unanswered>,
    /// Who or what is named has an adjusted p-value below this.
    pub accusation_level: f64,
    /// What was read, by scheme.
    pub materials: Vec<Material>,
    /// Tests of the deployment's keys: one for each scheme, tenant and epoch.
    pub deployments: Vec<DeploymentTest>,
    /// Tests of clusters.
    pub clusters: LevelTests,
    /// Tests of arms of experiments.
    #[serde(default)]
    pub arms: LevelTests,
    /// Tests of accounts.
    pub accounts: LevelTests,
    /// Tests that had to find nothing.
    pub controls: Vec<ControlTest>,
    /// What there was of what it takes to name somebody.
    #[serde(default)]
    pub naming: Naming,
    /// How it was done.
    pub method: Method,
}

impl Verdict {
    /// The version of the form.
    pub const VERSION: u32 = 1;

    /// Whether somebody is named, at any level.
    #[must_use]
    pub fn names_somebody(&self) -> bool {
        [&self.clusters, &self.arms, &self.accounts]
            .into_iter()
            .any(|level| !level.named.ids().is_empty())
    }

    /// Whether something may be said of a scheme.
    #[must_use]
    pub fn answers(&self, scheme: &str) -> bool {
        self.unanswered.iter().all(|unanswered| unanswered.scheme != scheme)
    }
}

/// The answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Outcome {
    /// The text was exposed to marked outputs.
    Exposed,
    /// That was not shown; which does not show that it was not.
    NotShown,
    /// No answer can be given.
    Refused,
}

/// A level of tests; each opens the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Level {
    /// Outputs of the deployment, whoever received them.
    Deployment,
    /// Outputs to whoever was in an arm of an experiment.
    Arm,
    /// Outputs to a cluster of linked accounts.
    Cluster,
    /// Outputs to one account.
    Account,
}

/// A reason why no answer is given.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Refused {
    /// Which kind of reason.
    pub by: RefusedBy,
    /// In words.
    pub reason: String,
}

/// The kinds of reasons for a refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum RefusedBy {
    /// A control found a mark where there is none.
    Control,
    /// There is no control that could have shown something.
    NoControl,
    /// The scores of decoys do not scatter as the law says, or they are too few to tell.
    Dispersion,
    /// Too large a share of the records could not be read.
    Unreadable,
    /// There is no site in the text.
    NoSites,
}

/// A scheme that is not answered, while others are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unanswered {
    /// Which.
    pub scheme: String,
    /// Why not, in words.
    pub reason: String,
}

/// What was read for one scheme.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Material {
    /// The scheme: `lexical`, or that of an inference server.
    pub scheme: String,
    /// What the counts depend on: the lexicon with its version, or the tokenizer.
    pub rules: String,
    /// The files.
    pub files: Vec<FileRead>,
    /// Distinct documents that were counted.
    pub documents: u64,
    /// Documents that repeat another.
    pub repeated: u64,
    /// Documents past the number that is remembered, counted without knowing whether they repeat
    /// another.
    pub unchecked: u64,
    /// Sites that were counted.
    pub sites: u64,
    /// Sites that were left out because their context occurs in a prompt.
    pub excluded: u64,
}

/// What became of one file.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FileRead {
    /// Its name as it was given.
    pub name: String,
    /// `jsonl`, `text` or `counts`; with ` gzip` or ` zstd` behind it where it was compressed.
    pub format: String,
    /// The SHA-256 of the file as it lies there, in hexadecimal digits.
    pub sha256: String,
    /// Bytes of text and structure, after decompression.
    pub bytes: u64,
    /// Records: lines of JSONL, documents of plain text.
    pub records: u64,
    /// Documents in them.
    pub documents: u64,
    /// Words in these, between white space; 0 where they were not counted.
    #[serde(default)]
    pub words: u64,
    /// Records that could not be read.
    pub skipped: u64,
    /// The first of these, with line and reason.
    pub problems: Vec<String>,
}

/// What was issued.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Issued {
    /// Answers.
    pub answers: u64,
    /// Marked sites in them.
    pub sites: u64,
}

/// The test of one deployment's key.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DeploymentTest {
    /// The scheme.
    pub scheme: String,
    /// The tenant; empty in a deployment of one.
    pub tenant: String,
    /// The epoch of the keys.
    pub epoch: u32,
    /// What was issued in it.
    pub issued: Issued,
    /// Sites that the test counts.
    pub sites: u64,
    /// Independent terms that they make: cells, or distinct sites.
    pub terms: u64,
    /// The score in standard deviations.
    pub standardized: f64,
    /// The p-value, or an upper bound of it.
    pub p: PValue,
    /// Whether `p` is exact and not a bound.
    pub exact: bool,
    /// `p`, adjusted for all schemes, tenants and epochs.
    pub p_adjusted: PValue,
    /// A wider bound that can be checked by hand, for signs of cells.
    pub p_hoeffding: Option<PValue>,
    /// The p-value with the suspect's own rates in place of those of the controls, which no choice
    /// of controls can move; none for a scheme whose scores do not rest on controls.
    #[serde(default)]
    pub p_without_controls: Option<PValue>,
    /// What decoy keys scored.
    pub decoys: DecoySummary,
    /// The share of its choices in which the text follows the key, beyond its habits.
    pub effect: Option<EffectSize>,
    /// The least share that this much text shows at the accusation level as often as not; none where even all
    /// choices would not do, or where it was not worked out.
    pub least_effect: Option<f64>,
    /// Whether the text holds answers as they were sent, in epochs with canaries.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub copies: Option<CopyTest>,
}

/// A test that must find nothing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ControlTest {
    /// Its name.
    pub name: String,
    /// Which kind of control.
    pub kind: ControlKind,
    /// The scheme.
    pub scheme: String,
    /// Its p-value, adjusted for the keys that it was tested for, and not for the number of
    /// controls.
    pub p: PValue,
    /// Whether it found something.
    pub rejected: bool,
    /// What was read, if the control is a text.
    pub material: Option<Material>,
}

/// The kinds of controls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ControlKind {
    /// A text that cannot be marked: of another model, or from before.
    Text,
    /// Ids that were never issued, as many as were.
    NeverIssued,
}

/// How a verdict was reached.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Method {
    /// The digest of the plan and of everybody in the roster, with keys and membership.
    pub plan_hash: String,
    /// Whether it was committed to before.
    pub committed: Option<Committed>,
    /// What will be examined, in the words of the plan.
    pub subject: String,
    /// The seed of the decoy keys and of the bootstrap, in hexadecimal digits.
    pub seed: String,
    /// The number of decoy keys.
    pub decoys: u32,
    /// The fingerprint of the key file.
    pub key_fingerprint: String,
    /// Lines of the ledger that the roster was made of.
    pub ledger_lines: u64,
    /// Those of them that are no entries, such as one that a crash left unfinished.
    pub ledger_lines_skipped: u64,
    /// The time after which entries of the ledger were not looked at, if one was given.
    #[serde(default)]
    pub ledger_until: Option<String>,
    /// How the numbers were reached, in sentences.
    pub notes: Vec<String>,
}

/// A commitment that was made before the text was seen, and that held.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Committed {
    /// The file it was read from.
    pub file: String,
    /// When it says that it was made.
    pub made: String,
}
