//! What a clause changes in the world.
//!
//! A clause whose amounts are not all understood makes the whole problem not understood: the teacher
//! would rather say so than state a number that may be wrong.

use super::clause::{Clause, Quantity};
use super::lexer::Kind;
use super::number::Number;
use super::vocabulary::{
    Effect, Verb, contains_word, factor, is_date, is_feminine, measure, singular,
};
use super::world::{Event, Focus, Id, Noun, Reason, World};

/// Reads clauses in order; knows who was spoken of last.
#[derive(Debug, Default)]
pub(crate) struct Reader {
    pub(crate) world: World,
    pub(crate) subject: Option<String>,
    feminine: Option<String>,
    masculine: Option<String>,
    pub(crate) counted: Option<Noun>,
    date: Option<String>,
    last_verb: Option<Verb>,
    /// Base, part and name of subsets: `40% of the 20 students are girls`.
    pub(crate) subsets: Vec<(Id, Id, Noun)>,
}

impl Reader {
    /// The owner named at `at`, pronouns resolved.
    pub(crate) fn owner(&self, clause: &Clause, at: usize) -> Option<String> {
        match clause.word(at) {
            "she" | "her" | "hers" => self.feminine.clone().or_else(|| self.subject.clone()),
            "he" | "him" | "his" => self.masculine.clone().or_else(|| self.subject.clone()),
            "i" | "me" | "my" | "we" | "us" | "our" => Some("you".to_owned()),
            _ => clause.name(at),
        }
    }

    fn find_subject(
        &mut self,
        clause: &Clause,
        verb: usize,
        quantities: &[Quantity],
    ) -> Option<String> {
        let found = (0..verb.min(clause.tokens.len()))
            .filter(|at| !contains_word(" her his my our him me ", clause.word(*at)))
            .find_map(|at| self.owner(clause, at).map(|owner| (at, owner)));
        if let Some((at, owner)) = found {
            let pronoun = clause.word(at);
            match is_feminine(if clause.name(at).is_some() { &owner } else { pronoun }) {
                Some(true) => self.feminine = Some(owner.clone()),
                Some(false) => self.masculine = Some(owner.clone()),
                None => {
                    self.feminine.clone_from(&None);
                    self.masculine.clone_from(&None);
                }
            }
            self.subject = Some(owner.clone());
            return Some(owner);
        }
        if quantities.iter().any(|quantity| quantity.at < verb) || clause.word(0) == "there" {
            return None;
        }
        if verb > 0
            && !matches!(
                clause.word(0),
                "they" | "it" | "who" | "which" | "that" | "each" | "every" | "to" | "after"
            )
        {
            let (noun, end, _) = clause.noun(0);
            let (noun, end) = if noun.is_none() {
                let (noun, end, _) = clause.noun(1);
                (noun, end)
            } else {
                (noun, end)
            };
            if let Some(noun) = noun.filter(|_| end <= verb) {
                let known =
                    self.world.holdings.iter().any(|h| h.owner.is_some() && h.noun.answers(&noun));
                if !known {
                    self.subject = Some(noun.head.clone());
                    return Some(noun.head);
                }
                return None;
            }
        }
        self.subject.clone()
    }

    fn noun_or_focus(&self, quantity: &Quantity) -> Option<Noun> {
        quantity.noun.clone().or_else(|| self.counted.clone()).or_else(|| self.world.focus_noun())
    }

    /// Applies one clause; `None` when it is not understood.
    pub(crate) fn apply(&mut self, clause: &Clause) -> Option<()> {
        let mut quantities = clause.quantities();
        let verb = clause.verb().or_else(|| {
            let relation = clause.has("than") || clause.has("as");
            self.last_verb.filter(|_| relation).map(|verb| (0, verb))
        });
        self.last_verb = verb.map(|(_, verb)| verb).or(self.last_verb);
        self.date = (0..clause.tokens.len())
            .map(|at| clause.word(at))
            .find(|word| is_date(word))
            .map(str::to_owned);
        if quantities.is_empty() {
            return self.without_amounts(clause, verb);
        }
        if clause.has_any("some several few") && !clause.has("there") {
            return None;
        }
        let verb_at = verb.map_or(0, |(at, _)| at);
        let subject = self.find_subject(clause, verb_at, &quantities);
        let effect = verb.map(|(_, verb)| verb.effect);
        if self.relation(clause, &mut quantities, subject.as_deref(), verb)? {
            return Some(());
        }
        if self.bill_change(clause, &quantities)? {
            return Some(());
        }
        let owner = subject.as_deref();
        if effect != Some(Effect::Share) {
            self.rates(clause, &mut quantities, owner, verb)?;
        }
        if effect == Some(Effect::Share) {
            return self.share(clause, &mut quantities, owner);
        }
        if effect == Some(Effect::Cost) {
            return self.cost(clause, &mut quantities, owner, verb_at);
        }
        for at in 0..quantities.len() {
            let quantity = quantities.get(at)?.clone();
            if quantity.used {
                continue;
            }
            match quantity.amount {
                Kind::Count(_) | Kind::Money(..) => {
                    self.amount(clause, &quantity, &quantities, owner, verb)?
                }
                Kind::Percent(part) => {
                    let fraction = part.over(Number::whole(100))?;
                    let base = quantities.get(at + 1).cloned();
                    self.part(clause, &quantity, fraction, true, base, owner, verb)?;
                }
                Kind::Fraction(fraction) => {
                    let base = quantities.get(at + 1).cloned();
                    self.part(clause, &quantity, fraction, false, base, owner, verb)?;
                }
                _ => return None,
            }
            if let Some(next) = quantities.get_mut(at + 1) {
                let of_base = matches!(quantity.amount, Kind::Percent(_) | Kind::Fraction(_))
                    && clause.word(quantity.at + 1) == "of"
                    && next.at <= quantity.at + 3;
                next.used |= of_base;
            }
        }
        Some(())
    }

