//! What does not load, and what is said of it.

use std::path::Path;

use guilloche::policy::{LoadError, Policy};
use proptest::prelude::*;

use crate::HEAD;

/// One file for each rule: the text after the head, the line and the field of the complaint, and a
/// part of its message.
const REJECTED: &[(&str, usize, &str, &str)] = &[
    ("[[grade]]\nname = \"g\"\nat = 2", 6, "grade[0].at", "between 0 and 1"),
    ("[[grade]]\nname = \"g\"\nat = nan", 6, "grade[0].at", "between 0 and 1"),
    ("[[grade]]\nname = \"g\"\nat = \"high\"", 6, "grade[0].at", "invalid type"),
    ("[[grade]]\nname = \"g\"", 4, "grade[0].at", "missing"),
    ("[[grade]]\nat = 0.5", 4, "grade[0].name", "missing"),
    ("[[grade]]\nname = \"G 1\"\nat = 0.5", 5, "grade[0].name", "is not a name"),
    (
        "[[grade]]\nname = \"g\"\nat = 0.5\nmin_confidence = -0.1",
        7,
        "grade[0].min_confidence",
        "between",
    ),
    (
        "[[grade]]\nname = \"g\"\nat = 0.5\nheartbeats = {}",
        7,
        "grade[0].heartbeats",
        "unknown field",
    ),
    (
        "[[grade]]\nname = \"a\"\nat = 0.5\n[[grade]]\nname = \"b\"\nat = 0.4",
        9,
        "grade[1].at",
        "below",
    ),
    (
        "[[grade]]\nname = \"a\"\nat = 0.5\n[[grade]]\nname = \"b\"\nat = 0.5",
        9,
        "grade[1].at",
        "never reached",
    ),
    (
        "[[grade]]\nname = \"a\"\nat = 0.4\n[[grade]]\nname = \"a\"\nat = 0.5",
        8,
        "grade[1].name",
        "another grade",
    ),
    ("", 1, "grade", "missing"),
    (
        "[scope]\nroutes = []\n[[grade]]\nname = \"g\"\nat = 0.5",
        5,
        "scope.routes",
        "no grade is ever reached",
    ),
    (
        "[scope]\nmodels = [\"a*b\"]\n[[grade]]\nname = \"g\"\nat = 0.5",
        5,
        "scope.models[0]",
        "is not a pattern",
    ),
    (
        "[scope]\nprotocols = [\"smtp\"]\n[[grade]]\nname = \"g\"\nat = 0.5",
        5,
        "scope.protocols[0]",
        "unknown variant",
    ),
    (
        "unknown_routes = \"drop\"\n[[grade]]\nname = \"g\"\nat = 0.5",
        4,
        "unknown_routes",
        "unknown variant",
    ),
    (
        "[[exemption]]\nowner = \"o\"\nreason = \"r\"\nexpires = 2027-01-01\n[[grade]]\nname = \"g\"\nat = 0.5",
        4,
        "exemption[0]",
        "neither an account",
    ),
    (
        "[[exemption]]\naccount = \"a\"\nreason = \"r\"\nexpires = 2027-01-01\n[[grade]]\nname = \"g\"\nat = 0.5",
        4,
        "exemption[0].owner",
        "missing",
    ),
    (
        "[[exemption]]\naccount = \"a\"\nowner = \"o\"\nexpires = 2027-01-01\n[[grade]]\nname = \"g\"\nat = 0.5",
        4,
        "exemption[0].reason",
        "missing",
    ),
    (
        "[[exemption]]\naccount = \"a\"\nowner = \"o\"\nreason = \"r\"\n[[grade]]\nname = \"g\"\nat = 0.5",
        4,
        "exemption[0].expires",
        "missing",
    ),
    (
        "[[exemption]]\naccount = \"a\"\nowner = \" \"\nreason = \"r\"\nexpires = 2027-01-01\n[[grade]]\nname = \"g\"\nat = 0.5",
        6,
        "exemption[0].owner",
        "empty",
    ),
    (
        "[[exemption]]\naccount = \"a\"\nowner = \"o\"\nreason = \"r\"\nexpires = 2027-01-01T00:00:00Z\n[[grade]]\nname = \"g\"\nat = 0.5",
        8,
        "exemption[0].expires",
        "plain date",
    ),
    (
        "[[exemption]]\naccount = \"a\"\nowner = \"o\"\nreason = \"r\"\nexpires = 2027-01-01\ncovers = []\n[[grade]]\nname = \"g\"\nat = 0.5",
        9,
        "exemption[0].covers",
        "covers nothing",
    ),
    (
        "[[exemption]]\naccount = \"a\"\nowner = \"o\"\nreason = \"r\"\nexpires = 2027-01-01\ncovers = [\"mark\"]\n[[grade]]\nname = \"g\"\nat = 0.5",
        9,
        "exemption[0].covers[0]",
        "unknown variant",
    ),
];

