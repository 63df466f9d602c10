//! Which paths the servers of each kind have beside the endpoints of their protocols.

use http::Method;

use super::super::{ProtocolId, ServerKind};
use super::known::{KnownRoute, POST, Verdict, WayRound};

mod servers;
mod vendors;

use ProtocolId::{
    Chat, Cohere, Completions, Converse, Gemini, Invoke, LlamaCpp, Messages, Ollama, Responses, Tgi,
};
use servers::{LLAMA_CPP, OLLAMA, SGLANG, TGI, VLLM};
use vendors::{ANTHROPIC, BEDROCK, COMMON, GOOGLE, LISTS, MISTRAL, OPENAI, OTHERS, RESPONSES};

type Table = &'static [KnownRoute];

static GET: [Method; 1] = [Method::GET];
static GET_HEAD: [Method; 2] = [Method::GET, Method::HEAD];
static GET_POST: [Method; 2] = [Method::GET, Method::POST];
static GET_DELETE: [Method; 2] = [Method::GET, Method::DELETE];
static ANY: [Method; 3] = [Method::GET, Method::POST, Method::DELETE];
static POST_PUT: [Method; 2] = [Method::POST, Method::PUT];

const fn open(path: &'static str) -> KnownRoute {
    KnownRoute { methods: &GET_HEAD, front: "", path, whole: true, verdict: Verdict::Open }
}

/// What vendors have behind their prefixes, too.
const fn models(path: &'static str) -> KnownRoute {
    KnownRoute { methods: &GET_HEAD, front: "", path, whole: false, verdict: Verdict::Open }
}

const fn no_text(path: &'static str) -> KnownRoute {
    KnownRoute { methods: &POST, front: "", path, whole: false, verdict: Verdict::NoText }
}

const fn stored(
    methods: &'static [Method],
    path: &'static str,
    protocol: ProtocolId,
) -> KnownRoute {
    KnownRoute { methods, front: "", path, whole: false, verdict: Verdict::Stored(protocol) }
}

const fn refused(methods: &'static [Method], path: &'static str, way: WayRound) -> KnownRoute {
    KnownRoute { methods, front: "", path, whole: false, verdict: Verdict::Refused(way) }
}

impl ServerKind {
    /// The protocols that servers of this kind speak.
    #[must_use]
    pub fn speaks(self) -> &'static [ProtocolId] {
        match self {
            Self::Custom => &ProtocolId::ALL,
            Self::OpenAi => &[Chat, Responses, Completions],
            Self::Anthropic => &[Messages, Chat],
            Self::Mistral => &[Chat, Completions],
            Self::Vllm => &[Chat, Responses, Messages, Completions, Cohere],
            Self::LlamaCpp => &[Chat, Responses, Messages, Completions, LlamaCpp],
            Self::Sglang => &[Chat, Responses, Messages, Completions, Ollama, Tgi],
            Self::Ollama => &[Chat, Responses, Messages, Completions, Ollama],
            Self::Tgi => &[Chat, Completions, Tgi],
            Self::Gemini => &[Gemini, Messages, Chat],
            Self::Bedrock => &[Converse, Invoke, Messages, Chat, Responses],
        }
    }

    /// What they have beside.
    pub(super) fn tables(self) -> &'static [Table] {
        match self {
            Self::Custom => &[
                COMMON, LISTS, RESPONSES, OPENAI, ANTHROPIC, MISTRAL, GOOGLE, BEDROCK, VLLM,
                SGLANG, LLAMA_CPP, OLLAMA, TGI, OTHERS,
            ],
            Self::OpenAi => &[COMMON, LISTS, RESPONSES, OPENAI],
            Self::Anthropic => &[COMMON, LISTS, ANTHROPIC],
            Self::Mistral => &[COMMON, LISTS, MISTRAL],
            Self::Vllm => &[COMMON, LISTS, RESPONSES, VLLM],
            Self::Sglang => &[COMMON, LISTS, RESPONSES, SGLANG],
            Self::LlamaCpp => &[COMMON, LISTS, RESPONSES, LLAMA_CPP],
            Self::Ollama => &[COMMON, LISTS, OLLAMA],
            Self::Tgi => &[COMMON, LISTS, TGI],
            Self::Gemini => &[COMMON, LISTS, GOOGLE],
            Self::Bedrock => &[COMMON, LISTS, BEDROCK, RESPONSES],
        }
    }
}
