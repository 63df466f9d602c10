//! One answer in the shapes of the protocols that say each text once, as a document and as a stream.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::responses::{Done, edits_of};
use super::{EventStream, document, framed_stream, sample, words};
use crate::countermeasure::ResponseEdits;
use crate::policy::Unhandled;
use crate::policy::plan::Keep;
use crate::wire::completions::Completions;
use crate::wire::framing::{Event, Framing, Splitter};
use crate::wire::gemini::Gemini;
use crate::wire::ollama::Ollama;
use crate::wire::{Protocol, ProtocolId, Refusal, RefusalKind};

/// How a protocol says an answer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Shape {
    Completions,
    OllamaChat,
    OllamaGenerate,
    /// By a server that does not part the reasoning from the text.
    OllamaInline,
    Gemini,
    /// Without `alt=sse`.
    GeminiArray,
    /// By a gateway that does not part the reasoning from the text.
    GeminiInline,
}

pub(super) const SHAPES: [Shape; 7] = [
    Shape::Completions,
    Shape::OllamaChat,
    Shape::OllamaGenerate,
    Shape::OllamaInline,
    Shape::Gemini,
    Shape::GeminiArray,
    Shape::GeminiInline,
];

/// What a client has of an answer.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Answer {
    pub(super) reasoning: String,
    pub(super) text: String,
    finish: String,
}

