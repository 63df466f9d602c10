//! Which path leads to which protocol.

use http::Method;

use super::model_segment::without_escapes;
use super::stored::stored;
use super::{Features, Protocol, ProtocolId};

/// What a request's method and path lead to.
#[derive(Clone, Copy, Debug)]
pub enum Route {
    /// An endpoint whose text the layer can read.
    Protocol(ProtocolId),
    /// An answer of that protocol that was given before, or what it was given to: it is asked for by its
    /// id, stopped or deleted.
    Stored(ProtocolId),
    /// An endpoint known to return no text of a model, though at a cost: token counts, embeddings,
    /// moderations.
    NoText,
    /// A question about the server that costs nothing and carries nothing: its models, its health,
    /// what a browser may ask.
    Open,
    /// Anything else. It may return the same text by another way (stored responses, batches, other
    /// protocols on the same port), so graded callers follow the policy's `unknown_routes`.
    Unknown,
}

/// Segments of paths under which answers are stored, or made: nothing below them is a list of models.
const TEXTS: [&str; 10] = [
    "batches",
    "chat",
    "completions",
    "conversations",
    "files",
    "messages",
    "responses",
    "runs",
    "sessions",
    "threads",
];

/// How paths end that answer with no text of a model, in any protocol.
const NO_TEXT: [&str; 7] = [
    "/v2/embed",
    "/v2/rerank",
    "/embeddings",
    "/moderations",
    "/api/embed",
    ":batchEmbedContents",
    ":embedContent",
];

/// Questions about a server that costs nothing, by path.
const PROBES: [&str; 8] = [
    "/",
    "/health",
    "/healthz",
    "/ping",
    "/version",
    // Ollama's.
    "/api/ps",
    "/api/tags",
    "/api/version",
];

/// The longest path that is known: each word of one may be looked at.
const LONGEST: usize = 2048;

/// Classifies a request by method and path (no query), and by whether it has a body. Only literal
/// spellings are known: a path that a lenient upstream would normalize (`//`, `%2F`, a trailing
/// slash) is [`Route::Unknown`]. The one segment in which Amazon Bedrock's endpoints name a model may
/// escape colons and slashes.
#[must_use]
pub fn route(method: &Method, path: &str, has_body: bool) -> Route {
    // Azure, OpenRouter, Gemini and others put prefixes before the same endpoints.
    if method == Method::POST {
        let cancelled = || {
            let asked = stored(path).filter(|it| it.cancels)?;
            Some(Route::Stored(asked.protocol))
        };
        return match posted(path).or_else(cancelled) {
            // What names a model may be escaped where one segment does.
            Some(route) if is_literal(&without_escapes(path)) => route,
            _ => Route::Unknown,
        };
    }
    // A server that reads a body whatever the method would answer what it asks.
    if has_body {
        return Route::Unknown;
    }
    if let Some(asked) = stored(path).filter(|it| !it.cancels && is_literal(path)) {
        let deletes = *method == Method::DELETE && !asked.input;
        if *method == Method::GET || deletes {
            return Route::Stored(asked.protocol);
        }
    }
    let reads = matches!(*method, Method::GET | Method::HEAD);
    let asks = PROBES.contains(&path) || is_model_list(path);
    if reads && asks || method == Method::OPTIONS { Route::Open } else { Route::Unknown }
}

fn posted(path: &str) -> Option<Route> {
    if let Some(id) = ProtocolId::of_path(path) {
        // To a server that does not mind letter case this may be another endpoint, whose path is longer.
        let has_capitals = path.bytes().any(|byte| byte.is_ascii_uppercase());
        let same = !has_capitals || ProtocolId::of_path_in_any_case(path) == Some(id);
        return same.then_some(Route::Protocol(id));
    }
    let no_text = counted(path).is_some() || NO_TEXT.iter().any(|it| path.ends_with(it));
    no_text.then_some(Route::NoText)
}

