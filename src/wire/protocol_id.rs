//! The protocols that are known, and what each does beside its JSON.
//!
//! One identity for all rooms: policies, audit records, metrics and the layer name a protocol by its
//! [`ProtocolId`]. What differs between protocols without being read out of their bodies stands in
//! one table, so that adding one is an entry here and a codec.

use std::cmp::Reverse;
use std::sync::LazyLock;

use http::HeaderName;
use serde::{Deserialize, Serialize};

use super::cohere::FEATURES as COHERE;
use super::completions::FEATURES as COMPLETIONS;
use super::converse::FEATURES as CONVERSE;
use super::framing::Framing;
use super::gemini::FEATURES as GEMINI;
use super::invoke::FEATURES as INVOKE;
use super::llama_cpp::FEATURES as LLAMA_CPP;
use super::model_segment;
use super::ollama::FEATURES as OLLAMA;
use super::responses::FEATURES as RESPONSES;
use super::tgi::FEATURES as TGI;

/// A protocol, by the name that policies, metrics and audit records use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "Protocol"))]
#[cfg_attr(feature = "schema", schemars(description = "A protocol by the name that policies use."))]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum ProtocolId {
    /// OpenAI Chat Completions.
    Chat,
    /// Anthropic Messages.
    Messages,
    /// OpenAI Responses.
    Responses,
    /// OpenAI's legacy Completions.
    Completions,
    /// Ollama's own protocol.
    Ollama,
    /// Google's Gemini.
    Gemini,
    /// Amazon Bedrock's Converse.
    Converse,
    /// The own protocol of llama.cpp's server.
    #[serde(rename = "llama_cpp")]
    LlamaCpp,
    /// The own protocol of Hugging Face's text-generation-inference.
    Tgi,
    /// Cohere's Chat.
    Cohere,
    /// Amazon Bedrock's InvokeModel, with bodies of Messages and Chat Completions.
    Invoke,
}

/// An endpoint whose text can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// How its paths end.
    pub path: &'static str,
    /// Whether its answers are streamed, where the path says so and not the body.
    pub streams: Option<bool>,
    /// Whether one segment before it, behind `/model/`, names the model, with what a segment has to escape.
    pub names_model: bool,
    /// The path is all of it: behind a prefix it is an endpoint of somebody else's.
    pub whole: bool,
}

impl Endpoint {
    /// One whose requests say in their bodies whether the answer is streamed.
    pub(super) const fn asked(path: &'static str) -> Self {
        Self { path, streams: None, names_model: false, whole: false }
    }

    /// One whose path says whether the answer is streamed.
    pub(super) const fn told(path: &'static str, streams: bool) -> Self {
        Self { streams: Some(streams), ..Self::asked(path) }
    }

    /// The same, if one segment before it names the model.
    pub(super) const fn of_one_segment(self) -> Self {
        Self { names_model: true, ..self }
    }

    /// The same without any prefix.
    pub(super) const fn whole(self) -> Self {
        Self { whole: true, ..self }
    }

    /// Whether a path has before its last `end` bytes what this one has.
    pub(super) fn is_behind(&self, path: &str, end: usize) -> bool {
        (!self.names_model || model_segment::stands_before(path, end))
            && (!self.whole || path.len() == end)
    }

    /// Whether a path leads to it.
    fn is_at(&self, path: &str) -> bool {
        path.ends_with(self.path) && self.is_behind(path, self.path.len())
    }
}

/// What a protocol does beside its JSON.
#[derive(Debug)]
pub struct Features {
    /// The name in policies, metrics and audit records.
    pub name: &'static str,
    /// The endpoints whose text can be read.
    pub endpoints: &'static [Endpoint],
    /// How paths end that count what a request holds without answering it.
    pub count_endpoints: &'static [&'static str],
    /// The response field that the vendor's libraries show as the id of the request.
    pub request_id: HeaderName,
    /// The framings in which answers are streamed.
    pub streams: &'static [Framing],
    /// The names that events have.
    pub event_names: &'static [&'static str],
    /// Whether a text of a stream ends before it is said why the answer does.
    pub ends_texts_alone: bool,
    /// Whether answers are kept, and can be asked for by their ids below the first endpoint.
    pub stores: bool,
    /// Whether reasoning comes signed, so that it can be passed on whole or sealed, not shortened.
    pub signs_reasoning: bool,
    /// The parameters of the query that open no way round, in lower case, where others may change what an
    /// answer says.
    pub parameters: Option<&'static [&'static str]>,
    /// Whether places of a text that is cited are counted in bytes, not in characters.
    pub cites_bytes: bool,
    /// Where sealed reasoning goes out that clients send back.
    pub carries_sealed: CarriesSealed,
}

/// Where sealed reasoning goes out over a protocol, for its clients to send back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CarriesSealed {
    /// In a place that the protocol has for it.
    InOwnPlace,
    /// The same where its server signs or encrypts it, else in the place of a string if a policy says so.
    WhereSigned,
    /// In the place of a string, if a policy says so.
    InStrings,
    /// Nowhere: no member comes back that could hold it.
    Nowhere,
}

