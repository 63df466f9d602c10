//! An agent that holds a conversation, and how its client writes JSON.

use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Full};
use serde_json::Value;

use super::dialect::{self, Asked, THOUGHTS};
use super::{DIALECTS, Scene};
use crate::process::{risk, soon};

/// An agent that holds a conversation.
#[derive(Clone)]
pub(super) struct Agent {
    pub(super) dialect: usize,
    pub(super) streamed: bool,
    pub(super) talk: String,
    pub(super) account: String,
    pub(super) model: &'static str,
    pub(super) tools: &'static [&'static str],
    pub(super) system: &'static str,
    pub(super) history: Vec<Value>,
    /// Its client escapes what is not ASCII.
    pub(super) escapes: bool,
}

impl Agent {
    pub(super) fn new(dialect: usize, streamed: bool, talk: &str) -> Self {
        Self {
            dialect,
            streamed,
            talk: talk.to_owned(),
            account: "account".to_owned(),
            model: "m",
            tools: &["add"],
            system: "Be brief.",
            history: vec![DIALECTS[dialect].user("9 and 8?")],
            escapes: false,
        }
    }

    pub(super) async fn asks(
        &self,
        scene: &Scene,
        address: &str,
        turn: usize,
        risk: String,
    ) -> (StatusCode, Bytes) {
        let Self { dialect, streamed, talk, model, tools, system, history, .. } = self;
        let asked = Asked { model, streamed: *streamed, history, tools, system };
        let (path, body) = {
            let dialect = DIALECTS[*dialect];
            (dialect.path(model, *streamed), dialect.body(&asked).to_string())
        };
        let body = if self.escapes { escaped(&body) } else { body };
        let request = Request::post(format!("http://{address}{path}"))
            .header("content-type", "application/json")
            .header("guilloche-risk", risk)
            .header("x-dialect", dialect.to_string())
            .header("x-streamed", streamed.to_string())
            .header("x-turn", turn.to_string())
            .header("x-talk", talk);
        let request = request.body(Full::from(body)).unwrap();
        let response = soon(scene.client.request(request)).await.unwrap();
        let status = response.status();
        (status, soon(response.into_body().collect()).await.unwrap().to_bytes())
    }

    /// Has a turn answered. The last is that of a caller who has come clear.
    pub(super) async fn turn(&mut self, scene: &Scene, address: &str, turn: usize) {
        let risk = risk(&self.account, if turn == dialect::LAST { 0.1 } else { 0.9 });
        let (status, answer) = self.asks(scene, address, turn, risk).await;
        assert_eq!(
            status,
            StatusCode::OK,
            "{} {turn}: {}",
            self.talk,
            String::from_utf8_lossy(&answer)
        );
        let dialect = DIALECTS[self.dialect];
        self.history.extend(dialect.read(&answer, self.streamed));
        if turn != dialect::LAST {
            self.history.push(dialect.result(turn));
        }
    }

    /// What a client has in its hands of the reasoning, beside blobs.
    pub(super) fn knows(&self) -> bool {
        let held = Value::from(self.history.clone()).to_string();
        THOUGHTS[..3].iter().any(|it| held.contains(Value::from(*it).to_string().trim_matches('"')))
    }
}

/// A document as those write it who escape all that is not ASCII.
fn escaped(document: &str) -> String {
    let unit = |it: &mut [u16; 2], character: char| {
        character.encode_utf16(it).iter().map(|it| format!("\\u{it:04x}")).collect::<String>()
    };
    let write = |it: char| if it.is_ascii() { it.to_string() } else { unit(&mut [0; 2], it) };
    document.chars().map(write).collect()
}
