//! The countermeasures of one exchange, put together in their fixed order.

mod fields;
mod later;
mod recognized;
mod request;
mod summed_up;

use std::num::NonZeroU32;
use std::sync::Arc;

use super::inline::{self, Inline, LeadIn, Led, Unclosed};
use super::prompted::{self, Echo, Prompted};
use super::repeated::{Guarded, RepeatGuard};
use super::seal::Sealer;
use super::stored::StoredAnswers;
use super::summary::SummaryBook;
use super::usage::Rounding;
use super::watermark::{LexicalMark, Mark};
use super::{Editor, LaneEditor, Renamed, downgrade, reasoning, side_channels};
use crate::mark::lexical::Unit;
use crate::policy::Pattern;
use crate::policy::plan::{Keep, Plan, Reasoning, enforced};
use crate::secret::opaque_debug;
use crate::wire::{Channel, Field, FieldKind, Kind, Request, Slot, member_names};

pub use request::RequestEdits;
use request::choices;

/// What is to be done to a response.
#[derive(Clone, Default)]
pub struct ResponseEdits {
    keep: Option<Keep>,
    /// The model's chat template opens the reasoning section.
    opened: bool,
    /// Models whose template does.
    opened_by: Vec<Pattern>,
    /// The client may have kept the model from closing a section.
    steered: bool,
    /// The most choices that the request asks for.
    choices: u64,
    /// What places of a text are counted in.
    unit: Unit,
    /// What the answers go on from, where that is not a conversation.
    prompted: Option<Arc<Prompted>>,
    /// The texts at which the client wants the answer to end.
    stops: Vec<String>,
    /// What the client calls its tools, where it calls them like no program.
    tools: Vec<String>,
    /// Leaks are closed but for these names.
    close_leaks: Option<Vec<String>>,
    /// The model's name is hidden behind the one that was asked for.
    rename: Option<Renamed>,
    round_usage: Option<NonZeroU32>,
    /// The client did not ask for the usage event that the rates need.
    drop_usage_event: bool,
    /// What is withheld goes out sealed.
    sealer: Option<Sealer>,
    /// Where summaries of what is withheld are found, if they are made.
    summaries: Option<SummaryBook>,
    /// Blocks that the upstream signed show theirs: what they said travels sealed.
    shows_signed: bool,
    /// What was opened in the request is not repeated.
    guard: Option<RepeatGuard>,
    /// What the request's counts are rounded to then.
    round_input: Option<NonZeroU32>,
    /// Texts are marked.
    marked: Option<LexicalMark>,
    /// Where it is remembered for those who read the answer later.
    kept_in: Option<Arc<StoredAnswers>>,
    /// The same as it is remembered there.
    kept: Option<Arc<ResponseEdits>>,
    /// The reasoning in the answer's own text is counted.
    counts_reasoning: bool,
    /// It is only done where something has an id that is known here.
    of_known: Option<Arc<StoredAnswers>>,
}

opaque_debug!(ResponseEdits);

/// What is known of a response when one of its texts begins.
#[derive(Clone, Copy, Debug, Default)]
pub struct Beside {
    /// It has said reasoning in a member of its own.
    pub reasoning: bool,
    /// It has a member for its reasoning, said or sealed.
    pub sealed: bool,
    /// A signed block stands before the text.
    pub signed: bool,
    /// Another text of the same reasoning may have left what is kept.
    pub spent: bool,
    /// It stands in a block of reasoning, whatever its member is called.
    pub thought: bool,
    /// Another text of it has shown that its model reasons in them.
    pub reasoned: bool,
    /// The block before it ended within reasoning, which may go on in this one.
    pub continues: bool,
    /// So many bytes of it are reasoning, up to a closing in it that nothing opened.
    pub unopened: usize,
    /// It is reasoning that stands beside as well, where there is room for a signature.
    pub copied: bool,
}