impl Shape {
    pub(super) fn protocol(self) -> &'static dyn Protocol {
        match self {
            Self::Completions => &Completions,
            Self::OllamaChat | Self::OllamaGenerate | Self::OllamaInline => &Ollama,
            Self::Gemini | Self::GeminiArray | Self::GeminiInline => &Gemini,
        }
    }

    pub(super) fn framing(self) -> Framing {
        match self {
            Self::Completions => Framing::Sse,
            Self::OllamaChat | Self::OllamaGenerate | Self::OllamaInline => Framing::Ndjson,
            Self::Gemini | Self::GeminiInline => Framing::Sse,
            Self::GeminiArray => Framing::JsonArray,
        }
    }

    /// A request for a stream.
    fn asked(self) -> (&'static str, &'static str) {
        match self {
            Self::Completions => (
                "/v1/completions",
                r#"{"model":"big","prompt":"x","stream":true,"max_tokens":900}"#,
            ),
            Self::OllamaChat | Self::OllamaInline => (
                "/api/chat",
                r#"{"model":"big","messages":[{"role":"user","content":"x"}],"options":{"num_predict":900}}"#,
            ),
            Self::Gemini | Self::GeminiInline => (
                "/v1beta/models/big:streamGenerateContent?alt=sse",
                r#"{"contents":[{"parts":[{"text":"x"}]}],"generationConfig":{"maxOutputTokens":900}}"#,
            ),
            Self::GeminiArray => (
                "/v1beta/models/big:streamGenerateContent",
                r#"{"contents":[{"parts":[{"text":"x"}]}],"generationConfig":{"maxOutputTokens":900}}"#,
            ),
            Self::OllamaGenerate => {
                ("/api/generate", r#"{"model":"big","prompt":"x","options":{"num_predict":900}}"#)
            }
        }
    }

    pub(super) fn edits(self, done: Done) -> ResponseEdits {
        let (target, body) = self.asked();
        edits_of(done, self.protocol(), target, body).unwrap().1
    }

    /// Whether the reasoning stands in the answer's own text.
    fn inline(self) -> bool {
        matches!(self, Self::Completions | Self::OllamaInline | Self::GeminiInline)
    }

    pub(super) fn document(self, answer: &Answer) -> String {
        let Answer { reasoning, text, finish } = answer;
        let whole = match self {
            Self::Completions => json!({
                "id": "cmpl-1", "object": "text_completion", "created": 1_790_000_000, "model": "m",
                "choices": [{"index": 0, "text": inlined(reasoning, text), "logprobs": null,
                    "finish_reason": finish}],
                "usage": {"prompt_tokens": 3, "completion_tokens": 9, "total_tokens": 12},
            }),
            Self::OllamaInline | Self::GeminiInline => {
                self.event("", &inlined(reasoning, text), Some(finish))
            }
            Self::OllamaChat | Self::OllamaGenerate | Self::Gemini | Self::GeminiArray => {
                self.event(reasoning, text, Some(finish))
            }
        };
        whole.to_string()
    }

    /// What one event of a stream says; the last one says how it ends.
    fn event(self, reasoning: &str, text: &str, finish: Option<&str>) -> Value {
        match self {
            Self::Completions => json!({
                "id": "cmpl-1", "object": "text_completion", "created": 1_790_000_000, "model": "m",
                "choices": [{"index": 0, "text": text.to_owned() + reasoning, "logprobs": null,
                    "finish_reason": finish}],
            }),
            Self::OllamaChat | Self::OllamaInline => {
                let mut message = json!({"role": "assistant", "content": text});
                if !reasoning.is_empty() {
                    message["thinking"] = reasoning.into();
                }
                ended(json!({"model": "m", "created_at": CREATED, "message": message}), finish)
            }
            Self::Gemini | Self::GeminiArray | Self::GeminiInline => {
                let mut parts = Vec::new();
                if !reasoning.is_empty() {
                    parts.push(json!({"text": reasoning, "thought": true}));
                }
                if !text.is_empty() || reasoning.is_empty() {
                    parts.push(json!({"text": text}));
                }
                let mut candidate =
                    json!({"content": {"parts": parts, "role": "model"}, "index": 0});
                if let Some(finish) = finish {
                    candidate["finishReason"] = finish.into();
                }
                json!({"candidates": [candidate], "modelVersion": "m", "responseId": "r1",
                    "usageMetadata": {"promptTokenCount": 3, "totalTokenCount": 3}})
            }
            Self::OllamaGenerate => {
                let mut line = json!({"model": "m", "created_at": CREATED, "response": text});
                if !reasoning.is_empty() {
                    line["thinking"] = reasoning.into();
                }
                ended(line, finish)
            }
        }
    }

    /// The stream, its texts cut behind so many characters each.
    pub(super) fn stream(self, answer: &Answer, cuts: &[usize]) -> Vec<u8> {
        let Answer { reasoning, text, finish } = answer;
        let mut cuts = cuts.iter().copied().cycle();
        let mut pieces = |text: &str| -> Vec<String> {
            let mut characters = text.chars().peekable();
            let mut pieces = Vec::new();
            while characters.peek().is_some() {
                pieces.push(characters.by_ref().take(cuts.next().unwrap()).collect());
            }
            pieces
        };
        let mut events = Vec::new();
        if self.inline() {
            let pieces = pieces(&inlined(reasoning, text));
            events.extend(pieces.iter().map(|piece| self.event("", piece, None)));
        } else {
            events.extend(pieces(reasoning).iter().map(|piece| self.event(piece, "", None)));
            events.extend(pieces(text).iter().map(|piece| self.event("", piece, None)));
        }
        events.push(self.event("", "", Some(finish)));
        self.framed(&events)
    }

    pub(super) fn framed(self, events: &[Value]) -> Vec<u8> {
        let texts: Vec<String> = events.iter().map(Value::to_string).collect();
        self.framed_texts(&texts)
    }

    pub(super) fn framed_texts(self, events: &[String]) -> Vec<u8> {
        let event = |event: &String| format!("data: {event}\n\n");
        match self {
            Self::Completions => {
                (events.iter().map(event).collect::<String>() + "data: [DONE]\n\n").into_bytes()
            }
            Self::Gemini | Self::GeminiInline => {
                let event = |event: &String| format!("data: {event}\r\n\r\n");
                events.iter().map(event).collect::<String>().into_bytes()
            }
            Self::GeminiArray => format!("[{}\n]\n", events.join("\n,\r\n")).into_bytes(),
            Self::OllamaChat | Self::OllamaGenerate | Self::OllamaInline => {
                events.iter().map(|line| line.to_owned() + "\n").collect::<String>().into_bytes()
            }
        }
    }

    /// The JSON of a stream, as the strictest of its clients takes it.
    pub(super) fn payloads(self, stream: &[u8]) -> Vec<Value> {
        if self == Self::GeminiArray {
            // One that breaks off has no end.
            let whole = String::from_utf8_lossy(stream).into_owned();
            let whole = if whole.trim_end().ends_with(']') { whole } else { whole + "]" };
            return serde_json::from_str(&whole).expect("one array");
        }
        if self.protocol().id() == ProtocolId::Gemini {
            // Its libraries take nothing of an event but its data, in one line.
            let text = String::from_utf8_lossy(stream);
            let mut lines = text.split('\n').filter(|line| !line.trim().is_empty());
            assert!(lines.all(|line| line.starts_with("data: ")));
        }
        let mut splitter = Splitter::new(self.framing(), 1 << 20);
        splitter.push(stream.to_vec().into());
        let mut found = Vec::new();
        while let Some(raw) = splitter.next_event().unwrap() {
            let event = Event::parse(self.framing(), &raw);
            // No client of lines takes an empty one.
            let payload = event.payload().unwrap();
            if !self.protocol().is_terminator(&payload) {
                found.push(serde_json::from_slice(&payload).unwrap());
            }
        }
        assert!(splitter.take_rest().is_empty());
        found
    }

    /// What a client makes of a response.
    pub(super) fn read(self, values: &[Value]) -> Answer {
        let mut answer = Answer::default();
        for value in values {
            let (reasoning, text, finish) = match self {
                Self::Completions => {
                    let choice = &value["choices"][0];
                    (&Value::Null, &choice["text"], &choice["finish_reason"])
                }
                _ if value["error"].is_string() => continue,
                Self::Gemini | Self::GeminiArray | Self::GeminiInline => {
                    for candidate in value["candidates"].as_array().unwrap() {
                        assert_eq!(candidate["content"]["role"], "model", "{value}");
                        for part in candidate["content"]["parts"].as_array().unwrap() {
                            // A part of nothing spoils a history.
                            assert!(!part.as_object().unwrap().is_empty());
                            let said = part["text"].as_str().unwrap_or_default();
                            match part["thought"].as_bool().unwrap_or_default() {
                                true => answer.reasoning += said,
                                false => answer.text += said,
                            }
                        }
                    }
                    (&Value::Null, &Value::Null, &value["candidates"][0]["finishReason"])
                }
                Self::OllamaChat | Self::OllamaInline => {
                    // What pydantic takes for a message of the library's.
                    assert_eq!(value["message"]["role"], "assistant", "{value}");
                    assert_eq!(value["done"].as_bool().unwrap(), value["done_reason"].is_string());
                    let message = &value["message"];
                    (&message["thinking"], &message["content"], &value["done_reason"])
                }
                Self::OllamaGenerate => {
                    assert!(value["response"].is_string(), "{value}");
                    (&value["thinking"], &value["response"], &value["done_reason"])
                }
            };
            answer.reasoning += reasoning.as_str().unwrap_or_default();
            answer.text += text.as_str().unwrap_or_default();
            if let Some(finish) = finish.as_str() {
                assert_eq!(answer.finish, "", "it ends twice");
                finish.clone_into(&mut answer.finish);
            }
        }
        answer
    }

    fn finishes(self) -> [&'static str; 2] {
        match self {
            Self::Completions | Self::OllamaChat | Self::OllamaGenerate | Self::OllamaInline => {
                ["stop", "length"]
            }
            Self::Gemini | Self::GeminiArray | Self::GeminiInline => ["STOP", "MAX_TOKENS"],
        }
    }

    /// A completion with a reasoning, an answer, and what else servers say of one, in both forms.
    fn samples(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Completions => &[("openai_completions.json", "openai_completions_stream.sse")],
            Self::OllamaChat => &[("ollama_chat.json", "ollama_chat.ndjson")],
            Self::Gemini => &[("gemini.json", "gemini_stream.sse")],
            _ => &[],
        }
    }

    pub(super) fn streamed(self, done: Done, from: &[u8], cut: usize) -> Vec<u8> {
        framed_stream(self.protocol(), self.framing(), self.edits(done), from.chunks(cut)).unwrap()
    }

    fn whole(self, done: Done, from: &str) -> Value {
        let out = document(self.protocol(), self.edits(done), from.as_bytes()).unwrap();
        serde_json::from_slice(&out).unwrap()
    }
}

