//! Settings as a policy file writes them: the way back from a [`Plan`].

use serde::Serialize;
use toml::{Table, Value};

use super::countermeasure::Countermeasure;
use super::exemption::Exemption;
use super::ladder::{Grade, RequestScope};
use super::plan::{
    Downgrade, Keep, Limits, Measure, Mode, Pace, Plan, Rate, Reasoning, Refuse, Seal,
    SideChannels, Strength, Watermark,
};
use super::value::quota_text;

/// A table of the members that have a value.
fn table<const N: usize>(members: [(&str, Option<Value>); N]) -> Table {
    let given = members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
    given.collect()
}

fn texts<T: ToString>(values: impl IntoIterator<Item = T>) -> Value {
    Value::Array(values.into_iter().map(|value| Value::String(value.to_string())).collect())
}

fn text(value: &str) -> Value {
    Value::String(value.to_owned())
}

fn number(value: impl Into<u32>) -> Value {
    Value::Integer(value.into().into())
}

fn duration(duration: std::time::Duration) -> Value {
    Value::String(format!("{}ns", duration.as_nanos()))
}

/// One of the names that an enumeration is read by.
pub(super) fn named(value: impl Serialize) -> Option<Value> {
    Value::try_from(value).ok()
}

pub(super) fn scope(scope: &RequestScope) -> Table {
    let RequestScope { routes, protocols, models } = scope;
    table([
        ("routes", routes.as_ref().map(texts)),
        ("protocols", protocols.as_ref().map(|all| texts(all.iter().map(|one| one.name())))),
        ("models", models.as_ref().map(|models| texts(models.iter()))),
    ])
}

pub(super) fn exemption(exemption: &Exemption) -> Table {
    let Exemption { account, cluster, tenant, owner, reason, expires, covers: _, notice: _ } =
        exemption;
    let covered = Countermeasure::ALL.into_iter().filter(|one| exemption.covers(*one));
    // A date of the calendar is one of TOML's, but for years that no exemption lasts to.
    let expires = expires.to_string().parse().map_or_else(|_| text(""), Value::Datetime);
    table([
        ("account", account.as_deref().map(text)),
        ("cluster", cluster.as_deref().map(text)),
        ("tenant", tenant.as_deref().map(text)),
        ("owner", Some(text(owner))),
        ("reason", Some(text(reason))),
        ("expires", Some(expires)),
        ("covers", Some(texts(covered.map(Countermeasure::name)))),
    ])
}

pub(super) fn grade(grade: &Grade) -> Table {
    let Grade { name, at, min_confidence, plan } = grade;
    let Plan { refuse, rate, downgrade, side_channels, reasoning, watermark, pace } = &**plan;
    table([
        ("name", Some(text(name))),
        ("at", Some(Value::Float(*at))),
        ("min_confidence", Some(Value::Float(*min_confidence))),
        ("refuse", measure(refuse, self::refuse)),
        ("rate", measure(rate, self::rate)),
        ("downgrade", measure(downgrade, self::downgrade)),
        ("side_channels", measure(side_channels, self::side_channels)),
        ("reasoning", measure(reasoning, self::reasoning)),
        ("watermark", measure(watermark, self::watermark)),
        ("pace", measure(pace, self::pace)),
    ])
}

fn measure<T>(measure: &Option<Measure<T>>, write: impl Fn(&T) -> Table) -> Option<Value> {
    let Measure { mode, settings } = measure.as_ref()?;
    let mut table = write(settings);
    if *mode == Mode::Observe {
        table.extend(named(mode).map(|mode| ("mode".to_owned(), mode)));
    }
    Some(Value::Table(table))
}

fn refuse(settings: &Refuse) -> Table {
    let Refuse { message } = settings;
    table([("message", Some(text(message)))])
}

fn rate(settings: &Rate) -> Table {
    let Rate { account, cluster, advertised, reserve_output_tokens } = settings;
    let limited = |limits: &Limits| {
        (*limits != Limits::default()).then(|| Value::Table(self::limits(limits)))
    };
    table([
        ("account", limited(account)),
        ("cluster", limited(cluster)),
        ("advertised", advertised.as_ref().map(|shown| Value::Table(limits(shown)))),
        ("reserve_output_tokens", Some(number(*reserve_output_tokens))),
    ])
}

