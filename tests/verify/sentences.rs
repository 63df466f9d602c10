//! Sentences that have a site each, made from the lexicon.

use guilloche::mark::lexical::each_site;
use guilloche::mark::lexicon::{Gate, Lexicon};

const SUBJECTS: [&str; 12] = [
    "you",
    "they",
    "we",
    "people",
    "teachers",
    "the members",
    "farmers",
    "my friends",
    "engineers",
    "the children",
    "some doctors",
    "most readers",
];

const FRAMES: [&str; 12] = [
    "Today SUBJECT FORM it.",
    "Today SUBJECT FORM the house.",
    "Today SUBJECT saw the FORM people there.",
    "Today SUBJECT were FORM.",
    "Today SUBJECT worked FORM the house.",
    "FORM, SUBJECT left the house.",
    "Today SUBJECT looked at the FORM of the house.",
    "Today SUBJECT said that it was FORM good.",
    "Today SUBJECT came with FORM options.",
    "Today SUBJECT saw that this FORM help.",
    "Today SUBJECT saw tools FORM hammers.",
    "Today SUBJECT said that it FORM necessary.",
];

/// For every class and subject the first frame in which one of its forms is a site; a class has
/// a habit, to which most of its sentences keep.
pub(crate) fn sentences() -> Vec<String> {
    let lexicon = Lexicon::english();
    let mut made = Vec::new();
    let open = lexicon.classes().filter(|class| class.gate == Gate::Open);
    for (number, class) in open.enumerate() {
        let (first, second) = &class.pairs[0];
        for (turn, subject) in SUBJECTS.iter().enumerate() {
            let form = if (turn + number) % 4 < number % 5 { first } else { second };
            let sentence = FRAMES.iter().find_map(|frame| {
                let sentence = frame.replace("FORM", form).replace("SUBJECT", subject);
                let sentence = sentence[..1].to_uppercase() + &sentence[1..];
                let mut sites = 0;
                each_site(lexicon, &sentence, |_| sites += 1);
                // One place, of up to five variants.
                (1..=4).contains(&sites).then_some(sentence)
            });
            made.extend(sentence);
        }
    }
    // Mixed, so that every document has many classes.
    made.sort_by_key(|sentence| *blake3::hash(sentence.as_bytes()).as_bytes());
    made
}