const CREATED: &str = "2026-11-30T10:00:00.123456789Z";

/// A line as it ends, if it is the last one.
fn ended(mut line: Value, finish: Option<&str>) -> Value {
    line["done"] = finish.is_some().into();
    if let Some(finish) = finish {
        line["done_reason"] = finish.into();
        line["eval_count"] = 40.into();
    }
    line
}

fn inlined(reasoning: &str, text: &str) -> String {
    if reasoning.is_empty() { text.to_owned() } else { format!("<think>{reasoning}</think>{text}") }
}

pub(super) fn withheld() -> Done {
    Done { keep: Some(Keep::None), ..Done::default() }
}

fn dones() -> Vec<Done> {
    let keeps =
        [None, Some(Keep::None), Some(words(3)), Some(Keep::Share(0.5)), Some(Keep::Conclusion)];
    let marks =
        |keep: Option<Keep>| [false, true].map(|marks| Done { keep, marks, ..Done::default() });
    keeps.into_iter().flat_map(marks).collect()
}

fn prose() -> impl Strategy<Value = String> {
    "(So|wait|begin|For example|9\\.8| |, |\\. |\\? |\\n|é|思考。|🤔|\"|\\\\|<|</th|think>|<think>){0,14}"
}

const PROSE: &str = "For example, you can begin to purchase a large tool, and then it is possible to \
    show the answer. However, it can also help to select another method, since the big one is often \
    slow. In addition, it is important to check the result again before you start.";

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    /// The document is the oracle of the stream, and one cut of the other.
    // Break it: give the end of a text in either form another `cut_short`, or let a lane's editor see an
    // empty piece as an end.
    #[test]
    fn an_answer_reads_the_same_in_both_forms_however_it_is_cut(
        reasoning in prose(),
        text in prose(),
        cuts in proptest::collection::vec(1..7_usize, 1..5),
        cut in 1..40_usize,
        shape in proptest::sample::select(SHAPES.to_vec()),
        done in proptest::sample::select(dones()),
        ended in 0..2_usize,
    ) {
        // A closing that nothing opened is seen ahead in a whole text only: `tests/layer/unopened.rs`.
        let said = reasoning.clone() + &text;
        let unopened = said.split_once("</th").is_some_and(|(_, rest)| rest.contains("think>"));
        prop_assume!(!unopened);
        let finish = shape.finishes()[ended].to_owned();
        let answer = Answer { reasoning, text, finish };
        let from = shape.stream(&answer, &cuts);
        let to = shape.streamed(done, &from, cut);
        let whole = shape.whole(done, &shape.document(&answer));
        prop_assert_eq!(shape.read(&shape.payloads(&to)), shape.read(&[whole]));
        let again = shape.streamed(done, &from, from.len());
        prop_assert_eq!(to, again);
    }
}

