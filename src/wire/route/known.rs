//! What is known of an upstream's paths.
//!
//! A list for each kind of server says of every path that the server has what becomes of it: its text
//! is read, it has none, or it is a way round the policy and refused. The lists are for people, who ask
//! for them by `guilloche policy routes`, and for [`route`](super::route), which goes by them.

use std::collections::HashSet;

use http::Method;

use super::super::target::unescaped;
use super::super::{ProtocolId, ServerKind};

/// A path of an upstream, and what becomes of requests for it.
#[derive(Clone, Copy, Debug)]
pub struct KnownRoute {
    /// The methods that the server takes there.
    pub methods: &'static [Method],
    /// What stands right before the end of the path, where that is certain: `/model/{id}`.
    pub front: &'static str,
    /// How the path ends, whatever stands before it (`/v1`, `/openai/deployments/NAME`): `{id}` is any
    /// segment, `*` at the end is any number of them, and none.
    pub path: &'static str,
    /// Whether nothing may stand before it.
    pub whole: bool,
    /// What becomes of requests for it.
    pub verdict: Verdict,
}

/// What becomes of requests for a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The text of its answers is read and written.
    Read(ProtocolId),
    /// An answer of that protocol, given before, is read as the answer itself was.
    Stored(ProtocolId),
    /// It answers without a model's text, though at a cost.
    NoText,
    /// It answers a question about the server, at no cost.
    Open,
    /// Graded callers are refused there, whatever the policy says of unknown routes.
    Refused(WayRound),
}

/// How a path leads round what a policy withholds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WayRound {
    /// A known endpoint in another spelling or by another method, which a lenient server takes for it.
    Respelled,
    /// Answers, or prompts with answers in them, that the server keeps.
    Kept,
    /// Answers that are asked for now and fetched later, in files.
    Batch,
    /// A model's text in a form that is not read.
    Unread,
    /// Scores of texts, which are a model's judgement.
    Scores,
    /// What is inside the server: other callers' requests, templates, counts of tokens.
    Inside,
    /// The running of the server.
    Operation,
    /// Speech, images and films.
    Media,
}

impl WayRound {
    /// Why it is one, in a few words.
    #[must_use]
    pub fn why(self) -> &'static str {
        match self {
            Self::Respelled => "a known endpoint in another spelling or by another method",
            Self::Kept => "answers that the server keeps",
            Self::Batch => "answers that are fetched later, in files",
            Self::Unread => "a model's text in a form that is not read",
            Self::Scores => "scores, which are a model's judgement",
            Self::Inside => "other callers' requests, templates or counts of tokens",
            Self::Operation => "runs the server",
            Self::Media => "speech, images or films",
        }
    }
}

impl Verdict {
    /// The name in lists of routes.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Read(_) => "read",
            Self::Stored(_) => "stored",
            Self::NoText => "no_text",
            Self::Open => "open",
            Self::Refused(_) => "refused",
        }
    }
}

impl ServerKind {
    /// Every path that servers of this kind are known to have, with what becomes of requests for it.
    /// Nobody knows what is behind [`Self::Custom`], so it has the paths of all kinds.
    pub fn routes(self) -> impl Iterator<Item = KnownRoute> {
        let read = self.speaks().iter().flat_map(|id| {
            let endpoints = id.features().endpoints;
            let front = |names| if names { "/model/{id}" } else { "" };
            let read = endpoints.iter().map(move |it| KnownRoute {
                methods: &POST,
                front: front(it.names_model),
                path: it.path,
                whole: it.whole,
                verdict: Verdict::Read(*id),
            });
            let counts = id.features().count_endpoints.iter().map(move |path| KnownRoute {
                methods: &POST,
                front: front(endpoints.iter().all(|it| it.names_model)),
                path,
                whole: false,
                verdict: Verdict::NoText,
            });
            read.chain(counts)
        });
        let beside = self.tables().iter().flat_map(|table| table.iter().copied());
        // What is read is no way round where another kind has something else there.
        let beside = beside.filter(move |it| it.verdict == Verdict::Open || !self.reads(it.path));
        let mut listed = HashSet::new();
        read.chain(beside).filter(move |it| listed.insert((it.path, it.verdict.name())))
    }

    fn reads(self, path: &str) -> bool {
        let endpoints = self.speaks().iter().flat_map(|id| id.features().endpoints);
        endpoints.into_iter().any(|it| match it.whole {
            true => path == it.path,
            false => path.ends_with(it.path),
        })
    }

