//! Questions to a suspect model, and its answers in a file.
//!
//! The model is asked through an OpenAI-compatible `/v1/chat/completions`. Every answer is appended
//! to a file of JSON lines as soon as it is there, so that a run that was stopped goes on where it
//! stopped and asks nothing again that was answered. What may be spent is bounded: the most that a
//! request can cost is set aside before it is sent, and written down, so that a run that was killed
//! has not forgotten what was under way; what it did cost takes its place when the endpoint says.
//!
//! The endpoint is the suspect's: what it sends is bounded, and nothing in it is followed.

mod backoff;
mod endpoint;
mod journal;
mod prompt;
mod run;
mod spending;

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use http::Uri;
use zeroize::Zeroizing;

pub use endpoint::Failure;
pub use prompt::{MAX_PROMPT_BYTES, Prompt, PromptsError, PromptsProblem, read_prompts};
pub use run::{Ended, Progress, Report, ask};
pub use spending::{Cap, Prices, Tokens};

use crate::upstream::TlsError;

/// What to ask, whom, and how.
#[derive(Clone)]
pub struct Settings {
    /// The endpoint: `https://host`, `https://host/v1` or the whole address.
    pub url: Uri,
    /// Certificates to trust besides those of the system.
    pub ca_file: Option<PathBuf>,
    /// The model to ask for.
    pub model: String,
    /// What goes behind `Bearer`. Never shown.
    pub api_key: Option<Zeroizing<String>>,
    /// 1 unless there is a reason: at 0 a student shows one answer to a question and no habits.
    pub temperature: f64,
    /// Tokens that an answer may have.
    pub max_tokens: u32,
    /// Requests at one time, at least 1.
    pub concurrency: usize,
    /// What may be spent in all, what earlier runs into the same file spent included.
    pub cap: Cap,
    /// How often a prompt is sent before it is given up, at least 1.
    pub attempts: u32,
    /// The wait before the second attempt; it doubles with each further one.
    pub backoff: Duration,
    /// How long one answer may take.
    pub timeout: Duration,
    /// Where answers are appended. What was spent stands beside it, in a file with `.spending`
    /// behind the name.
    pub answers: PathBuf,
}

impl std::fmt::Debug for Settings {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // An address may have a password in it.
        let Self { url: _, model, api_key: _, answers, .. } = self;
        formatter
            .debug_struct("Settings")
            .field("model", model)
            .field("answers", answers)
            .finish_non_exhaustive()
    }
}

/// Nothing more can be asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AskError {
    /// The address cannot be used.
    #[error("{0} is no http or https address")]
    Address(Uri),
    /// The API key cannot be sent.
    #[error("the API key has characters that cannot stand in a header")]
    ApiKey,
    /// Certificates cannot be read.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The file of answers, or that of what was spent, cannot be read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The endpoint does not let us in, or is no such endpoint.
    #[error("the endpoint refuses: {0}")]
    Refused(Failure),
    /// It has answered none of the first prompts.
    #[error("the endpoint answered none of {prompts} prompts; the last time: {last}")]
    NoAnswers {
        /// How many were given up.
        prompts: u64,
        /// Why the last one was.
        last: Failure,
    },
}
