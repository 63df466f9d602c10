//! Where the target of a request can name a model.
//!
//! The body names one, and so may the target: paths of Azure's and Hugging Face's kind, a gateway's
//! parameter in the query, and the routes of proxies that choose a server by a segment of the path.
//! What a policy says of a model holds there as well, or it would be escaped by whoever writes the
//! name elsewhere.

use std::ops::Range;

use super::json::fold;
use super::protocol_id::ProtocolId;
use super::request::lists::overrides;
use crate::secret::opaque_debug;

/// Segments of paths behind which a model stands.
const PLACES: [&str; 6] =
    ["/deployments/", "/deployment/", "/engines/", "/engine/", "/models/", "/model/"];

/// How often a query is unescaped: gateways hand what they have read on to others.
const ESCAPED: usize = 3;

/// The longest query of which the parameters are told apart. One is looked at for every word of it.
const LONGEST_QUERY: usize = 4096;

/// Parameters by whose names a model is chosen, or what answers for it.
const CHOOSING: [&str; 3] = ["deployment", "fallback", "model"];

/// The same of whole names.
const CHOOSERS: [&str; 4] = ["engine", "engines", "route", "router"];

/// Members of the body that a downgrade governs, besides the model and what is known to override it.
const GOVERNED: [&str; 7] = [
    "max_completion_tokens",
    "max_tokens",
    "output_config",
    "reasoning",
    "reasoning_effort",
    "thinking",
    "thinking_token_budget",
];

/// The path and the query of a request.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Target {
    text: String,
    /// Where the path names the model.
    model: Option<Range<usize>>,
    /// Where the endpoint begins, whatever router stands before it.
    endpoint: usize,
    /// Where the query begins, if there is one.
    query: Option<usize>,
}

opaque_debug!(Target);

/// A parameter of the query.
#[derive(Clone, PartialEq, Eq)]
pub struct Parameter {
    /// All of it, with the separator behind it if there is one.
    pub span: Range<usize>,
    /// By its name it chooses what answers.
    pub chooses: bool,
    /// By its name it sets a cap, an effort or the like, for some server.
    pub overrides: bool,
    /// Its name and value.
    text: String,
}

opaque_debug!(Parameter);

impl Target {
    /// Reads a path with its query, if it has one.
    #[must_use]
    pub fn of(target: &str) -> Self {
        let end = target.find('?').unwrap_or(target.len());
        let path = target.get(..end).unwrap_or_default();
        let endpoint = front(path);
        Self {
            text: target.to_owned(),
            model: model(path),
            endpoint: endpoint.map_or(0, str::len),
            query: (end < target.len()).then_some(end + 1),
        }
    }

    /// The model that the path names: `/openai/deployments/NAME/chat/completions` (Azure),
    /// `/models/ORG/NAME/v1/chat/completions` (Hugging Face).
    #[must_use]
    pub fn model(&self) -> Option<&str> {
        self.get(self.model.as_ref()?)
    }

    /// Where it stands.
    #[must_use]
    pub fn model_span(&self) -> Option<Range<usize>> {
        self.model.clone()
    }

    /// What stands somewhere.
    #[must_use]
    pub fn get(&self, span: &Range<usize>) -> Option<&str> {
        self.text.get(span.clone())
    }

    /// The target itself.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// What of the path may be a name by which a router chooses what answers: runs of `segments`
    /// before the endpoint; where it is one, also the words in it.
    pub fn names(&self, segments: usize) -> impl Iterator<Item = Range<usize>> {
        let front = self.text.get(..self.endpoint).unwrap_or_default();
        let starts = front.match_indices('/').map(|(at, _)| at + 1);
        let runs = starts.map(move |start| {
            let rest = front.get(start..).unwrap_or_default();
            let end = rest.match_indices('/').nth(segments.saturating_sub(1));
            start..end.map_or(front.len(), |(at, _)| start + at)
        });
        runs.flat_map(move |run| {
            let inside = front.get(run.clone()).unwrap_or_default();
            let parts = (segments == 1).then(|| words(inside)).into_iter().flatten();
            let parts = parts.filter(move |part| part.len() < inside.len());
            let start = run.start;
            std::iter::once(run).chain(parts.map(move |part| start + part.start..start + part.end))
        })
    }