impl ResponseEdits {
    fn new(plan: &Plan, request: &Request, drop_usage_event: bool) -> Self {
        let requested = request.model_name();
        let downgraded = enforced(&plan.downgrade).and_then(|settings| {
            let model = downgrade::replacement(settings, requested)?;
            Some((model, settings.disclose))
        });
        let answering = downgraded.map(|(model, _)| model).or(requested);
        let reasoning = enforced(&plan.reasoning);
        // Where several names are written, which of them answers is the server's choice.
        let asked = if downgraded.is_some() { Vec::new() } else { request.model_names() };
        let names = |pattern: &Pattern| {
            asked.iter().any(|model| pattern.covers_model(model))
                || downgraded.is_none()
                    && request.target.mentions(pattern.segments(), |it| pattern.covers_word(it))
        };
        let opened = |settings: &Reasoning| {
            let mut patterns = settings.opened_by_template.iter();
            // What a server answers with that is asked for nothing may be one of them.
            patterns.any(|pattern| {
                answering.is_none_or(|model| pattern.covers_model(model)) || names(pattern)
            })
        };
        let close_leaks = side_channels::Closing::of(plan).map(|closing| closing.allow.to_vec());
        Self {
            keep: reasoning.map(|settings| settings.keep),
            opened: reasoning.is_some_and(opened),
            opened_by: reasoning.map(|it| it.opened_by_template.clone()).unwrap_or_default(),
            steered: request.steers_tags,
            choices: choices(plan, request),
            unit: Unit::default(),
            prompted: None,
            stops: request.stops.clone(),
            tools: request.tools.clone(),
            close_leaks,
            rename: downgraded
                .filter(|(_, disclose)| !disclose)
                .zip(requested)
                .map(|((from, _), to)| Renamed { from: from.to_owned(), to: to.to_owned() }),
            round_usage: reasoning.and_then(|settings| settings.round_usage),
            drop_usage_event,
            sealer: None,
            summaries: None,
            shows_signed: false,
            guard: None,
            round_input: None,
            marked: None,
            kept_in: None,
            kept: None,
            counts_reasoning: false,
            of_known: None,
        }
    }

    /// The same, if the model that was asked for answers, whatever `plan` asks instead.
    #[must_use]
    pub fn undowngraded(self, plan: &Plan, request: &Request) -> Self {
        let plan = Plan { downgrade: None, ..plan.clone() };
        let Self { marked, prompted, sealer, guard, round_input, unit, .. } = self;
        let new = Self::new(&plan, request, self.drop_usage_event);
        Self { marked, prompted, sealer, guard, round_input, unit, ..new }
    }

    /// The same, with what is withheld sealed, if anything is.
    #[must_use]
    pub fn sealed_by(self, sealer: Option<Sealer>) -> Self {
        Self { sealer, ..self }
    }

    /// The same, with nothing repeated that was opened in the request, and the request's counts, of which
    /// that is a part, rounded up to a multiple of `step`.
    #[must_use]
    pub fn guarded_by(self, guard: Option<RepeatGuard>, step: NonZeroU32) -> Self {
        let round_input = guard.is_some().then_some(step);
        Self { guard, round_input, ..self }
    }

    /// The same for a client that calls its tools so, where it calls them like no program.
    #[must_use]
    pub fn calling(self, tools: Vec<String>) -> Self {
        Self { tools, ..self }
    }

    /// What of the request is not repeated, if anything is guarded.
    #[must_use]
    pub fn guard(&self) -> Option<&RepeatGuard> {
        self.guard.as_ref()
    }

    /// What seals what is withheld, if that is done.
    #[must_use]
    pub fn sealer(&self) -> Option<&Sealer> {
        self.sealer.as_ref().filter(|_| self.withholds())
    }

    /// Whether the answer itself is changed, so that one that cannot be read must not pass.
    #[must_use]
    pub fn changes_answer(&self) -> bool {
        let Self { keep, close_leaks, rename, round_usage, guard, marked, .. } = self;
        keep.is_some()
            || guard.is_some()
            || close_leaks.is_some()
            || rename.is_some()
            || round_usage.is_some()
            || marked.is_some()
    }