/// The protocol whose requests this path counts without answering them.
fn counted(path: &str) -> Option<ProtocolId> {
    let counts = |id: &ProtocolId| {
        let Features { count_endpoint: Some(end), endpoints, .. } = id.features() else {
            return false;
        };
        path.ends_with(end) && endpoints.iter().all(|it| it.is_behind(path, end.len()))
    };
    ProtocolId::ALL.into_iter().find(counts)
}

/// Whether every server reads this path as it stands.
fn is_literal(path: &str) -> bool {
    let is_special = |byte| matches!(byte, b'%' | b'\\' | b';');
    path.len() <= LONGEST
        && !path.bytes().any(is_special)
        && !path.as_bytes().windows(2).any(|pair| pair == b"//")
        && !(path.contains('.') && (path.contains("..") || path.contains("/./")))
}

/// `…/models`, or one of them: `…/models/gpt-5`, `…/models/org/name`. Clients escape the name, once.
fn is_model_list(path: &str) -> bool {
    let name_at = path.find("/models/").map_or(path.len(), |at| at + "/models/".len());
    let (front, name) = path.split_at_checked(name_at).unwrap_or((path, ""));
    let Some(name) = unescaped(name).filter(|_| is_literal(front)) else { return false };
    let path = [front, &name].concat();
    let segments: Vec<&str> = path.split('/').skip(1).collect();
    let Some(at) = segments.iter().position(|segment| *segment == "models") else { return false };
    let named = segments.len() - at - 1;
    let leads_elsewhere = |part: &&str| matches!(*part, "" | "." | "..") || TEXTS.contains(part);
    at <= 4 && named <= 2 && !segments.iter().any(leads_elsewhere) && is_literal(&path)
}

/// A part of a path without its escapes.
fn unescaped(part: &str) -> Option<String> {
    let mut bytes = part.bytes();
    let mut plain = Vec::with_capacity(part.len());
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            plain.push(byte);
            continue;
        }
        let mut digit = || u8::try_from(char::from(bytes.next()?).to_digit(16)?).ok();
        plain.push(digit()? * 16 + digit()?);
    }
    String::from_utf8(plain).ok().filter(|plain| !plain.contains(char::is_control))
}

/// The protocol in which a request repeats a conversation, its answer being text or a count.
#[must_use]
pub fn conversation_protocol(method: &Method, path: &str) -> Option<&'static dyn Protocol> {
    match route(method, path, true) {
        Route::Protocol(id) => Some(id.codec()),
        Route::NoText => counted(path).map(ProtocolId::codec),
        Route::Open | Route::Stored(_) | Route::Unknown => None,
    }
}

