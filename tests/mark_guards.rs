//! What the built-in lexicon changes and what it leaves, sentence by sentence.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on must fail")]

use guilloche::mark::lexical::{Rewriter, Site};
use guilloche::mark::lexicon::Lexicon;

/// English, with a contraction and a small number in digits, so that every gate is open.
const BEFORE: &str = "These are the tools that we don't need. We saw 2 reasons. ";

fn forced(text: &str, second: bool) -> String {
    let mut rewriter = Rewriter::new(Lexicon::english(), |_: &Site<'_>| Some(second));
    let mut out = String::new();
    rewriter.push(&format!("{BEFORE}{text}"), &mut out);
    rewriter.finish(false, &mut out);
    out.strip_prefix(BEFORE).unwrap().to_owned()
}

/// Sentences in the first variant and in the second.
const PAIRS: &[(&str, &str)] = &[
    ("For example, it works.", "For instance, it works."),
    ("It works (for example, here).", "It works (for instance, here)."),
    ("Some animals do not sleep.", "Some animals don't sleep."),
    ("She does not know.", "She doesn't know."),
    ("The box is not empty.", "The box isn't empty."),
    ("This cannot be right.", "This can't be right."),
    ("However, it is a good idea.", "However, it's a good idea."),
    ("It is important to rest.", "It's important to rest."),
    ("That is why we came.", "This is why we came."),
    ("There is a way.", "There's a way."),
    ("Today they are looking at it.", "Today they're looking at it."),
    ("So you are ready.", "So you're ready."),
    ("Today I am happy.", "Today I'm happy."),
    ("I have never seen it.", "I've never seen it."),
    ("You will need a bowl.", "You'll need a bowl."),
    ("Then we will see.", "Then we'll see."),
    ("I would recommend the soup.", "I'd recommend the soup."),
    ("What is the plan?", "What's the plan?"),
    ("Here is a list.", "Here's a list."),
    ("In addition, prices rose.", "Additionally, prices rose."),
    ("Furthermore, prices rose.", "Moreover, prices rose."),
    ("As a result, prices rose.", "Consequently, prices rose."),
    ("In other words, prices rose.", "That is, prices rose."),
    ("In conclusion, prices rose.", "To conclude, prices rose."),
    ("In general, prices rise.", "Generally, prices rise."),
    ("At first, prices rose.", "Initially, prices rose."),
    ("Overall, prices rose.", "All in all, prices rose."),
    ("Similarly, prices rose.", "Likewise, prices rose."),
    ("Therefore, prices rose.", "Thus, prices rose."),
    ("In spite of the rain, we went.", "Despite the rain, we went."),
    ("Although the rain fell, we went.", "Though the rain fell, we went."),
    ("We left in order to rest.", "We left so as to rest."),
    ("It closed because of the rain.", "It closed due to the rain."),
    ("It looked as if the rain fell.", "It looked as though the rain fell."),
    ("Now check if the door is open.", "Now check whether the door is open."),
    ("He stood instead of sitting.", "He stood rather than sitting."),
    ("We saw a lot of people.", "We saw lots of people."),
    ("It has a number of uses.", "It has several uses."),
    ("It comes in a variety of colors.", "It comes in various colors."),
    ("We walk every day.", "We walk each day."),
    ("We met all of the students.", "We met all the students."),
    ("We met all of your friends.", "We met all your friends."),
    ("Sleep many hours per day.", "Sleep many hours a day."),
    ("Ring it two times per year.", "Ring it twice a year."),
    ("It is a bit more work.", "It's a little more work."),
    ("It has a wide range of uses.", "It has a broad range of uses."),
    ("They help each other.", "They help one another."),
    ("Has anyone seen it?", "Has anybody seen it?"),
    ("We know that someone came.", "We know that somebody came."),
    ("This kind of work is hard.", "This type of work is hard."),
    ("It is at the start of the book.", "It is at the beginning of the book."),
    ("It takes about 20 minutes.", "It takes around 20 minutes."),
    ("We need approximately 20 of them.", "We need roughly 20 of them."),
    ("It has more than 100 rooms.", "It has over 100 rooms."),
    ("Maybe we should go.", "Perhaps we should go."),
    ("The plan is almost always good.", "The plan is nearly always good."),
    ("This is often used.", "This is frequently used."),
    ("It usually rains.", "It typically rains."),
    ("It is mainly used here.", "It is primarily used here."),
    ("It was especially cold.", "It was particularly cold."),
    ("The city grew quickly.", "The city grew rapidly."),
    ("It was completely different.", "It was entirely different."),
    ("This will probably work.", "This will likely work."),
    ("Book it in advance.", "Book it ahead of time."),
    ("This works too.", "This works as well."),
    ("Add salt if necessary.", "Add salt if needed."),
    ("They walked toward the door.", "They walked towards the door."),
    ("Use tools such as hammers.", "Use tools like hammers."),
    ("Read the whole book.", "Read the entire book."),
    ("This is hard to say.", "This is difficult to say."),
    ("Sleep is crucial for health.", "Sleep is vital for health."),
    ("The main reason was cost.", "The primary reason was cost."),
    ("Then begin by reading.", "Then start by reading."),
    ("It began to rain.", "It started to rain."),
    ("It has begun to rain.", "It has started to rain."),
    ("First make sure that it works.", "First ensure that it works."),
    ("They may need to go.", "They may have to go."),
    ("This allows you to sort them.", "This enables you to sort them."),
    ("This seems to be right.", "This appears to be right."),
    ("Errors happen when disks fail.", "Errors occur when disks fail."),
    ("Then choose a color.", "Then select a color."),
    ("Keep in mind that it rains.", "Bear in mind that it rains."),
    ("It can lead to problems.", "It can result in problems."),
    ("It is known as the harbor.", "It is called the harbor."),
    ("It might take three minutes.", "It might take 3 minutes."),
    ("The dataset is small.", "The data set is small."),
    ("The function is nonlinear.", "The function is non-linear."),
    ("Her judgment was good.", "Her judgement was good."),
    ("Be sure to stir it.", "Make sure to stir it."),
];

/// Sentences in which nothing may change.
const LEFT: &[&str] = &[
    // Fixed phrases, other senses, and what the other variant does not fit.
    "We know how it is.",
    "It is bigger than it is wide.",
    "We know what it is.",
    "It isn't it, is it?",
    "Don't you know?",
    "Is not only big but strong.",
    "Do not mix the two.",
    "We asked for example code.",
    "Thus far, they have won.",
    "She closed the door, thus keeping the heat in.",
    "It is due to rain.",
    "The delay was due to rain.",
    "At all the best times.",
    "None of all the above.",
    "We talked all the time.",
    "Not every day.",
    "Let me know if you have questions.",
    "People like dogs.",
    "They go around 20 corners.",
    "We spoke about 20 minutes.",
    "The roof over 10 beds.",
    "Not only that but more than that.",
    "Me too.",
    "It is too cold.",
    "The start to a season.",
    "We start the engine.",
    "Let's get started with this.",
    "From start to finish.",
    "What happens when they meet?",
    "It may also be passed on.",
    "You may not enter.",
    "In May they left.",
    "He was called to the phone.",
    "It is called when they click.",
    "The whole of it.",
    "The whole point was that.",
    "Eat whole grain bread.",
    "Whole number.",
    "The vital signs were good.",
    "The primary school closed.",
    "The primary color is red.",
    "A kind man of this town.",
    "Chapter three reasons.",
    "Step 3 things.",
    "Between 3 and 4 days.",
    "Version 3 features.",
    "The 3.5 minutes.",
    "On page 7 things changed.",
    "Show the results in a table.",
    "The search for the results in a list.",
    "They said we will.",
    "They work hard to win.",
    "Your will is strong.",
    "As well as this.",
    "Might as well.",
    "Those who know each other's names.",
    "There was no one answer.",
    "She was a nobody.",
    "With likely candidates.",
    "A more typically French dish.",
    "This was so more often than not.",
    "How often?",
    "Once more people came.",
    "A particular.",
    "In particular, this.",
    "The outside of the house.",
    "Looking good is for free people.",
    "So much more.",
    "Not much better.",
    "Half the battle.",
    "If necessary steps fail.",
    // Names, cases and titles.
    "The novel About 20 Minutes was read.",
    "The band Instead of Sitting played.",
    "THIS IS USUALLY GOOD.",
    "She moved to Maybe Town with them.",
    "They read The Whole Book.",
    // A word in something larger.
    "See usually.example.com for that.",
    "Write to usually@example.com about that.",
    "See https://example.com/usually/often for that.",
    "Open src/begin/often.rs for that.",
    "The usually_often flag was set.",
    "The not-usually-good idea.",
    "Use #usually or $usually for that.",
    "The either/usually/or of it.",
    "We ran usually() twice as fast.",
    // Masks.
    "The `usually often` flag was set.",
    "The ``usually ` often`` flag was set.",
    "He said \"it usually rains\" to them.",
    "He said “it usually rains” to them.",
    "He said ‘it usually rains’ to them.",
    "He said 'it usually rains' to them.",
    "The formula $x usually y$ was set.",
    "The formula \\(x usually y\\) was set.",
    "See [the usually good page](https://example.com).",
    "The **usually good** kind.",
    "The *usually good* kind.",
    "This has <b>usually</b> been so.",
    "The set {usually, often} was given.",
    "\n```\nit usually rains\n```",
    "\n~~~\nit usually rains\n\nand it often rains\n~~~",
    "\n\n    it usually rains",
    "\n> it usually rains\nand it often rains",
    "\n| it usually rains | 3 minutes |",
    "\n# It usually rains",
    "\n{\"it\": \"usually\",\n \"is\": true, usually }",
    "\nkey\tit usually rains",
];

#[test]
fn every_pair_is_changed_both_ways() {
    let mut wrong = Vec::new();
    for (first, second) in PAIRS {
        for (text, variant, expected) in [(first, true, second), (second, false, first)] {
            let written = forced(text, variant);
            if written != **expected {
                wrong.push((text, written));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn what_a_guard_or_a_mask_excludes_is_left() {
    let mut wrong = Vec::new();
    for text in LEFT {
        for variant in [false, true] {
            let written = forced(text, variant);
            if written != *text {
                wrong.push(written);
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn there_are_at_least_a_hundred_and_fifty_cases() {
    assert!(PAIRS.len() + LEFT.len() >= 150);
}

#[test]
fn text_behind_a_mask_is_prose_again() {
    for mask in [
        "\n```\ncode\n```\n",
        "\n~~~~ text\n~~~\n~~~~\n",
        "`code` ",
        "\n> quoted\n\n",
        "\n| a | b |\n",
        "\n# Title\n",
        "\"quoted\" ",
        "$x$ ",
        "$5 ",
        "[link](https://example.com/a) ",
        "*word* ",
        "**words here**: ",
        "https://example.com/`a ",
        "\n- ",
        "\n1. ",
        "the students' ",
    ] {
        let text = format!("Here {mask}it usually rains.");
        assert_eq!(forced(&text, true), text.replace("usually", "typically"), "{mask:?}");
    }
}

#[test]
fn text_of_other_languages_is_left() {
    for text in [
        "Maybe wir gehen also nicht nach Hause, usually bleibt er dort und liest.",
        "Usually, les enfants sont partis hier soir avec toute la famille.",
        "もちろん usually です。",
    ] {
        let mut rewriter = Rewriter::new(Lexicon::english(), |_: &Site<'_>| Some(true));
        let mut out = String::new();
        rewriter.push(text, &mut out);
        rewriter.finish(false, &mut out);
        assert_eq!(out, text);
    }
}

#[test]
fn a_text_without_contractions_is_given_none() {
    let text = "These are the tools that we do not need, and it is good that they are free.";
    let mut rewriter = Rewriter::new(Lexicon::english(), |_: &Site<'_>| Some(true));
    let mut out = String::new();
    rewriter.push(text, &mut out);
    rewriter.finish(false, &mut out);
    assert_eq!((out.as_str(), rewriter.sites()), (text, 0));
}

#[test]
fn a_spelling_is_kept_up_throughout_a_text() {
    let text = "The dataset is small. The dataset has few rows, and dataset sizes differ.";
    let mut bits = [true, false, false].into_iter();
    let mut rewriter = Rewriter::new(Lexicon::english(), |_: &Site<'_>| bits.next());
    let mut out = String::new();
    rewriter.push(&format!("These are the tools that we need. {text}"), &mut out);
    rewriter.finish(false, &mut out);
    assert_eq!(out.matches("data set").count(), 3);
    assert_eq!((rewriter.sites(), rewriter.flips()), (1, 3));
}

#[test]
fn case_and_apostrophe_follow_the_text() {
    let curly = "These are the tools. It’s what you don’t need. They do not help.";
    let mut rewriter = Rewriter::new(Lexicon::english(), |_: &Site<'_>| Some(true));
    let mut out = String::new();
    rewriter.push(curly, &mut out);
    rewriter.finish(false, &mut out);
    assert!(out.ends_with("They don’t help."), "{out}");
    assert_eq!(
        forced("Usually, it rains. It usually rains.", true),
        "Typically, it rains. It typically rains."
    );
}