    /// The parameters of the query; one that is everything if the query is too long to be read.
    pub fn parameters(&self) -> impl Iterator<Item = Parameter> {
        let from = self.query.unwrap_or(self.text.len());
        let query = self.text.get(from..).unwrap_or_default();
        let long = query.len() > LONGEST_QUERY;
        // Some servers separate by semicolons, and some clients begin a query twice.
        let separates = move |it: char| !long && matches!(it, '&' | ';' | '?');
        let mut start = from;
        query.split_inclusive(separates).map(move |part| {
            let span = start..start + part.len();
            start = span.end;
            if long {
                return Parameter { span, chooses: true, overrides: true, text: String::new() };
            }
            let text = unescaped(part.trim_end_matches(separates));
            let name = text.split('=').next().unwrap_or_default().trim();
            let name = fold(name).to_lowercase();
            Parameter {
                chooses: CHOOSING.iter().any(|it| name.contains(it))
                    || CHOOSERS.contains(&name.as_str()),
                overrides: GOVERNED.contains(&name.as_str()) || overrides(&name, b""),
                text,
                span,
            }
        })
    }

    /// Whether it names, or may name, a model of a pattern's. A query too long to be read may.
    #[must_use]
    pub fn mentions(&self, segments: usize, covers: impl Fn(&str) -> bool) -> bool {
        let mut names = self.names(segments).filter_map(|name| self.get(&name));
        let mut parameters = self.parameters();
        names.any(&covers)
            || parameters.any(|it| it.span.len() > LONGEST_QUERY || it.words().any(&covers))
    }
}

impl Parameter {
    /// What of its value may be a name, with and without the vendors before it; and of its own name,
    /// if that is more than a word.
    pub fn words(&self) -> impl Iterator<Item = &str> {
        let value = match self.text.split_once('=') {
            Some((name, value)) if name.chars().all(is_worded) => value,
            _ => &self.text,
        };
        words_of(value)
    }
}

/// What of a value may be the name of a model, with and without the vendors before it.
pub(crate) fn words_of(value: &str) -> impl Iterator<Item = &str> {
    let named = |it: char| is_worded(it) || matches!(it, '/' | ':' | '@');
    let words = value.split(move |it: char| !named(it)).filter(|word| !word.is_empty());
    words.flat_map(|word| {
        let parts = word.split('/').filter(|part| part.len() < word.len());
        std::iter::once(word).chain(parts)
    })
}

/// What of a path stands before the endpoint, if its text can be read.
fn front(path: &str) -> Option<&str> {
    ProtocolId::ALL.into_iter().find_map(|it| path.strip_suffix(it.features().endpoint))
}

/// Where a path names the model.
fn model(path: &str) -> Option<Range<usize>> {
    let end = front(path)?;
    let end = end.strip_suffix("/v1").unwrap_or(end);
    // Some servers do not mind the letter case of a path.
    let lower = end.to_ascii_lowercase();
    PLACES.into_iter().find_map(|place| {
        let start = lower.find(place)? + place.len();
        (start < end.len()).then_some(start..end.len())
    })
}

/// The words of a segment.
fn words(segment: &str) -> impl Iterator<Item = Range<usize>> {
    let mut start = 0;
    segment.split_inclusive(|it: char| !is_worded(it)).filter_map(move |part| {
        let word = part.trim_end_matches(|it: char| !is_worded(it));
        let span = start..start + word.len();
        start += part.len();
        (!word.is_empty()).then_some(span)
    })
}

/// Whether a character can stand in a word of a model's name.
fn is_worded(character: char) -> bool {
    character.is_alphanumeric() || matches!(character, '-' | '.' | '_')
}