    /// Whether it is only that side channels are closed: no text is withheld, marked or told
    /// otherwise.
    #[must_use]
    pub fn only_closes(&self) -> bool {
        let Self { keep, rename, guard, marked, .. } = self;
        keep.is_none() && rename.is_none() && guard.is_none() && marked.is_none()
    }

    /// The response names the model that answers, whatever was asked for.
    pub fn answered_by(&mut self, model: &str) {
        self.opened |= self.opened_by.iter().any(|pattern| pattern.covers_model(model));
    }

    /// The most choices that the request asks for.
    #[must_use]
    pub fn choices(&self) -> u64 {
        self.choices
    }

    /// Whether it matters which model answers.
    #[must_use]
    pub fn minds_model(&self) -> bool {
        !self.opened && !self.opened_by.is_empty()
    }

    /// Whether reasoning is withheld.
    #[must_use]
    pub fn withholds(&self) -> bool {
        self.keep.is_some()
    }

    /// The editors of a lane, by its first piece.
    #[must_use]
    pub fn editor(&self, channel: &Channel, beside: Beside) -> LaneEditor {
        let Beside { reasoning, sealed, signed, thought, copied, .. } = beside;
        let mut editor = match self.keep {
            Some(_) if thought => Some(reasoning::editor(Keep::None)),
            _ => self.reasoning_editor(channel, beside),
        };
        if reasoning || sealed {
            editor.iter_mut().for_each(|editor| editor.tell_apart());
        }
        if let Some(guard) = &self.guard {
            editor = Some(Box::new(Guarded::new(editor, guard.clone(), channel.kind)));
        }
        let emptied = channel.kind == Kind::Reasoning && self.keep == Some(Keep::None);
        // What has room for a signature is not marked, and a copy of it says the same.
        let marked = self.marked.as_ref().filter(|_| !emptied && !copied);
        let mark = marked.and_then(|it| it.mark(channel, signed));
        let editor = LaneEditor::new(editor, mark).counting(self.unit);
        let echoed = self.prompted.as_ref().and_then(|it| it.echoed(channel.lane.group));
        if editor.is_none() || channel.kind != Kind::Answer {
            return editor;
        }
        editor.behind(Echo::of(echoed.cloned()))
    }

