//! What is asked, and which value of the world answers it.

use super::clause::Clause;
use super::money;
use super::statement::Reader;
use super::vocabulary::{Effect, contains_word, is_date, measure, verb};
use super::world::{Id, Noun, Reason};

/// Finds the value a question asks for.
pub(crate) fn answer(reader: &mut Reader, clause: &Clause) -> Option<Id> {
    let how = (0..clause.tokens.len()).find(|at| {
        clause.word(*at) == "how"
            && contains_word(" many much far long old tall heavy ", clause.word(at + 1))
    });
    let kind = how.map_or("", |at| clause.word(at + 1)).to_owned();
    let (noun, noun_end, _) = match how {
        Some(at) => clause.noun(at + 2),
        // "What is the total number of apples?"
        None => match (0..clause.tokens.len())
            .find(|at| clause.word(*at) == "number" && clause.word(at + 1) == "of")
        {
            Some(at) => clause.noun(at + 2),
            None => (None, 0, false),
        },
    };
    let from = how.unwrap_or(0);
    let mut owners: Vec<String> = Vec::new();
    for at in from..clause.tokens.len() {
        if let Some(owner) = reader.owner(clause, at) {
            if !owners.contains(&owner) {
                owners.push(owner);
            }
        }
    }
    if clause.has("they") && owners.is_empty() && !clause.has_any("each every") {
        let held: Vec<String> =
            reader.world.holdings.iter().filter_map(|h| h.owner.clone()).collect();
        if held.iter().all(|owner| Some(owner) == held.first()) {
            owners.extend(held.first().cloned());
        }
    }
    let quantities = clause.quantities();
    let money_noun = noun.as_ref().is_some_and(|noun| {
        matches!(noun.head.as_str(), "money" | "dollar" | "euro" | "change" | "profit")
            || noun.symbol().is_some()
    });
    let money_word = clause.has_any("cost costs pay pays paid spend spent spends earn earns earned price bill charge change profit revenue worth save saved");
    let asks_money = money_noun
        || (kind == "much" && noun.is_none() && money_word)
        || (kind.is_empty() && clause.has_any("cost price bill change profit revenue"));
    let owner = owners.first().map(String::as_str);
    if clause.has("than") || (clause.has("difference") && owners.len() == 2) {
        return difference(reader, clause, noun, &owners);
    }
    // `in 5 hours`, `in 4 boxes`: the condition stands in the question.
    let held_before = reader.world.holdings.len();
    let mut rest = Vec::new();
    for quantity in quantities {
        let condition = contains_word(" in for over after within during on ", &quantity.before);
        match quantity.noun.clone().filter(|noun| condition && noun.symbol().is_none()) {
            Some(noun) => {
                let id = reader.world.given(quantity.number()?, &noun);
                reader.world.hold(None, &noun, id);
            }
            None => rest.push(quantity),
        }
    }
    let quantities = rest;
    let conditions = reader.world.holdings.len() - held_before;
    if (!asks_money && !quantities.is_empty()) || (kind == "old" && conditions > 0) {
        return None;
    }
    if asks_money {
        return money::answer(reader, clause, owner, quantities);
    }
    let date = (0..clause.tokens.len()).map(|at| clause.word(at)).find(|word| is_date(word));
    let noun =
        noun.filter(|noun| noun.head != "total").or_else(|| asked_noun(reader, &kind, clause));
    let shared = reader.world.shares.last().copied();
    let noun = noun?;
    let left = clause.has_any("left remain remaining remains");
    let timed = reader.world.holdings.iter().filter(|h| is_time(&h.noun)).count();
    if left && is_time(&noun) && timed > 1 {
        // Whether the times add up or are taken off is not said by the amounts.
        return None;
    }
    // Equal parts.
    let each = (noun_end..clause.tokens.len())
        .find(|at| matches!(clause.word(*at), "each" | "every" | "per"));
    if let Some(at) = each {
        let per = clause
            .noun(at + 1)
            .0
            .filter(|per| reader.world.rates.iter().any(|rate| rate.per.head == per.head));
        let found = reader.world.rates.iter().rev().find(|rate| {
            (rate.noun.answers(&noun) || noun.head == rate.noun.head)
                && per.as_ref().is_none_or(|per| rate.per.answers(per))
        });
        if let Some(rate) = found {
            return Some(rate.value);
        }
    }
    let left_over = clause.has_any("leftover over remain remaining left");
    if let (Some((total, size)), true) = (shared, left_over) {
        let divided = reader.world.nodes.get(total)?.noun.answers(&noun);
        if divided {
            let held = reader.world.nodes.get(total)?.noun.clone();
            return reader.world.operate(Reason::Leftover, 'r', total, size, &held, owner);
        }
    }
    if !reader.subsets.is_empty() {
        return subset(reader, clause, owner, &noun);
    }
    if clause.has_any("not aren't isn't weren't don't doesn't didn't") {
        return None;
    }
    // What was done: "how many did she sell".
    let main =
        (noun_end..clause.tokens.len()).filter_map(|at| verb(clause.word(at))).find(|verb| {
            !matches!(verb.base, "do" | "be" | "have" | "can" | "will" | "need" | "leave")
        });
    if let Some(main) = main.filter(|_| !clause.has("left")) {
        let name = if main.effect == Effect::Spend { "buy" } else { main.base };
        let done: Vec<Id> = reader
            .world
            .events
            .iter()
            .filter(|event| {
                event.verb == name
                    && (date.is_none() || event.date.as_deref() == date)
                    && event.noun.answers(&noun)
                    && (owner.is_none() || event.owner.as_deref() == owner || event.owner.is_none())
            })
            .map(|event| event.value)
            .collect();
        let rated = reader.world.rates.iter().any(|rate| !rate.spent && rate.noun.answers(&noun));
        if !done.is_empty() && !rated {
            return reader.world.sum(&done, &noun, Reason::Total);
        }
        if matches!(main.effect, Effect::Lose | Effect::Sell) && !rated {
            return None;
        }
    }
    if date.is_some() {
        return None;
    }
    if owners.len() > 1 {
        let mut parts = Vec::new();
        for owner in &owners {
            parts.push(reader.world.resolve(Some(owner), &noun, 0)?);
        }
        return reader.world.sum(&parts, &noun, Reason::Total);
    }
    let subject = reader.subject.clone();
    let together = clause.has_any("altogether total all together combined both they");
    let owner_or_subject = owner.or(if together { None } else { subject.as_deref() });
    // A lasting question: how many groups, days or pieces a total makes.
    let makes =
        reader.world.rates.iter().any(|rate| rate.per.answers(&noun) && !rate.noun.answers(&noun));
    let held = !reader.world.matching(None, &noun).is_empty();
    if makes && !held {
        if let Some(found) = groups(reader, clause, owner, &noun) {
            return Some(found);
        }
    }
    let found = match owner_or_subject {
        Some(owner) => match reader.world.resolve(Some(owner), &noun, 0) {
            Some(found) => Some(found),
            // What someone else holds is no answer to a question about this owner.
            None if owners.is_empty()
                || !reader
                    .world
                    .holdings
                    .iter()
                    .any(|h| h.owner.is_some() && h.noun.answers(&noun)) =>
            {
                reader.world.resolve(None, &noun, 0)
            }
            None => None,
        },
        None => reader.world.resolve(None, &noun, 0),
    };
    found.or_else(|| groups(reader, clause, owner, &noun)).or_else(|| {
        // "How many people were at the party?" sums what was counted under other names only when one thing was counted.
        let mut kinds: Vec<&Noun> = reader.world.holdings.iter().map(|h| &h.noun).collect();
        kinds.dedup();
        let elliptic = contains_word(" item items thing things ", &noun.head);
        match (kinds.as_slice(), elliptic) {
            ([_], true) => reader.world.holdings.first().map(|h| h.value),
            _ => None,
        }
    })
}

