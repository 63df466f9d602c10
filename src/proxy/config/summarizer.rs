//! `[summarizer]`: who condenses reasoning for policies that say `keep = "summary"`.

use std::num::{NonZeroU32, NonZeroUsize};
use std::path::PathBuf;

use http::{HeaderValue, Uri};

use super::reader::Reader;
use super::secret::credential;
use super::setting::{BaseUrl, Text};
use crate::countermeasure::summary::SummaryRules;
use crate::layer::SummaryLimits;
use crate::wire::ServerKind;

/// An OpenAI-compatible endpoint, and how it is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summarizer {
    /// Its address: `https://host`, `https://host/v1` or the whole one.
    pub url: Uri,
    /// Certificates to trust besides those of the system.
    pub ca_file: Option<PathBuf>,
    /// The model that is asked.
    pub model: String,
    /// `authorization` of the requests.
    pub authorization: Option<HeaderValue>,
    /// The most tokens that are asked for.
    pub max_tokens: NonZeroU32,
    /// How long is waited, for how many at one time, and how long texts may be.
    pub limits: SummaryLimits,
}

impl Summarizer {
    /// Which inference server it is, as far as its host says.
    pub(in crate::proxy) fn kind(&self) -> ServerKind {
        self.url.host().and_then(ServerKind::of_host).unwrap_or_default()
    }
}

pub(super) fn read(reader: &mut Reader<'_>) -> Option<Summarizer> {
    const SECTION: &str = "summarizer";
    let default = SummaryLimits::default();
    let url = reader.optional(SECTION, "url").map(|BaseUrl(url)| url);
    let model = reader.optional(SECTION, "model").map(|Text(model)| model);
    let ca_file = reader.path(SECTION, "ca_file");
    let authorization = credential(reader, SECTION, "key", "key_file");
    let deadline = reader.or(SECTION, "deadline", default.deadline);
    let max_tokens = reader.or(SECTION, "max_tokens", NonZeroU32::MIN.saturating_add(299));
    let mut count = |field, default: usize| {
        let default = NonZeroUsize::new(default).unwrap_or(NonZeroUsize::MIN);
        reader.or(SECTION, field, default).get()
    };
    let limits = SummaryLimits {
        deadline,
        concurrency: count("concurrency", default.concurrency),
        rules: SummaryRules {
            max_characters: count("max_characters", default.rules.max_characters),
            max_reasoning: count("max_reasoning", default.rules.max_reasoning),
        },
    };
    let url = url?;
    let Some(model) = model else {
        let message = "is required with summarizer.url: the model that is asked".to_owned();
        reader.wrong(SECTION, "model", message);
        return None;
    };
    Some(Summarizer { url, ca_file, model, authorization, max_tokens, limits })
}
