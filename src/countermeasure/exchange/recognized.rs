//! Reasoning in an answer's own text that is only to be told from the rest.

use super::ResponseEdits;
use crate::countermeasure::Editor;
use crate::countermeasure::inline::{Inline, LeadIn, Led, Setting, Unclosed};
use crate::countermeasure::reasoning::Remains;
use crate::wire::{Channel, Kind};

impl ResponseEdits {
    /// The same, with the reasoning in the answer's own text counted if `counts`.
    #[must_use]
    pub fn counting_reasoning(self, counts: bool) -> Self {
        Self { counts_reasoning: counts, ..self }
    }

    /// Whether the reasoning in the answer's own text is counted.
    #[must_use]
    pub fn counts_reasoning(&self) -> bool {
        self.counts_reasoning
    }

    /// An editor that leaves nothing of the reasoning in a text, of which so many bytes are reasoning up to a closing that
    /// nothing opened.
    #[must_use]
    pub fn recognizer(&self, channel: &Channel, unopened: usize) -> Box<dyn Editor> {
        let lead_in = self.prompted.as_ref().filter(|_| channel.kind == Kind::Answer);
        let within = lead_in
            .and_then(|it| it.lead_in(channel.lane.group))
            .is_some_and(|LeadIn { within, .. }| *within);
        let unclosed = if self.steered || within { Unclosed::Reasoning } else { Unclosed::Answer };
        if unopened > 0 {
            return Box::new(Led::new(unopened, &Remains::NOTHING, unclosed));
        }
        Box::new(Inline::new(Setting {
            keep: Remains::NOTHING,
            opened: self.opened && channel.kind == Kind::Answer || within,
            continued: false,
            reasoned: false,
            unclosed,
        }))
    }
}
