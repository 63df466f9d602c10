//! What a downgrade does to the target of a request.
//!
//! A name where paths name the model is mapped like the body's. What else of a path or a query may be
//! a model counts as one only if a pattern of the policy has its name: an honest prefix is no model,
//! so that the model for all others takes no part.

use std::ops::Range;

use super::replacement;
use crate::policy::plan::Downgrade;
use crate::wire::json::Edit;
use crate::wire::{Edits, Parameter, Place, Request};

/// Has the path of a request name other models.
pub(super) fn redirect(settings: &Downgrade, request: &Request, edits: &mut Edits) {
    let target = &request.target;
    let named = request.models.iter().filter_map(|model| match &model.place {
        Place::Path(span) | Place::Segment(span) => {
            Some((span.clone(), replacement(settings, model.name.as_deref())?))
        }
        Place::Body(_) | Place::Query(_) => None,
    });
    let mut replaced: Vec<(Range<usize>, &str)> = named.collect();
    let mentioned = settings.models.iter().flat_map(|(pattern, model)| {
        let names = target.names(pattern.segments());
        let covered = names.filter(move |name| {
            target.get(name).is_some_and(|name| name != model && pattern.covers_word(name))
        });
        covered.map(|name| (name, model.as_str()))
    });
    replaced.extend(mentioned);
    for (name, model) in longest(replaced) {
        edits.set(&target.place(name), model);
    }
}

/// Takes what of the query chooses a model, or sets what is governed, out of it.
pub(super) fn close(settings: &Downgrade, request: &Request, edits: &mut Edits) {
    // Where the protocol has a model, it was replaced.
    let replaced = |parameter: &Parameter| {
        request.models.iter().any(|model| match &model.place {
            Place::Query(span) => parameter.span.contains(&span.start),
            Place::Body(_) | Place::Path(_) | Place::Segment(_) => false,
        })
    };
    let closed = request.target.parameters().filter(|it| closes(settings, it) && !replaced(it));
    edits.query.extend(closed.map(|parameter| Edit::literal(parameter.span, "")));
}

/// Of names in a path, of which one may be part of another, the longest that begin first.
fn longest(mut names: Vec<(Range<usize>, &str)>) -> Vec<(Range<usize>, &str)> {
    names.sort_by_key(|(name, _)| (name.start, std::cmp::Reverse(name.end)));
    let mut kept: Vec<(Range<usize>, &str)> = Vec::new();
    for (name, model) in names {
        match kept.last_mut() {
            Some((last, _)) if name.start < last.end => {}
            // A vendor before it that is covered, too.
            Some((last, _)) if name.start == last.end + 1 => last.end = name.end,
            _ => kept.push((name, model)),
        }
    }
    kept
}

/// Whether a parameter has to go: by its name, or since it says the name of a model that is replaced.
fn closes(settings: &Downgrade, parameter: &Parameter) -> bool {
    let names = |word: &str| settings.replaces(word);
    parameter.overrides
        || settings.replaces_models() && (parameter.chooses || parameter.words().any(names))
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::wire::chat::Chat;
    use crate::wire::{Protocol, Target};

    fn settings(models: &[(&str, &str)], other: Option<&str>) -> Downgrade {
        let models = models.iter();
        Downgrade {
            models: models
                .map(|(pattern, model)| (pattern.parse().unwrap(), (*model).to_owned()))
                .collect(),
            other_models: other.map(str::to_owned),
            max_output_tokens: None,
            max_effort: None,
            max_thinking_tokens: None,
            disclose: true,
        }
    }

    fn to(settings: &Downgrade, target: &str) -> String {
        let request = Chat.scan_request(Target::of(target), b"{}").unwrap();
        let mut edits = Edits::default();
        redirect(settings, &request, &mut edits);
        close(settings, &request, &mut edits);
        let edited = edits.apply(&request.target, Bytes::new());
        edited.target.unwrap_or_else(|| "same".to_owned())
    }

    #[test]
    fn a_model_is_mapped_wherever_it_stands_in_the_path() {
        let settings =
            settings(&[("big", "small"), ("org/*", "o/s"), ("gpt-*", "mini")], Some("x y"));
        for (path, redirected) in [
            ("/upstream/big/v1/chat/completions", "/upstream/small/v1/chat/completions"),
            ("/BIG/v1/messages?a=1", "/small/v1/messages?a=1"),
            ("/openai/big:think/chat/completions", "/openai/small/chat/completions"),
            ("/v1/big/chat/completions", "/v1/small/chat/completions"),
            ("/a/@b:big/v1/chat/completions", "/a/@b:small/v1/chat/completions"),
            ("/a/org/any/v1/chat/completions", "/a/o/s/v1/chat/completions"),
            ("/gpt-5/big/v1/chat/completions", "/mini/v1/chat/completions"),
            ("/big/a/gpt-5/v1/chat/completions", "/small/a/mini/v1/chat/completions"),
            (
                "/openai/deployments/big/chat/completions",
                "/openai/deployments/small/chat/completions",
            ),
            ("/deployments/any/chat/completions", "/deployments/x%20y/chat/completions"),
            (
                "/big/deployments/big/x/chat/completions",
                "/small/deployments/x%20y/chat/completions",
            ),
        ] {
            assert_eq!(to(&settings, path), redirected, "{path}");
        }
    }

    #[test]
    fn an_honest_prefix_is_no_model() {
        let wide =
            settings(&[("*", "small"), ("o*", "mini"), ("deepseek*", "mini")], Some("small"));
        for path in [
            "/v1/chat/completions",
            "/api/v1/chat/completions?api-version=2024-10-21",
            "/openai/v1/chat/completions",
            "/deepseek/v1/chat/completions",
            "/anthropic/v1/messages?beta=true",
            "/some/tenant-7/v1/messages",
        ] {
            assert_eq!(to(&wide, path), "same", "{path}");
        }
        // What it would be replaced by is none.
        let same = settings(&[("small*", "small")], None);
        assert_eq!(to(&same, "/small/v1/chat/completions?m=small"), "same");
    }

    #[test]
    fn a_query_says_nothing_of_models_and_caps() {
        let settings = settings(&[("big", "small"), ("a*", "small")], None);
        for (query, left) in [
            ("?model=any", ""),
            ("?a=1&model=any", "?a=1"),
            ("?model=any&a=1", "?a=1"),
            ("?a=1;m%6fdel=any&b=2", "?a=1;b=2"),
            ("?api-version=1&x=any", "?api-version=1"),
            ("?api-version=1&d=big", "?api-version=1"),
            ("?c=%7B%22m%22:%22org%2Fbig%22%7D", ""),
            ("?big", ""),
            ("?m[big]=1&x=?model=any", "?x="),
            ("?max_tokens=9&x", "?x"),
        ] {
            let path = "/v1/chat/completions";
            assert_eq!(
                to(&settings, &format!("{path}{query}")),
                format!("{path}{left}"),
                "{query}"
            );
        }
        let long = format!("/v1/chat/completions?{}", "a=b&".repeat(2000));
        assert_eq!(to(&settings, &long), "/v1/chat/completions");
    }
}
