//! The countermeasures of one exchange, put together in their fixed order.

use std::num::NonZeroU32;

use super::inline::{self, Inline, Led, Unclosed};
use super::usage::{Rounded, Rounding};
use super::watermark::{
    Caller, Carrier, Choice, LexicalMark, Mark, MarkTerms, marks_although_signed,
};
use super::{Editor, LaneEditor, Renamed, Tally, downgrade, reasoning, side_channels, watermark};
use crate::policy::Pattern;
use crate::policy::plan::{Keep, Plan, Rate, Reasoning, Watermark, enforced};
use crate::secret::opaque_debug;
use crate::wire::json::Edit;
use crate::wire::{
    Asked, Channel, Edits, Field, FieldKind, Kind, Protocol, Refusal, RefusalKind, Request,
    member_names,
};

/// The member that says what a tool is called.
const TOOL: &str = "name";

/// The longest message of an error that is passed on where no text is withheld.
const MESSAGE: usize = 4096;

/// What is to be done to a request, and what the response still needs.
pub struct RequestEdits {
    /// The edits of its body, its path and its query.
    pub edits: Edits,
    /// What is to be done to the response.
    pub response: ResponseEdits,
}

opaque_debug!(RequestEdits);

/// What is to be done to a response.
#[derive(Default)]
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
    /// Texts are marked.
    marked: Option<LexicalMark>,
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
}

/// What is wrong with the end of the conversation, if it puts words into the model's mouth.
fn prefilled(request: &Request) -> Option<&'static str> {
    let resumed = request.resumed && !request.server.resumes_turns();
    if request.prefilled || resumed {
        return Some("the last message may not be the assistant's own");
    }
    (request.prefilled_if_hoisted && request.server.hoists_system()).then_some(
        "the last message may not be the assistant's own, and system messages behind it are \
         moved to the front by some servers",
    )
}

impl RequestEdits {
    /// What the enforced parts of `plan` do to a request. `caller` is whose answer is marked if the plan
    /// says so; `None` where there is nothing to mark with.
    ///
    /// # Errors
    /// A refusal: the request names a governed member twice, or opens a way round that can only be
    /// refused.
    pub fn of(
        plan: &Plan,
        protocol: &dyn Protocol,
        request: &Request,
        caller: Option<Caller<'_>>,
        counts: &mut Tally,
    ) -> Result<Self, Refusal> {
        let malformed = |message: String| Refusal { kind: RefusalKind::Malformed, message };
        if let Some(name) = &request.ambiguous {
            return Err(malformed(format!("the request names `{name}` more than once")));
        }
        let mut in_body = Vec::new();
        let mut removed = Vec::new();
        if let Some(closing) = side_channels::Closing::of(plan) {
            if let Some(message) = prefilled(request) {
                return Err(malformed(message.to_owned()));
            }
            let closed = side_channels::request_edits(closing, request, counts);
            removed = closed.1;
            in_body.extend(closed.0);
        }
        let downgrade = enforced(&plan.downgrade);
        if let Some(settings) = downgrade {
            let more = downgrade::removals(settings, request);
            let more: Vec<_> = more.into_iter().filter(|it| !removed.contains(it)).collect();
            counts.request_fields_closed += more.len() as u64;
            removed.extend(more);
        }
        let mut marked = None;
        if let Some((settings, caller)) = enforced(&plan.watermark).zip(caller) {
            let choice = choose(settings, &caller, protocol, request, &removed);
            marked = choice.marked;
            in_body.extend(choice.edits);
            removed.extend(choice.removed);
            counts.carrier = choice.carrier;
            counts.mark_fields_set = choice.fields_set;
            counts.mark_fields_removed = choice.stripped;
        }
        let mut edits = downgrade.map_or_else(Edits::default, |settings| {
            downgrade::request_edits(settings, request, &removed, counts)
        });
        in_body.append(&mut edits.body);
        if enforced(&plan.reasoning).is_some_and(|settings| settings.ask_upstream) {
            in_body.extend(request.thinking.iter().filter_map(|thinking| thinking.seal.clone()));
        }
        let counted = enforced(&plan.rate).is_some_and(Rate::counts_tokens);
        let ask_usage = request.ask_usage.clone().filter(|_| counted);
        let drop_usage_event = ask_usage.is_some();
        in_body.extend(ask_usage);
        in_body.extend(request.removals(&removed));
        edits.body = in_body;

        Ok(Self {
            edits,
            response: ResponseEdits {
                marked,
                ..ResponseEdits::new(plan, request, drop_usage_event)
            },
        })
    }

