//! The problems and what is answered to them.

use std::collections::HashSet;

use guilloche::teacher::problem::{Problems, solve};
use guilloche::teacher::{Teacher, final_answer};
use serde_json::json;

use crate::together::viewed;
use crate::{CHAIN, chat, document};

#[test]
fn ten_thousand_generated_problems_are_solved_right() {
    let mut wrong = Vec::new();
    for problem in Problems::new(1).take(10_000) {
        let found = solve(&problem.text);
        if found.as_ref().map(|solution| solution.value) != Ok(problem.answer) {
            wrong.push(format!(
                "{} => {} got {:?}",
                problem.text,
                problem.answer,
                found.map(|found| found.expression)
            ));
        }
    }
    assert!(wrong.is_empty(), "{} wrong, first: {:?}", wrong.len(), wrong.first());
}

#[tokio::test]
async fn the_written_answer_states_the_right_result() {
    let teacher = Teacher::default();
    let mut openings = HashSet::new();
    for problem in Problems::new(2).take(200) {
        let response =
            document(&teacher, "/v1/chat/completions", &chat("teacher-large", &problem.text)).await;
        let message = &response["choices"][0]["message"];
        let content = message["content"].as_str().unwrap();
        assert_eq!(final_answer(content), Some(problem.answer), "{}\n{content}", problem.text);
        assert!(message["reasoning_content"].as_str().unwrap().split_whitespace().count() >= 25);
        openings.insert(content.split(['.', ':', '!']).next().unwrap().to_owned());
    }
    assert!(openings.len() >= 90, "{} distinct openings", openings.len());
}

#[tokio::test]
async fn one_takes_the_singular_and_every_other_number_the_plural() {
    let teacher = Teacher::default();
    let nouns = [
        ("apple", "apples"),
        ("box", "boxes"),
        ("child", "children"),
        ("peach", "peaches"),
        ("hour", "hours"),
        ("toy car", "toy cars"),
    ];
    for (one, many) in nouns {
        for (start, more) in [(1, 1), (1, 4), (5, 1), (0, 1)] {
            let (a, b) = (if start == 1 { one } else { many }, if more == 1 { one } else { many });
            let problem = format!(
                "Tom has {start} {a}. He finds {more} more {b}. Ben has twice as many {many} as Tom. How many {many} does Ben have?"
            );
            for seed in 0..12 {
                let mut request = chat("teacher-large", &problem);
                request["seed"] = json!(seed);
                let view = viewed(&document(&teacher, "/v1/chat/completions", &request).await, 0);
                let text = format!(" {} {}", view["reasoning_content"], view["content"])
                    .replace("\\n", " ")
                    .replace('*', " ");
                assert!(
                    !text.contains(&format!(" 1 {many}")) && text.contains(&format!(" {many}")),
                    "{text}"
                );
                let singular = text
                    .match_indices(&format!(" {one} "))
                    .all(|(at, _)| text[..at].ends_with(" 1"));
                let verbs = [
                    "1 apple are",
                    "1 box are",
                    "apples is",
                    "boxes is",
                    "children is",
                    "hours is",
                ]
                .iter()
                .all(|wrong| !text.contains(wrong));
                assert!(singular && verbs, "{text}");
            }
        }
    }
}

#[tokio::test]
async fn the_small_model_admits_what_is_beyond_it() {
    let teacher = Teacher::default();
    let long = document(&teacher, "/v1/chat/completions", &chat("teacher-small", CHAIN)).await;
    assert_eq!(final_answer(long["choices"][0]["message"]["content"].as_str().unwrap()), None);
    let short = document(
        &teacher,
        "/v1/chat/completions",
        &chat("teacher-small", "Tom has 3 pens and buys 4 more pens. How many pens does he have?"),
    )
    .await;
    assert_eq!(
        final_answer(short["choices"][0]["message"]["content"].as_str().unwrap()),
        solve("3 + 4").ok().map(|s| s.value)
    );
}

#[test]
fn arithmetic_on_hostile_input_neither_panics_nor_lies() {
    for text in [
        "How many apples does 999999999999999 times 999999999999999 make?",
        "What is 5 / 0?",
        "What is ((((((((((((((((((((1+1))))))))))))))))))))?",
        "Tom has 3 apples. He gives 5 apples to Ben. How many apples does Tom have?",
        "how many",
        "$ £ % 1/0 half of of of each each",
        "Each each 5 per per 5. How many more than than?",
    ] {
        assert!(solve(text).is_err(), "{text}: {:?}", solve(text));
    }
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(2_000))]
    #[test]
    fn word_soup_never_panics(words in proptest::collection::vec(proptest::sample::select(vec![
        "Tom", "Maria", "she", "has", "buys", "gives", "to", "each", "every", "per", "of", "half", "twice", "as", "many", "than", "more",
        "fewer", "5", "0", "12.50", "$", "%", "/", "3", "dozen", "hundred", "thousand", "twenty", "-", "apples", "boxes", "hours", "km",
        "shares", "among", "into", "costs", "how", "much", "many", "left", "over", "?", ".", ",", "and", "then", "a", "the", "is", "their",
        "doubles", "does", "pays", "with", "change", "in", "for", "percent", "one", "all", "999999999999999",
    ]), 0..40)) {
        let _ = solve(&words.join(" "));
    }

    #[test]
    fn any_text_is_read_without_panic(text in "\\PC{0,200}") {
        let _ = solve(&text);
    }
}
