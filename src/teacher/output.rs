//! Blocks of thinking, text and tool calls, and the tokens that they are cut into.

/// One run of output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Block {
    Thinking(String),
    /// Reasoning written inside the content, tags included.
    Inline(String),
    Text(String),
    Call {
        id: String,
        name: String,
        arguments: String,
    },
}

impl Block {
    pub(crate) fn text(&self) -> &str {
        match self {
            Self::Thinking(text) | Self::Inline(text) | Self::Text(text) => text,
            Self::Call { arguments, .. } => arguments,
        }
    }
}

/// Why output ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Finish {
    End,
    StopSequence(String),
    Length,
    ToolCalls,
}

/// One delta: some tokens of one block.
#[derive(Clone, Debug)]
pub(crate) struct Piece {
    pub(crate) block: usize,
    pub(crate) tokens: Vec<String>,
}

impl Piece {
    pub(crate) fn text(&self) -> String {
        self.tokens.concat()
    }
}

/// A finished output.
#[derive(Clone, Debug)]
pub(crate) struct Output {
    pub(crate) blocks: Vec<Block>,
    pub(crate) pieces: Vec<Piece>,
    pub(crate) finish: Finish,
    pub(crate) tokens: u64,
    pub(crate) reasoning_tokens: u64,
}
