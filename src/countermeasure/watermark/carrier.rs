//! By what a response carries its mark.

use serde::{Deserialize, Serialize};

/// What puts the mark into a response. A response has one at most: an edit of a text that was
/// marked while it was generated would ruin the mark of the tokens around it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Carrier {
    /// SGLang's own mark, with a key of the account or cluster in each request.
    Sglang,
    /// vLLM's own mark, with the one key that its engine was started with.
    Vllm,
    /// A green-list mark of a vLLM plugin, with a key of the account or cluster in `vllm_xargs`.
    VllmXargs,
    /// Paired spellings and synonyms, one of which `logit_bias` favours.
    LogitBias,
    /// Words exchanged in the text of the response.
    Lexical,
}

impl Carrier {
    /// Every carrier.
    pub const ALL: [Self; 5] =
        [Self::Sglang, Self::Vllm, Self::VllmXargs, Self::LogitBias, Self::Lexical];

    /// The name in configuration, metrics and audit records.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Sglang => "sglang",
            Self::Vllm => "vllm",
            Self::VllmXargs => "vllm_xargs",
            Self::LogitBias => "logit_bias",
            Self::Lexical => "lexical",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_carrier_is_written_by_its_name() {
        for carrier in Carrier::ALL {
            assert_eq!(serde_json::to_value(carrier).unwrap(), carrier.name());
        }
    }
}
