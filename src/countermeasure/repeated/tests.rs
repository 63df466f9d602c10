use super::editor::Repeats;
use super::*;

const THOUGHT: &str = "First I look at the harbour plan, where the third crane stands idle since March. \
    If the two barges arrive before noon, the night shift can unload both without the crane, because the \
    river is high enough for the old ramp. So the cheapest order is barge seven, then barge four, and the \
    crane is repaired on Thursday when nobody needs it. The cost of that is 4,150 crowns, which is less \
    than the 6,000 that the rented crane would take, and it leaves the weekend free for the lighthouse \
    boat, whose crew has waited for nine days and will not wait for a tenth one.";

fn guard() -> RepeatGuard {
    guard_of(THOUGHT, "")
}

fn guard_of(thought: &str, known: &str) -> RepeatGuard {
    let mut index = OpenedIndex::default();
    index.add(thought);
    index.forget_what_is_known(known.as_bytes());
    RepeatGuard::new(Arc::new(index))
}

fn left_of(guard: &RepeatGuard, json: bool, pieces: &[&str]) -> (String, u64) {
    let mut repeats = Repeats::new(guard.afresh(), json);
    let mut out = String::new();
    pieces.iter().for_each(|piece| repeats.push(piece, &mut out));
    repeats.finish(&mut out);
    (out, repeats.words())
}

fn left(text: &str) -> (String, u64) {
    left_of(&guard(), false, &[text])
}

fn count(text: &str) -> u64 {
    let mut count = 0;
    let mut words = words::Words::default();
    for (at, character) in text.char_indices() {
        words.push(character, at, &mut |_| count += 1);
    }
    words.finish(&mut |_| count += 1);
    count
}

/// The first words of the thought.
fn first(words: usize) -> String {
    THOUGHT.split_whitespace().take(words).collect::<Vec<_>>().join(" ")
}

// Break it: compare words as they are spelled, or forget the first words of a run.
#[test]
fn what_was_thought_is_not_said_again_in_any_case_and_with_any_marks_between() {
    let marked = THOUGHT.split_whitespace().collect::<Vec<_>>().join(" *** | ");
    let joined: String = THOUGHT.chars().flat_map(|it| [it, '\u{200b}']).collect();
    let listed = THOUGHT.replace([',', '.'], "\n- ");
    for repeated in [THOUGHT.to_owned(), THOUGHT.to_uppercase(), marked, joined, listed] {
        let (out, words) = left(&format!("Here it is: {repeated} That is all."));
        assert!(out.starts_with("Here it is: ") && out.ends_with(" That is all."), "{out}");
        let (before, _) = out.split_at(out.len() - " That is all.".len());
        assert!(
            before.chars().filter(|it| it.is_alphabetic()).count() <= "Hereitis".len(),
            "{out}"
        );
        assert_eq!(words, count(THOUGHT));
    }
}

#[test]
fn words_that_are_put_between_do_not_hide_it() {
    for every in [8, 12, 20] {
        let words: Vec<&str> = THOUGHT.split_whitespace().collect();
        let filled =
            words.chunks(every).map(|it| it.join(" ") + " banana banana").collect::<Vec<_>>();
        let (out, _) = left(&filled.join(" "));
        assert!(count(&out) < 10, "every {every}: {out}");
    }
}

// Break it: let short runs pass without end.
#[test]
fn short_runs_are_let_through_until_an_answer_has_said_enough_of_them() {
    let apart = "as far as anybody at all can tell from here on today, ";
    let words: Vec<&str> = THOUGHT.split_whitespace().collect();
    let pieces: Vec<String> = words.chunks(12).map(|it| it.join(" ")).collect();
    let said = pieces.join(&format!(", {apart}"));
    let (out, withheld) = left(&said);
    let kept = pieces.iter().filter(|piece| out.contains(piece.as_str())).count();
    assert!((6..=7).contains(&kept), "{kept}: {out}");
    assert!(withheld > 0);
}

/// A formula, a sum, or a sentence that both have.
// Break it: withhold a run of six.
#[test]
fn an_answer_that_shares_a_formula_or_a_quotation_passes() {
    for answer in [
        "The order is barge seven, then barge four, and the crane is repaired on Thursday when nobody needs it.",
        "It costs 4,150 crowns, which is less than the 6,000 that the rented crane would take.",
        "As the plan says: the third crane stands idle since March. So barge seven goes first.",
    ] {
        assert_eq!(left(answer), (answer.to_owned(), 0));
    }
    let formula = "x^2 + 2*x*y + y^2 = (x + y)^2, so that x = -y +- sqrt(z)";
    let guard = guard_of(&format!("We know that {formula}. Therefore it is shown."), "");
    let answer = format!("By {formula} the sum is a square.");
    assert_eq!(left_of(&guard, false, &[&answer]).0, answer);
}

