//! Equal parts and groups of a size.

use super::clause::{Clause, Quantity};
use super::statement::Reader;
use super::vocabulary::{contains_word, measure, singular};
use super::world::{Focus, Noun, Reason};

impl Reader {
    pub(super) fn share(
        &mut self,
        clause: &Clause,
        quantities: &mut [Quantity],
        owner: Option<&str>,
    ) -> Option<()> {
        let divides = |q: &Quantity| {
            contains_word(" among amongst between into in across onto on to ", &q.before)
        };
        let per_group = |q: &Quantity, clause: &Clause| {
            q.before == "of"
                || (contains_word(" in to on per for ", clause.word(q.end))
                    && matches!(clause.word(q.end + 1), "each" | "every" | "a" | "one"))
                || contains_word(" per each ", clause.word(q.end))
        };
        if quantities.iter().any(|q| q.number().is_none())
            || clause.has("himself")
            || clause.has("herself")
        {
            return None;
        }
        let verb_at = clause.verb()?.0;
        let plain: Vec<usize> = (0..quantities.len())
            .filter(|at| {
                quantities
                    .get(*at)
                    .is_some_and(|q| !divides(q) && (q.at < verb_at || !per_group(q, clause)))
            })
            .collect();
        // `Three friends share $45`: who shares stands before the verb, what is shared after it.
        let (stock, sharers) = match plain.as_slice() {
            [] => (None, None),
            [one] => (Some(*one), None),
            [first, second] if quantities.get(*first)?.at < verb_at => {
                (Some(*second), Some(*first))
            }
            _ => return None,
        };
        let total_noun;
        let total = match stock {
            Some(at) if !quantities.get(at)?.more => {
                let quantity = quantities.get(at)?.clone();
                total_noun = self.noun_or_focus(&quantity)?;
                match self.world.holding(owner, &total_noun) {
                    Some(at)
                        if self.world.value(self.world.holdings.get(at)?.value)
                            == quantity.number() =>
                    {
                        self.world.holdings.get(at)?.value
                    }
                    Some(_) => return None,
                    None => {
                        let id = self.world.given(quantity.number()?, &total_noun);
                        self.world.hold(owner, &total_noun, id);
                        id
                    }
                }
            }
            Some(_) => return None,
            None => {
                let (at, _) = clause.verb()?;
                let said = clause.noun(at + 1).0.filter(|noun| noun.head != "rest");
                let focus = match self.world.focus {
                    Some(Focus::Holding(at)) => self.world.holdings.get(at).map(|h| h.noun.clone()),
                    _ => None,
                };
                total_noun = match said {
                    Some(said) if said.symbol().is_none() && said.head == "money" => {
                        self.world.money()?
                    }
                    Some(said) => said,
                    None => self
                        .counted
                        .clone()
                        .filter(|noun| self.world.matching(owner, noun).len() == 1)
                        .or(focus)
                        .or_else(|| self.counted.clone())?,
                };
                let at = self.world.holding(owner, &total_noun)?;
                self.world.holdings.get(at)?.value
            }
        };
        let noun = self.world.nodes.get(total)?.noun.clone();
        let others: Vec<Quantity> = quantities
            .iter()
            .enumerate()
            .filter(|(at, _)| Some(*at) != stock)
            .map(|(_, q)| q.clone())
            .collect();
        match others.as_slice() {
            [groups] if sharers.is_some() || (divides(groups) && !per_group(groups, clause)) => {
                let per = groups.noun.clone()?;
                if clause.word(groups.end) == "and" && sharers.is_none() {
                    return None;
                }
                let count = self.world.given(groups.number()?, &per);
                let whole = noun.symbol().is_none() && measure(&noun.head).is_none();
                let even = self.world.value(total)?.over(self.world.value(count)?)?.is_whole();
                let sign = if whole && !even { 'f' } else { '/' };
                let each = self.world.operate(Reason::Split, sign, total, count, &noun, None)?;
                self.world.shares.push((total, count));
                self.world.rates.push(super::world::Rate {
                    owner: None,
                    per,
                    noun: noun.clone(),
                    value: each,
                    spent: true,
                });
                self.world.focus = Some(Focus::Rate(self.world.rates.len() - 1));
                Some(())
            }
            [size] if per_group(size, clause) => {
                let per = if size.before == "of" {
                    let before = size.at.checked_sub(2)?;
                    Noun::new(&singular(clause.word(before)))
                } else {
                    clause.noun(size.end + 2).0.or_else(|| {
                        (0..clause.tokens.len())
                            .filter(|at| contains_word(" into in ", clause.word(*at)))
                            .find_map(|at| clause.noun(at + 1).0)
                    })?
                };
                let each = self.world.given(size.number()?, &noun);
                self.world.shares.push((total, each));
                self.world.rates.push(super::world::Rate {
                    owner: None,
                    per,
                    noun: noun.clone(),
                    value: each,
                    spent: true,
                });
                Some(())
            }
            _ => None,
        }
    }
}