static CHAT: Features = Features {
    name: "chat",
    // Those of Mistral's agents end like another protocol's.
    endpoints: &[Endpoint::asked("/chat/completions"), Endpoint::asked("/agents/completions")],
    count_endpoints: &[],
    request_id: HeaderName::from_static("x-request-id"),
    streams: &[Framing::Sse],
    event_names: &["message", "error", "ping", "done", "chat.completion.chunk", "message_stop"],
    ends_texts_alone: false,
    stores: false,
    signs_reasoning: false,
    parameters: None,
    cites_bytes: false,
    carries_sealed: CarriesSealed::WhereSigned,
};

static MESSAGES: Features = Features {
    name: "messages",
    endpoints: &[
        Endpoint::asked("/v1/messages"),
        // Vertex's, of Anthropic's models.
        Endpoint::asked(":rawPredict"),
        Endpoint::asked(":streamRawPredict"),
    ],
    count_endpoints: &["/v1/messages/count_tokens", "/count-tokens:rawPredict"],
    request_id: HeaderName::from_static("request-id"),
    streams: &[Framing::Sse],
    event_names: &[
        "message_start",
        "content_block_start",
        "content_block_delta",
        "content_block_stop",
        "message_delta",
        "message_stop",
        "message",
        "done",
        "ping",
        "error",
    ],
    ends_texts_alone: true,
    stores: false,
    signs_reasoning: true,
    parameters: None,
    cites_bytes: false,
    carries_sealed: CarriesSealed::InOwnPlace,
};

impl ProtocolId {
    /// Every protocol.
    pub const ALL: [Self; 11] = [
        Self::Chat,
        Self::Messages,
        Self::Responses,
        Self::Completions,
        Self::Ollama,
        Self::Gemini,
        Self::Converse,
        Self::LlamaCpp,
        Self::Tgi,
        Self::Cohere,
        Self::Invoke,
    ];

    /// What it does beside its JSON.
    #[must_use]
    pub const fn features(self) -> &'static Features {
        match self {
            Self::Chat => &CHAT,
            Self::Messages => &MESSAGES,
            Self::Responses => &RESPONSES,
            Self::Completions => &COMPLETIONS,
            Self::Ollama => &OLLAMA,
            Self::Gemini => &GEMINI,
            Self::Converse => &CONVERSE,
            Self::LlamaCpp => &LLAMA_CPP,
            Self::Tgi => &TGI,
            Self::Cohere => &COHERE,
            Self::Invoke => &INVOKE,
        }
    }

    /// The one whose endpoint a path leads to.
    #[must_use]
    pub fn of_path(path: &str) -> Option<Self> {
        Self::endpoint(path).map(|(_, id)| id)
    }

    /// The endpoint that a path leads to, the longest where one ends like another, and whose it is.
    pub(super) fn endpoint(path: &str) -> Option<(&'static Endpoint, Self)> {
        // Every request asks this, more than once; most endpoints are told apart by their last byte.
        static BY_LAST_BYTE: LazyLock<Vec<(u8, &Endpoint, ProtocolId)>> = LazyLock::new(|| {
            let last =
                |(it, id): (&'static Endpoint, _)| Some((*it.path.as_bytes().last()?, it, id));
            let mut endpoints: Vec<_> = ProtocolId::endpoints().filter_map(last).collect();
            // Of those that end alike, the longest is found first.
            endpoints.reverse();
            endpoints.sort_by_key(|(last, it, _)| (*last, Reverse(it.path.len())));
            endpoints
        });
        let last = *path.as_bytes().last()?;
        let first = BY_LAST_BYTE.partition_point(|(it, ..)| *it < last);
        let mut ending = BY_LAST_BYTE.iter().skip(first).take_while(|(it, ..)| *it == last);
        ending.find(|(_, it, _)| it.is_at(path)).map(|(_, it, id)| (*it, *id))
    }

    /// The endpoints of all of them.
    fn endpoints() -> impl Iterator<Item = (&'static Endpoint, Self)> {
        Self::ALL.into_iter().flat_map(|id| id.features().endpoints.iter().map(move |it| (it, id)))
    }

    /// The same to a server that does not mind the letter case of a path.
    pub(super) fn of_path_in_any_case(path: &str) -> Option<Self> {
        let leading = Self::endpoints().filter(|(endpoint, _)| {
            let length = endpoint.path.len();
            let end = path.len().checked_sub(length).and_then(|at| path.get(at..));
            let same = end.is_some_and(|end| end.eq_ignore_ascii_case(endpoint.path));
            same && endpoint.is_behind(path, length)
        });
        leading.max_by_key(|(it, _)| it.path.len()).map(|(_, id)| id)
    }

    /// The name in policies, metrics and audit records.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.features().name
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Break it: take the first that ends a path, not the longest.
    #[test]
    fn the_longest_endpoint_that_ends_a_path_is_found() {
        let behind = ["", "x", "/", "/model/m", "/v1", "/api", "/v1beta/models/m"];
        for (endpoint, _) in ProtocolId::endpoints() {
            for path in behind.map(|front| format!("{front}{}", endpoint.path)) {
                let all = ProtocolId::endpoints().filter(|(it, _)| it.is_at(&path));
                let longest = all.max_by_key(|(it, _)| it.path.len());
                assert_eq!(ProtocolId::endpoint(&path), longest, "{path}");
            }
        }
    }
}