// Break it: index what the client has said itself.
#[test]
fn what_stands_in_the_request_is_no_secret() {
    let known = serde_json::json!({"messages": [{"role": "user", "content": THOUGHT}]}).to_string();
    assert_eq!(left_of(&guard_of(THOUGHT, &known), false, &[THOUGHT]).0, THOUGHT);
    // In a string in a string, as the arguments of earlier calls are.
    let twice = serde_json::to_string(&known).unwrap();
    assert_eq!(left_of(&guard_of(THOUGHT, &twice), false, &[THOUGHT]).0, THOUGHT);
    // A half of it is half of it.
    let half = serde_json::to_string(&first(40)).unwrap();
    let (out, _) = left_of(&guard_of(THOUGHT, &half), false, &[THOUGHT]);
    assert!(out.starts_with(&first(34)) && !out.contains("6,000"), "{out}");
}

#[test]
fn a_draft_of_code_may_be_written_down() {
    let code = "fn main() {\n    let total: u32 = (1..=10).map(|it| it * it).sum();\n    \
        println!(\"{total}\");\n    for line in std::io::stdin().lines() {\n        \
        println!(\"{}\", line.unwrap_or_default().trim().to_uppercase());\n    }\n}\n";
    let thought = format!("I write it so:\n```rust\n{code}```\n{THOUGHT}");
    let guard = guard_of(&thought, "");
    assert_eq!(left_of(&guard, false, &[code]), (code.to_owned(), 0));
    assert!(left_of(&guard, false, &[THOUGHT]).1 > 0);
    // What is never closed is no block of code.
    let open = guard_of(&format!("```\n{THOUGHT}"), "");
    assert!(left_of(&open, false, &[THOUGHT]).1 > 0);
}

// Break it: cut brackets and quotes out with the words.
#[test]
fn what_is_left_of_a_call_is_json() {
    let input = serde_json::json!({
        "path": "notes/a.txt", "count": 12, "deep": [true, null, {"k": -1.5}],
        "text": format!("Note:\n\t\"{THOUGHT}\" \\ end é"), "last": "kept as it is",
    });
    for text in [input.to_string(), serde_json::to_string_pretty(&input).unwrap()] {
        for value in [left_of(&guard(), true, &[&text]).0, guard().value(&text).unwrap().0] {
            let read: serde_json::Value = serde_json::from_str(&value).unwrap();
            for name in ["path", "count", "deep", "last"] {
                assert_eq!(read[name], input[name]);
            }
            let left = read["text"].as_str().unwrap();
            assert!(left.starts_with("Note:\n\t\"") && left.ends_with(" \\ end é"), "{left}");
            assert!(count(left) < 6, "{left}");
        }
    }
    assert_eq!(guard().value("{\"a\":[1,2,\"three\"]}"), None);
}

#[test]
fn a_run_over_several_strings_leaves_them_empty_and_their_object_whole() {
    let words: Vec<&str> = THOUGHT.split_whitespace().collect();
    let steps: Vec<String> = words.chunks(7).map(|it| it.join(" ")).collect();
    let text = serde_json::json!({"n": 3, "steps": steps, "ok": true}).to_string();
    let (out, _) = left_of(&guard(), true, &[&text]);
    let read: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!((&read["n"], &read["ok"]), (&3.into(), &true.into()));
    assert_eq!(read["steps"].as_array().unwrap().len(), steps.len());
    assert!(count(&read["steps"].to_string()) < 6, "{out}");
}

/// What a tool is called with may be a text that only begins as JSON does.
#[test]
fn words_outside_of_strings_do_not_pass_for_json() {
    for begin in ["", "{", "[ ", "\"\" "] {
        let (out, _) = left_of(&guard(), true, &[&format!("{begin}{THOUGHT}")]);
        assert!(out.chars().filter(|it| it.is_alphabetic()).count() < 6, "{begin}: {out}");
    }
}

