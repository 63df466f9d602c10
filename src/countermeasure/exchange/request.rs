//! What a plan does to a request, and by what its answer is marked.

use std::sync::Arc;

use super::ResponseEdits;
use crate::countermeasure::prompted::Prompted;
use crate::countermeasure::watermark::{
    Caller, Carrier, Choice, LexicalMark, MarkTerms, marks_although_signed,
};
use crate::countermeasure::{Tally, downgrade, side_channels, watermark};
use crate::mark::keys::carrying;
use crate::mark::lexical::Unit;
use crate::policy::plan::{Plan, Rate, Watermark, enforced};
use crate::secret::opaque_debug;
use crate::wire::json::Edit;
use crate::wire::member_names::ECHO;
use crate::wire::{Asked, Edits, Prompts, Protocol, Refusal, RefusalKind, Request, Use};

/// What is to be done to a request, and what the response still needs.
pub struct RequestEdits {
    /// The edits of its body, its path and its query.
    pub edits: Edits,
    /// What is to be done to the response.
    pub response: ResponseEdits,
}

opaque_debug!(RequestEdits);

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

/// Refuses prompts of which it cannot be told what they do, or that are too many.
fn refuse_prompts(plan: &Plan, prompts: Option<&Prompts>) -> Result<(), Refusal> {
    let Some(prompts) = prompts else { return Ok(()) };
    let malformed = |message: String| Refusal { kind: RefusalKind::Malformed, message };
    let most = side_channels::Closing::of(plan).and_then(|closing| closing.max_choices);
    if let Some(most) = most.filter(|most| prompts.count() > u64::from(most.get())) {
        return Err(malformed(format!("the request has more than {most} prompt(s)")));
    }
    if enforced(&plan.reasoning).is_some() && !prompts.are_read() {
        let message = "the prompt has to be a text: what tokens say cannot be read";
        return Err(malformed(message.to_owned()));
    }
    Ok(())
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
        let parameters = protocol.features().parameters.zip(side_channels::Closing::of(plan));
        let parameters = parameters
            .map(|(known, closing)| side_channels::parameters(closing, known, request, counts));
        let prompts = request.prompts.as_ref().filter(|prompts| prompts.are_left(&removed));
        refuse_prompts(plan, prompts)?;
        let downgrade = enforced(&plan.downgrade);
        if let Some(settings) = downgrade {
            let more = downgrade::removals(settings, request);
            let more: Vec<_> = more.into_iter().filter(|it| !removed.contains(it)).collect();
            counts.request_fields_closed += more.len() as u64;
            removed.extend(more);
        }
        let mut marked = None;
        if let Some((settings, caller)) = enforced(&plan.watermark).zip(caller) {
            // What could not be told from the answer would leave it without a mark.
            let unread = prompts.is_some_and(|prompts| !prompts.are_read());
            let echoes: Vec<_> =
                echoes(request).filter(|it| unread && !removed.contains(it)).collect();
            counts.request_fields_closed += echoes.len() as u64;
            removed.extend(echoes);
            let choice = choose(settings, &caller, protocol, request, &removed);
            marked = choice.marked;
            in_body.extend(choice.edits);
            removed.extend(choice.removed);
            counts.carrier = choice.carrier;
            counts.strength = carrying(settings.strength.of(caller.score));
            counts.mark_fields_set = choice.fields_set;
            counts.mark_fields_removed = choice.stripped;
        }
        let mut edits = downgrade.map_or_else(Edits::default, |settings| {
            downgrade::request_edits(settings, request, &removed, counts)
        });
        in_body.append(&mut edits.body);
        // What two countermeasures take out goes once.
        let taken_out = |edit: &Edit| edits.query.iter().any(|other| other.span == edit.span);
        let parameters: Vec<Edit> =
            parameters.into_iter().flatten().filter(|edit| !taken_out(edit)).collect();
        edits.query.extend(parameters);
        if enforced(&plan.reasoning).is_some_and(|settings| settings.ask_upstream) {
            in_body.extend(request.thinking.iter().filter_map(|thinking| thinking.seal.clone()));
        }
        let counted = enforced(&plan.rate).is_some_and(Rate::counts_tokens);
        let ask_usage = request.ask_usage.clone().filter(|_| counted);
        let drop_usage_event = ask_usage.is_some();
        in_body.extend(ask_usage);
        in_body.extend(request.removals(&removed));
        let mut body: Vec<Edit> = Vec::with_capacity(in_body.len());
        for edit in in_body {
            if edit.span.is_empty() || !body.contains(&edit) {
                body.push(edit);
            }
        }
        edits.body = body;

        let response = ResponseEdits::new(plan, request, drop_usage_event);
        let edited = marked.is_some() || response.withholds();
        let prompted = prompts.filter(|_| edited).map(|prompts| {
            let closed = side_channels::closes_setting(plan, request, ECHO);
            let echoed = !closed && echoes(request).any(|it| !removed.contains(&it));
            let most = side_channels::Closing::of(plan).and_then(|closing| closing.max_choices);
            let each = most.map_or(u64::MAX, |most| u64::from(most.get())).min(prompts.each());
            Arc::new(Prompted::of(prompts, each, echoed))
        });
        Ok(Self {
            edits,
            response: ResponseEdits { marked, prompted, unit: unit(protocol), ..response },
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

/// The members that have the answer begin with its prompt, by index.
fn echoes(request: &Request) -> impl Iterator<Item = usize> {
    let echoes = request.generation.uses.iter().filter(|(_, kind)| *kind == Use::Echoed);
    echoes.map(|(member, _)| *member)
}

/// The most choices that any server could make of the request, once the plan is applied.
pub(super) fn choices(plan: &Plan, request: &Request) -> u64 {
    let asked = request.choices.iter().map(|(_, count)| *count).max().unwrap_or(1).max(1);
    let allowed = side_channels::Closing::of(plan).and_then(|closing| closing.max_choices);
    let each = asked.min(allowed.map_or(u64::MAX, |most| u64::from(most.get())));
    each.saturating_mul(request.prompts.as_ref().map_or(1, Prompts::count))
}

/// What places of the texts of a protocol are counted in.
fn unit(protocol: &dyn Protocol) -> Unit {
    if protocol.features().cites_bytes { Unit::Bytes } else { Unit::Characters }
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

/// How the texts of an answer are marked that was given before, if they are.
pub(super) fn lexical(
    settings: &Watermark,
    caller: &Caller<'_>,
    protocol: &dyn Protocol,
    request: &Request,
) -> Option<LexicalMark> {
    choose(settings, caller, protocol, request, &[]).marked
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
    let texts = texts.map(|texts| texts.counting(unit(protocol)));
    let carrier = carrier.filter(|carrier| *carrier != Carrier::Lexical || texts.is_some());
    ResponseMarking { carrier, fields_set: set, edits, removed, stripped, marked: texts }
}
