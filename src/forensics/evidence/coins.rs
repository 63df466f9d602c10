//! What the coins tell of a mark that was not made at full strength.
//!
//! At strength ρ a cell carries its bit only if its coin is below ρ · 256, and who holds the keys
//! knows the coins. The other cells carry nothing and add nothing but noise. Coins and bits come
//! from different keys, so that given the coins the bits are still fair: a weight may depend on a
//! coin as it may on the text, and every p-value holds by the same argument. What is assumed of
//! the strengths must be fixed before the text is seen; a wrong assumption costs power and never
//! validity.

use super::weights::Weights;
use crate::mark::cell::MarkKey;

/// At which strengths answers were issued: for each coin, in what share of them a cell with that
/// coin carried its bit.
#[derive(Clone, Debug, PartialEq)]
pub struct Strengths([f64; 256]);

impl Strengths {
    /// From strengths (0 to 1) and how many answers, or sites, were issued at each, as the ledger
    /// counts them. If there are none, all cells count alike.
    #[must_use]
    pub fn new(issued: impl IntoIterator<Item = (f64, f64)>) -> Self {
        let mut shares = [0.0; 256];
        for (strength, weight) in issued {
            let weight = if weight.is_finite() { weight.max(0.0) } else { 0.0 };
            // The same rounding as when marking; a cast to an integer saturates.
            let carrying = (strength.clamp(0.0, 1.0) * 256.0).round() as usize;
            for share in shares.iter_mut().take(carrying) {
                *share += weight;
            }
        }
        // No strength leaves out a cell with coin 0 that carries any.
        let [all, ..] = shares;
        if all > 0.0 { Self(shares.map(|share| share / all)) } else { Self([1.0; 256]) }
    }

    /// The share of the marked answers in which a cell with this coin carried its bit; 1 for coin 0.
    #[must_use]
    pub fn share(&self, coin: u8) -> f64 {
        self.0.get(usize::from(coin)).copied().unwrap_or(0.0)
    }
}

impl Default for Strengths {
    /// If nothing is known: strengths 1, ½ and ¼ alike.
    fn default() -> Self {
        Self::new([(1.0, 1.0), (0.5, 1.0), (0.25, 1.0)])
    }
}

impl Weights {
    /// The weights for the test of one key, each by how often its cell carried a bit. `coin` is the
    /// key with [`Purpose::Coin`](crate::mark::cell::Purpose::Coin) and otherwise the name of the
    /// tested key.
    ///
    /// ```
    /// use guilloche::mark::cell::MarkKey;
    /// use guilloche::forensics::evidence::{Strengths, Weights};
    ///
    /// let weights = Weights::new((0..1_000).map(|_| (1.0, 1.0)));
    /// let coin = MarkKey::from_bytes([3; 32]);
    /// let carrying = weights.by_coins(&coin, &Strengths::new([(0.25, 1.0)]));
    /// assert!((200..300).contains(&carrying.cells()));
    /// ```
    #[must_use]
    pub fn by_coins(&self, coin: &MarkKey, strengths: &Strengths) -> Self {
        let mut stream = coin.stream();
        let words = self.units().len().div_ceil(4);
        let coins: Vec<u8> = (0..words).flat_map(|_| stream.next_word().to_le_bytes()).collect();
        self.times(|cell| coins.get(cell).map_or(0.0, |coin| strengths.share(*coin)))
    }
}
