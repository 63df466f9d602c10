//! Statistics of experiments: pure functions on sufficient statistics, one value per unit of
//! assignment.
//!
//! The units are few and unequal: a handful of clusters makes most of the traffic that an experiment
//! about harvesters is about, and tests that count accounts or requests find effects that are not
//! there. So, by what is asked:
//!
//! | question | decides | beside it |
//! |---|---|---|
//! | did the arm change anything, and by how much? | [`randomization_test`], [`randomization_interval`] | [`Contrast::welch`], which needs moments alone |
//! | the same, at a planned number of looks | the same, each look at its level of [`Looks`] | |
//! | did the arm change anything, at any time? | [`RandomizationSequence`] | |
//! | by how much, at any time? | [`AsymptoticSequence`] from [`LEAST_UNITS`] per arm, of heavy tails more; else [`BoundedSequence`] or [`BettingSequence`] | |
//! | the same, outcomes known late | [`ArmSequence`] | |
//! | does a guardrail hold? | [`Guardrail::randomized`] | [`Guardrail::non_inferiority`] |
//! | is it broken now? | a sequence of [`Guardrail::excess`] with the bets on [`Guardrail::without_margin`], of small arms [`Guardrail::excess_within`] | |
//! | several metrics that could decide? | [`holm`] | |
//! | was the assignment as planned? | [`sample_ratio`] | |
//! | do units lack a value alike in every arm? | [`homogeneity`] | |
//! | what could be shown? | [`Design`], [`Arrivals`], [`units_needed`] | [`Clusters`] |
//! | what is true behind noisy labels? | [`LabelQuality`] | |
//! | per request, not per unit? | nothing | [`SecondaryRatio`] |
//!
//! Values come in on a [`Scale`], may be adjusted by [`Cuped`], and are summed up in [`Moments`] and
//! [`PairedMoments`], which merge.

mod arrivals;
mod clusters;
mod contrast;
mod cuped;
mod dirichlet;
mod error;
mod guardrail;
mod holm;
mod homogeneity;
mod label_noise;
mod law;
mod level;
mod looks;
mod moments;
mod power;
mod randomization;
mod ratio;
mod sample_ratio;
mod scale;
mod sequence;

pub use arrivals::Arrivals;
pub use clusters::{Clusters, deviation_of_cluster_means};
pub use contrast::{Contrast, Effect};
pub use cuped::Cuped;
pub use error::StatsError;
pub use guardrail::{Guardrail, Harm, Margin, NonInferiority, RandomizedNonInferiority};
pub use holm::holm;
pub use homogeneity::{Homogeneity, homogeneity};
pub use label_noise::{LabelQuality, Stated};
pub use level::{Alternative, Interval, Level};
pub use looks::Looks;
pub use moments::{Moments, PairedMoments};
pub use power::{Design, units_needed};
pub use randomization::{Assignments, Randomization, randomization_interval, randomization_test};
pub use ratio::SecondaryRatio;
pub use sample_ratio::{ArmCount, SampleRatio, sample_ratio};
pub use scale::Scale;
pub use sequence::{
    ArmSequence, AsymptoticSequence, BettingSequence, BoundedSequence, LEAST_UNITS,
    RandomizationSequence, Sequential,
};
