//! What the target of a request says: its method, its path and its query.
//!
//! The body names a model, and so may the target: paths of Azure's, Google's and Hugging Face's kind,
//! a gateway's parameter in the query, and the routes of proxies that choose a server by a segment of
//! the path. What a policy says of a model holds there as well, or it would be escaped by whoever
//! writes the name elsewhere. A path may also say that the answer is to be streamed.

use std::ops::Range;

use http::Method;

use super::Place;
use super::protocol_id::{Endpoint, ProtocolId};
use crate::secret::opaque_debug;

mod parameter;
mod percent;

pub use parameter::Parameter;
use parameter::is_worded;
pub(crate) use parameter::words_of;
pub(super) use percent::{decoded, in_component, in_path, unescaped};

/// Segments of paths behind which a model stands.
const PLACES: [&str; 6] =
    ["/deployments/", "/deployment/", "/engines/", "/engine/", "/models/", "/model/"];

/// The method, the path and the query of a request.
#[derive(Clone, PartialEq, Eq)]
pub struct Target {
    method: Method,
    text: String,
    /// Where the path names the model.
    model: Option<Range<usize>>,
    /// Where the endpoint begins, whatever router stands before it.
    endpoint: usize,
    /// The model stands in one segment.
    names_model: bool,
    /// Where the path says whether the answer is streamed, and whether it is.
    stream: Option<(Range<usize>, bool)>,
    /// Where the query begins, if there is one.
    query: Option<usize>,
}

opaque_debug!(Target);

impl Default for Target {
    fn default() -> Self {
        Self {
            method: Method::POST,
            text: String::new(),
            model: None,
            endpoint: 0,
            names_model: false,
            stream: None,
            query: None,
        }
    }
}

impl Target {
    /// Reads a path with its query, if it has one, of a request that is posted.
    #[must_use]
    pub fn of(target: &str) -> Self {
        Self::new(Method::POST, target)
    }

    /// Reads a method and a path with its query, if it has one.
    #[must_use]
    pub fn new(method: Method, target: &str) -> Self {
        Self::at(|path| ProtocolId::endpoint(path).map(|(endpoint, _)| endpoint), method, target)
    }

    /// The same where `endpoint` tells to which one a path leads.
    pub(super) fn at<'e>(
        endpoint: impl FnOnce(&str) -> Option<&'e Endpoint>,
        method: Method,
        target: &str,
    ) -> Self {
        let path = target.split_once('?').map_or(target, |(path, _)| path);
        let end = path.len();
        let endpoint = endpoint(path);
        let names_model = endpoint.is_some_and(|it| it.names_model);
        let endpoint = endpoint.map(|it| (path.len() - it.path.len(), it.streams));
        let front = endpoint.and_then(|(at, _)| path.get(..at));
        let stream = endpoint.and_then(|(at, streams)| streams.map(|it| (at..end, it)));
        Self {
            method,
            text: target.to_owned(),
            model: front.and_then(if names_model { last_segment } else { model }),
            names_model,
            endpoint: front.map_or(0, str::len),
            stream,
            query: (end < target.len()).then_some(end + 1),
        }
    }

    /// The method.
    #[must_use]
    pub fn method(&self) -> &Method {
        &self.method
    }

    /// The model that the path names, as it is spelled there:
    /// `/openai/deployments/NAME/chat/completions` (Azure), `/models/ORG/NAME/v1/chat/completions`
    /// (Hugging Face), `/v1beta/models/NAME:generateContent` (Google).
    #[must_use]
    pub fn model(&self) -> Option<&str> {
        self.get(self.model.as_ref()?)
    }

    /// A part of the path, as a place where something else may be said.
    #[must_use]
    pub fn place(&self, span: Range<usize>) -> Place {
        if self.names_model { Place::Segment(span) } else { Place::Path(span) }
    }

    /// Where the path says whether the answer is streamed, and whether it is.
    #[must_use]
    pub fn stream(&self) -> Option<(Range<usize>, bool)> {
        self.stream.clone()
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
        parameter::parameters(self.text.get(from..).unwrap_or_default(), from)
    }

    /// Whether it names, or may name, a model of a pattern's. A query too long to be read may.
    #[must_use]
    pub fn mentions(&self, segments: usize, covers: impl Fn(&str) -> bool) -> bool {
        let mut names = self.names(segments).filter_map(|name| self.get(&name));
        let mut parameters = self.parameters();
        names.any(&covers) || parameters.any(|it| it.is_unread() || it.words().any(&covers))
    }
}

/// Where what stands of a path before its endpoint names the model.
fn model(front: &str) -> Option<Range<usize>> {
    let end = front.strip_suffix("/v1").unwrap_or(front);
    if end.is_empty() {
        return None;
    }
    // Some servers do not mind the letter case of a path.
    let lower = end.to_ascii_lowercase();
    PLACES.into_iter().find_map(|place| {
        let start = lower.find(place)? + place.len();
        (start < end.len()).then_some(start..end.len())
    })
}

/// The last segment of what stands before an endpoint.
fn last_segment(front: &str) -> Option<Range<usize>> {
    Some(front.rfind('/')? + 1..front.len()).filter(|segment| !segment.is_empty())
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
