//! Answers that a server keeps, and that are asked for by their ids.

use super::ProtocolId;
use super::target::unescaped;
use crate::secret::opaque_debug;

/// What is asked of an answer that was given before.
#[derive(Clone, Copy)]
pub(crate) struct Stored<'p> {
    /// The protocol in which it was given.
    pub(crate) protocol: ProtocolId,
    /// Its id.
    pub(crate) id: &'p str,
    /// What it was given to is asked for, not the answer itself.
    pub(crate) input: bool,
    /// It is to be stopped.
    pub(crate) cancels: bool,
}

opaque_debug!(Stored<'_>);

/// What below an endpoint is no answer's id.
const NO_IDS: [&str; 2] = ["compact", "input_tokens"];

/// What a path asks of a stored answer, if it does: `…/responses/ID`, with `/cancel` or `/input_items`.
pub(crate) fn stored(path: &str) -> Option<Stored<'_>> {
    let stores = ProtocolId::ALL.into_iter().filter(|id| id.features().stores);
    let mut found = stores.filter_map(|protocol| {
        let endpoint = protocol.features().endpoints.first()?.path;
        let at = path.rfind(&format!("{endpoint}/"))? + endpoint.len() + 1;
        let mut parts = path.get(at..)?.split('/');
        let id = parts.next().filter(|id| !id.is_empty() && !NO_IDS.contains(id))?;
        let asks = parts.next();
        let (input, cancels) = (asks == Some("input_items"), asks == Some("cancel"));
        let known = asks.is_none() || input || cancels;
        (known && parts.next().is_none()).then_some(Stored { protocol, id, input, cancels })
    });
    found.next()
}

/// All of a path that may be an id to some server, however it is written.
pub(crate) fn segments(path: &str) -> Vec<String> {
    let plain = unescaped(path);
    let parts = plain.split(['/', '\\', ';', '?', '#', ':', '=', '&', ',']);
    parts.map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect()
}

/// A target without what has its stream begin behind an event, and the number of that event. A stream that
/// is rewritten is asked for from its start: what it said before is known then.
pub(crate) fn from_its_start(target: &str) -> (String, Option<u64>) {
    let Some((path, query)) = target.split_once('?') else { return (target.to_owned(), None) };
    let mut after = None;
    let left: Vec<&str> = query
        .split(['&', ';'])
        .filter(|parameter| {
            let plain = unescaped(parameter).to_lowercase();
            let (name, value) = plain.split_once('=').unwrap_or((&plain, ""));
            let resumes = name.contains("starting_after");
            if resumes {
                after = value.trim().parse().ok().max(after);
            }
            !resumes
        })
        .collect();
    let query = left.join("&");
    let target = if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") };
    (target, after)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_of_a_stored_answer_is_told_by_the_path() {
        let asks = |path| stored(path).map(|it| (it.id.to_owned(), it.input, it.cancels));
        let id = || "resp_1".to_owned();
        assert_eq!(asks("/v1/responses/resp_1"), Some((id(), false, false)));
        assert_eq!(asks("/openai/v1/responses/resp_1/input_items"), Some((id(), true, false)));
        assert_eq!(asks("/v1/responses/resp_1/cancel"), Some((id(), false, true)));
        for path in [
            "/v1/responses",
            "/v1/responses/",
            "/v1/responses/compact",
            "/v1/responses/resp_1/",
            "/v1/responses/resp_1/other",
            "/v1/responses/resp_1/cancel/x",
            "/v1/chat/completions/x",
        ] {
            assert_eq!(asks(path), None, "{path}");
        }
        assert!(segments("/v1//responses/resp%255F1;x/../y").contains(&"resp_1".to_owned()));
    }

    // Break it: look for the parameter as it is spelled in the documentation.
    #[test]
    fn a_stream_is_asked_for_from_its_start_however_its_middle_is_asked_for() {
        for (target, from, after) in [
            ("/r/1", "/r/1", None),
            ("/r/1?stream=true&starting_after=7", "/r/1?stream=true", Some(7)),
            ("/r/1?starting%5Fafter=7", "/r/1", Some(7)),
            ("/r/1?Starting_After=7;a=b&starting_after=9", "/r/1?a=b", Some(9)),
            ("/r/1?starting_after[]=x&a", "/r/1?a", None),
        ] {
            assert_eq!(from_its_start(target), (from.to_owned(), after), "{target}");
        }
    }
}
