//! Marks on tokens, from sampling to the verdict of `guilloche verify`.
//!
//! A small model of this repository's documents writes token by token, with the tokenizer that
//! `fixtures/tokenizers/make.py` made, and chooses as SGLang, vLLM or a sampler with `logit_bias`
//! would. What is examined is its text.
#![cfg(all(feature = "cli", feature = "tokenizers"))]
#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "helpers of tests fail as tests do"
)]

mod accounts;
mod files;
mod plugin;
mod server_key;
mod support;
mod writer;
