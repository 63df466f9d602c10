//! The reasoning trace: step by step, with checks and self-talk.

use super::phrase::{capital, equation, inverse, purpose};
use crate::teacher::problem::Solution;
use crate::teacher::wording::Wording;

/// How much the model thinks before it answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Effort {
    /// Not at all.
    None,
    /// The operations only.
    Brief,
    /// Operations with reasons and checks.
    #[default]
    Normal,
    /// All of it twice.
    Thorough,
}

const OPENINGS: &[&str] = &[
    "Okay, let me read this carefully.",
    "Let's see what is being asked here.",
    "Alright, let me think about this problem.",
    "Let me begin by going through the problem.",
    "First, I should work out what the question wants.",
    "Hmm, let me take this one step at a time.",
    "So, I need to start by getting the facts straight.",
    "Right, let me figure out what we know.",
];
const PLANS: &[&str] = &[
    "I'll go through the statements in order and keep track of the running value.",
    "The best approach is probably to follow the story in order and write down each amount.",
    "There are a few quantities here, so I want to be careful not to mix them up.",
    "I should handle each part separately, and then bring everything together at the end.",
    "It helps to translate every sentence into one small calculation.",
    "Maybe the easiest way is to follow what happens to the amounts, one after another.",
];
const LINKS: &[&str] =
    &["First", "Next", "Then", "After that", "Now", "So", "Following that", "Moving on"];
const SELF_TALK: &[&str] = &[
    "Wait, let me make sure that I read that correctly.",
    "That seems right.",
    "Hmm, is that the correct operation? Yes, I believe it is.",
    "Okay, that is straightforward.",
    "Let me double-check this before I continue.",
    "Good, the number looks reasonable.",
    "I nearly overlooked that, but it matters for the result.",
    "Fine, that agrees with what the problem says.",
    "That's about what I'd expect.",
    "Roughly estimated, it comes out in the same range, so it's plausible.",
    "However, I shouldn't rush; the next step depends on it.",
];
const CHECKS: &[&str] = &[
    "Checking backwards",
    "As a quick check",
    "To verify",
    "Going the other way",
    "Let me confirm this",
    "A sanity check",
];
const CLOSINGS: &[&str] = &[
    "I'm confident in that, so I can write up the answer.",
    "Everything fits together, so I will answer now.",
    "That answers the question, and nothing in the problem is left unused that matters.",
    "I am happy with this result. Time to explain it clearly.",
    "Great, now I just have to present it in a helpful way.",
];

/// Thinks about a solved problem.
pub(crate) fn reasoning(solution: &Solution, effort: Effort, wording: &mut Wording) -> String {
    let mut text: Vec<String> = Vec::new();
    let result = solution.result();
    if effort == Effort::Brief {
        text.push(wording.pick(OPENINGS).to_owned());
        for step in &solution.steps {
            text.push(format!("{}.", equation(step)));
        }
        text.push(format!(
            "{} {result}.",
            wording.pick(&["So it's", "That gives", "The result is", "So we get"])
        ));
        return text.join(" ");
    }
    text.push(wording.pick(OPENINGS).to_owned());
    text.push(wording.pick(PLANS).to_owned());
    for (at, step) in solution.steps.iter().enumerate() {
        let link = if at == 0 { "First" } else { wording.pick(LINKS.get(1..).unwrap_or_default()) };
        let purpose = purpose(step, wording);
        let mut paragraph = match wording.below(3) {
            0 => format!("\n\n{link}, {purpose}."),
            1 => format!(
                "\n\n{} {}.",
                wording.pick(&[
                    "The problem tells me that",
                    "I can see that",
                    "From the text I know that",
                    "Apparently"
                ]),
                purpose
            ),
            _ => format!("\n\nStep {}: {purpose}.", at + 1),
        };
        let lead = wording.pick(&[
            "So",
            "That means",
            "This gives",
            "I get",
            "Computing it:",
            "The calculation is",
        ]);
        paragraph.push_str(&format!(" {lead} {}.", equation(step)));
        paragraph.push_str(&match wording.below(3) {
            0 => format!(" {}", wording.pick(SELF_TALK)),
            1 => match inverse(step) {
                Some(inverse) => format!(
                    " {}: {inverse}. {}",
                    wording.pick(CHECKS),
                    wording.pick(&["Good.", "That works.", "It matches.", "Correct."])
                ),
                None => format!(" {}", wording.pick(SELF_TALK)),
            },
            _ => {
                let amount = step.value.1.amount(step.value.0);
                format!(
                    " {} {amount} {}.",
                    wording.pick(&[
                        "So at this point I have",
                        "I'll remember",
                        "Therefore we are at",
                        "That leaves me with"
                    ]),
                    wording.pick(&["so far", "for now", "at this stage"])
                )
            }
        });
        text.push(paragraph);
    }
    if solution.steps.is_empty() {
        text.push(format!(
            "\n\nThe value is {} in the text, so there is nothing to calculate. It's {result}.",
            wording.pick(&["stated directly", "given outright", "already there"])
        ));
    }
    if effort == Effort::Thorough || wording.below(2) == 0 {
        text.push(format!(
            "\n\n{}",
            wording.pick(&[
                "Let me go over the whole chain once more.",
                "Before answering, I want to check everything again.",
                "Let me quickly review all of it."
            ])
        ));
        let again: Vec<String> = solution.steps.iter().map(equation).collect();
        if !again.is_empty() {
            text.push(format!(
                "{}: {}.",
                wording.pick(&["In order", "The steps were", "Once again"]),
                again.join("; ")
            ));
        }
    }
    if effort == Effort::Thorough {
        for step in &solution.steps {
            if let Some(inverse) = inverse(step) {
                text.push(format!("{}, {inverse}.", wording.pick(CHECKS)));
            }
        }
        text.push(
            wording
                .pick(&["All of these hold.", "Every one of them agrees.", "None of them is off."])
                .to_owned(),
        );
    }
    let closing = wording.pick(&[
        "So the answer should be",
        "The final result is",
        "Hence it comes to",
        "That makes",
    ]);
    text.push(format!("\n\n{closing} {result}. {}", wording.pick(CLOSINGS)));
    capital(&text.join(" ").replace(" \n\n", "\n\n"))
}

/// Thinks about a message that is no solvable problem.
pub(crate) fn talk_reasoning(understood: bool, effort: Effort, wording: &mut Wording) -> String {
    let first = wording.pick(OPENINGS);
    let second = if understood {
        wording.pick(&[
            "This isn't a calculation, so a friendly and direct reply is what helps most.",
            "The user is not asking for arithmetic here. I should simply respond to what was said.",
            "There is nothing to compute, but I can still be useful and say what I am able to do.",
        ])
    } else {
        wording.pick(&[
            "I can't match every amount in this text to an operation that I'm sure of, so any number I gave would be a guess.",
            "Some part of this doesn't fit the patterns I know how to handle. I shouldn't state a result that may be wrong.",
            "I do not see a chain of steps that uses all of the amounts properly. It is better to say so than to invent an answer.",
        ])
    };
    if effort == Effort::Brief {
        return format!("{first} {second}");
    }
    let third = wording.pick(&[
        "I'll keep the tone helpful, explain how I would approach it, and ask for what is missing.",
        "Perhaps I can describe a sensible approach and suggest how to rephrase it.",
        "A clear explanation of what I can and cannot do would be the most honest way to begin.",
    ]);
    format!("{first} {second}\n\n{third}")
}
