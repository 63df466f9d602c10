//! Which family of protocols a path belongs to: a label for metrics.

/// A family of endpoints, from the path alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Family {
    Chat,
    Completions,
    Messages,
    Responses,
    Ollama,
    Gemini,
    Converse,
    Invoke,
    Other,
}

impl Family {
    pub(super) fn of(path: &str) -> Self {
        if path.ends_with("/chat/completions") {
            Self::Chat
        } else if path.ends_with("/completions") {
            Self::Completions
        } else if path.contains("/v1/messages") {
            Self::Messages
        } else if path.ends_with("/responses") || path.contains("/v1/responses/") {
            Self::Responses
        } else if path == "/api/chat" || path == "/api/generate" {
            Self::Ollama
        } else if path.ends_with("enerateContent") {
            Self::Gemini
        } else if path.ends_with("/converse") || path.ends_with("/converse-stream") {
            Self::Converse
        } else if path.ends_with("/invoke") || path.ends_with("/invoke-with-response-stream") {
            Self::Invoke
        } else {
            Self::Other
        }
    }

    /// The value of the `protocol` label.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Chat => "chat",
            Self::Completions => "completions",
            Self::Messages => "messages",
            Self::Responses => "responses",
            Self::Ollama => "ollama",
            Self::Gemini => "gemini",
            Self::Converse => "converse",
            Self::Invoke => "invoke",
            Self::Other => "other",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_family_is_known_by_its_paths() {
        for (path, name) in [
            ("/v1/chat/completions", "chat"),
            ("/v1/completions", "completions"),
            ("/v1/messages", "messages"),
            ("/v1/messages/count_tokens", "messages"),
            ("/v1/responses", "responses"),
            ("/v1/responses/resp_1", "responses"),
            ("/api/chat", "ollama"),
            ("/v1beta/models/g:streamGenerateContent", "gemini"),
            ("/v1beta/models/g:generateContent", "gemini"),
            ("/model/m/converse", "converse"),
            ("/model/m/converse-stream", "converse"),
            ("/model/m/invoke-with-response-stream", "invoke"),
            ("/", "other"),
        ] {
            assert_eq!(Family::of(path).name(), name, "{path}");
        }
    }
}
