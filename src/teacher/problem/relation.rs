//! Comparisons: `twice as many as`, `5 more than`, `3 years older than`.

use super::clause::{Clause, Quantity};
use super::lexer::Kind;
use super::statement::Reader;
use super::vocabulary::{Effect, Verb, contains_word, measure};
use super::world::{Id, Noun, Reason};

impl Reader {
    /// `twice as many as`, `5 more than`, `3 years older than`: true when the clause was one.
    pub(super) fn relation(
        &mut self,
        clause: &Clause,
        quantities: &mut [Quantity],
        subject: Option<&str>,
        verb: Option<(usize, Verb)>,
    ) -> Option<bool> {
        const COMPARATIVES: &str = " more fewer less older younger taller shorter longer heavier lighter cheaper dearer further farther ";
        let than = (0..clause.tokens.len()).find(|at| clause.word(*at) == "than");
        let as_many = (0..clause.tokens.len()).find(|at| {
            clause.word(*at) == "as"
                && contains_word(" many much long old tall heavy far ", clause.word(at + 1))
        });
        let first = quantities.first()?.clone();
        let (reference_at, noun_at) = match (than, as_many) {
            (Some(than), _) => (than + 1, None),
            (None, Some(first)) => {
                let second = (first + 1..clause.tokens.len()).find(|at| clause.word(*at) == "as");
                (second.map_or(clause.tokens.len(), |at| at + 1), Some(first + 2))
            }
            _ => return Some(false),
        };
        if quantities.iter().filter(|q| q.number().is_some()).count() > 1 {
            return None;
        }
        let comparative = (0..clause.tokens.len())
            .map(|at| clause.word(at))
            .find(|word| contains_word(COMPARATIVES, word));
        let mut noun = match noun_at {
            Some(at) => clause.noun(at).0,
            None => first.noun.clone().or_else(|| clause.noun(first.end).0),
        };
        let money = verb.is_some_and(|(_, verb)| verb.effect == Effect::Cost) || first.is_money();
        let (noun_before, _, _) = clause.noun(0);
        let ref_owner = self.owner(clause, reference_at);
        let ref_noun =
            if ref_owner.is_some() || contains_word(" on in the-day ", clause.word(reference_at)) {
                None
            } else {
                clause.noun(reference_at).0.or_else(|| clause.noun(reference_at + 1).0)
            };
        let day = self.date.is_some();
        // A price against a price.
        if money && verb.is_some_and(|(_, verb)| verb.effect == Effect::Cost) {
            let per = noun_before.or_else(|| clause.noun(1).0)?;
            let reference = self.world.price(&ref_noun?)?;
            let value = self.relate(reference, &first, comparative, subject)?;
            let money = self.world.money()?;
            self.world.rate(None, &per, &money, value);
            return Some(true);
        }
        let (reference, ref_holding_noun) = if let Some(owner) = &ref_owner {
            let noun = noun.clone().or_else(|| self.world.focus_noun())?;
            match self.world.resolve(Some(owner), &noun, 0) {
                Some(id) => (id, noun),
                None => {
                    let holdings: Vec<_> = self
                        .world
                        .holdings
                        .iter()
                        .filter(|h| h.owner.as_ref() == Some(owner))
                        .collect();
                    let [only] = holdings.as_slice() else { return None };
                    (only.value, only.noun.clone())
                }
            }
        } else if let (Some(ref_noun), false) = (&ref_noun, day) {
            let holder = self.world.matching(subject, ref_noun);
            let id = match holder.as_slice() {
                [] => self.world.resolve(None, ref_noun, 0).or_else(|| {
                    // An owner that is a thing: `the second shelf`, `the bakery`.
                    let head = &ref_noun.head;
                    self.world
                        .holdings
                        .iter()
                        .find(|h| h.owner.as_ref() == Some(head))
                        .map(|h| h.value)
                })?,
                _ => self.world.resolve(subject, ref_noun, 0)?,
            };
            (id, self.world.nodes.get(id)?.noun.clone())
        } else if day
            || reference_at >= clause.tokens.len()
            || clause.word(reference_at) == "before"
        {
            (self.world.focus_value()?, self.world.focus_noun()?)
        } else {
            return None;
        };
        if noun.is_none()
            || noun
                .as_ref()
                .is_some_and(|noun| measure(&noun.head).is_some() && ref_owner.is_some())
        {
            noun = Some(ref_holding_noun);
        }
        let noun = noun?;
        let value = self.relate(reference, &first, comparative, subject)?;
        let owner = if ref_noun.is_some() && ref_owner.is_none() && !day {
            subject.filter(|_| clause.word(0) != "there")
        } else {
            subject
        };
        self.event(owner, verb, &noun, value);
        if verb.is_some_and(|(_, verb)| matches!(verb.effect, Effect::Lose)) {
            return None;
        }
        self.world.hold(owner, &noun, value);
        self.counted = Some(noun);
        Some(true)
    }

    pub(super) fn relate(
        &mut self,
        reference: Id,
        quantity: &Quantity,
        comparative: Option<&str>,
        who: Option<&str>,
    ) -> Option<Id> {
        let noun = self.world.nodes.get(reference)?.noun.clone();
        let less = matches!(
            comparative,
            Some("fewer" | "less" | "younger" | "shorter" | "lighter" | "cheaper")
        );
        match quantity.amount {
            Kind::Times(factor) | Kind::Fraction(factor) => {
                // `twice more than` is read differently by different people.
                if comparative.is_some() {
                    return None;
                }
                let factor = self.world.given(factor, &Noun::default());
                self.world.operate(Reason::Multiple, '*', reference, factor, &noun, who)
            }
            Kind::Percent(percent) => {
                let part = self.world.percent_of(reference, percent)?;
                let sign = if less { '-' } else { '+' };
                comparative?;
                self.world.operate(Reason::Compare, sign, reference, part, &noun, who)
            }
            Kind::Count(number) | Kind::Money(number, _) => {
                comparative?;
                let by = self.world.given(number, &noun);
                self.world.operate(
                    Reason::Compare,
                    if less { '-' } else { '+' },
                    reference,
                    by,
                    &noun,
                    who,
                )
            }
            _ => None,
        }
    }
}
