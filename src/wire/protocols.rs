//! The codec of each protocol.

use super::chat::Chat;
use super::cohere::Cohere;
use super::completions::Completions;
use super::converse::Converse;
use super::gemini::Gemini;
use super::invoke::Invoke;
use super::llama_cpp::LlamaCpp;
use super::messages::Messages;
use super::ollama::Ollama;
use super::responses::Responses;
use super::tgi::Tgi;
use super::{Protocol, ProtocolId};

impl ProtocolId {
    /// What reads and writes its bodies.
    #[must_use]
    pub fn codec(self) -> &'static dyn Protocol {
        match self {
            Self::Chat => &Chat,
            Self::Messages => &Messages,
            Self::Responses => &Responses,
            Self::Completions => &Completions,
            Self::Ollama => &Ollama,
            Self::Gemini => &Gemini,
            Self::Converse => &Converse,
            Self::LlamaCpp => &LlamaCpp,
            Self::Tgi => &Tgi,
            Self::Cohere => &Cohere,
            Self::Invoke => &Invoke,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_protocol_has_its_own_codec_and_endpoint() {
        for id in ProtocolId::ALL {
            assert_eq!(id.codec().id(), id);
            assert_eq!(serde_json::to_value(id).unwrap(), id.name());
            for endpoint in id.features().endpoints {
                let all = ProtocolId::ALL.into_iter().flat_map(|it| it.features().endpoints);
                let same = all.filter(|other| other.path == endpoint.path);
                assert_eq!(same.count(), 1, "{endpoint:?}");
                let named = if endpoint.names_model { "/model/m" } else { "" };
                assert_eq!(ProtocolId::of_path(&format!("{named}{}", endpoint.path)), Some(id));
            }
        }
    }
}
