//! The built-in lexicon is what its format promises.

use std::collections::HashSet;

use guilloche::mark::lexicon::{Lexicon, LexiconProblem};

const CLASSES: &str = include_str!("../src/mark/lexicon/classes.tsv");

#[test]
fn the_built_in_lexicon_is_valid_and_has_four_hundred_classes() {
    let lexicon = Lexicon::parse(CLASSES).unwrap();
    assert!(lexicon.classes().len() >= 400, "{}", lexicon.classes().len());
    assert_eq!(Lexicon::english().classes().len(), lexicon.classes().len());
}
