//! Whether a text was exposed to a key, with p-values that hold whatever the text.
//!
//! The suspect's text did not choose our secret key. If it is unmarked, it is independent of the
//! key, and so the text can be held fixed and the *key* be taken as random: each cell's sign is
//! then a fair coin, whatever the language, the topics, the repetitions and the honest habits of
//! the model. For a score `T = Σ s u d` over cells with signs `s`, weights `u` and deviations `d`
//! from a baseline,
//!
//! ```text
//! P(T >= t) <= exp(-t² / 2 Σ u² d²)
//! ```
//!
//! and decoy keys give the same probability by simulation. An error in the baseline costs power and
//! never validity. A test that takes sites for independent trials is wrong: its score has a null
//! deviation of up to 28 instead of 1. Where trials are independent under a random key (distinct
//! sites of a token scheme), the exact binomial or gamma tail is used.
//!
//! What a rejection says: this text was *exposed* to outputs that carry the key. Lawful
//! republication of such outputs exposes everyone; it says nothing of who did what.
//!
//! ```
//! use guilloche::mark::cell::{Bits, Cell, ClassId, MarkKey};
//! use guilloche::forensics::detect::CellCounts;
//! use guilloche::forensics::evidence::{Decoys, Weights, test_signs};
//!
//! // A student that follows the key in every fourth of its choices between two variants.
//! let key = MarkKey::from_bytes([5; 32]);
//! let bits = Bits::new(&key, 64 * 16);
//! let mut counts = CellCounts::new("example", 64 * 16, 16);
//! for number in 0..2_000_u32 {
//!     let Some(mut document) = counts.document(&number.to_string(), &[]) else { continue };
//!     let cell = number * 7 % 1024;
//!     let follows = number % 4 == 0;
//!     let bit = bits.get(Cell::from_bucket(ClassId((cell / 16) as u16), (cell % 16) as u8));
//!     document.observe(0, cell, if follows { bit } else { number % 3 == 0 });
//! }
//! let evidence = test_signs(&Weights::from_counts(&counts, &[]), &key, &Decoys::new([1; 32], 1_000));
//! assert!(evidence.p_value() < 1e-6 && evidence.decoys.p_value() < 0.002);
//! ```

mod anytime;
mod chernoff;
mod coins;
mod controls;
mod copies;
mod decoys;
mod effect;
mod law;
mod law_effect;
mod law_likelihood;
mod law_sent;
mod law_weights;
mod multiplicity;
mod share;
mod signs;
mod tail;
mod test;
mod tilts;
mod weights;

pub use anytime::{AnytimeEvidence, block_of};
pub use coins::Strengths;
pub use controls::{CONTROL_LEVEL, Control, LEAST_DECOYS, Refusal, examine};
pub use copies::{CopyEvidence, Differing};
pub use decoys::{DecoyScores, Decoys};
pub use effect::Effect;
pub use law::NullLaw;
pub use law_sent::SentWeights;
pub use law_weights::{LawScore, LawWeights};
pub use multiplicity::{gated, holm, least_of};
pub use signs::SignSums;
pub use tail::{LnP, ln_binomial_tail, ln_gamma_tail};
pub use test::{Evidence, ln_hoeffding, test_signs, test_tokens};
pub use tilts::Tilts;
pub use weights::Weights;