    fn without_amounts(&mut self, clause: &Clause, verb: Option<(usize, Verb)>) -> Option<()> {
        let Some((at, verb)) = verb else {
            return Some(());
        };
        let subject = self.find_subject(clause, at, &[]);
        let unknown =
            clause.has_any("some several few many rest remaining all none every remainder");
        match verb.effect {
            Effect::Scale => {
                let by = factor(verb.base)?;
                let (noun, end, _) = clause.noun(at + 1);
                let target = match noun {
                    Some(noun) if clause.word(end) == "of" => clause.noun(end + 1).0.or(Some(noun)),
                    noun => noun.map(|noun| {
                        noun.of.as_deref().map_or(noun.clone(), |of| Noun::new(&singular(of)))
                    }),
                };
                let holding = target
                    .and_then(|noun| self.world.holding(subject.as_deref(), &noun))
                    .or_else(|| match self.world.focus? {
                        Focus::Holding(at) => Some(at),
                        _ => None,
                    })?;
                let (id, noun, owner) = self
                    .world
                    .holdings
                    .get(holding)
                    .map(|h| (h.value, h.noun.clone(), h.owner.clone()))?;
                let by = self.world.given(by, &Noun::default());
                let value =
                    self.world.operate(Reason::Scale, '*', id, by, &noun, owner.as_deref())?;
                self.world.holdings.get_mut(holding)?.value = value;
                self.world.focus = Some(Focus::Holding(holding));
                Some(())
            }
            Effect::Have | Effect::Gain | Effect::Buy if clause.has_any("some several few") => None,
            Effect::Lose
            | Effect::Sell
            | Effect::Spend
            | Effect::Share
            | Effect::Increase
            | Effect::Decrease
                if unknown =>
            {
                None
            }
            _ => Some(()),
        }
    }

    /// `twice as many as`, `5 more than`, `3 years older than`: true when the clause was one.
    fn relation(
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

    fn relate(
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

    /// Discounts, coupons, taxes and tips; true when the clause was one.
    fn bill_change(&mut self, clause: &Clause, quantities: &[Quantity]) -> Option<bool> {
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

    /// Takes the rates and prices out of a clause.
    fn rates(
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
            let word = clause.word(each);
            let article = contains_word(" a an ", word)
                && (measure(&singular(clause.word(each + 1))).is_some()
                    || (quantity.is_money() && !quantity.used))
                && quantity.noun.is_some();
            if !(contains_word(" each every per apiece ", word) || article) {
                continue;
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
                                .filter(|q| q.at < quantity.at && q.noun.is_some() && !q.is_money())
                                .next_back()
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

    fn cost(
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

    fn share(
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
                self.world.shares.push((total, count, each));
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
                self.world.shares.push((total, each, usize::MAX));
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

    #[expect(clippy::too_many_arguments, reason = "one clause's parts, used in one place")]
    fn part(
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

    fn event(&mut self, owner: Option<&str>, verb: Option<(usize, Verb)>, noun: &Noun, value: Id) {
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

    fn lose(
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
    fn recipient(&mut self, clause: &Clause, verb_at: usize, noun: &Noun, value: Id) {
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

    fn amount(
        &mut self,
        clause: &Clause,
        quantity: &Quantity,
        all: &[Quantity],
        owner: Option<&str>,
        verb: Option<(usize, Verb)>,
    ) -> Option<()> {
        let number = quantity.number()?;
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
                if effect == Effect::Do {
                    self.event(owner, verb, &noun, id);
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
                let money_for_all = all.iter().any(|q| q.is_money() && !q.used);
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
                let priced = all.iter().any(|q| q.is_money() && !q.used);
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

    fn gain(&mut self, owner: Option<&str>, noun: &Noun, id: Id) -> Option<()> {
        match self.world.holding(owner, noun) {
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
