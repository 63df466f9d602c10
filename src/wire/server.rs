//! Which inference server is behind, as far as requests to it differ.
//!
//! Servers that speak one protocol do not all take the same members: some refuse what others need.
//! What is inserted into a request, and never what is taken out, depends on this.

use super::SettingPlace;

/// A kind of inference server, by the name that a configuration gives it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ServerKind {
    /// Not known, or a gateway: what most servers take.
    #[default]
    Custom,
    /// `OpenAI`, and Azure in its place.
    OpenAi,
    /// Anthropic.
    Anthropic,
    /// Mistral's own API.
    Mistral,
    /// vLLM.
    Vllm,
    /// SGLang.
    Sglang,
    /// llama.cpp's server.
    LlamaCpp,
    /// Ollama.
    Ollama,
    /// Hugging Face's text-generation-inference.
    Tgi,
    /// Google's Gemini, and Vertex AI.
    Gemini,
    /// Amazon Bedrock.
    Bedrock,
}

const MAX_TOKENS: &str = "max_tokens";
const MAX_COMPLETION_TOKENS: &str = "max_completion_tokens";

impl ServerKind {
    /// Every kind.
    pub const ALL: [Self; 11] = [
        Self::Custom,
        Self::OpenAi,
        Self::Anthropic,
        Self::Mistral,
        Self::Vllm,
        Self::Sglang,
        Self::LlamaCpp,
        Self::Ollama,
        Self::Tgi,
        Self::Gemini,
        Self::Bedrock,
    ];

    /// The name in configurations.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Custom => "custom",
            Self::OpenAi => "openai",
            Self::Anthropic => "anthropic",
            Self::Mistral => "mistral",
            Self::Vllm => "vllm",
            Self::Sglang => "sglang",
            Self::LlamaCpp => "llama_cpp",
            Self::Ollama => "ollama",
            Self::Tgi => "tgi",
            Self::Gemini => "gemini",
            Self::Bedrock => "bedrock",
        }
    }

    /// The kind of that name, if there is one.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// The kind that a host name gives away: a vendor's own.
    #[must_use]
    pub fn of_host(host: &str) -> Option<Self> {
        let is = |domain: &str| {
            let rest =
                host.len().checked_sub(domain.len()).and_then(|at| host.split_at_checked(at));
            rest.is_some_and(|(front, end)| {
                end.eq_ignore_ascii_case(domain) && (front.is_empty() || front.ends_with('.'))
            })
        };
        let known = [
            ("openai.com", Self::OpenAi),
            ("openai.azure.com", Self::OpenAi),
            ("anthropic.com", Self::Anthropic),
            ("mistral.ai", Self::Mistral),
            ("generativelanguage.googleapis.com", Self::Gemini),
            ("aiplatform.googleapis.com", Self::Gemini),
        ];
        let amazon = || {
            let host = host.to_ascii_lowercase();
            let amazon =
                [".amazonaws.com", ".amazonaws.com.cn"].iter().any(|it| host.ends_with(it));
            (host.starts_with("bedrock-runtime") && amazon).then_some(Self::Bedrock)
        };
        known.into_iter().find_map(|(domain, kind)| is(domain).then_some(kind)).or_else(amazon)
    }

    /// The member by which a chat completion's output is capped where the request caps none.
    ///
    /// All servers but one know the older name; Mistral's refuses the newer one with 422, and
    /// `OpenAI`'s reasoning models refuse the older.
    pub(super) fn cap_place(self) -> SettingPlace {
        SettingPlace::Member(self.cap_path())
    }

    fn cap_path(self) -> &'static [&'static str; 1] {
        match self {
            Self::OpenAi => &[MAX_COMPLETION_TOKENS],
            _ => &[MAX_TOKENS],
        }
    }

    /// The name of that member.
    #[cfg(feature = "proxy")]
    pub(crate) fn cap_name(self) -> &'static str {
        let [name] = self.cap_path();
        name
    }

    /// Whether the server acts on a member that caps output.
    pub(super) fn reads_cap(self, member: &str) -> bool {
        !matches!(self, Self::Tgi | Self::Mistral) || member == MAX_TOKENS
    }

    /// Whether `reasoning_effort` can be added to a chat completion that names none, whatever its
    /// model: vendors' own servers, and Ollama, refuse it for models that do not reason.
    pub(super) fn takes_effort(self) -> bool {
        match self {
            Self::OpenAi
            | Self::Anthropic
            | Self::Mistral
            | Self::Ollama
            | Self::Gemini
            | Self::Bedrock => false,
            Self::Custom | Self::Vllm | Self::Sglang | Self::LlamaCpp | Self::Tgi => true,
        }
    }

    /// Whether the server may read an object `reasoning`, as OpenRouter and gateways do.
    pub(super) fn reads_reasoning(self) -> bool {
        self == Self::Custom
    }

    /// Whether system messages may be moved to the front wherever they stand, so that the message
    /// before one is the last. Servers that render a template leave them where they are.
    pub(crate) fn hoists_system(self) -> bool {
        match self {
            Self::Custom | Self::Anthropic | Self::Mistral | Self::Gemini | Self::Bedrock => true,
            Self::OpenAi
            | Self::Vllm
            | Self::Sglang
            | Self::LlamaCpp
            | Self::Ollama
            | Self::Tgi => false,
        }
    }

    /// Whether the server's own tools may pause a turn, which the client resumes by sending back
    /// what there is of it. Other servers would take that for words put into the model's mouth.
    pub(crate) fn resumes_turns(self) -> bool {
        matches!(self, Self::Custom | Self::Anthropic | Self::Gemini)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_known_by_its_name() {
        for kind in ServerKind::ALL {
            assert_eq!(ServerKind::from_name(kind.name()), Some(kind));
        }
        assert_eq!(ServerKind::from_name("vLLM"), None);
    }

    #[test]
    fn a_vendor_is_known_by_its_host_and_nobody_else() {
        for (host, kind) in [
            ("api.openai.com", Some(ServerKind::OpenAi)),
            ("x.openai.azure.com", Some(ServerKind::OpenAi)),
            ("API.Anthropic.com", Some(ServerKind::Anthropic)),
            ("notopenai.com", None),
            ("openai.com.example", None),
            ("bedrock-runtime.us-east-1.amazonaws.com", Some(ServerKind::Bedrock)),
            ("bedrock-runtime.us-east-1.amazonaws.com.example", None),
            ("127.0.0.1", None),
        ] {
            assert_eq!(ServerKind::of_host(host), kind, "{host}");
        }
    }
}
