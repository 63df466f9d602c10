//! Plain amounts that come in, go out, or are there.

use super::clause::{Clause, Quantity};
use super::statement::Reader;
use super::vocabulary::{Effect, Verb, contains_word, is_date, measure};
use super::world::{Event, Focus, Id, Noun, Reason};

impl Reader {
    pub(super) fn event(
        &mut self,
        owner: Option<&str>,
        verb: Option<(usize, Verb)>,
        noun: &Noun,
        value: Id,
    ) {
        if let Some((_, verb)) = verb {
            let name = match verb.effect {
                Effect::Buy | Effect::Spend => "buy",
                _ => verb.base,
            };
            self.world.events.push(Event {
                owner: owner.map(str::to_owned),
                verb: name,
                noun: noun.clone(),
                value,
                date: self.date.clone(),
            });
            self.world.focus = Some(Focus::Event(self.world.events.len() - 1));
        }
    }

    pub(super) fn lose(
        &mut self,
        owner: Option<&str>,
        noun: &Noun,
        amount: Id,
        verb: Option<(usize, Verb)>,
    ) -> Option<()> {
        self.event(owner, verb, noun, amount);
        let holding = self.world.holding(owner, noun).or_else(|| {
            // Another unit of the same dimension: 80 centimetres off a rope of 3 metres.
            let (dimension, _) = measure(&noun.head)?;
            let other = self.world.holdings.iter().rposition(|holding| {
                measure(&holding.noun.head).is_some_and(|(other, _)| other == dimension)
            })?;
            let id = self.world.holdings.get(other)?.value;
            let value = self.world.convert(id, noun)?;
            let holding = self.world.holdings.get_mut(other)?;
            holding.value = value;
            holding.noun = noun.clone();
            Some(other)
        });
        let Some(at) = holding else {
            if !self.world.matching(None, noun).is_empty() {
                return None;
            }
            // Only that it happened is known; a question about what is left finds nothing and says so.
            return Some(());
        };
        let (old, held, who) =
            self.world.holdings.get(at).map(|h| (h.value, h.noun.clone(), h.owner.clone()))?;
        let value = self.world.operate(Reason::Loss, '-', old, amount, &held, who.as_deref())?;
        self.world.holdings.get_mut(at)?.value = value;
        self.world.focus = Some(Focus::Holding(at));
        self.counted = Some(held);
        Some(())
    }

    /// Who something is handed to, when the clause names one person.
    pub(super) fn recipient(&mut self, clause: &Clause, verb_at: usize, noun: &Noun, value: Id) {
        let to = (verb_at + 1..clause.tokens.len()).find_map(|at| {
            let direct = at == verb_at + 1 || clause.word(at.wrapping_sub(1)) == "to";
            clause.name(at).filter(|_| direct)
        });
        let Some(to) = to else { return };
        let focus = self.world.focus;
        match self.world.matching(Some(&to), noun).as_slice() {
            [at] => {
                let old = self.world.holdings.get(*at).map(|h| h.value);
                let sum = old.and_then(|old| {
                    self.world.operate(Reason::Gain, '+', old, value, noun, Some(&to))
                });
                if let (Some(sum), Some(holding)) = (sum, self.world.holdings.get_mut(*at)) {
                    holding.value = sum;
                }
            }
            _ => {
                self.world.hold(Some(&to), noun, value);
                if let Some(holding) = self.world.holdings.last_mut() {
                    holding.received = true;
                }
            }
        }
        self.world.focus = focus;
    }