    /// The way round what a policy withholds to which a path leads that is no endpoint as it stands,
    /// however it is spelled.
    pub(super) fn way_round(self, path: &str) -> Option<WayRound> {
        let asked = Spelled::of(path);
        let listed = || self.routes().any(|it| it.verdict != Verdict::Open && asked.is(it.path));
        // What is read on every server, whether or not its kind is known to have it, is so in any spelling.
        let read = || {
            let mut endpoints = ProtocolId::ALL.into_iter().flat_map(|it| it.features().endpoints);
            endpoints.any(|it| if it.whole { asked.is_all(it.path) } else { asked.is(it.path) })
        };
        let respelled = || listed() || read();
        self.refused(&asked).or_else(|| respelled().then_some(WayRound::Respelled))
    }

    /// Whether a path is one that is refused here, however it is spelled.
    pub(super) fn refuses(self, path: &str) -> bool {
        self.refused(&Spelled::of(path)).is_some()
    }

    fn refused(self, asked: &Spelled) -> Option<WayRound> {
        self.tables().iter().flat_map(|table| table.iter()).find_map(|it| match it.verdict {
            Verdict::Refused(way) if asked.is(it.path) => Some(way),
            _ => None,
        })
    }

    /// Whether a path is listed with a verdict as it stands.
    pub(super) fn lists(self, path: &str, verdict: Verdict) -> bool {
        let tables = self.tables().iter().flat_map(|table| table.iter());
        tables.filter(|it| it.verdict == verdict).any(|it| match it.whole {
            true => path == it.path,
            false => path.ends_with(it.path),
        })
    }
}

pub(super) static POST: [Method; 1] = [Method::POST];

/// The segments of a path as a lenient server may read them: with those that change nothing, without them, and
/// without those that a `..` takes back.
struct Spelled([Vec<String>; 3]);

impl Spelled {
    fn of(path: &str) -> Self {
        let text = unescaped(path).to_lowercase();
        let (mut all, mut plain, mut resolved) = (Vec::new(), Vec::new(), Vec::new());
        for part in text.split(['/', '\\']) {
            all.push(part.trim().to_owned());
            match without_parameters(part) {
                "" | "." => {}
                ".." => {
                    resolved.pop();
                }
                _ => {
                    plain.push(part.trim().to_owned());
                    resolved.push(part.trim().to_owned());
                }
            }
        }
        all.retain(|part| !part.is_empty());
        Self([all, plain, resolved])
    }

    /// Whether a listed path is how it ends.
    fn is(&self, listed: &str) -> bool {
        self.0.iter().any(|segments| ends(segments, listed))
    }

    /// Whether a listed path is all of it.
    fn is_all(&self, listed: &str) -> bool {
        let count = listed.split('/').filter(|it| !it.is_empty()).count();
        self.0.iter().any(|segments| segments.len() == count && ends(segments, listed))
    }
}

/// A segment up to where a server may take what follows for parameters, a query or a fragment.
fn without_parameters(segment: &str) -> &str {
    segment.split([';', '?', '#']).next().unwrap_or_default().trim()
}

/// Whether segments end as a listed path does.
fn ends(segments: &[String], listed: &str) -> bool {
    let (front, below) = match listed.strip_suffix("/*") {
        Some(front) => (front, true),
        None => (listed, false),
    };
    let listed: Vec<&str> = front.split('/').filter(|it| !it.is_empty()).collect();
    let alike = |run: &[String]| run.iter().zip(&listed).all(|(own, listed)| same(own, listed));
    let mut runs = segments.windows(listed.len().max(1));
    match (listed.is_empty(), below) {
        (true, _) => segments.is_empty(),
        (false, true) => runs.any(alike),
        (false, false) => runs.next_back().is_some_and(alike),
    }
}

/// Whether a segment, in lower case, is the listed one, with parameters or without: `{id}`, `NAME:method` by its
/// method, or itself.
fn same(own: &str, listed: &str) -> bool {
    [own, without_parameters(own)].into_iter().any(|own| match listed.strip_prefix(':') {
        Some(method) => {
            own.rsplit_once(':').is_some_and(|(_, own)| own.eq_ignore_ascii_case(method))
        }
        None => listed == "{id}" || own.eq_ignore_ascii_case(listed),
    })
}