// Break it: leave the answer of a protocol out of its channels.
#[test]
fn an_answer_is_marked_and_reasoning_withheld_in_every_shape() {
    for shape in SHAPES {
        let finish = shape.finishes()[0].to_owned();
        let reasoning = "Alpha bravo charlie. Delta echo.".to_owned();
        let answer = Answer { reasoning, text: PROSE.to_owned(), finish: finish.clone() };
        let from = shape.stream(&answer, &[5]);
        let untouched = shape.streamed(Done::default(), &from, 7);
        assert_eq!(untouched, from, "{shape:?}: what nobody edits is what came");
        let read = |done| shape.read(&shape.payloads(&shape.streamed(done, &from, 11)));
        let marked = read(Done { marks: true, ..Done::default() });
        assert_ne!(marked.text, shape.read(&shape.payloads(&from)).text, "{shape:?}");
        assert!(marked.text.ends_with("start."), "{shape:?}: {marked:?}");
        let marked = read(Done { marks: true, ..withheld() });
        assert_eq!((&*marked.reasoning, &*marked.finish), ("", &*finish), "{shape:?}");
        assert!(!marked.text.contains("bravo") && marked.text.ends_with("start."), "{marked:?}");
        // Nothing of it is told by the events that are left either.
        let out = shape.streamed(withheld(), &from, 13);
        let short = Answer { reasoning: "Alpha bravo.".to_owned(), ..answer.clone() };
        let less = shape.streamed(withheld(), &shape.stream(&short, &[5]), 13);
        if !shape.inline() {
            assert_eq!(out, less, "{shape:?}");
        }
    }
}

