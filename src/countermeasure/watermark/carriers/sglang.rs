//! SGLang's own mark, with a key of the account or cluster in each request.
//!
//! SGLang (0.5.23, started with `--enable-watermark`) takes
//! `"watermark":{"enabled":true,"key":"<16 hexadecimal digits>","context_window":n}` in chat
//! completions. Its mark is Aaronson's: the key and the tokens before decide which of the likely
//! tokens is drawn, each as often as the model would draw it. So it is sound for an answer that
//! follows a grammar as well. Under one key a prompt gets the same answer each time it is sent,
//! though, so that several choices would all be alike; and probabilities beside the answer would
//! show which tokens the key has drawn.

use std::num::NonZeroU8;

use zeroize::Zeroizing;

use crate::wire::Use;
use crate::wire::json::Edit;

use super::asked::Asked;

/// How SGLang is told to mark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sglang {
    /// How many tokens before each the mark depends on; at most what the server is started with. A
    /// student learns marks of short windows best.
    pub context_window: NonZeroU8,
}

impl Default for Sglang {
    fn default() -> Self {
        Self { context_window: NonZeroU8::MIN.saturating_add(1) }
    }
}

impl Sglang {
    /// The value of `watermark` for a key of up to sixteen hexadecimal digits. It holds the key.
    #[must_use]
    pub fn value(&self, key: &str) -> Zeroizing<String> {
        let window = self.context_window;
        Zeroizing::new(format!(r#"{{"enabled":true,"key":"{key}","context_window":{window}}}"#))
    }

    pub(super) fn edits(&self, asked: &Asked<'_>) -> Option<Vec<Edit>> {
        let generation = &asked.request.generation;
        let unmarked = generation.greedy || generation.beam;
        if unmarked || asked.several() || asked.used(&[Use::Probabilities]) {
            return None;
        }
        let key = asked.keys.engine_key(asked.terms.epoch, asked.terms.recipient);
        asked.add("watermark", &self.value(&key.hex()))
    }
}
