//! A conversation as the clients of a protocol hold it, and how an upstream of that protocol answers.

use serde_json::{Value, json};

/// What the model thinks in each turn, with what writers of JSON escape in different ways.
pub(crate) const THOUGHTS: [&str; 4] = [
    "First \"both\" numbers:\n\t9 and 8, then ü \\ 😀.",
    "The tool said 17, so that one more step is needed before the answer.",
    "Now the total is known. It is looked at a second time, from the other end.",
    "It holds, and that is the answer.",
];

/// The turn in which no tool is called any more.
pub(crate) const LAST: usize = 3;

/// What the model says in a turn.
#[derive(Clone, Copy)]
pub(crate) struct Said<'s> {
    pub(crate) turn: usize,
    pub(crate) thought: &'s str,
    /// What the upstream counts of the thought, and, with as many more, of all that it has said.
    pub(crate) tokens: u64,
}

impl Said<'_> {
    pub(crate) fn in_turn(turn: usize) -> Self {
        Self { turn, thought: THOUGHTS[turn], tokens: 20 }
    }
}

/// What a client asks for.
pub(crate) struct Asked<'a> {
    pub(crate) model: &'a str,
    pub(crate) streamed: bool,
    pub(crate) history: &'a [Value],
    pub(crate) tools: &'a [&'a str],
    pub(crate) system: &'a str,
}

/// One protocol, with the carrier that it has for what is sealed.
pub(crate) trait Dialect: Sync {
    fn name(&self) -> &'static str;
    /// Whether blobs take the place of strings.
    fn in_strings(&self) -> bool {
        false
    }
    fn path(&self, model: &str, streamed: bool) -> String;
    fn body(&self, asked: &Asked<'_>) -> Value;
    fn user(&self, text: &str) -> Value;
    /// The result of the tool that a turn has called.
    fn result(&self, turn: usize) -> Value;
    /// The upstream's answer of a turn: its content type and its body.
    fn answer(&self, said: &Said<'_>, streamed: bool) -> (&'static str, Vec<u8>);
    /// What a client keeps of an answer.
    fn read(&self, answer: &[u8], streamed: bool) -> Vec<Value>;
    /// Where the conversation stands in a request.
    fn list(&self) -> &'static str {
        "messages"
    }
    /// Takes reasoning and what is signed of it out of an entry of the conversation; whether anything is left.
    fn without_reasoning(&self, entry: &mut Value) -> bool;
}

/// What the upstream signs of a turn: base64, as the vendors have it.
pub(crate) fn signature(turn: usize) -> String {
    format!("c2lnbmVk+/{turn}==")
}

pub(crate) fn call_id(turn: usize) -> String {
    format!("call_{turn}")
}

pub(crate) fn pieces(text: &str) -> Vec<String> {
    let characters: Vec<char> = text.chars().collect();
    characters.chunks(7).map(|piece| piece.iter().collect()).collect()
}

/// Events, named where their protocol names them.
pub(crate) fn events(events: &[(&str, Value)]) -> Vec<u8> {
    let event = |(name, value): &(&str, Value)| match *name {
        "" => format!("data: {value}\n\n"),
        name => format!("event: {name}\ndata: {value}\n\n"),
    };
    events.iter().map(event).collect::<String>().into_bytes()
}

/// The JSON of events, lines, or one document.
pub(crate) fn values(answer: &[u8]) -> Vec<Value> {
    let text = std::str::from_utf8(answer).unwrap();
    if let Ok(whole) = serde_json::from_str(text) {
        return vec![whole];
    }
    let lines = text.lines().map(|line| line.strip_prefix("data: ").unwrap_or(line));
    lines.filter_map(|line| serde_json::from_str(line).ok()).collect()
}

/// Says more of a text, or begins it.
pub(crate) fn join(place: &mut Value, more: &Value) {
    let Some(more) = more.as_str() else { return };
    let so_far = place.as_str().unwrap_or_default();
    *place = json!(format!("{so_far}{more}"));
}

/// The element at an index, made if need be.
pub(crate) fn at(list: &mut Vec<Value>, index: &Value) -> usize {
    let index = usize::try_from(index.as_u64().unwrap_or_default()).unwrap();
    list.resize(list.len().max(index + 1), json!({}));
    index
}

/// Keeps those elements of a list; whether any is left.
pub(crate) fn keep(list: &mut Value, keeps: impl Fn(&Value) -> bool) -> bool {
    let Some(list) = list.as_array_mut() else { return true };
    list.retain(keeps);
    !list.is_empty()
}
