//! Sentences that become one another.

use guilloche::mark::lexical::{Rewriter, Site};
use guilloche::mark::lexicon::Lexicon;

use super::{BEFORE, forced};

/// Sentences in the first variant and in the second.
pub(super) const PAIRS: &[(&str, &str)] = &[
    ("For example, it works.", "For instance, it works."),
    ("It works (for example, here).", "It works (for instance, here)."),
    ("Some animals do not sleep.", "Some animals don't sleep."),
    ("Do not mix the two.", "Don't mix the two."),
    ("Here it is not empty.", "Here it isn't empty."),
    ("Here it isn't empty.", "Here it's not empty."),
    ("It has tools such as hammers.", "It has tools like hammers."),
    ("It takes approximately 20 minutes.", "It takes roughly 20 minutes."),
    ("This may help you.", "This might help you."),
    ("If you go, please let me know.", "If you go, let me know."),
    ("Please feel free to ask.", "Feel free to ask."),
    ("She does not know.", "She doesn't know."),
    ("The box is not empty.", "The box isn't empty."),
    ("This cannot be right.", "This can't be right."),
    ("However, it is a good idea.", "However, it's a good idea."),
    ("It is important to rest.", "It's important to rest."),
    ("That is why we came.", "This is why we came."),
    ("There is a way.", "There's a way."),
    ("Today they are looking at it.", "Today they're looking at it."),
    ("So you are ready.", "So you're ready."),
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
    ("It has a negative impact on sleep.", "It has a negative effect on sleep."),
    ("We had the opportunity to rest.", "We had the chance to rest."),
    ("A slice is a type of pointer.", "A slice is a kind of pointer."),
    ("We like a mix of both.", "We like a mixture of both."),
    ("For the rest of this chapter, rest.", "For the remainder of this chapter, rest."),
    ("Alternatively, prices rose.", "As an alternative, prices rose."),
    ("This ensures you can go.", "This ensures that you can go."),
    ("Read about a specific topic.", "Read about a particular topic."),
    ("Bicycles became increasingly popular.", "Bicycles became more and more popular."),
    ("To achieve this, we walk.", "To accomplish this, we walk."),
    ("I hope this helps!", "I hope that helps!"),
    ("How can I help you today?", "How can I assist you today?"),
    ("We found information about the town.", "We found information regarding the town."),
    ("In some cases, prices rose.", "In certain cases, prices rose."),
    ("The yard is a part of the town.", "The yard is part of the town."),
    ("Here are some tips.", "Here are a few tips."),
    ("It has a wide variety of uses.", "It has a wide array of uses."),
    ("It serves a variety of purposes.", "It serves a range of purposes."),
    ("It is good for people who enjoy it.", "It is good for those who enjoy it."),
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
