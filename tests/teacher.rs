//! The embedded upstream.

use guilloche::teacher::problem::{Problems, solve};

#[test]
fn ten_thousand_generated_problems_are_solved_right() {
    let mut failures = std::collections::BTreeMap::<String, Vec<String>>::new();
    let mut wrong = 0;
    for problem in Problems::new(1).take(10_000) {
        let found = solve(&problem.text);
        if found.as_ref().map(|s| s.value) != Ok(problem.answer) {
            wrong += 1;
            let key = problem.text.split(' ').take(2).skip(1).collect::<String>();
            failures.entry(key).or_default().push(format!("{} => {} got {:?}", problem.text, problem.answer, found.map(|s| s.expression)));
        }
    }
    for (_, list) in &failures { for line in list.iter().take(2) { println!("{line}"); } }
    assert_eq!(wrong, 0);
}