// Break it: read another member for the model's name.
#[test]
fn a_downgraded_answer_bears_the_name_that_was_asked_for() {
    for shape in SHAPES {
        for (whole, stream) in shape.samples() {
            let done = Done { downgrades: true, ..Done::default() };
            let named = sample(stream);
            let named = String::from_utf8(named).unwrap();
            let model = shape.model_of(&named);
            let from = named.replace(&model, "gpt-5.5-mini-2026-08-01");
            let out = String::from_utf8(shape.streamed(done, from.as_bytes(), 9)).unwrap();
            assert!(!out.contains("gpt-5.5-mini") && out.contains("\"big\""), "{shape:?}: {out}");
            let from = String::from_utf8(sample(whole))
                .unwrap()
                .replace(&model, "gpt-5.5-mini-2026-08-01");
            let out = shape.whole(done, &from).to_string();
            assert!(!out.contains("gpt-5.5-mini") && out.contains("\"big\""), "{shape:?}: {out}");
        }
    }
}

impl Shape {
    /// The model that a sample names.
    fn model_of(self, stream: &str) -> String {
        let event = self.payloads(stream.as_bytes()).remove(0);
        match self {
            Self::Completions | Self::OllamaChat | Self::OllamaGenerate | Self::OllamaInline => {
                event["model"].as_str().unwrap().to_owned()
            }
            Self::Gemini | Self::GeminiArray | Self::GeminiInline => {
                event["modelVersion"].as_str().unwrap().to_owned()
            }
        }
    }
}

// Break it: read a name of a text that the protocol does not have.
#[test]
fn the_samples_read_the_same_in_both_forms_whatever_is_done_to_them() {
    for shape in SHAPES {
        for (whole, stream) in shape.samples() {
            for done in dones() {
                let streamed = shape.streamed(done, &sample(stream), 5);
                let whole = shape.whole(done, &String::from_utf8(sample(whole)).unwrap());
                assert_eq!(
                    shape.read(&shape.payloads(&streamed)),
                    shape.read(&[whole]),
                    "{done:?}"
                );
            }
        }
    }
}

// Break it: end the stream as if it was whole.
#[test]
fn a_stream_that_fails_ends_in_an_error_of_its_protocol() {
    for shape in SHAPES {
        let finish = shape.finishes()[0].to_owned();
        let answer = Answer { reasoning: String::new(), text: PROSE.to_owned(), finish };
        let from = shape.stream(&answer, &[5]);
        let half = from.len() / 2;
        let edits = shape.edits(Done { marks: true, ..Done::default() });
        let (protocol, refuse) = (shape.protocol(), Unhandled::Refuse);
        let mut events = EventStream::new(protocol, shape.framing(), edits, refuse, 1 << 20);
        events.push(from[..half].to_vec().into());
        let mut out = Vec::new();
        while let Some(bytes) = events.next_event().unwrap() {
            out.extend_from_slice(&bytes);
        }
        let message = "it broke".to_owned();
        out.extend_from_slice(
            &events.fail(&Refusal { kind: RefusalKind::UpstreamFailed, message }),
        );
        let last = shape.payloads(&out).pop().unwrap();
        let error = &last["error"];
        let said = error.as_str().or(error["message"].as_str());
        assert_eq!(said, Some("it broke"), "{shape:?}: {last}");
    }
}

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

