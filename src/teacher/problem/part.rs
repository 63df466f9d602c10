//! Percentages and fractions of an amount, and what changes a bill.

use super::clause::{Clause, Quantity};
use super::lexer::Kind;
use super::number::Number;
use super::statement::Reader;
use super::vocabulary::{Effect, Verb};
use super::world::{Focus, Noun, Reason};

impl Reader {
    /// Discounts, coupons, taxes and tips; true when the clause was one.
    pub(super) fn bill_change(&mut self, clause: &Clause, quantities: &[Quantity]) -> Option<bool> {
        let off = clause.has_any("discount off coupon voucher rebate")
            && !clause.has_any("cuts cut got get gets falls fell")
            || clause.has_any("discount coupon voucher");
        let on = clause.has_any("tax tip vat surcharge fee delivery shipping");
        if !off && !on {
            return Some(false);
        }
        let [quantity] = quantities else { return None };
        let (amount, percent) = match quantity.amount {
            Kind::Percent(percent) => (percent, true),
            Kind::Money(amount, _) => (amount, false),
            _ => return Some(false),
        };
        let amount = if off { Number::whole(0).minus(amount)? } else { amount };
        self.world.adjustments.push((amount, percent));
        Some(true)
    }

    #[expect(clippy::too_many_arguments, reason = "one clause's parts, used in one place")]
    pub(super) fn part(
        &mut self,
        clause: &Clause,
        quantity: &Quantity,
        fraction: Number,
        percent: bool,
        base: Option<Quantity>,
        owner: Option<&str>,
        verb: Option<(usize, Verb)>,
    ) -> Option<()> {
        let (verb_at, verb) = verb?;
        let base =
            base.filter(|base| clause.word(quantity.at + 1) == "of" && base.at <= quantity.at + 3);
        let of =
            if clause.word(quantity.at + 1) == "of" { quantity.at + 2 } else { quantity.at + 1 };
        let noun = clause.noun(of).0.filter(|noun| noun.head != "rest");
        let noun = match noun {
            Some(noun) if noun.head == "money" || noun.head == "salary" => self.world.money(),
            Some(noun)
                if matches!(noun.head.as_str(), "collection" | "number" | "amount" | "stock") =>
            {
                None
            }
            other => other,
        };
        let holding = match (&base, &noun) {
            (Some(base), _) => {
                let noun = base.noun.clone()?;
                match self.world.holding(owner, &noun).or_else(|| self.world.holding(None, &noun)) {
                    Some(at)
                        if self.world.value(self.world.holdings.get(at)?.value)
                            == base.number() =>
                    {
                        at
                    }
                    Some(_) => return None,
                    None => {
                        let id = self.world.given(base.number()?, &noun);
                        self.world.hold(owner.filter(|_| quantity.at > verb_at), &noun, id);
                        self.world.holdings.len() - 1
                    }
                }
            }
            (None, Some(noun))
                if verb.effect != Effect::Increase && verb.effect != Effect::Decrease =>
            {
                self.world.holding(owner, noun).or_else(|| self.world.holding(None, noun))?
            }
            _ => match self.world.focus? {
                Focus::Holding(at) => at,
                Focus::Rate(at) if matches!(verb.effect, Effect::Increase | Effect::Decrease) => {
                    let old = self.world.rates.get(at)?.value;
                    let signed = fraction.times(Number::whole(100))?;
                    let signed = if verb.effect == Effect::Decrease {
                        Number::whole(0).minus(signed)?
                    } else {
                        signed
                    };
                    let value = self.world.adjust(old, signed, true)?;
                    self.world.rates.get_mut(at)?.value = value;
                    return Some(());
                }
                _ => return None,
            },
        };
        let (id, noun) = self.world.holdings.get(holding).map(|h| (h.value, h.noun.clone()))?;
        let part = if percent {
            self.world.percent_of(id, fraction.times(Number::whole(100))?)?
        } else {
            self.world.fraction_of(id, fraction)?
        };
        match verb.effect {
            Effect::Have | Effect::Do if quantity.at < verb_at => {
                let (complement, _, _) = clause.noun(verb_at + 1);
                let name = complement.unwrap_or_else(|| Noun {
                    adjectives: vec![clause.word(verb_at + 1).to_owned()],
                    ..noun.clone()
                });
                // An adjective alone (`are red`) describes the base noun.
                let name = if super::vocabulary::is_adjective(&name.head) {
                    Noun { adjectives: vec![name.head], ..noun }
                } else {
                    name
                };
                self.subsets.push((id, part, name));
                Some(())
            }
            Effect::Lose | Effect::Sell | Effect::Spend => {
                self.world.focus = Some(Focus::Holding(holding));
                let who = self.world.holdings.get(holding)?.owner.clone();
                if verb.effect == Effect::Spend
                    && self.world.events.iter().any(|event| event.verb == "buy")
                {
                    return None;
                }
                if verb.effect == Effect::Spend {
                    let left =
                        self.world.operate(Reason::Loss, '-', id, part, &noun, who.as_deref())?;
                    self.world.holdings.get_mut(holding)?.value = left;
                    self.world.focus = Some(Focus::Holding(holding));
                    return Some(());
                }
                self.lose(who.as_deref(), &noun, part, Some((verb_at, verb)))?;
                self.recipient(clause, verb_at, &noun, part);
                Some(())
            }
            Effect::Increase | Effect::Decrease => {
                let (reason, sign) = if verb.effect == Effect::Increase {
                    (Reason::Gain, '+')
                } else {
                    (Reason::Loss, '-')
                };
                let value = self.world.operate(reason, sign, id, part, &noun, None)?;
                self.world.holdings.get_mut(holding)?.value = value;
                Some(())
            }
            _ => None,
        }
    }
}
