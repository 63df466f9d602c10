//! Graded countermeasures against model distillation, in front of an inference server.
//!
//! [`layer::DefenseLayer`] adds them to any HTTP service; [`proxy`] is a reverse proxy built on it.
//! A detector upstream scores how suspicious a caller is ([`risk`]); a [`policy`] says what follows
//! from the score; callers below its first grade get the inner service's bytes, unread.
//!
//! # Order of layers
//!
//! From the outside in: whatever authenticates callers and asks the detector; compression;
//! `DefenseLayer`; whatever adds credentials for the upstream; the upstream's client.
//!
//! # What holds, whatever the policy
//!
//! - *Untouched*: an empty plan forwards the body unparsed.
//! - *Byte-exact*: with a plan, everything outside the edited spans is as it came.
//! - *Parity*: the same completion as a document and as a stream gives the same edited text.
//! - *Whole*: text that is held back leaves before any boundary.
//! - *No silent cut*: a failure inside a stream ends with the protocol's error event and an error.
//! - *Cancelled*: a client that leaves cancels the upstream.
//! - *Bounded*: every buffer has a cap and a named outcome at the cap.
//! - *Not spoofed*: clients' copies of risk headers are stripped; a bad signature is unknown risk.
//! - *Said truly*: the audit tells what was done, with counts, and never text.
//!
//! # Features
//!
//! - `proxy`: the server, the pooled client with TLS, metrics; with `experiments`.
//! - `teacher`: the embedded upstream, a model that solves word problems.
//! - `cli` (default): the `guilloche` command, with `proxy` and `schema`.
//! - `schema`: the JSON Schema of policy files.
//! - `forensics`: detection, evidence and tracing of marks; with `proxy`, asking a suspect model.
//! - `experiments`: experiment files, assignment and statistics for comparing policies on live traffic.
//! - `decompress`: reading audits, plain or compressed, on all cores, and what they tell ([`review`]).
//! - `tokenizers`: marks in the tokens of other people's models.

#![cfg_attr(docsrs, feature(doc_cfg))]

mod alarm;
pub mod audit;
pub mod countermeasure;
#[cfg(feature = "experiments")]
pub mod experiment;
#[cfg(feature = "forensics")]
pub mod forensics;
pub mod layer;
mod leading;
pub mod limit;
pub mod lines;
pub mod mark;
mod new_file;
#[cfg(feature = "decompress")]
mod page;
pub mod policy;
pub mod ready;
#[cfg(feature = "decompress")]
pub mod review;
pub mod risk;
pub mod secret;
mod shards;
#[cfg(feature = "experiments")]
pub mod stats;
pub mod wire;

#[cfg(all(feature = "proxy", feature = "forensics"))]
pub mod ask;
#[cfg(feature = "proxy")]
pub mod proxy;
#[cfg(feature = "teacher")]
pub mod teacher;
#[cfg(feature = "proxy")]
pub mod upstream;

#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod cli;

/// The library of times in [`risk::RiskSource`], [`audit::Record`] and [`policy::Policy`], of the
/// version that they use.
pub use jiff;

#[doc = include_str!("../README.md")]
#[cfg(doctest)]
#[derive(Debug)]
pub struct Readme;

#[doc = include_str!("../docs/embedding.md")]
#[cfg(doctest)]
#[derive(Debug)]
pub struct Embedding;
