//! Which path leads to which protocol.

use http::Method;

use super::model_segment::without_escapes;
use super::stored::stored;
use super::{Features, Protocol, ProtocolId, ServerKind};

mod known;
mod tables;

pub use known::{KnownRoute, Verdict, WayRound};

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
    /// What is known to return a model's text, or what tells it, in a way that is not read: graded
    /// callers are refused.
    WayRound(WayRound),
    /// Anything else. Nobody knows what it returns, so graded callers follow the policy's
    /// `unknown_routes`.
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

/// The longest path that is known: each word of one may be looked at.
const LONGEST: usize = 2048;

/// Classifies a request to a server of this kind by method and path (no query), and by whether it has a
/// body. Only literal spellings are read: one that a lenient server would normalize (`//`, `%2F`, a
/// trailing slash) is a [`Route::WayRound`] where it then leads to text. The one segment in which Amazon
/// Bedrock's endpoints name a model may escape colons and slashes.
#[must_use]
pub fn route(server: ServerKind, method: &Method, path: &str, has_body: bool) -> Route {
    literal(server, method, path, has_body).unwrap_or_else(|| {
        if path.len() > LONGEST || matches!(*method, Method::CONNECT | Method::TRACE) {
            return Route::WayRound(WayRound::Respelled);
        }
        server.way_round(path).map_or(Route::Unknown, Route::WayRound)
    })
}

/// What a request leads to, its path being taken as it stands.
fn literal(server: ServerKind, method: &Method, path: &str, has_body: bool) -> Option<Route> {
    // Azure, OpenRouter, Gemini and others put prefixes before the same endpoints.
    if method == Method::POST {
        let cancelled = || {
            let asked = stored(path).filter(|it| it.cancels)?;
            Some(Route::Stored(asked.protocol))
        };
        let found = posted(server, path).or_else(cancelled);
        // What names a model may be escaped where one segment does.
        return found.filter(|_| is_plain(path) || is_literal(&without_escapes(path)));
    }
    // A server that reads a body whatever the method would answer what it asks.
    if has_body {
        return None;
    }
    if let Some(asked) = stored(path).filter(|it| !it.cancels && is_literal(path)) {
        let deletes = *method == Method::DELETE && !asked.input;
        if *method == Method::GET || deletes {
            return Some(Route::Stored(asked.protocol));
        }
    }
    let reads = matches!(*method, Method::GET | Method::HEAD);
    let asks = || server.lists(path, Verdict::Open) || is_model_list(path);
    (*method == Method::OPTIONS || reads && asks()).then_some(Route::Open)
}

fn posted(server: ServerKind, path: &str) -> Option<Route> {
    if let Some(id) = ProtocolId::of_path(path).filter(|_| !is_of_another_publisher(path)) {
        // A server may have something else there than the protocol's own servers have.
        if !server.speaks().contains(&id) && server.refuses(path) {
            return None;
        }
        // To a server that does not mind letter case this may be another endpoint, whose path is longer.
        let has_capitals = path.bytes().any(|byte| byte.is_ascii_uppercase());
        let same = !has_capitals || ProtocolId::of_path_in_any_case(path) == Some(id);
        return same.then_some(Route::Protocol(id));
    }
    let no_text = counted(path).is_some() || server.lists(path, Verdict::NoText);
    no_text.then_some(Route::NoText)
}

/// Whether a path of Vertex takes requests in the form of a publisher whose form is not known.
fn is_of_another_publisher(path: &str) -> bool {
    let model = path.strip_suffix(":rawPredict").or_else(|| path.strip_suffix(":streamRawPredict"));
    model.is_some_and(|model| {
        let publisher = "/publishers/anthropic/models/";
        !model.contains(publisher) || model.ends_with("/count-tokens")
    })
}

/// The protocol whose requests this path counts without answering them.
fn counted(path: &str) -> Option<ProtocolId> {
    let counts = |id: &ProtocolId| {
        let Features { count_endpoints, endpoints, .. } = id.features();
        let mut ends = count_endpoints.iter().filter(|end| path.ends_with(**end));
        ends.any(|end| endpoints.iter().all(|it| it.is_behind(path, end.len())))
    };
    ProtocolId::ALL.into_iter().find(counts)
}

/// The protocol that a request belongs to: that of an endpoint's answers, of its counts, or of what is
/// kept of them. A front page is no protocol's, though something may be posted there.
#[cfg(feature = "proxy")]
pub(crate) fn protocol_of(method: &Method, path: &str) -> Option<ProtocolId> {
    let kept = || stored(path).map(|asked| asked.protocol);
    let answers = ProtocolId::of_path(path).filter(|_| method == Method::POST || path != "/");
    answers.or_else(|| counted(path)).or_else(kept)
}

/// Whether every server reads this path as it stands.
fn is_literal(path: &str) -> bool {
    let is_special = |byte| matches!(byte, b'%' | b'\\' | b';');
    path.len() <= LONGEST
        && !path.bytes().any(is_special)
        && !path.as_bytes().windows(2).any(|pair| pair == b"//")
        && !(path.contains('.') && (path.contains("..") || path.contains("/./")))
}

/// The same of the paths that nearly all requests have, seen in one pass: no longer than leaves room for a model's name
/// in the place of another, of letters, digits and a few signs that mean nothing to anybody, without empty segments.
fn is_plain(path: &str) -> bool {
    let mut before = 0;
    path.len() <= LONGEST / 2
        && path.bytes().all(|byte| {
            let means_nothing = byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b':');
            let plain = means_nothing || byte == b'/' && before != b'/';
            before = byte;
            plain
        })
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
pub fn conversation_protocol(
    server: ServerKind,
    method: &Method,
    path: &str,
) -> Option<&'static dyn Protocol> {
    match literal(server, method, path, true)? {
        Route::Protocol(id) => Some(id.codec()),
        // Inference servers take messages there as well as texts.
        Route::NoText if path.ends_with("/tokenize") => Some(ProtocolId::Chat.codec()),
        Route::NoText => counted(path).map(ProtocolId::codec),
        Route::Open | Route::Stored(_) | Route::WayRound(_) | Route::Unknown => None,
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
    let is_method = || path.rsplit('/').next().unwrap_or_default().contains(':');
    let google = || (is_method() && path.contains("/models/")).then_some(ProtocolId::Gemini);
    // Amazon names what is asked of a model behind it.
    let amazon = || path.contains("/model/").then_some(ProtocolId::Converse);
    let known = ProtocolId::of_path(path).or_else(beside).or_else(google).or_else(amazon);
    known.unwrap_or(ProtocolId::Chat).codec()
}

#[cfg(test)]
mod tests;
