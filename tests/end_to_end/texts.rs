//! What a client reads out of an answer, by the vendors' documentation and not by the code tested.

use serde_json::Value;

use crate::scene::Question;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Texts {
    pub(crate) reasoning: String,
    pub(crate) answer: String,
    pub(crate) model: String,
}

impl Texts {
    pub(crate) fn read(question: &Question, body: &str) -> Self {
        let mut texts = Self::default();
        let documents: Vec<Value> = if question.stream {
            let data = body
                .split("\n\n")
                .filter_map(|event| event.lines().find_map(|line| line.strip_prefix("data: ")));
            data.filter(|data| *data != "[DONE]")
                .map(|it| serde_json::from_str(it).unwrap())
                .collect()
        } else {
            vec![serde_json::from_str(body).unwrap()]
        };
        for document in &documents {
            if question.messages {
                texts.messages(document);
            } else {
                texts.chat(document);
            }
        }
        if question.model.contains(":think") {
            texts.split_tags();
        }
        texts
    }

    fn add(to: &mut String, value: &Value) {
        to.push_str(value.as_str().unwrap_or_default());
    }

    fn chat(&mut self, document: &Value) {
        self.model = document["model"].as_str().unwrap().to_owned();
        let choice = &document["choices"][0];
        let message =
            if choice["message"].is_object() { &choice["message"] } else { &choice["delta"] };
        Self::add(&mut self.reasoning, &message["reasoning_content"]);
        Self::add(&mut self.reasoning, &message["reasoning"]);
        for part in message["content"].as_array().into_iter().flatten() {
            for thought in part["thinking"].as_array().into_iter().flatten() {
                Self::add(&mut self.reasoning, &thought["text"]);
            }
            Self::add(&mut self.answer, &part["text"]);
        }
        Self::add(&mut self.answer, &message["content"]);
    }

    fn messages(&mut self, document: &Value) {
        for model in [&document["model"], &document["message"]["model"]] {
            if let Some(model) = model.as_str() {
                self.model = model.to_owned();
            }
        }
        let blocks = document["content"].as_array().into_iter().flatten();
        for part in blocks.chain([&document["content_block"], &document["delta"]]) {
            Self::add(&mut self.reasoning, &part["thinking"]);
            Self::add(&mut self.answer, &part["text"]);
        }
    }

    /// Takes inline reasoning out of the answer.
    fn split_tags(&mut self) {
        let Some((reasoning, answer)) = self.answer.split_once("</think>") else { return };
        self.reasoning = reasoning.trim_start_matches("<think>").to_owned();
        self.answer = answer.to_owned();
    }

    pub(crate) fn words(&self) -> usize {
        self.reasoning.split_whitespace().count()
    }
}
