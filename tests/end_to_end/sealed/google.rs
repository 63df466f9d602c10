//! Gemini: documents, events, and arrays.

use serde_json::{Value, json};

use super::dialect::{Asked, Dialect, LAST, Said, events, join, keep, pieces, signature, values};

pub(crate) struct Gemini {
    /// Streams are arrays of JSON.
    pub(crate) in_arrays: bool,
    /// The upstream signs its thoughts as well.
    pub(crate) signs_thoughts: bool,
}

impl Gemini {
    fn thought(&self, turn: usize, text: &str, whole: bool) -> Value {
        let mut part = json!({"text": text, "thought": true});
        if self.signs_thoughts && whole {
            part["thoughtSignature"] = format!("dGhvdWdodA+/{turn}==").into();
        }
        part
    }

    fn last(turn: usize) -> Vec<Value> {
        match turn {
            LAST => vec![
                json!({"text": "It is 17."}),
                json!({"text": "", "thoughtSignature": signature(turn)}),
            ],
            _ => vec![
                json!({"functionCall": {"name": "add", "args": {"a": turn}}, "thoughtSignature": signature(turn)}),
                json!({"functionCall": {"name": "add", "args": {"b": turn}}}),
            ],
        }
    }
}

fn wrapped(parts: &[Value], ends: bool, tokens: u64) -> Value {
    let mut candidate = json!({"content": {"role": "model", "parts": parts}, "index": 0});
    if ends {
        candidate["finishReason"] = "STOP".into();
    }
    let usage = json!({"promptTokenCount": 9, "thoughtsTokenCount": tokens,
        "candidatesTokenCount": tokens, "totalTokenCount": 9 + 2 * tokens});
    json!({"candidates": [candidate], "usageMetadata": usage, "modelVersion": "m",
        "responseId": "r"})
}

impl Dialect for Gemini {
    fn name(&self) -> &'static str {
        match (self.in_arrays, self.signs_thoughts) {
            (true, _) => "gemini in arrays",
            (false, true) => "gemini that signs thoughts",
            (false, false) => "gemini",
        }
    }

    fn path(&self, model: &str, streamed: bool) -> String {
        let method = match (streamed, self.in_arrays) {
            (false, _) => "generateContent",
            (true, false) => "streamGenerateContent?alt=sse",
            (true, true) => "streamGenerateContent",
        };
        format!("/v1beta/models/{model}:{method}")
    }

    fn body(&self, asked: &Asked<'_>) -> Value {
        let tools: Vec<Value> = asked.tools.iter().map(|it| json!({"name": it})).collect();
        json!({"contents": asked.history, "systemInstruction": {"parts": [{"text": asked.system}]},
            "tools": [{"functionDeclarations": tools}],
            "generationConfig": {"thinkingConfig": {"includeThoughts": true}}})
    }

    fn user(&self, text: &str) -> Value {
        json!({"role": "user", "parts": [{"text": text}]})
    }

    fn result(&self, turn: usize) -> Value {
        let result =
            |name: &str| json!({"functionResponse": {"name": "add", "response": {name: turn}}});
        json!({"role": "user", "parts": [result("sum"), result("more")]})
    }

    fn answer(&self, said: &Said<'_>, streamed: bool) -> (&'static str, Vec<u8>) {
        let Said { turn, thought, tokens } = *said;
        if !streamed {
            let thought = self.thought(turn, thought, true);
            let parts: Vec<Value> = [vec![thought], Self::last(turn)].concat();
            return ("application/json", wrapped(&parts, true, tokens).to_string().into_bytes());
        }
        let mut thoughts: Vec<Value> =
            pieces(thought).iter().map(|it| self.thought(turn, it, false)).collect();
        if self.signs_thoughts {
            *thoughts.last_mut().unwrap() =
                self.thought(turn, pieces(thought).last().unwrap(), true);
        }
        let last = Self::last(turn);
        let count = last.len() - 1;
        let said = last
            .iter()
            .enumerate()
            .map(|(at, it)| wrapped(std::slice::from_ref(it), at == count, tokens));
        let chunks: Vec<Value> = thoughts
            .iter()
            .map(|it| wrapped(std::slice::from_ref(it), false, tokens))
            .chain(said)
            .collect();
        if self.in_arrays {
            let chunks: Vec<String> = chunks.iter().map(Value::to_string).collect();
            return ("application/json", format!("[{}]", chunks.join("\n,\r\n")).into_bytes());
        }
        let named: Vec<_> = chunks.into_iter().map(|it| ("", it)).collect();
        ("text/event-stream", events(&named))
    }

    /// A client that has thoughts that follow each other as one, as the AI SDK does.
    fn read(&self, answer: &[u8], _: bool) -> Vec<Value> {
        let chunks = match values(answer).as_slice() {
            [Value::Array(chunks)] => chunks.clone(),
            chunks => chunks.to_vec(),
        };
        let mut parts: Vec<Value> = Vec::new();
        for chunk in chunks {
            for part in chunk["candidates"][0]["content"]["parts"].as_array().into_iter().flatten()
            {
                let open = parts.last_mut().filter(|it| {
                    let text = it.get("text").is_some() && it.get("thoughtSignature").is_none();
                    text && it["thought"] == part["thought"] && part.get("text").is_some()
                });
                match open.filter(|_| part["thought"] == true) {
                    Some(last) => {
                        join(&mut last["text"], &part["text"]);
                        if let Some(signature) = part.get("thoughtSignature") {
                            last["thoughtSignature"] = signature.clone();
                        }
                    }
                    None => parts.push(part.clone()),
                }
            }
        }
        vec![json!({"role": "model", "parts": parts})]
    }

    fn list(&self) -> &'static str {
        "contents"
    }

    fn without_reasoning(&self, entry: &mut Value) -> bool {
        let left = keep(&mut entry["parts"], |it| it["thought"] != true);
        for part in entry["parts"].as_array_mut().into_iter().flatten() {
            part.as_object_mut().unwrap().remove("thoughtSignature");
        }
        left
    }
}
