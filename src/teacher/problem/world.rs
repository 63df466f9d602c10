//! What a problem has said so far: who holds how much of what, at which rates and prices.
//!
//! Every value is a node that remembers the operation and the operands it came from, so the chain of
//! an answer is read off backwards and statements that do not matter drop out of it.

use super::number::Number;
use super::vocabulary::{measure, plural};

/// Index of a value in [`World::nodes`].
pub(crate) type Id = usize;

/// A thing that is counted or measured; money is the noun whose head is its symbol.
#[derive(Clone, Debug, PartialEq, Eq, Default, Hash)]
pub struct Noun {
    pub(crate) adjectives: Vec<String>,
    pub(crate) head: String,
    pub(crate) of: Option<String>,
}

impl Noun {
    pub(crate) fn new(head: &str) -> Self {
        Self { head: head.to_owned(), ..Self::default() }
    }

    /// The symbol, when this is money.
    pub(crate) fn symbol(&self) -> Option<&str> {
        matches!(self.head.as_str(), "$" | "£" | "€").then_some(&self.head)
    }

    /// Whether something called `self` answers a question about `asked`.
    pub(crate) fn answers(&self, asked: &Self) -> bool {
        let described = asked.adjectives.iter().all(|word| self.adjectives.contains(word));
        let same = self.head == asked.head
            && (asked.of.is_none() || self.of.is_none() || self.of == asked.of);
        described && (same || self.of.as_deref() == Some(&asked.head))
    }

    fn singular(&self) -> String {
        let mut words = self.adjectives.join(" ");
        if !words.is_empty() {
            words.push(' ');
        }
        words.push_str(&self.head);
        if let Some(of) = &self.of {
            words.push_str(" of ");
            words.push_str(of);
        }
        words
    }

    /// The noun in the number that an amount asks for: `apple` for one, `apples` for two.
    #[must_use]
    pub fn named(&self, one: bool) -> String {
        if one || matches!(self.head.as_str(), "km" | "cm" | "mm" | "ml" | "kg") {
            self.singular()
        } else {
            plural(&self.singular())
        }
    }

    /// The amount with the noun: `1 apple`, `2 apples`, `$3.50`, `7`.
    #[must_use]
    pub fn amount(&self, value: Number) -> String {
        match self.symbol() {
            Some(symbol) => {
                let text = if value.is_whole() {
                    value.to_string()
                } else {
                    value.fixed(2).unwrap_or(value.to_string())
                };
                match text.strip_prefix('-') {
                    Some(text) => format!("-{symbol}{text}"),
                    None => format!("{symbol}{text}"),
                }
            }
            None if self.head.is_empty() => value.to_string(),
            None if self.head == "%" => match value.times(Number::whole(100)) {
                Some(percent) => format!("{percent}%"),
                None => value.to_string(),
            },
            None => format!("{value} {}", self.named(value.is_one())),
        }
    }
}

/// Why an operation is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reason {
    /// More comes in.
    Gain,
    /// Some goes out.
    Loss,
    /// So many groups of so much each.
    Groups,
    /// So many at a price each.
    Price,
    /// Doubled, halved and so on.
    Scale,
    /// So many more or fewer than another.
    Compare,
    /// So many times another.
    Multiple,
    /// Equal parts.
    Split,
    /// What an equal split cannot hand out.
    Leftover,
    /// Full groups that fit.
    Fit,
    /// A percentage or fraction of it.
    Part,
    /// Another unit of measurement.
    Convert,
    /// Everything together.
    Total,
    /// How much one exceeds another.
    Difference,
    /// What comes back at the till, or is left of the money.
    Change,
    /// A written calculation.
    Calculate,
}

/// One value.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) value: Number,
    pub(crate) noun: Noun,
    pub(crate) origin: Option<Origin>,
}

/// Where a computed value came from.
#[derive(Clone, Debug)]
pub(crate) struct Origin {
    pub(crate) reason: Reason,
    pub(crate) sign: char,
    pub(crate) left: Id,
    pub(crate) right: Id,
    pub(crate) who: Option<String>,
}

