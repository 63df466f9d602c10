//! What a downgrade does to the target of a request.
//!
//! A name where paths name the model is mapped like the body's. What else of a path or a query may be
//! a model counts as one only if a pattern of the policy has its name: an honest prefix is no model,
//! so that the model for all others takes no part.

use std::fmt::Write;
use std::ops::Range;

use super::replacement;
use crate::policy::plan::Downgrade;
use crate::secret::opaque_debug;
use crate::wire::json::{Edit, splice};
use crate::wire::{Parameter, Target};

/// What becomes of a target.
#[derive(Default)]
pub(super) struct Redirected {
    /// The one that the request goes to instead.
    pub(super) target: Option<String>,
    /// The path named a model that is replaced.
    pub(super) model_replaced: bool,
    /// Parameters that are taken out of the query.
    pub(super) parameters_closed: u64,
}

opaque_debug!(Redirected);

/// What becomes of `target`.
pub(super) fn redirected(settings: &Downgrade, target: &Target) -> Redirected {
    let named = target.model().and_then(|model| replacement(settings, Some(model)));
    let mut replaced: Vec<(Range<usize>, &str)> =
        target.model_span().zip(named).into_iter().collect();
    let mentioned = settings.models.iter().flat_map(|(pattern, model)| {
        let names = target.names(pattern.segments());
        let covered = names.filter(move |name| {
            target.get(name).is_some_and(|name| name != model && pattern.covers_word(name))
        });
        covered.map(|name| (name, model.as_str()))
    });
    replaced.extend(mentioned);
    let mut edits = edits(replaced);
    let model_replaced = !edits.is_empty();
    let closed = target.parameters().filter(|it| closes(settings, it));
    let before = edits.len();
    edits.extend(closed.map(|parameter| Edit::literal(parameter.span, "")));
    let parameters_closed = (edits.len() - before) as u64;
    let target = (!edits.is_empty()).then(|| {
        let redirected = splice(target.as_str().as_bytes(), &mut edits);
        let redirected = String::from_utf8_lossy(&redirected).into_owned();
        let kept = redirected.trim_end_matches(['&', ';', '?']).len();
        redirected
            .get(..kept)
            .filter(|_| parameters_closed > 0)
            .map(str::to_owned)
            .unwrap_or(redirected)
    });
    Redirected { target, model_replaced, parameters_closed }
}

/// The edits of a path, of names of which one may be part of another: the longest that begins first.
fn edits(mut names: Vec<(Range<usize>, &str)>) -> Vec<Edit> {
    names.sort_by_key(|(name, _)| (name.start, std::cmp::Reverse(name.end)));
    let mut edits: Vec<Edit> = Vec::new();
    for (name, model) in names {
        match edits.last_mut() {
            Some(last) if name.start < last.span.end => {}
            // A vendor before it that is covered, too.
            Some(last) if name.start == last.span.end + 1 => last.span.end = name.end,
            _ => edits.push(Edit::literal(name, in_path(model))),
        }
    }
    edits
}

/// Whether a parameter has to go: by its name, or since it says the name of a model that is replaced.
fn closes(settings: &Downgrade, parameter: &Parameter) -> bool {
    let names = |word: &str| settings.replaces(word);
    parameter.overrides
        || settings.replaces_models() && (parameter.chooses || parameter.words().any(names))
}

/// The name of a model as a path has it.
fn in_path(model: &str) -> String {
    let mut out = String::with_capacity(model.len());
    for byte in model.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/:@".contains(&byte) {
            out.push(byte.into());
        } else {
            // Writing to a string does not fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

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
        redirected(settings, &Target::of(target)).target.unwrap_or_else(|| "same".to_owned())
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
