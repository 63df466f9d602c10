//! The tests: of signs of cells, and of scores of tokens.

use super::decoys::{DecoyScores, Decoys};
use super::law::{NullLaw, Scale};
use super::signs::SignSums;
use super::tail::LnP;
use super::weights::Weights;
use crate::forensics::detect::{KeyScore, TokenScheme, TokenSites};
use crate::mark::cell::MarkKey;

/// What a text says of one key.
#[derive(Clone, Debug, PartialEq)]
pub struct Evidence {
    /// The score.
    pub total: f64,
    /// The score in standard deviations from its mean under the law; to compare, not a p-value.
    pub standardized: f64,
    /// The p-value of the law, or an upper bound of it, as a logarithm.
    pub ln_p: LnP,
    /// Whether `ln_p` is the law's own tail and not a bound.
    pub exact: bool,
    /// `-T² / 2 Σ u² d²`, for signs: a wider bound, which can be checked by hand.
    pub ln_p_hoeffding: Option<LnP>,
    /// Where the standardized score stands among those of decoy keys.
    pub decoys: DecoyScores,
    /// The deviation of the decoys' standardized scores; far from 1 if the law does not hold.
    pub dispersion: f64,
    /// The law of the score.
    pub law: NullLaw,
}

impl Evidence {
    fn new(total: f64, law: NullLaw, decoys: DecoyScores, hoeffding: Option<LnP>) -> Self {
        Self {
            total,
            standardized: law.standardized(total),
            ln_p: law.ln_tail(total),
            exact: law.is_exact(),
            ln_p_hoeffding: hoeffding,
            dispersion: decoys.deviation(),
            decoys,
            law,
        }
    }

    /// The p-value of the law; 0 below 1e-308, where [`Evidence::ln_p`] still tells.
    #[must_use]
    pub fn p_value(&self) -> f64 {
        self.ln_p.exp()
    }
}

/// Tests whether cells lean the way of a key.
///
/// The text is given and the key is random, so nothing need be assumed of the text: each cell adds
/// its weight with a fair sign.
#[must_use]
pub fn test_signs(weights: &Weights, key: &MarkKey, decoys: &Decoys) -> Evidence {
    let sums = SignSums::new(weights.units());
    let law = NullLaw::Signs { weights: weights.units().to_vec() };
    let total = sums.total(key) as f64;
    let hoeffding = ln_hoeffding(total, law.variance());
    let scale = Scale::of(&law);
    let compared = decoys.compare(scale.standardized(total), |key| {
        scale.standardized(sums.total(&MarkKey::from_bytes(*key)) as f64)
    });
    Evidence::new(total, law, compared, Some(hoeffding))
}

/// Tests whether tokens score high under a key. Each distinct site counts once. The p-value is not
/// below that of one key in all that the scheme can tell apart.
#[must_use]
pub fn test_tokens<S: TokenScheme>(
    scheme: &S,
    key: &S::Key,
    sites: &TokenSites,
    decoys: &Decoys,
) -> Evidence {
    let prepared = scheme.prepare(&mut sites.iter().map(|(site, _)| site));
    let KeyScore { total, trials } = scheme.score(key, &prepared);
    let law = scheme.null(&prepared, trials);
    let scale = Scale::of(&law);
    let compared = decoys.compare(scale.standardized(total), |bytes| {
        let decoy = scheme.score(&scheme.key(bytes), &prepared);
        if decoy.trials == trials {
            scale.standardized(decoy.total)
        } else {
            scheme.null(&prepared, decoy.trials).standardized(decoy.total)
        }
    });
    let evidence = Evidence::new(total, law, compared, None);
    Evidence { ln_p: evidence.ln_p.max(scheme.least_ln_p()), ..evidence }
}

/// `-T² / 2V` for a sum of fair signs with variance `V`; 0 if it is not positive.
#[must_use]
pub fn ln_hoeffding(total: f64, variance: f64) -> LnP {
    if total <= 0.0 {
        0.0
    } else if variance <= 0.0 {
        f64::NEG_INFINITY
    } else {
        -total * total / (2.0 * variance)
    }
}
