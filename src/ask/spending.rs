//! What may be spent, what is set aside, and what was spent.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

/// Tokens of requests and of answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tokens {
    /// Of requests.
    pub input: u64,
    /// Of answers.
    pub output: u64,
}

impl Tokens {
    /// Both together.
    #[must_use]
    pub fn total(self) -> u64 {
        self.input.saturating_add(self.output)
    }

    fn plus(self, other: Self) -> Self {
        Self {
            input: self.input.saturating_add(other.input),
            output: self.output.saturating_add(other.output),
        }
    }
}

/// Prices of a million tokens, in any one currency.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Prices {
    /// Of requests.
    pub input: f64,
    /// Of answers.
    pub output: f64,
}

impl Prices {
    /// What these tokens cost.
    #[must_use]
    pub fn cost(self, tokens: Tokens) -> f64 {
        (tokens.input as f64 * self.input + tokens.output as f64 * self.output) / 1e6
    }
}

/// What may be spent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cap {
    /// Tokens of requests and answers.
    pub tokens: Option<u64>,
    /// Money, at these prices.
    pub cost: Option<(f64, Prices)>,
}

impl Cap {
    fn allows(&self, tokens: Tokens) -> bool {
        self.tokens.is_none_or(|most| tokens.total() <= most)
            && self.cost.is_none_or(|(most, prices)| prices.cost(tokens) <= most)
    }
}

/// What requests have cost, or may cost while it is not known.
#[derive(Debug, Default)]
pub(super) struct Spending {
    spent: HashMap<u64, Tokens>,
    total: Tokens,
    next: u64,
}

impl Spending {
    /// The number of the next request, if the cap has room for what it may cost.
    pub(super) fn reserve(&mut self, cap: &Cap, most: Tokens) -> Option<u64> {
        if !cap.allows(self.total.plus(most)) {
            return None;
        }
        let number = self.next;
        self.set(number, most);
        Some(number)
    }

    /// Puts what a request did cost in the place of what was set aside.
    pub(super) fn set(&mut self, number: u64, tokens: Tokens) {
        let before = self.spent.insert(number, tokens).unwrap_or_default();
        self.total = Tokens {
            input: self.total.input.saturating_sub(before.input),
            output: self.total.output.saturating_sub(before.output),
        }
        .plus(tokens);
        self.next = self.next.max(number.saturating_add(1));
    }

    /// In all, with what is set aside.
    pub(super) fn total(&self) -> Tokens {
        self.total
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(input: u64, output: u64) -> Tokens {
        Tokens { input, output }
    }

    #[test]
    fn what_is_set_aside_counts_until_the_cost_is_known() {
        let cap = Cap { tokens: Some(100), cost: None };
        let mut spending = Spending::default();
        assert_eq!(spending.reserve(&cap, tokens(10, 50)), Some(0));
        assert_eq!(spending.reserve(&cap, tokens(10, 50)), None);
        spending.set(0, tokens(8, 20));
        assert_eq!(spending.reserve(&cap, tokens(10, 50)), Some(1));
        assert_eq!(spending.total(), tokens(18, 70));
        spending.set(1, tokens(0, 0));
        assert_eq!(spending.reserve(&cap, tokens(22, 51)), None);
        assert_eq!(spending.reserve(&cap, tokens(22, 50)), Some(2));
    }

    #[test]
    fn money_is_a_cap_of_its_own() {
        let prices = Prices { input: 1.0, output: 10.0 };
        let cap = Cap { tokens: Some(1_000_000), cost: Some((0.001, prices)) };
        let mut spending = Spending::default();
        assert_eq!(spending.reserve(&cap, tokens(10, 100)), None);
        assert_eq!(spending.reserve(&cap, tokens(0, 100)), Some(0));
        assert_eq!(spending.reserve(&cap, tokens(1, 0)), None);
    }

    #[test]
    fn numbers_that_no_endpoint_can_mean_do_no_harm() {
        let cap = Cap { tokens: Some(u64::MAX - 1), cost: None };
        let mut spending = Spending::default();
        assert_eq!(spending.reserve(&cap, tokens(1, 1)), Some(0));
        spending.set(0, tokens(u64::MAX, u64::MAX));
        assert_eq!(spending.reserve(&cap, tokens(1, 1)), None);
    }
}