#[derive(Clone, Debug)]
pub(crate) struct Holding {
    pub(crate) owner: Option<String>,
    pub(crate) noun: Noun,
    pub(crate) value: Id,
    /// Known only from being handed over by someone else.
    pub(crate) received: bool,
}

/// So much of `noun` in (or for) each `per`.
#[derive(Clone, Debug)]
pub(crate) struct Rate {
    pub(crate) owner: Option<String>,
    pub(crate) per: Noun,
    pub(crate) noun: Noun,
    pub(crate) value: Id,
    /// Already counted into a holding.
    pub(crate) spent: bool,
}

/// Something that happened to an amount: for questions like "how many did she sell".
#[derive(Clone, Debug)]
pub(crate) struct Event {
    pub(crate) owner: Option<String>,
    pub(crate) verb: &'static str,
    pub(crate) noun: Noun,
    pub(crate) value: Id,
    /// The day or month, where the clause names one.
    pub(crate) date: Option<String>,
}

/// What "it", "them" and elliptical amounts refer to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Focus {
    Holding(usize),
    Rate(usize),
    Event(usize),
}

/// Everything said so far.
#[derive(Clone, Debug, Default)]
pub(crate) struct World {
    pub(crate) nodes: Vec<Node>,
    pub(crate) holdings: Vec<Holding>,
    pub(crate) rates: Vec<Rate>,
    pub(crate) events: Vec<Event>,
    /// Percentages and amounts taken off (negative) or put on the bill, in order.
    pub(crate) adjustments: Vec<(Number, bool)>,
    pub(crate) paid: Option<Id>,
    /// What was divided, and by how many parts or by which size.
    pub(crate) shares: Vec<(Id, Id)>,
    pub(crate) focus: Option<Focus>,
}

impl World {
    pub(crate) fn given(&mut self, value: Number, noun: &Noun) -> Id {
        self.nodes.push(Node { value, noun: noun.clone(), origin: None });
        self.nodes.len() - 1
    }

    pub(crate) fn value(&self, id: Id) -> Option<Number> {
        self.nodes.get(id).map(|node| node.value)
    }

    pub(crate) fn operate(
        &mut self,
        reason: Reason,
        sign: char,
        left: Id,
        right: Id,
        noun: &Noun,
        who: Option<&str>,
    ) -> Option<Id> {
        let (a, b) = (self.value(left)?, self.value(right)?);
        let value = match sign {
            '+' => a.plus(b),
            '-' => a.minus(b),
            '*' => a.times(b),
            '/' => a.over(b),
            'f' => a.over(b).map(Number::floor),
            'c' => a.over(b).map(Number::ceiling),
            _ => a
                .over(b)
                .map(Number::floor)
                .and_then(|whole| whole.times(b))
                .and_then(|used| a.minus(used)),
        }?;
        if value.is_negative() && reason != Reason::Calculate {
            return None;
        }
        let origin = Some(Origin { reason, sign, left, right, who: who.map(str::to_owned) });
        self.nodes.push(Node { value, noun: noun.clone(), origin });
        Some(self.nodes.len() - 1)
    }

    /// The holdings that answer for `noun`, of `owner` where one is given.
    pub(crate) fn matching(&self, owner: Option<&str>, noun: &Noun) -> Vec<usize> {
        let inside = |holding: &Holding| {
            holding.noun.head != noun.head
                && self.rates.iter().any(|rate| rate.per.head == holding.noun.head)
        };
        (0..self.holdings.len())
            .filter(|at| {
                self.holdings.get(*at).is_some_and(|holding| {
                    holding.noun.answers(noun)
                        && !inside(holding)
                        && match owner {
                            Some(owner) => holding.owner.as_deref() == Some(owner),
                            None => !holding.received,
                        }
                })
            })
            .collect()
    }

    pub(crate) fn convert(&mut self, id: Id, to: &Noun) -> Option<Id> {
        let from = self.nodes.get(id)?.noun.clone();
        if from.head == to.head {
            return Some(id);
        }
        let ((dimension, size), (other, target)) = (measure(&from.head)?, measure(&to.head)?);
        if dimension != other {
            return None;
        }
        let (sign, factor) =
            if size >= target { ('*', size.over(target)?) } else { ('/', target.over(size)?) };
        let factor = self.given(factor, &Noun::default());
        self.operate(Reason::Convert, sign, id, factor, to, None)
    }

