//! One guardrail that is watched: what its units show of the harm that an arm does.
//!
//! Harm is shown by two sequences together, or by a third. The one has the variance of the units to go
//! by, so that it speaks of means, and is deceived by heavy tails where an arm is small. The other bets
//! on the arm of each unit by its value, so that nothing deceives it where the arm does no harm, and
//! knows nothing of the size of what is done. The third has no need of either where values have a range
//! that is known.

use super::guards::Watched;
use crate::experiment::analysis::{bounds, margin_on_scale, scaled};
use crate::experiment::metric::{Better, Metric, Scale};
use crate::stats::{
    Alternative, AsymptoticSequence, BoundedSequence, Guardrail, Harm, LEAST_UNITS, Level, Margin,
    Moments, RandomizationSequence, StatsError,
};

/// Units for which a sequence is about narrowest.
const INTENDED_UNITS: f64 = 1_000.0;

/// One guardrail, with what is known of each arm.
#[derive(Debug)]
pub(super) struct Guard {
    pub(super) metric: Metric,
    pub(super) arms: Vec<Moments>,
    /// Of each arm but the control, whether its units are worse off than they would be without it.
    pub(super) bets: Vec<RandomizationSequence>,
}

impl Guard {
    pub(super) fn new(metric: &Metric, arms: usize) -> Self {
        Self {
            metric: metric.clone(),
            arms: vec![Moments::default(); arms],
            bets: vec![RandomizationSequence::default(); arms.saturating_sub(1)],
        }
    }

    /// Takes the value of a unit whose window is over.
    pub(super) fn take(&mut self, watched: &Watched, chances: &[f64]) {
        if watched.population != self.metric.population {
            return;
        }
        let Some(value) = self.metric.value(&watched.met) else { return };
        let taken = scaled(&self.metric, value);
        if let Some(arm) = self.arms.get_mut(watched.arm) {
            // What cannot be summed is left out.
            let _summed = arm.push(taken);
        }
        // A value tells where it was made if the arm does more harm than it may.
        let Ok(guardrail) = self.guardrail(1.0) else { return };
        let harmed = if self.metric.better == Better::Lower { 1.0 } else { -1.0 };
        for (arm, (bets, chance)) in (1..).zip(self.bets.iter_mut().zip(chances)) {
            let value = match watched.arm {
                0 => taken,
                own if own == arm => guardrail.without_margin(taken),
                _ => continue,
            };
            // Where units can be in one of the arms alone there is nothing to bet on.
            let _bet = bets.push(harmed * value, watched.arm == arm, *chance);
        }
    }

    /// The guardrail, where the control arm has such a mean.
    fn guardrail(&self, mean: f64) -> Result<Guardrail, StatsError> {
        let metric = &self.metric;
        let harm = match metric.better {
            Better::Lower => Harm::Increase,
            Better::Higher => Harm::Decrease,
        };
        let share = metric.margin.unwrap_or_default();
        let margin = match metric.scale {
            // It is not known either.
            Scale::Linear if mean > 0.0 => Margin::Relative(share),
            _ => Margin::Absolute(margin_on_scale(metric, share, mean)),
        };
        Guardrail::new(harm, margin)
    }

