//! What the built-in lexicon changes and what it leaves, sentence by sentence.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on must fail")]

use guilloche::mark::lexical::{Rewriter, Site, each_site};
use guilloche::mark::lexicon::Lexicon;

/// English, with a contraction and the words for one, so that every gate is open.
const BEFORE: &str = "This is what we don't see and what they do not see. ";

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
    ("Do not mix the two.", "Don't mix the two."),
    ("Here it is not empty.", "Here it isn't empty."),
    ("Here it isn't empty.", "Here it's not empty."),
    ("It has tools such as hammers.", "It has tools like hammers."),
    ("Moreover, prices rose.", "Additionally, prices rose."),
    ("It takes approximately 20 minutes.", "It takes roughly 20 minutes."),
    ("This might help you.", "This could help you."),
    ("Please let me know if you go.", "Let me know if you go."),
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
    ("Similarly, prices rose.", "Likewise, prices rose."),
    ("Therefore, prices rose.", "Thus, prices rose."),
    ("In spite of the rain, we went.", "Despite the rain, we went."),
    ("Although the rain fell, we went.", "Though the rain fell, we went."),
    ("It closed because of the rain.", "It closed due to the rain."),
    ("It looked as if the rain fell.", "It looked as though the rain fell."),
    ("Now check if the door is open.", "Now check whether the door is open."),
    ("He stood instead of sitting.", "He stood rather than sitting."),
    ("We saw a lot of people.", "We saw lots of people."),
    ("It has a number of uses.", "It has several uses."),
    ("We walk every day.", "We walk each day."),
    ("We met all of the students.", "We met all the students."),
    ("We met all of your friends.", "We met all your friends."),
    ("Drink three cups per day.", "Drink three cups a day."),
    ("Ring it twice per year.", "Ring it twice a year."),
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
    ("We saw it in other countries too.", "We saw it in other countries as well."),
    ("Add salt if necessary.", "Add salt if needed."),
    ("They walked toward the door.", "They walked towards the door."),
    ("Use tools such as hammers.", "Use tools like hammers."),
    ("Read the whole book.", "Read the entire book."),
    ("This is hard to measure.", "This is difficult to measure."),
    ("Sleep is a crucial part of health.", "Sleep is a vital part of health."),
    ("The main reason was cost.", "The primary reason was cost."),
    ("Then begin by reading.", "Then start by reading."),
    ("It began to rain.", "It started to rain."),
    ("It has begun to rain.", "It has started to rain."),
    ("You must make sure that it works.", "You must ensure that it works."),
    ("This allows you to sort them.", "This enables you to sort them."),
    ("This seems to be right.", "This appears to be right."),
    ("Errors happen when disks fail.", "Errors occur when disks fail."),
    ("Keep in mind that it rains.", "Bear in mind that it rains."),
    ("It can lead to problems.", "It can result in problems."),
    ("The bay is commonly known as a harbor.", "The bay is commonly called a harbor."),
    ("The dataset is small.", "The data set is small."),
    ("The function is nonlinear.", "The function is non-linear."),
    ("Her judgment was good.", "Her judgement was good."),
    ("Be sure to stir it.", "Make sure to stir it."),
    ("In order to reduce costs, we walk.", "To reduce costs, we walk."),
    ("This helps reduce costs.", "This helps to reduce costs."),
    ("This will help you understand it.", "This will help you to understand it."),
    ("This means that you can go.", "This means you can go."),
    ("We write it down so that you can read it.", "We write it down so you can read it."),
    ("There are cases in which the door is open.", "There are cases where the door is open."),
    ("Look at the way that we did it.", "Look at the way we did it."),
    ("Read the code that we wrote.", "Read the code we wrote."),
    ("It creates a file called `a`.", "It creates a file named `a`."),
    ("When we try to read it, it breaks.", "When we attempt to read it, it breaks."),
    ("Then we need to read it.", "Then we have to read it."),
    ("The door needs to be opened.", "The door has to be opened."),
    ("Say so if you want to read more.", "Say so if you'd like to read more."),
    ("It has a value that is available here.", "It has a value that's available here."),
    ("It may be necessary to wait.", "It might be necessary to wait."),
    ("It may not be the best way.", "It might not be the best way."),
    ("As you may have guessed, it broke.", "As you might have guessed, it broke."),
    ("There are many reasons to go.", "There are numerous reasons to go."),
    ("They get enough sleep.", "They get sufficient sleep."),
    ("This was suitable for beginners.", "This was appropriate for beginners."),
    ("Read the next chapter.", "Read the following chapter."),
    ("They have memory issues now.", "They have memory problems now."),
    ("It has a positive impact on sleep.", "It has a positive effect on sleep."),
    ("We had the opportunity to rest.", "We had the chance to rest."),
    ("A slice is a type of pointer.", "A slice is a kind of pointer."),
    ("We like a mix of both.", "We like a mixture of both."),
    ("For the rest of this chapter, rest.", "For the remainder of this chapter, rest."),
    ("Alternatively, prices rose.", "As an alternative, prices rose."),
    ("This ensures you can go.", "This ensures that you can go."),
    ("Read about a specific topic.", "Read about a particular topic."),
    ("Bicycles became increasingly popular.", "Bicycles became more and more popular."),
    ("To achieve this, we walk.", "To accomplish this, we walk."),
    ("Ultimately, prices rose.", "In the end, prices rose."),
    ("I hope this helps!", "I hope that helps!"),
    ("How can I help you today?", "How can I assist you today?"),
    ("We found information about the town.", "We found information regarding the town."),
    ("In some cases, prices rose.", "In certain cases, prices rose."),
    ("The yard is a part of the town.", "The yard is part of the town."),
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
    "We asked for example code.",
    "Thus far, they have won.",
    "She closed the door, thus keeping the heat in.",
    "The bus was due to leave.",
    "The delay was due to rain.",
    "At all the best times.",
    "None of all the above.",
    "We talked all the time.",
    "Not every day.",
    "People like dogs.",
    "They go around 20 corners.",
    "We spoke about 20 minutes.",
    "The roof over 10 beds.",
    "Not only that but more than that.",
    "Me too.",
    "The box was too cold.",
    "The start to a season.",
    "We start the engine.",
    "Let's get started with this.",
    "From start to finish.",
    "What happens when they meet?",
    "It may also be passed on.",
    "You may not enter.",
    "In May they left.",
    "He was called to the phone.",
    "This was called when they click.",
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
    "To be honest, it broke.",
    "To make matters worse, it broke.",
    "To date, it holds.",
    "The function needs help.",
    "The building plans to reduce costs.",
    "The tools you need to succeed.",
    "It has the nutrients it needs to function.",
    "The best that Paris has to offer.",
    "Do that in such a way that they must leave.",
    "It grew, since then.",
    "She knew what he said, that is.",
    "Without rain they might have died.",
    "You may be seated.",
    "The index is inside the bounds.",
    "The function called with two numbers.",
    "It was a new house altogether.",
    "Stir for the last 5 minutes.",
    "A mother and her function like clocks.",
    "It works like magic tricks.",
    "The code that is stored here runs.",
    "In the list there are not any files.",
    "The hardest problem is complex problems.",
    "It was never advertised publicly.",
    "They led a search for new patterns.",
    "The file is located in a folder.",
    "This holds for each time step.",
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
    // Verse.
    "\nThe clouds are low above the plains,\nand in the night it usually rains,",
    "\nThe clouds are low above the plains,\nand there it rains.\n\nAnd now?\nIt usually rains.",
];