    /// The prompt with which a text begins that says all of a choice again, where the pieces of it have not
    /// said that, and what stands behind it.
    #[must_use]
    pub fn repeated_prompt<'t>(&self, group: u32, text: &'t str) -> (&'t str, &'t str) {
        let echoed = self.prompted.as_ref().and_then(|it| it.echoed(group));
        let behind = echoed.and_then(|echoed| text.strip_prefix(&**echoed));
        let prompt = text.len() - behind.map_or(text.len(), str::len);
        text.split_at_checked(prompt).unwrap_or(("", text))
    }

    /// What of the text of a choice is not its caller's own, as far as it is here.
    #[must_use]
    pub fn behind_prompt<'t>(&self, group: u32, text: &'t str) -> &'t str {
        let echoed = self.prompted.as_ref().and_then(|it| it.echoed(group));
        echoed.map_or(text, |echoed| prompted::behind(echoed, text))
    }

    /// Bytes that are kept of the request.
    #[must_use]
    pub fn held(&self) -> usize {
        let guard = self.guard.as_ref().map_or(0, RepeatGuard::bytes);
        self.prompted.as_ref().map_or(0, |it| it.held()) + guard
    }

    fn reasoning_editor(&self, channel: &Channel, beside: Beside) -> Option<Box<dyn Editor>> {
        let keep = self.keep?;
        match channel.kind {
            // A signed block is whole or sealed.
            Kind::Reasoning if channel.signed && !self.shows_signed || beside.spent => {
                Some(reasoning::editor(Keep::None))
            }
            Kind::Reasoning => {
                let is_string = matches!(
                    channel.lane.slot,
                    Slot::Reasoning | Slot::ReasoningAlias | Slot::ThinkingPart
                );
                let sealed = self.sealer().filter(|_| is_string).and_then(Sealer::editor);
                Some(sealed.unwrap_or_else(|| self.remains(keep).editor()))
            }
            // A model refuses in the words of its text.
            Kind::Answer | Kind::Refusal => {
                let answer = channel.kind == Kind::Answer;
                let lead_in = self.prompted.as_ref().filter(|_| answer);
                let lead_in = lead_in.and_then(|it| it.lead_in(channel.lane.group));
                let within = lead_in.is_some_and(|it| it.within);
                let unclosed = match self.steered || within {
                    true => Unclosed::Reasoning,
                    false => Unclosed::Answer,
                };
                let by_template = self.opened && !beside.reasoning && answer;
                if beside.unopened > 0 {
                    // What a member of its own keeps is kept there.
                    let keep = if beside.reasoning { Keep::None } else { keep };
                    let led = Led::new(beside.unopened, &self.remains(keep), unclosed);
                    return Some(Box::new(led));
                }
                let (opened, continued) = (by_template || within, beside.continues);
                let reasoned = beside.reasoned;
                let keep = self.remains(keep);
                let setting = inline::Setting { keep, opened, continued, reasoned, unclosed };
                let inline = Inline::new(setting);
                Some(Box::new(match lead_in {
                    Some(LeadIn { within: false, begun }) if !begun.is_empty() => {
                        inline.behind(begun)
                    }
                    _ => inline,
                }))
            }
            Kind::ToolArguments => None,
        }
    }

    /// What rounds the token counts of the response, if the policy says so.
    #[must_use]
    pub fn rounding(&self) -> Option<Rounding> {
        let Self { round_usage, round_input, .. } = self;
        let rounds = round_usage.is_some() || round_input.is_some();
        rounds.then(|| Rounding::new(*round_usage, *round_input))
    }

    /// What leaks are let through all the same; `None` where none are closed. Beside what was opened in the
    /// request none are: a server that tells its prompt, in whatever member, tells that, too.
    #[must_use]
    pub fn allowed_leaks(&self) -> Option<&[String]> {
        if self.guard.is_some() { Some(&[]) } else { self.close_leaks.as_deref() }
    }

    /// The model whose name is hidden, if one is.
    #[must_use]
    pub fn renamed(&self) -> Option<&Renamed> {
        self.rename.as_ref()
    }

    /// What counts of tokens are rounded to, if they are.
    #[must_use]
    pub fn rounded_to(&self) -> Option<NonZeroU32> {
        self.round_usage
    }

    /// Whether something is kept from the client that may also stand in errors, heads and trailers:
    /// text, what repeats it, or the name of the model.
    #[must_use]
    pub fn guards(&self) -> bool {
        let Self { keep, close_leaks, rename, guard, .. } = self;
        keep.is_some() || close_leaks.is_some() || rename.is_some() || guard.is_some()
    }

    /// Whether a field that goes out repeats text that the mark would change, token by token.
    #[must_use]
    pub fn betrays_mark(&self, field: &Field) -> bool {
        let closed = |allow: &[String]| side_channels::response_edit(allow, field).is_some();
        let repeats = match field.kind {
            FieldKind::Leak | FieldKind::List => member_names::repeats_text(&field.name),
            FieldKind::Number => field.name == member_names::TOKEN,
            _ => false,
        };
        self.marked.is_some() && repeats && !self.allowed_leaks().is_some_and(closed)
    }

    /// Remembers what a lane that has ended read like before it was marked.
    pub fn remember(&self, lane: &mut LaneEditor) {
        let original = lane.mark().and_then(Mark::original);
        if let Some((marked, original)) = self.marked.as_ref().zip(original) {
            marked.remember(original);
        }
    }

    /// Whether the event that holds usage only is to be left out.
    #[must_use]
    pub fn drops_usage_event(&self) -> bool {
        self.drop_usage_event
    }
}
