//! What is asked, and which value of the world answers it.

use super::clause::Clause;
use super::number::Number;
use super::statement::Reader;
use super::vocabulary::{Effect, contains_word, is_date, measure, verb};
use super::world::{Focus, Id, Noun, Reason};

/// Finds the value a question asks for.
pub(crate) fn answer(reader: &mut Reader, clause: &Clause) -> Option<Id> {
    let how = (0..clause.tokens.len()).find(|at| {
        clause.word(*at) == "how"
            && contains_word(" many much far long old tall heavy ", clause.word(at + 1))
    });
    let kind = how.map_or("", |at| clause.word(at + 1)).to_owned();
    let (noun, noun_end, _) = match how {
        Some(at) => clause.noun(at + 2),
        None => (None, 0, false),
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
    let money = (kind == "much" && (noun.is_none() || money_noun) && (money_word || money_noun))
        || money_noun
        || (kind.is_empty() && clause.has_any("cost price bill change profit revenue"));
    let owner = owners.first().map(String::as_str);
    if clause.has("than") || (clause.has("difference") && owners.len() == 2) {
        return difference(reader, clause, noun, &owners);
    }
    if money {
        return about_money(reader, clause, owner, quantities);
    }
    for quantity in &quantities {
        // `in 5 hours`, `in 4 boxes`: the condition stands in the question.
        let condition = contains_word(" in for over after within during on ", &quantity.before)
            && !quantity.is_money();
        let noun = quantity.noun.as_ref().filter(|_| condition)?;
        let id = reader.world.given(quantity.number()?, noun);
        reader.world.hold(None, noun, id);
    }
    let date = (0..clause.tokens.len()).map(|at| clause.word(at)).find(|word| is_date(word));
    let noun =
        noun.filter(|noun| noun.head != "total").or_else(|| asked_noun(reader, &kind, clause));
    let shared = reader.world.shares.last().copied();
    let noun = noun?;
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
    if let (Some((total, size, each_part)), true) = (shared, left_over) {
        let divided = reader.world.nodes.get(total)?.noun.answers(&noun);
        if divided && each_part != usize::MAX
            || divided && clause.has_any("over leftover left remain remaining")
        {
            let held = reader.world.nodes.get(total)?.noun.clone();
            return reader.world.operate(Reason::Leftover, 'r', total, size, &held, owner);
        }
    }
    // Subsets: the asked part, or what is not in the only one.
    let subset = reader
        .subsets
        .iter()
        .rev()
        .find(|(_, _, name)| {
            name.answers(&noun)
                || clause.has(&name.head) && name.head != noun.head
                || name.adjectives.iter().any(|word| clause.has(word))
        })
        .cloned();
    if let Some((base, part, name)) = subset {
        let negated = clause.has_any("not aren't isn't don't doesn't");
        return if negated {
            rest_of(reader, base, part, &reader_noun(&name, &noun))
        } else {
            Some(part)
        };
    }
    let whole_noun = reader
        .subsets
        .last()
        .and_then(|(base, _, _)| reader.world.nodes.get(*base))
        .map(|node| node.noun.clone());
    if let (Some(whole), [(base, part, _)]) = (whole_noun, reader.subsets.clone().as_slice()) {
        let same = whole.answers(&noun);
        let negated = clause.has_any("not aren't don't doesn't");
        if !same || negated {
            let direct = reader.world.resolve(owner, &noun, 0);
            if direct.is_none() || negated {
                return rest_of(reader, *base, *part, &noun);
            }
        }
    }
    // What was done: "how many did she sell".
    let main =
        (noun_end..clause.tokens.len()).filter_map(|at| verb(clause.word(at))).find(|verb| {
            !matches!(verb.base, "do" | "be" | "have" | "can" | "will" | "need")
                && !(verb.base == "leave" && clause.has("left"))
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

fn reader_noun(name: &Noun, asked: &Noun) -> Noun {
    if asked.head.is_empty() { name.clone() } else { asked.clone() }
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
        None => reader.world.shares.last().map(|(total, _, _)| *total)?,
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

fn about_money(
    reader: &mut Reader,
    clause: &Clause,
    owner: Option<&str>,
    quantities: Vec<super::clause::Quantity>,
) -> Option<Id> {
    let money = reader.world.money()?;
    let owner = owner.filter(|owner| {
        reader.world.events.iter().any(|event| event.owner.as_deref() == Some(owner))
            || reader.world.holdings.iter().any(|h| h.owner.as_deref() == Some(owner))
    });
    if !quantities.is_empty() {
        // "How much do 5 pens and 2 books cost?"
        let mut lines = Vec::new();
        for quantity in &quantities {
            let noun = quantity.noun.clone()?;
            if quantity.is_money() {
                return None;
            }
            let price = reader.world.price(&noun)?;
            let count = reader.world.given(quantity.number()?, &noun);
            lines.push(reader.world.operate(Reason::Price, '*', count, price, &money, owner)?);
        }
        if !clause.has_any("cost costs pay price charge") {
            return None;
        }
        return reader.world.sum(&lines, &money, Reason::Total);
    }
    let bill = |reader: &mut Reader| {
        reader.world.bill(owner, "buy").or_else(|| {
            // One priced thing and no purchase: the price itself, with its discounts.
            let mut priced =
                reader.world.rates.iter().filter(|rate| {
                    rate.noun.symbol().is_some() && measure(&rate.per.head).is_none()
                });
            let only = priced.next()?.value;
            if priced.next().is_some() {
                return None;
            }
            let mut total = only;
            for (amount, percent) in reader.world.adjustments.clone() {
                total = reader.world.adjust(total, amount, percent)?;
            }
            Some(total)
        })
    };
    let has_bill = reader.world.events.iter().any(|event| event.verb == "buy");
    let subtract = |reader: &mut Reader, from: Id, what: Id| {
        reader.world.operate(Reason::Change, '-', from, what, &money, owner)
    };
    if clause.has("change") {
        let bill = bill(reader)?;
        let paid = match reader.world.paid {
            Some(paid) => paid,
            None => reader.world.resolve(owner, &money, 0)?,
        };
        return subtract(reader, paid, bill);
    }
    if clause.has("more") && clause.has_any("need needs") {
        let bill = bill(reader)?;
        let held = reader.world.resolve(owner, &money, 0)?;
        return subtract(reader, bill, held);
    }
    if clause.has("profit") {
        let revenue = reader.world.bill(owner, "sell")?;
        let bill = bill(reader)?;
        return subtract(reader, revenue, bill);
    }
    if clause.has_any("each every") && !reader.world.shares.is_empty() {
        return reader
            .world
            .rates
            .iter()
            .rev()
            .find(|rate| rate.noun.symbol().is_some() && rate.spent)
            .map(|rate| rate.value);
    }
    if clause.has_any("left remain remains remaining still")
        || (clause.has_any("have has")
            && !clause.has_any("pay spend spent cost earn earned save saved"))
    {
        let mut held = reader.world.resolve(owner, &money, 0);
        if let Some(revenue) = reader.world.bill(owner, "sell") {
            held = match held {
                Some(held) => reader.world.operate(Reason::Gain, '+', held, revenue, &money, owner),
                None => Some(revenue),
            };
        }
        let held = held?;
        return match has_bill {
            true => {
                let bill = bill(reader)?;
                subtract(reader, held, bill)
            }
            false => Some(held),
        };
    }
    if clause.has_any("earn earns earned make makes made revenue raise raised collect collected receive get takes take save saved saves") {
        return reader.world.bill(owner, "sell").or_else(|| reader.world.resolve(owner, &money, 0)).or_else(|| reader.world.resolve(None, &money, 0));
    }
    let focused = match reader.world.focus {
        Some(Focus::Holding(at)) => {
            reader.world.holdings.get(at).filter(|h| h.noun.symbol().is_some()).map(|h| h.value)
        }
        _ => None,
    };
    // "How much does a pen cost?", "What is the new price of the coat?"
    if !has_bill
        && clause.has_any("cost costs price charge")
        && !clause.has_any("total altogether all")
    {
        let named = (0..clause.tokens.len()).filter_map(|at| clause.noun(at).0).find_map(|noun| {
            reader
                .world
                .rates
                .iter()
                .find(|rate| rate.noun.symbol().is_some() && rate.per.answers(&noun))
                .map(|rate| rate.value)
        });
        if let Some(mut price) = named {
            for (amount, percent) in reader.world.adjustments.clone() {
                price = reader.world.adjust(price, amount, percent)?;
            }
            return Some(price);
        }
    }
    if has_bill {
        return bill(reader);
    }
    // Hire and wages: so much a day for so many days.
    let timed = reader
        .world
        .resolve(None, &money, 0)
        .filter(|id| reader.world.nodes.get(*id).is_some_and(|node| node.origin.is_some()));
    if let Some(mut timed) = timed {
        for (amount, percent) in reader.world.adjustments.clone() {
            timed = reader.world.adjust(timed, amount, percent)?;
        }
        return Some(timed);
    }
    bill(reader)
        .or(focused)
        .filter(|id| reader.world.value(*id).is_some_and(|value| value >= Number::whole(0)))
}
