//! Scanning a stream's events without reading each of them.
//!
//! The events of one stream differ in their text and hardly anywhere else. So what was found in one
//! event is kept as a template: the bytes between its texts, and what they mean. An event that has
//! the same bytes around other string contents has the same structure, because the structure of
//! JSON does not depend on what its strings say; then two comparisons and a search for the closing
//! quote replace the walk. Numbers, times and filling that change with every event are blank as well.

use std::collections::BTreeSet;

use super::error::scan_exception;
use super::framing::Stated;
use super::scan::{Block, Channel, Items, Kind, Slot, Turn};
use super::{Protocol, Scan, json};
use crate::secret::opaque_debug;

mod template;

use template::Template;

/// Templates kept per stream: choices and reasoning and answer alternate.
const TEMPLATES: usize = 4;

/// The most blocks that are remembered to hold no answer. No message has more.
const BLOCKS: usize = 4096;

/// Scans the events of one stream. The result is that of [`Protocol::scan_event`], but that what a
/// block says of itself when it begins holds for every text of it, an item that is only named has its place, who speaks in a choice until that is said
/// anew, and what a framing calls an error is one.
pub struct Scanner {
    protocol: &'static dyn Protocol,
    templates: Vec<Template>,
    oldest: usize,
    /// Blocks and choices whose texts are not the answer's.
    thoughts: BTreeSet<u32>,
    /// Items by name, where events do not say which one they are about.
    items: Items,
    /// Times and ids of the last event that was read.
    varying: Vec<u8>,
    /// They have changed since the one before.
    varies: bool,
}

opaque_debug!(Scanner);

impl Scanner {
    /// A scanner for one stream of `protocol`.
    #[must_use]
    pub fn new(protocol: &'static dyn Protocol) -> Self {
        Self {
            protocol,
            templates: Vec::new(),
            oldest: 0,
            thoughts: BTreeSet::new(),
            items: Items::default(),
            varying: Vec::new(),
            varies: false,
        }
    }

    /// Finds what [`Protocol::scan_event`] finds in a payload, of which its framing has `stated` more.
    ///
    /// # Errors
    /// The payload is not JSON.
    pub fn scan(
        &mut self,
        stated: Stated<'_>,
        payload: &[u8],
        scan: &mut Scan,
    ) -> Result<(), json::Error> {
        if stated.is_error {
            // An exception has its own shape, whatever the protocol.
            scan.clear();
            return scan_exception(stated.kind, payload, scan);
        }
        self.find(stated.kind, payload, scan)?;
        self.items.place(payload, scan);
        if let Some(Block { group, answers, within: false, .. }) = scan.begins {
            if answers {
                self.thoughts.remove(&group);
            } else if self.thoughts.len() < BLOCKS {
                self.thoughts.insert(group);
            }
        }
        for Turn { group, thought } in &scan.turns {
            if !thought {
                self.thoughts.remove(group);
            } else if self.thoughts.len() < BLOCKS {
                self.thoughts.insert(*group);
            }
        }
        let full = self.thoughts.len() == BLOCKS;
        if full || !self.thoughts.is_empty() && !scan.in_blocks {
            // What is no answer ends no reasoning.
            let thoughts = &self.thoughts;
            scan.closes.retain(|it| !it.reasoning_only || !full && !thoughts.contains(&it.group));
        }
        let said = |it: &&mut Channel| matches!(it.kind, Kind::Answer | Kind::Refusal);
        for channel in scan.channels.iter_mut().filter(said) {
            if full || self.thoughts.contains(&channel.lane.group) {
                let slot = if scan.in_blocks { Slot::Reasoning } else { Slot::ReasoningPart };
                (channel.kind, channel.lane.slot) = (Kind::Reasoning, slot);
                channel.signed = scan.in_blocks;
            }
        }
        Ok(())
    }

    fn find(
        &mut self,
        kind: Option<&[u8]>,
        payload: &[u8],
        scan: &mut Scan,
    ) -> Result<(), json::Error> {
        if self.templates.iter().any(|template| template.scan(kind, payload, scan)) {
            scan.varies = self.varies;
            return Ok(());
        }
        scan.clear();
        self.protocol.scan_event(kind, payload, scan)?;
        self.compare(payload, scan);
        // Which item it is about is told anew by each event.
        let template =
            scan.unplaced.is_none().then(|| Template::new(kind, payload, scan)).flatten();
        if let Some(template) = template {
            if self.templates.len() < TEMPLATES {
                self.templates.push(template);
            } else if let Some(place) = self.templates.get_mut(self.oldest) {
                *place = template;
                self.oldest = (self.oldest + 1) % TEMPLATES;
            }
        }
        scan.varying.clear();
        Ok(())
    }

