//! What was done to an exchange, or would have been, as its record lists it.

use crate::audit::{self, Applied, Counter};
use crate::countermeasure::Tally;
use crate::limit::Amounts;
use crate::policy::Countermeasure;
use crate::policy::plan::{Mode, Plan};

/// What a dry run has found.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tried {
    pub(super) tally: Tally,
    pub(super) outcome: audit::DryRun,
}

/// What was done, by countermeasure; those that did nothing are left out.
pub(super) fn applied(tally: &Tally, used: Option<Amounts>) -> Vec<Applied> {
    let Tally {
        words_removed,
        events_dropped,
        response_fields_closed,
        events_unread,
        request_fields_closed,
        closed,
        model_replaced,
        caps_lowered,
        usage_rounded,
        waited_ms,
        heartbeats: _,
        unopened_reasoning,
        unknown_markup,
        dialects,
        carrier,
        strength: _,
        mark_fields_set,
        mark_fields_removed,
        sites,
        flips,
        texts_restored,
        blocks_sealed,
        blocks_unsealed,
        blocks_opened,
        blocks_dropped,
        words_repeated,
        summaries,
    } = *tally;
    let used = used.unwrap_or_default();
    let rows = [
        (Countermeasure::Rate, Counter::TokensIn, used.input_tokens),
        (Countermeasure::Rate, Counter::TokensOut, used.output_tokens),
        (Countermeasure::Rate, Counter::TokensReasoning, used.reasoning_tokens),
        (Countermeasure::Downgrade, Counter::ModelsReplaced, u64::from(model_replaced)),
        (Countermeasure::Downgrade, Counter::FieldsSet, caps_lowered),
        (
            Countermeasure::SideChannels,
            Counter::FieldsStripped,
            request_fields_closed + response_fields_closed,
        ),
        (Countermeasure::SideChannels, Counter::EventsUnread, events_unread),
        (Countermeasure::Reasoning, Counter::WordsRemoved, words_removed),
        (Countermeasure::Reasoning, Counter::EventsDropped, events_dropped),
        (Countermeasure::Reasoning, Counter::CountsRounded, usage_rounded),
        (Countermeasure::Reasoning, Counter::SectionsUnopened, unopened_reasoning),
        (Countermeasure::Reasoning, Counter::MarkupUnknown, unknown_markup),
        (Countermeasure::Reasoning, Counter::BlocksSealed, blocks_sealed),
        (Countermeasure::Reasoning, Counter::BlocksUnsealed, blocks_unsealed),
        (Countermeasure::Reasoning, Counter::BlocksOpened, blocks_opened),
        (Countermeasure::Reasoning, Counter::BlocksDropped, blocks_dropped),
        (Countermeasure::Reasoning, Counter::WordsRepeated, words_repeated),
        (Countermeasure::Reasoning, Counter::SummariesMade, summaries.made),
    ];
    let unmade = summaries
        .each()
        .map(|(failure, count)| (Countermeasure::Reasoning, Counter::of_summary(failure), count));
    let behind = [
        (Countermeasure::Watermark, Counter::Sites, sites),
        (Countermeasure::Watermark, Counter::WordsChanged, flips),
        (Countermeasure::Watermark, Counter::FieldsSet, mark_fields_set),
        (Countermeasure::Watermark, Counter::FieldsStripped, mark_fields_removed),
        (Countermeasure::Watermark, Counter::TextsRestored, texts_restored),
        (Countermeasure::Pace, Counter::WaitsMs, waited_ms),
    ];
    let mut applied: Vec<Applied> = Vec::new();
    let rows = rows.into_iter().chain(unmade).chain(behind);
    for (countermeasure, counter, amount) in rows.filter(|(_, _, amount)| *amount > 0) {
        if applied.last().is_none_or(|last| last.countermeasure != countermeasure) {
            applied.push(Applied::new(countermeasure, audit::Counts::default()));
        }
        if let Some(last) = applied.last_mut() {
            last.counts.add(counter, amount);
        }
    }
    let closing = applied.iter_mut().find(|it| it.countermeasure == Countermeasure::SideChannels);
    if let Some(closing) = closing {
        closing.members = closed.names().map(Into::into).collect();
    }
    if !dialects.is_empty() {
        describe(&mut applied, Countermeasure::Reasoning, |it| {
            it.dialects = dialects.names().map(Into::into).collect();
        });
    }
    if let Some(carrier) = carrier {
        // A server may mark without having been told anything.
        describe(&mut applied, Countermeasure::Watermark, |it| it.carrier = Some(carrier));
    }
    applied
}

/// Says more of a countermeasure, which may have counted nothing.
fn describe(applied: &mut Vec<Applied>, named: Countermeasure, say: impl FnOnce(&mut Applied)) {
    if let Some(known) = applied.iter_mut().find(|it| it.countermeasure == named) {
        return say(known);
    }
    let mut new = Applied::new(named, audit::Counts::default());
    say(&mut new);
    applied.push(new);
}

/// Adds to a countermeasure's count, listing it if it was not.
pub(super) fn note(list: &mut Vec<Applied>, countermeasure: Countermeasure, counter: Counter) {
    let listed = list.iter().position(|applied| applied.countermeasure == countermeasure);
    let place = listed.unwrap_or(list.len());
    if listed.is_none() {
        list.push(Applied::new(countermeasure, audit::Counts::default()));
    }
    if let Some(applied) = list.get_mut(place) {
        applied.counts.add(counter, 1);
    }
}

/// Adds what a dry run of `plan` did to the list of what is only observed, and leaves out what is
/// carried out: that has done it.
pub(super) fn observe(list: &mut Vec<Applied>, plan: &Plan, tried: Vec<Applied>) {
    for row in tried.into_iter().filter(|row| is_observed(plan, row.countermeasure)) {
        match list.iter_mut().find(|listed| listed.countermeasure == row.countermeasure) {
            Some(listed) => {
                let Applied { counts, carrier, members, dialects, .. } = row;
                listed.counts.add_all(&counts);
                listed.carrier = carrier;
                (listed.members, listed.dialects) = (members, dialects);
            }
            None => list.push(row),
        }
    }
}

fn is_observed(plan: &Plan, countermeasure: Countermeasure) -> bool {
    // Whoever withholds reasoning or asks a weaker model closes members as well.
    let through: &[_] = match countermeasure {
        Countermeasure::SideChannels => {
            &[Countermeasure::SideChannels, Countermeasure::Reasoning, Countermeasure::Downgrade]
        }
        _ => &[countermeasure],
    };
    through.iter().find_map(|named| named.mode_in(plan)) == Some(Mode::Observe)
}
