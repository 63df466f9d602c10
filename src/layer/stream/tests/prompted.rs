//! Prompts that come back with their answers, or lead into them.

use serde_json::{Value, json};

use super::responses::{Done, edits_of};
use super::shapes::{Answer, PROSE, Shape, withheld};
use super::shapes_invoked::Invoked;
use super::{document, framed_stream};
use crate::wire::completions::Completions;
use crate::wire::framing::Framing;

// Break it: take the prompt for the model's words, or forget where it ends.
#[test]
fn a_prompt_that_comes_back_is_neither_marked_nor_taken_for_the_models() {
    let asked = |prompt: &str, more: &str, done: Done| {
        let body = json!({"model": "big", "prompt": prompt}).to_string();
        let body = body.strip_suffix('}').unwrap().to_owned() + more + "}";
        edits_of(Done { echoes: true, ..done }, &Completions, "/v1/completions", &body)
    };
    let shape = Shape::Completions;
    let prompt = format!("{PROSE}\nQ: <think>a few shots</think> b\nQ: ");
    for (echo, done) in
        [(true, Done { marks: true, ..withheld() }), (true, withheld()), (false, withheld())]
    {
        let more = if echo { ",\"echo\":true" } else { "" };
        let echoed = if echo { prompt.as_str() } else { "" };
        let text = format!("{echoed}<think>secret</think>{PROSE}");
        let answer = Answer { reasoning: String::new(), text, finish: "stop".to_owned() };
        for cuts in [&[1][..], &[3, 200], &[100_000]] {
            let edits = asked(&prompt, more, done).unwrap().1;
            let from = shape.stream(&answer, cuts);
            let to = framed_stream(&Completions, Framing::Sse, edits, [&*from]).unwrap();
            let said = shape.read(&shape.payloads(&to)).text;
            let Some(own) = said.strip_prefix(echoed) else { panic!("{said}") };
            assert!(own.starts_with("<think></think>For") && own.ends_with("start."), "{own}");
            assert_eq!(own.ends_with(PROSE), !done.marks, "{own}");
            let edits = asked(&prompt, more, done).unwrap().1;
            let whole = document(&Completions, edits, shape.document(&answer).as_bytes()).unwrap();
            assert_eq!(shape.read(&[serde_json::from_slice(&whole).unwrap()]).text, said);
        }
    }
    // Where nobody can tell where the prompt ends, the answer comes without it.
    let body = r#"{"prompt":[1,2,3],"echo":true}"#;
    let (sent, _) = edits_of(
        Done { marks: true, echoes: true, ..Done::default() },
        &Completions,
        "/v1/completions",
        body,
    )
    .unwrap();
    assert_eq!(sent, r#"{"prompt":[1,2,3]}"#);
}

// Break it: look at the end of the prompt only, or at what is whole there.
#[test]
fn a_prompt_that_leads_into_reasoning_leads_nobody_to_it() {
    let shape = Shape::Completions;
    for (prompt, text) in [
        ("Q\n<think>", "secret</think>a"),
        ("Q\n<think>\nOkay, first", " secret</think>a"),
        ("Q\n<thi", "nk>secret</think>a"),
        ("Q\n<think", ">secret</think>a"),
        (
            "<|start|>assistant<|channel|>analysis<|message|>",
            "secret<|end|><|start|>assistant<|channel|>final<|message|>a",
        ),
        ("Q [THINK]", "secret[/THINK]a"),
        ("Q\n<think>", "secret"),
        ("Q\n<think>\nNever end it.", "secret"),
    ] {
        let body = json!({"model": "m", "prompt": prompt}).to_string();
        let edits = || edits_of(withheld(), &Completions, "/v1/completions", &body).unwrap().1;
        let answer =
            Answer { reasoning: String::new(), text: text.to_owned(), finish: "stop".to_owned() };
        for cuts in [&[1][..], &[3], &[1000]] {
            let from = shape.stream(&answer, cuts);
            let to = framed_stream(&Completions, Framing::Sse, edits(), from.chunks(9)).unwrap();
            let said = shape.read(&shape.payloads(&to)).text;
            assert!(!said.contains("secret") && !said.contains("ecre"), "{prompt}: {said}");
            assert_eq!(said.ends_with('a'), text.ends_with('a'), "{prompt}: {said}");
        }
        let whole = document(&Completions, edits(), shape.document(&answer).as_bytes()).unwrap();
        assert!(!String::from_utf8_lossy(&whole).contains("secret"), "{prompt}");
    }
    // What is no marker stays an answer, and so does what stands behind a section that is closed.
    for (prompt, text) in
        [("if a <", " b { secret }"), ("<think>x</think>", "secret"), ("a `<think>` is", " secret")]
    {
        let body = json!({"model": "m", "prompt": prompt}).to_string();
        let edits = edits_of(withheld(), &Completions, "/v1/completions", &body).unwrap().1;
        let answer =
            Answer { reasoning: String::new(), text: text.to_owned(), finish: "stop".to_owned() };
        let from = shape.stream(&answer, &[2]);
        let to = framed_stream(&Completions, Framing::Sse, edits, [&*from]).unwrap();
        assert_eq!(shape.read(&shape.payloads(&to)).text, text, "{prompt}");
    }
    for prompt in [r#"[1,2]"#, r#"[[1,2]]"#, r#"["a",[1]]"#, r#"{"prompt_token_ids":[1]}"#, "7"] {
        let body = format!(r#"{{"model":"m","prompt":{prompt}}}"#);
        assert!(edits_of(withheld(), &Completions, "/v1/completions", &body).is_err(), "{prompt}");
    }
}

/// A raw prompt over each protocol that takes one.
const RAW: [(Shape, &str, &str); 4] = [
    (Shape::Completions, "/v1/completions", r#"{"model":"m","prompt":"#),
    (Shape::LlamaCpp, "/completion", r#"{"prompt":"#),
    (Shape::Tgi, "/generate", r#"{"inputs":"#),
    (
        Shape::Invoked(Invoked::Llama),
        "/model/m/invoke-with-response-stream",
        r#"{"max_gen_len":900,"prompt":"#,
    ),
];

fn answered_to((shape, path, asks): (Shape, &str, &str), prompt: &str, text: &str) -> String {
    let body = format!("{asks}{}}}", json!(prompt));
    let edits = edits_of(withheld(), shape.protocol(), path, &body).unwrap().1;
    let (reasoning, text, finish) = (String::new(), text.to_owned(), "stop".to_owned());
    let from = shape.stream(&Answer { reasoning, text, finish }, &[3]);
    let to = framed_stream(shape.protocol(), shape.framing(), edits, [&*from]).unwrap();
    shape.read(&shape.payloads(&to)).text
}

// Break it: wait for the token that ends the header, which a server may leave out.
#[test]
fn a_prompt_that_ends_anywhere_in_a_header_of_reasoning_leads_nobody_to_it() {
    const TOKENS: [&str; 4] = ["<|start|>", "<|channel|>", "<|message|>", "<|end|>"];
    let bare = |text: &str| TOKENS.iter().fold(text.to_owned(), |text, it| text.replace(it, ""));
    for channel in ["analysis", "commentary"] {
        let header = format!("<|start|>assistant<|channel|>{channel}<|message|>");
        let named = header.find(channel).unwrap() + channel.len();
        for at in "<|start|>assistant".len()..=header.len() {
            let (begun, left) = header.split_at(at);
            let end = "<|end|><|start|>assistant<|channel|>final<|message|>12";
            let whole = format!("{left}The secret is out.{end}");
            let mut texts = vec![bare(&whole), whole];
            if at >= named {
                let unclosed = ["secret", " secret", ", secret", "\nsecret", "The secret"];
                texts.extend(unclosed.map(str::to_owned));
            }
            for raw in RAW {
                for text in &texts {
                    let said = answered_to(raw, &format!("Q\n{begun}"), text);
                    assert!(!said.contains("secret"), "{begun} {raw:?} {text}: {said}");
                    // Half a token is a text, and a server that leaves out the rest would show it whole.
                    let halved = at > named && at < header.len() && !text.contains("<|end|>");
                    let told = said.ends_with("12") == text.ends_with("12");
                    assert!(told || halved, "{begun} {text}: {said}");
                }
            }
            if at >= named {
                let said = answered_to(RAW[0], &format!("```\n{begun}"), "The secret");
                assert!(!said.contains("secret"), "{begun}: {said}");
            }
        }
    }
    // The channel of the answer, and the arguments of a tool.
    for (prompt, text) in [
        ("Q <|start|>assistant<|channel|>", "final12 words"),
        ("Q <|start|>assistant<|channel|>fin", "al12 words"),
        ("Q <|start|>assistant<|channel|>final", "12 words"),
        ("Q <|channel|>commentary to=functions.f", "<|message|>{\"a\":1}"),
    ] {
        for raw in RAW {
            assert_eq!(answered_to(raw, prompt, text), text, "{prompt}");
        }
    }
}

// Break it: number the prompts as the choices are.
#[test]
fn each_choice_goes_on_from_its_own_prompt() {
    let body = r#"{"model":"m","prompt":["a","b <think>"],"n":2}"#;
    let edits = edits_of(withheld(), &Completions, "/v1/completions", body).unwrap().1;
    let choices: Vec<_> = (0..4)
        .map(|index| json!({"index": index, "text": "words of it", "finish_reason": "stop"}))
        .collect();
    let from = json!({"choices": choices}).to_string();
    let out = document(&Completions, edits, from.as_bytes()).unwrap();
    let out: Value = serde_json::from_slice(&out).unwrap();
    let texts =
        [0, 1, 2, 3].map(|index| out["choices"][index]["text"].as_str().unwrap().to_owned());
    assert_eq!(texts, ["words of it", "words of it", "", ""]);
}