    /// Whether times and ids change from event to event. Once they have, they are blank in templates.
    fn compare(&mut self, payload: &[u8], scan: &mut Scan) {
        scan.varies = self.varies;
        if scan.varying.is_empty() {
            return;
        }
        let values = || scan.varying.iter().filter_map(|it| payload.get(it.span.clone()));
        let same = values().flatten().eq(&self.varying);
        if !same {
            self.varies |= !self.varying.is_empty();
            self.varying.clear();
            self.varying.extend(values().flatten());
        }
        scan.varies = self.varies;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::chat::Chat;
    use super::super::messages::Messages;
    use super::super::responses::Responses;
    use super::*;

    fn chunk() -> impl Strategy<Value = String> {
        let text = r#"([a-z é]|\\n|\\"|\\\\|\\u00e9){0,6}"#;
        let created = 1_790_000_000..1_790_000_002_u32;
        (0..2_u32, text, text, text, 0..8_u32, created).prop_map(|(index, first, second, padding, form, created)| {
            let delta = match form {
                0 => format!(r#""content":"{first}""#),
                1 => format!(r#""reasoning_content":"{first}","content":null"#),
                2 => format!(r#""reasoning":"{first}","reasoning_details":[{{"type":"reasoning.text","text":"{second}","index":0}}]"#),
                3 => format!(r#""role":"assistant","content":"{first}""#),
                4 => format!(r#""tool_calls":[{{"index":0,"function":{{"arguments":"{first}"}}}}]"#),
                _ => format!(r#""content":"{first}","token_ids":[1]"#),
            };
            let finish = if form == 6 { r#""stop""# } else { "null" };
            let model = if form == 7 { "other" } else { "model" };
            format!(r#"{{"id":"1","created":{created},"choices":[{{"delta":{{{delta}}},"index":{index},"logprobs":null,"finish_reason":{finish}}}],"obfuscation":"{padding}","model":"{model}"}}"#)
        })
    }

    fn event() -> impl Strategy<Value = String> {
        (0..3_u32, r#"([a-z é]|\\n|\\"){0,6}"#, 0..3_u32).prop_map(|(index, text, form)| {
            let delta = match form {
                0 => format!(r#"{{"type":"text_delta","text":"{text}"}}"#),
                1 => format!(r#"{{"type":"thinking_delta","thinking":"{text}"}}"#),
                _ => format!(r#"{{"type":"signature_delta","signature":"{text}"}}"#),
            };
            format!(r#"{{"type":"content_block_delta","index":{index},"delta":{delta}}}"#)
        })
    }

    fn numbered() -> impl Strategy<Value = String> {
        let text = r#"([a-z é]|\\n|\\"){0,6}"#;
        (0..2_u32, 0..3_u64, text, text, 0..5_u32).prop_map(|(part, jump, text, padding, form)| {
            let (number, kind) = (jump * 995, if form == 0 { "refusal" } else { "output_text" });
            format!(r#"{{"type":"response.{kind}.delta","sequence_number":{number},"item_id":"i","output_index":1,"content_index":{part},"delta":"{text}","logprobs":[],"obfuscation":"{padding}"}}"#)
        })
    }

    fn agrees(protocol: &'static dyn Protocol, payloads: &[String]) -> Result<(), TestCaseError> {
        let mut scanner = Scanner::new(protocol);
        let mut found = Scan::default();
        for payload in payloads {
            let mut expected = Scan::default();
            protocol.scan_event(None, payload.as_bytes(), &mut expected).unwrap();
            scanner.scan(Stated::default(), payload.as_bytes(), &mut found).unwrap();
            // Only a scanner knows the event before.
            expected.varying.clear();
            expected.varies = found.varies;
            prop_assert_eq!(&found, &expected, "{}", payload);
        }
        Ok(())
    }

    // Break it: leave a number or a time in the bytes that are compared.
    #[test]
    fn what_changes_with_every_event_does_not_keep_a_template_from_fitting() {
        let fits = |protocol: &'static dyn Protocol, event: &dyn Fn(usize) -> String| {
            let mut scanner = Scanner::new(protocol);
            let mut scan = Scan::default();
            let templates: Vec<usize> = (0..20)
                .map(|at| {
                    scanner.scan(Stated::default(), event(at).as_bytes(), &mut scan).unwrap();
                    scanner.templates.len()
                })
                .collect();
            templates[19]
        };
        let numbered = |at: usize| {
            format!(
                r#"{{"type":"response.output_text.delta","sequence_number":{at},"output_index":0,"content_index":0,"delta":"a{at}","obfuscation":"x{at}"}}"#
            )
        };
        assert_eq!(fits(&Responses, &numbered), 1);
        // The first two are compared, the third is read for the last time.
        let timed = |at: usize| {
            let created = 1_790_000_000 + at;
            format!(
                r#"{{"id":"c{at}","created":{created},"choices":[{{"index":0,"delta":{{"content":"a"}}}}]}}"#
            )
        };
        assert_eq!(fits(&Chat, &timed), 2);
    }

    proptest! {
        /// Oracle: the scan without templates. Fails when a template ignores a literal's end, an
        /// escape, or the shift of the fields behind a text.
        #[test]
        fn templates_find_what_a_full_scan_finds(
            chunks in proptest::collection::vec(chunk(), 1..30),
            events in proptest::collection::vec(event(), 1..30),
            numbered in proptest::collection::vec(numbered(), 1..30),
        ) {
            agrees(&Chat, &chunks)?;
            agrees(&Messages, &events)?;
            agrees(&Responses, &numbered)?;
        }
    }
}
