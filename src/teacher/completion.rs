//! What is said, before any protocol: blocks of thinking, text and tool calls, cut into tokens.

use super::ask::{Ask, Role};
use super::model::Dialect;
use super::output::{Block, Finish, Output, Piece};
use super::problem::{Solution, Unsolved, solve};
use super::prose::{self, Effort};
use super::tokens;
use super::tools;
use super::wording::Wording;

impl Ask {
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
        if self
            .turns
            .iter()
            .any(|turn| turn.role == Role::System && prose::asks_summary(&turn.text))
        {
            return vec![Block::Text(prose::summary(question))];
        }
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