    pub(crate) fn sum(&mut self, ids: &[Id], noun: &Noun, reason: Reason) -> Option<Id> {
        let mut ids = ids.iter().copied();
        let mut total = ids.next()?;
        for id in ids {
            total = self.operate(reason, '+', total, id, noun, None)?;
        }
        Some(total)
    }

    /// How much of `noun` there is, by what is held, by rates, and by conversion.
    pub(crate) fn resolve(&mut self, owner: Option<&str>, noun: &Noun, depth: usize) -> Option<Id> {
        if depth > 6 {
            return None;
        }
        let mut found: Vec<Id> = Vec::new();
        for at in self.matching(owner, noun) {
            found.push(self.holdings.get(at)?.value);
        }
        for rate in self.rates.clone() {
            let mine = owner.is_none() || rate.owner.is_none() || rate.owner.as_deref() == owner;
            let price = rate.noun.symbol().is_some()
                && rate.owner.is_none()
                && measure(&rate.per.head).is_none();
            if price || rate.spent || !rate.noun.answers(noun) || !mine || rate.per == rate.noun {
                continue;
            }
            let holder = owner.or(rate.owner.as_deref());
            let count = self
                .resolve(holder, &rate.per, depth + 1)
                .or_else(|| self.resolve(None, &rate.per, depth + 1));
            if let Some(count) = count {
                found.push(self.operate(
                    Reason::Groups,
                    '*',
                    count,
                    rate.value,
                    &rate.noun,
                    holder,
                )?);
            }
        }
        let by_rate = self.rates.iter().any(|rate| !rate.spent && rate.noun.answers(noun))
            && !found.is_empty();
        if let Some((dimension, _)) = measure(&noun.head).filter(|_| !by_rate) {
            for holding in self.holdings.clone() {
                let other =
                    measure(&holding.noun.head).is_some_and(|(other, _)| other == dimension);
                let mine =
                    owner.is_none() || holding.owner.is_none() || holding.owner.as_deref() == owner;
                let rated = self
                    .rates
                    .iter()
                    .any(|rate| rate.per.head == holding.noun.head && rate.noun.head == noun.head);
                if other && mine && !rated && holding.noun.head != noun.head {
                    found.push(self.convert(holding.value, noun)?);
                }
            }
        }
        if found.is_empty() && owner.is_some() && depth > 0 {
            return self.resolve(None, noun, depth + 1);
        }
        self.sum(&found, noun, Reason::Total)
    }

    /// The holding to change: an existing one, or one made from what the rates say.
    pub(crate) fn holding(&mut self, owner: Option<&str>, noun: &Noun) -> Option<usize> {
        let mut matching = self.matching(owner, noun);
        if matching.is_empty() {
            // Only one can be meant when only one is there.
            let all = self.matching(None, noun);
            let unowned = all
                .iter()
                .copied()
                .filter(|at| self.holdings.get(*at).is_some_and(|h| h.owner.is_none()));
            matching = match owner {
                Some(_) => unowned.collect(),
                None => all,
            };
        }
        let live = self
            .rates
            .iter()
            .any(|rate| !rate.spent && rate.noun.answers(noun) && rate.noun.symbol().is_none());
        match (matching.as_slice(), live) {
            ([one], false) => Some(*one),
            ([], false) => None,
            _ => {
                let total = self.resolve(owner, noun, 0).or_else(|| self.resolve(None, noun, 0))?;
                for rate in &mut self.rates {
                    rate.spent |= rate.noun.answers(noun);
                }
                let mut at = 0;
                self.holdings.retain(|_| {
                    at += 1;
                    !matching.contains(&(at - 1))
                });
                self.hold(owner, noun, total);
                Some(self.holdings.len() - 1)
            }
        }
    }

    pub(crate) fn hold(&mut self, owner: Option<&str>, noun: &Noun, value: Id) {
        let owner = owner.map(str::to_owned);
        self.holdings.push(Holding { owner, noun: noun.clone(), value, received: false });
        self.focus = Some(Focus::Holding(self.holdings.len() - 1));
    }