/// The same for countermeasures: the text of one grade's tables, from line 7 on.
const REJECTED_MEASURES: &[(&str, usize, &str, &str)] = &[
    ("[grade.refuse]\nmessage = \"\"", 8, "refuse.message", "one line"),
    ("refuse = {}\npace = { tokens_per_second = 9 }", 7, "refuse", "never apply"),
    ("[grade.rate]", 7, "rate", "limits neither"),
    (
        "[grade.rate]\naccount = { requests = \"60/min\" }",
        8,
        "rate.account.requests",
        "is not a quota",
    ),
    ("[grade.rate]\naccount = { concurrency = 0 }", 8, "rate.account.concurrency", "nonzero"),
    ("[grade.rate]\naccount = { per_day = 1 }", 8, "rate.account.per_day", "unknown field"),
    ("[grade.downgrade]", 7, "downgrade", "neither replaces"),
    ("[grade.downgrade]\nmodels = {}", 7, "downgrade", "neither replaces"),
    ("[grade.downgrade]\nmodels = { \"big\" = \"big\" }", 8, "downgrade.models.big", "by itself"),
    (
        "[grade.downgrade.models]\n\"big*\" = \"small*\"",
        8,
        "downgrade.models.\"big*\"",
        "not the name",
    ),
    (
        "[grade.downgrade.models]\n\"b*g\" = \"small\"",
        8,
        "downgrade.models.\"b*g\"",
        "is not a pattern",
    ),
    ("[grade.downgrade]\nmax_effort = \"tiny\"", 8, "downgrade.max_effort", "\"minimal\""),
    (
        "[grade.downgrade]\nmax_output_tokens = -1",
        8,
        "downgrade.max_output_tokens",
        "invalid value",
    ),
    ("[grade.side_channels]\nmax_choices = 0", 8, "side_channels.max_choices", "nonzero"),
    ("[grade.side_channels]\nallow = [\"x\", \"\"]", 8, "side_channels.allow[1]", "empty"),
    ("[grade.reasoning]", 7, "reasoning.keep", "missing"),
    ("[grade.reasoning]\nkeep = \"most\"", 8, "reasoning.keep", "unknown variant"),
    (
        "[grade.reasoning]\nkeep = { share = 1.0 }\nsigned = \"seal\"",
        8,
        "reasoning.keep",
        "both excluded",
    ),
    (
        "[grade.reasoning]\nkeep = { share = nan }\nsigned = \"seal\"",
        8,
        "reasoning.keep",
        "both excluded",
    ),
    ("[grade.reasoning]\nkeep = { words = 0 }", 8, "reasoning.keep.words", "nonzero"),
    ("[grade.reasoning]\nkeep = \"conclusion\"", 8, "reasoning.keep", "signs its thinking blocks"),
    (
        "[grade.reasoning]\nkeep = \"none\"\nseal = { bucket = 255 }",
        9,
        "reasoning.seal.bucket",
        "not from 256 to 1048576 bytes",
    ),
    (
        "[grade.reasoning]\nkeep = \"none\"\nseal = { lifetime = \"59s\" }",
        9,
        "reasoning.seal.lifetime",
        "not from a minute to 366 days",
    ),
    (
        "[grade.reasoning]\nkeep = \"none\"\nseal = { lifetime = \"8785h\" }",
        9,
        "reasoning.seal.lifetime",
        "not from a minute to 366 days",
    ),
    (
        "[grade.reasoning]\nkeep = \"none\"\nseal = { bind = \"session\" }",
        9,
        "reasoning.seal.bind",
        "unknown variant",
    ),
    (
        "[grade.reasoning]\nkeep = \"conclusion\"\nseal = { in_strings = true }",
        9,
        "reasoning.seal.in_strings",
        "not for both",
    ),
    (
        "[grade.reasoning]\nkeep = \"none\"\nseal = { ttl = 3 }",
        9,
        "reasoning.seal.ttl",
        "unknown field",
    ),
    ("[grade.pace]", 7, "pace", "slows nothing"),
    (
        "[grade.pace]\nfirst_token_delay = { min = \"2s\", max = \"1s\" }",
        8,
        "pace.first_token_delay.max",
        "shorter than `min`",
    ),
    (
        "[grade.pace]\nfirst_token_delay = { min = \"1s\", max = \"31s\" }",
        8,
        "pace.first_token_delay.max",
        "longer than 30 s",
    ),
    (
        "[grade.pace]\nfirst_token_delay = { min = \"1\", max = \"2s\" }",
        8,
        "pace.first_token_delay.min",
        "is not a duration",
    ),
    (
        "[grade.pace]\nfirst_token_delay = { min = \"1s\" }",
        8,
        "pace.first_token_delay.max",
        "missing",
    ),
];