    pub(super) fn amount(
        &mut self,
        clause: &Clause,
        quantity: &Quantity,
        all: &[Quantity],
        owner: Option<&str>,
        verb: Option<(usize, Verb)>,
    ) -> Option<()> {
        let number = quantity.number()?;
        let later =
            (quantity.at..clause.tokens.len()).map(|at| clause.word(at)).find(|word| is_date(word));
        self.date = later.map(str::to_owned).or(self.date.take());
        let effect = verb.map_or(Effect::Have, |(_, verb)| verb.effect);
        let noun = self.noun_or_focus(quantity)?;
        let unnamed = quantity.noun.is_none();
        if unnamed
            && contains_word(" in at on by since until ", &quantity.before)
            && !contains_word(" them these those ", clause.word(quantity.end))
            && !matches!(effect, Effect::Increase | Effect::Decrease)
        {
            return None;
        }
        let time = measure(&noun.head).is_some_and(|(dimension, _)| dimension == "time");
        let id = self.world.given(number, &noun);
        if time && contains_word(" for in after over during within ", &quantity.before) {
            self.world.hold(None, &noun, id);
            return Some(());
        }
        let measured = measure(&noun.head).is_some();
        let existing = |reader: &mut Self| reader.world.holding(owner, &noun);
        match effect {
            Effect::Have | Effect::Do | Effect::Cost => {
                if noun.symbol().is_some()
                    && clause.verb().is_some_and(|(_, verb)| verb.base == "be")
                    && !clause.has("there")
                {
                    // `The price is $5`, `Tickets are $5`.
                    let (per, _, _) = clause.noun(0);
                    self.world.rate(None, &per.or_else(|| clause.noun(1).0)?, &noun, id);
                    return Some(());
                }
                if quantity.more {
                    return self.gain(owner, &noun, id);
                }
                if effect == Effect::Do {
                    self.event(owner, verb, &noun, id);
                }
                let before: Vec<usize> = self
                    .world
                    .matching(owner, &noun)
                    .into_iter()
                    .filter(|at| {
                        self.world
                            .holdings
                            .get(*at)
                            .is_some_and(|h| h.noun == noun && h.owner.as_deref() == owner)
                    })
                    .collect();
                if let (Some(at), true) = (
                    before.first(),
                    clause.has("already") || effect == Effect::Do || (measured && all.len() > 1),
                ) {
                    let old = self.world.holdings.get(*at)?.value;
                    let value = self.world.operate(Reason::Total, '+', old, id, &noun, owner)?;
                    self.world.holdings.get_mut(*at)?.value = value;
                    return Some(());
                }
                if !before.is_empty() && (owner.is_some() || clause.has_any("now left")) {
                    return None;
                }
                self.world.hold(owner, &noun, id);
                if noun.symbol().is_none() {
                    self.counted = Some(noun);
                }
                Some(())
            }
            Effect::Gain => {
                self.event(owner, verb, &noun, id);
                if noun.symbol().is_none() {
                    self.counted = Some(noun.clone());
                }
                let giver = (0..clause.tokens.len())
                    .find(|at| clause.word(*at) == "from")
                    .and_then(|at| self.owner(clause, at + 1));
                self.gain(owner, &noun, id)?;
                if let Some(giver) = giver {
                    if self.world.matching(Some(&giver), &noun).len() == 1 {
                        let at = *self.world.matching(Some(&giver), &noun).first()?;
                        let old = self.world.holdings.get(at)?.value;
                        let value =
                            self.world.operate(Reason::Loss, '-', old, id, &noun, Some(&giver))?;
                        self.world.holdings.get_mut(at)?.value = value;
                    }
                }
                Some(())
            }
            Effect::Buy | Effect::Spend => {
                let money_for_all = summed(quantity, all);
                if noun.symbol().is_some() || !money_for_all {
                    if noun.symbol().is_none() && effect == Effect::Spend {
                        self.world.hold(owner, &noun, id);
                        return Some(());
                    }
                    self.event(owner, verb, &noun, id);
                }
                if noun.symbol().is_none() {
                    self.counted = Some(noun.clone());
                    self.gain(owner, &noun, id)?;
                }
                Some(())
            }
            Effect::Lose => {
                if let (true, true) =
                    (contains_word(" to among between ", &quantity.before), all.len() > 1)
                {
                    return None;
                }
                let of_them = clause.word(quantity.at + 1) == "of"
                    && self.world.matching(owner, &noun).is_empty();
                self.lose(if of_them { None } else { owner }, &noun, id, verb)?;
                self.recipient(clause, verb?.0, &noun, id);
                Some(())
            }
            Effect::Sell => {
                if noun.symbol().is_some() {
                    self.event(owner, verb, &noun, id);
                    return Some(());
                }
                let priced = summed(quantity, all);
                let events = self.world.events.len();
                self.lose(owner, &noun, id, verb)?;
                if priced {
                    self.world.events.truncate(events);
                }
                Some(())
            }
            Effect::Pay => {
                self.world.paid = Some(id);
                noun.symbol().map(|_| ())
            }
            Effect::Increase | Effect::Decrease => {
                let at = existing(self).or_else(|| match self.world.focus? {
                    Focus::Holding(at) => Some(at),
                    _ => None,
                });
                let (reason, sign) = if effect == Effect::Increase {
                    (Reason::Gain, '+')
                } else {
                    (Reason::Loss, '-')
                };
                if quantity.before != "by" {
                    return None;
                }
                match (at, self.world.focus) {
                    (Some(at), _) => {
                        let (old, held) =
                            self.world.holdings.get(at).map(|h| (h.value, h.noun.clone()))?;
                        self.world.holdings.get_mut(at)?.value = self.world.nodes.len();
                        self.world.operate(reason, sign, old, id, &held, owner).map(|_| ())
                    }
                    (None, Some(Focus::Rate(at))) => {
                        let (old, held) =
                            self.world.rates.get(at).map(|r| (r.value, r.noun.clone()))?;
                        let value = self.world.operate(reason, sign, old, id, &held, None)?;
                        self.world.rates.get_mut(at)?.value = value;
                        Some(())
                    }
                    _ => None,
                }
            }
            Effect::Scale | Effect::Share => None,
        }
    }

    pub(super) fn gain(&mut self, owner: Option<&str>, noun: &Noun, id: Id) -> Option<()> {
        match self.world.holding(owner, noun) {
            // Taken out of what is just there, or added to it? The words do not say.
            Some(at) if owner.is_some() && self.world.holdings.get(at)?.owner.is_none() => {
                return None;
            }
            Some(at) => {
                let (old, held, who) = self
                    .world
                    .holdings
                    .get(at)
                    .map(|h| (h.value, h.noun.clone(), h.owner.clone()))?;
                let value = self.world.operate(
                    Reason::Gain,
                    '+',
                    old,
                    id,
                    &held,
                    who.as_deref().or(owner),
                )?;
                self.world.holdings.get_mut(at)?.value = value;
                self.world.focus = Some(Focus::Holding(at));
            }
            None => self.world.hold(owner, noun, id),
        }
        Some(())
    }
}

/// Whether the amount right after this one is the money for all of it: `3 pens for $6`.
fn summed(quantity: &Quantity, all: &[Quantity]) -> bool {
    all.iter().find(|next| next.at > quantity.at).is_some_and(|next| next.is_money() && !next.used)
}