/// Whether some choice at each of the first sites writes this.
fn may_become(text: &str, expected: &str) -> bool {
    (0..256_u32).any(|pattern| {
        let mut site = 0;
        let choice = |_: &Site<'_>| {
            site += 1;
            Some(pattern >> (site % 8) & 1 == 1)
        };
        let mut rewriter = Rewriter::new(Lexicon::english(), choice);
        let mut out = String::new();
        rewriter.push(&format!("{BEFORE}{text}"), &mut out);
        rewriter.finish(false, &mut out);
        out.ends_with(&format!(" {expected}"))
    })
}

#[test]
fn every_pair_is_changed_both_ways() {
    let mut wrong = Vec::new();
    for (first, second) in PAIRS {
        for (text, expected) in [(first, second), (second, first)] {
            if !may_become(text, expected) {
                wrong.push((text, forced(text, true), forced(text, false)));
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
fn a_long_line_and_an_item_end_verse() {
    let long =
        "and a line of as many words as this one has in it is no verse, so it usually rains.";
    // A word that has just been said is no site.
    let item = long.replace("usually", "mainly");
    for text in
        [format!("\nThe clouds are low\n{long}"), format!("\nThe clouds\n{long}\n\n- {item}")]
    {
        let other = text.replace("usually", "typically").replace("mainly", "primarily");
        assert_eq!(forced(&text, true), other);
    }
    let item = "\nThe clouds are low\nand dark\n\n- It usually rains.";
    assert_eq!(forced(item, true), item.replace("usually", "typically"));
}

#[test]
fn what_is_spared_as_verse_is_read_all_the_same() {
    let text = "The clouds are low above the plains,\nand in the night it usually rains,";
    let mut sites = 0;
    each_site(Lexicon::english(), text, |_| sites += 1);
    assert_eq!(sites, 1);
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

/// Break it: open a place for a contraction behind one contraction.
#[test]
fn a_text_that_keeps_to_contractions_or_to_the_words_for_them_is_left_so_and_one_that_mixes_them_is_not()
 {
    let only = "This is what we don't see. It's good that they're here, and you can't tell.";
    for variant in [false, true] {
        let mut rewriter = Rewriter::new(Lexicon::english(), |_: &Site<'_>| Some(variant));
        let mut out = String::new();
        rewriter.push(only, &mut out);
        rewriter.finish(false, &mut out);
        assert_eq!(out, only);
    }
    assert_eq!(forced("Some animals do not sleep.", true), "Some animals don't sleep.");
}

/// Break it: look six words back for words of content too, or for the variant that stands there alone.
#[test]
fn a_phrasing_does_not_come_again_in_the_next_sentence_nor_is_one_taken_out_that_answers_another() {
    for text in [
        "They need to improve this town. It is not easy, but we can say that it will enhance security here.",
        "For example, it rains in the north of the land on most days, and this is, for example, why they left.",
    ] {
        let changed = |variant| forced(text, variant);
        let again = |word: &str| changed(true).matches(word).count() > 1;
        assert!(!again("enhance") && !again("instance"), "{}", changed(true));
    }
    let far = format!(
        "It will improve safety. {} It will enhance security here.",
        "So it is. ".repeat(12)
    );
    assert!(forced(&far, false).ends_with("improve security here."));
}

/// Break it: leave the second place as it is.
#[test]
fn what_an_exchange_would_have_said_twice_is_exchanged_for_what_it_took_away() {
    let text = "It will improve security here, and they say that it can enhance performance too.";
    let swapped =
        "It will enhance security here, and they say that it can improve performance too.";
    let mut first = true;
    let mut rewriter = Rewriter::new(Lexicon::english(), |site: &Site<'_>| {
        site.form.starts_with("improve").then(|| std::mem::take(&mut first))
    });
    let mut out = String::new();
    rewriter.push(&format!("{BEFORE}{text}"), &mut out);
    rewriter.finish(false, &mut out);
    assert_eq!(out.strip_prefix(BEFORE).unwrap(), swapped);
    assert_eq!(rewriter.sites(), 1);
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
fn american_and_british_forms_are_not_mixed() {
    let rewrite = |text: &str| {
        let mut bits = [true, false, false].into_iter();
        let mut rewriter = Rewriter::new(Lexicon::english(), |_: &Site<'_>| bits.next());
        let mut out = String::new();
        rewriter.push(&format!("These are the tools that we have. {text}"), &mut out);
        rewriter.finish(false, &mut out);
        (out.replace("These are the tools that we have. ", ""), rewriter.sites())
    };
    assert_eq!(
        rewrite("They walked toward the door with judgment and leaped."),
        ("They walked towards the door with judgement and leapt.".to_owned(), 1)
    );
    let told = "Its color was that of the judgment toward the end.";
    assert_eq!(rewrite(told), (told.to_owned(), 0));
}

#[test]
fn what_stays_written_so_in_a_name_is_written_so_behind_it() {
    let text = "**Kind**: Dataset of the trees. The dataset is small.";
    assert_eq!(forced(text, true), text);
}

#[test]
fn phrasings_of_talk_are_given_to_talk_only() {
    let text = "Here they saw a lot of people. Maybe it was the rain.";
    assert_eq!(forced(text, true), "Here they saw lots of people. Perhaps it was the rain.");
    let mut rewriter = Rewriter::new(Lexicon::english(), |_: &Site<'_>| Some(true));
    let mut out = String::new();
    rewriter.push(text, &mut out);
    rewriter.finish(false, &mut out);
    assert_eq!(out, text);
}

#[test]
fn case_and_apostrophe_follow_the_text() {
    let curly = "These are the tools. It’s what you don’t need. They do not help. We do not know.";
    let mut rewriter = Rewriter::new(Lexicon::english(), |_: &Site<'_>| Some(true));
    let mut out = String::new();
    rewriter.push(curly, &mut out);
    rewriter.finish(false, &mut out);
    assert!(out.ends_with("They do not help. We don’t know."), "{out}");
    assert_eq!(forced("For example, it rains.", true), "For instance, it rains.");
    assert_eq!(forced("Today it rains, for example.", true), "Today it rains, for instance.");
}
