//! What is asked, whatever the protocol.

use serde_json::Value;

use super::model::Model;
use super::prose::Effort;
use super::tokens;
use super::wording::Wording;

/// Who speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    System,
    User,
    Assistant,
    Tool,
}

impl Role {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::User => "user",
            Self::Assistant => "assistant",
            Self::Tool => "tool",
        }
    }
}

/// One message of the conversation, as text.
#[derive(Clone, Debug)]
pub(crate) struct Turn {
    pub(crate) role: Role,
    pub(crate) text: String,
}

/// What is asked, whatever the protocol.
#[derive(Clone, Debug)]
pub(crate) struct Ask {
    pub(crate) model: Model,
    pub(crate) turns: Vec<Turn>,
    pub(crate) tools: Vec<Tool>,
    pub(crate) tool_choice: ToolChoice,
    pub(crate) parallel: bool,
    /// Thinking between tool calls, as Messages allows.
    pub(crate) interleaved: bool,
    pub(crate) effort: Effort,
    pub(crate) limit: u64,
    pub(crate) stop: Vec<String>,
    pub(crate) seed: String,
}

/// A tool the request offers.
#[derive(Clone, Debug)]
pub(crate) struct Tool {
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) schema: Value,
}

/// Whether and which tool is to be called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ToolChoice {
    Auto,
    Never,
    Any,
    Named(String),
}

impl Ask {
    /// The hash input that decides all wording and ids: model, messages, seed.
    pub(crate) fn fingerprint(&self, purpose: &str, choice: u64) -> Wording {
        let mut parts: Vec<Vec<u8>> = vec![
            purpose.as_bytes().to_vec(),
            self.model.size().as_bytes().to_vec(),
            self.seed.as_bytes().to_vec(),
            choice.to_le_bytes().to_vec(),
        ];
        for turn in &self.turns {
            parts.push(turn.role.name().as_bytes().to_vec());
            parts.push(turn.text.as_bytes().to_vec());
        }
        let parts: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
        Wording::new(&parts)
    }

    /// An id of letters and digits, the same for the same request.
    pub(crate) fn id(&self, purpose: &str, choice: u64) -> String {
        const LETTERS: &[u8] = b"ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789";
        let mut wording = self.fingerprint(purpose, choice);
        (0..24).filter_map(|_| wording.choose(LETTERS).map(|letter| char::from(*letter))).collect()
    }

    pub(crate) fn prompt_tokens(&self) -> u64 {
        let tools: u64 = self
            .tools
            .iter()
            .map(|tool| {
                tokens::count(&tool.name)
                    + tokens::count(&tool.description)
                    + tokens::count(&tool.schema.to_string())
            })
            .sum();
        3 + tools + self.turns.iter().map(|turn| 4 + tokens::count(&turn.text)).sum::<u64>()
    }

    /// The last thing the user said.
    pub(crate) fn question(&self) -> &str {
        self.turns.iter().rev().find(|turn| turn.role == Role::User).map_or("", |turn| &turn.text)
    }

    /// Tool results since the last user message.
    pub(crate) fn results(&self) -> Vec<&str> {
        let since = self.turns.iter().rposition(|turn| turn.role == Role::User).unwrap_or(0);
        self.turns
            .iter()
            .skip(since)
            .filter(|turn| turn.role == Role::Tool)
            .map(|turn| turn.text.as_str())
            .collect()
    }
}
