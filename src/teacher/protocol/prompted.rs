//! Completions of a prompt which is all that the model sees.
//!
//! The model writes its reasoning into its text; a prompt that ends with `<think>` has begun it.

use serde_json::{Map, Value};

use super::field;
use super::refusal::Refusal;
use crate::teacher::ask::{Ask, Role, ToolChoice, Turn};
use crate::teacher::model::{Dialect, Model};
use crate::teacher::output::Output;
use crate::teacher::prose::Effort;

/// The model that answers where requests name none.
const ONLY: &str = "teacher-large";

/// What holds for every prompt of a request.
#[derive(Debug)]
pub(crate) struct Prompted {
    pub(crate) model: Model,
    pub(crate) limit: u64,
    pub(crate) stop: Vec<String>,
    pub(crate) seed: String,
}

impl Prompted {
    /// The model of a request that need not name one.
    pub(crate) fn model(map: &Map<String, Value>) -> Result<Model, Refusal> {
        match field::present(map, "model") {
            Some(_) => field::model(map, ""),
            None => Model::read(ONLY).ok_or(Refusal::UnknownPath),
        }
    }

    /// What a prompt asks.
    pub(crate) fn ask(&self, prompt: &str) -> Ask {
        Ask {
            model: self.model.clone(),
            turns: vec![Turn { role: Role::User, text: prompt.to_owned() }],
            tools: Vec::new(),
            tool_choice: ToolChoice::Never,
            parallel: false,
            interleaved: false,
            effort: if self.model.dialect == Dialect::Plain {
                Effort::None
            } else {
                Effort::Normal
            },
            limit: self.limit,
            stop: self.stop.clone(),
            seed: self.seed.clone(),
        }
    }

    /// What goes on from it.
    pub(crate) fn complete(&self, prompt: &str, choice: u64) -> Output {
        let dialect = match self.model.dialect {
            Dialect::Plain => Dialect::Plain,
            Dialect::ThinkOpen => Dialect::ThinkOpen,
            _ if prompt.trim_end().ends_with("<think>") => Dialect::ThinkOpen,
            _ => Dialect::Think,
        };
        self.ask(prompt).complete(choice, dialect)
    }
}
