//! What the upstream of the benchmark answers, made once: a document, and the events of a stream.

use bytes::Bytes;

/// The model that callers ask for.
pub(super) const ASKED_MODEL: &str = "bench-large";
/// The model that answers, as the upstream states it.
pub(super) const ANSWERING_MODEL: &str = "bench-small";
/// Bytes of one event, as in the measurements of other decoders.
const EVENT_BYTES: usize = 462;
/// Events of a stream besides those that carry text: the role, the finish reason with the usage,
/// and `[DONE]`.
pub(super) const OTHER_EVENTS: u64 = 3;
/// Texts that differ; streams go round.
const TEXTS: usize = 64;

const REASONING: &str = "The reader asks how many crates are left after the second delivery. \
    Start with 48 crates in the morning. The first van takes a quarter of them, which is 12, so 36 \
    remain. The second van takes 5 more than the first did, which is 17, so 19 remain. Check: 12 \
    and 17 are 29, and 48 less 29 is 19. That agrees. ";
const CONTENT: &str = "There are 19 crates left. The first van took a quarter of the 48 crates, \
    that is 12, and the second took 17, five more than the first, so that 19 are left over. That's \
    enough to fill all of the shelves, but it doesn't leave any for the next day.";

/// A chat completion, and the parts of a streamed one.
#[derive(Debug)]
pub(super) struct Canned {
    pub(super) document: Bytes,
    role: Bytes,
    reasoning: Vec<Bytes>,
    content: Vec<Bytes>,
    finish: Bytes,
    done: Bytes,
}

impl Canned {
    pub(super) fn new() -> Self {
        let texts = |field| (0..TEXTS).map(|index| event(field, index)).collect();
        let usage = r#"{"prompt_tokens":57,"completion_tokens":412,"total_tokens":469,"completion_tokens_details":{"reasoning_tokens":331}}"#;
        let head = head("chat.completion");
        let reasoning = REASONING.repeat(3);
        let document = format!(
            "{{{head},\"choices\":[{{\"index\":0,\"message\":{{\"role\":\"assistant\",\
             \"reasoning_content\":\"{reasoning}\",\"content\":\"{CONTENT}\"}},\
             \"logprobs\":null,\"finish_reason\":\"stop\"}}],\"usage\":{usage}}}"
        );
        let chunk = |delta: &str, finish: &str, usage: &str| {
            let head = self::head("chat.completion.chunk");
            Bytes::from(format!(
                "data: {{{head},\"choices\":[{{\"index\":0,\"delta\":{delta},\
                 \"logprobs\":null,\"finish_reason\":{finish}}}],\"usage\":{usage}}}\n\n"
            ))
        };
        Self {
            document: Bytes::from(document),
            role: chunk(r#"{"role":"assistant","content":""}"#, "null", "null"),
            reasoning: texts("reasoning_content"),
            content: texts("content"),
            finish: chunk("{}", "\"stop\"", usage),
            done: Bytes::from_static(b"data: [DONE]\n\n"),
        }
    }

    /// The event at `position` of a stream with so many events of text, of which the first are of
    /// reasoning; `None` past its end.
    pub(super) fn event(&self, position: u64, texts: u64, reasoning: u64) -> Option<Bytes> {
        let event = match position {
            0 => &self.role,
            at if at > texts => match at - texts {
                1 => &self.finish,
                2 => &self.done,
                _ => return None,
            },
            at => {
                let kind = if at <= reasoning { &self.reasoning } else { &self.content };
                kind.get(usize::try_from(at).ok()? % TEXTS)?
            }
        };
        Some(event.clone())
    }
}

fn head(object: &str) -> String {
    format!(
        "\"id\":\"chatcmpl-0123456789abcdef0123456789abcdef\",\"object\":\"{object}\",\
         \"created\":1790000000,\"model\":\"{ANSWERING_MODEL}\",\"service_tier\":\"default\",\
         \"system_fingerprint\":\"fp_44709d6fcb\""
    )
}

fn event(field: &str, index: usize) -> Bytes {
    let head = head("chat.completion.chunk");
    let event = format!(
        "data: {{{head},\"choices\":[{{\"index\":0,\"delta\":{{\"{field}\":\" word{index:02}\"}},\
         \"logprobs\":null,\"finish_reason\":null}}],\"usage\":null,\"provider\":\""
    );
    let end = "\"}\n\n";
    let filling = "x".repeat(EVENT_BYTES.saturating_sub(event.len() + end.len()));
    Bytes::from(event + &filling + end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_has_the_events_that_were_asked_for_and_its_text_is_of_one_size() {
        let canned = Canned::new();
        let events: Vec<Bytes> = (0..).map_while(|position| canned.event(position, 6, 2)).collect();
        assert_eq!(events.len() as u64, 6 + OTHER_EVENTS);
        let holding = |field: &str| {
            let found = events
                .iter()
                .filter(|event| memchr::memmem::find(event, field.as_bytes()).is_some());
            found.map(Bytes::len).collect::<Vec<_>>()
        };
        assert_eq!(holding("\"reasoning_content\":\" word"), [EVENT_BYTES; 2]);
        assert_eq!(holding("\"content\":\" word"), [EVENT_BYTES; 4]);
        assert_eq!(events.last().unwrap(), "data: [DONE]\n\n");
    }

    #[test]
    fn everything_canned_is_json_and_the_document_has_between_1_and_2_kib() {
        let canned = Canned::new();
        serde_json::from_slice::<serde_json::Value>(&canned.document).unwrap();
        assert!((1 << 10..2 << 10).contains(&canned.document.len()), "{}", canned.document.len());
        for position in 0..5 {
            let event = canned.event(position, 4, 2).unwrap();
            let payload = event.strip_prefix(b"data: ").unwrap();
            serde_json::from_slice::<serde_json::Value>(payload).unwrap();
        }
    }
}
