//! What tells of each carrier whether the upstream knows it.

use serde_json::{Map, Value, json};

use super::conversation::{Conversation, NotNow, Said};
use crate::countermeasure::watermark::{CarrierSetting, LogitBias, Sglang, VllmXargs};
use crate::mark::cell::MarkKey;

/// What a trial found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The carrier does what it should.
    Works,
    /// The upstream ignores it or refuses it.
    Fails(String),
    /// The upstream could not be asked, or its answers tell nothing.
    Open(String),
}

/// Tries a carrier out.
pub(super) async fn of(setting: &CarrierSetting, upstream: &mut Conversation) -> Verdict {
    let verdict = match setting {
        CarrierSetting::Sglang(settings) => sglang(settings, upstream).await,
        CarrierSetting::Vllm => vllm(upstream).await,
        CarrierSetting::VllmXargs(settings) => vllm_xargs(settings, upstream).await,
        CarrierSetting::LogitBias(settings) => logit_bias(settings, upstream).await,
        CarrierSetting::Lexical => Ok(Verdict::Works),
    };
    verdict.unwrap_or_else(|NotNow(reason)| Verdict::Open(reason))
}

fn fails(reason: impl Into<String>) -> Result<Verdict, NotNow> {
    Ok(Verdict::Fails(reason.into()))
}

/// A server that knows the member refuses a key that is none, and takes one that is.
async fn sglang(settings: &Sglang, upstream: &mut Conversation) -> Result<Verdict, NotNow> {
    let with_key = |key: &str| -> Value {
        let value = serde_json::from_str(&settings.value(key)).unwrap_or(Value::Null);
        json!({"watermark": value})
    };
    if let Said::Text(_) = upstream.say(1, with_key("no key")).await? {
        return fails("it takes a `watermark` whose key is none, so it does not read it");
    }
    match upstream.say(1, with_key("0")).await? {
        Said::Text(_) => Ok(Verdict::Works),
        Said::Refused(status) => fails(format!(
            "it refuses `watermark` with status {status}: is it SGLang, started with \
             --enable-watermark and a context window of at least {}?",
            settings.context_window
        )),
    }
}

/// A server that knows the member refuses one of another type; its engine counts marked requests if
/// it has a mark.
async fn vllm(upstream: &mut Conversation) -> Result<Verdict, NotNow> {
    if let Said::Text(_) = upstream.say(1, json!({"watermarking": "no switch"})).await? {
        return fails("it takes a `watermarking` that is no switch, so it does not read it");
    }
    let counts = upstream.metrics().await?.is_some_and(|metrics| {
        memchr::memmem::find(&metrics, b"vllm:watermark_requests").is_some()
    });
    if counts {
        return Ok(Verdict::Works);
    }
    fails(
        "its /metrics do not count vllm:watermark_requests: is it vLLM, started with \
         --watermark-config?",
    )
}

/// A plugin that works changes what the model says when it must, and only then.
async fn vllm_xargs(settings: &VllmXargs, upstream: &mut Conversation) -> Result<Verdict, NotNow> {
    const TOKENS: u32 = 16;
    let with_delta = |delta: f64| -> Value {
        let object = format!("{{{}}}", settings.members(delta, 1));
        let xargs: Value = serde_json::from_str(&object).unwrap_or(Value::Null);
        json!({"temperature": 0, "vllm_xargs": xargs})
    };
    let Said::Text(plain) = upstream.say(TOKENS, with_delta(0.0)).await? else {
        return fails("it refuses `vllm_xargs`");
    };
    let Said::Text(marked) = upstream.say(TOKENS, with_delta(50.0)).await? else {
        return fails("it refuses `vllm_xargs`");
    };
    if marked == plain {
        return fails("the greatest bias changes nothing: the plugin is not there");
    }
    match upstream.say(TOKENS, with_delta(0.0)).await? {
        Said::Text(again) if again == plain => Ok(Verdict::Works),
        _ => Ok(Verdict::Open("it does not say the same twice, so nothing can be seen".to_owned())),
    }
}

/// With the greatest bias, a server that heeds it says one token over and over.
async fn logit_bias(settings: &LogitBias, upstream: &mut Conversation) -> Result<Verdict, NotNow> {
    const TOKENS: u32 = 4;
    let pair = settings.pairs.entries(&MarkKey::from_bytes([0; 32]), settings.delta, 2);
    let mut said = Vec::new();
    for (token, _) in pair {
        let bias: Map<String, Value> = Map::from_iter([(token.to_string(), json!(100))]);
        match upstream.say(TOKENS, json!({"temperature": 0, "logit_bias": bias})).await? {
            Said::Text(text) => said.push(text),
            Said::Refused(status) => {
                return fails(format!("it refuses `logit_bias` with status {status}"));
            }
        }
    }
    match said.as_slice() {
        [one, other] if one != other && repeats(one) && repeats(other) => Ok(Verdict::Works),
        _ => fails(
            "the greatest bias on a token does not make the model say it: the server ignores \
             `logit_bias`, or the tokenizer is not this model's",
        ),
    }
}

/// Whether a text is one piece said at least twice, white space aside.
fn repeats(text: &str) -> bool {
    let letters: Vec<char> = text.chars().filter(|letter| !letter.is_whitespace()).collect();
    let all = letters.len();
    (1..=all / 2).any(|length| {
        let shifted = letters.iter().skip(length);
        all % length == 0 && letters.iter().zip(shifted).all(|(one, next)| one == next)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_repeats_if_it_is_one_piece_over_and_over() {
        for text in ["use use use use", "UseUseUseUse", "\nbig\n big", "aa"] {
            assert!(repeats(text), "{text}");
        }
        for text in ["", "a", "use utilize use utilise", "I see two words", "abab a"] {
            assert!(!repeats(text), "{text}");
        }
    }
}
