//! Answers to solved problems, and the weaker model's admission that one is beyond it.

use super::phrase::{capital, equation, purpose};
use crate::teacher::problem::{Number, Solution};
use crate::teacher::wording::Wording;

const OPENINGS: &[&str] = &[
    "Let's work through this step by step.",
    "Here's how to solve it.",
    "We can tackle this one step at a time.",
    "To find the answer, let's follow the problem in order.",
    "Sure! Let's break the problem down into smaller parts.",
    "This is a nice problem, so let's take it slowly.",
    "I'll show each calculation, so that you can follow along.",
    "Happy to help! Let's start with what we know.",
    "Let's begin with the amounts that are given.",
    "The quickest way is to go through the statements one by one.",
    "Okay, here is the solution with every step explained.",
    "We need a few small calculations to get there.",
    "Certainly. The main thing is to keep track of the amounts.",
    "Great question! It helps to organise the information first.",
];
const REMARKS: &[&str] = &[
    "However, it's important to do this before moving on.",
    "This part is easy to overlook, but it matters.",
    "That's a fairly simple calculation.",
    "Note that the order is important here.",
    "You could also do this in your head.",
    "Perhaps it helps to write this number down.",
];

/// Writes the answer to a solved problem, with what a tool said where one was used.
pub(crate) fn answer(
    solution: &Solution,
    short: bool,
    tool: Option<&str>,
    wording: &mut Wording,
) -> String {
    let mut text = Vec::new();
    if !short || wording.below(2) == 0 {
        text.push(opening(solution, wording));
    }
    let listed = !short && solution.steps.len() > 2 && wording.below(3) == 0;
    let mut body = Vec::new();
    let last = solution.steps.len().saturating_sub(1);
    for (at, step) in solution.steps.iter().enumerate() {
        let purpose = purpose(step, wording);
        let equation = equation(step);
        if listed {
            let sentence = format!("{}. {}: **{equation}**", at + 1, capital(&purpose));
            body.push(sentence);
            continue;
        }
        let link = match at {
            0 => wording.pick(&["First", "To begin", "To start", "Initially"]),
            at if at == last => wording.pick(&["Finally", "Lastly", "In the end", "At the end"]),
            _ => wording.pick(&["Next", "Then", "After that", "Afterwards", "From there", "Now"]),
        };
        let mut sentence = match wording.below(4) {
            0 => format!(
                "{link}, {purpose}, which {} {equation}.",
                wording.pick(&["gives", "means", "works out as", "gives us"])
            ),
            1 => format!("{link}, {purpose}: {equation}."),
            2 => format!(
                "{link}, {purpose}, {} {equation}.",
                wording.pick(&["so", "and so", "therefore"])
            )
            .replace(", therefore ", "; therefore, "),
            _ => format!(
                "{}. {} {equation}.",
                capital(&format!("{link}, {purpose}")),
                wording.pick(&["That's", "We get", "This gives", "The calculation is"])
            ),
        };
        if !short && wording.below(4) == 0 {
            sentence.push(' ');
            sentence.push_str(wording.pick(REMARKS));
        }
        body.push(sentence);
    }
    if solution.steps.is_empty() {
        body.push(
            wording
                .pick(&[
                    "The problem already states this amount.",
                    "No calculation is needed, because the amount is given.",
                ])
                .to_owned(),
        );
    }
    text.push(body.join(if listed { "\n" } else { " " }));
    if let Some(tool) = tool {
        text.push(tool.to_owned());
    } else if !short && wording.below(3) == 0 {
        text.push(
            wording
                .pick(&[
                    "If you'd like, I can show another way to reach the same result.",
                    "You can check this by working backwards from the end.",
                    "It's always a good idea to check the units as well; they match here.",
                    "I hope that makes the approach clear.",
                ])
                .to_owned(),
        );
    }
    let result = solution.result();
    text.push(match wording.below(6) {
        0 => format!("**Answer: {result}**"),
        1 => format!("The answer is {result}."),
        2 => format!("So the final answer is **{result}**."),
        3 => format!("Therefore, the result is {result}."),
        4 => format!("In conclusion, the answer is {result}."),
        _ => format!("So, altogether, the final result is **{result}**."),
    });
    text.join(if short { " " } else { "\n\n" })
}

/// A general opening, or one about what is asked.
fn opening(solution: &Solution, wording: &mut Wording) -> String {
    if wording.below(2) == 0 {
        return wording.pick(OPENINGS).to_owned();
    }
    let asked = match solution.noun.symbol() {
        Some(_) => wording
            .pick(&["the amount of money", "the sum that is asked for", "the right amount"])
            .to_owned(),
        None if solution.noun.head.is_empty() => "the result".to_owned(),
        None => format!("the number of {}", solution.noun.named(false)),
    };
    let lead = wording.pick(&[
        "To find",
        "To work out",
        "To determine",
        "To calculate",
        "In order to get",
    ]);
    let tail = wording.pick(&[
        "let's go through the problem step by step",
        "we only have to follow the story",
        "it's best to begin with the given amounts",
        "we can do one calculation after another",
        "let's start at the beginning",
        "I'll write down every step",
    ]);
    format!("{lead} {asked}, {tail}.")
}

/// What the weaker model says of a chain that is too long for it.
pub(crate) fn beyond(solution: &Solution, wording: &mut Wording) -> String {
    let steps = solution.steps.len();
    let first = solution.steps.first().map(equation).unwrap_or_default();
    match wording.below(3) {
        0 => format!(
            "This takes {steps} steps, and I can't do that many reliably. I can begin with {first}, but I won't guess the rest."
        ),
        1 => format!(
            "Sorry, this problem is beyond me: it needs {steps} calculations in a row. The first one is {first}. However, I'd rather not state a final result."
        ),
        _ => format!(
            "I'm a small model, so a chain of {steps} operations is too long for me. It starts with {first}. A larger model could finish it."
        ),
    }
}

/// The number that an answer of the teacher ends with.
pub(crate) fn final_answer_of(text: &str) -> Option<Number> {
    let sentence = text.trim_end().rsplit(['\n']).next()?;
    let at = ["nswer: ", "answer is ", "result is "]
        .iter()
        .filter_map(|lead| sentence.rfind(lead).map(|at| at + lead.len()))
        .max()?;
    let tail = sentence.get(at..)?.trim_start_matches(['*', '$', '£', '€']);
    let mut words = tail.split([' ', '*', '%']);
    let number = words.next()?.trim_end_matches('.');
    let negative = number.starts_with('-');
    let number = number.trim_start_matches(['-', '$', '£', '€']);
    let value = match number.split_once('/') {
        Some((above, below)) => Number::read(above)?.over(Number::read(below)?)?,
        None => Number::read(number)?,
    };
    // A mixed fraction: `2 1/3`.
    let value = match words.next().and_then(|word| word.trim_end_matches('.').split_once('/')) {
        Some((above, below)) => value.plus(Number::read(above)?.over(Number::read(below)?)?)?,
        None => value,
    };
    if negative { Number::whole(0).minus(value) } else { Some(value) }
}
