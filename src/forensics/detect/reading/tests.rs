use std::borrow::Cow;

use proptest::prelude::*;

use super::reading;
use crate::mark::lexical::each_site;
use crate::mark::lexicon::Lexicon;

const TEXT: &str = "This is one of the tools that you can use. For example, it can sort words, and \
    you do not need to pay for it. I don't think that they're slow: in addition, they are free.\n\n\
    It's a joy. You need to make sure that nobody else begins to write.";

/// Cells and variants.
fn sites(text: &str) -> Vec<(u32, bool)> {
    let mut sites = Vec::new();
    each_site(Lexicon::english(), &reading(text), |site| {
        sites.push((site.cell().index(), site.variant));
    });
    sites
}

fn unchanged(text: &str) -> bool {
    matches!(reading(text), Cow::Borrowed(same) if std::ptr::eq(same, text))
}

#[test]
fn a_text_without_need_is_not_copied() {
    assert!(unchanged(TEXT));
    assert!(unchanged(""));
    assert!(unchanged(
        "Das „Café“ ist… schön – 1½ Meter.\r\nNASA and ESA; 3² is ten.\n\n- i.e. This\n  - Other"
    ));
    assert!(unchanged("This is the book’s own wont, and they dont read it."));
    assert!(unchanged("# API\n\nUSE IT\n\nThis is it."));
}

#[test]
fn code_tables_and_data_keep_their_blanks_and_case() {
    assert!(unchanged(
        "Here is it:\n\n```sql\nSELECT  A,\tB FROM TABLE_OF_NAMES\n\ndont  = 1;\n```\n\nThis is it."
    ));
    assert!(unchanged("It is:\n\n    LET  X =  \"THIS IS ONE OF THEM\";\n\tIF  X\n\nThis is it."));
    assert!(unchanged("Say `a  b\tc` and ``d ` e  f`` to it."));
    assert!(unchanged("{\"key\":  \"DONT EVER WRITE THIS\",\n \"a\":\t2}"));
    assert!(unchanged("name\tof the cell\tcount\nThis\tis a\t12\n"));
}

#[test]
fn blanks_between_words_are_one_space() {
    assert_eq!(
        reading("  This \u{a0} is\u{2003}it,  a`b  c`  and  this  \nand  that"),
        "  This is it, a`b  c` and this \nand that"
    );
    let tabs = "This\tis\tone\tof\tthe\ttools\tthat\tyou\tcan\tuse.";
    assert_eq!(reading(tabs), tabs.replace('\t', " "));
}

#[test]
fn paragraphs_in_one_case_are_written_as_usual() {
    assert_eq!(
        reading("THIS IS IT, AND I SAY SO. DON'T ASK (E.G. THERE)!\n\nNot here: NASA."),
        "This is it, and I say so. Don't ask (e.g. there)!\n\nNot here: NASA."
    );
    assert_eq!(
        reading("so i say. it's, i.e. this, i'm sure"),
        "so I say. It's, i.e. this, I'm sure"
    );
}

#[test]
fn lost_apostrophes_come_back_where_there_are_none() {
    assert_eq!(
        reading("Im sure that you dont. THATS it, and Ive or ive their its were cant_do wonton"),
        "I'm sure that you don't. THAT'S it, and I've or I've their its were cant_do wonton"
    );
}

#[test]
fn lookalike_letters_are_the_usual_ones() {
    assert_eq!(
        reading(
            "ｄｏｎ＇ｔ ﬁnd 𝐭𝐡𝐢𝐬 𝟏𝟐 do\u{200b}ne it\u{2bc}s \u{feff}well\u{2011}known cafe\u{301} u\u{332}s"
        ),
        "don't find this 12 done it's well-known café us"
    );
}

#[test]
fn the_words_without_apostrophe_are_in_order() {
    assert!(super::contractions::LOST.is_sorted());
    assert!(
        super::contractions::LOST
            .iter()
            .all(|(word, _)| word.len() <= super::contractions::LONGEST)
    );
}

#[test]
fn sites_are_where_they_were() {
    let expected = sites(TEXT);
    assert!(expected.len() >= 5, "{expected:?}");
    for changed in [
        TEXT.replace(' ', "  "),
        TEXT.replace(' ', "\t"),
        TEXT.replace(' ', "\u{a0}"),
        TEXT.replace(' ', " \u{2009}\t "),
        TEXT.to_uppercase(),
        TEXT.to_uppercase().replace(' ', "   "),
        TEXT.to_lowercase(),
        TEXT.replace('\'', ""),
        TEXT.replace('\'', "").to_uppercase(),
        TEXT.replace('i', "\u{200b}i"),
    ] {
        assert_eq!(sites(&changed), expected, "{changed}");
    }
}

#[test]
fn hostile_repetitions_are_read_in_one_go() {
    let times = 1 << 17;
    for piece in [
        " ", "\t", "\u{a0}", "`", "` ", "a\u{301}", "\u{301}", "A", "A ", "dont ", "'", "```\n",
        "\n", "i ", "a. ",
    ] {
        let text = piece.repeat(times);
        let read = reading(&text);
        assert!(read.len() <= 2 * text.len());
        assert_eq!(reading(&read), read);
    }
}

proptest! {
    #[test]
    fn reading_twice_is_reading_once(text in "([ \t\n`~'’.a-cIi\u{a0}\u{301}\u{200b}ｄ]|İ|ß|dont|IM |Im|``` |AND THIS IS SO|This|<|\\{){0,24}") {
        let once = reading(&text).into_owned();
        prop_assert_eq!(reading(&once), once.as_str());
    }

    #[test]
    fn any_text_is_read_and_twice_as_once(text in any::<String>()) {
        let once = reading(&text).into_owned();
        prop_assert_eq!(reading(&once), once.as_str());
    }
}