    /// The most output tokens that any server could make of the request, all its choices together,
    /// once the plan is applied; `None` if nothing bounds them.
    #[must_use]
    pub fn output_cap(plan: &Plan, request: &Request) -> Option<u64> {
        let lowered = enforced(&plan.downgrade)
            .and_then(|settings| settings.max_output_tokens)
            .map(|cap| u64::from(cap.get()));
        let asked = request.output_caps.iter().filter(|cap| request.is_read(cap));
        let asked = asked.filter_map(|cap| match cap.asked {
            Asked::Nothing => None,
            Asked::Tokens(tokens) => Some(tokens),
            Asked::Unclear => Some(u64::MAX),
        });
        let most = match (asked.max(), lowered) {
            (Some(asked), Some(lowered)) => asked.min(lowered),
            (asked, lowered) => asked.or(lowered).filter(|cap| *cap < u64::MAX)?,
        };
        Some(most.saturating_mul(choices(plan, request)))
    }
}

/// The most choices that any server could make of the request, once the plan is applied.
fn choices(plan: &Plan, request: &Request) -> u64 {
    let asked = request.choices.iter().map(|(_, count)| *count).max().unwrap_or(1).max(1);
    let allowed = side_channels::Closing::of(plan).and_then(|closing| closing.max_choices);
    asked.min(allowed.map_or(u64::MAX, |most| u64::from(most.get())))
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
            stops: request.stops.clone(),
            tools: request.tools.clone(),
            close_leaks,
            rename: downgraded
                .filter(|(_, disclose)| !disclose)
                .zip(requested)
                .map(|((from, _), to)| Renamed { from: from.to_owned(), to: to.to_owned() }),
            round_usage: reasoning.and_then(|settings| settings.round_usage),
            drop_usage_event,
            marked: None,
        }
    }

    /// The same, if the model that was asked for answers, whatever `plan` asks instead.
    #[must_use]
    pub fn undowngraded(self, plan: &Plan, request: &Request) -> Self {
        let plan = Plan { downgrade: None, ..plan.clone() };
        Self { marked: self.marked, ..Self::new(&plan, request, self.drop_usage_event) }
    }

    /// Whether the answer itself is changed, so that one that cannot be read must not pass.
    #[must_use]
    pub fn changes_answer(&self) -> bool {
        let Self { keep, close_leaks, rename, round_usage, marked, .. } = self;
        keep.is_some()
            || close_leaks.is_some()
            || rename.is_some()
            || round_usage.is_some()
            || marked.is_some()
    }

    /// Whether it is only that side channels are closed: no text is withheld, marked or told
    /// otherwise.
    #[must_use]
    pub fn only_closes(&self) -> bool {
        self.keep.is_none() && self.rename.is_none() && self.marked.is_none()
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
        let Beside { reasoning, sealed, signed, thought, .. } = beside;
        let mut editor = match self.keep {
            Some(_) if thought => Some(reasoning::editor(Keep::None)),
            _ => self.reasoning_editor(channel, beside),
        };
        if reasoning || sealed {
            editor.iter_mut().for_each(|editor| editor.tell_apart());
        }
        let emptied = channel.kind == Kind::Reasoning && self.keep == Some(Keep::None);
        let marked = self.marked.as_ref().filter(|_| !emptied);
        LaneEditor::new(editor, marked.and_then(|marked| marked.mark(channel, signed)))
    }

    fn reasoning_editor(&self, channel: &Channel, beside: Beside) -> Option<Box<dyn Editor>> {
        let keep = self.keep?;
        match channel.kind {
            // A signed block is whole or sealed.
            Kind::Reasoning if channel.signed || beside.spent => {
                Some(reasoning::editor(Keep::None))
            }
            Kind::Reasoning => Some(reasoning::editor(keep)),
            // A model refuses in the words of its text.
            Kind::Answer | Kind::Refusal => {
                let unclosed = if self.steered { Unclosed::Reasoning } else { Unclosed::Answer };
                let answer = channel.kind == Kind::Answer;
                let by_template = self.opened && !beside.reasoning && answer;
                if beside.unopened > 0 {
                    // What a member of its own keeps is kept there.
                    let keep = if beside.reasoning { Keep::None } else { keep };
                    return Some(Box::new(Led::new(beside.unopened, keep, unclosed)));
                }
                let (opened, continued) = (by_template, beside.continues);
                let reasoned = beside.reasoned;
                let setting = inline::Setting { keep, opened, continued, reasoned, unclosed };
                Some(Box::new(Inline::new(setting)))
            }
            Kind::ToolArguments => None,
        }
    }

    /// The edit of a field, counted; `rounded` is what becomes of its event's token counts.
    pub fn field(
        &self,
        field: &Field,
        rounded: Option<&Rounded>,
        counts: &mut Tally,
    ) -> Option<Edit> {
        let edit = match field.kind {
            FieldKind::Leak | FieldKind::Number => {
                side_channels::response_edit(self.close_leaks.as_deref()?, field)?
            }
            FieldKind::Telling if self.round_usage.is_some() => {
                side_channels::response_edit(self.close_leaks.as_deref()?, field)?
            }
            FieldKind::ErrorDetail if self.guards() => {
                let allow = self.close_leaks.as_deref().unwrap_or_default();
                side_channels::response_edit(allow, field)?
            }
            FieldKind::ErrorMessage(failure) if self.guards() => {
                let free = self.keep.is_none() && self.rename.is_none();
                if free && field.span.len() <= MESSAGE {
                    return None;
                }
                Edit::string(field.span.clone(), failure.message())
            }
            FieldKind::Name => {
                self.keep?;
                if self.close_leaks.as_ref()?.contains(&field.name) {
                    return None;
                }
                Edit::text(field.span.clone(), "other")
            }
            FieldKind::WordedId => {
                self.keep?;
                side_channels::response_edit(self.close_leaks.as_deref()?, field)?
            }
            FieldKind::Tool => {
                let allow = self.close_leaks.as_ref()?;
                if self.tools.contains(&field.name) || allow.iter().any(|it| it == TOOL) {
                    return None;
                }
                // What it says is not its name.
                counts.response_fields_closed += 1;
                counts.closed.add(TOOL);
                return Some(Edit::literal(field.span.clone(), "null"));
            }
            FieldKind::Stop => {
                self.keep?;
                if self.stops.contains(&field.name) {
                    return None;
                }
                // What it says is not its name.
                counts.response_fields_closed += 1;
                counts.closed.add(member_names::STOP);
                return Some(Edit::literal(field.span.clone(), "null"));
            }
            FieldKind::Model => {
                return Some(Edit::text(field.span.clone(), &self.rename.as_ref()?.to));
            }
            FieldKind::ModelTrace => {
                self.rename.as_ref()?;
                return Some(Edit::literal(field.span.clone(), "null"));
            }
            kind => {
                let (stated, shown) = rounded?.count(kind)?;
                if stated == shown {
                    return None;
                }
                counts.usage_rounded += 1;
                return Some(Edit::literal(field.span.clone(), shown.to_string()));
            }
        };
        counts.response_fields_closed += 1;
        counts.closed.add(&field.name);
        Some(edit)
    }

    /// What rounds the token counts of the response, if the policy says so.
    #[must_use]
    pub fn rounding(&self) -> Option<Rounding> {
        self.round_usage.map(Rounding::new)
    }

    /// What leaks are let through all the same; `None` where none are closed.
    #[must_use]
    pub fn allowed_leaks(&self) -> Option<&[String]> {
        self.close_leaks.as_deref()
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
        self.keep.is_some() || self.close_leaks.is_some() || self.rename.is_some()
    }

    /// Whether a field that goes out repeats text that the mark would change, token by token.
    #[must_use]
    pub fn betrays_mark(&self, field: &Field) -> bool {
        let closed = |allow: &Vec<String>| side_channels::response_edit(allow, field).is_some();
        self.marked.is_some()
            && field.kind == FieldKind::Leak
            && member_names::repeats_text(&field.name)
            && !self.close_leaks.as_ref().is_some_and(closed)
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

/// What marks a response.
struct ResponseMarking {
    carrier: Option<Carrier>,
    edits: Vec<Edit>,
    removed: Vec<usize>,
    fields_set: u64,
    stripped: u64,
    /// How its texts are marked, if that is the carrier.
    marked: Option<LexicalMark>,
}

/// Chooses by what a response is marked; `closed` are the request's members that are taken out
/// anyway.
fn choose(
    settings: &Watermark,
    caller: &Caller<'_>,
    protocol: &dyn Protocol,
    request: &Request,
    closed: &[usize],
) -> ResponseMarking {
    let Watermark { strength, multi_turn } = settings;
    let keys = caller.marks.keys();
    let terms = MarkTerms {
        recipient: watermark::recipient(caller.principal, caller.arm),
        epoch: keys.current(),
        strength: strength.of(caller.score),
    };
    let Choice { carrier, edits, removed, set, stripped } =
        caller.marks.by().choose(keys, terms, request, closed);
    // What comes back has to be what the upstream wrote.
    let compared = request.signed_history
        || protocol.features().signs_reasoning
            && request.thinking.iter().any(|it| it.off.is_some());
    let barred = compared && !marks_although_signed(*multi_turn, caller);
    let lexical = carrier == Some(Carrier::Lexical) && !barred;
    let texts = lexical.then(|| LexicalMark::new(caller, terms, *multi_turn)).flatten();
    let carrier = carrier.filter(|carrier| *carrier != Carrier::Lexical || texts.is_some());
    ResponseMarking { carrier, fields_set: set, edits, removed, stripped, marked: texts }
}