/// Questions about a part of a whole: the part itself, or what is not in it.
fn subset(reader: &mut Reader, clause: &Clause, owner: Option<&str>, noun: &Noun) -> Option<Id> {
    let named = reader.subsets.iter().rev().find(|(_, _, name)| {
        let other = name.head != noun.head && clause.has(&name.head);
        let plain = name.adjectives.is_empty() && name.answers(noun);
        other
            || plain
            || name.adjectives.iter().any(|word| clause.has(word) || noun.adjectives.contains(word))
    });
    let negated = clause.has_any("not aren't isn't don't doesn't");
    if let Some((base, part, _)) = named.cloned() {
        return if negated { rest_of(reader, base, part, noun) } else { Some(part) };
    }
    let [(base, part, _)] = reader.subsets.as_slice() else { return None };
    let (base, part) = (*base, *part);
    let whole = reader.world.nodes.get(base)?.noun.answers(noun);
    if negated || (!whole && reader.world.resolve(owner, noun, 0).is_none()) {
        return rest_of(reader, base, part, noun);
    }
    None
}

fn is_time(noun: &Noun) -> bool {
    measure(&noun.head).is_some_and(|(dimension, _)| dimension == "time")
}

fn rest_of(reader: &mut Reader, base: Id, part: Id, noun: &Noun) -> Option<Id> {
    reader.world.operate(Reason::Loss, '-', base, part, noun, None)
}

