//! Replies to what is no problem, and honest ones to problems that are not understood.

use crate::teacher::wording::Wording;

/// Replies to ordinary conversation.
pub(crate) fn talk(message: &str, short: bool, wording: &mut Wording) -> String {
    let lower = message.to_lowercase();
    let words: Vec<&str> = lower
        .split(|c: char| !c.is_alphanumeric() && c != '\'')
        .filter(|word| !word.is_empty())
        .collect();
    let has = |list: &[&str]| words.iter().any(|word| list.contains(word));
    let opening = if has(&["thanks", "thank", "cheers"]) {
        wording.pick(&["You're very welcome!", "My pleasure!", "Glad I could help.", "Any time!"])
    } else if has(&["hello", "hi", "hey", "greetings", "morning", "evening"]) {
        wording.pick(&[
            "Hello! It's nice to meet you.",
            "Hi there! How can I help today?",
            "Hey! Good to hear from you.",
            "Good day to you!",
        ])
    } else if has(&["bye", "goodbye", "farewell"]) {
        wording.pick(&["Goodbye, and take care!", "See you soon!", "Bye for now!"])
    } else if lower.contains("who are you")
        || lower.contains("what are you")
        || lower.contains("what can you do")
    {
        wording.pick(&[
            "I'm teacher, a small rule-based model.",
            "I am a rule-based model by the name of teacher.",
            "My name is teacher, and I'm a model that works by rules.",
        ])
    } else {
        wording.pick(&[
            "That's an interesting message, although I'm not sure that I can do it justice.",
            "Thanks for sharing that. It's a little outside of what I'm good at, however.",
            "I appreciate the question, but I should be upfront about my limits.",
            "Let me be honest about that one: it isn't really my area.",
        ])
    };
    let mut text = vec![opening.to_owned()];
    let abilities = wording.pick(&[
        "I solve word problems: amounts that are bought, given away, doubled or shared, prices, percentages and simple conversions.",
        "What I do well is arithmetic told as a story, for example shopping, sharing, rates, percentages and units.",
        "My strength is working through short stories about quantities and showing every step along the way.",
    ]);
    text.push(abilities.to_owned());
    if !short {
        text.push(wording.pick(&[
            "If you have a problem like that, just send it to me in plain English. Numbers may be digits or words, and several sentences are fine.",
            "Feel free to give me one, perhaps something from a school book. I'll explain how I reach the result, not only the result itself.",
            "For instance, you could ask how much change is left after buying several items, or how many sweets each child gets.",
        ]).to_owned());
        text.push(wording.pick(&[
            "For anything else I can only offer general remarks, so a larger model would probably be a better choice.",
            "On other topics my knowledge is quite limited, and I'd rather say so than make things up.",
            "Beyond that I can't promise much, but I'm always happy to try.",
        ]).to_owned());
    }
    text.join(" ")
}

/// Says that a problem is not understood, and how one would go about it.
pub(crate) fn not_understood(short: bool, wording: &mut Wording) -> String {
    let opening = wording.pick(&[
        "I'm not able to solve this reliably, so I won't give you a number that may be wrong.",
        "I couldn't work out how all of the amounts fit together here, and I'd rather say that than guess.",
        "Unfortunately, I don't fully understand this problem, so I can't state a result with confidence.",
        "I'm afraid that parts of this problem are unclear to me. A guess wouldn't help you.",
    ]);
    if short {
        return opening.to_owned();
    }
    let approach: Vec<&str> = vec![
        wording.pick(&[
            "Here's how I would approach it, however. Begin by writing down every amount together with what it counts, and mark the one that the question asks about.",
            "Still, the general approach is quite clear. First, list the quantities that are given, and next to each of them what it measures.",
            "That said, there is a method which usually works. Start at the end: what exactly is being asked, and in which unit?",
        ]),
        wording.pick(&[
            "Then look at the verbs. Words such as \"buys\" or \"finds\" suggest addition, while \"gives away\" or \"loses\" suggest subtraction; \"each\" and \"per\" usually indicate multiplication.",
            "Next, decide which operation every sentence describes. An amount that is shared equally is divided, an amount per item is multiplied, and a percentage is taken of whatever comes before it.",
            "After that, follow the story in order and keep a running value. It's often helpful to convert all units at the beginning, so that you don't mix minutes with hours or grams with kilograms.",
        ]),
        wording.pick(&[
            "Finally, check the result against the story. Is it roughly as big as you'd expect? If you go backwards from the end, do you arrive at the start?",
            "In the end, it's important to test whether the number makes sense. For example, nobody can give away more than they have.",
            "When you have a result, try to reach it in a second way. If both ways agree, you can be fairly sure.",
        ]),
        wording.pick(&[
            "If you could rephrase the problem in shorter sentences, with one amount and one action in each of them, I'd be glad to try again.",
            "Perhaps you can tell me the starting amounts and what happens to them, one sentence at a time? I'm quite good at those.",
            "Could you split it into simpler statements, or say what is unknown at the start? Then I can probably show the whole solution.",
        ]),
    ];
    format!("{opening}\n\n{}", approach.join("\n\n"))
}
