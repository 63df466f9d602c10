//! What a clause changes in the world.
//!
//! A clause whose amounts are not all understood makes the whole problem not understood: the teacher
//! would rather say so than state a number that may be wrong.

use super::clause::{Clause, Quantity};
use super::lexer::Kind;
use super::number::Number;
use super::vocabulary::{Effect, Verb, contains_word, factor, is_date, is_feminine, singular};
use super::world::{Focus, Id, Noun, Reason, World};

/// Reads clauses in order; knows who was spoken of last.
#[derive(Debug, Default)]
pub(crate) struct Reader {
    pub(crate) world: World,
    pub(crate) subject: Option<String>,
    feminine: Option<String>,
    masculine: Option<String>,
    pub(crate) counted: Option<Noun>,
    pub(super) date: Option<String>,
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
                    self.feminine = None;
                    self.masculine = None;
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

    pub(super) fn noun_or_focus(&self, quantity: &Quantity) -> Option<Noun> {
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
        // Getting off is leaving, whatever getting is by itself.
        let away = clause.has_any("off out") || (clause.has("away") && !clause.has("put"));
        let verb = verb.map(|(at, verb)| match verb.base {
            "get" | "come" | "go" | "take" if away => (at, Verb { effect: Effect::Lose, ..verb }),
            _ => (at, verb),
        });
        if quantities.is_empty() {
            return self.without_amounts(clause, verb);
        }
        const UNCERTAIN: &str = "some several few doesn't didn't don't not never isn't wasn't aren't without unless except or either least most \
             instead wide high deep thick average other";
        if clause.has_any(UNCERTAIN) {
            return None;
        }
        let verb_at = verb.map_or(0, |(at, _)| at);
        let subject = self.find_subject(clause, verb_at, &quantities);
        let effect = verb.map(|(_, verb)| verb.effect);
        if self.relation(clause, &mut quantities, subject.as_deref(), verb)? {
            return Some(());
        }
        if clause.has_any("fewer less") {
            return None;
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
}