/// The passages of the answer that a response names, as a library looks for them: by bytes of a part.
fn passages(response: &Value) -> Vec<String> {
    let candidate = &response["candidates"][0];
    let parts = candidate["content"]["parts"].as_array().unwrap();
    let supports = candidate["groundingMetadata"]["groundingSupports"].as_array().unwrap();
    let passage = |support: &Value| {
        let segment = &support["segment"];
        let place = |name: &str| segment[name].as_u64().unwrap_or_default() as usize;
        let text = parts[place("partIndex")]["text"].as_str().unwrap();
        text.get(place("startIndex")..place("endIndex")).unwrap().to_owned()
    };
    supports.iter().map(passage).collect()
}

// Break it: count places in characters, or from the beginning of all parts.
#[test]
fn passages_of_an_answer_are_found_where_they_have_come_to_stand() {
    let text = format!("思考 é. {PROSE}");
    let word = |word: &str| {
        let start = text.find(word).unwrap();
        json!({"segment": {"partIndex": 1, "startIndex": start, "endIndex": start + word.len(), "text": word}})
    };
    let first = json!({"segment": {"partIndex": 1, "endIndex": "思考".len(), "text": "思考"}});
    let behind =
        json!({"segment": {"partIndex": 2, "startIndex": 5, "endIndex": 8, "text": "it."}});
    let supports = vec![first, word("answer"), word("check the result"), behind];
    let whole = json!({"candidates": [{"index": 0, "finishReason": "STOP",
        "content": {"role": "model", "parts": [
            {"text": "a thought that is long", "thought": true}, {"text": text}, {"text": " So, it."}]},
        "groundingMetadata": {"groundingSupports": supports, "webSearchQueries": ["a b"]}}]});
    let expected = ["思考", "answer", "check the result", "it."];
    assert_eq!(passages(&whole), expected);
    let marks = Done { marks: true, ..Done::default() };
    for done in [withheld(), Done { marks: true, ..withheld() }, marks] {
        let out = Shape::Gemini.whole(done, &whole.to_string());
        let said = Shape::Gemini.read(std::slice::from_ref(&out)).text;
        assert_eq!(said == text.clone() + " So, it.", !done.marks);
        assert_eq!(passages(&out), expected, "{done:?}");
        let copies = out.to_string().matches("\"text\":null").count();
        assert_eq!(copies, 4, "what says a passage again says nothing: {out}");
    }
    // In a stream all of an answer is one part.
    let pieces = text.split_inclusive(' ');
    let mut events: Vec<Value> = pieces.map(|it| Shape::Gemini.event("", it, None)).collect();
    let mut last = Shape::Gemini.event("", "", Some("STOP"));
    let start = text.find("check the result").unwrap();
    last["candidates"][0]["groundingMetadata"]["groundingSupports"] = json!([
        {"segment": {"startIndex": start, "endIndex": start + 16, "text": "check the result"}}]);
    events.push(last);
    let from = Shape::Gemini.framed(&events);
    let out = Shape::Gemini.streamed(Done { marks: true, ..withheld() }, &from, 11);
    let mut out = Shape::Gemini.payloads(&out);
    let said = Shape::Gemini.read(&out).text;
    assert_ne!(said, text);
    let mut last = out.pop().unwrap();
    last["candidates"][0]["content"]["parts"][0]["text"] = said.into();
    assert_eq!(passages(&last), ["check the result"]);
}