fn limits(limits: &Limits) -> Table {
    let Limits { requests, input_tokens, output_tokens, reasoning_tokens, concurrency } = limits;
    let [requests, input_tokens, output_tokens, reasoning_tokens] =
        [requests, input_tokens, output_tokens, reasoning_tokens]
            .map(|quota| quota.as_ref().map(|quota| Value::String(quota_text(quota))));
    table([
        ("requests", requests),
        ("input_tokens", input_tokens),
        ("output_tokens", output_tokens),
        ("reasoning_tokens", reasoning_tokens),
        ("concurrency", concurrency.map(number)),
    ])
}

fn downgrade(settings: &Downgrade) -> Table {
    let Downgrade {
        models,
        other_models,
        max_output_tokens,
        max_effort,
        max_thinking_tokens,
        disclose,
    } = settings;
    let models = models.iter().map(|(pattern, model)| (pattern.to_string(), text(model)));
    table([
        ("models", Some(Value::Table(models.collect()))),
        ("other_models", other_models.as_deref().map(text)),
        ("max_output_tokens", max_output_tokens.map(number)),
        ("max_effort", max_effort.map(|effort| text(effort.name()))),
        ("max_thinking_tokens", max_thinking_tokens.map(number)),
        ("disclose", Some(Value::Boolean(*disclose))),
    ])
}

fn side_channels(settings: &SideChannels) -> Table {
    let SideChannels { max_choices, allow } = settings;
    table([("max_choices", Some(number(*max_choices))), ("allow", Some(texts(allow)))])
}

fn reasoning(settings: &Reasoning) -> Table {
    let Reasoning { keep, opened_by_template, ask_upstream, round_usage, seal } = settings;
    let amount = |name: &str, value| Value::Table(table([(name, Some(value))]));
    let written = match keep {
        Keep::None => text("none"),
        Keep::Conclusion => text("conclusion"),
        Keep::Summary => text("summary"),
        Keep::Words(words) => amount("words", number(*words)),
        Keep::Share(share) => amount("share", Value::Float(*share)),
    };
    table([
        ("keep", Some(written)),
        // What is signed is sealed whatever is kept of the rest; where some is, a file has to say so.
        ("signed", (*keep != Keep::None).then(|| text("seal"))),
        ("opened_by_template", Some(texts(opened_by_template))),
        ("ask_upstream", Some(Value::Boolean(*ask_upstream))),
        ("round_usage", round_usage.map(number)),
        ("seal", seal.as_ref().map(|seal| Value::Table(self::seal(seal)))),
    ])
}

fn seal(settings: &Seal) -> Table {
    let Seal { lifetime, bind, unopened, bucket, in_strings } = settings;
    table([
        ("lifetime", Some(duration(*lifetime))),
        ("bind", named(bind)),
        ("unopened", named(unopened)),
        ("bucket", Some(number(*bucket))),
        ("in_strings", Some(Value::Boolean(*in_strings))),
    ])
}

fn watermark(settings: &Watermark) -> Table {
    let Watermark { strength: Strength { min, max, at: _ }, multi_turn } = settings;
    let bounds = [("min", Some(Value::Float(*min))), ("max", Some(Value::Float(*max)))];
    table([("strength", Some(Value::Table(table(bounds)))), ("multi_turn", named(multi_turn))])
}

fn pace(settings: &Pace) -> Table {
    let Pace { tokens_per_second, shared_by, first_token_delay } = settings;
    let delay = first_token_delay.map(|delay| {
        let bounds = [("min", Some(duration(delay.min))), ("max", Some(duration(delay.max)))];
        Value::Table(table(bounds))
    });
    table([
        ("tokens_per_second", tokens_per_second.map(number)),
        ("shared_by", named(shared_by)),
        ("first_token_delay", delay),
    ])
}
