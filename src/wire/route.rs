//! Which path leads to which protocol.

use http::Method;

use super::Protocol;
use super::chat::Chat;
use super::messages::Messages;

/// What a request's method and path lead to.
#[derive(Clone, Copy, Debug)]
pub enum Route {
    /// An endpoint whose text the layer can read.
    Protocol(&'static dyn Protocol),
    /// An endpoint known to return no text of a model: model lists, token counts, embeddings.
    NoText,
    /// Anything else. It may return the same text by another way (stored responses, batches, other
    /// protocols on the same port), so graded callers follow the policy's `unknown_routes`.
    Unknown,
}

/// Classifies a request by method and path (no query). Only literal spellings are known: a path
/// that a lenient upstream would normalize (`//`, `%2F`, a trailing slash) is [`Route::Unknown`].
#[must_use]
pub fn route(method: &Method, path: &str) -> Route {
    // Azure, OpenRouter, Gemini and others put prefixes before the same endpoints.
    if method == Method::POST {
        let clean = !path.contains("//") && !path.contains('%') && !path.contains("..");
        if clean && path.ends_with("/chat/completions") {
            return Route::Protocol(&Chat);
        }
        if clean && path.ends_with("/v1/messages") {
            return Route::Protocol(&Messages);
        }
        return match path {
            "/v1/messages/count_tokens" | "/v1/embeddings" | "/v1/moderations" => Route::NoText,
            _ => Route::Unknown,
        };
    }
    let model_list = path == "/v1/models"
        || path.strip_prefix("/v1/models/").is_some_and(|model| !model.contains(['/', '%']));
    let probe = matches!(path, "/health" | "/healthz" | "/ping" | "/version" | "/");
    if matches!(*method, Method::GET | Method::HEAD) && (model_list || probe) {
        return Route::NoText;
    }
    if method == Method::OPTIONS { Route::NoText } else { Route::Unknown }
}

/// The protocol in which a request repeats a conversation, its answer being text or a count.
#[must_use]
pub fn conversation_protocol(method: &Method, path: &str) -> Option<&'static dyn Protocol> {
    match route(method, path) {
        Route::Protocol(protocol) => Some(protocol),
        Route::NoText if path == "/v1/messages/count_tokens" => Some(&Messages),
        Route::NoText | Route::Unknown => None,
    }
}

/// The protocol in whose shape a client of this path expects errors, the path being served or not.
#[must_use]
pub fn error_protocol(path: &str) -> &'static dyn Protocol {
    if path.contains("/v1/messages") { &Messages } else { &Chat }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(method: Method, path: &str) -> &'static str {
        match route(&method, path) {
            Route::Protocol(protocol) => protocol.name(),
            Route::NoText => "no text",
            Route::Unknown => "unknown",
        }
    }

    #[test]
    fn the_endpoints_are_known_with_their_vendors_prefixes() {
        assert_eq!(kind(Method::POST, "/v1/chat/completions"), "chat");
        assert_eq!(kind(Method::POST, "/chat/completions"), "chat");
        assert_eq!(kind(Method::POST, "/api/v1/chat/completions"), "chat");
        assert_eq!(kind(Method::POST, "/v1/messages"), "messages");
        assert_eq!(kind(Method::POST, "/v1/messages/count_tokens"), "no text");
        assert_eq!(kind(Method::GET, "/v1/models/gpt-5"), "no text");
    }

    #[test]
    fn ways_round_are_unknown() {
        for path in [
            "/v1//chat/completions",
            "/v1/chat%2Fcompletions",
            "/v1/chat/completions/",
            "/v1/responses",
            "/v1/completions",
            "/api/chat",
            "/generate",
            "/v1/messages/batches",
            "/v1/x/../chat/completions",
        ] {
            assert_eq!(kind(Method::POST, path), "unknown", "{path}");
        }
        assert_eq!(kind(Method::GET, "/v1/chat/completions/chatcmpl-1"), "unknown");
        assert_eq!(kind(Method::GET, "/v1/responses/resp_1"), "unknown");
    }
}
