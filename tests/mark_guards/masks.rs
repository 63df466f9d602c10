//! Where prose begins again, and where it is verse or of another language.

use guilloche::mark::lexical::{Rewriter, Site, each_site};
use guilloche::mark::lexicon::Lexicon;

use super::forced;

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