#[test]
fn letters_that_are_escaped_are_letters() {
    let escape = |it: char| {
        let mut units = [0; 2];
        let units = it.encode_utf16(&mut units).iter().map(|unit| format!("\\u{unit:04x}"));
        units.collect::<String>()
    };
    let escaped: String = THOUGHT.chars().map(escape).collect();
    let text = format!("{{\"text\":\"{escaped}\"}}");
    let (out, words) = left_of(&guard(), true, &[&text]);
    assert_eq!((out.as_str(), words), ("{\"text\":\"\\u002e\"}", count(THOUGHT)));
}

#[test]
fn scripts_without_spaces_are_compared_sign_by_sign() {
    let thought = "首先我们查看港口计划第三台起重机自三月以来一直闲置如果两艘驳船在中午之前到达夜班可以不用起重机卸下两艘船";
    let guard = guard_of(thought, "");
    assert!(count(&left_of(&guard, false, &[thought]).0) == 0);
    let short = "港口计划第三台起重机";
    assert_eq!(left_of(&guard, false, &[short]).0, short);
}

#[test]
fn whatever_is_held_is_bounded() {
    let blank = " ".repeat(200_000);
    let mut repeats = Repeats::new(guard(), false);
    let mut out = String::new();
    for _ in 0..3 {
        repeats.push(&first(5), &mut out);
        repeats.push(&blank, &mut out);
    }
    assert!(out.len() > 500_000);
    repeats.finish(&mut out);
    assert_eq!(out.len(), 3 * (first(5).len() + blank.len()));
}

#[test]
fn an_index_has_room_for_so_much_and_no_more() {
    let mut index = OpenedIndex::default();
    assert!(index.has_room(4 << 20) && !index.has_room((4 << 20) + 1));
    index.add(THOUGHT);
    assert!(!index.has_room(4 << 20));
    assert!(index.bytes() < 8 * 1024);
}

proptest::proptest! {
    /// The same however it is cut, and nothing but what was withheld is lost.
    // Break it: look for words in each piece by itself.
    #[test]
    fn the_cut_into_pieces_does_not_matter(
        before in "[a-z ,.\\\\\"é中{}]{0,60}",
        from in 0..60_usize,
        words in 0..90_usize,
        behind in "[a-z ,.\\\\\"é中{}]{0,60}",
        cuts in proptest::collection::vec(0..900_usize, 0..6),
        json in proptest::bool::ANY,
    ) {
        let repeated: Vec<&str> = THOUGHT.split_whitespace().skip(from).take(words).collect();
        let text = format!("{before} {} {behind}", repeated.join(" "));
        let mut cuts: Vec<usize> = cuts.into_iter().filter(|at| text.is_char_boundary(*at)).collect();
        cuts.sort_unstable();
        let (mut pieces, mut at) = (Vec::new(), 0);
        for cut in cuts {
            pieces.push(text.get(at..cut).unwrap());
            at = cut;
        }
        pieces.push(text.get(at..).unwrap());
        let whole = left_of(&guard(), json, &[&text]);
        proptest::prop_assert_eq!(&left_of(&guard(), json, &pieces), &whole);
        if repeated.len() < 20 {
            proptest::prop_assert_eq!(whole, (text, 0));
        } else if repeated.len() > 30 {
            proptest::prop_assert!(whole.1 >= 30);
        }
    }

    /// Oracle: serde_json, which reads what is left and what was there.
    #[test]
    fn json_stays_json_whatever_its_strings_hold(
        keys in proptest::collection::vec("[a-z\\\\\"\n]{0,9}", 1..4),
        from in 0..50_usize,
        number in proptest::num::i32::ANY,
        ascii in proptest::bool::ANY,
    ) {
        let repeated: Vec<&str> = THOUGHT.split_whitespace().skip(from).collect();
        let mut object = serde_json::Map::new();
        for (at, key) in keys.iter().enumerate() {
            let chunk: Vec<&str> = repeated.iter().skip(at).step_by(keys.len()).copied().collect();
            object.insert(key.clone(), serde_json::json!([number, true, chunk.join(" "), repeated.join("\n\"")]));
        }
        let mut text = serde_json::Value::Object(object).to_string();
        if ascii {
            text = text.replace("the", "\\u0074he").replace("a", "\\u0061");
        }
        let (out, _) = left_of(&guard(), true, &[&text]);
        let read: serde_json::Value = serde_json::from_str(&out).unwrap();
        proptest::prop_assert!(read.is_object());
        for list in read.as_object().unwrap().values() {
            proptest::prop_assert_eq!(&list[0], &serde_json::json!(number));
        }
    }
}
