//! Questions about money: bills, change, earnings, what is left.

use super::clause::{Clause, Quantity};
use super::number::Number;
use super::statement::Reader;
use super::vocabulary::measure;
use super::world::{Focus, Id, Reason};

/// Finds the sum of money that a question asks for.
pub(crate) fn answer(
    reader: &mut Reader,
    clause: &Clause,
    owner: Option<&str>,
    quantities: Vec<Quantity>,
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