    pub(crate) fn rate(&mut self, owner: Option<&str>, per: &Noun, noun: &Noun, value: Id) {
        let owner = owner.map(str::to_owned);
        self.rates.push(Rate { owner, per: per.clone(), noun: noun.clone(), value, spent: false });
        self.focus = Some(Focus::Rate(self.rates.len() - 1));
    }

    pub(crate) fn focus_noun(&self) -> Option<Noun> {
        match self.focus? {
            Focus::Holding(at) => self.holdings.get(at).map(|holding| holding.noun.clone()),
            Focus::Rate(at) => self.rates.get(at).map(|rate| rate.noun.clone()),
            Focus::Event(at) => self.events.get(at).map(|event| event.noun.clone()),
        }
    }

    pub(crate) fn focus_value(&self) -> Option<Id> {
        match self.focus? {
            Focus::Holding(at) => self.holdings.get(at).map(|holding| holding.value),
            Focus::Rate(at) => self.rates.get(at).map(|rate| rate.value),
            Focus::Event(at) => self.events.get(at).map(|event| event.value),
        }
    }

    /// The money symbol in use.
    pub(crate) fn money(&self) -> Option<Noun> {
        self.nodes.iter().find(|node| node.noun.symbol().is_some()).map(|node| node.noun.clone())
    }

    /// The price of one `noun`.
    pub(crate) fn price(&self, noun: &Noun) -> Option<Id> {
        let priced = |rate: &&Rate| rate.noun.symbol().is_some();
        self.rates
            .iter()
            .filter(priced)
            .find(|rate| rate.per == *noun)
            .or_else(|| {
                self.rates
                    .iter()
                    .filter(priced)
                    .find(|rate| noun.answers(&rate.per) || rate.per.answers(noun))
            })
            .map(|rate| rate.value)
    }

    /// The bill for everything bought (`buy`) or sold (`sell`), before or after adjustments.
    pub(crate) fn bill(&mut self, owner: Option<&str>, verb: &str) -> Option<Id> {
        let money = self.money()?;
        let mut lines = Vec::new();
        for event in self.events.clone() {
            if event.verb != verb
                || (owner.is_some() && event.owner.is_some() && event.owner.as_deref() != owner)
            {
                continue;
            }
            lines.push(if event.noun.symbol().is_some() {
                event.value
            } else {
                let price = self.price(&event.noun)?;
                if self.value(event.value)?.is_one() {
                    price
                } else {
                    self.operate(
                        Reason::Price,
                        '*',
                        event.value,
                        price,
                        &money,
                        event.owner.as_deref(),
                    )?
                }
            });
        }
        let mut total = self.sum(&lines, &money, Reason::Total)?;
        if verb == "buy" {
            for (amount, percent) in self.adjustments.clone() {
                total = self.adjust(total, amount, percent)?;
            }
        }
        Some(total)
    }

    /// Adds `amount` (negative: takes it off), a percentage of the value or an absolute sum.
    pub(crate) fn adjust(&mut self, id: Id, amount: Number, percent: bool) -> Option<Id> {
        let noun = self.nodes.get(id)?.noun.clone();
        let size = if amount.is_negative() { Number::whole(0).minus(amount)? } else { amount };
        let change = if percent { self.percent_of(id, size)? } else { self.given(size, &noun) };
        let (reason, sign) =
            if amount.is_negative() { (Reason::Loss, '-') } else { (Reason::Gain, '+') };
        self.operate(reason, sign, id, change, &noun, None)
    }

    pub(crate) fn percent_of(&mut self, id: Id, percent: Number) -> Option<Id> {
        let noun = self.nodes.get(id)?.noun.clone();
        let share = self.given(percent.over(Number::whole(100))?, &Noun::new("%"));
        self.operate(Reason::Part, '*', id, share, &noun, None)
    }

    pub(crate) fn fraction_of(&mut self, id: Id, fraction: Number) -> Option<Id> {
        let noun = self.nodes.get(id)?.noun.clone();
        let share = self.given(fraction, &Noun::default());
        self.operate(Reason::Part, '*', id, share, &noun, None)
    }
}