/// The protocol in whose shape a client of this path expects errors, the path being served or not.
#[must_use]
pub fn error_protocol(path: &str) -> &'static dyn Protocol {
    let leads = |id: &ProtocolId| id.features().endpoints.iter().any(|it| path.contains(it.path));
    let beside = || {
        [ProtocolId::Messages, ProtocolId::Responses, ProtocolId::Ollama, ProtocolId::Cohere]
            .into_iter()
            .find(leads)
    };
    // Google names a method behind a colon.
    let method = path.rsplit('/').next().unwrap_or_default().contains(':');
    let google = (method && path.contains("/models/")).then_some(ProtocolId::Gemini);
    // Amazon names what is asked of a model behind it.
    let amazon = path.contains("/model/").then_some(ProtocolId::Converse);
    let known = ProtocolId::of_path(path).or_else(beside).or(google).or(amazon);
    known.unwrap_or(ProtocolId::Chat).codec()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(method: Method, path: &str) -> &'static str {
        match route(&method, path, method == Method::POST) {
            Route::Protocol(id) => id.name(),
            Route::Stored(_) => "stored",
            Route::NoText => "no text",
            Route::Open => "open",
            Route::Unknown => "unknown",
        }
    }

    #[test]
    fn the_endpoints_are_known_with_their_vendors_prefixes() {
        assert_eq!(kind(Method::POST, "/v1/chat/completions"), "chat");
        assert_eq!(kind(Method::POST, "/chat/completions"), "chat");
        assert_eq!(kind(Method::POST, "/api/v1/chat/completions"), "chat");
        assert_eq!(kind(Method::POST, "/v1/messages"), "messages");
        for path in ["/api/chat", "/api/generate", "/ollama/api/chat"] {
            assert_eq!(kind(Method::POST, path), "ollama", "{path}");
        }
        for path in [
            "/v1beta/models/gemini-2.5-pro:generateContent",
            "/v1/models/gemini-2.5-pro:streamGenerateContent",
            "/v1/projects/p/locations/l/publishers/google/models/g:generateContent",
            "/v1/projects/p/locations/l/endpoints/7:streamGenerateContent",
        ] {
            assert_eq!(kind(Method::POST, path), "gemini", "{path}");
        }
        for path in ["/v1beta/models/g:countTokens", "/v1beta/models/g:embedContent"] {
            assert_eq!(kind(Method::POST, path), "no text", "{path}");
        }
        for path in [
            "/model/us.anthropic.claude-sonnet-4-20250514-v1%3A0/converse",
            "/model/anthropic.claude-sonnet-4-20250514-v1:0/converse-stream",
            "/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A1%3Ainference-profile%2Fus.a.b/converse",
            "/up/model/M/converse",
        ] {
            assert_eq!(kind(Method::POST, path), "converse", "{path}");
        }
        assert_eq!(kind(Method::POST, "/model/a.b%3A0/count-tokens"), "no text");
        for path in ["/model/a.b%3A0/invoke", "/model/a/invoke-with-response-stream"] {
            assert_eq!(kind(Method::POST, path), "invoke", "{path}");
        }
        for path in ["/api/tags", "/api/ps", "/api/version"] {
            assert_eq!(kind(Method::GET, path), "open", "{path}");
        }
        assert_eq!(kind(Method::POST, "/api/embed"), "no text");
        assert_eq!(kind(Method::POST, "/v1/agents/completions"), "chat");
        assert_eq!(kind(Method::POST, "/v1/fim/completions"), "completions");
        for path in ["/completion", "/infill", "/upstream/m/completion"] {
            assert_eq!(kind(Method::POST, path), "llama_cpp", "{path}");
        }
        for path in ["/v2/chat", "/cohere/v2/chat"] {
            assert_eq!(kind(Method::POST, path), "cohere", "{path}");
        }
        for path in ["/v2/embed", "/v2/rerank"] {
            assert_eq!(kind(Method::POST, path), "no text", "{path}");
        }
        for path in ["/generate", "/generate_stream", "/"] {
            assert_eq!(kind(Method::POST, path), "tgi", "{path}");
        }
        for path in ["/v1/completions", "/completions", "/openai/deployments/d/completions"] {
            assert_eq!(kind(Method::POST, path), "completions", "{path}");
        }
        for path in
            ["/v1/responses", "/openai/v1/responses", "/openai/responses", "/api/v1/responses"]
        {
            assert_eq!(kind(Method::POST, path), "responses", "{path}");
        }
        for path in [
            "/v1/messages/count_tokens",
            "/v1/responses/input_tokens",
            "/anthropic/v1/messages/count_tokens",
            "/v1/embeddings",
            "/embeddings",
            "/openai/deployments/e/embeddings",
            "/v1/moderations",
        ] {
            assert_eq!(kind(Method::POST, path), "no text", "{path}");
        }
        for path in [
            "/v1/models",
            "/models",
            "/api/v1/models",
            "/openai/v1/models",
            "/v1/models/gpt-5",
            "/v1/models/org/name",
            "/openai/v1/models/llama3:8b",
            "/v1/models/org%2Fname",
            "/v1/models/org/a%20b%3A1",
        ] {
            assert_eq!(kind(Method::GET, path), "open", "{path}");
            assert_eq!(kind(Method::POST, path), "unknown", "{path}");
        }
        assert_eq!(kind(Method::OPTIONS, "/v1/chat/completions"), "open");
    }

    #[test]
    fn a_body_makes_a_question_about_the_server_a_way_round() {
        for (method, path) in [
            (Method::OPTIONS, "/v1/chat/completions"),
            (Method::OPTIONS, "/v1/models"),
            (Method::GET, "/v1/models"),
            (Method::GET, "/"),
        ] {
            assert!(matches!(route(&method, path, true), Route::Unknown), "{method} {path}");
            assert!(matches!(route(&method, path, false), Route::Open), "{method} {path}");
        }
    }

    #[test]
    fn ways_round_are_unknown() {
        for path in [
            "/v1//chat/completions",
            "/v1/chat%2Fcompletions",
            "/v1/chat/completions/",
            "/v1/responses/",
            "/v1/responses/compact",
            "/v1/Chat/completions",
            "/v1/CHAT/completions",
            "/v1/chat/./completions",
            "/v1/chat//completions",
            "/v1/completions/",
            "/v1/Completions",
            "/api/Chat",
            "/api/chat/",
            "/api/show",
            "/api/create",
            "/v1beta/models/g:GenerateContent",
            "/v1beta/models/g%3AgenerateContent",
            "/v1/count-tokens",
            "/converse",
            "/model/converse",
            "/model/a/converse/",
            "/model/a/Converse",
            "/Model/a/converse",
            "/model/a//converse",
            "/model/a%2Fb/converse",
            "/model/a%252Fb/converse",
            "/model/%2e%2e/converse",
            "/model/arn:a%2F..%2Fb/converse",
            "/x%2Fmodel/a/converse",
            "/model/a/invoke-with-bidirectional-stream",
            "/invoke",
            "/async-invoke",
            "/v1beta/models/g:batchGenerateContent",
            "/v1beta/models/g:predict",
            "/v1beta/interactions",
            "/v1/chat",
            "/v1/agents",
            "/v1/conversations",
            "/v1/conversations/c1",
            "/v2/models/m/generate",
            "/Generate",
            "/generate/",
            "/invocations",
            "/v1/messages/batches",
            "/v1/x/../chat/completions",
            "/v1/chat;x/completions;y/chat/completions",
        ] {
            assert_eq!(kind(Method::POST, path), "unknown", "{path}");
        }
        assert_eq!(kind(Method::GET, "/v1/chat/completions/chatcmpl-1"), "unknown");
        assert_eq!(kind(Method::GET, "/v1/responses/resp_1"), "stored");
        assert_eq!(kind(Method::GET, "/v1/responses/resp_1/input_items"), "stored");
        assert_eq!(kind(Method::DELETE, "/v1/responses/resp_1"), "stored");
        assert_eq!(kind(Method::POST, "/v1/responses/resp_1/cancel"), "stored");
        for (method, path) in [
            (Method::HEAD, "/v1/responses/resp_1"),
            (Method::POST, "/v1/responses/resp_1"),
            (Method::GET, "/v1/responses/resp_1/cancel"),
            (Method::GET, "/v1/responses/resp%5F1"),
            (Method::GET, "/v1//responses/resp_1"),
            (Method::DELETE, "/v1/responses/resp_1/input_items"),
        ] {
            assert_eq!(kind(method, path), "unknown", "{path}");
        }
        for path in [
            "/v1/files/models/x",
            "/v1/models/",
            "/v1/models/a/b/c",
            "/v1/models/..%2Fresponses",
            "/v1/models/%2e%2e",
            "/v1/models/a%2Fb%2Fc",
            "/v1/models/%252e",
            "/v1/models/a%2",
            "/v1/models/x%2Fresponses",
            "/v1%2Fx/models/a",
            "/v1/models/a%0a",
        ] {
            assert_eq!(kind(Method::GET, path), "unknown", "{path}");
        }
    }
}
