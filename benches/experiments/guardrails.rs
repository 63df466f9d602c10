//! Guardrails of ordinary accounts whose harm is exactly the margin: they must not be called held.

use guilloche::stats::{
    Alternative, Assignments, AsymptoticSequence, Guardrail, Harm, Margin, Moments,
    RandomizationSequence, Scale,
};

use crate::analyses::{drawn, level};
use crate::population::{Draw, named};
use crate::tally::{Rate, head, repetitions, row};

/// Seconds until the first word: lognormal, capped at ten.
fn latency(draw: &mut Draw) -> f64 {
    Scale::capped_at(10.0).unwrap().apply((0.8 * draw.normal() - 0.5).exp()).unwrap()
}

pub(crate) fn study() {
    head(&[
        "accounts",
        "split",
        "called held at the margin",
        "by Welch",
        "called broken at the margin",
        "by Welch",
        "broken at any of 30 looks",
        "held without harm",
        "broken at twice the margin",
        "at any of 30 looks",
    ]);
    let margin = 0.1;
    let guardrail = Guardrail::new(Harm::Increase, Margin::Relative(margin)).unwrap();
    for (line, (number, share)) in
        [(50, 0.5), (200, 0.5), (2_000, 0.5), (50, 0.1), (200, 0.1), (2_000, 0.1)]
            .into_iter()
            .enumerate()
    {
        let mut draw = Draw::of_line(5_000 + line as u64);
        let mut rates = [Rate::default(); 8];
        let sequence =
            AsymptoticSequence::tuned_for(number as f64, Alternative::Greater, level()).unwrap();
        for _ in 0..repetitions(4_000) {
            for (factor, places) in [
                (1.0 + margin, [Some(0), Some(1), Some(2), Some(3), Some(4)]),
                (1.0, [Some(5), None, None, None, None]),
                (1.0 + 2.0 * margin, [None, None, Some(6), None, Some(7)]),
            ] {
                let (mut control, mut treated) = (Moments::default(), Moments::default());
                let (mut control_values, mut treated_values) = (Vec::new(), Vec::new());
                let (mut ever, mut bets) = (None, RandomizationSequence::default());
                for unit in 1..=number {
                    let value = latency(&mut draw);
                    if draw.uniform() < share {
                        treated.push(factor * value).unwrap();
                        treated_values.push(factor * value);
                        let moved = guardrail.without_margin(factor * value);
                        bets.push(moved, true, share).unwrap();
                    } else {
                        control.push(value).unwrap();
                        control_values.push(value);
                        bets.push(value, false, share).unwrap();
                    }
                    if unit % (number / 30).max(1) == 0 {
                        // A proxy asks it whatever the tails, which moments alone do not tell.
                        let alone = |arm: &Moments| {
                            let squares = arm.sum_of_squares();
                            Moments::from_parts(arm.count(), arm.mean(), squares).unwrap()
                        };
                        let look = guardrail.excess(&alone(&control), &alone(&treated)).ok();
                        let found = look.and_then(|excess| sequence.at(&excess).ok());
                        let seen = bets.p_value() <= level().alpha();
                        ever = ever.max(found.map(|found| seen && found.interval.low > 0.0));
                    }
                }
                let assignments = Assignments { draws: 199, ..drawn(draw.seed()) };
                let sure =
                    guardrail.randomized(&control_values, &treated_values, &assignments).ok();
                let found = guardrail.non_inferiority(&control, &treated, level()).ok();
                let answers = [
                    sure.map(|sure| sure.held.p_value <= 0.05),
                    found.map(|found| found.excess.p_value <= 0.05),
                    sure.map(|sure| sure.broken.p_value <= 0.05),
                    found.map(|found| found.broken_p <= 0.05),
                    ever,
                ];
                for (place, answer) in places.into_iter().zip(answers) {
                    if let Some(place) = place {
                        rates[place].add(answer);
                    }
                }
            }
        }
        row(&named(number, share), &rates);
    }
}