fn asked_noun(reader: &Reader, kind: &str, clause: &Clause) -> Option<Noun> {
    let with = |dimensions: &[&str]| {
        reader
            .world
            .nodes
            .iter()
            .rev()
            .find(|node| {
                measure(&node.noun.head)
                    .is_some_and(|(dimension, _)| dimensions.contains(&dimension))
            })
            .map(|node| node.noun.clone())
    };
    match kind {
        "far" | "tall" => with(&["length", "imperial length"]),
        "long" if clause.has_any("take takes took last spend") => {
            let per = reader
                .world
                .rates
                .iter()
                .map(|rate| &rate.per)
                .find(|per| measure(&per.head).is_some());
            per.cloned().or_else(|| with(&["time"]))
        }
        // "What is its area?": nothing that is known by name.
        "" => None,
        "long" => with(&["length", "imperial length"]).or_else(|| with(&["time"])),
        "old" => with(&["calendar"]),
        "heavy" => with(&["mass", "imperial mass"]),
        "much" if clause.has_any("weigh weighs weighed") => with(&["mass", "imperial mass"]),
        _ => reader.counted.clone().or_else(|| reader.world.focus_noun()),
    }
}

/// How many groups of a known size a total makes.
fn groups(reader: &mut Reader, clause: &Clause, owner: Option<&str>, noun: &Noun) -> Option<Id> {
    let rate = reader.world.rates.iter().rev().find(|rate| rate.per.answers(noun)).cloned()?;
    let total = match reader
        .world
        .resolve(owner, &rate.noun, 0)
        .or_else(|| reader.world.resolve(None, &rate.noun, 0))
    {
        Some(total) => total,
        None => reader.world.shares.last().map(|(total, _)| *total)?,
    };
    let exact = reader.world.value(total)?.over(reader.world.value(rate.value)?)?.is_whole();
    let time = measure(&noun.head).is_some();
    let sign = match (exact || time, clause.has_any("need needs needed take takes required")) {
        (true, _) => '/',
        (false, true) => 'c',
        (false, false) => 'f',
    };
    reader.world.operate(Reason::Fit, sign, total, rate.value, &rate.per, owner)
}

fn difference(
    reader: &mut Reader,
    clause: &Clause,
    noun: Option<Noun>,
    owners: &[String],
) -> Option<Id> {
    if !clause.has_any("more fewer less difference older younger taller longer heavier") {
        return None;
    }
    let money = noun.as_ref().is_some_and(|noun| noun.head == "money");
    let noun =
        if money { reader.world.money() } else { noun.or_else(|| reader.world.focus_noun()) }?;
    let (a, b) = match owners {
        [first, second] => (
            reader.world.resolve(Some(first), &noun, 0)?,
            reader.world.resolve(Some(second), &noun, 0)?,
        ),
        [] | [_] => {
            let than = (0..clause.tokens.len()).find(|at| clause.word(*at) == "than")?;
            let other = clause.noun(than + 1).0?;
            let owner = owners.first().map(String::as_str);
            let id = reader.world.resolve(owner, &noun, 0)?;
            let other_id = reader.world.resolve(owner, &other, 0)?;
            (id, other_id)
        }
        _ => return None,
    };
    let (a, b) = if reader.world.value(a)? >= reader.world.value(b)? { (a, b) } else { (b, a) };
    let noun = reader.world.nodes.get(a)?.noun.clone();
    reader.world.operate(Reason::Difference, '-', a, b, &noun, None)
}