/// A part of a query as servers read it, be it escaped again and again.
fn unescaped(part: &str) -> String {
    let mut text = part.replace('+', " ");
    for _ in 0..ESCAPED {
        if !text.contains('%') {
            break;
        }
        text = once_unescaped(&text);
    }
    text
}

fn once_unescaped(text: &str) -> String {
    let mut bytes = text.bytes();
    let mut plain = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        let mut ahead = bytes.clone();
        let mut digit = || char::from(ahead.next()?).to_digit(16);
        let escaped = (byte == b'%').then(|| Some(digit()? * 16 + digit()?)).flatten();
        match escaped.and_then(|code| u8::try_from(code).ok()) {
            Some(code) => {
                plain.push(code);
                bytes = ahead;
            }
            None => plain.push(byte),
        }
    }
    String::from_utf8_lossy(&plain).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_can_name_the_model() {
        for (path, model) in [
            ("/openai/deployments/big/chat/completions", Some("big")),
            ("/openai/Deployments/big/chat/completions?a=1", Some("big")),
            ("/models/org/big/v1/chat/completions", Some("org/big")),
            ("/v1/engines/big/chat/completions", Some("big")),
            ("/models/big/v1/messages", Some("big")),
            ("/v1/chat/completions", None),
            ("/models/chat/completions", None),
            ("/openai/deployments//chat/completions", None),
            ("/openai/deployments/big/embeddings", None),
            ("/v1/chat/completions?a=/models/big/chat/completions", None),
        ] {
            assert_eq!(Target::of(path).model(), model, "{path}");
        }
    }

    #[test]
    fn what_may_be_a_name_stands_before_the_endpoint() {
        let names = |target: &str, segments| {
            let target = Target::of(target);
            let names = target.names(segments).map(|it| target.get(&it).unwrap().to_owned());
            names.collect::<Vec<_>>()
        };
        assert_eq!(
            names("/up/@x:big/v1/chat/completions?a", 1),
            ["up", "@x:big", "x", "big", "v1"]
        );
        assert_eq!(names("/up/org/big/v1/messages", 2), ["up/org", "org/big", "big"]);
        assert_eq!(names("/v1/chat/completions", 1), ["v1"]);
        assert_eq!(names("/chat/completions", 1), [""; 0]);
        assert_eq!(names("/v1/embeddings", 1), [""; 0]);
    }

    #[test]
    fn a_parameter_is_known_however_it_is_written() {
        for (query, chooses, overrides) in [
            ("model=big", true, false),
            ("m%6fdel=big", true, false),
            ("m%256fdel=big", true, false),
            ("MODELS[]=big", true, false),
            ("+model+=big", true, false),
            ("model", true, false),
            ("%22deployment_id%22=big", true, false),
            ("Engine=big", true, false),
            ("route=fallback", true, true),
            ("Max_Tokens=9", false, true),
            ("max_new_to%E2%84%AAens=9", false, true),
            ("extra_body={}", false, true),
            ("api-version=2024-10-21", false, false),
            ("beta=true", false, false),
            ("%=%zz", false, false),
            ("", false, false),
        ] {
            let target = Target::of(&format!("/v1/chat/completions?{query}"));
            let found = target.parameters().next();
            let found = found.map_or((false, false), |it| (it.chooses, it.overrides));
            assert_eq!(found, (chooses, overrides), "{query}");
        }
    }

    #[test]
    fn parameters_keep_their_separators() {
        let target = Target::of("/x?a=1&b={%22m%22:%22org/big%22};c");
        let parameters: Vec<_> = target.parameters().collect();
        let spans: Vec<_> = parameters.iter().map(|it| target.get(&it.span).unwrap()).collect();
        assert_eq!(spans, ["a=1&", "b={%22m%22:%22org/big%22};", "c"]);
        let words: Vec<_> = parameters.iter().flat_map(Parameter::words).collect();
        assert_eq!(words, ["1", "m", ":", "org/big", "org", "big", "c"]);
        assert_eq!(Target::of("/x").parameters().count(), 0);
    }
}