fn problems(text: &str) -> Vec<guilloche::policy::Problem> {
    Policy::parse("test.toml", text).unwrap_err().problems().to_vec()
}

#[test]
fn each_mistake_is_reported_once_with_its_line_and_field() {
    let graded = |tables: &str| format!("[[grade]]\nname = \"g\"\nat = 0.5\n{tables}");
    let whole = REJECTED
        .iter()
        .map(|(body, line, field, part)| ((*body).to_owned(), *line, (*field).to_owned(), *part));
    let measures = REJECTED_MEASURES.iter().map(|(tables, line, field, part)| {
        (graded(tables), *line, format!("grade[0].{field}"), *part)
    });
    for (body, line, field, part) in whole.chain(measures) {
        let found = problems(&format!("{HEAD}{body}"));
        let [problem] = found.as_slice() else { panic!("{body}\n{found:#?}") };
        let place = (problem.line, problem.field.as_str());
        assert_eq!(place, (line, field.as_str()), "{body}\n{problem}");
        let told = problem.to_string();
        assert!(told.contains(part), "{body}\n{told}");
    }
}

#[test]
fn the_head_is_mandatory_and_every_part_of_it_is_asked_for_at_once() {
    let fields = |text: &str| -> Vec<String> {
        problems(text).into_iter().map(|problem| problem.field).collect()
    };
    assert_eq!(fields(""), ["version", "name", "mode", "grade"]);
    let rest = "name = \"p\"\nmode = \"enforce\"\n[[grade]]\nname = \"g\"\nat = 0.5";
    assert_eq!(fields(&format!("version = 2\n{rest}")), ["version"]);
    assert_eq!(fields(&format!("version = \"1\"\n{rest}")), ["version"]);
}

#[test]
fn all_problems_of_a_file_come_at_once_in_the_order_of_their_lines() {
    let text = "version = 1\nname = \"Bad Name\"\nmode = \"sometimes\"\ncolour = 1\n\
                [scope]\nmodels = [\"*x\", \"ok\", 7]\n\
                [[grade]]\nname = \"a\"\nat = 3\nreasoning = { keep = \"all\", keeep = 1 }\n\
                [[grade]]\nname = \"b\"\nat = 0.5\nrate = { account = { requests = \"x\" } }\n\
                pace = {}\n";
    let found = problems(text);
    let places: Vec<_> = found.iter().map(|problem| (problem.line, &*problem.field)).collect();
    let expected = [
        (2, "name"),
        (3, "mode"),
        (4, "colour"),
        (6, "scope.models[0]"),
        (6, "scope.models[2]"),
        (9, "grade[0].at"),
        (10, "grade[0].reasoning.keep"),
        (10, "grade[0].reasoning.keeep"),
        (13, "grade[1].at"),
        (14, "grade[1].rate.account.requests"),
        (15, "grade[1].pace"),
    ];
    assert_eq!(places, expected);
    let error = Policy::parse("bad.toml", text).unwrap_err().to_string();
    assert_eq!(error.lines().filter(|line| line.starts_with("bad.toml:")).count(), expected.len());
}

#[test]
fn syntax_errors_have_their_line_and_column() {
    let found = problems("version = 1\nname = \n[[grade]\nat = 0.5\n");
    assert_eq!(found.iter().map(|problem| problem.line).collect::<Vec<_>>(), [2, 3]);
    assert!(found.iter().all(|problem| problem.message.starts_with("not TOML: ")), "{found:?}");
    let twice = problems("version = 1\nversion = 1\n");
    assert_eq!(twice.first().map(|problem| (problem.line, problem.column)), Some((2, 1)));
}

#[test]
fn a_file_that_cannot_be_read_says_so() {
    let error = Policy::load(Path::new("no/such/policy.toml")).unwrap_err();
    assert!(matches!(error, LoadError::Read { .. }));
    assert!(error.to_string().starts_with("no/such/policy.toml: "));
}

proptest! {
    #[test]
    fn no_text_makes_the_parser_fail_other_than_by_an_error(text in "[a-z=\\[\\]{}\"0-9.,\\n -]{0,120}") {
        prop_assert!(Policy::parse("any", &text).is_err());
    }
}
