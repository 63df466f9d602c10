//! The carriers of marks: their order under `[marks]`, and a section for each that can be set.

use std::num::{NonZeroU8, NonZeroU32};

use http::HeaderValue;

use super::reader::Reader;
use super::secret::credential;
use super::setting::{Kind, Setting};
use crate::countermeasure::watermark::{
    Carrier, CarrierSetting, Carriers, KeyOf, LogitBias, Sglang, VllmXargs,
};

/// Whether the upstream is asked, before a carrier is relied on, whether it knows it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Probe {
    /// Every carrier is taken to work.
    Off,
    /// A carrier is used from when it has been seen to work.
    #[default]
    On,
    /// The proxy does not start unless every carrier has been seen to work.
    Required,
}

/// The longest context of SGLang's mark.
const LONGEST_WINDOW: u8 = 64;

/// The greatest bias of a vLLM plugin; those in use are around 2.
const GREATEST_DELTA: f64 = 20.0;

/// The greatest bias of `logit_bias`: beyond it the text suffers and the mark gains little.
const GREATEST_BIAS: f64 = 2.0;

pub(super) fn read(reader: &mut Reader<'_>) -> (Carriers, Probe, Option<HeaderValue>) {
    let Order(order) = reader.or("marks", "carriers", Order(vec![Carrier::Lexical]));
    let probe = reader.or("marks", "probe", Probe::default());
    let credential = credential(reader, "marks", "probe_key", "probe_key_file");
    let sglang = sglang(reader);
    let vllm_xargs = vllm_xargs(reader);
    let mut logit_bias = logit_bias(reader, order.contains(&Carrier::LogitBias));
    for section in ["sglang", "vllm_xargs", "logit_bias"] {
        reader.close("marks", section);
    }
    let settings = order.into_iter().filter_map(|carrier| match carrier {
        Carrier::Sglang => Some(CarrierSetting::Sglang(sglang)),
        Carrier::Vllm => Some(CarrierSetting::Vllm),
        Carrier::VllmXargs => Some(CarrierSetting::VllmXargs(vllm_xargs.clone())),
        // What is missing has been reported.
        Carrier::LogitBias => logit_bias.take().map(CarrierSetting::LogitBias),
        Carrier::Lexical => Some(CarrierSetting::Lexical),
    });
    (Carriers::new(settings.collect()), probe, credential)
}

fn sglang(reader: &mut Reader<'_>) -> Sglang {
    let default = Sglang::default();
    let context_window = reader.or("marks.sglang", "context_window", default.context_window);
    if context_window.get() > LONGEST_WINDOW {
        let message = format!("must be from 1 to {LONGEST_WINDOW}");
        reader.wrong("marks.sglang", "context_window", message);
    }
    Sglang { context_window }
}

fn vllm_xargs(reader: &mut Reader<'_>) -> VllmXargs {
    const SECTION: &str = "marks.vllm_xargs";
    let default = VllmXargs::default();
    let gamma = reader.or(SECTION, "gamma", default.gamma);
    if !(gamma > 0.0 && gamma < 1.0) {
        reader.wrong(SECTION, "gamma", "must be between 0 and 1".to_owned());
    }
    let delta = reader.or(SECTION, "delta", default.delta);
    if !(delta > 0.0 && delta <= GREATEST_DELTA) {
        reader.wrong(SECTION, "delta", format!("must be above 0 and at most {GREATEST_DELTA}"));
    }
    let default_scheme = SeedingScheme(default.seeding_scheme);
    let SeedingScheme(seeding_scheme) = reader.or(SECTION, "seeding_scheme", default_scheme);
    let key_of = reader.or(SECTION, "key", default.key_of);
    VllmXargs { gamma, delta, seeding_scheme, key_of }
}

/// `None` if it is not among the carriers, or if something is wrong, which is then reported.
fn logit_bias(reader: &mut Reader<'_>, wanted: bool) -> Option<LogitBias> {
    const SECTION: &str = "marks.logit_bias";
    let tokenizer = reader.path(SECTION, "tokenizer");
    let entries = reader.or(SECTION, "entries", std::num::NonZeroUsize::MIN.saturating_add(299));
    let delta = reader.or(SECTION, "delta", 1.5);
    if !(delta > 0.0 && delta <= GREATEST_BIAS) {
        reader.wrong(SECTION, "delta", format!("must be above 0 and at most {GREATEST_BIAS}"));
    }
    if entries.get() < 2 {
        reader.wrong(SECTION, "entries", "must be at least 2: tokens come in pairs".to_owned());
    }
    if !wanted {
        return None;
    }
    let Some(tokenizer) = tokenizer else {
        let message = "is required with the carrier logit_bias: the tokenizer.json of the model";
        reader.wrong(SECTION, "tokenizer", message.to_owned());
        return None;
    };
    match pairs(&tokenizer) {
        Ok(pairs) => Some(LogitBias { pairs, entries: entries.get(), delta }),
        Err(message) => {
            reader.wrong(SECTION, "tokenizer", message);
            None
        }
    }
}

type Pairs = std::sync::Arc<dyn crate::countermeasure::watermark::Entries>;

#[cfg(feature = "tokenizers")]
fn pairs(file: &std::path::Path) -> Result<Pairs, String> {
    use crate::mark::lexicon::Lexicon;
    use crate::mark::paired::PairedClasses;
    use crate::mark::tokenizer::Tokenizer;

    let tokenizer = Tokenizer::read(file).map_err(|error| format!("cannot be used: {error}"))?;
    let pairs = PairedClasses::read(Lexicon::english(), &tokenizer);
    if pairs.pairs().is_empty() {
        let message = "has no pair of single tokens of the lexicon, which is English".to_owned();
        return Err(message);
    }
    Ok(std::sync::Arc::new(pairs))
}

