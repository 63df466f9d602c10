//! Rates and prices: `$2 each`, `60 km per hour`, `4 boxes of 12 pencils`.

use super::clause::{Clause, Quantity};
use super::statement::Reader;
use super::vocabulary::{Effect, Verb, contains_word, measure, singular};
use super::world::{Noun, Reason};

impl Reader {
    /// Takes the rates and prices out of a clause.
    pub(super) fn rates(
        &mut self,
        clause: &Clause,
        quantities: &mut [Quantity],
        owner: Option<&str>,
        verb: Option<(usize, Verb)>,
    ) -> Option<()> {
        let leading = matches!(clause.word(0), "each" | "every")
            || (contains_word(" in on for with ", clause.word(0))
                && matches!(clause.word(1), "each" | "every"));
        if leading {
            let at = usize::from(!matches!(clause.word(0), "each" | "every")) + 1;
            let at = if clause.word(at) == "one" { at + 1 } else { at };
            let mut per = if clause.word(at) == "of" { None } else { clause.noun(at).0 };
            let mut from = 0;
            if clause.word(at) == "of" {
                if let Some(count) =
                    quantities.first().filter(|quantity| quantity.at <= at + 3).cloned()
                {
                    let noun = count.noun.clone()?;
                    let id = self.world.given(count.number()?, &noun);
                    self.world.hold(None, &noun, id);
                    per = Some(noun);
                    from = 1;
                } else {
                    per = clause.noun(at + 1).0;
                }
            }
            let said = contains_word(" with of ", clause.word(at))
                || super::vocabulary::verb(clause.word(at)).is_some()
                || per.is_some();
            if !said && !clause.is_amount(at) {
                return None;
            }
            let per = per
                .filter(|_| clause.verb().is_none_or(|(verb, _)| verb > at))
                .or_else(|| self.counted.clone())?;
            for quantity in quantities.iter_mut().skip(from) {
                let noun = quantity.noun.clone().or_else(|| {
                    self.world
                        .rates
                        .iter()
                        .rev()
                        .find(|rate| rate.per.head == per.head)
                        .map(|rate| rate.noun.clone())
                })?;
                let fraction = quantity.number();
                let existing = self
                    .world
                    .rates
                    .iter()
                    .position(|rate| rate.per.answers(&per) && rate.noun.answers(&noun));
                match (existing, verb.map(|(_, verb)| verb.effect), fraction) {
                    (Some(at), Some(Effect::Lose | Effect::Gain), Some(number)) => {
                        let gain = verb.is_some_and(|(_, verb)| verb.effect == Effect::Gain);
                        let by = self.world.given(number, &noun);
                        let old = self.world.rates.get(at)?.value;
                        let (reason, sign) =
                            if gain { (Reason::Gain, '+') } else { (Reason::Loss, '-') };
                        let value = self.world.operate(reason, sign, old, by, &noun, None)?;
                        self.world.rates.get_mut(at)?.value = value;
                    }
                    (None, _, Some(number)) => {
                        let id = self.world.given(number, &noun);
                        self.world.rate(None, &per, &noun, id);
                    }
                    _ => return None,
                }
                quantity.used = true;
            }
            if let Some(first) = quantities.first_mut() {
                first.used = true;
            }
            return Some(());
        }
        let mut taken = false;
        for at in 0..quantities.len() {
            let quantity = quantities.get(at)?.clone();
            let (Some(number), false) = (quantity.number(), quantity.used) else { continue };
            let Some(noun) = self.noun_or_focus(&quantity) else { continue };
            let next = clause.word(quantity.end);
            // `4 boxes of 12 pencils`, `5 bags with 6 apples in each`.
            let container = contains_word(" of with containing holding ", next)
                && clause.is_amount(quantity.end + 1)
                && !quantity.is_money();
            if container {
                if let Some(inner) = quantities.get(at + 1).cloned().filter(|inner| {
                    inner.at == quantity.end + 1 && !inner.is_money() && inner.noun.is_some()
                }) {
                    let per = quantity.noun.clone()?;
                    let id = self.world.given(inner.number()?, inner.noun.as_ref()?);
                    self.world.rate(owner, &per, inner.noun.as_ref()?, id);
                    self.counted = inner.noun.clone();
                    quantities.get_mut(at + 1)?.used = true;
                    taken = true;
                    continue;
                }
            }
            // `$2 each`, `60 km per hour`, `3 apples to each of her 4 friends`.
            let mut each = quantity.end;
            if contains_word(" to for in on from at ", next)
                && matches!(clause.word(each + 1), "each" | "every")
            {
                each += 1;
            }
            // `24 hours in a day`
            if next == "in"
                && contains_word(" a an ", clause.word(each + 1))
                && measure(&singular(clause.word(each + 2))).is_some()
            {
                each += 1;
            }
            let word = clause.word(each);
            let article = contains_word(" a an ", word)
                && (measure(&singular(clause.word(each + 1))).is_some()
                    || (quantity.is_money() && !quantity.used))
                && quantity.noun.is_some();
            if !(contains_word(" each every per apiece ", word) || article) {
                continue;
            }
            if word == "per" && clause.is_amount(each + 1) {
                return None;
            }
            let mut per = None;
            if word != "apiece" {
                let of = if clause.word(each + 1) == "of" { each + 2 } else { each + 1 };
                if let Some(count) = quantities.iter().position(|q| {
                    q.at == of
                        || (q.at == of + 1
                            && contains_word(" the his her their my its ", clause.word(of)))
                }) {
                    let count = quantities.get_mut(count)?;
                    let noun = count.noun.clone()?;
                    let id = self.world.given(count.number()?, &noun);
                    count.used = true;
                    self.world.hold(None, &noun, id);
                    per = Some(noun);
                } else {
                    per = clause.noun(of).0;
                }
            }
            let per = match per {
                Some(per) => per,
                None => {
                    let other = quantities.iter().filter(|q| {
                        q.at != quantity.at
                            && q.number().is_some()
                            && !q.is_money()
                            && q.noun.is_some()
                    });
                    let mut others: Vec<Noun> = other.filter_map(|q| q.noun.clone()).collect();
                    let subject_noun = clause.noun(0).0.or_else(|| clause.noun(1).0);
                    match others.len() {
                        0 if matches!(verb, Some((_, verb)) if verb.effect == Effect::Cost || verb.base == "be") => {
                            subject_noun
                                .filter(|_| {
                                    !contains_word(" they which that it each ", clause.word(0))
                                })
                                .or_else(|| self.counted.clone())?
                        }
                        0 => self.counted.clone().or_else(|| self.world.focus_noun())?,
                        _ => {
                            // The nearest one before: `2 pens at $3 each and 4 books at $5 each`.
                            quantities
                                .iter()
                                .rfind(|q| q.at < quantity.at && q.noun.is_some() && !q.is_money())
                                .and_then(|q| q.noun.clone())
                                .or_else(|| others.pop())?
                        }
                    }
                }
            };
            let known = !quantity.is_money()
                && self.world.rates.iter().any(|rate| rate.per == per && rate.noun == noun);
            if known
                && !verb.is_some_and(|(_, verb)| matches!(verb.effect, Effect::Lose | Effect::Sell))
            {
                return None;
            }
            let value = self.world.given(number, &noun);
            let lose = verb.is_some_and(|(_, verb)| verb.effect == Effect::Lose);
            let handed = lose
                && !quantity.is_money()
                && measure(&per.head).is_none_or(|(dimension, _)| dimension != "time");
            if handed {
                let count = match quantities
                    .iter_mut()
                    .find(|q| q.noun.as_ref() == Some(&per) && !q.used)
                {
                    Some(count) => {
                        let number = count.number()?;
                        count.used = true;
                        self.world.given(number, &per)
                    }
                    None => self.world.resolve(None, &per, 0)?,
                };
                let total = self.world.operate(Reason::Groups, '*', count, value, &noun, owner)?;
                self.lose(owner, &noun, total, verb)?;
            } else if lose && !quantity.is_money() {
                // `eats 3 a day` drains a stock; what is asked may be how long it lasts, so only the rate is kept.
                self.world.rate(owner, &per, &noun, value);
            } else {
                let whose =
                    if quantity.is_money() && measure(&per.head).is_none() { None } else { owner };
                self.world.rate(whose, &per, &noun, value);
            }
            quantities.get_mut(at)?.used = true;
            taken = true;
        }
        // `each` that belongs to no amount read here would be lost.
        (taken || !clause.has_any("each every per apiece")).then_some(())
    }

