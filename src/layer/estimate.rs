//! What is taken for known of tokens before anybody has counted them.

/// Bytes of text per token, where the upstream has not stated the tokens: what vendors give as a
/// rule of thumb for English.
const BYTES_PER_TOKEN: u64 = 4;

/// The tokens that so many bytes of text are taken for.
pub(super) fn estimated_tokens(bytes: u64) -> u64 {
    bytes.div_ceil(BYTES_PER_TOKEN)
}

/// More bytes of text than any tokenizer takes for a token over a whole answer, escaped as JSON may be.
const MOST_BYTES_PER_TOKEN: u64 = 32;

/// The tokens that an upstream states for so many bytes of text, unless it cannot be: then those that they
/// are taken for.
pub(super) fn believed_tokens(stated: u64, bytes: u64) -> u64 {
    if stated < bytes / MOST_BYTES_PER_TOKEN { estimated_tokens(bytes) } else { stated }
}

/// What a request is expected to use.
#[derive(Clone, Copy, Debug)]
pub(super) struct Estimate {
    pub(super) input_tokens: u64,
    /// The cap on output tokens, if it has one.
    pub(super) output_cap: Option<u64>,
}