#[cfg(not(feature = "tokenizers"))]
fn pairs(_: &std::path::Path) -> Result<Pairs, String> {
    let message = "cannot be read by this build: the carrier logit_bias needs the feature \
                   `tokenizers` (cargo build --release --features tokenizers)";
    Err(message.to_owned())
}

/// Carriers in order of preference.
struct Order(Vec<Carrier>);

impl Setting for Order {
    const KIND: Kind = Kind::List;
    const EXPECTED: &'static str = "a list of carriers, each at most once: \"sglang\", \"vllm\", \
         \"vllm_xargs\", \"logit_bias\", \"lexical\"";

    fn read(text: &str) -> Option<Self> {
        let mut order = Vec::new();
        for name in text.split(',') {
            let carrier = Carrier::ALL.into_iter().find(|carrier| carrier.name() == name.trim())?;
            if order.contains(&carrier) {
                return None;
            }
            order.push(carrier);
        }
        Some(Self(order))
    }
}

impl Setting for Probe {
    const KIND: Kind = Kind::Switch;
    const EXPECTED: &'static str = "true, false or \"required\"";

    fn read(text: &str) -> Option<Self> {
        match text {
            "true" => Some(Self::On),
            "false" => Some(Self::Off),
            "required" => Some(Self::Required),
            _ => None,
        }
    }
}

impl Setting for KeyOf {
    const EXPECTED: &'static str = "\"deployment\" or \"principal\"";

    fn read(text: &str) -> Option<Self> {
        match text {
            "deployment" => Some(Self::Deployment),
            "principal" => Some(Self::Principal),
            _ => None,
        }
    }
}

impl Setting for NonZeroU8 {
    const KIND: Kind = Kind::Integer;
    const EXPECTED: &'static str = "a whole number of at least 1";

    fn read(text: &str) -> Option<Self> {
        text.parse().ok()
    }
}

impl Setting for f64 {
    const KIND: Kind = Kind::Number;
    const EXPECTED: &'static str = "a number";

    fn read(text: &str) -> Option<Self> {
        text.replace('_', "").parse().ok().filter(|number: &Self| number.is_finite())
    }
}

/// A name without spaces, such as a region's.
pub(super) struct Name(pub(super) String);

impl Setting for Name {
    const EXPECTED: &'static str = "a name of letters, digits, `_` and `-`";

    fn read(text: &str) -> Option<Self> {
        let named = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
        (!text.is_empty() && text.bytes().all(named)).then(|| Self(text.to_owned()))
    }
}

/// A rule of the plugin vllm-sbw 1.0.0 by which tokens before choose the favoured ones. It fails requests
/// that name any other.
struct SeedingScheme(String);

/// The rules that have a name alone.
const PLAIN_SCHEMES: [&str; 11] = [
    "simple_1",
    "lefthash",
    "minhash",
    "skipgram",
    "algorithm-3",
    "gpu-simple_1",
    "gpu-minhash",
    "gpu-skipgram",
    "gpu-fused-simple_4-fullvocab",
    "gpu-fused-selfhash-fullvocab",
    "gpu-fused-selfhash-fullvocab-cudagraphs",
];

/// Those that have one alone, or with a number of candidates behind it.
const COUNTED_SCHEMES: [&str; 4] =
    ["selfhash", "gpu-selfhash", "gpu-fused-selfhash", "gpu-fused-simple_4"];

impl Setting for SeedingScheme {
    const EXPECTED: &'static str = "a seeding scheme of vllm-sbw: \"simple_1\", \"lefthash\", \
         \"minhash\", \"skipgram\", \"algorithm-3\", \"selfhash\", \"gpu-simple_1\", \"gpu-minhash\", \
         \"gpu-skipgram\", \"gpu-selfhash\", \"gpu-fused-selfhash\" or \"gpu-fused-simple_4\"; the ones \
         with `selfhash` and `gpu-fused` may have a number of candidates behind them \
         (\"gpu-fused-selfhash-40\"), and the ones with `gpu-fused` \"-fullvocab\"";

    fn read(text: &str) -> Option<Self> {
        let counted = COUNTED_SCHEMES.iter().filter_map(|scheme| text.strip_prefix(scheme));
        let is_count = |rest: &str| {
            let digits = rest.strip_prefix('-');
            rest.is_empty() || digits.is_some_and(|it| it.parse::<NonZeroU32>().is_ok())
        };
        let known = PLAIN_SCHEMES.contains(&text) || counted.into_iter().any(is_count);
        known.then(|| Self(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_schemes_that_the_plugin_knows_are_taken() {
        let default = VllmXargs::default().seeding_scheme;
        for scheme in
            [&default, "lefthash", "selfhash-40", "gpu-fused-selfhash-fullvocab-cudagraphs"]
        {
            assert!(SeedingScheme::read(scheme).is_some(), "{scheme}");
        }
        for scheme in [
            "",
            "selfhash-",
            "selfhash-x",
            "selfhash-0",
            "gpu-fused-selfhsh-fullvocab",
            "lefthash-4",
        ] {
            assert!(SeedingScheme::read(scheme).is_none(), "{scheme}");
        }
    }
}