    pub(super) fn cost(
        &mut self,
        clause: &Clause,
        quantities: &mut [Quantity],
        owner: Option<&str>,
        verb_at: usize,
    ) -> Option<()> {
        let _ = owner;
        let unused: Vec<Quantity> = quantities.iter().filter(|q| !q.used).cloned().collect();
        match unused.as_slice() {
            [] => Some(()),
            [price] if price.is_money() => {
                let per = if matches!(
                    clause.word(0),
                    "it" | "they" | "which" | "that" | "each" | "one"
                ) {
                    self.counted.clone().or_else(|| self.world.focus_noun())?
                } else {
                    let (noun, end, _) = clause.noun(0);
                    let (noun, end) = if noun.is_none() {
                        let (noun, end, _) = clause.noun(1);
                        (noun, end)
                    } else {
                        (noun, end)
                    };
                    noun.filter(|_| end <= verb_at)?
                };
                let id = self.world.given(price.number()?, price.noun.as_ref()?);
                self.world.rate(None, &per, price.noun.as_ref()?, id);
                self.counted = Some(per);
                Some(())
            }
            [count, price] if price.is_money() && !count.is_money() && count.at < verb_at => {
                let (noun, money) = (count.noun.clone()?, price.noun.clone()?);
                let total = self.world.given(price.number()?, &money);
                let number = self.world.given(count.number()?, &noun);
                let each = self.world.operate(Reason::Split, '/', total, number, &money, None)?;
                self.world.rate(None, &noun, &money, each);
                Some(())
            }
            _ => None,
        }
    }
}
