//! Model names: how able the model is, how it writes its reasoning, and the faults asked for.

/// How reasoning is put on the wire of Chat Completions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// `reasoning_content` (DeepSeek, SGLang, llama.cpp).
    ReasoningContent,
    /// `reasoning` (vLLM, Ollama).
    Reasoning,
    /// `<think>…</think>` inside the content.
    Think,
    /// Inside the content, with the opening tag in the prompt: only `</think>` appears.
    ThinkOpen,
    /// `reasoning` and `reasoning_details` with a signature (OpenRouter).
    Details,
    /// Content as parts of type `thinking` and `text` (Mistral).
    Mistral,
    /// No reasoning at all.
    Plain,
}

/// A failure to act out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    RateLimited,
    ServerError,
    Overloaded,
    MidStream,
    Cut,
    Gzip,
    Stall,
}

/// What a model name selects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Model {
    /// As requested; echoed in responses.
    pub(crate) name: String,
    pub(crate) small: bool,
    pub(crate) dialect: Dialect,
    pub(crate) fault: Option<Fault>,
}

const DIALECTS: &[(&str, Dialect)] = &[
    ("reasoning-content", Dialect::ReasoningContent),
    ("reasoning", Dialect::Reasoning),
    ("think", Dialect::Think),
    ("think-open", Dialect::ThinkOpen),
    ("details", Dialect::Details),
    ("mistral", Dialect::Mistral),
    ("plain", Dialect::Plain),
];
const FAULTS: &[(&str, Fault)] = &[
    ("429", Fault::RateLimited),
    ("500", Fault::ServerError),
    ("529", Fault::Overloaded),
    ("midstream", Fault::MidStream),
    ("cut", Fault::Cut),
    ("gzip", Fault::Gzip),
    ("stall", Fault::Stall),
];

impl Model {
    /// Reads a name; `None` when there is no such model.
    pub(crate) fn read(name: &str) -> Option<Self> {
        let (base, suffix) = name.split_once(':').unwrap_or((name, "reasoning-content"));
        let dialect =
            DIALECTS.iter().find(|(key, _)| *key == suffix).map(|(_, dialect)| *dialect)?;
        let (small, fault) = match base {
            "teacher-large" => (false, None),
            "teacher-small" => (true, None),
            _ => {
                let kind = base.strip_prefix("teacher-error-")?;
                (false, Some(FAULTS.iter().find(|(key, _)| *key == kind).map(|(_, fault)| *fault)?))
            }
        };
        Some(Self { name: name.to_owned(), small, dialect, fault })
    }

    /// What the wording depends on: the same in every dialect.
    pub(crate) fn size(&self) -> &'static str {
        if self.small { "small" } else { "large" }
    }

    /// Every name that is served, faults aside.
    pub(crate) fn names() -> Vec<String> {
        let mut names = Vec::new();
        for base in ["teacher-large", "teacher-small"] {
            names.push(base.to_owned());
            names.extend(DIALECTS.iter().skip(1).map(|(suffix, _)| format!("{base}:{suffix}")));
        }
        names
    }
}