    /// Harm beyond the margin, and what it is at least.
    pub(super) fn excess(
        &self,
        (control, treated): (&Moments, &Moments),
        bets: &RandomizationSequence,
        level: Level,
    ) -> Result<(f64, f64), StatsError> {
        let guardrail = self.guardrail(control.mean())?;
        let range = bounds(&self.metric);
        // Where both kinds of sequence can be had, each may err half as often.
        let level = level.shared_among(if range.is_some() { 2 } else { 1 });
        let bounded = range.map(|(low, high)| -> Result<_, StatsError> {
            let sequence = BoundedSequence::new(low, high, level.shared_among(2))?;
            let within =
                guardrail.excess_within(&sequence.mean(control)?, &sequence.mean(treated)?);
            Ok((f64::midpoint(within.low, within.high), within.low))
        });
        let many = control.count().min(treated.count()) >= LEAST_UNITS;
        let asymptotic = many.then(|| -> Result<_, StatsError> {
            let excess = guardrail.excess(control, treated)?;
            let sequence =
                AsymptoticSequence::tuned_for(INTENDED_UNITS, Alternative::Greater, level)?;
            let found = sequence.whatever_the_tails(&excess);
            // Heavy tails and a small arm deceive the one, and an arm that only moves harm from unit to
            // unit the other: harm is shown where both see it.
            let seen = bets.p_value() <= level.alpha();
            let least = found.interval.low;
            Ok((found.estimate, if seen { least } else { least.min(0.0) }))
        });
        // The one that knows more; values that are all alike have no variance to go by.
        match (asymptotic, bounded) {
            (Some(Ok(one)), Some(Ok(other))) => Ok((one.0, one.1.max(other.1))),
            (Some(Ok(one)), _) | (_, Some(Ok(one))) => Ok(one),
            (Some(error), _) | (None, Some(error)) => error,
            (None, None) => Err(StatsError::TooFewUnits {
                method: "a guardrail whose values have no bound",
                needed: LEAST_UNITS,
                found: control.count().min(treated.count()),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use rand_chacha::ChaCha20Rng;
    use rand_chacha::rand_core::{Rng, SeedableRng};

    use super::*;
    use crate::audit::latency::LatencySketch;
    use crate::audit::{Population, UnitSums};
    use crate::experiment::metric::{Role, Rows};

    fn metric(name: &str, better: Better, cap: Option<u64>) -> Metric {
        Metric {
            name: name.to_owned(),
            role: Role::Guardrail,
            population: Population::Legitimate,
            better,
            margin: Some(0.05),
            cap: cap.and_then(std::num::NonZeroU64::new),
            scale: Scale::Linear,
            decides: false,
            rows: Rows::Sum,
            label: None,
        }
    }

    fn normal(random: &mut ChaCha20Rng) -> f64 {
        let mut uniform = || (f64::from(random.next_u32()) + 0.5) / 4_294_967_296.0;
        (-2.0 * uniform().ln()).sqrt() * (std::f64::consts::TAU * uniform()).cos()
    }

    /// More of them, for the figures in `docs/experiment-statistics.md`.
    fn repetitions(usual: u64) -> u64 {
        let wanted = std::env::var("GUILLOCHE_REPETITIONS").ok();
        wanted.and_then(|it| it.parse().ok()).unwrap_or(usual)
    }

    type Draw = fn(&mut ChaCha20Rng) -> f64;

    /// Lognormal, with logarithms that have a deviation of 2.
    fn heavy(random: &mut ChaCha20Rng) -> f64 {
        (2.0 * normal(random) + 6.0).exp()
    }

    /// One in a hundred has any.
    fn rare(random: &mut ChaCha20Rng) -> f64 {
        if random.next_u32() < u32::MAX / 100 { 1_000.0 } else { 0.0 }
    }

    /// After how many of these units, looked at ten by ten, the guardrail is broken, with `share` of them
    /// treated and what they have multiplied by `harm`.
    fn broken(
        metric: &Metric,
        draw: Draw,
        (share, harm): (f64, f64),
        units: u32,
        seed: u64,
    ) -> Option<u32> {
        let mut random = ChaCha20Rng::seed_from_u64(seed);
        let mut guard = Guard::new(metric, 2);
        let level = Level::new(0.05).unwrap();
        (1..=units).find(|unit| {
            let treated = f64::from(random.next_u32()) < share * 4_294_967_296.0;
            let value = draw(&mut random) * if treated { harm } else { 1.0 };
            let mut met =
                UnitSums { requests: 1, output_tokens: value as u64, ..UnitSums::default() };
            met.first_byte = LatencySketch::default();
            met.first_byte.add(value as u64);
            let (arm, population) = (usize::from(treated), Population::Legitimate);
            guard.take(&Watched { met, arm, population, until: 0 }, &[share]);
            if unit % 10 > 0 {
                return false;
            }
            let (control, other) = (&guard.arms[0], &guard.arms[1]);
            let found = guard.excess((control, other), &guard.bets[0], level);
            found.is_ok_and(|(_, least)| least > 0.0)
        })
    }

    // Break it: let the sequence that goes by the variance roll back alone, and where one unit in a hundred
    // has any, and one in ten is in an arm, 28 to 37 of a hundred experiments in which both arms are the same are
    // rolled back.
    #[test]
    fn arms_that_are_the_same_are_not_rolled_back_however_heavy_tails_and_small_an_arm() {
        let trials = repetitions(40);
        for (name, better) in [("first_byte_ms", Better::Lower), ("output_tokens", Better::Higher)]
        {
            for (values, draw, cap) in [
                ("heavy", heavy as Draw, None),
                ("heavy, capped", heavy, Some(60_000)),
                ("rare", rare, None),
            ] {
                for share in [0.1, 0.9, 0.5] {
                    let metric = metric(name, better, cap);
                    let stopped = (0..trials)
                        .filter(|seed| broken(&metric, draw, (share, 1.0), 1_500, *seed).is_some())
                        .count();
                    println!("| {name} | {values} | {share} | {stopped} of {trials} |");
                    // A chance of 5 % gives more by one of 1e-4.
                    let trials = trials as f64;
                    let most = 0.05 * trials + 3.72 * (trials * 0.05 * 0.95).sqrt();
                    assert!(stopped as f64 <= most, "{name} {values} {share}: {stopped}");
                }
            }
        }
    }

    // Break it: let gamblers bet on nothing.
    #[test]
    fn plain_harm_is_found_by_arms_that_are_even_and_by_arms_that_are_not() {
        let trials = repetitions(10);
        for (name, better, harm) in
            [("first_byte_ms", Better::Lower, 4.0), ("output_tokens", Better::Higher, 0.25)]
        {
            for share in [0.1, 0.5, 0.9] {
                let metric = metric(name, better, None);
                let mut units: Vec<u32> = (0..trials)
                    .filter_map(|seed| broken(&metric, heavy, (share, harm), 4_000, seed))
                    .collect();
                units.sort_unstable();
                let median = units.get(units.len() / 2);
                let found = units.len() as u64;
                println!("| {harm} | {name} | {share} | {found} of {trials} | {median:?} |");
                assert!(found * 10 >= trials * 8, "{name} {share}: {found} of {trials}");
            }
        }
    }
}
