//! What is said, before any protocol: blocks of thinking, text and tool calls, cut into tokens.

use super::model::{Dialect, Model};
use super::problem::{Solution, Unsolved, solve};
use super::prose::{self, Effort};
use super::tokens;
use super::tools::{self, Tool, ToolChoice};
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
    fn results(&self) -> Vec<&str> {
        let since = self.turns.iter().rposition(|turn| turn.role == Role::User).unwrap_or(0);
        self.turns
            .iter()
            .skip(since)
            .filter(|turn| turn.role == Role::Tool)
            .map(|turn| turn.text.as_str())
            .collect()
    }

    /// Composes and cuts one choice. The dialect only matters for reasoning inside the content.
    pub(crate) fn complete(&self, choice: u64, dialect: Dialect) -> Output {
        let blocks = self.compose(choice);
        let mut finish = if blocks.iter().any(|block| matches!(block, Block::Call { .. })) {
            Finish::ToolCalls
        } else {
            Finish::End
        };
        let mut shown = Vec::new();
        for block in blocks {
            match (block, dialect) {
                (Block::Thinking(_), Dialect::Plain) => {}
                (Block::Thinking(text), Dialect::Think) => {
                    shown.push(Block::Inline(format!("<think>\n{text}\n</think>\n\n")))
                }
                (Block::Thinking(text), Dialect::ThinkOpen) => {
                    shown.push(Block::Inline(format!("{text}\n</think>\n\n")))
                }
                (block, _) => shown.push(block),
            }
        }
        if let Some(stop) = cut_at_stop(&mut shown, &self.stop) {
            finish = Finish::StopSequence(stop);
        }
        let mut output = Output {
            blocks: Vec::new(),
            pieces: Vec::new(),
            finish,
            tokens: 0,
            reasoning_tokens: 0,
        };
        let mut sizes = self.fingerprint("deltas", choice);
        for block in shown {
            if output.tokens >= self.limit {
                output.finish = Finish::Length;
                break;
            }
            let room = usize::try_from(self.limit - output.tokens).unwrap_or(usize::MAX);
            let all = tokens::split(block.text());
            let kept = all.get(..room.min(all.len())).unwrap_or_default();
            if kept.len() < all.len() {
                output.finish = Finish::Length;
            }
            output.tokens += kept.len() as u64;
            if matches!(block, Block::Thinking(_) | Block::Inline(_)) {
                output.reasoning_tokens += kept.len() as u64;
            }
            let index = output.blocks.len();
            let mut rest = kept;
            while !rest.is_empty() {
                let take = usize::try_from(1 + sizes.below(3)).unwrap_or(1).min(rest.len());
                let (now, later) = rest.split_at(take);
                output.pieces.push(Piece {
                    block: index,
                    tokens: now.iter().map(|token| (*token).to_owned()).collect(),
                });
                rest = later;
            }
            let text = kept.concat();
            output.blocks.push(match block {
                Block::Thinking(_) => Block::Thinking(text),
                Block::Inline(_) => Block::Inline(text),
                Block::Text(_) => Block::Text(text),
                Block::Call { id, name, .. } => Block::Call { id, name, arguments: text },
            });
            if output.finish == Finish::Length {
                break;
            }
        }
        output
    }

    fn compose(&self, choice: u64) -> Vec<Block> {
        let question = self.question();
        let small = self.model.small;
        let mut wording = self.fingerprint("answer", choice);
        let mut thoughts = self.fingerprint("reasoning", choice);
        let effort = if small && self.effort != Effort::None { Effort::Brief } else { self.effort };
        let solved = solve(question);
        let results = self.results();
        let mut blocks = Vec::new();
        let think = |solved: &Result<Solution, Unsolved>, thoughts: &mut Wording| match solved {
            Ok(solution) => prose::reasoning(solution, effort, thoughts),
            Err(reason) => prose::talk_reasoning(*reason == Unsolved::NoProblem, effort, thoughts),
        };
        if results.is_empty() {
            let calls = tools::calls(self, solved.as_ref().ok(), choice);
            if effort != Effort::None {
                blocks.push(Block::Thinking(think(&solved, &mut thoughts)));
            }
            if !calls.is_empty() {
                for (at, call) in calls.into_iter().enumerate() {
                    if at > 0 && self.interleaved && effort != Effort::None {
                        blocks.push(Block::Thinking(tools::between(&mut thoughts)));
                    }
                    blocks.push(call);
                }
                return blocks;
            }
        } else if effort != Effort::None {
            blocks.push(Block::Thinking(tools::after(
                &results,
                solved.as_ref().ok(),
                &mut thoughts,
            )));
        }
        blocks.push(Block::Text(match &solved {
            Ok(solution) if small && solution.steps.len() > 3 => {
                prose::beyond(solution, &mut wording)
            }
            Ok(solution) => {
                let tool = tools::remark(&results, solution, &mut wording);
                prose::answer(solution, small, tool.as_deref(), &mut wording)
            }
            Err(_) if !results.is_empty() => tools::report(&results, &mut wording),
            Err(Unsolved::NoProblem) => prose::talk(question, small, &mut wording),
            Err(Unsolved::NotUnderstood) => prose::not_understood(small, &mut wording),
        }));
        blocks
    }
}

/// Cuts the answer at the first stop sequence and drops what follows; reasoning is left alone.
fn cut_at_stop(blocks: &mut Vec<Block>, stop: &[String]) -> Option<String> {
    for at in 0..blocks.len() {
        let Some(Block::Text(text)) = blocks.get_mut(at) else { continue };
        let found = stop
            .iter()
            .filter(|stop| !stop.is_empty())
            .filter_map(|stop| text.find(stop.as_str()).map(|at| (at, stop)))
            .min();
        if let Some((cut, stop)) = found {
            text.truncate(cut);
            blocks.truncate(at + 1);
            return Some(stop.clone());
        }
    }
    None
}
