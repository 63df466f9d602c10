//! Word problems: read, solved exactly, and generated.
//!
//! ```
//! use guilloche::teacher::problem::{Number, solve};
//!
//! let solution = solve("Maria has 12 apples. She buys 5 more. How many apples does she have?").unwrap();
//! assert_eq!(solution.value, Number::whole(17));
//! assert_eq!(solution.result(), "17 apples");
//! ```

mod amount;
mod clause;
mod expression;
mod generator;
#[cfg(test)]
mod handwritten;
mod lexer;
mod money;
mod number;
mod part;
mod question;
mod rate;
mod relation;
mod share;
mod statement;
pub(crate) mod vocabulary;
mod world;

pub use generator::{Problem, Problems};
pub use number::Number;
pub use world::{Noun, Reason};

use clause::{clauses, is_question};
use statement::Reader;
use world::{Id, World};

/// Problems longer than this many bytes are not read.
pub const LONGEST_PROBLEM: usize = 8 * 1024;

/// One operation on the way to the answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Why it is done.
    pub reason: Reason,
    /// `+`, `-`, `*`, `/`, or division rounded down (`f`), up (`c`), or its remainder (`r`).
    pub sign: char,
    /// First operand and what it counts.
    pub left: (Number, Noun),
    /// Second operand and what it counts.
    pub right: (Number, Noun),
    /// The result and what it counts.
    pub value: (Number, Noun),
    /// Whose it is, where the problem says.
    pub who: Option<String>,
}

impl Step {
    /// The step as an expression a calculator takes: `12 + 5`.
    #[must_use]
    pub fn expression(&self) -> String {
        let (left, right) = (plain(self.left.0), plain(self.right.0));
        match self.sign {
            'f' => format!("floor({left} / {right})"),
            'c' => format!("ceil({left} / {right})"),
            'r' => format!("{left} % {right}"),
            sign => format!("{left} {sign} {right}"),
        }
    }
}

fn plain(number: Number) -> String {
    let text = number.to_string().replace(',', "");
    match text.split_once(' ') {
        Some((whole, part)) => format!("({whole} + {part})"),
        None => text,
    }
}

/// A solved problem.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Solution {
    /// The operations in order; empty when the answer is stated outright.
    pub steps: Vec<Step>,
    /// The answer.
    pub value: Number,
    /// What the answer counts.
    pub noun: Noun,
    /// The whole chain as one expression.
    pub expression: String,
}

impl Solution {
    /// The answer with its unit: `17 apples`, `$3.50`.
    #[must_use]
    pub fn result(&self) -> String {
        self.noun.amount(self.value)
    }
}

/// Why there is no solution.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unsolved {
    /// The text asks for no calculation.
    #[error("the text is no word problem")]
    NoProblem,
    /// It looks like a problem, but some of its amounts or its question are not understood.
    #[error("the problem is not understood")]
    NotUnderstood,
}

/// Reads and solves a word problem.
///
/// # Errors
///
/// [`Unsolved`] when the text is none, or when any of its amounts is not understood: no answer is
/// ever guessed.
pub fn solve(text: &str) -> Result<Solution, Unsolved> {
    let digits = text.chars().any(|c| c.is_ascii_digit());
    let lower = text.to_lowercase();
    let asks = lower.contains("how many")
        || lower.contains("how much")
        || lower.contains("how far")
        || lower.contains("how long");
    let unsolved = if digits || asks { Unsolved::NotUnderstood } else { Unsolved::NoProblem };
    if text.len() > LONGEST_PROBLEM {
        return Err(unsolved);
    }
    let mut world = World::default();
    let spelled = lexer::sentences(text)
        .filter(|sentences| sentences.len() == 1)
        .map(|sentences| lexer::digits(&sentences.concat()));
    let calculation = expression::read(&mut world, text)
        .or_else(|| spelled.and_then(|spelled| expression::read(&mut world, &spelled)));
    if let Some(id) = calculation {
        return solution(&world, id).ok_or(unsolved);
    }
    read(text).ok_or(unsolved)
}

fn read(text: &str) -> Option<Solution> {
    let mut reader = Reader::default();
    let mut questions = Vec::new();
    for sentence in lexer::sentences(text)? {
        for clause in clauses(&sentence) {
            if is_question(&clause) {
                questions.push(clause);
            } else {
                reader.apply(&clause)?;
            }
        }
    }
    let [question] = questions.as_slice() else { return None };
    let id = question::answer(&mut reader, question)?;
    let mut solution = solution(&reader.world, id)?;
    for step in &mut solution.steps {
        step.who = step.who.take().map(|who| displayed(&who, text));
    }
    Some(solution)
}

/// An owner as the text writes it: `Maria`, `the bakery`, `you`.
fn displayed(who: &str, text: &str) -> String {
    let mut characters = who.chars();
    let name: String = characters
        .next()
        .map_or(String::new(), |first| first.to_uppercase().chain(characters).collect());
    if who == "you" {
        who.to_owned()
    } else if text.split(|c: char| !c.is_alphabetic()).any(|word| word == name) {
        name
    } else {
        format!("the {who}")
    }
}

fn solution(world: &World, id: Id) -> Option<Solution> {
    let mut order = Vec::new();
    collect(world, id, &mut order, 0)?;
    let operand = |id: Id| world.nodes.get(id).map(|node| (node.value, node.noun.clone()));
    let mut steps = Vec::new();
    for id in order {
        let node = world.nodes.get(id)?;
        if let Some(origin) = &node.origin {
            steps.push(Step {
                reason: origin.reason,
                sign: origin.sign,
                left: operand(origin.left)?,
                right: operand(origin.right)?,
                value: (node.value, node.noun.clone()),
                who: origin.who.clone(),
            });
        }
    }
    let (value, noun) = operand(id)?;
    if steps.len() > 40 {
        return None;
    }
    Some(Solution { steps, value, noun, expression: written(world, id, 0)? })
}

fn collect(world: &World, id: Id, order: &mut Vec<Id>, depth: usize) -> Option<()> {
    if order.contains(&id) {
        return Some(());
    }
    if depth > 60 {
        return None;
    }
    if let Some(origin) = &world.nodes.get(id)?.origin {
        collect(world, origin.left, order, depth + 1)?;
        collect(world, origin.right, order, depth + 1)?;
        order.push(id);
    }
    Some(())
}

fn written(world: &World, id: Id, depth: usize) -> Option<String> {
    let node = world.nodes.get(id)?;
    let Some(origin) = &node.origin else { return Some(plain(node.value)) };
    if depth > 40 {
        return None;
    }
    let (left, right) =
        (written(world, origin.left, depth + 1)?, written(world, origin.right, depth + 1)?);
    let text = match origin.sign {
        'f' => format!("floor({left} / {right})"),
        'c' => format!("ceil({left} / {right})"),
        'r' => format!("({left} % {right})"),
        sign if depth == 0 => format!("{left} {sign} {right}"),
        sign => format!("({left} {sign} {right})"),
    };
    (text.len() < 600).then_some(text)
}
